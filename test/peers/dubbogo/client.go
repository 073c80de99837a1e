package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"time"

	"dubbo.apache.org/dubbo-go/v3/common"
	"dubbo.apache.org/dubbo-go/v3/common/constant"
	"dubbo.apache.org/dubbo-go/v3/common/extension"
	"dubbo.apache.org/dubbo-go/v3/protocol"
	"dubbo.apache.org/dubbo-go/v3/protocol/invocation"
	"dubbo.apache.org/dubbo-go/v3/remoting"
	hessian "github.com/apache/dubbo-go-hessian2"
)

// caller makes calls over one connection.
type caller struct {
	invoker protocol.Invoker
	timeout time.Duration
}

// dial connects by dubbo-go's own protocol, below its Client, which neither sends
// attachments nor shows those of an answer.
func dial(port string, timeout time.Duration) (*caller, error) {
	invoker := extension.GetProtocol(constant.Dubbo).Refer(address(port))
	if invoker == nil {
		return nil, fmt.Errorf("nobody answers at port %s", port)
	}
	return &caller{invoker, timeout}, nil
}

// address is the direct URL of the service at a port, as client and server need it.
func address(port string, more ...common.Option) *common.URL {
	return common.NewURLWithOptions(append([]common.Option{
		common.WithProtocol(constant.Dubbo), common.WithIp("127.0.0.1"), common.WithPort(port),
		common.WithLocation(net.JoinHostPort("127.0.0.1", port)), common.WithPath(service),
		common.WithParamsValue(constant.InterfaceKey, service),
		common.WithParamsValue(constant.SerializationKey, constant.Hessian2Serialization),
	}, more...)...)
}

// call is one call to make.
type call struct {
	method      string
	arguments   []any
	attachments map[string]any
	callback    func(common.CallbackResponse)
}

// send makes a call. Its result goes to reply, a pointer.
func (c *caller) send(reply any, call call) protocol.Result {
	attachments := map[string]any{constant.TimeoutKey: c.timeout.String()}
	maps.Copy(attachments, call.attachments)
	inv := invocation.NewRPCInvocationWithOptions(
		invocation.WithMethodName(call.method), invocation.WithArguments(call.arguments), invocation.WithReply(reply),
		invocation.WithParameterRawValues(append(slices.Clone(call.arguments), reply)), invocation.WithAttachments(attachments),
	)
	if call.callback != nil {
		inv.SetCallBack(call.callback)
	}
	return c.invoker.Invoke(context.Background(), inv)
}

// invoke makes a call whose result is a T.
func invoke[T any](c *caller, method string, arguments ...any) (any, error) {
	var result T
	err := c.send(&result, call{method: method, arguments: arguments}).Error()
	return result, err
}

// oneway makes a call without an answer: on the wire that is what an asynchronous call
// of dubbo-go is that has no callback.
func (c *caller) oneway(method string, arguments ...any) (any, error) {
	var nothing any
	err := c.send(&nothing, call{method, arguments, map[string]any{constant.AsyncKey: "true"}, nil}).Error()
	return "sent", err
}

var errNoAnswer = errors.New("no answer in time")

// async makes a call whose answer a callback takes.
func (c *caller) async(method string, arguments ...any) (any, error) {
	var result string
	answers := make(chan common.CallbackResponse, 1)
	take := func(answer common.CallbackResponse) { answers <- answer }
	if err := c.send(&result, call{method, arguments, map[string]any{constant.AsyncKey: "true"}, take}).Error(); err != nil {
		return nil, err
	}
	select {
	case answer := <-answers:
		return result, answerError(answer)
	case <-time.After(c.timeout):
		return nil, errNoAnswer
	}
}

// answerError returns the error of an answer that a callback took. (Its own field for
// that, Cause, is always nil in dubbo-go 3.3.)
func answerError(answer common.CallbackResponse) error {
	taken, ok := answer.(remoting.AsyncCallbackResponse)
	if !ok {
		return fmt.Errorf("the callback took a %T", answer)
	}
	response, ok := taken.Reply.(*remoting.Response)
	if !ok {
		return fmt.Errorf("the callback took a %T in place of a response", taken.Reply)
	}
	return response.Error
}

// attachments sends attachments, and tells which ones the server saw and which one it
// answered with.
func (c *caller) attachments(text string, attachments map[string]any) (any, error) {
	var seen string
	answer := c.send(&seen, call{"attachments", []any{text}, attachments, nil})
	return fmt.Sprint(seen, " ", answer.Attachment("answered-by", nil)), answer.Error()
}

// generic makes a call by the name of its method and of its parameters' types.
func (c *caller) generic(method string, types []string, arguments []hessian.Object) (any, error) {
	var result any
	err := c.send(&result, call{constant.Generic, []any{method, types, arguments}, map[string]any{constant.GenericKey: "true"}, nil}).Error()
	return result, err
}
