"""A peer for the tests: a server or a client of ../thrift/peer.thrift, by Apache Thrift.

    main.py serve PORT SETTINGS
    main.py call PORT WHAT THREADS TIMEOUT_MS SETTINGS [ARG ...]

SETTINGS are TRANSPORT-PROTOCOL or TRANSPORT-PROTOCOL-mux: framed, buffered or theader,
and binary or compact. WHAT is the number of mixed calls, or one of these:

    executions       how often the server ran each method
    idle             two calls with a pause between them
    sleep MS         a call that takes the server MS milliseconds
    load SECONDS     calls without a pause, from all threads
    errors CASE ...  calls that something on the way is to answer
    lane LANE        a call with the header lane, and what the server saw of it (theader)
"""

import sys

import calls
import server
from settings import Settings


class UsageError(Exception):
    """What is wrong with the command line."""


def main(args):
    if len(args) == 3 and args[0] == "serve":
        server.serve(number(args[1]), settings(args[2]))
        return
    if len(args) >= 6 and args[0] == "call":
        port, threads, timeout = number(args[1]), number(args[3]), number(args[4])
        calls.run(port, args[2], threads, timeout, settings(args[5]), args[6:])
        print("DONE", flush=True)
        return
    raise UsageError(__doc__)


def number(text):
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{text!r} is no number") from None


def settings(text):
    try:
        return Settings(text)
    except KeyError as e:
        raise UsageError(f"settings {text!r}: what is {e}?") from None


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (UsageError, calls.UnknownError) as e:
        print(e, file=sys.stderr)
        sys.exit(2)
