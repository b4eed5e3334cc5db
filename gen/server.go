package gen

import (
	"errors"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// Server is a gen_server in Go. Its methods run one at a time, in the name of the server's process, which is p. HandleCall, HandleCast and
// HandleInfo may run in another goroutine than the others, and than the last time (node.Process.Serve says why); they may take their time and wait.
//
// HandleCall answers a call: the reply is anything that etf.Marshal takes, or NoReply to answer later with Reply. An error
// ends the server with that reason (see node.Process.Exit), after the reply unless that is nil or NoReply; the caller of
// an unanswered call sees the reason. To refuse a request reply with what says so, as {error, Reason} does.
//
// A Server may also be a CastHandler, an InfoHandler, an Initializer, a Continuer, an IdleHandler and a Terminator; and for
// tools that look into it (the module sys) a Stater, a StateSetter and a CodeChanger.
//
// What is not for its methods: the requests of sys, which every Server answers, and the exit of its parent (node.Linked),
// which ends it also when it traps exits.
type Server interface {
	HandleCall(p *node.Process, from From, request etf.Raw) (reply any, err error)
}

// CastHandler is a Server that takes casts. Without it they are dropped.
type CastHandler interface {
	HandleCast(p *node.Process, request etf.Raw) error
}

// InfoHandler is a Server that takes other messages: plain ones, exits, ends of monitors. Without it they are dropped.
type InfoHandler interface {
	HandleInfo(p *node.Process, m node.Message) error
}

// Initializer is a Server that prepares itself in its own process, before its first message. Start waits for it and fails
// with its error.
type Initializer interface {
	Init(p *node.Process) error
}

// Continuer is a Server with more to prepare: HandleContinue runs when Start has returned, before the first message
// (handle_continue/2 after init/1). An error ends the server.
type Continuer interface {
	HandleContinue(p *node.Process) error
}

// IdleHandler is a Server that does something when nothing comes: before each wait Idle says how long it may be, zero or
// less for as long as it takes, and HandleIdle runs when no message has come in that time (the timeout of gen_server). An
// error ends the server.
type IdleHandler interface {
	Idle() time.Duration
	HandleIdle(p *node.Process) error
}

// Terminator is a Server that cleans up. Terminate runs in the server's goroutine when it has ended, also by an exit
// signal or a panic, which is why p is of no use any more. The reason is nil for a normal end.
type Terminator interface {
	Terminate(reason error)
}

type noReply struct{}

// NoReply is the reply of a HandleCall that answers later, with Reply, or not at all.
var NoReply any = noReply{}

// Spawner is a node, on which Start makes processes.
type Spawner interface {
	Spawn(f func(p *node.Process) error, opts ...node.Option) (*node.Process, error)
}

// Start starts a server in a process of its own and waits until its Init is through (gen_server:start/3). It fails with the
// error of Init, and as node.Node.Spawn does, with node.ErrNameTaken for example.
func Start(n Spawner, s Server, opts ...node.Option) (etf.Pid, error) {
	started := make(chan error, 1)
	p, err := n.Spawn(func(p *node.Process) error {
		if err := initialize(p, s, started); err != nil {
			return err
		}
		return serve(p, s)
	}, opts...)
	if err != nil {
		return etf.Pid{}, err
	}
	if err := <-started; err != nil {
		<-p.Done()
		return etf.Pid{}, err
	}
	return p.Self(), nil
}

// initialize runs Init and says how it went, however it ends.
func initialize(p *node.Process, s Server, started chan<- error) error {
	err := errors.New("gen: Init did not return")
	defer func() { started <- err }()
	if i, ok := s.(Initializer); ok {
		if ierr := i.Init(p); ierr != nil {
			err = ierr
			return err
		}
	}
	err = nil
	return nil
}

func isGone(err error) bool {
	exit := (*node.ExitError)(nil)
	return errors.Is(err, node.ErrNoConnection) || errors.As(err, &exit)
}
