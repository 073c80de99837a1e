"""The calls of a client, and how their results are printed."""

import queue
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

from client import Connection
from peer.ttypes import Declared, Person
from thrift.Thrift import TException


class UnknownError(Exception):
    """There is nothing of that name to do."""


# Mixed calls that no method of a server answers.
ONE_WAY, MISSING = 13, 15


def run(port, what, threads, timeout, settings, args):
    """Makes the calls that what names, and prints their results."""
    connection = Connection(port, timeout, settings)
    service = "Peer" if settings.mux else ""

    def call(make):
        return describe(lambda: connection.call(service, make))

    if what == "executions":
        result(call(lambda c: c.executions()))
    elif what == "idle":
        result(call(lambda c: c.echo("before")))
        time.sleep(5)
        result(call(lambda c: c.echo("after")))
    elif what == "sleep":
        result(call(lambda c: c.sleep(int(args[0]))))
    elif what == "load":
        load(lambda: Connection(port, timeout, settings), service, threads, int(args[0]))
    elif what == "errors":
        for name in args:
            result(failing(connection, name))
    elif what == "lane" and settings.header:
        line = describe(lambda: connection.call(service, lambda c: c.echo("lane"), {"lane": args[0]}))
        result(f"{line}, seen {connection.seen_lane()}")
    elif what.isdigit():
        for n, line in enumerate(mixed(lambda: Connection(port, timeout, settings), settings, int(what), threads)):
            result(f"{n} {line}")
    else:
        raise UnknownError(f"there is nothing to do of the name {what} with these settings")


def result(line):
    """Prints a result, marked so that it cannot be taken for a log line."""
    print("=", line, flush=True)


def mixed(connect, settings, count, threads):
    """Makes the calls, some at a time, and returns their results in order."""
    connections = queue.SimpleQueue()
    for _ in range(threads):
        connections.put(connect())

    def one(n):
        service = ("Peer", "Second")[n % 2] if settings.mux else ""
        connection = connections.get()
        try:
            line = describe(lambda: connection.call(service, lambda c: numbered(c, n), {"lane": f"lane-{n}"}))
            if settings.header and n % 16 not in (ONE_WAY, MISSING):
                line += f", seen {connection.seen_lane()}"
            return line
        finally:
            connections.put(connection)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(count)))


def numbered(client, n):
    """Makes one of the calls, by number, in a mix that repeats."""
    text = f"call {n}"
    return (
        lambda: client.echo(text),
        lambda: client.echo(f"grüße, 世界 😀 {n}"),
        lambda: client.echo(""),
        lambda: client.echo(f"{n:06} " * 10_000),
        lambda: client.person(person(n, ["first", "", "third"])),
        lambda: client.texts([text, "", "ü"]),
        lambda: client.table({"n": [n, -1, 1 << 40], "empty": []}),
        lambda: client.bytes(data(n)),
        lambda: client.add(n, 1 << 40),
        lambda: client.flag(n % 32 == 9, {1, -2, 300}),
        lambda: client.noResult(text),
        lambda: client.declared(text),
        lambda: client.undeclared(text),
        lambda: sent(client.tell(text)),
        lambda: client.person(person(n, None)),
        lambda: client.missing(text),
    )[n % 16]()


def person(n, friends):
    return Person(name=f"person {n}", age=n, weight=n / 4, friends=friends, marks={"a": n, "b": -1 << 40})


def data(n):
    size = 1 << 20 if n % 160 == 7 else 1000 + n
    return (bytes((0, 0xFF, n % 256)) * size)[:size]


def sent(nothing):
    return "sent"


def load(connect, service, threads, seconds):
    """Calls for some seconds without a pause, and prints how it went."""
    end = time.monotonic() + seconds
    good, failures = [], []

    def one(thread):
        connection = connect()
        n = 0
        while time.monotonic() < end:
            text = f"load {thread}/{n}"
            got = describe(lambda: connection.call(service, lambda c: c.echo(text)))
            (good if got == text else failures).append(got)
            n += 1

    all_threads = [threading.Thread(target=one, args=(i,)) for i in range(threads)]
    for t in all_threads:
        t.start()
    for t in all_threads:
        t.join()
    result(f"good {len(good)} failed {len(failures)}")
    for line in failures:
        result(line)


def failing(connection, name):
    """Makes a call of a case, which is the name of its service, and tells what came of it:
    the case, the exception's class, its type, the milliseconds, and the text."""
    text = {"large-message": "x" * (2 << 20), "large-at-server": "x" * 10_000}.get(name, name)
    headers = {
        "large-metadata": {"large": "x" * 60_000},
        "two-spellings": {"Lane": "a", "lane": "b"},
    }.get(name)
    start = time.monotonic()
    try:
        return f"{name}\tnone\t\t\t{connection.call(name, lambda c: c.echo(text), headers)}"
    except Exception as e:
        millis = int((time.monotonic() - start) * 1000)
        return f"{name}\t{type(e).__name__}\t{getattr(e, 'type', '')}\t{millis}\t{first_line(e)}"


def describe(call):
    """Tells what a call gave: its result, or its exception by class, type and text."""
    try:
        text = show(call())
    except Declared as e:
        return f"Declared {e.code}: {e.message}"
    except TException as e:
        return f"{type(e).__name__} {e.type}: {first_line(e)}"
    except OSError as e:
        return f"{type(e).__name__}: {e}"
    return text if len(text) <= 200 else f"{len(text)} characters, hash {zlib.crc32(text.encode()):08x}"


def first_line(e):
    return str(getattr(e, "message", None) or e).split("\n", 1)[0]


def show(value):
    """A value as all of the Thrift peers print it."""
    if value is None:
        return "void"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return f"{len(value)} bytes, hash {zlib.crc32(value):08x}"
    if isinstance(value, list):
        return "[" + ", ".join(map(show, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}={show(v)}" for k, v in sorted(value.items())) + "}"
    if isinstance(value, Person):
        friends = "none" if value.friends is None else show(value.friends)
        return f"{value.name}/{value.age}/{value.weight:.2f}/{friends}/{show(value.marks)}"
    return str(value)
