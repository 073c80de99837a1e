package dev.meltemi.peer;

import com.google.protobuf.DescriptorProtos.EnumValueDescriptorProto;

/**
 * The service that clients call. Each method is a shape of call that differs on the wire.
 *
 * <p>Its messages are {@code message EnumValueDescriptorProto { optional string name = 1; ... }}: a class that
 * protoc generated and that comes with Protocol Buffers. So nobody needs a protoc of 2013, and clients start
 * without the compiler that jprotobuf runs (see {@link Objects}).
 */
public interface Peer {
  EnumValueDescriptorProto echo(EnumValueDescriptorProto text);

  /** Answers with the request's attachment, byte by byte in reverse, as its own. */
  EnumValueDescriptorProto bytes(EnumValueDescriptorProto text);

  /** Throws an exception with that text. */
  EnumValueDescriptorProto failing(EnumValueDescriptorProto text);

  /** Answers with the metadata of the request that it saw. */
  EnumValueDescriptorProto metadata(EnumValueDescriptorProto text);

  /** Answers after so many milliseconds. */
  EnumValueDescriptorProto sleep(EnumValueDescriptorProto millis);

  /** How often each method was executed, those of {@link Objects} among them. */
  EnumValueDescriptorProto executions(EnumValueDescriptorProto nothing);

  /** A message with that text; null is one without fields, which takes no bytes. */
  static EnumValueDescriptorProto text(String text) {
    EnumValueDescriptorProto.Builder message = EnumValueDescriptorProto.newBuilder();
    if (text != null) {
      message.setName(text);
    }
    return message.build();
  }
}
