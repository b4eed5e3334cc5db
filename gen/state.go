package gen

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// Stater is a Server that chooses what is shown as its state (sys:get_state/1, sys:get_status/1 and the tools on top of
// them): anything that etf.Marshal takes. Without it the Server itself is, a struct as the map of its exported fields,
// where the tag `etf:"-"` hides one. It is called in the server's goroutine.
type Stater interface {
	State() any
}

// StateSetter is a Server that takes another state from outside (sys:replace_state/2): what came of the function that was
// applied to the old one. With an error the state has to be as before. A Server that is neither a Stater nor a StateSetter
// is filled as etf.Unmarshal does it, if it is a pointer; any other refuses.
type StateSetter interface {
	SetState(state etf.Raw) error
}

// CodeChanger is a Server that takes sys:change_code/4, which a suspended server can be asked for: vsn and extra are what
// the caller gives. An error is its {error, Text}, or the reason of an *node.ExitError.
type CodeChanger interface {
	CodeChange(vsn, extra etf.Term) error
}

// state is what the server shows as its state.
func (l *loop) state() (etf.Raw, error) {
	var v any = l.s
	if s, ok := l.s.(Stater); ok {
		v = s.State()
	}
	b, err := etf.Append(nil, v)
	return etf.Raw{Bytes: b}, err
}

// stateTerm is state as a term; a state that cannot be shown is the error that says why, a binary.
func (l *loop) stateTerm() etf.Term {
	t, err := l.tryState()
	if err != nil {
		return etf.Binary(err.Error())
	}
	return t
}

func (l *loop) tryState() (t etf.Term, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	raw, err := l.state()
	if err != nil {
		return nil, err
	}
	return raw.Term()
}

// stateReply is the reply to get_state and replace_state: the state or, for callers since OTP 26.1, {ok, State}. Nothing in
// the request says which it is to be, but since OTP 26 the alias to reply to is a reference of five words.
func stateReply(state func() (etf.Term, error), callback etf.Atom, from From) etf.Term {
	t, err := state()
	if err != nil {
		class, reason := etf.Atom("error"), etf.Term(etf.Binary(err.Error()))
		if exc, ok := errors.AsType[*node.Exception](err); ok {
			class, reason = exc.Class, exc.Reason
		}
		return failed(etf.Tuple{etf.Atom("callback_failed"), etf.Tuple{genServer, callback}, etf.Tuple{class, reason}})
	}
	if ref, isAlias := node.ReplyTo(from.Pid, from.Tag).(etf.Ref); isAlias && ref.Len == 5 {
		return etf.Tuple{ok, t}
	}
	return t
}

// replaceState is sys:replace_state/2: the function takes the state and gives the new one.
func (l *loop) replaceState(fun etf.Term) (etf.Term, error) {
	old, err := l.tryState()
	if err != nil {
		return nil, err
	}
	next, exc := applyFun(l.p.Context(), l.p, fun, etf.List{old})
	if exc != nil {
		return nil, exc
	}
	b, err := etf.AppendTerm(nil, next)
	if err != nil {
		return nil, err
	}
	return next, l.setState(etf.Raw{Bytes: b})
}

func (l *loop) setState(state etf.Raw) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	if s, ok := l.s.(StateSetter); ok {
		return s.SetState(state)
	}
	v := reflect.ValueOf(l.s)
	if _, ok := l.s.(Stater); ok || v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("%T takes no state", l.s)
	}
	// First into another one, so that a state which does not fit changes nothing.
	if err := state.Decode(reflect.New(v.Type().Elem()).Interface()); err != nil {
		return err
	}
	return state.Decode(l.s)
}

// changeCode is sys:change_code/4.
func (l *loop) changeCode(vsn, extra etf.Term) etf.Term {
	c, can := l.s.(CodeChanger)
	if !can {
		call := etf.Tuple{l.module(), etf.Atom("code_change"), etf.List{vsn, l.stateTerm(), extra}, etf.List{}}
		return failed(etf.Tuple{etf.Atom("EXIT"), etf.Tuple{etf.Atom("undef"), etf.List{call}}})
	}
	if err := c.CodeChange(vsn, extra); err != nil {
		return failed(errorTerm(err))
	}
	return ok
}

// module is the name of the Server's Go type, where Erlang has that of a callback module: 'main.Counter'.
func (l *loop) module() etf.Atom {
	name := etf.Atom(strings.TrimLeft(fmt.Sprintf("%T", l.s), "*"))
	if !etf.ValidAtom(name) {
		return "server"
	}
	return name
}
