package dev.meltemi.peer;

/** An exception that the interface declares. */
public class DeclaredException extends Exception {
  private static final long serialVersionUID = 1L;

  public DeclaredException(String message) {
    super(message);
  }
}
