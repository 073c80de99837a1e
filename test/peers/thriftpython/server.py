"""The server."""

import logging
import os
import sys
import threading
import time

from peer import Peer, Second
from peer.ttypes import Declared
from thrift.TMultiplexedProcessor import TMultiplexedProcessor
from thrift.protocol.TProtocolDecorator import TProtocolDecorator
from thrift.server.TServer import TThreadedServer
from thrift.transport.TSocket import TServerSocket

from settings import SEEN


class Handler:
    """The service. It answers what its interface says, and counts."""

    def __init__(self):
        self._lock = threading.Lock()
        self._executions = {}

    def _count(self, method):
        with self._lock:
            self._executions[method] = self._executions.get(method, 0) + 1

    def echo(self, text):
        self._count("echo")
        return text

    def person(self, person):
        self._count("person")
        return person

    def texts(self, texts):
        self._count("texts")
        return texts

    def table(self, table):
        self._count("table")
        return table

    def bytes(self, data):
        self._count("bytes")
        return data

    def add(self, a, b):
        self._count("add")
        return a + b

    def flag(self, value, numbers):
        self._count("flag")
        return value and len(numbers) == 3

    def noResult(self, text):
        self._count("noResult")

    def declared(self, text):
        self._count("declared")
        raise Declared(message=text, code=7)

    def undeclared(self, text):
        self._count("undeclared")
        raise RuntimeError(text)

    def tell(self, text):
        self._count("tell")

    def executions(self):
        with self._lock:
            return dict(self._executions)

    def sleep(self, milliseconds):
        self._count("sleep")
        time.sleep(milliseconds / 1000)
        return f"slept {milliseconds}"


class LaneProcessor:
    """Tells callers what their header "lane" is, by a header of the answer."""

    def __init__(self, processor):
        self._processor = processor

    def process(self, iprot, oprot):
        return self._processor.process(iprot, LaneProtocol(oprot))


class LaneProtocol(TProtocolDecorator):
    """The protocol of an answer, whose headers are those of the call just read."""

    def __init__(self, protocol):
        pass

    def writeMessageBegin(self, name, type, seqid):
        self.set_header(SEEN, self.get_headers().get(b"lane", b""))
        super().writeMessageBegin(name, type, seqid)


class Server(TThreadedServer):
    """A server that says when it listens."""

    def serve(self):
        self.serverTransport.listen()
        print("READY", flush=True)
        self.serverTransport.listen = lambda: None  # it does already
        super().serve()


def serve(port, settings):
    """Serves until the standard input ends."""
    # The library logs the stack of each undeclared exception.
    logging.getLogger().addFilter(lambda record: record.getMessage() != "Unexpected exception in handler")
    handler = Handler()
    processor = Peer.Processor(handler)
    if settings.mux:
        processor = TMultiplexedProcessor()
        processor.registerProcessor("Peer", Peer.Processor(handler))
        processor.registerProcessor("Second", Second.Processor(handler))
    if settings.header:
        processor = LaneProcessor(processor)
    server = Server(processor, TServerSocket("127.0.0.1", port), settings.transport_factory,
                    settings.server_protocol_factory, daemon=True)
    threading.Thread(target=server.serve, daemon=True).start()
    sys.stdin.buffer.read()
    os._exit(0)
