package epmd

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"
)

// RegisterConfig says who hears how a registration fares. The zero value is ready.
type RegisterConfig struct {
	// Failed is called in the same way after each attempt to register again that has failed, with the reason and how long the
	// connection has been lost.
	Failed func(reason error, since time.Duration)
	// Logger hears when the connection to the epmd is lost (Warn) and when the node is registered again (Info).
	// nil: nobody does.
	Logger *slog.Logger
	// Lost is called when the connection to the epmd is lost, with the reason; Regained when the node is
	// registered again. They are called one after the other from one goroutine, and must not call Close. nil:
	// nothing is called.
	Lost     func(reason error)
	Regained func()
}

// Registration is the entry of a node at an epmd. It lasts until Close. Its methods may be called concurrently.
type Registration struct {
	creation uint32
	info     Info
	addr     string
	cfg      RegisterConfig
	dial     func(context.Context) (net.Conn, error)

	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine is gone
}

// Register enters a node at the epmd at addr and keeps it there. The epmd takes nodes of its own machine only:
// addr is Addr("") as a rule. When the connection is lost, the node is registered again, tried after 100 ms, then
// after twice the time each, at last every half second, until it works. BEAM nodes try every 2 seconds
// (erl_epmd:handle_info). Meanwhile it cannot be looked up; nothing else is lost.
//
// info.Name and info.Port must be set. Type, HighVersion and LowVersion of 0 mean Normal, 6 and 5.
//
// ctx and a timeout of 10 seconds bound the first registration only. If another node has the name, the error is
// ErrDuplicateName. After an error nothing is left open.
func Register(ctx context.Context, addr string, info Info, cfg RegisterConfig) (*Registration, error) {
	return register(ctx, addr, info, cfg, func(ctx context.Context) (net.Conn, error) { return dial(ctx, addr) })
}

func register(ctx context.Context, addr string, info Info, cfg RegisterConfig,
	dial func(context.Context) (net.Conn, error)) (*Registration, error) {
	if info.Type == 0 {
		info.Type = Normal
	}
	if info.HighVersion == 0 {
		info.HighVersion = 6
	}
	if info.LowVersion == 0 {
		info.LowVersion = 5
	}
	info.Extra = append([]byte(nil), info.Extra...)
	r := &Registration{info: info, addr: addr, cfg: cfg, dial: dial, done: make(chan struct{})}
	err := checkRegister(info)
	var c net.Conn
	if err == nil {
		c, r.creation, err = r.connect(ctx)
	}
	if err != nil {
		return nil, &Error{Op: "register", Name: info.Name, Addr: addr, Err: err}
	}
	ctx, r.cancel = context.WithCancel(context.Background())
	go r.run(ctx, c)
	return r, nil
}

func checkRegister(in Info) error {
	switch err := checkAlive(in); {
	case err != nil:
		return err
	case in.Name == "":
		return errors.New("the name is empty")
	case strings.ContainsRune(in.Name, 0):
		return errors.New("the name contains a NUL")
	case in.Port < 0 || in.Port > 65535:
		return fmt.Errorf("port %d is none", in.Port)
	}
	return nil
}

// Creation returns the number of this life of the node, which the epmd gave it at its first registration. It
// stays the same when the node has to register again. It is never 0; an epmd of OTP 22 or older gives 1, 2 or
// 3.
func (r *Registration) Creation() uint32 { return r.creation }

// Addr returns the address of the epmd.
func (r *Registration) Addr() string { return r.addr }

// Close takes the entry back and waits until the epmd has removed it, so that the name is free again; for a second at most,
// if the epmd does not answer. It always returns nil; the second call does nothing.
func (r *Registration) Close() error {
	r.cancel()
	<-r.done
	return nil
}

// run keeps the node registered, of which c is the proof.
func (r *Registration) run(ctx context.Context, c net.Conn) {
	defer close(r.done)
	for {
		err := hold(ctx, c)
		if ctx.Err() != nil {
			return
		}
		r.log(slog.LevelWarn, "lost the connection to epmd", "error", err)
		if r.cfg.Lost != nil {
			r.cfg.Lost(err)
		}
		if c = r.reconnect(ctx); c == nil {
			return
		}
		r.log(slog.LevelInfo, "registered with epmd again")
		if r.cfg.Regained != nil {
			r.cfg.Regained()
		}
	}
}

// closeTime bounds how long the removal of an entry is waited for.
const closeTime = time.Second

// hold reads over what comes on c, which is nothing, until c or ctx ends. At the end of ctx it says goodbye and waits for the
// epmd to hang up, which it does when the entry is gone.
func hold(ctx context.Context, c net.Conn) error {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() {
		half, ok := c.(interface{ CloseWrite() error })
		if !ok || half.CloseWrite() != nil || c.SetReadDeadline(time.Now().Add(closeTime)) != nil {
			c.Close()
		}
	})
	defer stop()
	_, err := io.Copy(io.Discard, c)
	if err == nil {
		err = io.EOF
	}
	return err
}

// reconnect returns a connection on which the node is registered, or nil when ctx is done.
func (r *Registration) reconnect(ctx context.Context) net.Conn {
	lost, wait := time.Now(), firstRetry
	retry := time.NewTimer(wait)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-retry.C:
		}
		c, _, err := r.connect(ctx) // the new creation is not ours (erl_epmd.erl)
		if err == nil {
			return c
		}
		if ctx.Err() != nil {
			return nil
		}
		r.log(slog.LevelDebug, "not registered with epmd yet", "error", err)
		if r.cfg.Failed != nil {
			r.cfg.Failed(err, time.Since(lost))
		}
		wait = min(2*wait, retryInterval)
		retry.Reset(wait)
	}
}

// connect registers the node once.
func (r *Registration) connect(ctx context.Context) (c net.Conn, creation uint32, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if c, err = r.dial(ctx); err != nil {
		return nil, 0, err
	}
	err = roundTrip(ctx, c, appendInfo([]byte{codeAlive}, r.info), func(in io.Reader) error {
		creation, err = readAliveResp(in)
		return err
	})
	if err == nil {
		err = ctx.Err() // which has spoiled the deadline of c
	}
	if err != nil {
		c.Close() // the original leaves the connection of a refused node open
		return nil, 0, err
	}
	return c, creation, nil
}

func readAliveResp(r io.Reader) (uint32, error) {
	var b [6]byte
	if _, err := io.ReadFull(r, b[:4]); err != nil {
		return 0, answerErr(err)
	}
	creation := uint32(binary.BigEndian.Uint16(b[2:]))
	switch b[0] {
	case codeAliveXResp:
		if _, err := io.ReadFull(r, b[4:]); err != nil {
			return 0, answerErr(err)
		}
		creation = binary.BigEndian.Uint32(b[2:])
	case codeAliveResp:
	default:
		return 0, garbage(b[:4])
	}
	if b[1] != 0 {
		return 0, ErrDuplicateName
	}
	if creation == 0 {
		return 0, errors.New("the creation is 0")
	}
	return creation, nil
}

func (r *Registration) log(level slog.Level, msg string, args ...any) {
	if r.cfg.Logger != nil {
		r.cfg.Logger.Log(context.Background(), level, msg, append([]any{"name", r.info.Name, "epmd", r.addr}, args...)...)
	}
}
