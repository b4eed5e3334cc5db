package dist

import (
	"encoding/binary"

	"github.com/erlnode/erlnode/etf"
)

// repeats remembers how packets with messages began, by sender and receiver: a process that sends to another one repeats header and
// control tuple byte for byte, and then neither has to be read again. What a header means changes when the peer enters a new atom into the
// cache: then everything is forgotten.
type repeats struct {
	news   uint64 // of the cache
	seen   [repeatPlaces]uint32
	starts [repeatPlaces]*packetStart
}

// packetStart is the start of a packet, up to the payload, and what it says. Of a monitor or its end it goes up to the words of the reference.
type packetStart struct {
	bytes  []byte
	signal Signal // whose Payload, or Ref, comes and goes
	atoms  []etf.Atom
}

// isMonitor tells whether a packet begins so that the words of a reference have to follow, and nothing else.
func (s *packetStart) isMonitor() bool { return s.signal.Kind != Send }

const (
	repeatPlaces = 64
	longestStart = 256 // that is remembered
	leastStart   = 31  // that can be: without the receiver's name
)

// find returns what is known of a packet with a distribution header, nil if that is nothing.
func (r *repeats) find(b []byte, cache *atomCache) *packetStart {
	if r == nil {
		return nil
	}
	place, _ := startPlace(b)
	s := r.starts[place]
	if s == nil || len(b) <= len(s.bytes) || s.isMonitor() && len(b) != len(s.bytes)+4*int(s.signal.Ref.Len) || string(b[:len(s.bytes)]) != string(s.bytes) || r.news != cache.news {
		return nil
	}
	return s
}

// remember notes how a packet begins that has been read, when it comes for the second time: most of those that come once come never again.
func (r *repeats) remember(b []byte, n int, s *Signal, atoms []etf.Atom, cache *atomCache) {
	place, hash := startPlace(b)
	// An operation may be written so that startPlace takes it for another. Exits are not repeated: their reasons are checked.
	if place == 0 || n > longestStart || len(cache.lastHeader) == 0 {
		return
	}
	switch s.Kind {
	case Send:
	case Monitor, Demonitor:
		if n != len(b) || !endsWithWords(b) {
			return
		}
		n -= 4 * int(s.Ref.Len)
	default:
		return
	}
	if r.news != cache.news {
		r.news = cache.news
		clear(r.starts[:])
		clear(r.seen[:])
	}
	if r.seen[place] != hash {
		r.seen[place] = hash
		return
	}
	k := r.starts[place]
	if k == nil {
		k = new(packetStart)
		r.starts[place] = k
	}
	k.bytes, k.signal, k.atoms = append(k.bytes[:0], b[:n]...), *s, atoms
	k.signal.Payload = etf.Raw{}
}

// startPlace says where the start of a packet is remembered, by sender and receiver; 0 is nowhere.
func startPlace(b []byte) (place int, hash uint32) {
	if len(b) < leastStart || b[1] != distHeader || b[2] == 0 {
		return 0, 0
	}
	n := int(b[2])
	slots := 3 + n/2 + 1
	at := slots + n // of the control tuple, if no atom is new
	if len(b) < at+27 {
		return 0, 0
	}
	switch Op(b[at+3]) {
	case OpSendSender: // {22, From, To}
		hash = binary.BigEndian.Uint32(b[at+7:])*31 + binary.BigEndian.Uint32(b[at+22:])
	case OpRegSend: // {6, From, '', Name}
		hash = binary.BigEndian.Uint32(b[at+7:])*31 + uint32(b[slots+int(b[at+22])%n])
	case OpMonitorP: // {19, From, To | Name, Ref}
		hash = binary.BigEndian.Uint32(b[at+7:])*31 + 1<<16 + uint32(b[at+20])
	case OpDemonitorP:
		hash = binary.BigEndian.Uint32(b[at+7:])*31 + 1<<17 + uint32(b[at+20])
	default:
		return 0, 0
	}
	hash *= 0x9e3779b1
	return max(int(hash>>26), 1), hash
}

// words takes the words of the reference, which end the packet.
func (s *packetStart) words(b []byte) {
	words := b[len(s.bytes):]
	ref := &s.signal.Ref
	for i := range ref.Words[:ref.Len] {
		ref.Words[i] = binary.BigEndian.Uint32(words[4*i:])
	}
	s.signal.Memo = nil
}

// endsWithWords tells whether a packet, which has entered no atoms and has an operation with a reference at its end, is written in the one way
// in which nothing is left to be checked about the last words: {Op, Pid, Pid | Name, Ref}, as every node since OTP 23 writes it to us.
func endsWithWords(b []byte) bool {
	n := int(b[2])
	at := 3 + n/2 + 1 + n
	if b[at] != 104 || b[at+1] != 4 || b[at+2] != 97 || b[at+4] != 88 || b[at+5] != atomCacheRef {
		return false
	}
	at += 4 + cachedPid
	switch b[at] {
	case atomCacheRef:
		at += 2
	case 88:
		if b[at+1] != atomCacheRef {
			return false
		}
		at += cachedPid
	default:
		return false
	}
	return len(b) >= at+9 && b[at] == 90 && b[at+3] == atomCacheRef && len(b) == at+9+4*int(b[at+2])
}

// cachedPid is the length of a pid whose node is a reference to the atom cache.
const cachedPid = 15
