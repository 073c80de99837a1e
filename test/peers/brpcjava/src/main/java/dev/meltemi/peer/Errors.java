package dev.meltemi.peer;

import com.baidu.brpc.RpcContext;
import com.baidu.brpc.exceptions.RpcException;
import com.google.protobuf.DescriptorProtos.EnumValueDescriptorProto;
import java.util.List;

/**
 * Makes calls that something between client and server is to answer with an error, and prints what arrives: a
 * line for each call, its fields between tabs.
 */
final class Errors {
  private final Client.Async peer;
  private final Client.Missing missing;

  Errors(Client client) {
    peer = client.single();
    missing = client.single(Client.Missing.class);
  }

  void run(List<String> cases) {
    // The first call of a JVM takes so long to be sent that little of its time is left.
    call("warm");
    for (String name : cases) {
      Main.print(name + "\t" + call(name));
    }
  }

  /** What a call gave: the exception's class, brpc-java's code for its cause, how long it took, and the text. */
  private String call(String name) {
    RpcContext context = RpcContext.getContext();
    context.setRequestKvAttachment("case", name);
    long start = System.nanoTime();
    try {
      return "none\t\t\t" + Calls.describe(made(name, context));
    } catch (Throwable e) {
      long millis = (System.nanoTime() - start) / 1_000_000;
      Throwable cause = innermost(e);
      String code = cause instanceof RpcException ? code((RpcException) cause) : "";
      return e.getClass().getName() + "\t" + code + "\t" + millis + "\t" + firstLine(cause);
    } finally {
      Client.CREDENTIALS.remove();
      context.reset();
    }
  }

  private String made(String name, RpcContext context) {
    return answer(name, context).getName();
  }

  private EnumValueDescriptorProto answer(String name, RpcContext context) {
    switch (name) {
      case "two-spellings":
        context.setRequestKvAttachment("Lane", "a");
        context.setRequestKvAttachment("lane", "b");
        return peer.echo(Peer.text(name));
      case "large-metadata":
        context.setRequestKvAttachment("large", Calls.repeat("x", 60_000));
        return peer.echo(Peer.text(name));
      case "large-message":
        return peer.echo(Peer.text(Calls.repeat("x", 2 << 20)));
      case "large-at-server":
        return peer.echo(Peer.text(Calls.repeat("x", 10_000)));
      case "credentials":
        Client.CREDENTIALS.set("secret");
        return peer.metadata(Peer.text(name));
      case "metadata":
        return peer.metadata(Peer.text(name));
      case "missing-method":
        return missing.method(Peer.text(name));
      case "missing-service":
        return missing.service(Peer.text(name));
      default:
        return peer.echo(Peer.text(name));
    }
  }

  /** An exception by its class, with the code and text of its innermost cause. */
  static String describe(Throwable e) {
    Throwable cause = innermost(e);
    return e.getClass().getName() + ": " + (cause instanceof RpcException ? code((RpcException) cause) + ": " : "") + firstLine(cause);
  }

  private static Throwable innermost(Throwable e) {
    return e.getCause() == null ? e : innermost(e.getCause());
  }

  private static String firstLine(Throwable e) {
    if (e instanceof RpcException && ((RpcException) e).isTimeout()) {
      return "timeout"; // brpc-java's own; two of its threads look at the clock, and each has a text for it
    }
    return String.valueOf(e.getMessage()).split("\n")[0];
  }

  private static String code(RpcException e) {
    switch (e.getCode()) {
      case RpcException.UNKNOWN_EXCEPTION: return "UNKNOWN";
      case RpcException.NETWORK_EXCEPTION: return "NETWORK";
      case RpcException.TIMEOUT_EXCEPTION: return "TIMEOUT";
      case RpcException.SERVICE_EXCEPTION: return "SERVICE";
      case RpcException.FORBIDDEN_EXCEPTION: return "FORBIDDEN";
      case RpcException.SERIALIZATION_EXCEPTION: return "SERIALIZATION";
      case RpcException.INTERCEPT_EXCEPTION: return "INTERCEPT";
      default: return String.valueOf(e.getCode());
    }
  }
}
