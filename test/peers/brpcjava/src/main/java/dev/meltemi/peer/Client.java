package dev.meltemi.peer;

import com.baidu.brpc.client.RpcCallback;
import com.baidu.brpc.client.RpcClient;
import com.baidu.brpc.client.RpcClientOptions;
import com.baidu.brpc.client.channel.ChannelType;
import com.baidu.brpc.client.channel.Endpoint;
import com.baidu.brpc.interceptor.AbstractInterceptor;
import com.baidu.brpc.protocol.BrpcMeta;
import com.baidu.brpc.protocol.Options.CompressType;
import com.baidu.brpc.protocol.Request;
import com.google.protobuf.DescriptorProtos.EnumValueDescriptorProto;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Future;

/** Makes stubs of {@link Peer}. Each has connections of its own. */
final class Client {
  /** The service with a method that does not wait for its answer. */
  interface Async extends Peer {
    Future<EnumValueDescriptorProto> echo(EnumValueDescriptorProto text, RpcCallback<EnumValueDescriptorProto> callback);
  }

  /** What no server has. */
  interface Missing {
    @BrpcMeta(serviceName = "dev.meltemi.peer.Peer", methodName = "missing")
    EnumValueDescriptorProto method(EnumValueDescriptorProto text);

    @BrpcMeta(serviceName = "dev.meltemi.peer.Missing", methodName = "echo")
    EnumValueDescriptorProto service(EnumValueDescriptorProto text);
  }

  /** What the calling thread's next calls carry and brpc-java lets interceptors alone set; null is nothing. */
  static final ThreadLocal<Long> TRACE = new ThreadLocal<>();
  static final ThreadLocal<String> CREDENTIALS = new ThreadLocal<>();

  private final List<Endpoint> endpoints = new ArrayList<>();
  private final int timeout;
  private final boolean once;

  Client(String ports, int timeout, boolean once) {
    for (String port : ports.split(",")) {
      endpoints.add(new Endpoint("127.0.0.1", Integer.parseInt(port)));
    }
    this.timeout = timeout;
    this.once = once;
  }

  /** A stub with 8 connections, which is what brpc-java makes by itself. */
  Async pooled() {
    return stub(Async.class, new RpcClientOptions());
  }

  /** A stub with one connection. */
  Async single() {
    return single(CompressType.COMPRESS_TYPE_NONE);
  }

  /** A stub with one connection whose messages are compressed. */
  Async single(CompressType compression) {
    RpcClientOptions options = new RpcClientOptions();
    options.setChannelType(ChannelType.SINGLE_CONNECTION);
    options.setCompressType(compression);
    return stub(Async.class, options);
  }

  /** A stub of another service, with one connection. */
  <T> T single(Class<T> type) {
    RpcClientOptions options = new RpcClientOptions();
    options.setChannelType(ChannelType.SINGLE_CONNECTION);
    return stub(type, options);
  }

  private <T> T stub(Class<T> type, RpcClientOptions options) {
    options.setReadTimeoutMillis(timeout);
    options.setWriteTimeoutMillis(Math.max(1000, timeout)); // of its own it gives up after a second
    options.setConnectTimeoutMillis(Math.max(1000, timeout));
    if (once) {
      options.setMaxTryTimes(1);
    }
    RpcClient client = new RpcClient(endpoints, options, Collections.singletonList(new AbstractInterceptor() {
      @Override
      public boolean handleRequest(Request request) {
        request.setTraceId(TRACE.get());
        request.setSpanId(TRACE.get());
        request.setAuth(CREDENTIALS.get());
        return true;
      }
    }));
    return RpcClient.getProxy(client, type);
  }
}
