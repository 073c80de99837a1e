// Command client makes a call in Parley and prints the answer.
//
//	client ADDRESS SERVICE METHOD PAYLOAD [KEY=VALUE ...]
package main

import (
	"bufio"
	"fmt"
	"log"
	"net"
	"os"
	"strings"

	"github.com/meltemi-mesh/meltemi/examples/parley/frame"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 5 {
		log.Fatal("usage: client ADDRESS SERVICE METHOD PAYLOAD [KEY=VALUE ...]")
	}
	c, err := net.Dial("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	f := frame.Frame{Kind: frame.Request, ID: 1, Service: os.Args[2], Method: os.Args[3], Payload: os.Args[4]}
	for _, entry := range os.Args[5:] {
		key, value, _ := strings.Cut(entry, "=")
		f.Entries = append(f.Entries, [2]string{key, value})
	}
	if _, err := c.Write(f.Append(nil)); err != nil {
		log.Fatal(err)
	}
	answer, err := frame.Read(bufio.NewReader(c))
	if err != nil {
		log.Fatal(err)
	}
	if answer.Kind == frame.Error {
		log.Fatalf("error %s: %s", answer.Entry("code"), answer.Payload)
	}
	fmt.Println(answer.Payload)
}
