package dev.meltemi.peer;

/** An exception of the application that no interface declares. */
public class UndeclaredException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public UndeclaredException(String message) {
    super(message);
  }
}
