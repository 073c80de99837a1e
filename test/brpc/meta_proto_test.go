package brpc

import (
	"testing"

	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// metaType is RpcMeta as it is in that dialect. Java has timeout_ms here too: its servers
// ignore it, but the client that wrote it waits no longer.
// Sources: apache/brpc, src/brpc/policy/baidu_rpc_meta.proto; baidu/brpc-java,
// baidu_rpc_meta.proto.
func metaType(t *testing.T, dialect string) protoreflect.MessageType {
	t.Helper()
	const text, number, number32, raw = descriptorpb.FieldDescriptorProto_TYPE_STRING, descriptorpb.FieldDescriptorProto_TYPE_INT64,
		descriptorpb.FieldDescriptorProto_TYPE_INT32, descriptorpb.FieldDescriptorProto_TYPE_BYTES
	request := protoMessage("RpcRequestMeta",
		protoField(1, "service_name", text), protoField(2, "method_name", text), protoField(3, "log_id", number),
		protoField(4, "trace_id", number), protoField(5, "span_id", number), protoField(6, "parent_span_id", number),
		protoField(8, "timeout_ms", number32))
	meta := protoMessage("RpcMeta",
		protoOf(1, "request", "RpcRequestMeta"), protoOf(2, "response", "RpcResponseMeta"), protoField(3, "compress_type", number32),
		protoField(4, "correlation_id", number), protoField(5, "attachment_size", number32), protoField(7, "authentication_data", raw))
	entry := protoMessage("UserFieldsEntry", protoField(1, "key", text), protoField(2, "value", text))
	file := &descriptorpb.FileDescriptorProto{Name: new(dialect + ".proto"), Syntax: new("proto2")}
	if dialect == "java" {
		entry.Name = new("RpcRequestMetaExtField")
		request.Field = append(request.Field, repeated(protoOf(7, "ext_fields", "RpcRequestMetaExtField")))
		file.MessageType = append(file.MessageType, entry)
	} else {
		request.Field = append(request.Field, protoField(7, "request_id", text))
		entry.Options = &descriptorpb.MessageOptions{MapEntry: new(true)}
		meta.NestedType = append(meta.NestedType, entry)
		meta.Field = append(meta.Field, repeated(protoOf(9, "user_fields", "RpcMeta.UserFieldsEntry")), protoField(10, "content_type", number32))
	}
	response := protoMessage("RpcResponseMeta", protoField(1, "error_code", number32), protoField(2, "error_text", text))
	file.MessageType = append(file.MessageType, request, response, meta)
	d, err := protodesc.NewFile(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return dynamicpb.NewMessageType(d.Messages().ByName("RpcMeta"))
}

func protoMessage(name string, fields ...*descriptorpb.FieldDescriptorProto) *descriptorpb.DescriptorProto {
	return &descriptorpb.DescriptorProto{Name: new(name), Field: fields}
}

func protoField(number int32, name string, kind descriptorpb.FieldDescriptorProto_Type) *descriptorpb.FieldDescriptorProto {
	return &descriptorpb.FieldDescriptorProto{
		Name: new(name), Number: new(number), Type: kind.Enum(),
		Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
	}
}

// protoOf is a field that is a message.
func protoOf(number int32, name, of string) *descriptorpb.FieldDescriptorProto {
	f := protoField(number, name, descriptorpb.FieldDescriptorProto_TYPE_MESSAGE)
	f.TypeName = new("." + of)
	return f
}

func repeated(f *descriptorpb.FieldDescriptorProto) *descriptorpb.FieldDescriptorProto {
	f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	return f
}
