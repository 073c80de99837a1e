package dev.meltemi.peer;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.MethodConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.rpc.RpcContext;
import org.apache.dubbo.rpc.service.GenericService;

/**
 * Makes calls to {@link Peer} and prints a line for each: what was called, and what came back. The
 * same calls give the same lines, whatever lies between.
 *
 * <p>Arguments: PORT[,PORT...] CALLS THREADS TIMEOUT_MILLIS SERIALIZATION; or, in place of CALLS, the name of
 * a single method, "idle" or "load" (see {@link #main}).
 */
public final class Consumer {
  private final Peer peer;
  private final GenericService generic;

  private Consumer(Peer peer, GenericService generic) {
    this.peer = peer;
    this.generic = generic;
  }

  public static void main(String[] args) throws Exception {
    String url = url(args[0], args[4]);
    String what = args[1];
    int threads = Integer.parseInt(args[2]);
    int timeout = Integer.parseInt(args[3]);
    ApplicationConfig application = new ApplicationConfig("consumer");
    application.setQosEnable(false);
    Consumer consumer = new Consumer(
        refer(application, url, timeout, Peer.class, false), (GenericService) refer(application, url, timeout, Object.class, true));
    switch (what) {
      case "idle":
        // Longer than several heartbeats: a connection whose heartbeats nobody answers is closed.
        print(consumer.peer.echo("before"));
        Thread.sleep(5000);
        print(consumer.peer.echo("after"));
        break;
      case "sleep":
        // The first call of a JVM takes so long to be sent that its time may be over by then.
        describe(() -> consumer.peer.echo("warm"));
        describe(() -> consumer.peer.sleep(1));
        print(describe(() -> consumer.peer.sleep(Integer.parseInt(args[5]))));
        break;
      case "load":
        consumer.load(threads, Integer.parseInt(args[5]));
        break;
      case "executions":
        print(consumer.peer.executions());
        break;
      default:
        consumer.run(Integer.parseInt(what), threads);
    }
    System.out.println("DONE");
    System.exit(0);
  }

  /** The direct URL of each of the ports, which stand between commas. */
  static String url(String ports, String serialization) {
    StringBuilder urls = new StringBuilder();
    for (String port : ports.split(",")) {
      urls.append(urls.length() == 0 ? "" : ";")
          .append("dubbo://loopback.test:").append(port) // see the file hosts
          .append("/dev.meltemi.peer.Peer?heartbeat=1000&serialization=").append(serialization)
          .append("&prefer.serialization=").append(serialization);
    }
    return urls.toString();
  }

  /** Prints a result, marked so that it cannot be taken for a log line. */
  static void print(String result) {
    System.out.println("= " + result);
  }

  static <T> T refer(ApplicationConfig application, String url, int timeout, Class<T> type, boolean generic) {
    ReferenceConfig<T> reference = new ReferenceConfig<>();
    reference.setApplication(application);
    reference.setInterface("dev.meltemi.peer.Peer");
    reference.setUrl(url);
    reference.setTimeout(timeout);
    reference.setRetries(url.contains(";") ? 2 : 0); // 2 is Dubbo's own default
    reference.setCheck(false);
    if (generic) {
      reference.setGeneric("true");
    } else {
      MethodConfig oneway = new MethodConfig();
      oneway.setName("oneway");
      oneway.setReturn(false);
      reference.setMethods(Collections.singletonList(oneway));
    }
    return reference.get();
  }

  private void run(int calls, int threads) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    List<Future<String>> lines = new java.util.ArrayList<>();
    for (int i = 0; i < calls; i++) {
      int n = i;
      lines.add(pool.submit(() -> n + " " + describe(call(n))));
    }
    for (Future<String> line : lines) {
      print(line.get());
    }
    pool.shutdown();
  }

  /** Calls for some seconds without a pause, and prints how it went. */
  private void load(int threads, int seconds) throws Exception {
    long end = System.nanoTime() + seconds * 1_000_000_000L;
    java.util.concurrent.atomic.AtomicInteger good = new java.util.concurrent.atomic.AtomicInteger();
    List<String> failures = Collections.synchronizedList(new java.util.ArrayList<>());
    List<Thread> all = new java.util.ArrayList<>();
    for (int i = 0; i < threads; i++) {
      int id = i;
      Thread t = new Thread(() -> {
        for (int n = 0; System.nanoTime() < end; n++) {
          String text = "load " + id + "/" + n;
          String got = describe(() -> peer.echo(text));
          if (got.equals(text)) {
            good.incrementAndGet();
          } else {
            failures.add(got);
          }
        }
      });
      all.add(t);
      t.start();
    }
    for (Thread t : all) {
      t.join();
    }
    print("good " + good + " failed " + failures.size());
    failures.stream().limit(3).forEach(Consumer::print);
  }

  /** The calls, by number, in a mix that repeats. */
  private Callable<Object> call(int n) {
    String text = "call " + n;
    switch (n % 18) {
      case 0: return () -> peer.echo(text);
      case 1: return () -> peer.echo("grüße, 世界 😀 " + n);
      case 2: return () -> peer.echo("");
      case 3: return () -> peer.echo(repeat("long " + n + " ", 10000));
      case 4: return () -> peer.person(person(n));
      case 5: return () -> peer.list(Arrays.asList(n, "two", 3.5, null, true, Arrays.asList(1L << 40, "x")));
      case 6: return () -> peer.map(map(n));
      case 7: return () -> Arrays.hashCode(peer.bytes(new byte[n % 180 == 7 ? 1 << 20 : 1000 + n]));
      case 8: return () -> peer.add(n, 1L << 40);
      case 9: return () -> String.valueOf(peer.nothing(text));
      case 10: return () -> { peer.noResult(text); return "void"; };
      case 11: return () -> peer.declared(text);
      case 12: return () -> peer.undeclared(text);
      case 13: return () -> peer.illegal(text);
      case 14: return () -> peer.async(text).get();
      case 15: return () -> { peer.oneway(text); return "sent"; };
      case 16: return () -> generic.$invoke("echo", new String[] {"java.lang.String"}, new Object[] {text});
      default: return () -> {
        RpcContext.getContext().setAttachment("lane", "lane-" + n).setAttachment("tenant", "blue");
        RpcContext.getContext().setAttachment("unicode", "grüße 😀");
        String seen = peer.attachments(text);
        return seen + " " + RpcContext.getServerContext().getAttachment("answered-by");
      };
    }
  }

  private static Person person(int n) {
    Person p = new Person();
    p.name = "person " + n;
    p.age = n;
    p.weight = n / 3.0;
    p.friend = p;
    Person child = new Person();
    child.name = "child";
    child.friend = p;
    p.children = Arrays.asList(child, child);
    return p;
  }

  private static Map<String, Object> map(int n) {
    Map<String, Object> m = new HashMap<>();
    m.put("n", n);
    m.put("nothing", null);
    m.put("nested", new LinkedHashMap<>(Collections.singletonMap("k", "v")));
    return m;
  }

  private static String repeat(String s, int n) {
    StringBuilder b = new StringBuilder();
    for (int i = 0; i < n; i++) {
      b.append(s);
    }
    return b.toString();
  }

  /** What a call gave: its result, or its exception by class and message. */
  private static String describe(Callable<?> call) {
    try {
      Object result = call.call();
      if (result instanceof Map) {
        result = new TreeMap<>((Map<?, ?>) result);
      }
      String text = String.valueOf(result);
      return text.length() > 200 ? text.length() + " characters, hash " + text.hashCode() : text;
    } catch (Throwable e) {
      String message = String.valueOf(e.getMessage());
      int line = message.indexOf('\n');
      message = line < 0 ? message : message.substring(0, line);
      // Ports and process ids differ from run to run, and Dubbo puts them into its own messages.
      message = message.replaceAll("(127\\.0\\.0\\.1|loopback\\.test):\\d+", "ADDRESS").replaceAll("pid=\\d+", "pid=PID");
      return e.getClass().getName() + ": " + (message.length() > 4000 ? message.substring(0, 4000) : message);
    }
  }
}
