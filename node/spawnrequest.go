package node

import (
	"context"
	"errors"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
)

// ErrAbandoned is the cause of the context of a Func when who asked for it no longer waits.
var ErrAbandoned = errors.New("node: who asked for this no longer waits")

// receiveSpawn makes the process that a peer asks for and answers with its pid. A function that is not offered is no error of
// the spawn: the process starts, and exits with undef, which a monitor or link of the caller then sees
// (erts_internal:dist_spawn_init/1).
func (n *Node) receiveSpawn(sig *dist.Signal, s *session) {
	refuse := func(why etf.Atom) {
		n.emit(s, &dist.Signal{Kind: dist.SpawnReply, To: sig.From, Ref: sig.Ref, FromName: why})
	}
	o, ok := parseSpawnOptions(sig.Options)
	if !ok {
		refuse("badopt")
		return
	}
	leader, initial := sig.Leader, mfa{sig.Module, sig.Function, sig.Arity}
	p, err := n.newProcess([]Option{func(s *setup) { s.leader, s.initial = leader, initial }})
	if err != nil {
		refuse("system_limit")
		return
	}
	ctx := p.Context()
	if o.link {
		p.gotLink(sig.From, s)
	}
	if o.monitor {
		var abandon context.CancelCauseFunc
		ctx, abandon = context.WithCancelCause(ctx)
		p.watch(n.watchKey(s, &sig.Ref), watcher{pid: sig.From, abandon: abandon})
	}
	n.emit(s, &dist.Signal{Kind: dist.SpawnReply, To: sig.From, Ref: sig.Ref, Linked: o.link, Monitored: o.monitor, From: p.pid})
	p.start(ctx, sig.Payload)
}

// start runs the function that the process is there for, in a goroutine of its own. args is the argument list. The process
// exits when the function returns: normal, or with the reason of the exception.
func (p *Process) start(ctx context.Context, args etf.Raw) {
	if !p.node.spawn(func() { p.runInitial(ctx, args) }) {
		p.exit(reasonOf(shutdown))
	}
}

func (p *Process) runInitial(ctx context.Context, args etf.Raw) {
	r := normalEnd
	defer func() { p.exit(r) }()
	id := p.initial
	list, err := ArgList(args)
	if e := ApplyError(err, id.module, id.function, args); e != nil {
		err = e
	} else if err != nil {
		r = reasonOf(etf.Atom("argument_list_decode_failure"))
		return
	} else {
		_, err = p.Apply(ctx, id.module, id.function, list)
	}
	if e, ok := errors.AsType[*Exception](err); ok {
		r = reasonOf(e.exitReason())
		if e.Class != "exit" && ctx.Err() == nil {
			p.logCrash(r.term())
		}
	}
}

var (
	errImproper = errors.New("node: the arguments are no list")
	errTooMany  = errors.New("node: more than 1,022 arguments")
)

// maxArgs is as many arguments as apply takes: a BEAM has registers for them (MAX_REG), though no function has more than 255.
const maxArgs = 1022

// ArgList takes a list of arguments apart, the third argument of erlang:apply/3. It fails for a term that is no proper list,
// for more than 1,022 arguments, and for bytes that are no term. The bytes of args are shared.
func ArgList(args etf.Raw) ([]etf.Raw, error) {
	r := etf.NewReader(args, etf.WithLimits(etf.Limits{Depth: -1, Elements: -1}))
	tag, err := r.Tag()
	switch {
	case err != nil:
		return nil, err
	case tag == tagString:
		b, err := r.Bytes()
		if err != nil {
			return nil, err
		}
		if len(b) > maxArgs {
			return nil, errTooMany
		}
		list := make([]etf.Raw, len(b))
		for i, c := range b {
			list[i] = etf.Raw{Bytes: etf.AppendInt(nil, int64(c))}
		}
		return list, nil
	case tag == tagNil:
		return nil, r.Nil()
	}
	n, err := r.List()
	if _, ok := errors.AsType[*etf.TypeError](err); ok {
		return nil, errImproper
	}
	if err != nil {
		return nil, err
	}
	if n > maxArgs {
		return nil, errTooMany
	}
	list := make([]etf.Raw, n)
	for i := range list {
		if list[i], err = r.Raw(); err != nil {
			return nil, err
		}
	}
	if tag, err = r.Tag(); err != nil {
		return nil, err
	}
	if tag != tagNil {
		return nil, errImproper
	}
	return list, nil
}

const (
	tagNil    = 106
	tagString = 107
)

// ApplyError is the exception of erlang:apply/3 for an error of ArgList: badarg for what is no list, system_limit for too many
// arguments. It is nil for nil and for arguments that are no term.
func ApplyError(err error, module, function etf.Atom, args etf.Raw) *Exception {
	if !errors.Is(err, errImproper) && !errors.Is(err, errTooMany) {
		return nil
	}
	e := BadArg("erlang", "apply", module, function, ArgTerms([]etf.Raw{args})[0])
	if errors.Is(err, errTooMany) {
		e.Reason = etf.Atom("system_limit")
	}
	return e
}

// BadArg is the exception badarg of a built-in function, with the stack that lets the caller's node explain it
// (erl_erts_errors:format_error/2).
func BadArg(module, function etf.Atom, args ...etf.Term) *Exception {
	info := etf.Tuple{etf.Atom("error_info"), etf.Map{{Key: etf.Atom("module"), Value: etf.Atom("erl_erts_errors")}}}
	return &Exception{Class: "error", Reason: etf.Atom("badarg"),
		Stack: etf.List{etf.Tuple{module, function, etf.List(args), etf.List{info}}}}
}
