package dev.meltemi.peer;

/**
 * A service whose messages are declared with jprotobuf, which brpc-java brings with it. It cannot compress
 * them with gzip or zlib: brpc-java loses them on the way.
 */
public interface Objects {
  Person person(Person person);

  Numbers add(Numbers numbers);
}
