package dev.meltemi.peer;

import com.baidu.bjf.remoting.protobuf.FieldType;
import com.baidu.bjf.remoting.protobuf.annotation.Protobuf;
import java.util.List;

/**
 * {@code message Person { optional string name = 1; optional int32 age = 2; optional double weight = 3;
 * repeated string friends = 4; repeated Mark marks = 5; }}.
 */
public class Person {
  @Protobuf(fieldType = FieldType.STRING, order = 1)
  public String name;

  @Protobuf(fieldType = FieldType.INT32, order = 2)
  public Integer age;

  @Protobuf(fieldType = FieldType.DOUBLE, order = 3)
  public Double weight;

  @Protobuf(fieldType = FieldType.STRING, order = 4)
  public List<String> friends;

  @Protobuf(fieldType = FieldType.OBJECT, order = 5)
  public List<Mark> marks;

  @Override
  public String toString() {
    return name + "/" + age + "/" + weight + "/" + friends + "/" + marks;
  }
}
