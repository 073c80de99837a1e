"use strict";

const thrift = require("thrift");
const Later = require("./gen/Later");

/** One connection for all calls. It is made anew after it has broken. */
class Connection {
  #port;
  #timeout;
  #settings;
  #connection = null;
  #clients = {};
  #multiplexer = null;
  /** What to do with the calls that wait when the connection breaks. */
  #waiting = new Set();

  constructor(port, timeout, settings) {
    this.#port = port;
    this.#timeout = timeout;
    this.#settings = settings;
  }

  /** Makes a call: make is given the client of a service ("" is the only one). */
  call(service, make) {
    const client = this.#client(service);
    return new Promise((resolve, reject) => {
      const end = (settle) => (value) => {
        clearTimeout(timer);
        this.#waiting.delete(fail);
        settle(value);
      };
      const fail = end(reject);
      const timer = setTimeout(() => fail(new Error("the client's own timeout")), this.#timeout);
      this.#waiting.add(fail);
      make(client).then(end(resolve), fail);
    });
  }

  #client(service) {
    if (!this.#connection) {
      this.#open();
    }
    if (!this.#clients[service]) {
      this.#clients[service] = service
        ? this.#multiplexer.createClient(service, Later, this.#connection)
        : thrift.createClient(Later, this.#connection);
    }
    return this.#clients[service];
  }

  #open() {
    const connection = thrift.createConnection("127.0.0.1", this.#port, this.#settings.options);
    const broken = (e) => {
      if (this.#connection === connection) {
        this.#connection = null;
        connection.destroy();
        [...this.#waiting].forEach((fail) => fail(e));
      }
    };
    connection.on("error", broken);
    connection.on("close", () => broken(new Error("the connection was closed")));
    this.#connection = connection;
    this.#multiplexer = new thrift.Multiplexer();
    this.#clients = {};
  }
}

module.exports = { Connection };
