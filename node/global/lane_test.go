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
		g := &Global{lanes: make(map[way]*lane)}
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
				g.enqueue(way{peer: "a@test"}, task)
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

// One peer does not hold up another, and its monitors not what is sent to it.
func TestLanesApart(t *testing.T) {
	g := &Global{lanes: make(map[way]*lane)}
	release := make(chan bool)
	done := make(chan string, 3)
	now := func(name string) task { return task{now: func() bool { done <- name; return true }} }
	g.locked(func() {
		g.enqueue(way{"a@test", true}, task{do: func() { <-release }})
		g.enqueue(way{"b@test", false}, task{do: func() { <-release }})
		g.enqueue(way{"a@test", false}, now("a"))
		g.enqueue(way{"b@test", true}, now("monitors of b"))
		g.enqueue(way{"c@test", false}, now("c"))
	})
	if len(done) != 3 {
		t.Errorf("%d of 3 are done", len(done))
	}
	close(release)
	g.work.Wait()
}

// When global has ended nothing more is done.
func TestLaneOver(t *testing.T) {
	g := &Global{lanes: make(map[way]*lane)}
	g.locked(func() {
		g.enqueue(way{peer: "a@test"}, task{
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
	g := &Global{lanes: make(map[way]*lane)}
	func() {
		defer func() { recover() }()
		g.locked(func() { panic("x") })
	}()
	done := false
	g.locked(func() { g.enqueue(way{peer: "a@test"}, task{now: func() bool { done = true; return true }}) })
	if !done || g.holds {
		t.Error("it does not go on")
	}
}
