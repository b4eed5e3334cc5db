package node

import (
	"errors"
	"fmt"

	"github.com/erlnode/erlnode/etf"
)

var (
	// ErrNoProc says that there is no such process or name. An *ExitError with the reason noproc is one.
	ErrNoProc = errors.New("noproc")
	// ErrNoConnection says that there is no connection to the node, could not be one, or that it was lost. An *ExitError
	// with the reason noconnection and every *ConnectError is one.
	ErrNoConnection = errors.New("noconnection")
	// ErrClosed says that the node has been closed.
	ErrClosed = errors.New("node: closed")
	// ErrNoSuspend says that SendNoSuspend would have to wait.
	ErrNoSuspend = errors.New("nosuspend")
	// ErrNameTaken says that a process is registered under the name already.
	ErrNameTaken = errors.New("node: name is registered already")
	// ErrRegistered says that the process has a name already. A process has one name at most.
	ErrRegistered = errors.New("node: process has a name already")
)

// ExitError is the reason with which a process ended, as a Go error: the cause of Process.Context, the error of a call
// whose server died. As the result of a process's function (see Exit) it becomes the reason with which that one ends.
type ExitError struct {
	Reason etf.Term
}

// Exit returns an *ExitError with the given reason, a Term or any Go value that etf.Marshal takes: node.Exit(etf.Atom("boom"))
// is exit(boom), while a Go string is a binary. A process whose function returns it ends with that reason, as erlang:exit/1
// would do; etf.Atom("normal") is an end in good order.
func Exit(reason any) error { return &ExitError{Reason: reasonOf(reason).term()} }

func (e *ExitError) Error() string { return "exit: " + e.Reason.String() }

// Is makes errors.Is find ErrNoProc and ErrNoConnection.
func (e *ExitError) Is(target error) bool {
	switch e.Reason {
	case etf.Term(noproc):
		return target == ErrNoProc
	case etf.Term(noconnection):
		return target == ErrNoConnection
	}
	return false
}

// ConnectError says why a connection could not be set up. It is an ErrNoConnection.
type ConnectError struct {
	Node string
	Err  error
}

func (e *ConnectError) Error() string {
	return fmt.Sprintf("node: connecting to %s: %v", e.Node, e.Err)
}

func (e *ConnectError) Unwrap() error { return e.Err }

func (e *ConnectError) Is(target error) bool { return target == ErrNoConnection }
