package dev.meltemi.peer.thrift;

import java.util.Arrays;

/**
 * A peer for the tests: a server or a client of ../thrift/peer.thrift, by Apache Thrift.
 *
 * <pre>
 * serve PORT SETTINGS
 * call PORT WHAT THREADS TIMEOUT_MS SETTINGS [ARG ...]
 * </pre>
 *
 * <p>SETTINGS are TRANSPORT-PROTOCOL or TRANSPORT-PROTOCOL-mux: framed or buffered, and binary or compact. WHAT is
 * the number of mixed calls, or one of these:
 *
 * <pre>
 * executions       how often the server ran each method
 * idle             two calls with a pause between them
 * sleep MS         a call that takes the server MS milliseconds
 * load SECONDS     calls without a pause, from all threads
 * errors CASE ...  calls that something on the way is to answer
 * </pre>
 */
public final class Main {
  private Main() {}

  public static void main(String[] args) throws Exception {
    try {
      run(args);
      System.exit(0);
    } catch (IllegalArgumentException e) {
      System.err.println(e);
      System.exit(2);
    }
  }

  private static void run(String[] args) throws Exception {
    if (args.length == 3 && args[0].equals("serve")) {
      Server.serve(Integer.parseInt(args[1]), new Settings(args[2]));
      return;
    }
    if (args.length < 6 || !args[0].equals("call")) {
      throw new IllegalArgumentException("usage: serve PORT SETTINGS | call PORT WHAT THREADS TIMEOUT_MS SETTINGS [ARG ...]");
    }
    int port = Integer.parseInt(args[1]);
    int timeout = Integer.parseInt(args[4]);
    Settings settings = new Settings(args[5]);
    new Calls(() -> new Connection(port, timeout, settings), settings.mux, Integer.parseInt(args[3]))
        .run(args[2], Arrays.copyOfRange(args, 6, args.length));
    System.out.println("DONE");
  }
}
