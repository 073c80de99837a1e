package main

import (
	"fmt"

	"github.com/apache/dubbo-go-hessian2/java_exception"
)

// Person is a plain object that refers to itself and to others.
type Person struct {
	Name     string
	Age      int32
	Weight   float64
	Friend   *Person
	Children []*Person
}

// JavaClassName implements hessian.POJO.
func (*Person) JavaClassName() string { return "dev.meltemi.peer.Person" }

func (p *Person) String() string {
	friend := "nobody"
	if p.Friend == p {
		friend = "self"
	} else if p.Friend != nil {
		friend = p.Friend.Name
	}
	return fmt.Sprintf("%s/%d/%v/%s/%d", p.Name, p.Age, p.Weight, friend, len(p.Children))
}

// DeclaredError is in the signature of a method. Both exceptions have the fields of
// java.lang.Throwable: dubbo-go does not look into embedded structs.
type DeclaredError struct {
	SerialVersionUID     int64
	DetailMessage        string
	SuppressedExceptions []java_exception.Throwabler
	StackTrace           []java_exception.StackTraceElement
	Cause                java_exception.Throwabler
}

// UndeclaredError is not in a signature.
type UndeclaredError struct {
	SerialVersionUID     int64
	DetailMessage        string
	SuppressedExceptions []java_exception.Throwabler
	StackTrace           []java_exception.StackTraceElement
	Cause                java_exception.Throwabler
}

func (e *DeclaredError) Error() string   { return e.DetailMessage }
func (e *UndeclaredError) Error() string { return e.DetailMessage }

// GetStackTrace implements java_exception.Throwabler.
func (e *DeclaredError) GetStackTrace() []java_exception.StackTraceElement { return e.StackTrace }

// GetStackTrace implements java_exception.Throwabler.
func (e *UndeclaredError) GetStackTrace() []java_exception.StackTraceElement { return e.StackTrace }

// JavaClassName implements hessian.POJO.
func (*DeclaredError) JavaClassName() string { return "dev.meltemi.peer.DeclaredException" }

// JavaClassName implements hessian.POJO.
func (*UndeclaredError) JavaClassName() string { return "dev.meltemi.peer.UndeclaredException" }
