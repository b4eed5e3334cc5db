package etf

// Pid reads a pid: NEW_PID_EXT, or PID_EXT from before OTP 23.
func (r *Reader) Pid() (Pid, error) {
	if r.left() < 1 {
		return Pid{}, eof(r.pos, "pid")
	}
	var tail int // bytes behind the node
	switch r.data[r.pos] {
	case tagNewPid:
		tail = 12
	case tagPid:
		tail = 9
	default:
		return Pid{}, r.mismatch("pid")
	}
	node, at, err := r.node(r.pos+1, tail, "pid")
	if err != nil {
		return Pid{}, err
	}
	p := Pid{Node: node, ID: r.u32(at), Serial: r.u32(at + 4)}
	if tail == 12 {
		p.Creation = r.u32(at + 8)
	} else if p.Creation, err = r.tinyCreation(at + 8); err != nil {
		return Pid{}, err
	}
	r.pos = at + tail
	return p, nil
}

// Port reads a port: V4_PORT_EXT, NEW_PORT_EXT, or PORT_EXT from before OTP 23.
func (r *Reader) Port() (Port, error) {
	if r.left() < 1 {
		return Port{}, eof(r.pos, "port")
	}
	var tail int
	switch r.data[r.pos] {
	case tagV4Port:
		tail = 12
	case tagNewPort:
		tail = 8
	case tagPort:
		tail = 5
	default:
		return Port{}, r.mismatch("port")
	}
	node, at, err := r.node(r.pos+1, tail, "port")
	if err != nil {
		return Port{}, err
	}
	p := Port{Node: node}
	switch tail {
	case 12:
		p.ID, p.Creation = r.u64(at), r.u32(at+8)
	case 8:
		p.ID, p.Creation = uint64(r.u32(at)), r.u32(at+4)
	default:
		p.ID = uint64(r.u32(at))
		if p.Creation, err = r.tinyCreation(at + 4); err != nil {
			return Port{}, err
		}
	}
	r.pos = at + tail
	return p, nil
}

// Ref reads a reference: NEWER_REFERENCE_EXT, or NEW_REFERENCE_EXT or REFERENCE_EXT from before OTP 23.
func (r *Reader) Ref() (Ref, error) {
	if r.left() < 1 {
		return Ref{}, eof(r.pos, "reference")
	}
	switch tag := r.data[r.pos]; tag {
	case tagNewerRef, tagNewRef:
		return r.wordsRef(tag)
	case tagOldRef:
		node, at, err := r.node(r.pos+1, 5, "reference")
		if err != nil {
			return Ref{}, err
		}
		ref := Ref{Node: node, Len: 1}
		if ref.Words[0], err = r.oldRefWord(at); err != nil {
			return Ref{}, err
		}
		if ref.Creation, err = r.tinyCreation(at + 4); err != nil {
			return Ref{}, err
		}
		r.pos = at + 5
		return ref, nil
	}
	return Ref{}, r.mismatch("reference")
}

func (r *Reader) wordsRef(tag byte) (Ref, error) {
	if r.left() < 3 {
		return Ref{}, eof(len(r.data), "reference")
	}
	n := r.u16(r.pos + 1)
	if n < 1 || n > maxRefWords {
		return Ref{}, syntaxf(r.pos, "reference of %d words, want 1 to %d", n, maxRefWords)
	}
	cre := 4
	if tag == tagNewRef {
		cre = 1
	}
	node, at, err := r.node(r.pos+3, cre+4*n, "reference")
	if err != nil {
		return Ref{}, err
	}
	ref := Ref{Node: node, Len: uint8(n)}
	words := at + cre
	if tag == tagNewerRef {
		ref.Creation = r.u32(at)
	} else {
		if ref.Creation, err = r.tinyCreation(at); err != nil {
			return Ref{}, err
		}
		if _, err = r.oldRefWord(words); err != nil {
			return Ref{}, err
		}
	}
	for i := range n {
		ref.Words[i] = r.u32(words + 4*i)
	}
	r.pos = words + 4*n
	return ref, nil
}

// node reads the node name at offset at, and checks that tail bytes follow it.
func (r *Reader) node(at, tail int, what string) (Atom, int, error) {
	if r.scratch != nil {
		c := r.pos
		r.pos = at
		n, err := r.scratch.name(r)
		next := r.pos
		r.pos = c
		switch {
		case err != nil:
			return "", 0, nodeError(err, what)
		case tail > len(r.data)-next:
			return "", 0, eof(len(r.data), what)
		}
		return n.atom, next, nil
	}
	text, a, next, err := r.atomText(at)
	if err != nil {
		return "", 0, nodeError(err, what)
	}
	if tail > len(r.data)-next {
		return "", 0, eof(len(r.data), what)
	}
	if text != nil {
		if string(text) != string(r.lastNode) {
			r.lastNode = Atom(text)
		}
		a = r.lastNode
	}
	return a, next, nil
}

// nodeError turns "not an atom" into malformed: what has something else there is no pid at all.
func nodeError(err error, what string) error {
	if t, ok := err.(*TypeError); ok {
		return syntaxf(t.Offset, "%s with %s where its atom is expected", what, t.Found)
	}
	return err
}

func (r *Reader) tinyCreation(at int) (uint32, error) {
	c := r.data[at]
	if c > maxTinyCre {
		return 0, syntaxf(at, "creation %d in a tag from before OTP 23, the most is 3", c)
	}
	return uint32(c), nil
}

func (r *Reader) oldRefWord(at int) (uint32, error) {
	w := r.u32(at)
	if w >= maxOldRefWord {
		return 0, syntaxf(at, "first word %d of a reference from before OTP 23, the most is 2^18-1", w)
	}
	return w, nil
}
