package global

import (
	"fmt"
	"slices"
	"testing"
)

// What need not wait is done by who wants it done; from the first thing on that has to wait a goroutine does the rest, in order.
func TestLane(t *testing.T) {
	for _, test := range []struct {
		tasks string // n: done now; w: would have to wait; d: has no way to do it now
		now   int    // how many are done at once
	}{
		{"n", 1},
		{"nnn", 3},
		{"w", 0},
		{"nwn", 1},
		{"nnd", 2},
		{"dn", 0},
		{"nnwnndnw", 2},
	} {
		g := &Global{lanes: make(map[atom]*lane)}
		var got, want []string
		release := make(chan bool)
		g.locked(func() {
			for i, kind := range test.tasks {
				name := fmt.Sprint(i, string(kind))
				want = append(want, name)
				task := task{do: func() {
					<-release
					got = append(got, name)
				}}
				if kind != 'd' {
					task.now = func() bool {
						if kind == 'w' {
							return false
						}
						got = append(got, name)
						return true
					}
				}
				g.enqueue("a@test", task)
			}
		})
		if len(got) != test.now {
			t.Errorf("%s: %v are done at once, want %d", test.tasks, got, test.now)
		}
		close(release)
		g.work.Wait()
		if !slices.Equal(got, want) {
			t.Errorf("%s: done are %v", test.tasks, got)
		}
		if len(g.lanes) != 0 {
			t.Errorf("%s: %d lanes are left", test.tasks, len(g.lanes))
		}
	}
}

// What is sent overtakes monitors, and nothing else does; one peer does not hold up another.
func TestLaneOvertaken(t *testing.T) {
	g := &Global{lanes: make(map[atom]*lane)}
	var got []string
	add := func(name string) { got = append(got, name) }
	send := func(name string) task {
		return task{do: func() { add(name) }, now: func() bool { add(name); return true }}
	}
	monitor := func(name string) task { return task{do: func() { add(name) }, late: true} }
	demonitor := func(name string) task { t := send(name); t.late = true; return t }
	release := make(chan bool)
	g.locked(func() {
		g.enqueue("a@test", demonitor("demonitor at once"))
		g.enqueue("b@test", task{do: func() { <-release }})
		g.enqueue("a@test", monitor("monitor"))
		g.enqueue("a@test", send("send"))
		g.enqueue("a@test", demonitor("demonitor"))
		g.enqueue("a@test", send("send again"))
		g.lane("a@test", func() { <-release; add("disconnect") })
		g.enqueue("a@test", send("send after it"))
	})
	release <- true
	release <- true
	g.work.Wait()
	want := []string{"demonitor at once", "send", "send again", "monitor", "demonitor", "disconnect", "send after it"}
	if !slices.Equal(got, want) {
		t.Errorf("done are %q,\nwant %q", got, want)
	}
}

// When global has ended nothing more is done.
func TestLaneOver(t *testing.T) {
	g := &Global{lanes: make(map[atom]*lane)}
	g.locked(func() {
		g.enqueue("a@test", task{
			do: func() { t.Error("done after the end") },
			now: func() bool {
				g.mu.Lock()
				g.over = true
				g.mu.Unlock()
				return false
			},
		})
	})
	g.work.Wait()
}

// A panic under the lock leaves it free.
func TestLockedPanics(t *testing.T) {
	g := &Global{lanes: make(map[atom]*lane)}
	func() {
		defer func() { recover() }()
		g.locked(func() { panic("x") })
	}()
	done := false
	g.locked(func() { g.enqueue("a@test", task{now: func() bool { done = true; return true }}) })
	if !done || g.holds {
		t.Error("it does not go on")
	}
}
