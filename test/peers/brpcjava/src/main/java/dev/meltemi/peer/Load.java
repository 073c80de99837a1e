package dev.meltemi.peer;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Calls without a pause. */
final class Load {
  private final Peer peer;

  Load(Peer peer) {
    this.peer = peer;
  }

  /** Calls for some seconds, and prints how it went. */
  void run(int threads, int seconds) throws InterruptedException {
    long end = System.nanoTime() + seconds * 1_000_000_000L;
    AtomicInteger good = new AtomicInteger();
    List<String> failures = Collections.synchronizedList(new ArrayList<>());
    List<Thread> all = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      int id = i;
      Thread thread = new Thread(() -> {
        for (int n = 0; System.nanoTime() < end; n++) {
          String text = "load " + id + "/" + n;
          String got = Calls.describe(() -> peer.echo(Peer.text(text)).getName());
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
    Main.print("good " + good + " failed " + failures.size());
    failures.stream().limit(3).forEach(Main::print);
  }
}
