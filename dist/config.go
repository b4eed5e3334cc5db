package dist

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// Config says how a connection behaves. The zero value of a field means its default.
type Config struct {
	Self, Peer etf.Atom        // the two nodes' names
	Flags      handshake.Flags // what both sides offered: Result.Flags of the handshake

	// Handle gets every signal, in the order of arrival, in the reading goroutine: there is one at a time. It must not wait for
	// anything: while it runs nothing else arrives from the peer.
	Handle func(*Signal)

	// Gathered, which may be nil, is called if Handle has asked for it (Conn.Gather), when what has come together is handled. It is like
	// Handle: it must not wait.
	Gathered func()

	// Serve, which may be nil, is called if Handle has asked for it (Conn.Ask), in the reading goroutine, when what has come is handled and
	// before more is read. It is for short work that would only be delayed by handing it to another goroutine: answering a request.
	// It may wait and take its time: after a millisecond or two another goroutine goes on reading. After each piece
	// of the work it calls Turn.Renew, and returns when that says that another goroutine has the turn. If the
	// goroutines overlap it is called by two of them at once.
	Serve func(*Turn)

	NetTickTime      time.Duration // default 60 s, as net_ticktime; negative: no ticks and no timeout
	NetTickIntensity int           // ticks per NetTickTime; default and if negative 4, as net_tickintensity (which takes 4 to 1000)

	MaxFrame     int // longest packet taken, bytes; default 512 MiB
	MaxMessage   int // longest message put together from fragments, bytes; default 1 GiB
	MaxFragments int // fragmented messages unfinished at once, but for those whose senders have exited; default 4096

	// SendBuffer is how many bytes may wait for the socket before senders wait too (+zdbbl); default 1 MiB.
	SendBuffer int
	// MaxPending is how many bytes of signals that cannot wait for room (exits, downs, acks: Post) may come together
	// while the buffer is over SendBuffer; then the peer does not read, and the connection is closed. Default 256 MiB.
	MaxPending int

	Logger *slog.Logger // default: discards

	// Trace, if set, is called for every signal, by many goroutines and with locks held: it prints and does nothing else. It
	// must not keep or change the signal.
	Trace func(received bool, s *Signal)
}

func (c Config) withDefaults() Config {
	c.NetTickTime = cmp.Or(c.NetTickTime, time.Minute)
	if c.NetTickIntensity <= 0 {
		c.NetTickIntensity = 4
	}
	c.MaxFrame = cmp.Or(c.MaxFrame, 512<<20)
	c.MaxMessage = cmp.Or(c.MaxMessage, 1<<30)
	c.MaxFragments = cmp.Or(c.MaxFragments, 4096)
	c.SendBuffer = cmp.Or(c.SendBuffer, 1<<20)
	c.MaxPending = cmp.Or(c.MaxPending, 256<<20)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
