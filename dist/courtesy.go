package dist

import "time"

// courtesy decides when a thread that writes or reads large payloads lets others have its processor. It need not wait for anything for many
// milliseconds, and Linux takes the processor from it every 4 ms only: as long may the thread wait that reads the answer to a small call, or
// that of the peer, if it is on this machine, which is to give it. So while there is a conversation beside the stream whoever streams gives
// way now and then. On a machine with other work that may cost the stream a fifth of its time, and no more.
type courtesy struct {
	heard uint64    // how much has gone in the other direction
	talk  time.Time // when that was more than before, last
	next  time.Time // not before
}

const (
	talking      = 2 * time.Millisecond   // there is a conversation while not more time has passed since
	courtesyRate = 150 * time.Microsecond // how often it gives way then
)

// due tells whether to give way now, when so many bytes have gone in the other direction.
func (g *courtesy) due(heard uint64, now time.Time) bool {
	if heard != g.heard {
		g.heard, g.talk = heard, now
	}
	return now.Sub(g.talk) < talking && now.After(g.next)
}

// gave takes note of how long that took.
func (g *courtesy) gave(from, to time.Time) { g.next = to.Add(max(courtesyRate, 4*to.Sub(from))) }
