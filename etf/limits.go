package etf

// Limits bound what one decoding may cost. In each field zero means the default and a negative number means none.
type Limits struct {
	// Depth is how deep terms may nest. The default is 10,000; a flat list or tuple has depth 1, and an atom 0. The tails
	// of a list do not nest. Since decoding nested terms takes Go stack, no limit means 100,000, and so does any more.
	Depth int

	// Elements is how many elements of tuples and lists, and keys and values of maps, may be decoded in all by one call of
	// Unmarshal, Decode, Raw.Decode or Raw.Term, or by one Reader in its life. The default is 16,777,216. An element costs
	// at least 16 bytes of memory as a Term.
	Elements int

	// Inflated is the largest size, in bytes, of a compressed term after inflation. The default is 64 MiB.
	Inflated int

	// Size is the most bytes that a Decoder takes for one term. The default is 64 MiB. It means nothing elsewhere, where
	// all bytes are there already.
	Size int
}

const (
	defaultDepth    = 10_000
	defaultElements = 1 << 24
	defaultInflated = 64 << 20

	// hardDepth bounds the Go stack of everything recursive here to some tens of megabytes. (A Go program dies at 1 GB.)
	hardDepth = 100_000
)

// Option changes how bytes are decoded, or, of Marshal and Append, how they are encoded.
type Option func(*options)

type options struct {
	limits        Limits
	alias         bool
	deterministic bool // see Deterministic
	release       int  // see OTP
	strict        bool
	atoms         *AtomTable // nil for none
}

// WithLimits replaces the default limits.
func WithLimits(l Limits) Option {
	return func(o *options) { o.limits = l }
}

// Alias lets decoded binaries ([]byte, Binary, BitString, Raw) share memory with the input, which saves copying them.
// The caller then leaves the input unchanged as long as the decoded values live. Atoms and Go strings are never shared.
func Alias() Option {
	return func(o *options) { o.alias = true }
}

// Strict makes it an error that a map has a key for which the struct that it is decoded into has no field. Without it
// such associations are passed over.
func Strict() Option {
	return func(o *options) { o.strict = true }
}

func limitOr(n, def, most int) int {
	switch {
	case n == 0:
		return def
	case n < 0 || n > most:
		return most
	}
	return n
}
