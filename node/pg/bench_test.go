package pg

import (
	"fmt"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// benchData is a sync of 10,000 members in 500 groups.
func benchData(b *testing.B) etf.Raw {
	m := message{kind: data, from: scopePid}
	for g := range 500 {
		var pids []etf.Pid
		for i := range 20 {
			pids = append(pids, etf.Pid{Node: "a@h", ID: uint32(g*20 + i), Creation: 1})
		}
		m.changes = append(m.changes, named(etf.Binary(fmt.Sprint("group ", g)), pids, nil))
	}
	all, err := m.encode()
	if err != nil {
		b.Fatal(err)
	}
	return etf.Raw{Bytes: all[0]}
}

// BenchmarkData reads and applies all members of another node: 10,000 in 500 groups.
func BenchmarkData(b *testing.B) {
	raw := benchData(b)
	b.SetBytes(int64(len(raw.Bytes)))
	b.ReportAllocs()
	for b.Loop() {
		msg, err := parse(raw)
		if err != nil {
			b.Fatal(err)
		}
		m := newMachine(etf.Pid{Node: "b@h", ID: 1, Creation: 1})
		m.receive(msg)
	}
}

// BenchmarkJoin is a process that joins a group of 1,000 and leaves it, with three peers to be told.
func BenchmarkJoin(b *testing.B) {
	m := newMachine(scopePid)
	for i := range 3 {
		m.receive(message{kind: discover, from: etf.Pid{Node: etf.Atom(fmt.Sprint("n@", i)), ID: 1}})
	}
	name := etf.Binary("group")
	k, _ := key(name)
	for i := range 1000 {
		m.join(k, name, []etf.Pid{{Node: "a@h", ID: uint32(i + 10), Creation: 1}})
	}
	m.take()
	one := []etf.Pid{pid2}
	b.ReportAllocs()
	for b.Loop() {
		m.join(k, name, one)
		m.leave(k, one)
		for _, e := range m.take() {
			if e.kind == send {
				e.message.encode()
			}
		}
	}
}

// BenchmarkDeath ends the 1,000 members of a group, one after the other, the oldest first.
func BenchmarkDeath(b *testing.B) {
	name := etf.Binary("group")
	k, _ := key(name)
	b.ReportAllocs()
	for b.Loop() {
		m := newMachine(scopePid)
		for i := range 1000 {
			m.join(k, name, []etf.Pid{{Node: "a@h", ID: uint32(i), Creation: 1}})
		}
		for i := range 1000 {
			m.down(etf.Pid{Node: "a@h", ID: uint32(i), Creation: 1})
		}
		m.take()
	}
}
