"use strict";

const calls = require("./calls");
const { Settings } = require("./settings");
const server = require("./server");

const usage = `A peer for the tests: a server or a client of ../thrift/peer.thrift, by Apache Thrift.

    main.js serve PORT SETTINGS
    main.js call PORT WHAT THREADS TIMEOUT_MS SETTINGS [ARG ...]

SETTINGS are TRANSPORT-PROTOCOL or TRANSPORT-PROTOCOL-mux: framed or buffered, and binary
or compact. All calls of a client are on one connection, THREADS of them at a time. WHAT
is the number of mixed calls, or one of these:

    executions       how often the server ran each method
    idle             two calls with a pause between them
    sleep MS         a call that takes the server MS milliseconds
    load SECONDS     calls without a pause
    errors CASE ...  calls that something on the way is to answer`;

async function main(args) {
  if (args[0] === "serve" && args.length === 3) {
    server.serve(number(args[1]), new Settings(args[2]));
    return;
  }
  if (args[0] === "call" && args.length >= 6) {
    const settings = new Settings(args[5]);
    await calls.run(number(args[1]), args[2], number(args[3]), number(args[4]), settings, args.slice(6));
    console.log("DONE");
    process.exit(0);
  }
  throw new RangeError(usage);
}

function number(text) {
  if (!/^\d+$/.test(text)) {
    throw new RangeError(`${text} is no number`);
  }
  return Number(text);
}

main(process.argv.slice(2)).catch((e) => {
  console.error(e instanceof RangeError ? e.message : e);
  process.exit(e instanceof RangeError ? 2 : 1);
});
