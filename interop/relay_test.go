//go:build unix

package interop

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/erlnode/erlnode/dist"
	"github.com/erlnode/erlnode/epmd"
)

// relay stands between two nodes: who looks for the one at an EPMD of its own finds the relay, and what passes is known packet by packet.
// Each direction can be held in the middle of a message.
type relay struct {
	there, back *lane // from who connects to the node behind the relay, and the other way

	listener net.Listener
	to       string
	mu       sync.Mutex
	open     []net.Conn
}

// newRelay puts a relay before the node alive@127.0.0.1, which listens on a port, for those who ask the EPMD epmdPort.
func newRelay(t testing.TB, epmdPort int, alive string, port int) *relay {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{there: newLane(), back: newLane(), listener: l, to: fmt.Sprintf("127.0.0.1:%d", port)}
	reg, err := epmd.Register(t.Context(), fmt.Sprintf("127.0.0.1:%d", epmdPort), epmd.Info{Name: alive, Port: l.Addr().(*net.TCPAddr).Port}, epmd.RegisterConfig{})
	if err != nil {
		l.Close()
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(r.accept)
	t.Cleanup(func() {
		reg.Close()
		l.Close()
		r.cut()
		r.there.release()
		r.back.release()
		running.Wait()
	})
	return r
}

// accept takes connections, one at a time.
func (r *relay) accept() {
	for {
		a, err := r.listener.Accept()
		if err != nil {
			return
		}
		b, err := net.Dial("tcp4", r.to)
		if err != nil {
			a.Close()
			continue
		}
		for _, nc := range []net.Conn{a, b} { // little lies here, the rest with its sender
			nc.(*net.TCPConn).SetReadBuffer(256 << 10)
			nc.(*net.TCPConn).SetWriteBuffer(256 << 10)
		}
		r.mu.Lock()
		r.open = []net.Conn{a, b}
		r.mu.Unlock()
		var both sync.WaitGroup
		both.Go(func() { r.there.carry(b, a, 2); r.cut() })
		both.Go(func() { r.back.carry(a, b, 3); r.cut() })
		both.Wait()
	}
}

// cut ends the connection, for both sides.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, nc := range r.open {
		nc.Close()
	}
	r.there.release()
	r.back.release()
}

// lane is one direction.
type lane struct {
	mu   sync.Mutex
	left int           // fragments that may pass; negative: all
	held chan struct{} // closed when one has to wait
	free chan struct{} // closed when it may go on
	log  []passed
}

// passed is what has gone through: signals that are whole, and the first and the last fragment of those that are not.
type passed struct {
	kind     string // "whole", "begins", "ends"
	op       dist.Op
	sequence uint64
	parts    uint64 // of one that begins
}

func (p passed) String() string {
	switch p.kind {
	case "begins":
		return fmt.Sprintf("%v of %d fragments begins", p.op, p.parts)
	case "ends":
		return "ends"
	}
	return p.op.String()
}

func newLane() *lane { return &lane{left: -1, held: make(chan struct{}), free: make(chan struct{})} }

// hold lets n more fragments pass and keeps back the next, and everything behind it, until release. The log begins anew.
func (l *lane) hold(n int) (held <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left, l.held, l.free, l.log = n, make(chan struct{}), make(chan struct{}), nil
	return l.held
}

func (l *lane) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left = -1
	select {
	case <-l.free:
	default:
		close(l.free)
	}
}

// passed returns the log.
func (l *lane) passed() []passed {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]passed(nil), l.log...)
}

// pass is called before a fragment goes on.
func (l *lane) pass() {
	l.mu.Lock()
	if l.left != 0 {
		l.left = max(l.left-1, -1)
		l.mu.Unlock()
		return
	}
	select {
	case <-l.held:
	default:
		close(l.held)
	}
	free := l.free
	l.mu.Unlock()
	<-free
}

func (l *lane) note(p passed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.log = append(l.log, p)
}

// carry copies a number of messages of the handshake and then packets, until either side is gone.
func (l *lane) carry(to io.Writer, from io.Reader, messages int) error {
	buf := make([]byte, 4, 128<<10)
	for i := 0; ; i++ {
		head := 4
		if i < messages {
			head = 2
		}
		if _, err := io.ReadFull(from, buf[:head]); err != nil {
			return err
		}
		n := 0
		for _, b := range buf[:head] {
			n = n<<8 | int(b)
		}
		if n > cap(buf)-head {
			buf = append(buf[:head:head], make([]byte, n)...)
		}
		packet := buf[head : head+n]
		if _, err := io.ReadFull(from, packet); err != nil {
			return err
		}
		switch string(packet[:min(n, 6)]) {
		case "strue", "sfalse": // the answer to alive
			if i < messages {
				messages++
			}
		}
		if i >= messages && n > 0 {
			p, fragment, err := read(packet)
			if err != nil {
				return err
			}
			if fragment {
				l.pass()
			}
			if p.kind != "" {
				l.note(p)
			}
		}
		if _, err := to.Write(buf[:head+n]); err != nil {
			return err
		}
	}
}

// read says what a packet is, as far as the tests want to know. The rest of the packets is checked by those that they are for.
func read(b []byte) (p passed, fragment bool, err error) {
	short := errors.New("relay: a packet is too short")
	if len(b) < 3 || b[0] != 131 {
		return p, false, errors.New("relay: a packet without a distribution header")
	}
	kind := b[1]
	b = b[2:]
	var part uint64
	if kind != 68 {
		if len(b) < 17 {
			return p, true, short
		}
		p.sequence, part = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
		b = b[16:]
	}
	if kind == 70 {
		if part == 1 {
			p.kind = "ends"
		}
		return p, true, nil
	}
	refs := int(b[0])
	b = b[1:]
	if refs > 0 {
		flags := b
		nibble := func(i int) byte { return flags[i/2] >> (4 * (i % 2)) & 15 }
		if len(b) < refs/2+1 {
			return p, kind == 69, short
		}
		size := 1 + int(nibble(refs)&1)
		b = b[refs/2+1:]
		for i := range refs {
			n := 1
			if nibble(i)&8 != 0 {
				if len(b) < 1+size {
					return p, kind == 69, short
				}
				n = 1 + size + int(b[size])
				if size == 2 {
					n += int(b[1]) << 8
				}
			}
			if len(b) < n {
				return p, kind == 69, short
			}
			b = b[n:]
		}
	}
	if len(b) < 4 || b[0] != 104 || b[2] != 97 {
		return p, kind == 69, errors.New("relay: no control tuple")
	}
	p.kind, p.op = "whole", dist.Op(b[3])
	if kind == 69 && part > 1 {
		p.kind, p.parts = "begins", part
	}
	return p, kind == 69, nil
}

// awaitHeld waits until a lane is held in the middle of a message.
func awaitHeld(t testing.TB, held <-chan struct{}) {
	t.Helper()
	select {
	case <-held:
	case <-time.After(20 * time.Second):
		t.Fatal("no message of so many fragments came")
	}
}
