package etf

// Export reads fun M:F/A.
func (r *Reader) Export() (Export, error) {
	if r.left() < 1 || r.data[r.pos] != tagExport {
		return Export{}, r.mismatch("external fun")
	}
	c := *r
	c.pos++
	var e Export
	var err error
	if e.Module, err = c.Atom(); err != nil {
		return Export{}, nodeError(err, "external fun")
	}
	if e.Function, err = c.Atom(); err != nil {
		return Export{}, nodeError(err, "external fun")
	}
	at := c.pos
	arity, err := c.Int()
	if err != nil {
		return Export{}, nodeError(err, "external fun")
	}
	if arity < 0 || arity > 255 {
		return Export{}, syntaxf(at, "external fun of arity %d, want 0 to 255", arity)
	}
	e.Arity = uint8(arity)
	r.pos = c.pos
	return e, nil
}

func (r *Reader) export() (Term, error) {
	e, err := r.Export()
	if err != nil {
		return nil, err
	}
	return e, nil
}

// fun reads NEW_FUN_EXT. Its size field is for those who skip; like ERTS we go by what follows.
func (r *Reader) fun() (Term, error) {
	const header = 1 + 4 + 1 + 16 + 4 + 4
	if r.left() < header {
		return nil, eof(len(r.data), "fun")
	}
	f := &Fun{Arity: r.data[r.pos+5], Uniq: [16]byte(r.data[r.pos+6 : r.pos+22]), Index: r.u32(r.pos + 22)}
	free := r.u32(r.pos + 26)
	r.pos += header
	var err error
	if f.Module, err = r.Atom(); err != nil {
		return nil, nodeError(err, "fun")
	}
	for _, i := range []*Int{&f.OldIndex, &f.OldUniq} {
		at := r.pos
		n, err := r.Int()
		if err != nil {
			return nil, nodeError(err, "fun")
		}
		if n != int64(int32(n)) {
			return nil, syntaxf(at, "fun with integer %d where one of 32 bits is expected", n)
		}
		*i = Int(n)
	}
	if f.Pid, err = r.Pid(); err != nil {
		return nil, nodeError(err, "fun")
	}
	if int64(free) > int64(r.left()) {
		return nil, eof(len(r.data), "fun")
	}
	if err := r.open(); err != nil {
		return nil, err
	}
	if err := r.claim(int(free)); err != nil {
		return nil, err
	}
	if free > 0 {
		f.Free = make([]Term, free)
	}
	for i := range f.Free {
		r.owed--
		if f.Free[i], err = r.term(); err != nil {
			return nil, err
		}
	}
	r.leave()
	return f, nil
}

// record reads RECORD_EXT: how many fields, flags, module, name, then all names, then all values.
func (r *Reader) record() (Term, error) {
	if r.left() < 6 {
		return nil, eof(len(r.data), "native record")
	}
	n, flags := r.u32(r.pos+1), r.data[r.pos+5]
	if flags > 1 {
		return nil, syntaxf(r.pos, "native record with flags %#x, want 0 or 1", flags)
	}
	if 2*int64(n) > int64(r.left()-6) {
		return nil, eof(len(r.data), "native record")
	}
	at := r.pos
	r.pos += 6
	rec := &Record{Exported: flags == 1}
	var err error
	if rec.Module, err = r.Atom(); err != nil {
		return nil, nodeError(err, "native record")
	}
	if rec.Name, err = r.Atom(); err != nil {
		return nil, nodeError(err, "native record")
	}
	if err := r.open(); err != nil {
		return nil, err
	}
	if err := r.claim(2 * int(n)); err != nil {
		return nil, err
	}
	if n > 0 {
		rec.Fields = make([]Field, n)
	}
	for i := range rec.Fields {
		r.owed--
		if rec.Fields[i].Name, err = r.Atom(); err != nil {
			return nil, nodeError(err, "native record")
		}
	}
	if name, dup := duplicateField(rec.Fields); dup {
		return nil, syntaxf(at, "native record with duplicate field %s", name)
	}
	for i := range rec.Fields {
		r.owed--
		if rec.Fields[i].Value, err = r.term(); err != nil {
			return nil, err
		}
	}
	r.leave()
	return rec, nil
}
