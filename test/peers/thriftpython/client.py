"""A connection to a server."""

from peer import Later
from thrift.protocol.TMultiplexedProtocol import TMultiplexedProtocol
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TTransportException

from settings import SEEN


class Connection:
    """One connection, which one thread uses. It is made anew after it has broken."""

    def __init__(self, port, timeout, settings):
        self._port = port
        self._timeout = timeout
        self._settings = settings
        self._transport = None
        self._protocol = None

    def call(self, service, make, headers=None):
        """Makes a call: make is given the client of a service ("" is the only one).

        The headers are sent if the transport has them.
        """
        if self._transport is None or not self._transport.isOpen():  # here, or at the server
            self._open()
        if self._settings.header:
            for key, value in (headers or {}).items():
                self._protocol.set_header(key.encode(), value.encode())
        protocol = TMultiplexedProtocol(self._protocol, service) if service else self._protocol
        try:
            return make(Later.Client(protocol))
        except (TTransportException, OSError, EOFError):
            self._close()
            raise

    def seen_lane(self):
        """Tells what the server of the last call saw of the header lane."""
        return self._protocol.get_headers().get(SEEN, b"").decode()

    def _close(self):
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def _open(self):
        self._close()
        socket = TSocket("127.0.0.1", self._port)
        socket.setTimeout(self._timeout)
        transport = self._settings.transport_factory.getTransport(socket)
        transport.open()
        self._transport = transport
        self._protocol = self._settings.client_protocol_factory.getProtocol(transport)
