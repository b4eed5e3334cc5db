package pg

import (
	"github.com/erlnode/erlnode/etf"
)

// ours is the newest version of the protocol that this package speaks.
const ours = 1

// message is what scopes tell each other, the same for both versions of the protocol.
type message struct {
	kind    messageKind
	from    etf.Pid // the scope that it is from
	version int64   // 0 or 1: of the sender, when it has come in; that it is written in, when it goes out
	changes []change
}

type messageKind uint8

const (
	discover messageKind = iota // "here I am, what have you got?"
	data                        // all members of the sender's node, in add
	update                      // changes to them
)

// encode returns the message as the terms to send, one after the other. Version 0 says in several what version 1 says in one.
func (m message) encode() ([][]byte, error) {
	switch {
	case m.kind == update && m.version == 0:
		return m.encodePlain()
	case m.kind == update: // {update, Scope, [{Group, Add, Remove}]}
		b, err := appendChanges(m.begin(nil, 3, "update"), m.changes)
		return [][]byte{b}, err
	case m.kind == data:
		b, err := m.encodeData()
		return [][]byte{b}, err
	case m.version == 0: // {discover, Scope}
		return [][]byte{m.begin(nil, 2, "discover")}, nil
	}
	return [][]byte{etf.AppendInt(m.begin(nil, 3, "discover"), m.version)}, nil // {discover, Scope, Version}
}

func (m message) begin(dst []byte, arity int, name etf.Atom) []byte {
	return etf.AppendPid(etf.AppendAtom(etf.AppendTupleHeader(dst, arity), name), m.from)
}

// encodeData is {'$gen_cast', {sync, Scope, [{Group, Pids}]}}, or in version 1
// {'$gen_cast', {local_data, Scope, 1, #{Group => Pids}}}.
func (m message) encodeData() (b []byte, err error) {
	b = etf.AppendAtom(etf.AppendTupleHeader(nil, 2), "$gen_cast")
	if m.version == 0 {
		b = m.begin(b, 3, "sync")
		if len(m.changes) > 0 {
			b = etf.AppendListHeader(b, len(m.changes))
		}
	} else {
		b = etf.AppendInt(m.begin(b, 4, "local_data"), m.version)
		b = etf.AppendMapHeader(b, len(m.changes))
	}
	for _, c := range m.changes {
		if m.version == 0 {
			b = etf.AppendTupleHeader(b, 2)
		}
		if b, err = etf.AppendTerm(b, c.name); err != nil {
			return nil, err
		}
		b = appendPids(b, c.add)
	}
	if m.version == 0 {
		b = etf.AppendNil(b)
	}
	return b, nil
}

// encodePlain is an update in version 0: {join, Scope, Group, Pids} for who joins, {leave, Scope, Pids, Groups} for who
// leaves, with the group as often as there are memberships to end.
func (m message) encodePlain() (all [][]byte, err error) {
	for i := 0; i < len(m.changes); {
		c := m.changes[i]
		if len(c.add) > 0 {
			b := m.begin(nil, 4, "join")
			if b, err = etf.AppendTerm(b, c.name); err != nil {
				return nil, err
			}
			all = append(all, appendPidOrPids(b, c.add))
		}
		n := 1
		if len(c.remove) > 0 {
			// A process that dies leaves all of its groups by one message.
			for i+n < len(m.changes) && len(m.changes[i+n].add) == 0 && equalPids(m.changes[i+n].remove, c.remove) {
				n++
			}
			b := appendPidOrPids(m.begin(nil, 4, "leave"), c.remove)
			b = etf.AppendListHeader(b, n)
			for _, c := range m.changes[i : i+n] {
				if b, err = etf.AppendTerm(b, c.name); err != nil {
					return nil, err
				}
			}
			all = append(all, etf.AppendNil(b))
		}
		i += n
	}
	return all, nil
}

func appendChanges(b []byte, changes []change) (_ []byte, err error) {
	b = etf.AppendListHeader(b, len(changes))
	for _, c := range changes {
		if b, err = etf.AppendTerm(etf.AppendTupleHeader(b, 3), c.name); err != nil {
			return nil, err
		}
		b = appendPids(appendPids(b, c.add), c.remove)
	}
	return etf.AppendNil(b), nil
}

// appendPidOrPids is one pid, or a list of several.
func appendPidOrPids(b []byte, pids []etf.Pid) []byte {
	if len(pids) == 1 {
		return etf.AppendPid(b, pids[0])
	}
	return appendPids(b, pids)
}

func appendPids(b []byte, pids []etf.Pid) []byte {
	if len(pids) > 0 {
		b = etf.AppendListHeader(b, len(pids))
		for _, p := range pids {
			b = etf.AppendPid(b, p)
		}
	}
	return etf.AppendNil(b)
}

func equalPids(a, b []etf.Pid) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
