package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"dubbo.apache.org/dubbo-go/v3/common"
	"dubbo.apache.org/dubbo-go/v3/common/constant"
	"dubbo.apache.org/dubbo-go/v3/common/extension"
	"dubbo.apache.org/dubbo-go/v3/filter"
	"dubbo.apache.org/dubbo-go/v3/protocol"
	"dubbo.apache.org/dubbo-go/v3/protocol/protocolwrapper"
	"github.com/apache/dubbo-go-hessian2/java_exception"
)

// Provider is the service.
type Provider struct {
	mu         sync.Mutex
	executions map[string]int
}

// serve exports the service by dubbo-go's own protocol, below its Server: that one would
// also export a service of its own, on all of the machine's addresses.
func serve(port string) error {
	methods, err := common.ServiceMap.Register(service, constant.Dubbo, "", "", &Provider{executions: map[string]int{}})
	if err != nil {
		return err
	}
	extension.SetFilter("answering", func() filter.Filter { return answering{} })
	invoker := extension.GetProxyFactory(constant.DefaultKey).GetInvoker(address(port,
		common.WithMethods(strings.Split(methods, ",")),
		common.WithParamsValue(constant.BeanNameKey, service),
		common.WithParamsValue(constant.ServiceFilterKey, constant.GenericServiceFilterKey+",answering"),
	))
	extension.GetProtocol(protocolwrapper.FILTER).Export(invoker)
	if err := awaitListener(invoker.GetURL().Location); err != nil {
		return err
	}
	fmt.Println("READY")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// awaitListener waits until somebody listens.
func awaitListener(address string) error {
	var err error
	for range 100 {
		var conn net.Conn
		if conn, err = net.Dial("tcp", address); err == nil {
			return conn.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}

// answering adds an attachment to the answers of Attachments: in dubbo-go a filter can
// do that, and a method cannot.
type answering struct{}

// Invoke implements filter.Filter.
func (answering) Invoke(ctx context.Context, invoker protocol.Invoker, inv protocol.Invocation) protocol.Result {
	return invoker.Invoke(ctx, inv)
}

// OnResponse implements filter.Filter.
func (answering) OnResponse(_ context.Context, result protocol.Result, _ protocol.Invoker, inv protocol.Invocation) protocol.Result {
	if inv.MethodName() == "attachments" {
		result.AddAttachment("answered-by", inv.Arguments()[0])
	}
	return result
}

func (p *Provider) count(method string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.executions[method]++
}

// Echo and the methods below are those of the Java interface Peer.
func (p *Provider) Echo(_ context.Context, text string) (string, error) {
	p.count("echo")
	return text, nil
}

func (p *Provider) Person(_ context.Context, person *Person) (*Person, error) {
	p.count("person")
	return person, nil
}

// List takes any value since dubbo-go hands the arguments themselves, in a list, to a
// method whose one parameter is a []any.
func (p *Provider) List(_ context.Context, list any) (any, error) {
	p.count("list")
	return list, nil
}

func (p *Provider) Map(_ context.Context, m map[any]any) (map[any]any, error) {
	p.count("map")
	return m, nil
}

func (p *Provider) Bytes(_ context.Context, b []byte) ([]byte, error) {
	p.count("bytes")
	return b, nil
}

func (p *Provider) Add(_ context.Context, a int32, b int64) (int64, error) {
	p.count("add")
	return int64(a) + b, nil
}

func (p *Provider) Nothing(context.Context, string) (any, error) {
	p.count("nothing")
	return nil, nil
}

func (p *Provider) NoResult(context.Context, string) error {
	p.count("noResult")
	return nil
}

func (p *Provider) Declared(_ context.Context, text string) (string, error) {
	p.count("declared")
	return "", &DeclaredError{DetailMessage: text}
}

func (p *Provider) Undeclared(_ context.Context, text string) (string, error) {
	p.count("undeclared")
	return "", &UndeclaredError{DetailMessage: text}
}

func (p *Provider) Illegal(_ context.Context, text string) (string, error) {
	p.count("illegal")
	return "", java_exception.NewIllegalArgumentException(text)
}

func (p *Provider) Async(_ context.Context, text string) (string, error) {
	p.count("async")
	return "later " + text, nil
}

func (p *Provider) Oneway(context.Context, string) error {
	p.count("oneway")
	return nil
}

// Attachments answers with the attachments that it saw.
func (p *Provider) Attachments(ctx context.Context, _ string) (string, error) {
	p.count("attachments")
	seen := map[string]any{}
	if all, ok := ctx.Value(constant.AttachmentKey).(map[string]any); ok {
		for _, key := range []string{"lane", "tenant", "unicode"} {
			if v, ok := all[key]; ok {
				seen[key] = v
			}
		}
	}
	return javaMap(seen), nil
}

// Sleep answers after a while.
func (p *Provider) Sleep(_ context.Context, millis int32) (string, error) {
	p.count("sleep")
	time.Sleep(time.Duration(millis) * time.Millisecond)
	return fmt.Sprint("slept ", millis), nil
}

// Executions answers how often each method ran.
func (p *Provider) Executions(context.Context) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return javaMap(p.executions), nil
}

// javaMap prints a map as Java does.
func javaMap[V any](m map[string]V) string {
	all := make([]string, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		all = append(all, fmt.Sprintf("%s=%v", key, m[key]))
	}
	return "{" + strings.Join(all, ", ") + "}"
}
