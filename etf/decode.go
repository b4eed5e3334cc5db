package etf

// Decode reads the term at the beginning of data, which starts with the version byte, and returns it with the bytes that
// follow it. A compressed term is inflated. Binaries in t are copies, or share memory with data with the option Alias.
// It corresponds to erlang:binary_to_term/2 with the option used.
func Decode(data []byte, opts ...Option) (t Term, rest []byte, err error) {
	var r Reader
	after, err := r.openVersion(data, opts)
	if err != nil {
		return nil, nil, err
	}
	t, err = r.Term()
	if err != nil {
		return nil, nil, markIf(err, after)
	}
	if after < 0 {
		return t, r.Rest(), nil
	}
	if err := r.end(); err != nil {
		return nil, nil, markIf(err, after)
	}
	return t, data[after:], nil
}

// Unmarshal stores the term in data in the value v points to. data starts with the version byte; a compressed term is
// inflated; bytes after the term are an error. For what fits what see Marshal, which goes the other way. Beyond that:
//
//   - A pointer becomes nil for the atoms nil and undefined, and else points to the value, newly made if it was nil.
//   - An interface that every Term implements, such as any and Term, takes the Term. An any that holds a pointer is
//     decoded into what that points to, as in encoding/json.
//   - A float also takes an integer of up to 53 bits.
//   - A slice is overwritten from its beginning. A map gets the associations added; one that is nil is made. In a struct
//     keys without a field are ignored, and a field without a key is left alone.
//   - A number that does not fit is an error. So is an array or tuple of another length.
//   - A time.Time takes a DateTime, in its own offset from UTC, and a NaiveDateTime and {{Year, Month, Day}, {Hour, Minute,
//     Second}}, which count as UTC. Days and times that there are not are errors.
//   - A struct or map that is a keyword list takes the first value of each key; a bare atom is {Atom, true}.
//   - With the option Strict, a key for which a struct has no field is an error.
//
// []byte, Binary and Raw get copies, or share memory with data with the option Alias.
//
// The error is a *SyntaxError, *TypeError or *LimitError; v may then be filled in part.
func Unmarshal(data []byte, v any, opts ...Option) error {
	var r Reader
	after, err := r.openVersion(data, opts)
	if err != nil {
		return err
	}
	if err := decodeAll(&r, v); err != nil {
		return markIf(err, after)
	}
	if after >= 0 && after != len(data) {
		return syntaxf(after, "%d bytes after the term", len(data)-after)
	}
	return nil
}

// As decodes the term into a new value of type T.
func As[T any](r Raw) (T, error) {
	var v T
	err := r.Decode(&v)
	return v, err
}

// openVersion makes r a Reader behind the version byte. If the term is compressed r is on the inflated bytes, and after is
// where data goes on behind it; otherwise after is -1.
func (r *Reader) openVersion(data []byte, opts []Option) (after int, err error) {
	if len(data) == 0 {
		return 0, eof(0, "term")
	}
	if data[0] != Version {
		return 0, syntaxf(0, "version byte is %d, want %d", data[0], Version)
	}
	*r = NewReader(Raw{Bytes: data}, opts...)
	r.pos = 1
	if len(data) < 2 || data[1] != tagCompressed {
		return -1, r.table.admit(data, 1)
	}
	inner, used, err := inflate(data[2:], 2, r.lim)
	if err != nil {
		return 0, err
	}
	r.data, r.pos = inner, 0
	return 2 + used, r.table.admit(inner, 0)
}

// markIf marks offsets of err as offsets in the inflated bytes if there are such.
func markIf(err error, after int) error {
	if after >= 0 {
		return markInflated(err)
	}
	return err
}
