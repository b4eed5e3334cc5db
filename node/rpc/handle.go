package rpc

import (
	"context"
	"fmt"
	"reflect"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// Offerer is a node, on which functions are offered.
type Offerer interface {
	Offer(module, function etf.Atom, arity int, f node.Func)
}

// Handle offers a Go function to other nodes as Module:Function/N, in place of one that was offered under that name before. N
// is the number of its parameters, without a context.Context and a *node.Process, which may come before them. Arguments are
// decoded as etf.Unmarshal does, the result is encoded as etf.Marshal does:
//
//	func(ctx context.Context, a, b int) (int, error)
//	func(p *node.Process, name string) User           // p is the process in which it runs
//	func(args []etf.Term) error                       // returns ok
//
// ctx is done when the caller is gone or waits no more, or the process has been told to exit; the function should return
// then. A function without a result returns ok. See the package about errors and panics, which are exceptions for the
// caller. Any number of calls may run at a time.
//
// Handle fails for what is no function, for a variadic one, and for more results than a value and an error. Whether a type
// can be decoded or encoded shows in the call.
func Handle(n Offerer, module, function etf.Atom, f any) error {
	h, err := newHandler(module, function, f)
	if err != nil {
		return fmt.Errorf("rpc: %v:%v: %w", module, function, err)
	}
	n.Offer(module, function, len(h.in), h.call)
	return nil
}

// handler is a Go function as a node.Func.
type handler struct {
	module, function etf.Atom
	f                reflect.Value
	context, process bool           // whether it takes them
	in               []reflect.Type // the parameters after these
	out              bool           // whether it has a result besides the error
	fails            bool           // whether its last result is an error
}

var (
	contextType = reflect.TypeFor[context.Context]()
	processType = reflect.TypeFor[*node.Process]()
	errorType   = reflect.TypeFor[error]()
)

func newHandler(module, function etf.Atom, f any) (*handler, error) {
	h := &handler{module: module, function: function, f: reflect.ValueOf(f)}
	if f == nil || h.f.Kind() != reflect.Func || h.f.IsNil() {
		return nil, fmt.Errorf("%T is no function", f)
	}
	t := h.f.Type()
	if t.IsVariadic() {
		return nil, fmt.Errorf("%v is variadic: a function of Erlang has one arity", t)
	}
	if !etf.ValidAtom(module) || !etf.ValidAtom(function) {
		return nil, fmt.Errorf("a name is no atom")
	}
	next := 0
	if h.context = next < t.NumIn() && t.In(next) == contextType; h.context {
		next++
	}
	if h.process = next < t.NumIn() && t.In(next) == processType; h.process {
		next++
	}
	for ; next < t.NumIn(); next++ {
		h.in = append(h.in, t.In(next))
	}
	outs := t.NumOut()
	if h.fails = outs > 0 && t.Out(outs-1) == errorType; h.fails {
		outs--
	}
	if outs > 1 {
		return nil, fmt.Errorf("%v has more results than a value and an error", t)
	}
	h.out = outs == 1
	return h, nil
}

func (h *handler) call(ctx context.Context, p *node.Process, args []etf.Raw) (any, error) {
	in := make([]reflect.Value, 0, len(args)+2)
	if h.context {
		in = append(in, reflect.ValueOf(ctx))
	}
	if h.process {
		in = append(in, reflect.ValueOf(p))
	}
	for i, t := range h.in {
		v := reflect.New(t)
		if err := args[i].Decode(v.Interface()); err != nil {
			return nil, functionClause(h.module, h.function, args...)
		}
		in = append(in, v.Elem())
	}
	out := h.f.Call(in)
	if h.fails {
		if err, _ := out[len(out)-1].Interface().(error); err != nil {
			return nil, err
		}
	}
	if !h.out {
		return etf.Atom("ok"), nil
	}
	return out[0].Interface(), nil
}

// functionClause is the exception of a function that does not take such arguments.
func functionClause(module, function etf.Atom, args ...etf.Raw) *Error {
	return &Error{Class: "error", Reason: etf.Atom("function_clause"),
		Stack: etf.List{etf.Tuple{module, function, node.ArgTerms(args), etf.List{}}}}
}
