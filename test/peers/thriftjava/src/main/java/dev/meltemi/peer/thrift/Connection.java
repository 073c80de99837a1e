package dev.meltemi.peer.thrift;

import org.apache.thrift.TConfiguration;
import org.apache.thrift.protocol.TMultiplexedProtocol;
import org.apache.thrift.protocol.TProtocol;
import org.apache.thrift.transport.TSocket;
import org.apache.thrift.transport.TTransport;
import org.apache.thrift.transport.TTransportException;
import org.apache.thrift.transport.layered.TFramedTransport;

/** One connection, which one thread at a time uses. It is made anew after it has broken. */
final class Connection {
  private final int port;
  private final int timeout;
  private final Settings settings;
  private TTransport transport;

  Connection(int port, int timeout, Settings settings) {
    this.port = port;
    this.timeout = timeout;
    this.settings = settings;
  }

  /** A call to a client of the service. */
  interface Call {
    Object make(Later.Client client) throws Exception;
  }

  /** Makes a call to a service; "" is the only one. */
  Object call(String service, Call call) throws Exception {
    if (transport == null) {
      transport = open();
    }
    TProtocol protocol = settings.protocol.getProtocol(transport);
    if (!service.isEmpty()) {
      protocol = new TMultiplexedProtocol(protocol, service);
    }
    try {
      return call.make(new Later.Client(protocol));
    } catch (TTransportException e) {
      transport.close();
      transport = null;
      throw e;
    }
  }

  private TTransport open() throws TTransportException {
    TTransport socket = new TSocket(TConfiguration.DEFAULT, "127.0.0.1", port, timeout, timeout);
    TTransport opened = settings.framed ? new TFramedTransport(socket) : socket;
    opened.open();
    return opened;
  }
}
