package node

// pile is what has come into a mailbox whose receiver lags behind, in pieces, so that it grows without being copied.
type pile struct {
	pieces [][]Message // from head on, the oldest first
	head   int
	n      int         // messages in them
	spare  [][]Message // pieces that the receiver is through with
}

const (
	// pieceSize is how many messages make a piece. It is the size of a bunch, which becomes one as it is.
	pieceSize   = bunchSize
	sparePieces = 4
	keptPieces  = 64 // for how many an empty pile has room
)

// push puts the newest piece on the pile.
func (p *pile) push(piece []Message) {
	if p.head > len(p.pieces)/2 && len(p.pieces) == cap(p.pieces) {
		n := copy(p.pieces, p.pieces[p.head:])
		clear(p.pieces[n:])
		p.pieces, p.head = p.pieces[:n], 0
	}
	p.pieces = append(p.pieces, piece)
	p.n += len(piece)
}

// pop takes the oldest piece, in exchange for an empty one.
func (p *pile) pop(through []Message) []Message {
	if len(p.spare) < sparePieces && cap(through) >= pieceSize && cap(through) <= 2*pieceSize {
		p.spare = append(p.spare, through)
	}
	piece := p.pieces[p.head]
	p.pieces[p.head] = nil
	p.n -= len(piece)
	if p.head++; p.head == len(p.pieces) {
		p.pieces, p.head = p.pieces[:0], 0
		if cap(p.pieces) > keptPieces {
			p.pieces = nil
		}
	}
	return piece
}

// empty returns an empty piece. There may be no pile.
func (p *pile) empty() []Message {
	if p != nil && len(p.spare) > 0 {
		last := len(p.spare) - 1
		piece := p.spare[last]
		p.spare[last] = nil
		p.spare = p.spare[:last]
		return piece
	}
	return make([]Message, 0, pieceSize)
}

// room is how many messages the empty pieces have room for. There may be no pile.
func (p *pile) room() int {
	if p == nil {
		return 0
	}
	n := 0
	for _, piece := range p.spare {
		n += cap(piece)
	}
	return n
}
