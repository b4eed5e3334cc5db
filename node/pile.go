package node

// pile is what has come into a mailbox whose receiver lags behind, in pieces, so that it grows without being copied.
type pile struct {
	pieces [][]Message // the oldest first
	n      int         // messages in them
	spare  [][]Message // pieces that the receiver is through with
}

const (
	// pieceSize is how many messages make a piece. It is the size of a bunch, which becomes one as it is.
	pieceSize   = bunchSize
	sparePieces = 4
)

// push puts the newest piece on the pile.
func (p *pile) push(piece []Message) {
	p.pieces = append(p.pieces, piece)
	p.n += len(piece)
}

// pop takes the oldest piece, in exchange for an empty one.
func (p *pile) pop(through []Message) []Message {
	if len(p.spare) < sparePieces && cap(through) >= pieceSize && cap(through) <= 2*pieceSize {
		p.spare = append(p.spare, through)
	}
	piece := p.pieces[0]
	p.pieces[0] = nil
	p.pieces = p.pieces[1:]
	p.n -= len(piece)
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
	return len(p.spare) * pieceSize
}
