package etf

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
)

// ErrLimit is wrapped by every *LimitError.
var ErrLimit = errors.New("etf: limit exceeded")

// SyntaxError reports bytes that are no term. Input that ends too early wraps io.ErrUnexpectedEOF.
type SyntaxError struct {
	Offset   int    // of the byte that is wrong, in the input; in the inflated bytes if Inflated
	Inflated bool   // the error is inside a compressed term
	Msg      string // what is wrong
	Err      error  // nil, or the cause
}

func (e *SyntaxError) Error() string {
	return "etf: " + place("", e.Offset, e.Inflated) + e.Msg
}

func (e *SyntaxError) Unwrap() error { return e.Err }

// TypeError reports a well-formed term that is not what the caller or the Go value asks for.
type TypeError struct {
	Offset   int          // of the term's tag
	Inflated bool         // Offset counts in the inflated bytes of a compressed term
	Path     string       // from the decoded value to the part concerned, as ".user.tags[3]"; empty at the top
	Found    string       // what stands there, as "binary" or "integer 300"
	Want     string       // what was asked for, as "tuple"; empty if Type says it
	Type     reflect.Type // the Go type to be filled; nil from Reader
	Err      error        // nil, or the error that an Unmarshaler returned
}

func (e *TypeError) Error() string {
	msg := "etf: " + place(e.Path, e.Offset, e.Inflated)
	if e.Err != nil {
		return msg + e.Err.Error()
	}
	msg += e.Found
	switch {
	case e.Want != "" && e.Type != nil:
		return msg + " for Go type " + e.Type.String() + ", want " + e.Want
	case e.Type != nil:
		return msg + " does not fit Go type " + e.Type.String()
	}
	return msg + ", want " + e.Want
}

func (e *TypeError) Unwrap() error { return e.Err }

// LimitError reports input that exceeds one of the Limits, or a value to be encoded that nests too deep.
type LimitError struct {
	Offset int    // where in the input; -1 when encoding
	Limit  string // the field of Limits: "Depth", "Elements", "Inflated" or "Size"; "Atoms" for an AtomTable
	Max    int    // its value
}

func (e *LimitError) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("etf: value to be encoded exceeds limit %s = %d", e.Limit, e.Max)
	}
	return fmt.Sprintf("etf: %sexceeds limit %s = %d", place("", e.Offset, false), e.Limit, e.Max)
}

func (e *LimitError) Unwrap() error { return ErrLimit }

// EncodeError reports a value that has no encoding.
type EncodeError struct {
	Path string       // from the encoded value to the part concerned, as ".user.tags[3]"; empty at the top
	Type reflect.Type // the Go type of the part; nil for a nil Term
	Msg  string       // what is wrong
	Err  error        // nil, or the error that a Marshaler returned
}

func (e *EncodeError) Error() string {
	msg := "etf: cannot encode "
	if e.Path != "" {
		msg += e.Path + " "
	}
	if e.Type != nil {
		msg += "(" + e.Type.String() + ") "
	}
	return msg[:len(msg)-1] + ": " + e.Msg
}

func (e *EncodeError) Unwrap() error { return e.Err }

func place(path string, offset int, inflated bool) string {
	at := "offset " + strconv.Itoa(offset)
	if inflated {
		at += " of the inflated bytes"
	}
	if path == "" {
		return at + ": "
	}
	return path + " (" + at + "): "
}

func syntaxf(offset int, format string, args ...any) error {
	return &SyntaxError{Offset: offset, Msg: fmt.Sprintf(format, args...)}
}

func eof(offset int, what string) error {
	return &SyntaxError{Offset: offset, Msg: "unexpected end of input in " + what, Err: io.ErrUnexpectedEOF}
}

// addPath puts a step in front of the path of err while an error travels up from the part to the whole.
func addPath(err error, step string) error {
	switch e := err.(type) {
	case *TypeError:
		e.Path = step + e.Path
	case *EncodeError:
		e.Path = step + e.Path
	}
	return err
}

func indexStep(i int) string { return "[" + strconv.Itoa(i) + "]" }

// tooDeep is the error for a value to be encoded that nests deeper than hardDepth.
func tooDeep() error { return &LimitError{Offset: -1, Limit: "Depth", Max: hardDepth} }
