package node

import (
	"errors"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/erlnode/erlnode/etf"
)

// Exception is an Erlang exception, as a Go error: what a Func raises, and what a call of a function on another node raised
// there (package rpc).
type Exception struct {
	Class  etf.Atom // error, exit or throw
	Reason etf.Term
	// Stack is the stack of an error, [{Module, Function, Arity | Args, Location}, …], the innermost call first. Of a Func
	// nil means the Func alone. The other classes have none.
	Stack etf.Term
}

func (e *Exception) Error() string {
	if e.Reason == nil {
		return string(e.Class)
	}
	return string(e.Class) + ": " + e.Reason.String()
}

// Undef is the exception of a function that does not exist (error_handler:undefined_function/3).
func Undef(module, function etf.Atom, args []etf.Raw) *Exception {
	return &Exception{Class: "error", Reason: etf.Atom("undef"), Stack: etf.List{frame(module, function, ArgTerms(args))}}
}

// ArgTerms are arguments as the list of terms that a stack shows. One that cannot be decoded shows as the atom undecodable.
func ArgTerms(args []etf.Raw) etf.List {
	list := make(etf.List, len(args))
	for i, a := range args {
		t, err := a.Term()
		if err != nil {
			t = etf.Atom("undecodable")
		}
		list[i] = t
	}
	return list
}

// frame is {Module, Function, Arity | Args, []}, an entry of a stack.
func frame(module, function etf.Atom, args etf.Term) etf.Term {
	return etf.Tuple{module, function, args, etf.List{}}
}

// exceptionOf is the exception that the error of a function is, with its stack.
func exceptionOf(err error, id mfa) *Exception {
	var e Exception
	if x, ok := errors.AsType[*Exception](err); ok {
		e = *x
	} else if x, ok := errors.AsType[*ExitError](err); ok {
		e = Exception{Class: "exit", Reason: x.Reason}
	} else if x, ok := errors.AsType[*etf.ReasonError](err); ok {
		e = Exception{Class: "error", Reason: x.Reason}
	} else {
		e = Exception{Class: "error", Reason: etf.Tuple{etf.Atom("error"), etf.Binary(err.Error())}}
	}
	switch {
	case e.Class == "exit" || e.Class == "throw":
		e.Stack = nil
	case e.Stack == nil:
		e.Class, e.Stack = "error", etf.List{frame(id.module, id.function, etf.Int(id.arity))}
	default:
		e.Class = "error"
	}
	if e.Reason == nil {
		e.Reason = etf.Atom("error")
	}
	return &e
}

// exitReason is how a process ends that does not catch the exception.
func (e *Exception) exitReason() etf.Term {
	// What the process begins with is in the stack only where the function is not: it has gone by a tail call.
	stack := e.Stack
	if l, ok := stack.(etf.List); stack == nil || ok && (len(l) == 0 || applies(l)) {
		stack = append(l[:len(l):len(l)], frame("erts_internal", "dist_spawn_init", etf.Int(1)))
	}
	switch e.Class {
	case "exit":
		return e.Reason
	case "throw":
		return etf.Tuple{etf.Tuple{etf.Atom("nocatch"), e.Reason}, stack}
	}
	return etf.Tuple{e.Reason, stack}
}

// applies tells whether erlang:apply/3 itself has failed.
func applies(stack etf.List) bool {
	top, _ := stack[0].(etf.Tuple)
	if len(top) != 4 || top[0] != etf.Term(etf.Atom("erlang")) || top[1] != etf.Term(etf.Atom("apply")) {
		return false
	}
	args, ok := top[2].(etf.List)
	return ok && len(args) == 3
}

// stackDepth is how many entries a stack has at most, as the system flag backtrace_depth says.
const stackDepth = 8

// goStack is the stack of a panic as Erlang writes one: the package for the module, and no arity, which Go does not tell. It
// is called by the deferred function that recovers, and ends where the functions of this package begin.
func goStack() etf.List {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)]) // not Callers, goStack, and who defers
	stack := etf.List{}
	for len(stack) < stackDepth {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, thisPackage+".(*Process).protect") {
			break
		}
		if f.Function != "" && !strings.HasPrefix(f.Function, "runtime.") {
			slash := strings.LastIndexByte(f.Function, '/') + 1
			module, function, _ := strings.Cut(f.Function[slash:], ".")
			stack = append(stack, etf.Tuple{etf.Atom(f.Function[:slash] + module), etf.Atom(function), etf.Int(0), etf.List{
				etf.Tuple{etf.Atom("file"), charlist(filepath.Base(f.File))}, etf.Tuple{etf.Atom("line"), etf.Int(f.Line)}}})
		}
		if !more {
			break
		}
	}
	return stack
}

const thisPackage = "github.com/erlnode/erlnode/node"

func charlist(s string) etf.List {
	list := make(etf.List, 0, len(s))
	for _, r := range s {
		list = append(list, etf.Int(r))
	}
	return list
}
