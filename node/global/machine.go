package global

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/erlnode/erlnode/etf"
)

type atom = etf.Atom

// Versions of the protocol, and what came with them.
const (
	oldestVersion  = 5 // OTP 23.0; older ones are not spoken
	proxyVersion   = 6 // lockers speak through the servers
	versionsInList = 7 // lists of known nodes have their versions
	overlapVersion = 7 // lost_connection, remove_connection
	verifyVersion  = 8 // init_connect_ack, cancel_connect, tags in lock_set
	newestVersion  = 8
)

// setting is what a machine is told once.
type setting struct {
	self       atom
	creation   uint32
	server     etf.Pid // global_name_server
	locker     etf.Pid // holds the lock while two partitions are joined
	registrar  etf.Pid // holds the lock while a name is registered
	version    int     // newestVersion, but in simulations
	connectAll bool
	overlap    bool // prevent_overlapping_partitions

	rand  *rand.Rand
	alive func(etf.Pid) bool // of processes of this node
}

// machine is global as a value: it does nothing but return what is to be done. Of OTP's processes it is the server, the
// locker, the registrar, the resolvers, and those that synchronize. It is used by one goroutine at a time, like so: now is
// set, one input is called, and take returns the actions, which are to be carried out in their order.
//
// Inputs are: nodeUp, nodeDown, message, lockerMessage, down, answered, connected, resolvedBy, tick, and the requests of
// this node: register, reregister, unregister, setLock, delLock, abandon, sync, leave.
type machine struct {
	setting
	now time.Time
	out []action

	up       map[atom]bool // visible nodes that are connected
	known    map[atom]int  // nodes of this cluster, with their versions
	pending  map[atom]int  // nodes that are being joined
	removing map[atom]bool // connections that are being taken down: no loss
	unwanted map[atom]bool // nodes to leave as soon as a connection that is being set up is there
	synced   map[atom]bool // nodes that have the same names
	outside  map[atom]bool // nodes that are connected, and take this one for no member of their group
	sessions map[atom]*session
	syncers  []*syncer
	losses   map[[2]atom]*loss

	names     map[string]*name
	namesOf   map[etf.Pid]int // how many names a process has
	locks     map[string]*lock
	lockDown  bool // the lock global was last freed by the end of its holder
	monitors  map[uint64]func()
	calls     map[uint64]call
	conflicts map[uint64]*conflict
	tasks     map[uint64]*lockTask
	timers    timers
	lastID    uint64
	lastTag   int64
	lastLoss  int64
	lifeID    etf.Term // of this life of the node, in lost_connection

	lk    locker
	queue []transaction // of the registrar; the first is under way
}

func newMachine(s setting) *machine {
	m := &machine{
		setting:   s,
		up:        make(map[atom]bool),
		known:     make(map[atom]int),
		pending:   make(map[atom]int),
		removing:  make(map[atom]bool),
		unwanted:  make(map[atom]bool),
		synced:    make(map[atom]bool),
		outside:   make(map[atom]bool),
		sessions:  make(map[atom]*session),
		losses:    make(map[[2]atom]*loss),
		names:     make(map[string]*name),
		namesOf:   make(map[etf.Pid]int),
		locks:     make(map[string]*lock),
		monitors:  make(map[uint64]func()),
		calls:     make(map[uint64]call),
		conflicts: make(map[uint64]*conflict),
		tasks:     make(map[uint64]*lockTask),
	}
	m.lifeID = etf.Int(int64(m.rand.Uint32N(1<<27))<<32 + int64(m.creation))
	m.lastTag = int64(m.rand.Uint32())
	return m
}

// An action is one thing that the machine wants done. Those that concern one peer must keep their order.
type action interface{}

type (
	// sendServer sends msg to global_name_server of a node, if it is connected.
	sendServer struct {
		node atom
		msg  etf.Term
	}
	// sendTo sends msg to a pid or an alias, if its node is connected.
	sendTo struct {
		to  any
		msg etf.Term
	}
	// startCall makes a gen_server call to global_name_server of another node. It is to be answered, always: answered(id, …).
	startCall struct {
		id      uint64
		from    etf.Pid // of this node
		node    atom
		request etf.Term
		dial    bool // connect to the node if need be
	}
	// startMonitor monitors a process in the name of the server: down(id) when it has ended.
	startMonitor struct {
		id  uint64
		pid etf.Pid
	}
	stopMonitor struct{ id uint64 }
	// setLink links the server to a process, or unlinks it.
	setLink struct {
		pid etf.Pid
		on  bool
	}
	// connect connects to a node, which others know as a member of the cluster, or somebody waits for: connected(node, …)
	// tells how that went.
	connect struct {
		node   atom
		member bool
	}
	// disconnect ends a connection, without waiting.
	disconnect struct{ node atom }
	// resolve has a conflict settled on a node by the method of one of its processes: resolvedBy(id, …).
	resolve struct {
		id           uint64
		node         atom
		method       etf.Term
		name         etf.Term
		theirs, ours etf.Pid
	}
	// finish answers a request of this node.
	finish struct {
		request uint64
		value   etf.Term
	}
	// warn is for the log.
	warn struct {
		text string
		node atom
		term etf.Term
	}
)

func (m *machine) do(a action) { m.out = append(m.out, a) }

// take returns what is to be done since it was last called.
func (m *machine) take() []action {
	m.lk.run(m)
	out := m.out
	m.out = nil
	return out
}

func (m *machine) newID() uint64 {
	m.lastID++
	return m.lastID
}

// newTag makes a tag for a session. Peers only compare tags.
func (m *machine) newTag() int64 {
	m.lastTag++
	return m.lastTag
}

// cast sends a gen_server cast to global_name_server of a node.
func (m *machine) cast(node atom, fields ...etf.Term) {
	m.do(sendServer{node, etf.Tuple{atom("$gen_cast"), etf.Tuple(fields)}})
}

// info sends a plain message to global_name_server of a node.
func (m *machine) info(node atom, fields ...etf.Term) { m.do(sendServer{node, etf.Tuple(fields)}) }

// nodes is this node and those it knows.
func (m *machine) nodes() []atom { return append([]atom{m.self}, sortedKeys(m.known)...) }

// boss is the node that is locked first, and freed last.
func boss(nodes []atom) atom { return slices.Max(nodes) }

// versionOf is the version of a node, 0 if it is not known.
func (m *machine) versionOf(node atom) int {
	if node == m.self {
		return m.version
	}
	if v, ok := m.known[node]; ok {
		return v
	}
	return m.pending[node]
}

// sortedKeys makes what follows from a map the same each time.
func sortedKeys[V any](m map[atom]V) []atom {
	keys := make([]atom, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func without(nodes []atom, drop ...atom) []atom {
	var rest []atom
	for _, n := range nodes {
		if !slices.Contains(drop, n) {
			rest = append(rest, n)
		}
	}
	return rest
}

// key is a string for a term, the same for the same term only.
func key(t etf.Term) string {
	if a, ok := t.(atom); ok {
		return "a" + string(a)
	}
	b, err := etf.AppendDeterministic(nil, t)
	if err != nil {
		return "" // of a term that was never decoded
	}
	return string(b)
}

// own returns the same term in memory of its own: one that is kept must not hold on to the message it came with.
func own(t etf.Term) etf.Term {
	switch t.(type) {
	case atom, etf.Int, etf.Pid, etf.Ref, etf.Export:
		return t
	}
	if b, err := etf.AppendTerm(nil, t); err == nil {
		if c, err := (etf.Raw{Bytes: b}).Term(); err == nil {
			return c
		}
	}
	return t
}

// state is the state of the server as global:info/0 shows it.
func (m *machine) state() etf.Term {
	known := etf.Map{}
	for _, n := range sortedKeys(m.known) {
		known = append(known, etf.Pair{Key: n, Value: etf.Int(m.known[n])})
	}
	for _, n := range sortedKeys(m.pending) {
		known = append(known, etf.Pair{Key: etf.Tuple{atom("pending"), n}, Value: etf.Int(m.pending[n])})
	}
	for _, n := range sortedKeys(m.removing) {
		known = append(known, etf.Pair{Key: etf.Tuple{atom("removing"), n}, Value: atom("yes")})
	}
	synced := etf.List{}
	for _, n := range sortedKeys(m.synced) {
		synced = append(synced, n)
	}
	return etf.Tuple{atom("state"), etf.Tuple{atom("conf"), truth(m.connectAll), truth(m.overlap)}, known, synced, etf.List{}, etf.List{},
		m.self, m.locker, m.registrar, atom("no_trace"), truth(m.lockDown)}
}

func truth(b bool) etf.Term {
	if b {
		return atom("true")
	}
	return atom("false")
}
