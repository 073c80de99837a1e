package dev.meltemi.peer.thrift;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/** The service. It answers what its interface says, and counts. */
final class Handler implements Second.Iface {
  private final Map<String, Integer> executions = new ConcurrentHashMap<>();

  private void count(String method) {
    executions.merge(method, 1, Integer::sum);
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
  public List<String> texts(List<String> texts) {
    count("texts");
    return texts;
  }

  @Override
  public Map<String, List<Long>> table(Map<String, List<Long>> table) {
    count("table");
    return table;
  }

  @Override
  public ByteBuffer bytes(ByteBuffer data) {
    count("bytes");
    return data;
  }

  @Override
  public long add(int a, long b) {
    count("add");
    return a + b;
  }

  @Override
  public boolean flag(boolean value, Set<Short> numbers) {
    count("flag");
    return value && numbers.size() == 3;
  }

  @Override
  public void noResult(String text) {
    count("noResult");
  }

  @Override
  public String declared(String text) throws Declared {
    count("declared");
    throw new Declared(text, 7);
  }

  @Override
  public String undeclared(String text) {
    count("undeclared");
    throw new IllegalStateException(text);
  }

  @Override
  public void tell(String text) {
    count("tell");
  }

  @Override
  public Map<String, Integer> executions() {
    return new TreeMap<>(executions);
  }

  @Override
  public String sleep(int milliseconds) {
    count("sleep");
    try {
      Thread.sleep(milliseconds);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return "slept " + milliseconds;
  }
}
