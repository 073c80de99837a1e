"use strict";

const thrift = require("thrift");
const Peer = require("./gen/Peer");
const Second = require("./gen/Second");
const { Declared } = require("./gen/peer_types");

/** The service. It answers what its interface says, and counts. */
class Handler {
  #executions = {};

  #count(method) {
    this.#executions[method] = (this.#executions[method] || 0) + 1;
  }

  async echo(text) {
    this.#count("echo");
    return text;
  }

  async person(person) {
    this.#count("person");
    return person;
  }

  async texts(texts) {
    this.#count("texts");
    return texts;
  }

  async table(table) {
    this.#count("table");
    return table;
  }

  async bytes(data) {
    this.#count("bytes");
    return data;
  }

  async add(a, b) {
    this.#count("add");
    return thrift.fromBigInt(BigInt(a) + thrift.toBigInt(b));
  }

  async flag(value, numbers) {
    this.#count("flag");
    return value && numbers.length === 3;
  }

  async noResult(text) {
    this.#count("noResult");
  }

  async declared(text) {
    this.#count("declared");
    throw new Declared({ message: text, code: 7 });
  }

  async undeclared(text) {
    this.#count("undeclared");
    throw new Error(text);
  }

  tell(text) {
    this.#count("tell");
  }

  async executions() {
    return this.#executions;
  }

  async sleep(milliseconds) {
    this.#count("sleep");
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    return `slept ${milliseconds}`;
  }
}

/** Serves until the standard input ends. */
function serve(port, settings) {
  const handler = new Handler();
  let server;
  if (settings.mux) {
    const processor = new thrift.MultiplexedProcessor();
    processor.registerProcessor("Peer", new Peer.Processor(handler));
    processor.registerProcessor("Second", new Second.Processor(handler));
    server = thrift.createMultiplexServer(processor, settings.options);
  } else {
    server = thrift.createServer(Peer, handler, settings.options);
  }
  server.on("error", (e) => console.error(e)); // of a connection too
  server.listen(port, "127.0.0.1", () => console.log("READY"));
  process.stdin.on("end", () => process.exit(0)).resume();
}

module.exports = { serve };
