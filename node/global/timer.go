package global

import (
	"container/heap"
	"time"
)

// timer is something to be done at a time, or never if it is stopped.
type timer struct {
	at time.Time
	id uint64 // of two for the same time the older goes first
	do func() // nil once it has been done or stopped
}

func (t *timer) stop() {
	if t != nil {
		t.do = nil
	}
}

// after has something done once d has passed.
func (m *machine) after(d time.Duration, do func()) *timer {
	t := &timer{m.now.Add(d), m.newID(), do}
	heap.Push(&m.timers, t)
	return t
}

// next is when tick has something to do.
func (m *machine) next() (at time.Time, ok bool) {
	for len(m.timers) > 0 && m.timers[0].do == nil {
		heap.Pop(&m.timers)
	}
	if len(m.timers) == 0 {
		return at, false
	}
	return m.timers[0].at, true
}

// tick does what is due.
func (m *machine) tick() {
	for {
		if at, ok := m.next(); !ok || at.After(m.now) {
			return
		}
		t := heap.Pop(&m.timers).(*timer)
		do := t.do
		t.do = nil
		do()
	}
}

// randomSleep waits as long as OTP does before an attempt is repeated: at most 1/8 s, then twice as much each time, up to 8 s.
func (m *machine) randomSleep(times int, do func()) *timer {
	most := 8000
	if times <= 5 {
		most = (1 << times) * 1000 / 8
	}
	return m.after(time.Duration(1+m.rand.IntN(most))*time.Millisecond, do)
}

// timers is a heap, the next one first.
type timers []*timer

func (t timers) Len() int { return len(t) }
func (t timers) Less(i, j int) bool {
	if t[i].at.Equal(t[j].at) {
		return t[i].id < t[j].id
	}
	return t[i].at.Before(t[j].at)
}
func (t timers) Swap(i, j int) { t[i], t[j] = t[j], t[i] }
func (t *timers) Push(x any)   { *t = append(*t, x.(*timer)) }
func (t *timers) Pop() any {
	old := *t
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*t = old[:len(old)-1]
	return last
}
