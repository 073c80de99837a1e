package dev.meltemi.peer.thrift;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.zip.CRC32;
import org.apache.thrift.TApplicationException;

/** Results as all of the Thrift peers print them. */
final class Result {
  private Result() {}

  /** Tells what a call gave: its result, or its exception by class, type and text. */
  static String describe(Callable<Object> call) {
    String text;
    try {
      text = show(call.call());
    } catch (Declared e) {
      return "Declared " + e.getCode() + ": " + e.getMessage();
    } catch (TApplicationException e) {
      return "TApplicationException " + e.getType() + ": " + firstLine(e);
    } catch (Exception e) {
      return e.getClass().getSimpleName() + ": " + firstLine(e);
    }
    if (text.length() <= 200) {
      return text;
    }
    return text.length() + " characters, hash " + hash(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
  }

  static String firstLine(Exception e) {
    return String.valueOf(e.getMessage()).split("\n")[0];
  }

  private static String show(Object value) {
    if (value == null) {
      return "void";
    }
    if (value instanceof ByteBuffer) {
      return ((ByteBuffer) value).remaining() + " bytes, hash " + hash((ByteBuffer) value);
    }
    if (value instanceof List) {
      return ((List<?>) value).stream().map(Result::show).collect(Collectors.joining(", ", "[", "]"));
    }
    if (value instanceof Map) {
      return new TreeMap<>((Map<?, ?>) value).entrySet().stream()
          .map(e -> e.getKey() + "=" + show(e.getValue())).collect(Collectors.joining(", ", "{", "}"));
    }
    if (value instanceof Person) {
      Person p = (Person) value;
      String friends = p.isSetFriends() ? show(p.getFriends()) : "none";
      return p.getName() + "/" + p.getAge() + "/" + String.format(Locale.ROOT, "%.2f", p.getWeight()) + "/" + friends + "/" + show(p.getMarks());
    }
    return value.toString();
  }

  private static String hash(ByteBuffer bytes) {
    CRC32 crc = new CRC32();
    crc.update(bytes.duplicate());
    return String.format("%08x", crc.getValue());
  }
}
