package etf

import "encoding/binary"

// AtomRefs are atoms that the receiver of a term has in a table, each with its place there: the atoms that a distribution header refers to. It
// is for who sends many messages of one kind to one node (package dist): a value is encoded for that header at once, with references (ATOM_CACHE_REF,
// two bytes) in the places of the atoms, where Append writes their text, in which somebody has to look for them afterwards.
//
// The zero value has no atoms. It is for one goroutine at a time.
type AtomRefs struct {
	atoms []refAtom
	order []refAtom // as they came the last time
	done  int       // how many have come since Begin
	lacks bool      // something was to be written since then that has no reference
}

// mostOrdered is of how many atoms of a term the order is kept.
const mostOrdered = 64

type refAtom struct {
	name Atom
	ref  byte
}

// Len is the number of atoms.
func (r *AtomRefs) Len() int { return len(r.atoms) }

// Has reports whether a is among the atoms.
func (r *AtomRefs) Has(a Atom) bool { return r.find(a) >= 0 }

// Add adds an atom, without a place until Update gives it one. There are 255 at most that a header could refer to.
func (r *AtomRefs) Add(a Atom) { r.atoms = append(r.atoms, refAtom{name: a}) }

// Drop removes the first n atoms, all if there are fewer, and none if n is negative.
func (r *AtomRefs) Drop(n int) {
	n = min(max(n, 0), len(r.atoms))
	r.atoms, r.order = append(r.atoms[:0], r.atoms[n:]...), r.order[:0]
}

// Update asks for the place of each atom, and keeps those that have one.
func (r *AtomRefs) Update(place func(Atom) (ref byte, ok bool)) {
	kept := r.atoms[:0]
	for _, a := range r.atoms {
		var ok bool
		if a.ref, ok = place(a.name); ok {
			kept = append(kept, a)
		}
	}
	clear(r.atoms[len(kept):])
	r.atoms, r.order = kept, r.order[:0]
}

// Begin is called before the first Append of a term.
func (r *AtomRefs) Begin() { r.lacks, r.done = false, 0 }

// Append appends the encoding of v as the function Append does, with references in the places of all atoms, but for those inside of funs and
// those that are not in UTF-8 in a Raw or from a Marshaler. If an atom since Begin has none, or v cannot be encoded or has 64 KiB or
// more in one piece, it reports false, and the result means nothing: then it is for the functions of this package to encode the term, or to
// say what is wrong with it.
func (r *AtomRefs) Append(dst []byte, v any) (out []byte, ok bool) {
	out, err := appendAny(dst, v, way{depth: hardDepth, refs: r})
	return out, err == nil && !r.lacks
}

// AppendAtom appends the reference to an atom. If there is none the next Append or Replace says so.
func (r *AtomRefs) AppendAtom(dst []byte, a Atom) []byte { return r.append(dst, a) }

// AppendPid appends a pid as the function AppendPid does, with a reference to the atom of its node.
func (r *AtomRefs) AppendPid(dst []byte, p Pid) []byte { return way{refs: r}.pid(dst, p) }

// AppendRef appends a reference as the function AppendRef does, with a reference to the atom of its node.
func (r *AtomRefs) AppendRef(dst []byte, ref Ref) []byte { return way{refs: r}.ref(dst, ref) }

// Replace is Append for a term that has been encoded in full, from offset at to the end of b: it is replaced, in the same memory. Of an offset
// outside of b it reports false.
func (r *AtomRefs) Replace(b []byte, at int) (out []byte, ok bool) {
	if at < 0 || at > len(b) {
		return b, false
	}
	return r.replace(b, at), !r.lacks
}

func (r *AtomRefs) find(a Atom) int {
	for i := range r.atoms {
		if r.atoms[i].name == a {
			return i
		}
	}
	return -1
}

// append appends the reference to an atom.
func (r *AtomRefs) append(dst []byte, a Atom) []byte {
	if r.done < len(r.order) {
		if next := &r.order[r.done]; next.name == a {
			r.done++
			return append(dst, tagCacheRef, next.ref)
		}
	}
	return r.appendOther(dst, r.find(a), "")
}

// appendKey is append for a name that stays in memory: the next time it is the same string, and not compared.
func (r *AtomRefs) appendKey(dst []byte, name Atom) []byte {
	if r.done < len(r.order) {
		if next := &r.order[r.done]; sameText(next.name, name) {
			r.done++
			return append(dst, tagCacheRef, next.ref)
		}
	}
	return r.appendOther(dst, r.find(name), name)
}

// appendText is append for the text of an atom.
func (r *AtomRefs) appendText(dst, text []byte) []byte {
	if r.done < len(r.order) {
		if next := &r.order[r.done]; string(next.name) == string(text) {
			r.done++
			return append(dst, tagCacheRef, next.ref)
		}
	}
	for i := range r.atoms {
		if string(r.atoms[i].name) == string(text) {
			return r.appendOther(dst, i, "")
		}
	}
	return r.appendOther(dst, -1, "")
}

// appendOther appends the reference to atom i, which was not the expected one; -1 is none of them. It is remembered by the string key, if that is
// not empty.
func (r *AtomRefs) appendOther(dst []byte, i int, key Atom) []byte {
	if i < 0 {
		r.lacks = true
		return dst
	}
	a := r.atoms[i]
	if key != "" {
		a.name = key
	}
	switch {
	case r.done < len(r.order):
		r.order[r.done] = a
		r.done++
	case r.done < mostOrdered:
		r.order = append(r.order, a)
		r.done++
	}
	return append(dst, tagCacheRef, a.ref)
}

// replace puts references into the term that begins at offset start of b and ends with it. What is malformed stays so.
func (r *AtomRefs) replace(b []byte, start int) []byte {
	term := b[start:]
	n, from := 0, 0 // what is done, and what of term is next
	s := scanner{left: 1}
	for ; s.left > 0; s.left-- {
		if s.pos+5 >= len(term) { // what is so short is no list or map, and no binary
			if s.pos+1 == len(term) && term[s.pos] == tagNil {
				s.pos++
				break
			}
			if s.pos+2 > len(term) {
				break
			}
			if tag := term[s.pos]; tag != tagSmallAtomUTF && tag != tagSmallInt && tag != tagSmallTuple && tag != tagNil {
				break
			}
		}
		atom, tail := s.pos, 0 // where one stands, and what follows it
		switch term[s.pos] {
		case tagSmallInt:
			s.pos += 2
			continue
		case tagInt:
			s.pos += 5
			continue
		case tagNil:
			s.pos++
			continue
		case tagSmallTuple:
			s.left += int64(term[s.pos+1])
			s.pos += 2
			continue
		case tagList:
			s.left += 1 + int64(binary.BigEndian.Uint32(term[s.pos+1:]))
			s.pos += 5
			continue
		case tagMap:
			s.left += 2 * int64(binary.BigEndian.Uint32(term[s.pos+1:]))
			s.pos += 5
			continue
		case tagBinary:
			s.pos += 5 + int(min(uint(binary.BigEndian.Uint32(term[s.pos+1:])), uint(len(term))))
			continue
		case tagSmallAtomUTF:
		case tagNewPid:
			atom, tail = s.pos+1, 12
		case tagNewerRef:
			atom, tail = s.pos+3, 4+4*int(binary.BigEndian.Uint16(term[s.pos+1:]))
		}
		if term[atom] != tagSmallAtomUTF {
			break
		}
		end := atom + 2 + int(term[atom+1])
		if end > len(term) {
			break
		}
		n += copy(term[n:], term[from:atom])
		n = len(r.appendText(term[:n], term[atom+2:end])) // which is never longer
		from = end
		s.pos = end + tail
	}
	if s.left > 0 && s.pos < len(term) {
		n, from = r.replaceRest(term, &s, n, from)
	}
	n += copy(term[n:], term[from:])
	return b[:start+n]
}

// replaceRest is replace for everything that terms may have.
func (r *AtomRefs) replaceRest(term []byte, s *scanner, n, from int) (int, int) {
	s.atom = func(at int, text []byte, latin1 bool) error {
		if latin1 {
			return nil
		}
		n += copy(term[n:], term[from:at])
		from = at + 2 + len(text)
		if term[at] == tagAtomUTF8 {
			from++
		}
		n = len(r.appendText(term[:n], text))
		return nil
	}
	for s.left > 0 {
		size, more, err := s.token(term)
		if size == 0 || err != nil || size > len(term)-s.pos {
			break
		}
		if term[s.pos] == tagNewFun { // it says how many bytes it has
			size, more = 1+int(binary.BigEndian.Uint32(term[s.pos+1:])), 0
		}
		s.pos += min(size, len(term)-s.pos)
		s.left += more - 1
	}
	return n, from
}

// way is how a value is encoded.
type way struct {
	depth int       // how deep terms may nest
	refs  *AtomRefs // what atoms are replaced by, or nil
	parts *Parts    // where to leave what is long, or nil; not together with refs
}

// plainly is the way of what stands alone.
var plainly = way{depth: hardDepth}

// below is the way of what nests n levels deeper.
func (w way) below(n int) way { return way{w.depth - n, w.refs, w.parts} }

// inFull is the way of what has to be there in full, its atoms too.
func (w way) inFull() way { return way{depth: w.depth} }

func (w way) atom(dst []byte, a Atom) []byte {
	if w.refs != nil {
		return w.refs.append(dst, a)
	}
	return AppendAtom(dst, a)
}

func (w way) bool(dst []byte, b bool) []byte {
	switch {
	case w.refs == nil:
		return AppendBool(dst, b)
	case b:
		return w.refs.appendKey(dst, "true")
	}
	return w.refs.appendKey(dst, "false")
}

// none appends the atom nil.
func (w way) none(dst []byte) []byte {
	if w.refs != nil {
		return w.refs.appendKey(dst, "nil")
	}
	return append(dst, tagSmallAtomUTF, 3, 'n', 'i', 'l')
}

// pid, port and ref append what the function of package etf of that name appends.
func (w way) pid(dst []byte, p Pid) []byte {
	if w.refs == nil {
		return AppendPid(dst, p)
	}
	dst = w.refs.append(append(dst, tagNewPid), p.Node)
	dst = binary.BigEndian.AppendUint32(dst, p.ID)
	dst = binary.BigEndian.AppendUint32(dst, p.Serial)
	return binary.BigEndian.AppendUint32(dst, p.Creation)
}

func (w way) port(dst []byte, p Port) []byte { return w.encoded(AppendPort(dst, p), len(dst)) }

func (w way) ref(dst []byte, ref Ref) []byte {
	if w.refs == nil {
		return AppendRef(dst, ref)
	}
	n := min(max(ref.Len, 1), maxRefWords)
	dst = w.refs.append(append(dst, tagNewerRef, 0, n), ref.Node)
	dst = binary.BigEndian.AppendUint32(dst, ref.Creation)
	for _, word := range ref.Words[:n] {
		dst = binary.BigEndian.AppendUint32(dst, word)
	}
	return dst
}

// encoded sees to the references of a term that has been encoded in full, from offset at to the end of dst.
func (w way) encoded(dst []byte, at int) []byte {
	if w.refs != nil {
		return w.refs.replace(dst, at)
	}
	return dst
}

// long appends a binary that is long.
func (w way) long(dst, b []byte) []byte {
	return w.left(appendTag32(dst, tagBinary, uint32(len(b))), b)
}

// left appends long bytes, or leaves them where they are.
func (w way) left(dst, b []byte) []byte {
	switch {
	case w.refs != nil: // of such messages there are not many
		w.refs.lacks = true
		return dst
	case w.parts != nil:
		*w.parts = append(*w.parts, Part{len(dst), b})
		return dst
	}
	return copyLong(dst, b)
}
