package dist

const tickLength = 4 // bytes: a packet of length zero

// ticker decides, once per tick interval (net_ticktime / net_tickintensity), whether to send a tick and whether the
// peer has been silent for too long. Whatever the peer sends counts, not only ticks (dist_util.erl:send_tick).
type ticker struct {
	intensity int
	hidden    bool   // one of the two nodes is
	read      uint64 // bytes read when it was last asked
	written   uint64
	silent    int // intervals without a byte
}

// tick is asked at the end of an interval with the bytes moved so far and whether output is waiting to be written.
// Output that waits needs no tick behind it: the peer hears of us when it goes out, and not before. A hidden peer that is
// silent is sent one all the same, because old ones tick only in answer.
func (t *ticker) tick(read, written uint64, waiting bool) (send, timeout bool) {
	if read == t.read {
		t.silent++
	} else {
		t.silent = 0
	}
	send = (written == t.written || t.hidden && t.silent > 0) && !waiting
	t.read, t.written = read, written
	if send {
		t.written += tickLength // the tick itself does not make the next one unnecessary
	}
	return send, t.silent >= t.intensity
}
