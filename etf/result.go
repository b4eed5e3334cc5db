package etf

import "reflect"

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
	if err := r.Decode(&res, opts...); err != nil {
		var zero T
		return zero, err
	}
	return res.Value, res.Err
}

// Get returns the value and the error.
func (r Result[T]) Get() (T, error) { return r.Value, r.Err }

// UnmarshalETF implements Unmarshaler.
func (r *Result[T]) UnmarshalETF(raw Raw) error { return raw.Decode(r) }

const wantResult = "ok, {ok, Value}, error or {error, Reason}"

// partReader is implemented by the types of this package that read themselves from the Reader of the whole, whose options
// and limits go on in them.
type partReader interface {
	decodeETF(*Reader) error
}

var partReaderType = reflect.TypeFor[partReader]()

// decodeETF implements partReader.
func (r *Result[T]) decodeETF(rd *Reader) error {
	*r = Result[T]{}
	start := *rd
	other := func() error {
		*rd = start
		return withType(rd.mismatch(wantResult), reflect.TypeFor[Result[T]]())
	}
	n := 0
	if tag, _ := rd.Tag(); tag == tagSmallTuple || tag == tagLargeTuple {
		var err error
		if n, err = rd.Tuple(); err != nil {
			return err
		}
		if n < 2 {
			return other()
		}
		if err := rd.open(); err != nil {
			return err
		}
		if err := rd.claim(n); err != nil {
			return err
		}
		rd.owed--
	}
	a, err := rd.Atom()
	switch {
	case err != nil:
		if isTypeError(err) {
			return other()
		}
		return err
	case a != "ok" && (a != "error" || n > 2):
		*rd = start
		return &TypeError{Offset: rd.pos, Found: rd.describe() + " that begins with " + a.String(), Want: wantResult, Type: reflect.TypeFor[Result[T]]()}
	case n == 0 && a == "ok":
		return nil
	case n == 0:
		r.Err = &ReasonError{}
		return nil
	case a == "error":
		rd.owed--
		reason, err := rd.Term()
		if err != nil {
			return err
		}
		r.Err = &ReasonError{Reason: reason}
	case n == 2:
		rd.owed--
		if err := planOf(reflect.TypeFor[T]()).dec(rd, addrTo(&r.Value)); err != nil {
			return err
		}
	default:
		if err := r.rest(rd, n-1); err != nil {
			return err
		}
	}
	rd.leave()
	return nil
}

// rest decodes the n terms behind ok as a tuple.
func (r *Result[T]) rest(rd *Reader, n int) error {
	first := rd.pos
	end := *rd
	for range n {
		if err := end.Skip(); err != nil {
			return err
		}
	}
	part := *rd
	part.data = append(AppendTupleHeader(nil, n), rd.data[first:end.pos]...)
	part.pos, part.owed = 0, 0
	part.depth-- // it stands for the tuple around it
	if err := planOf(reflect.TypeFor[T]()).dec(&part, addrTo(&r.Value)); err != nil {
		shift := end.pos - len(part.data)
		switch e := err.(type) {
		case *TypeError:
			e.Offset = max(first, e.Offset+shift)
		case *SyntaxError:
			e.Offset = max(first, e.Offset+shift)
		case *LimitError:
			e.Offset = max(first, e.Offset+shift)
		}
		return err
	}
	rd.pos, rd.elements = end.pos, part.elements
	rd.owed -= n
	return nil
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
