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

// packetStart is the start of a packet, up to the payload, and what it says. Of a monitor or its end, and of a message to an alias, it goes up
// to the words of the reference.
type packetStart struct {
	bytes  []byte
	words  int    // of the reference
	signal Signal // whose Payload, and words, come and go
	atoms  []etf.Atom
}

// isMonitor tells whether a packet begins so that nothing follows the words of the reference.
func (s *packetStart) isMonitor() bool { return s.signal.Kind != Send }

// head is the length of what comes before the payload.
func (s *packetStart) head() int { return len(s.bytes) + 4*s.words }

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
	if s == nil || len(b) < s.head() || s.isMonitor() != (len(b) == s.head()) || string(b[:len(s.bytes)]) != string(s.bytes) || r.news != cache.news {
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
		if n != len(b) {
			return
		}
	default:
		return
	}
	words := int(s.lastRef().Len)
	if words > 0 && !endsWithWords(b[:n]) {
		return
	}
	n -= 4 * words
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
	k.bytes, k.words, k.signal, k.atoms = append(k.bytes[:0], b[:n]...), words, *s, atoms
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
	case OpAliasSend: // {33, From, Alias}
		hash = binary.BigEndian.Uint32(b[at+7:])*31 + 1<<18
	case OpAltactSigSend: // {37, Flags, From, To}
		hash = binary.BigEndian.Uint32(b[at+9:])*31 + 1<<19
	default:
		return 0, 0
	}
	hash *= 0x9e3779b1
	return max(int(hash>>26), 1), hash
}

// take takes the words of the reference.
func (s *packetStart) take(b []byte) {
	if s.words == 0 {
		return
	}
	ref := s.signal.lastRef()
	words := b[len(s.bytes):]
	for i := range ref.Words[:s.words] {
		ref.Words[i] = binary.BigEndian.Uint32(words[4*i:])
	}
	s.signal.Memo = nil
}

// endsWithWords tells whether what a packet has before its payload, which has entered no atoms and ends with a reference, is written in the one way
// in which nothing is left to be checked about the last words, as every node since OTP 23 writes it to us: {Op, Pid, Pid | Name, Ref}, {33, Pid, Ref}
// or {37, Flags, Pid, Ref}.
func endsWithWords(b []byte) bool {
	n := int(b[2])
	at := 3 + n/2 + 1 + n
	if b[at] != 104 || b[at+2] != 97 {
		return false
	}
	op, arity := Op(b[at+3]), b[at+1]
	at += 4
	switch op {
	case OpMonitorP, OpDemonitorP:
		if arity != 4 || b[at] != 88 || b[at+1] != atomCacheRef {
			return false
		}
		if at += cachedPid; b[at] == atomCacheRef {
			at += 2
			break
		}
		fallthrough
	case OpAliasSend:
		if op == OpAliasSend && arity != 3 || b[at] != 88 || b[at+1] != atomCacheRef {
			return false
		}
		at += cachedPid
	case OpAltactSigSend:
		if arity != 4 || b[at] != 97 || b[at+2] != 88 || b[at+3] != atomCacheRef {
			return false
		}
		at += 2 + cachedPid
	default:
		return false
	}
	return len(b) >= at+9 && b[at] == 90 && b[at+3] == atomCacheRef && len(b) == at+9+4*int(b[at+2])
}

// cachedPid is the length of a pid whose node is a reference to the atom cache.
const cachedPid = 15
