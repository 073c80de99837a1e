package dev.meltemi.peer;

import com.baidu.brpc.RpcContext;
import com.baidu.brpc.client.RpcCallback;
import com.baidu.brpc.protocol.Options.CompressType;
import com.google.protobuf.DescriptorProtos.EnumValueDescriptorProto;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Mixed calls, and a line for each. The same calls give the same lines, whatever lies between. */
final class Calls {
  private final Client.Async peer;
  private final Objects objects;
  private final Client.Async single;
  private final Client.Async snappy;
  private final Client.Async gzip;
  private final Client.Async zlib;

  Calls(Client client) {
    peer = client.pooled();
    objects = client.single(Objects.class);
    single = client.single();
    snappy = client.single(CompressType.COMPRESS_TYPE_SNAPPY);
    gzip = client.single(CompressType.COMPRESS_TYPE_GZIP);
    zlib = client.single(CompressType.COMPRESS_TYPE_ZLIB);
  }

  void run(int calls, int threads) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    List<Future<String>> lines = new ArrayList<>();
    for (int i = 0; i < calls; i++) {
      int n = i;
      lines.add(pool.submit(() -> n + " " + describe(call(n))));
    }
    for (Future<String> line : lines) {
      Main.print(line.get());
    }
    pool.shutdown();
  }

  /** The calls, by number, in a mix that repeats. */
  private Callable<Object> call(int n) {
    String text = "call " + n;
    switch (n % 16) {
      case 0: return () -> peer.echo(Peer.text(text)).getName();
      case 1: return () -> peer.echo(Peer.text("grüße, 世界 😀 " + n)).getName();
      case 2: return () -> "\"" + peer.echo(Peer.text("")).getName() + "\"";
      case 3: return () -> peer.echo(Peer.text(repeat("long " + n + " ", 10000))).getName();
      case 4: return () -> objects.person(person(n));
      case 5: return () -> objects.person(new Person());
      case 6: return () -> bytes(peer, text, n % 160 == 6 ? 1 << 20 : 1000 + n);
      case 7: return () -> objects.add(Numbers.of(n, 1L << 40));
      case 8: return () -> peer.echo(Peer.text(null)).hasName();
      case 9: return () -> peer.failing(Peer.text(text)).getName();
      case 10: return () -> snappy.echo(Peer.text("snappy " + n)).getName();
      case 11: return () -> gzip.echo(Peer.text(repeat("gzip " + n + " ", 1000))).getName();
      case 12: return () -> bytes(zlib, text, 1000 + n);
      case 13: return () -> async(text);
      case 14: return () -> single.echo(Peer.text(text)).getName();
      default: return () -> metadata(n);
    }
  }

  /** Has the server answer with an attachment's bytes in reverse. */
  private static String bytes(Peer peer, String text, int size) {
    byte[] bytes = new byte[size];
    for (int i = 0; i < size; i++) {
      bytes[i] = (byte) (i * 31 + size);
    }
    RpcContext.getContext().setRequestBinaryAttachment(bytes);
    String answer = peer.bytes(Peer.text(text)).getName();
    ByteBuf attachment = RpcContext.getContext().getResponseBinaryAttachment();
    byte[] got = new byte[attachment.readableBytes()];
    attachment.readBytes(got);
    attachment.release();
    return answer + " and " + got.length + " bytes, " + (Arrays.equals(got, Server.reverse(bytes)) ? "reversed" : "WRONG");
  }

  private String async(String text) throws Exception {
    CompletableFuture<String> answer = new CompletableFuture<>();
    peer.echo(Peer.text(text), new RpcCallback<EnumValueDescriptorProto>() {
      @Override
      public void success(EnumValueDescriptorProto response) {
        answer.complete("later " + response.getName());
      }

      @Override
      public void fail(Throwable error) {
        answer.completeExceptionally(error);
      }
    });
    return answer.get();
  }

  private String metadata(int n) {
    RpcContext.getContext().setRequestKvAttachment("lane", "lane-" + n);
    RpcContext.getContext().setRequestKvAttachment("tenant", "blue");
    RpcContext.getContext().setRequestKvAttachment("unicode", "grüße 😀");
    RpcContext.getContext().setLogId(1000L + n);
    Client.TRACE.set((1L << 40) + n);
    try {
      return peer.metadata(Peer.text("saw")).getName();
    } finally {
      Client.TRACE.remove();
    }
  }

  private static Person person(int n) {
    Person p = new Person();
    p.name = "person " + n;
    p.age = -n;
    p.weight = n / 3.0;
    p.friends = Arrays.asList("one", "", "three");
    p.marks = Arrays.asList(Mark.of("n", n), Mark.of("max", Long.MAX_VALUE));
    return p;
  }

  static String repeat(String s, int n) {
    return String.join("", Collections.nCopies(n, s));
  }

  /** A result, by its length and hash if it is long. */
  static String describe(Object result) {
    String text = String.valueOf(result);
    return text.length() > 200 ? text.length() + " characters, hash " + text.hashCode() : text;
  }

  /** What a call gave: its result, or its exception. */
  static String describe(Callable<?> call) {
    try {
      return describe(call.call());
    } catch (Throwable e) {
      return Errors.describe(e);
    }
  }
}
