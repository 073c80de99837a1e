package dev.meltemi.peer.thrift;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.apache.thrift.TApplicationException;

/** The calls of a client. */
final class Calls {
  private final Supplier<Connection> connect;
  private final boolean mux;
  private final String service;
  private final int threads;
  private final Connection connection;

  Calls(Supplier<Connection> connect, boolean mux, int threads) {
    this.connect = connect;
    this.mux = mux;
    this.service = mux ? "Peer" : "";
    this.threads = threads;
    this.connection = connect.get();
  }

  /** Makes the calls that what names, and prints their results. */
  void run(String what, String[] args) throws Exception {
    switch (what) {
      case "executions":
        print(call(Later.Client::executions));
        break;
      case "idle":
        print(call(c -> c.echo("before")));
        Thread.sleep(5000);
        print(call(c -> c.echo("after")));
        break;
      case "sleep":
        print(call(c -> c.sleep(Integer.parseInt(args[0]))));
        break;
      case "load":
        load(Integer.parseInt(args[0]));
        break;
      case "errors":
        for (String name : args) {
          print(failing(name));
        }
        break;
      default:
        mixed(Integer.parseInt(what));
    }
  }

  /** Prints a result, marked so that it cannot be taken for a log line. */
  private static void print(String result) {
    System.out.println("= " + result);
  }

  private String call(Connection.Call call) {
    return Result.describe(() -> connection.call(service, call));
  }

  /** Makes the calls, some at a time, and prints their results in order. */
  private void mixed(int count) throws Exception {
    BlockingQueue<Connection> idle = new LinkedBlockingQueue<>();
    for (int i = 0; i < threads; i++) {
      idle.add(connect.get());
    }
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    List<Future<String>> lines = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int n = i;
      String to = !mux ? "" : n % 2 == 0 ? "Peer" : "Second";
      lines.add(pool.submit(() -> {
        Connection one = idle.take();
        try {
          return n + " " + Result.describe(() -> one.call(to, client -> numbered(client, n)));
        } finally {
          idle.add(one);
        }
      }));
    }
    for (Future<String> line : lines) {
      print(line.get());
    }
    pool.shutdown();
  }

  /** Makes one of the calls, by number, in a mix that repeats. */
  private static Object numbered(Later.Client client, int n) throws Exception {
    String text = "call " + n;
    switch (n % 16) {
      case 0: return client.echo(text);
      case 1: return client.echo("grüße, 世界 😀 " + n);
      case 2: return client.echo("");
      case 3: return client.echo(String.format("%06d ", n).repeat(10_000));
      case 4: return client.person(person(n).setFriends(Arrays.asList("first", "", "third")));
      case 5: return client.texts(Arrays.asList(text, "", "ü"));
      case 6: return client.table(Map.of("n", Arrays.asList((long) n, -1L, 1L << 40), "empty", List.of()));
      case 7: return client.bytes(bytes(n));
      case 8: return client.add(n, 1L << 40);
      case 9: return client.flag(n % 32 == 9, Set.of((short) 1, (short) -2, (short) 300));
      case 10: client.noResult(text); return null;
      case 11: return client.declared(text);
      case 12: return client.undeclared(text);
      case 13: client.tell(text); return "sent";
      case 14: return client.person(person(n));
      default: return client.missing(text);
    }
  }

  private static Person person(int n) {
    return new Person("person " + n, n, n / 4.0, Map.of("a", (long) n, "b", -1L << 40));
  }

  private static ByteBuffer bytes(int n) {
    byte[] all = new byte[n % 160 == 7 ? 1 << 20 : 1000 + n];
    byte[] pattern = {0, (byte) 0xff, (byte) n};
    for (int i = 0; i < all.length; i++) {
      all[i] = pattern[i % pattern.length];
    }
    return ByteBuffer.wrap(all);
  }

  /** Calls for some seconds without a pause, and prints how it went. */
  private void load(int seconds) throws InterruptedException {
    long end = System.nanoTime() + seconds * 1_000_000_000L;
    AtomicInteger good = new AtomicInteger();
    List<String> failures = Collections.synchronizedList(new ArrayList<>());
    List<Thread> all = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      int id = i;
      Connection own = connect.get();
      Thread thread = new Thread(() -> {
        for (int n = 0; System.nanoTime() < end; n++) {
          String text = "load " + id + "/" + n;
          String got = Result.describe(() -> own.call(service, c -> c.echo(text)));
          if (got.equals(text)) {
            good.incrementAndGet();
          } else {
            failures.add(got);
          }
        }
      });
      all.add(thread);
      thread.start();
    }
    for (Thread thread : all) {
      thread.join();
    }
    print("good " + good + " failed " + failures.size());
    failures.forEach(Calls::print);
  }

  /**
   * Makes a call of a case, which is the name of its service, and tells what came of it: the case, the exception's
   * class, its type, the milliseconds, and the text.
   */
  private String failing(String name) {
    String text = name.equals("large-message") ? "x".repeat(2 << 20) : name.equals("large-at-server") ? "x".repeat(10_000) : name;
    long start = System.nanoTime();
    try {
      return name + "\tnone\t\t\t" + connection.call(name, c -> c.echo(text));
    } catch (Exception e) {
      long millis = (System.nanoTime() - start) / 1_000_000;
      String type = e instanceof TApplicationException ? String.valueOf(((TApplicationException) e).getType()) : "";
      return name + "\t" + e.getClass().getSimpleName() + "\t" + type + "\t" + millis + "\t" + Result.firstLine(e);
    }
  }
}
