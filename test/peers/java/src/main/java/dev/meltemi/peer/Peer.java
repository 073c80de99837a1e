package dev.meltemi.peer;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** The service that consumers call. Each method is a shape of call that differs on the wire. */
public interface Peer {
  String echo(String text);

  Person person(Person person);

  List<Object> list(List<Object> list);

  Map<String, Object> map(Map<String, Object> map);

  byte[] bytes(byte[] bytes);

  long add(int a, long b);

  String nothing(String text);

  void noResult(String text);

  String declared(String text) throws DeclaredException;

  String undeclared(String text);

  String illegal(String text);

  CompletableFuture<String> async(String text);

  /** Called one-way. The provider counts what arrives. */
  void oneway(String text);

  /** Answers with the attachments that it saw, and sets one of its own. */
  String attachments(String text);

  String sleep(int millis);

  /** How often each method was executed, the one-way calls among them. */
  String executions();
}
