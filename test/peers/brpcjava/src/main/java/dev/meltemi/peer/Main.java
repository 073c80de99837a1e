package dev.meltemi.peer;

import java.util.Arrays;
import java.util.List;

/**
 * The command line of the peer.
 *
 * <pre>
 * serve PORT SETTINGS
 * call PORT[,PORT...] WHAT THREADS TIMEOUT_MILLIS SETTINGS [ARG...]
 * </pre>
 *
 * <p>Settings are how often a client tries a call: "once", or "default" for as often as brpc-java does by
 * itself. A server has none.
 */
public final class Main {
  private Main() {}

  public static void main(String[] args) throws Exception {
    if (args.length == 3 && args[0].equals("serve") && known(args[2])) {
      Server.serve(Integer.parseInt(args[1]));
    } else if (args.length >= 6 && args[0].equals("call") && known(args[5])) {
      Client client = new Client(args[1], Integer.parseInt(args[4]), args[5].equals("once"));
      call(client, args[2], Integer.parseInt(args[3]), Arrays.asList(args).subList(6, args.length));
      System.out.println("DONE");
    } else {
      System.err.println("usage: serve PORT once|default\n"
          + "       call PORT[,PORT...] CALLS|executions|idle|sleep|load|errors THREADS TIMEOUT_MILLIS once|default [ARG...]");
      System.exit(2);
    }
    System.out.flush();
    Runtime.getRuntime().halt(0); // to exit takes brpc-java seconds
  }

  private static boolean known(String settings) {
    return settings.equals("once") || settings.equals("default");
  }

  private static void call(Client client, String what, int threads, List<String> args) throws Exception {
    switch (what) {
      case "executions":
        print(client.single().executions(Peer.text(null)).getName());
        break;
      case "idle":
        Peer peer = client.single();
        print(peer.echo(Peer.text("before")).getName());
        Thread.sleep(5000);
        print(peer.echo(Peer.text("after")).getName());
        break;
      case "sleep":
        Peer sleeper = client.single();
        // The first call of a JVM takes so long to be sent that its time is over by then.
        sleeper.echo(Peer.text("warm"));
        print(Calls.describe(() -> sleeper.sleep(Peer.text(args.get(0))).getName()));
        break;
      case "load":
        new Load(client.single()).run(threads, Integer.parseInt(args.get(0)));
        break;
      case "errors":
        new Errors(client).run(args);
        break;
      default:
        new Calls(client).run(Integer.parseInt(what), threads);
    }
  }

  /** Prints a result, marked so that it cannot be taken for a log line. */
  static void print(String result) {
    System.out.println("= " + result);
  }
}
