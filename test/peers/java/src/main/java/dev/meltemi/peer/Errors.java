package dev.meltemi.peer;

import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.rpc.RpcContext;
import org.apache.dubbo.rpc.RpcException;

/**
 * Makes calls that something between consumer and provider is to answer with an error, and prints what
 * arrives: a line for each call, its fields between tabs.
 *
 * <p>Arguments: PORT TIMEOUT_MILLIS SERIALIZATION CASE...
 */
public final class Errors {
  private static final int LARGE = 2 << 20;

  private Errors() {}

  public static void main(String[] args) {
    int timeout = Integer.parseInt(args[1]);
    ApplicationConfig application = new ApplicationConfig("consumer");
    application.setQosEnable(false);
    Peer peer = Consumer.refer(application, Consumer.url(args[0], args[2]), timeout, Peer.class, false);
    // The first call of a JVM takes so long to be sent that little of its time is left.
    call(peer, "warm");
    for (int i = 3; i < args.length; i++) {
      Consumer.print(args[i] + "\t" + call(peer, args[i]));
    }
    System.out.println("DONE");
    System.exit(0);
  }

  /** What a call gave: the exception's class, Dubbo's code for it, how long it took, and the text. */
  private static String call(Peer peer, String name) {
    RpcContext.getContext().setAttachment("case", name);
    if (name.equals("two-spellings")) {
      RpcContext.getContext().setAttachment("Lane", "a").setAttachment("lane", "b");
    }
    if (name.equals("large-metadata")) {
      RpcContext.getContext().setAttachment("large", new String(new char[60_000]).replace('\0', 'x'));
    }
    String text = name;
    if (name.equals("large-message")) {
      text = new String(new char[LARGE]).replace('\0', 'x');
    }
    if (name.equals("large-at-server")) {
      text = new String(new char[10_000]).replace('\0', 'x');
    }
    long start = System.nanoTime();
    try {
      return "none\t\t\t" + peer.echo(text);
    } catch (Throwable e) {
      long millis = (System.nanoTime() - start) / 1_000_000;
      Throwable cause = e;
      while (cause.getCause() != null) {
        cause = cause.getCause();
      }
      String code = e instanceof RpcException ? code(((RpcException) e).getCode()) : "";
      String message = String.valueOf(cause.getMessage()).split("\n")[0];
      return e.getClass().getName() + "\t" + code + "\t" + millis + "\t" + message;
    } finally {
      RpcContext.getContext().clearAttachments();
    }
  }

  private static String code(int code) {
    switch (code) {
      case RpcException.UNKNOWN_EXCEPTION: return "UNKNOWN";
      case RpcException.NETWORK_EXCEPTION: return "NETWORK";
      case RpcException.TIMEOUT_EXCEPTION: return "TIMEOUT";
      case RpcException.BIZ_EXCEPTION: return "BIZ";
      case RpcException.FORBIDDEN_EXCEPTION: return "FORBIDDEN";
      case RpcException.SERIALIZATION_EXCEPTION: return "SERIALIZATION";
      default: return String.valueOf(code);
    }
  }
}
