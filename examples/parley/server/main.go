// Command server is a server of Parley: it tells its name, what it was asked, and the
// entries that it saw.
//
//	server ADDRESS NAME
package main

import (
	"bufio"
	"fmt"
	"log"
	"net"
	"os"

	"github.com/meltemi-mesh/meltemi/examples/parley/frame"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: server ADDRESS NAME")
	}
	l, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready", l.Addr())
	for {
		c, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(c, os.Args[2])
	}
}

func serve(c net.Conn, name string) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		f, err := frame.Read(in)
		if err != nil {
			return
		}
		answer := frame.Frame{Kind: frame.Response, ID: f.ID}
		switch {
		case f.Kind == frame.Ping:
			answer.Kind = frame.Pong
		case f.Kind == frame.OneWay:
			fmt.Println("one-way", f.Service, f.Method, f.Payload)
			continue
		case f.Method == "fail":
			answer.Kind, answer.Entries, answer.Payload = frame.Error, [][2]string{{"code", "500"}}, "it fails"
		default:
			answer.Payload = fmt.Sprintf("%s: %s.%s(%s) %v", name, f.Service, f.Method, f.Payload, f.Entries)
		}
		if _, err := c.Write(answer.Append(nil)); err != nil {
			return
		}
	}
}
