"use strict";

const thrift = require("thrift");

const transports = { framed: thrift.TFramedTransport, buffered: thrift.TBufferedTransport };
const protocols = { binary: thrift.TBinaryProtocol, compact: thrift.TCompactProtocol };

/** What client and server speak: a word such as framed-binary-mux. */
class Settings {
  constructor(text) {
    const [transport, protocol, mux] = text.split("-");
    if (!transports[transport] || !protocols[protocol] || ![undefined, "mux"].includes(mux)) {
      throw new RangeError(`settings: ${text} is not known here`);
    }
    /** The options of the library's connections and servers. */
    this.options = { transport: transports[transport], protocol: protocols[protocol] };
    this.mux = mux === "mux";
  }
}

module.exports = { Settings };
