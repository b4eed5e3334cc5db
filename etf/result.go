package etf

// Result is what Erlang functions return that may fail: ok, {ok, Value}, error or {error, Reason}. As a Go value it
// stands for the whole of these, in Unmarshal, Marshal and as a part of others; AsResult reads one in one call.
//
//	ok                 the zero Value
//	{ok, V}            V
//	{ok, V1, V2, …}    {V1, V2, …}, which fits a struct that is a tuple, or a Tuple
//	error              Err is a *ReasonError without a reason
//	{error, R}         Err is a *ReasonError
//
// Anything else is a *TypeError. Encoding gives {ok, Value}, or {error, Reason} if Err is not nil: the reason of the
// *ReasonError, or the text of another error as a binary.
type Result[T any] struct {
	Value T
	Err   error
}

// ReasonError is the reason of {error, Reason}. Nil is that of a plain error.
type ReasonError struct {
	Reason Term
}

func (e *ReasonError) Error() string {
	if e.Reason == nil {
		return "error"
	}
	return "error: " + short(e.Reason)
}

// AsResult decodes ok, {ok, V}, error and {error, Reason} into a value and an error. The error is a *ReasonError if that is
// what the term says, and else what Raw.Decode returns.
func AsResult[T any](r Raw, opts ...Option) (T, error) {
	var res Result[T]
	if err := res.decode(r, opts); err != nil {
		var zero T
		return zero, err
	}
	return res.Value, res.Err
}

// Get returns the value and the error.
func (r Result[T]) Get() (T, error) { return r.Value, r.Err }

// UnmarshalETF implements Unmarshaler.
func (r *Result[T]) UnmarshalETF(raw Raw) error { return r.decode(raw, nil) }

const wantResult = "ok, {ok, Value}, error or {error, Reason}"

func (r *Result[T]) decode(raw Raw, opts []Option) error {
	*r = Result[T]{}
	rd := NewReader(raw, opts...)
	if err := rd.table.admit(raw.Bytes, 0); err != nil {
		return err
	}
	n := 0
	if tag, _ := rd.Tag(); tag == tagSmallTuple || tag == tagLargeTuple {
		var err error
		if n, err = rd.Tuple(); err != nil {
			return err
		}
		if n < 2 {
			rd.pos = 0
			return rd.mismatch(wantResult)
		}
	}
	a, err := rd.Atom()
	switch {
	case err != nil:
		if _, ok := err.(*TypeError); ok {
			rd.pos = 0
			return rd.mismatch(wantResult)
		}
		return err
	case a != "ok" && (a != "error" || n > 2):
		rd.pos = 0
		return &TypeError{Offset: 0, Found: rd.describe() + " that begins with " + a.String(), Want: wantResult}
	case n == 0 && a == "ok":
		return rd.end()
	case n == 0:
		r.Err = &ReasonError{}
		return rd.end()
	case a == "error":
		var reason Term
		if err := rd.Decode(&reason); err != nil {
			return err
		}
		r.Err = &ReasonError{Reason: reason}
		return rd.end()
	case n == 2:
		if err := rd.Decode(&r.Value); err != nil {
			return err
		}
		return rd.end()
	}
	rest := Raw{Bytes: append(AppendTupleHeader(nil, n-1), rd.Rest()...), Atoms: raw.Atoms}
	return rest.Decode(&r.Value, opts...)
}

// MarshalETF implements Marshaler.
func (r Result[T]) MarshalETF(dst []byte) ([]byte, error) {
	dst = AppendTupleHeader(dst, 2)
	if r.Err == nil {
		return Append(AppendAtom(dst, "ok"), r.Value)
	}
	dst = AppendAtom(dst, "error")
	e, ok := r.Err.(*ReasonError)
	switch {
	case !ok:
		return AppendString(dst, r.Err.Error()), nil
	case e == nil || e.Reason == nil:
		return AppendAtom(dst, "nil"), nil
	}
	return AppendTerm(dst, e.Reason)
}
