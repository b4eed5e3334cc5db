package global

import (
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// message is an input: a message to global_name_server. What is no message of the protocol is dropped, with a warning.
func (m *machine) message(t etf.Term) {
	tuple, _ := t.(etf.Tuple)
	ok := false
	switch f := (fields{tuple}); f.atom(0) {
	case "$gen_cast":
		if len(tuple) == 2 {
			ok = m.castIn(tuple[1])
		}
	case "$gen_call":
		if len(tuple) == 3 {
			ok = m.callIn(tuple[1], tuple[2])
		}
	default:
		ok = m.infoIn(f)
	}
	if !ok {
		m.do(warn{"global_name_server: unexpected message", "", t})
	}
}

// castIn takes the casts of other servers.
func (m *machine) castIn(t etf.Term) bool {
	tuple, _ := t.(etf.Tuple)
	f := fields{tuple}
	peer := f.atom(1)
	switch {
	case f.tagged("init_connect", 4):
		vsn, _ := tuple[1].(etf.Tuple)
		who, isAtom := tuple[2].(atom)
		locker, ok := pidOf(tuple[3], 4, 3)
		if len(vsn) < 2 || !isAtom || !ok {
			return false
		}
		v, _ := vsn[0].(etf.Int)
		if len(vsn) > 2 {
			v = newestVersion // of the future; he says what we understand
		}
		if v < oldestVersion {
			return false
		}
		m.gotInitConnect(who, initConnect{int(min(v, 1<<20)), own(vsn[1]), locker})
	case f.tagged("exchange", 5):
		names, ok := nameOps(tuple[2])
		if !ok {
			return false
		}
		m.gotExchange(peer, names, tuple[4])
	case f.tagged("resolved", 7):
		ops, ok1 := opsOf(tuple[2])
		known, ok2 := versionsOf(tuple[3])
		ext, ok3 := externalsOf(tuple[5])
		if !ok1 || !ok2 || !ok3 {
			return false
		}
		m.gotResolved(peer, resolvedNames{ops, known, ext}, tuple[6])
	case f.tagged("new_nodes", 6):
		ops, ok1 := opsOf(tuple[2])
		ext, ok2 := externalsOf(tuple[3])
		nodes, ok3 := versionsOf(tuple[4])
		if !ok1 || !ok2 || !ok3 {
			return false
		}
		m.gotNewNodes(peer, ops, ext, nodes, option(tuple[5], "lock"))
	case f.tagged("in_sync", 3):
		m.gotInSync(peer)
	case f.tagged("lock_set", 4), f.tagged("lock_set", 5):
		pid, ok := tuple[1].(etf.Pid)
		if !ok {
			return false
		}
		if len(tuple) == 5 && m.current(pid.Node, tuple[4]) == nil {
			return true // of a session that is over
		}
		m.lockSetIn(pid, tuple)
	case f.tagged("async_del_name", 3), f.tagged("async_del_lock", 3): // of old; monitors do it
	default:
		return false
	}
	return true
}

// lockerMessage is an input: a message to the locker itself, as in version 5.
func (m *machine) lockerMessage(t etf.Term) {
	tuple, _ := t.(etf.Tuple)
	f := fields{tuple}
	if f.tagged("lock_set", 4) || f.tagged("lock_set", 5) {
		if pid, ok := tuple[1].(etf.Pid); ok {
			m.lockSetIn(pid, tuple)
		}
	}
}

func (m *machine) lockSetIn(from etf.Pid, tuple etf.Tuple) {
	tagged := len(tuple) == 5
	var tag etf.Int
	if tagged {
		tag, _ = tuple[4].(etf.Int)
	}
	m.lk.lockSet(from, tuple[2] == etf.Term(atom("true")), tagged, int64(tag))
}

// infoIn takes plain messages.
func (m *machine) infoIn(f fields) bool {
	switch {
	case f.tagged("init_connect_ack", 4):
		m.gotAck(f.atom(1), f.Tuple[2], f.Tuple[3])
	case f.tagged("cancel_connect", 3):
		m.gotCancel(f.atom(1), f.Tuple[2])
	case f.tagged("lost_connection", 5):
		m.gotLoss(f.atom(1), f.Tuple[2], f.Tuple[3], f.atom(4), f.Tuple)
	case f.tagged("remove_connection", 2):
		m.gotRemove(f.atom(1))
	case f.tagged("group_nodedown", 3):
		m.exclude(f.atom(1))
	case f.tagged("whereis", 3):
		m.whereisIn(f.Tuple[1], f.Tuple[2])
	default:
		return false
	}
	return true
}

// whereisIn answers the question of an old node, once no name can change.
func (m *machine) whereisIn(nm, from etf.Term) {
	if m.locks[globalResource] != nil {
		m.randomSleep(5, func() { m.whereisIn(nm, from) })
		return
	}
	var answer etf.Term = atom("undefined")
	if pid, ok := m.where(key(nm)); ok {
		answer = pid
	}
	m.reply(from, answer)
}

// callIn takes gen_server calls. One that nobody knows is not answered, as OTP's does.
func (m *machine) callIn(from, request etf.Term) bool {
	caller, _ := from.(etf.Tuple)
	if len(caller) != 2 {
		return false
	}
	pid, isPid := caller[0].(etf.Pid)
	if !isPid {
		return false
	}
	if f, isTuple := request.(etf.Tuple); isTuple && (fields{f}).tagged("sync", 2) {
		nodes, ok := versionsOf(f[1])
		if !ok {
			return false
		}
		var list []atom
		for _, n := range nodes {
			list = append(list, n.node)
		}
		m.sync(list, func() { m.reply(from, atom("ok")) })
		return true
	}
	value, ok := m.serve(request, pid)
	if ok {
		m.reply(from, value)
	}
	return ok
}

func (m *machine) reply(from, value etf.Term) {
	if caller, _ := from.(etf.Tuple); len(caller) == 2 {
		if pid, ok := caller[0].(etf.Pid); ok {
			m.do(sendTo{node.ReplyTo(pid, caller[1]), etf.Tuple{caller[1], value}})
		}
	}
}

// serve answers a call of a process at once.
func (m *machine) serve(request etf.Term, from etf.Pid) (etf.Term, bool) {
	if name, ok := request.(atom); ok {
		switch name {
		case "get_known":
			return m.knownList(oldestVersion), true
		case "get_synced":
			list := etf.List{}
			for _, n := range sortedKeys(m.synced) {
				list = append(list, n)
			}
			return list, true
		case "get_names_ext":
			return m.externalList(), true
		case "get_protocol_version":
			return etf.Int(m.version), true
		case "info":
			return m.state(), true
		case "disconnect":
			return m.disconnectAll(), true
		}
		return nil, false
	}
	tuple, _ := request.(etf.Tuple)
	switch f := (fields{tuple}); {
	case f.tagged("set_lock", 2):
		if _, _, ok := lockKey(tuple[1]); !ok {
			return nil, false
		}
		return truth(m.lockHere(tuple[1], from)), true
	case f.tagged("del_lock", 2):
		m.unlockHere(tuple[1], from)
		return atom("true"), true
	case f.tagged("register", 4), f.tagged("register_ext", 5):
		pid, ok := tuple[2].(etf.Pid)
		if !ok {
			return nil, false
		}
		m.insert(tuple[1], pid, tuple[3], f.atom(4), m.holdsGlobal(from))
		return atom("yes"), true
	case f.tagged("unregister", 2):
		m.deleteName(key(tuple[1]))
		return atom("ok"), true
	}
	return nil, false
}
