package main

import (
	"context"
	"fmt"

	"github.com/meltemi-mesh/meltemi/test/peers/program"
	"github.com/meltemi-mesh/meltemi/test/peers/thriftgo/peer"
)

// first makes a call of the first service.
func (c *client) first(call func(context.Context, *peer.LaterClient) (any, error)) string {
	result, err := c.call("Peer", nil, call)
	return describe(c, result, err)
}

// Echo implements program.Client, and so do the methods below.
func (c *client) Echo(text string) string {
	return c.first(func(ctx context.Context, p *peer.LaterClient) (any, error) { return p.Echo(ctx, text) })
}

func (c *client) Sleep(milliseconds int32) string {
	return c.first(func(ctx context.Context, p *peer.LaterClient) (any, error) { return p.Sleep(ctx, milliseconds) })
}

func (c *client) Executions() string {
	return c.first(func(ctx context.Context, p *peer.LaterClient) (any, error) { return p.Executions(ctx) })
}

func (c *client) Lane(lane string) string {
	result, err := c.call("Peer", map[string]string{"lane": lane}, func(ctx context.Context, p *peer.LaterClient) (any, error) {
		return p.Echo(ctx, "lane")
	})
	seen, _ := c.seen()
	return describe(c, result, err) + ", seen " + seen
}

// Failing tells the case by the name of the service.
func (c *client) Failing(name, text string) (string, error) {
	result, err := c.call(name, program.Headers(name), func(ctx context.Context, p *peer.LaterClient) (any, error) {
		return p.Echo(ctx, text)
	})
	return fmt.Sprint(result), err
}

// Mixed has the header lane too, where the transport has headers, and tells what the
// server saw of it.
func (c *client) Mixed(n int) string {
	service := "Peer"
	if n%2 == 1 {
		service = "Second"
	}
	result, err := c.call(service, map[string]string{"lane": fmt.Sprint("lane-", n)}, func(ctx context.Context, p *peer.LaterClient) (any, error) {
		return mixed(ctx, p, n)
	})
	line := describe(c, result, err)
	if lane, ok := c.seen(); ok && n%16 != program.OneWay && n%16 != program.Missing {
		line += ", seen " + lane
	}
	return line
}

func mixed(ctx context.Context, p *peer.LaterClient, n int) (any, error) {
	text := fmt.Sprint("call ", n)
	switch n % 16 {
	case 0:
		return p.Echo(ctx, text)
	case 1:
		return p.Echo(ctx, fmt.Sprint("grüße, 世界 😀 ", n))
	case 2:
		return p.Echo(ctx, "")
	case 3:
		return p.Echo(ctx, program.LongText(n))
	case 4:
		person := personOf(n)
		person.Friends = []string{"first", "", "third"}
		return p.Person(ctx, person)
	case 5:
		return p.Texts(ctx, []string{text, "", "ü"})
	case 6:
		return p.Table(ctx, map[string][]int64{"n": {int64(n), -1, 1 << 40}, "empty": {}})
	case 7:
		return p.Bytes(ctx, program.Data(n))
	case 8:
		return p.Add(ctx, int32(n), 1<<40)
	case 9:
		return p.Flag(ctx, n%32 == 9, []int16{1, -2, 300})
	case 10:
		return "void", p.NoResult_(ctx, text)
	case 11:
		return p.Declared(ctx, text)
	case 12:
		return p.Undeclared(ctx, text)
	case program.OneWay:
		return "sent", p.Tell(ctx, text)
	case 14:
		return p.Person(ctx, personOf(n))
	default:
		return p.Missing(ctx, text)
	}
}

// personOf has all fields but the optional one.
func personOf(n int) *peer.Person {
	return &peer.Person{Name: fmt.Sprint("person ", n), Age: int32(n), Weight: float64(n) / 4, Marks: map[string]int64{"a": int64(n), "b": -1 << 40}}
}

func describe(c *client, result any, err error) string {
	if p, ok := result.(*peer.Person); ok && err == nil {
		result = fmt.Sprintf("%s/%d/%v/%q/%v", p.Name, p.Age, p.Weight, p.Friends, p.Marks)
	}
	return program.Describe(c, result, err)
}
