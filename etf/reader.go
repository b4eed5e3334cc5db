package etf

import (
	"encoding/binary"
	"io"
	"math"
	"sync"
)

// Reader is a cursor over bare terms: what control messages and Unmarshalers are read with, without making Terms.
//
// Each method reads one token, and moves on only if it succeeds; after an error the cursor is where it was. A token
// that is well-formed but of another kind than asked for gives a *TypeError, bytes that are no term a *SyntaxError,
// and an exceeded limit a *LimitError.
//
// A Reader neither changes nor owns its bytes. It is a small value, made to live on the stack: no method but Term, and
// Atom for the atom's text, allocates. One goroutine uses it at a time.
type Reader struct {
	data     []byte
	pos      int
	atoms    []Atom
	depth    int // how deep the term being decoded is nested
	keyDepth int // how many maps it is nested in by their keys
	owed     int // how many elements are still to come in it
	maxDepth int
	table    *AtomTable // of the option Atoms, or nil
	strict   bool
	elements int // how many more may be decoded
	lim      Limits
	lastNode Atom // of a pid, port or reference: the next one is likely to be of the same node
	alias    bool
	scratch  *scratch // nil in Readers that are not at work for Decode, Unmarshal or Term
}

// NewReader returns a Reader at the beginning of r.Bytes, which may hold any number of bare terms. Its atom cache
// references are looked up in r.Atoms.
func NewReader(r Raw, opts ...Option) Reader {
	if len(opts) == 0 {
		return Reader{data: r.Bytes, atoms: r.Atoms, maxDepth: defaultDepth, elements: defaultElements}
	}
	return newReaderOpts(r, opts)
}

// optionSets keeps what Options write to, which cannot be on the stack.
var optionSets = sync.Pool{New: func() any { return new(options) }}

func newReaderOpts(r Raw, opts []Option) Reader {
	o := optionSets.Get().(*options)
	*o = options{}
	for _, opt := range opts {
		opt(o)
	}
	rd := Reader{
		data:     r.Bytes,
		atoms:    r.Atoms,
		maxDepth: limitOr(o.limits.Depth, defaultDepth, hardDepth),
		elements: limitOr(o.limits.Elements, defaultElements, math.MaxInt),
		lim:      o.limits,
		alias:    o.alias,
		strict:   o.strict,
		table:    o.atoms,
	}
	*o = options{}
	optionSets.Put(o)
	return rd
}

// Offset returns how many bytes have been read.
func (r *Reader) Offset() int { return r.pos }

// Rest returns the bytes that have not been read. It shares memory with the input.
func (r *Reader) Rest() []byte { return r.data[r.pos:] }

// Tag returns the tag of the next term without reading it; an atom cache reference is 82. At the end of the bytes it
// returns 0 and io.ErrUnexpectedEOF.
func (r *Reader) Tag() (byte, error) {
	if r.pos >= len(r.data) {
		return 0, io.ErrUnexpectedEOF
	}
	return r.data[r.pos], nil
}

// left is the number of unread bytes.
func (r *Reader) left() int { return len(r.data) - r.pos }

func (r *Reader) u16(at int) int { return int(binary.BigEndian.Uint16(r.data[at:])) }

func (r *Reader) u32(at int) uint32 { return binary.BigEndian.Uint32(r.data[at:]) }

func (r *Reader) u64(at int) uint64 { return binary.BigEndian.Uint64(r.data[at:]) }

// mismatch is the error for a next term that is not of the kind wanted: it tells truncated and unknown from other.
func (r *Reader) mismatch(want string) error {
	if r.pos >= len(r.data) {
		return eof(r.pos, want)
	}
	switch tag := r.data[r.pos]; tag {
	case tagLocal, tagCompressed, tagOldFun:
		return r.badTag(tag)
	default:
		if tagName(tag) == "unknown tag" {
			return r.badTag(tag)
		}
		return &TypeError{Offset: r.pos, Found: r.describe(), Want: want}
	}
}

func (r *Reader) badTag(tag byte) error {
	switch tag {
	case tagLocal:
		return syntaxf(r.pos, "LOCAL_EXT (121): only the runtime that made it can decode it (term_to_binary with option local)")
	case tagCompressed:
		return syntaxf(r.pos, "compressed term (80) anywhere but right after the version byte")
	case tagOldFun:
		return syntaxf(r.pos, "FUN_EXT (117), which OTP 23 and later refuse")
	case Version:
		return syntaxf(r.pos, "version byte 131 where a bare term is expected")
	}
	return syntaxf(r.pos, "unknown tag %d", tag)
}

// describe says what the next term is, with its value when that is short.
func (r *Reader) describe() string {
	name := tagName(r.data[r.pos])
	switch name {
	case "atom", "integer", "float":
		c := Reader{data: r.data, pos: r.pos, atoms: r.atoms, maxDepth: 1, elements: 1}
		if t, err := c.Term(); err == nil {
			if s := t.String(); len(s) <= 40 {
				return name + " " + s
			}
		}
	}
	return name
}

// open goes down a level of nesting.
func (r *Reader) open() error {
	if r.depth >= r.maxDepth {
		return &LimitError{Offset: r.pos, Limit: "Depth", Max: r.maxDepth}
	}
	r.depth++
	return nil
}

func (r *Reader) leave() { r.depth-- }

// claim is called behind the header of n elements, before memory is taken for them. Each needs a byte or more, and so
// does each that is still to come in the terms around this one: without that sum, nested headers that all claim the same
// bytes would take memory without bound. The caller takes one off owed when he begins with an element.
func (r *Reader) claim(n int) error {
	if n > r.left()-r.owed {
		return eof(len(r.data), "term")
	}
	r.owed += n
	return r.budget(n)
}

// budget counts n elements.
func (r *Reader) budget(n int) error {
	if n > r.elements {
		return &LimitError{Offset: r.pos, Limit: "Elements", Max: limitOr(r.lim.Elements, defaultElements, math.MaxInt)}
	}
	r.elements -= n
	return nil
}
