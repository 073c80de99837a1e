package dev.meltemi.peer;

import java.io.Serializable;
import java.util.List;

/** A plain object that refers to itself and to others. */
public class Person implements Serializable {
  private static final long serialVersionUID = 1L;

  public String name;
  public int age;
  public double weight;
  public Person friend;
  public List<Person> children;

  @Override
  public String toString() {
    return name + "/" + age + "/" + weight + "/" + (friend == this ? "self" : friend)
        + "/" + (children == null ? null : children.size());
  }
}
