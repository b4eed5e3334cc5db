package node

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/etf"
)

// Process is one process of a node: a pid, a mailbox, links, monitors, perhaps a name. All methods may be called
// concurrently; signals of one goroutine to one receiver arrive in the order of the calls.
//
// A process lives until it exits: by Exit, by the end of its function (Spawn), or by an exit signal. From that moment its
// peers know its reason, Context is cancelled, and every method that would act in its name fails with its *ExitError.
// The goroutine of a process is not stopped by force: what it is doing ends when it next looks at the context or at an
// error.
type Process struct {
	node    *Node
	pid     etf.Pid
	parent  etf.Pid // see Linked
	initial mfa     // the function that it began with
	kernel  bool    // belongs to the node itself: no exit signal of anybody ends it

	// life counts the operations under way that emit signals: the exit signals come after them. Once the process has exited
	// it is over dead.
	life     atomic.Int64
	local    atomic.Pointer[origin] // of what it sends on this node
	requests atomic.Int32           // calls under way in this process's name

	mu       sync.Mutex
	box      mailbox
	server   atomic.Pointer[server] // what Serve runs
	trapExit bool
	named    bool // registered, as
	name     etf.Atom
	leader   etf.Pid
	links    links
	monitors map[uint64]*monitor       // of others, by this process; see refNumber
	spawns   map[etf.Ref]*spawnRequest // not answered yet
	watchers map[watchKey]watcher      // monitors of this process, by others
	renamed  bool                      // it has lost a name: those by name are in Node.watchedByName as well
	aliases  map[etf.Ref]AliasMode
	ties     []tie     // to the connections that know this process
	interest *interest // in nodes, or nil
	unlinks  uint64    // ids given to UNLINK_ID
	ctx      context.Context
	cancel   context.CancelCauseFunc

	exited   bool
	buried   bool // out of the tables
	finished bool // everybody has been told
	reason   reason
	err      *ExitError // see errLocked
}

// An Option says something about a process before it can be reached.
type Option func(*setup)

type setup struct {
	named    bool
	name     etf.Atom
	trapExit bool
	limit    int
	linked   *Process
	leader   etf.Pid
	initial  mfa
	kernel   bool
}

// Register gives the process a name before it runs.
func Register(name etf.Atom) Option { return func(s *setup) { s.named, s.name = true, name } }

// TrapExit makes the process trap exits from the start.
func TrapExit() Option { return func(s *setup) { s.trapExit = true } }

// Linked links the process to p, its parent, before it runs, as spawn_link does.
func Linked(p *Process) Option { return func(s *setup) { s.linked = p } }

// MailboxLimit bounds the mailbox to n messages. A process that gets one more is killed with the reason mailbox_overflow;
// nothing is ever dropped. Zero or less, the default: no limit, as in Erlang.
func MailboxLimit(n int) Option { return func(s *setup) { s.limit = n } }

// Open makes a process without a goroutine: an address with a mailbox, for whoever holds it. It costs memory until Exit.
// On a closed node, or if Register names a name that cannot be had, the process is dead from the start and Err says why.
func (n *Node) Open(opts ...Option) *Process {
	p, _ := n.newProcess(opts)
	return p
}

// Spawn makes a process that runs f in a goroutine of its own and exits when f returns: normal for nil, the reason of an
// *ExitError (see Exit), {error, Text} for another error, {panic, Text} for a panic, which is logged. The process can be
// reached before f runs. Spawn fails with ErrClosed, and as Process.Register does if the name cannot be had.
//
// Close waits for f: it has to return when p.Context() is done.
func (n *Node) Spawn(f func(p *Process) error, opts ...Option) (*Process, error) {
	p, err := n.newProcess(opts)
	if err != nil {
		return nil, err
	}
	if !n.spawn(func() { p.run(f) }) {
		p.exit(reasonOf(shutdown))
		return nil, ErrClosed
	}
	return p, nil
}

// newProcess makes a process; one that comes with an error is dead.
func (n *Node) newProcess(opts []Option) (*Process, error) {
	s := setup{leader: n.defaultLeader(), initial: mfa{"erlang", "apply", 2}}
	for _, o := range opts {
		o(&s)
	}
	p := &Process{node: n, trapExit: s.trapExit, leader: s.leader, kernel: s.kernel, parent: s.linked.self(), initial: s.initial}
	p.box.limit = s.limit
	if !n.processes.add(n, p) {
		p.exit(errorReason(ErrClosed))
		return p, ErrClosed
	}
	if s.named {
		if err := p.Register(s.name); err != nil {
			p.exit(errorReason(err))
			return p, err
		}
	}
	if s.linked != nil {
		if err := p.Link(s.linked.pid); err != nil { // it has exited
			p.exit(missing)
			return p, err
		}
	}
	return p, nil
}

// run is the goroutine of a spawned process.
func (p *Process) run(f func(*Process) error) {
	r := normalEnd
	defer func() {
		if v := recover(); v != nil {
			r = p.panicked(v)
		}
		p.exit(r)
	}()
	r = errorReason(f(p))
}

// Self is the process's pid.
func (p *Process) Self() etf.Pid { return p.pid }

// Node is the node on which the process lives.
func (p *Process) Node() *Node { return p.node }

func (p *Process) self() etf.Pid {
	if p == nil {
		return etf.Pid{}
	}
	return p.pid
}

// Context is done when the process has exited; its cause is the *ExitError. It is how a link reaches ordinary Go code.
func (p *Process) Context() context.Context { return own{p} }

// own is the context of a process. What it takes to tell others is made when somebody asks for it: most processes are never
// asked.
type own struct{ p *Process }

func (c own) Deadline() (t time.Time, ok bool) { return t, false }
func (c own) Done() <-chan struct{}            { return c.p.context().Done() }
func (c own) Err() error                       { return c.p.context().Err() }
func (c own) Value(key any) any                { return c.p.context().Value(key) }
func (c own) String() string                   { return "context of " + c.p.pid.String() }

func (p *Process) context() context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx == nil {
		p.ctx, p.cancel = context.WithCancelCause(context.Background())
		if p.buried {
			p.cancel(p.errLocked())
		}
	}
	return p.ctx
}

// Done is closed when the process has exited.
func (p *Process) Done() <-chan struct{} { return p.Context().Done() }

// Err is nil while the process lives, and then its *ExitError.
func (p *Process) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.errLocked()
}

// errLocked makes the error when somebody wants it: most processes end unasked.
func (p *Process) errLocked() error {
	if !p.exited {
		return nil
	}
	if p.err == nil {
		p.err = &ExitError{Reason: p.reason.term()}
	}
	return p.err
}

// Parent is the process that this one was linked to when it was made (Linked), zero if there is none.
func (p *Process) Parent() etf.Pid { return p.parent }

// TrapExit turns exit signals into messages {'EXIT', From, Reason}, or back, and returns what it was before
// (process_flag(trap_exit, on)).
func (p *Process) TrapExit(on bool) (before bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, p.trapExit = p.trapExit, on
	return before
}

// begin notes that an operation emits signals in the process's name, and fails when it has exited. Every begin that
// succeeds is followed by end: the signals of the exit wait for it, so that a process sends nothing after its end.
func (p *Process) begin() error {
	if p.shared() {
		if p.life.Load() < dead {
			return nil
		}
		return p.Err()
	}
	if p.life.Add(1) < dead {
		return nil
	}
	p.end()
	return p.Err()
}

// dead is what exiting adds to Process.life.
const dead = 1 << 62

// end is the end of an operation. The last one after the exit of the process tells everyone of that.
func (p *Process) end() {
	if !p.shared() && p.life.Add(-1) == dead {
		p.finish()
	}
}

// shared tells whether the process is the one that all goroutines share which are none: it has nobody to tell of its end, so what they
// do is not counted, each on another processor.
func (p *Process) shared() bool { return p == p.node.caller }

// within returns ctx cut short by the end of the process, for what it does under another context than its own: its exit
// signals wait for all that it has under way.
func (p *Process) within(ctx context.Context) (context.Context, context.CancelFunc) {
	self := p.Context()
	if ctx == self || p.kernel {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(self, func() { cancel(context.Cause(self)) })
	return ctx, func() { stop(); cancel(nil) }
}

// reach returns the connection to a node, nil for this node, and sets one up if need be. The end of the process interrupts it.
func (p *Process) reach(ctx context.Context, to etf.Atom) (*session, error) {
	if s, err := p.node.connected(to); err == nil {
		return s, nil
	}
	ctx, done := p.within(ctx)
	defer done()
	return p.node.session(ctx, to)
}

// transmit is Node.transmit that the end of the process interrupts.
func (p *Process) transmit(ctx context.Context, s *session, sigs ...*dist.Signal) error {
	if s != nil && ctx != p.Context() && !p.kernel && !s.conn.Ready(sigs...) {
		var done context.CancelFunc
		ctx, done = p.within(ctx)
		defer done()
	}
	return p.node.transmit(ctx, s, sigs...)
}
