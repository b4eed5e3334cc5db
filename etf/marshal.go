package etf

// Marshaler is implemented by types that encode themselves.
type Marshaler interface {
	// MarshalETF appends one bare term to dst and returns the extended slice, as append does. It may be called more than once for one message. The
	// memory of dst is not its own when it has returned.
	MarshalETF(dst []byte) ([]byte, error)
}

// Marshal returns the encoding of v with the version byte in front.
//
//	Go                                  Erlang
//	bool                                true, false
//	int…, uint…, *big.Int               integer
//	float32, float64                    float
//	string, []byte, [N]byte             binary
//	Charlist                            list of characters
//	[]T, [N]T                           list; a nil slice is []
//	map[K]V                             map, ordered by key
//	struct                              map with atoms as keys; see below
//	nil pointer, nil interface          nil
//	*T, interface                       what it points to or holds
//	Term, Atom, Tuple, Pid, …           itself
//	Raw                                 the term in it
//	Marshaler                           what it appends
//	time.Time                           %DateTime{} in UTC, to the microsecond
//	NaiveDateTime                       %NaiveDateTime{} of what its clock shows
//	time.Duration                       integer of milliseconds; Infinity is infinity
//	Enum                                one of its atoms
//	Result                              {ok, Value} or {error, Reason}
//
// A struct is a map with an association for each exported field, under its name as it is written in Go. The tag
// `etf:"name"` gives another name, `etf:",omitempty"` leaves the field out when it is false, 0, empty or nil,
// `etf:",string"` makes the key a binary, and `etf:"-"` leaves the field out always. Embedded structs are flattened as
// in encoding/json. A blank field says what the struct as a whole is:
//
//	_ struct{} `etf:"user,tuple"`          {user, F1, F2, …}: a record
//	_ struct{} `etf:",tuple"`              {F1, F2, …}
//	_ struct{} `etf:"Elixir.User,elixir"`  %User{}: a map with '__struct__' => 'Elixir.User'
//	_ struct{} `etf:",keyword"`            [{field, F1}, …]: a keyword list
//
// A field that is a map with strings or atoms as keys becomes a keyword list, in the order of its keys, with the tag
// `etf:",keyword"`. Keyword is a keyword list in an order of its own, and KeywordOf makes one of a map.
//
// What a time.Time has beyond the microsecond is cut off, as DateTime has no more; a time.Duration that is no whole number
// of milliseconds is an error, and so is a year that Elixir's calendar does not have. Channels, functions and complex
// numbers have no encoding.
// What nests deeper than 100,000, as pointers in a circle do, is a *LimitError; every other error an *EncodeError.
//
// The options that mean something here, and to Append, are Deterministic and OTP.
func Marshal(v any, opts ...Option) ([]byte, error) {
	b, err := appendAny(append(make([]byte, 0, 64), Version), v, plainly)
	if err == nil && len(opts) > 0 {
		b, err = rewrite(b, 1, opts)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// Append appends the bare encoding of v to dst: Marshal without the version byte. With an error it returns dst as it was.
func Append(dst []byte, v any, opts ...Option) ([]byte, error) {
	out, err := appendAny(dst, v, plainly)
	if err == nil && len(opts) > 0 {
		out, err = rewrite(out, len(dst), opts)
	}
	if err != nil {
		return dst, err
	}
	return out, nil
}

// appendAny appends a value of any type, without reflection for those that are usual.
func appendAny(dst []byte, v any, w way) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return w.none(dst), nil
	case bool:
		return w.bool(dst, v), nil
	case int:
		return AppendInt(dst, int64(v)), nil
	case int64:
		return AppendInt(dst, v), nil
	case uint64:
		return AppendUint(dst, v), nil
	case string:
		if err := checkLen(len(v)); err != nil {
			return nil, err
		}
		if len(v) >= long {
			return w.long(dst, bytesOf(v)), nil
		}
		return AppendString(dst, v), nil
	case []byte:
		if err := checkLen(len(v)); err != nil {
			return nil, err
		}
		if len(v) >= long {
			return w.long(dst, v), nil
		}
		return AppendBinary(dst, v), nil
	case Atom, Int, Float, Binary, BitString, Tuple, List, Improper, Map, Pid, Port, Ref, Export:
		return appendTerm(dst, v.(Term), w)
	case Raw:
		return appendRaw(dst, v, w)
	}
	return holdingOf(v).append(dst, v, w)
}
