package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/apache/dubbo-go-hessian2/java_exception"
)

// failing makes a call of a case, as the Java peer of that name does, and tells what
// came of it: the case, the exception's class, nothing (Dubbo's own code is Java's), the
// milliseconds, and the text, with tabs between.
func (c *caller) failing(name string) string {
	attachments := map[string]any{"case": name}
	text := name
	switch name {
	case "large-message":
		text = strings.Repeat("x", 2<<20)
	case "large-at-server":
		text = strings.Repeat("x", 10_000)
	case "large-metadata":
		attachments["large"] = strings.Repeat("x", 60_000)
	case "two-spellings":
		attachments["Lane"], attachments["lane"] = "a", "b"
	}
	var reply string
	start := time.Now()
	err := c.send(&reply, call{"echo", []any{text}, attachments, nil}).Error()
	class := fmt.Sprintf("%T", err)
	if exception, ok := errors.AsType[java_exception.Throwabler](err); ok {
		class = exception.JavaClassName()
	}
	if err == nil {
		return fmt.Sprintf("%s\tnone\t\t\t%s", name, reply)
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return fmt.Sprintf("%s\t%s\t\t%d\t%s", name, class, time.Since(start).Milliseconds(), first)
}
