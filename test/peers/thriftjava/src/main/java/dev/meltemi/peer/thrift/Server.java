package dev.meltemi.peer.thrift;

import java.io.IOException;
import java.net.InetSocketAddress;
import org.apache.thrift.TMultiplexedProcessor;
import org.apache.thrift.TProcessor;
import org.apache.thrift.protocol.TProtocol;
import org.apache.thrift.server.ServerContext;
import org.apache.thrift.server.TServer;
import org.apache.thrift.server.TServerEventHandler;
import org.apache.thrift.server.TThreadPoolServer;
import org.apache.thrift.server.TThreadedSelectorServer;
import org.apache.thrift.transport.TNonblockingServerSocket;
import org.apache.thrift.transport.TServerSocket;
import org.apache.thrift.transport.TTransport;
import org.apache.thrift.transport.TTransportException;

/** A server: frames are served by the library's selectors, the rest by a thread for each connection. */
final class Server {
  private static final int THREADS = 200;

  private Server() {}

  /** Serves until the standard input ends. */
  static void serve(int port, Settings settings) throws IOException, TTransportException {
    InetSocketAddress address = new InetSocketAddress("127.0.0.1", port);
    TServer server = settings.framed
        ? new TThreadedSelectorServer(new TThreadedSelectorServer.Args(new TNonblockingServerSocket(address))
            .processor(processor(settings)).protocolFactory(settings.protocol))
        : new TThreadPoolServer(new TThreadPoolServer.Args(new TServerSocket(address))
            .maxWorkerThreads(THREADS).processor(processor(settings)).protocolFactory(settings.protocol));
    server.setServerEventHandler(new Ready());
    Thread thread = new Thread(server::serve);
    thread.setDaemon(true);
    thread.start();
    while (System.in.read() >= 0) {
      // The parent holds our input open for as long as we are wanted.
    }
  }

  private static TProcessor processor(Settings settings) {
    Handler handler = new Handler();
    if (!settings.mux) {
      return new Peer.Processor<>(handler);
    }
    TMultiplexedProcessor both = new TMultiplexedProcessor();
    both.registerProcessor("Peer", new Peer.Processor<>(handler));
    both.registerProcessor("Second", new Second.Processor<>(handler));
    return both;
  }

  /** Tells when the server listens. */
  private static final class Ready implements TServerEventHandler {
    @Override
    public void preServe() {
      System.out.println("READY");
    }

    @Override
    public ServerContext createContext(TProtocol input, TProtocol output) {
      return null;
    }

    @Override
    public void deleteContext(ServerContext context, TProtocol input, TProtocol output) {}

    @Override
    public void processContext(ServerContext context, TTransport input, TTransport output) {}
  }
}
