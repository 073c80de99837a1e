"""What client and server speak."""

from thrift.protocol.TBinaryProtocol import TBinaryProtocolAcceleratedFactory, TBinaryProtocolFactory
from thrift.protocol.TCompactProtocol import TCompactProtocolAcceleratedFactory, TCompactProtocolFactory
from thrift.protocol.THeaderProtocol import THeaderProtocolFactory
from thrift.transport.THeaderTransport import THeaderSubprotocolID
from thrift.transport.TTransport import TBufferedTransportFactory, TFramedTransportFactory, TTransportFactoryBase


# The header by which a server tells what it saw of the header lane.
SEEN = b"seen-lane"


class Settings:
    """A word such as framed-binary-mux. A KeyError names a part that is unknown."""

    def __init__(self, text):
        transport, _, protocol = text.partition("-")
        protocol, _, mux = protocol.partition("-")
        self.header = transport == "theader"
        self.mux = {"": False, "mux": True}[mux]
        self.transport_factory = {
            "framed": TFramedTransportFactory,
            "buffered": TBufferedTransportFactory,
            "theader": TTransportFactoryBase,  # the protocol brings the transport
        }[transport]()
        # A server writes with the protocol in C, if its transport allows it, and a
        # client with the one in Python: both are in use.
        accelerated, plain, subprotocol = {
            "binary": (TBinaryProtocolAcceleratedFactory, TBinaryProtocolFactory, THeaderSubprotocolID.BINARY),
            "compact": (TCompactProtocolAcceleratedFactory, TCompactProtocolFactory, THeaderSubprotocolID.COMPACT),
        }[protocol]
        if self.header:
            header = THeaderProtocolFactory(default_protocol=subprotocol)
            self.server_protocol_factory = self.client_protocol_factory = header
        else:
            self.server_protocol_factory = accelerated()
            self.client_protocol_factory = plain()
