package node

import (
	"slices"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// TestProcessTable has numbers come round to those that are taken, while the table grows.
func TestProcessTable(t *testing.T) {
	n := &Node{name: "a@test", creation: 7}
	table := &n.processes
	living := make(map[etf.Pid]*Process)
	add := func() *Process {
		t.Helper()
		p := new(Process)
		if !table.add(n, p) {
			t.Fatal("no room")
		}
		if living[p.pid] != nil || p.number() < firstPid || p.number() >= pidRange || p.pid.Creation != 7 {
			t.Fatalf("%v is no new pid", p.pid)
		}
		living[p.pid] = p
		return p
	}
	check := func() {
		t.Helper()
		for pid, p := range living {
			if table.find(n, pid) != p {
				t.Fatalf("%v is not found", pid)
			}
			for _, other := range []etf.Pid{
				{Node: "b@test", ID: pid.ID, Serial: pid.Serial, Creation: 7},
				{Node: pid.Node, ID: pid.ID, Serial: pid.Serial, Creation: 8},
				{Node: pid.Node, ID: pid.ID + 1<<idBits, Serial: pid.Serial, Creation: 7},
				{Node: pid.Node, ID: pid.ID, Serial: pid.Serial ^ 1<<12, Creation: 7},
			} {
				if found := table.find(n, other); found != nil && found != living[other] {
					t.Fatalf("%v finds %v", other, found.pid)
				}
			}
		}
		if all := table.all(); len(all) != len(living) || table.living != len(living) || slices.ContainsFunc(all, func(p *Process) bool { return living[p.pid] != p }) {
			t.Fatalf("%d processes listed, %d counted, %d there are", len(all), table.living, len(living))
		}
	}
	if table.find(n, etf.Pid{Node: "a@test", ID: 1, Creation: 7}) != nil || len(table.all()) != 0 {
		t.Fatal("the empty table has a process")
	}
	var first []*Process
	for range 3 * firstSlots { // those of the beginning stay, in every other place
		first = append(first, add())
	}
	for i, p := range first {
		if i%2 == 0 {
			table.remove(p)
			table.remove(p) // as nothing
			delete(living, p.pid)
		}
	}
	check()
	table.next = pidRange - 10
	for range 10 * firstSlots {
		add()
	}
	check()
	for _, p := range living {
		table.remove(p)
		delete(living, p.pid)
	}
	check()
	add()
	if all := table.close(); len(all) != 1 || table.add(n, new(Process)) {
		t.Errorf("%d processes when it is closed, and then more", len(all))
	}
}
