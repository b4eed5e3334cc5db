// Package etf reads and writes Erlang's External Term Format, the bytes in which BEAM nodes exchange and store terms.
//
// There are these ways in, from the most convenient to the most direct:
//
//   - [Marshal] and [Unmarshal] go between Go values and bytes, as encoding/json does: structs, slices, maps, numbers,
//     strings. [Append] is Marshal without the version byte, at the end of a slice.
//   - [Decode] and [AppendTerm] go between bytes and [Term], which can hold anything that a BEAM node sends, and send it
//     back byte for byte. [Parse] and Term.String go between terms and Erlang's text.
//   - A [Decoder] reads several terms from a stream. [AsResult] reads {ok, Value} and {error, Reason} as a value and an
//     error.
//   - [Reader] and the Append functions read and write single tokens, without reflection and without terms. Control
//     messages and hand-written [Marshaler] and [Unmarshaler] are made of them.
//
// # Bare terms
//
// A term stored or sent alone starts with the version byte 131. A term inside another term does not, and neither does
// one after a distribution header: here such a term is called bare. Marshal, Unmarshal and Decode have the version
// byte; everything else is bare. [Raw] is one bare term still in bytes.
//
// # Terms as values
//
// [Compare] is Erlang's order and ==, [Equal] its =:=, [CompareExact] the order of keys of maps. [PHash2] is
// erlang:phash2/1, for what has to agree with BEAM nodes on where something is. [Deterministic] gives equal terms equal
// bytes. [Inspect] prints terms as Elixir does, and a [Home] reads
// and prints <0.1.2> as the node does whose pid it is; [AppendJSON] and [ParseJSON] are for people and tools that know neither.
//
// # Conventions for Go values
//
// Some Go types have a form that is not their own: see [Marshal] for structs as maps, records, Elixir structs and keyword
// lists, [time.Time] and [time.Duration], [NaiveDateTime], [Charlist], [Enum] and [Result]. Numbers that do not fit are
// errors, in both directions.
//
// # Hostile input
//
// No input makes this package panic. Every length is compared with the bytes that are left before memory is taken for
// it, and [Limits] bound nesting, the number of elements, and the size of compressed terms. What Unmarshal takes Decode takes too,
// whatever the Go type: also what no field and no [Unmarshaler] looks at is checked and counted. [Strict] refuses keys that a
// struct does not know, and an [AtomTable] bounds how many different atoms a program takes from others.
//
// # Differences from OTP
//
// What binary_to_term/1 accepts is accepted here, with the same result, and what it refuses is refused, but for what
// follows. "make fuzz-otp" holds this list against random and damaged terms.
//
// OTP 25 accepts, and we do not:
//
//   - references without words: no node makes one, and Ref has no place for the difference;
//   - external funs of an arity over 255, or with another term as arity: OTP 27 dies of some of these;
//   - a fun whose creator is a port or reference: OTP takes its bytes for a pid;
//   - the tags 73 and 75, which are internal to the VM;
//   - a comma for the point in the text form of floats, and text that does not end within its 31 bytes, where OTP reads on
//     into what follows;
//   - bytes behind the term inside a compressed one, which could smuggle something past us;
//   - maps nested in each other's keys more than 64 deep, and what exceeds Limits.
//
// We accept, and OTP 25 does not: identifiers with the name of the node that reads them which it did not make; maps with
// both 0.0 and -0.0 as keys, which OTP 27 sends; the native records of OTP 29.
//
// We accept what only some releases do: bit strings of no bytes (up to 25), pids, ports and references of more bits or
// words than OTP 23 has, integers of more than 524,280 bytes (up to 25).
//
// A reference that has the name of the node that reads it, and fewer than three words, gets three there, and keeps its words
// here. A fun keeps the pid of its creator, which since OTP 26 is lost when a node reads it.
//
// Terms print as with io:format("~0tp") on a node started with +pc unicode, but pids, ports, references and funs, of which
// Erlang does not print all; the native records of OTP 29, if they are exported; and the atoms maybe and else, which are
// quoted as since OTP 27.
//
// Sources: the "External Term Format" chapter of the ERTS User's Guide; external.c of ERTS (dec_term, enc_term_int).
package etf
