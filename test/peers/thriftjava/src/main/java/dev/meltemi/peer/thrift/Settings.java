package dev.meltemi.peer.thrift;

import org.apache.thrift.protocol.TBinaryProtocol;
import org.apache.thrift.protocol.TCompactProtocol;
import org.apache.thrift.protocol.TProtocolFactory;

/** What client and server speak: a word such as framed-binary-mux. */
final class Settings {
  final boolean framed;
  final TProtocolFactory protocol;
  final boolean mux;

  Settings(String text) {
    String[] parts = text.split("-");
    mux = parts.length == 3 && parts[2].equals("mux");
    framed = parts[0].equals("framed");
    if (parts.length != (mux ? 3 : 2) || !framed && !parts[0].equals("buffered")) {
      throw new IllegalArgumentException("settings: " + text + " is not known here");
    }
    switch (parts[1]) {
      case "binary":
        protocol = new TBinaryProtocol.Factory();
        break;
      case "compact":
        protocol = new TCompactProtocol.Factory();
        break;
      default:
        throw new IllegalArgumentException("settings: " + text + " is not known here");
    }
  }
}
