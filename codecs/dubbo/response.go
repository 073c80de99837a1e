package dubbo

import (
	"bytes"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Types of a result. Source: Apache Dubbo, DubboCodec.
const (
	withException           = 0
	withValue               = 1
	nullValue               = 2
	exceptionAndAttachments = 3
	valueAndAttachments     = 4
	nullAndAttachments      = 5
)

func (c *Codec) responseMetadata(m *sdk.Message) error {
	status := m.Bytes[statusAt]
	m.Status = sdk.Status{Code: codeOf(status), Native: int(status)}
	p := newParser(m)
	defer p.release()
	if err := p.parseResponse(); err != nil {
		return err
	}
	if status != statusOK {
		m.Status.Message = p.result.text
		return nil
	}
	if p.kind == withException || p.kind == exceptionAndAttachments {
		m.Status.Code = c.codeOfException(&p.exception)
		m.Status.Message = p.exception.message
		p.showAttachments(m, keyException)
		if len(p.exception.class) > 0 {
			m.Set(exceptionEntry, p.exception.class)
		}
		return nil
	}
	p.showAttachments(m, "")
	return nil
}

// rpcExceptions are the names of Dubbo's own exception.
var rpcExceptions = []string{"org.apache.dubbo.rpc.RpcException", "com.alibaba.dubbo.rpc.RpcException"}

func isRPCException(class []byte) bool {
	return string(class) == rpcExceptions[0] || string(class) == rpcExceptions[1]
}

// rpcCodes are what the codes of an RpcException count as.
// Source: Apache Dubbo, RpcException.
var rpcCodes = map[int]sdk.Code{
	0: sdk.Unknown, 1: sdk.Unknown, 2: sdk.DeadlineExceeded, 3: sdk.FailedPrecondition,
	4: sdk.PermissionDenied, 5: sdk.Internal, 6: sdk.Unimplemented, 7: sdk.ResourceExhausted,
	8: sdk.DeadlineExceeded, 11: sdk.Unimplemented, 12: sdk.InvalidArgument, 13: sdk.PermissionDenied,
}

// foreignClasses are the packages whose exceptions the application did not mean.
var foreignClasses = [][]byte{
	[]byte("java."), []byte("javax."), []byte("jakarta."), []byte("sun."), []byte("jdk."),
	[]byte("org.apache.dubbo."), []byte("com.alibaba.dubbo."), []byte("com.alibaba.com.caucho.hessian."),
}

func (c *Codec) codeOfException(e *exception) sdk.Code {
	if code, ok := rpcCodes[e.code]; ok && e.code > 0 {
		return code
	}
	for _, prefix := range foreignClasses {
		if bytes.HasPrefix(e.class, prefix) {
			return c.other
		}
	}
	if len(e.class) == 0 {
		return c.other
	}
	return c.meant
}
