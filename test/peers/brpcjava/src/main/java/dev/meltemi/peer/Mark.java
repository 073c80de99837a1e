package dev.meltemi.peer;

import com.baidu.bjf.remoting.protobuf.FieldType;
import com.baidu.bjf.remoting.protobuf.annotation.Protobuf;

/** {@code message Mark { optional string key = 1; optional int64 value = 2; }}. */
public class Mark {
  @Protobuf(fieldType = FieldType.STRING, order = 1)
  public String key;

  @Protobuf(fieldType = FieldType.INT64, order = 2)
  public Long value;

  static Mark of(String key, long value) {
    Mark m = new Mark();
    m.key = key;
    m.value = value;
    return m;
  }

  @Override
  public String toString() {
    return key + "=" + value;
  }
}
