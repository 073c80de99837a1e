package main

import (
	"context"
	"fmt"

	"github.com/meltemi-mesh/meltemi/test/peers/kitex/kitex_gen/peer"
	"github.com/meltemi-mesh/meltemi/test/peers/program"
)

// Echo implements program.Client, and so do the methods below.
func (c *client) Echo(text string) string {
	result, err := c.peer.Echo(context.Background(), text)
	return describe(c, result, err)
}

func (c *client) Sleep(milliseconds int32) string {
	result, err := c.peer.Sleep(context.Background(), milliseconds)
	return describe(c, result, err)
}

func (c *client) Executions() string {
	result, err := c.peer.Executions(context.Background())
	return describe(c, result, err)
}

func (c *client) Lane(lane string) string {
	result, seen, err := c.call(map[string]string{"lane": lane}, func(ctx context.Context) (any, error) { return c.peer.Echo(ctx, "lane") })
	return describe(c, result, err) + ", seen " + seen
}

// Failing tells the case by the name of the service, for which TTHeader has a header.
func (c *client) Failing(name, text string) (string, error) {
	headers := program.Headers(name)
	headers["isn"] = name
	result, _, err := c.call(headers, func(ctx context.Context) (any, error) { return c.peer.Echo(ctx, text) })
	return fmt.Sprint(result), err
}

// Mixed has the header lane too, where the transport has headers, and tells what the
// server saw of it.
func (c *client) Mixed(n int) string {
	result, seen, err := c.call(map[string]string{"lane": fmt.Sprint("lane-", n)}, func(ctx context.Context) (any, error) { return c.mixed(ctx, n) })
	line := describe(c, result, err)
	if c.hasHeaders() && n%16 != program.OneWay && n%16 != program.Missing {
		line += ", seen " + seen
	}
	return line
}

func (c *client) mixed(ctx context.Context, n int) (any, error) {
	text := fmt.Sprint("call ", n)
	switch n % 16 {
	case 0:
		return c.peer.Echo(ctx, text)
	case 1:
		return c.peer.Echo(ctx, fmt.Sprint("grüße, 世界 😀 ", n))
	case 2:
		return c.peer.Echo(ctx, "")
	case 3:
		return c.peer.Echo(ctx, program.LongText(n))
	case 4:
		person := personOf(n)
		person.Friends = []string{"first", "", "third"}
		return c.peer.Person(ctx, person)
	case 5:
		return c.peer.Texts(ctx, []string{text, "", "ü"})
	case 6:
		return c.peer.Table(ctx, map[string][]int64{"n": {int64(n), -1, 1 << 40}, "empty": {}})
	case 7:
		return c.peer.Bytes(ctx, program.Data(n))
	case 8:
		return c.peer.Add(ctx, int32(n), 1<<40)
	case 9:
		return c.peer.Flag(ctx, n%32 == 9, []int16{1, -2, 300})
	case 10:
		return "void", c.peer.NoResult_(ctx, text)
	case 11:
		return c.peer.Declared(ctx, text)
	case 12:
		return c.peer.Undeclared(ctx, text)
	case program.OneWay:
		return "sent", c.peer.Tell(ctx, text)
	case 14:
		return c.peer.Person(ctx, personOf(n))
	default:
		return c.later.Missing(ctx, text)
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
