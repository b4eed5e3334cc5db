package etf

import "encoding/binary"

// Skip moves over one term of any tag. It checks the structure (tags, lengths, nesting), not what Term checks besides:
// the text of atoms, distinct keys, values of floats. So it passes all that Term takes and stops at the same byte. What
// Unmarshal passes over is checked in full.
func (r *Reader) Skip() error {
	next, _, err := r.walk(nil, false)
	if err != nil {
		return err
	}
	r.pos = next
	return nil
}

// Raw reads one term of any kind and returns its bytes, which share memory with the input.
func (r *Reader) Raw() (Raw, error) {
	start := r.pos
	if err := r.Skip(); err != nil {
		return Raw{}, err
	}
	return Raw{Bytes: r.data[start:r.pos:r.pos], Atoms: r.atoms}, nil
}

// level is an open term in walk: how many of its parts are still to come, and whether it is a list, the last part of
// which is its tail.
type level struct {
	parts  int
	isList bool
	fun    int // where in dst the NEW_FUN_EXT starts whose size is to be set when the level closes; -1 for none
}

// walk finds the end of the term at the cursor, without recursion. If rewrite is set it also appends the term to dst
// with every atom cache reference replaced by its atom.
func (r *Reader) walk(dst []byte, rewrite bool) (end int, out []byte, err error) {
	var inline [8]level
	open := inline[:0]
	cur := level{parts: 1, fun: -1}
	at, copied := r.pos, r.pos
	for {
		// Nearly all terms are leaves of these kinds, and a call for each would cost more than they do.
		d := r.data
		for ; cur.parts > 0 && at < len(d); cur.parts-- {
			n := int(leafBytes[d[at]])
			switch {
			case n != 0:
			case d[at] == tagSmallAtomUTF && len(d)-at >= 2:
				n = 2 + int(d[at+1])
			case d[at] == tagBinary && len(d)-at >= 5:
				n = int(min(5+int64(r.u32(at+1)), int64(len(d))+1))
			}
			if n == 0 || n > len(d)-at {
				break // step knows why
			}
			at += n
		}
		for cur.parts == 0 {
			if cur.fun >= 0 {
				dst = append(dst, r.data[copied:at]...)
				copied = at
				binary.BigEndian.PutUint32(dst[cur.fun+1:], uint32(len(dst)-cur.fun-1))
			}
			if len(open) == 0 {
				if rewrite {
					dst = append(dst, r.data[copied:at]...)
				}
				return at, dst, nil
			}
			cur = open[len(open)-1]
			open = open[:len(open)-1]
		}
		next, parts, ref, err := r.step(at)
		if err != nil {
			return 0, nil, err
		}
		cur.parts--
		tag := r.data[at]
		fun := -1
		if rewrite {
			if ref >= 0 {
				i := int(r.data[ref+1])
				if i >= len(r.atoms) {
					return 0, nil, syntaxf(ref, "atom cache reference %d outside a table of %d", i, len(r.atoms))
				}
				if !ValidAtom(r.atoms[i]) {
					return 0, nil, syntaxf(ref, "atom cache reference %d to an invalid atom", i)
				}
				dst = append(dst, r.data[copied:ref]...)
				dst = AppendAtom(dst, r.atoms[i])
				copied = ref + 2
			}
			if tag == tagNewFun {
				dst = append(dst, r.data[copied:at]...)
				copied = at
				fun = len(dst)
			}
		}
		at = next
		if parts == 0 {
			continue
		}
		if cur.parts == 0 && cur.isList && tag == tagList {
			cur.parts = parts // the tail of a list goes on at its level, as in Reader.list
			continue
		}
		if r.depth+len(open) >= r.maxDepth {
			return 0, nil, &LimitError{Offset: at, Limit: "Depth", Max: r.maxDepth}
		}
		open = append(open, cur)
		cur = level{parts: parts, isList: tag == tagList, fun: fun}
	}
}

// leafBytes is how long the terms are that are nothing but a tag and so many bytes.
var leafBytes = [256]uint8{tagSmallInt: 2, tagInt: 5, tagNewFloat: 9, tagNil: 1}

// step looks at the token at offset at: where the next one starts, how many terms are part of this one, and where an
// atom cache reference stands in it, or -1.
func (r *Reader) step(at int) (next, parts, ref int, err error) {
	d := r.data[at:]
	if len(d) == 0 {
		return 0, 0, 0, eof(at, "term")
	}
	ref = -1
	switch d[0] {
	case tagSmallInt:
		next = 2
	case tagInt:
		next = 5
	case tagNewFloat:
		next = 9
	case tagFloat:
		next = 32
	case tagNil:
		next = 1
	case tagCacheRef:
		next, ref = 2, at
		if len(d) >= 2 && int(d[1]) >= len(r.atoms) {
			return 0, 0, 0, syntaxf(at, "atom cache reference %d outside a table of %d", d[1], len(r.atoms))
		}
	case tagSmallAtomUTF, tagSmallAtom:
		next = 2
		if len(d) >= 2 {
			next += int(d[1])
		}
	case tagAtomUTF8, tagAtom, tagString:
		next = 3
		if len(d) >= 3 {
			next += r.u16(at + 1)
		}
	case tagBinary, tagBitBinary:
		next = 5
		if d[0] == tagBitBinary {
			next = 6
		}
		if len(d) >= 5 {
			n := int64(r.u32(at + 1))
			if n > int64(len(d)) {
				return 0, 0, 0, eof(len(r.data), tagName(d[0]))
			}
			next += int(n)
		}
	case tagSmallBig:
		next = 3
		if len(d) >= 2 {
			next += int(d[1])
		}
	case tagLargeBig:
		next = 6
		if len(d) >= 5 {
			n := r.u32(at + 1)
			if n > maxBigBytes {
				return 0, 0, 0, syntaxf(at, "integer of %d bytes, the most is %d", n, maxBigBytes)
			}
			next += int(n)
		}
	case tagSmallTuple:
		next = 2
		if len(d) >= 2 {
			parts = int(d[1])
		}
	case tagLargeTuple, tagList, tagMap:
		next = 5
		if len(d) >= 5 {
			n := int64(r.u32(at + 1))
			switch d[0] {
			case tagList:
				n++
			case tagMap:
				n *= 2
			}
			if n > int64(len(d)-5) {
				return 0, 0, 0, eof(len(r.data), tagName(d[0]))
			}
			parts = int(n)
		}
	case tagNewPid, tagPid, tagV4Port, tagNewPort, tagPort, tagNewerRef, tagNewRef, tagOldRef:
		return r.stepIdent(at)
	case tagExport:
		next, parts = 1, 3
	case tagNewFun:
		next = 30
		if len(d) >= 30 {
			n := int64(r.u32(at + 26))
			if n > int64(len(d)) {
				return 0, 0, 0, eof(len(r.data), "fun")
			}
			parts = int(n) + 4
		}
	case tagRecord:
		next = 6
		if len(d) >= 6 {
			n := 2*int64(r.u32(at+1)) + 2
			if n > int64(len(d)) {
				return 0, 0, 0, eof(len(r.data), "native record")
			}
			parts = int(n)
		}
	default:
		c := *r
		c.pos = at
		return 0, 0, 0, c.badTag(d[0])
	}
	if next > len(d) {
		return 0, 0, 0, eof(len(r.data), tagName(d[0]))
	}
	return at + next, parts, ref, nil
}

// stepIdent is step for pids, ports and references: a node, and bytes around it.
func (r *Reader) stepIdent(at int) (next, parts, ref int, err error) {
	d := r.data[at:]
	what := tagName(d[0])
	head, tail := 1, 0
	switch d[0] {
	case tagNewPid, tagV4Port:
		tail = 12
	case tagPid:
		tail = 9
	case tagNewPort:
		tail = 8
	case tagPort, tagOldRef:
		tail = 5
	case tagNewerRef, tagNewRef:
		if len(d) < 3 {
			return 0, 0, 0, eof(len(r.data), what)
		}
		head, tail = 3, 4*r.u16(at+1)+4
		if d[0] == tagNewRef {
			tail -= 3
		}
	}
	next, ref = at+head, -1
	switch {
	case next < len(r.data) && r.data[next] == tagSmallAtomUTF: // nearly all
		if len(r.data)-next < 2 {
			return 0, 0, 0, eof(len(r.data), what)
		}
		next += 2 + int(r.data[next+1])
	default:
		if next < len(r.data) && r.data[next] == tagCacheRef {
			ref = next
		}
		_, _, end, err := r.atomText(next)
		if err != nil {
			return 0, 0, 0, nodeError(err, what)
		}
		next = end
	}
	next += tail
	if next > len(r.data) {
		return 0, 0, 0, eof(len(r.data), what)
	}
	return next, 0, ref, nil
}
