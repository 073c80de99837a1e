package dev.meltemi.peer;

import com.baidu.bjf.remoting.protobuf.FieldType;
import com.baidu.bjf.remoting.protobuf.annotation.Protobuf;

/** {@code message Numbers { optional int32 a = 1; optional int64 b = 2; }}. */
public class Numbers {
  @Protobuf(fieldType = FieldType.INT32, order = 1)
  public Integer a;

  @Protobuf(fieldType = FieldType.INT64, order = 2)
  public Long b;

  static Numbers of(int a, long b) {
    Numbers n = new Numbers();
    n.a = a;
    n.b = b;
    return n;
  }

  @Override
  public String toString() {
    return a + "/" + b;
  }
}
