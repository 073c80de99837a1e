package dev.meltemi.peer;

import com.baidu.brpc.RpcContext;
import com.baidu.brpc.interceptor.AbstractInterceptor;
import com.baidu.brpc.protocol.Request;
import com.baidu.brpc.server.RpcServer;
import com.baidu.brpc.server.RpcServerOptions;
import com.google.protobuf.DescriptorProtos.EnumValueDescriptorProto;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** Serves {@link Peer} and {@link Objects}. */
final class Server implements Peer {
  /** The request that the thread is executing: brpc-java shows some of its fields to interceptors only. */
  private static final ThreadLocal<Request> CURRENT = new ThreadLocal<>();

  private final Map<String, AtomicInteger> executions = new ConcurrentHashMap<>();

  /** Serves at a port until the standard input ends. */
  static void serve(int port) throws Exception {
    RpcServerOptions options = new RpcServerOptions();
    options.setWorkThreadNum(32); // calls that sleep hold one each
    RpcServer server = new RpcServer("127.0.0.1", port, options, Collections.singletonList(new AbstractInterceptor() {
      @Override
      public boolean handleRequest(Request request) {
        CURRENT.set(request);
        return true;
      }
    }));
    Server peer = new Server();
    server.registerService(peer);
    server.registerService(peer.new OfObjects());
    server.start();
    System.out.println("READY");
    while (System.in.read() >= 0) {
      // The parent holds our input open for as long as we are wanted.
    }
  }

  private void count(String method) {
    executions.computeIfAbsent(method, m -> new AtomicInteger()).incrementAndGet();
  }

  @Override
  public EnumValueDescriptorProto echo(EnumValueDescriptorProto text) {
    count("echo");
    return text;
  }

  @Override
  public EnumValueDescriptorProto bytes(EnumValueDescriptorProto text) {
    count("bytes");
    ByteBuf attachment = RpcContext.getContext().getRequestBinaryAttachment();
    byte[] bytes = new byte[attachment.readableBytes()];
    attachment.readBytes(bytes);
    RpcContext.getContext().setResponseBinaryAttachment(Unpooled.wrappedBuffer(reverse(bytes)));
    return text;
  }

  static byte[] reverse(byte[] bytes) {
    byte[] reversed = new byte[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      reversed[i] = bytes[bytes.length - 1 - i];
    }
    return reversed;
  }

  @Override
  public EnumValueDescriptorProto failing(EnumValueDescriptorProto text) {
    count("failing");
    throw new IllegalStateException(text.getName());
  }

  @Override
  public EnumValueDescriptorProto metadata(EnumValueDescriptorProto text) {
    count("metadata");
    Request request = CURRENT.get();
    Map<String, Object> entries = request.getKvAttachment();
    return Peer.text(text.getName() + " " + (entries == null ? "{}" : new TreeMap<>(entries)) + " log " + request.getLogId()
        + " trace " + request.getTraceId() + " credentials " + request.getAuth());
  }

  @Override
  public EnumValueDescriptorProto sleep(EnumValueDescriptorProto millis) {
    count("sleep");
    try {
      Thread.sleep(Integer.parseInt(millis.getName()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return Peer.text("slept " + millis.getName());
  }

  @Override
  public EnumValueDescriptorProto executions(EnumValueDescriptorProto nothing) {
    return Peer.text(new TreeMap<>(executions).toString());
  }

  /** Serves {@link Objects}. */
  private final class OfObjects implements Objects {
    @Override
    public Person person(Person person) {
      count("person");
      return person;
    }

    @Override
    public Numbers add(Numbers numbers) {
      count("add");
      return Numbers.of(numbers.a, numbers.a + numbers.b);
    }
  }
}
