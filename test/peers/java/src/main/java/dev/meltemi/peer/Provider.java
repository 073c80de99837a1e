package dev.meltemi.peer;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.rpc.RpcContext;

/** Serves {@link Peer} on the port that is its argument until its standard input ends. */
public final class Provider implements Peer {
  private final Map<String, AtomicInteger> executions = new ConcurrentHashMap<>();

  public static void main(String[] args) throws Exception {
    ApplicationConfig application = new ApplicationConfig("provider");
    application.setQosEnable(false);
    ProtocolConfig protocol = new ProtocolConfig("dubbo", Integer.parseInt(args[0]));
    protocol.setHost("loopback.test"); // see hosts
    if (args.length > 1) {
      protocol.setSerialization(args[1]);
    }
    ServiceConfig<Peer> service = new ServiceConfig<>();
    service.setApplication(application);
    service.setProtocol(protocol);
    service.setRegistry(new RegistryConfig("N/A"));
    service.setInterface(Peer.class);
    service.setRef(new Provider());
    service.export();
    System.out.println("READY");
    while (System.in.read() >= 0) {
      // The parent holds our input open for as long as we are wanted.
    }
    System.exit(0);
  }

  private void count(String method) {
    executions.computeIfAbsent(method, m -> new AtomicInteger()).incrementAndGet();
  }

  @Override
  public String echo(String text) {
    count("echo");
    return text;
  }

  @Override
  public Person person(Person person) {
    count("person");
    return person;
  }

  @Override
  public List<Object> list(List<Object> list) {
    count("list");
    return list;
  }

  @Override
  public Map<String, Object> map(Map<String, Object> map) {
    count("map");
    return map;
  }

  @Override
  public byte[] bytes(byte[] bytes) {
    count("bytes");
    return bytes;
  }

  @Override
  public long add(int a, long b) {
    count("add");
    return a + b;
  }

  @Override
  public String nothing(String text) {
    count("nothing");
    return null;
  }

  @Override
  public void noResult(String text) {
    count("noResult");
  }

  @Override
  public String declared(String text) throws DeclaredException {
    count("declared");
    throw new DeclaredException(text);
  }

  @Override
  public String undeclared(String text) {
    count("undeclared");
    throw new UndeclaredException(text);
  }

  @Override
  public String illegal(String text) {
    count("illegal");
    throw new IllegalArgumentException(text);
  }

  @Override
  public CompletableFuture<String> async(String text) {
    count("async");
    return CompletableFuture.supplyAsync(() -> "later " + text);
  }

  @Override
  public void oneway(String text) {
    count("oneway");
  }

  @Override
  public String attachments(String text) {
    count("attachments");
    Map<String, Object> seen = new TreeMap<>(RpcContext.getContext().getObjectAttachments());
    seen.keySet().retainAll(java.util.Arrays.asList("lane", "tenant", "unicode"));
    RpcContext.getServerContext().setAttachment("answered-by", text);
    return seen.toString();
  }

  @Override
  public String sleep(int millis) {
    count("sleep");
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return "slept " + millis;
  }

  @Override
  public String executions() {
    return new TreeMap<>(executions).toString();
  }
}
