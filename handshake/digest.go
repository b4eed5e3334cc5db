package handshake

import (
	"crypto/md5"
	"crypto/subtle"
	"strconv"
	"sync"
)

// digest is MD5(cookie ++ decimal challenge) (OTP: dist_util:gen_digest). The characters of a cookie are Latin-1.
func digest(cookie string, challenge uint32) [md5.Size]byte {
	return md5.Sum(strconv.AppendUint(latin1(cookie), uint64(challenge), 10))
}

// secret is the cookie of one handshake. The zero value proves nothing and accepts nothing.
type secret struct{ cookie string }

func (c *Config) secret(peer string) (secret, error) {
	var s secret
	if c.Cookie != nil {
		s.cookie = c.Cookie(peer)
	}
	if s.cookie == "" {
		return s, &CookieError{Peer: peer, None: true}
	}
	return s, nil
}

// proves reports whether sum answers challenge. It takes the same time whatever sum is.
func (s secret) proves(sum []byte, challenge uint32) bool {
	want := digest(s.cookie, challenge)
	return s.cookie != "" && subtle.ConstantTimeCompare(sum, want[:]) == 1
}

// Guard knows the challenges of a node's unfinished handshakes. A peer without the cookie that is asked to
// answer one could open a second connection, or wait for one from us, and present it there as its own
// challenge; our answer would be the one it needs. A handshake with a Guard refuses to answer a challenge that
// the node itself has open.
//
// The zero value is ready. It may be used concurrently. A challenge is open until its machine is done, has
// failed or is closed.
type Guard struct {
	mu   sync.Mutex
	open map[uint32]int
}

func (g *Guard) add(challenge uint32) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open == nil {
		g.open = make(map[uint32]int)
	}
	g.open[challenge]++
}

func (g *Guard) remove(challenge uint32) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open[challenge] <= 1 {
		delete(g.open, challenge)
	} else {
		g.open[challenge]--
	}
}

func (g *Guard) has(challenge uint32) bool {
	if g == nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open[challenge] > 0
}

// ownChallenge is the challenge of one machine, which is open from set to close.
type ownChallenge struct {
	value uint32
	guard *Guard
	open  bool
}

func (o *ownChallenge) set(value uint32, guard *Guard) {
	guard.add(value)
	*o = ownChallenge{value, guard, true}
}

func (o *ownChallenge) close() {
	if o.open {
		o.open = false
		o.guard.remove(o.value)
	}
}
