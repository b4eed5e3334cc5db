package epmd

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxAnswer bounds the answers to Names and Dump.
const maxAnswer = 8 << 20

// Lookup asks the epmd at addr (host:port, see Addr) for the node whose name before the '@' is name. It takes
// no longer than 10 seconds. A name that is not registered gives ErrNotRegistered.
func Lookup(ctx context.Context, addr, name string) (Info, error) {
	var info Info
	err := ask(ctx, addr, "lookup", name, append([]byte{codePort}, name...), func(r io.Reader) error {
		var err error
		info, err = readPortResp(r)
		return err
	})
	return info, err
}

func readPortResp(r io.Reader) (Info, error) {
	var b [12]byte
	if _, err := io.ReadFull(r, b[:2]); err != nil {
		return Info{}, answerErr(err)
	}
	if b[0] != codePortResp {
		return Info{}, garbage(b[:2])
	}
	if b[1] != 0 {
		return Info{}, ErrNotRegistered
	}
	if _, err := io.ReadFull(r, b[2:]); err != nil {
		return Info{}, answerErr(err)
	}
	info := Info{
		Port:        int(binary.BigEndian.Uint16(b[2:])),
		Type:        NodeType(b[4]),
		Protocol:    b[5],
		HighVersion: binary.BigEndian.Uint16(b[6:]),
		LowVersion:  binary.BigEndian.Uint16(b[8:]),
	}
	name := make([]byte, binary.BigEndian.Uint16(b[10:])) // at most 64 KiB
	if _, err := io.ReadFull(r, name); err != nil {
		return Info{}, answerErr(err)
	}
	info.Name = string(name)
	if _, err := io.ReadFull(r, b[:2]); err != nil {
		return Info{}, answerErr(err)
	}
	if n := binary.BigEndian.Uint16(b[:]); n > 0 {
		info.Extra = make([]byte, n)
		if _, err := io.ReadFull(r, info.Extra); err != nil {
			return Info{}, answerErr(err)
		}
	}
	return info, nil
}

// Names lists the nodes that are registered at the epmd at addr, the last one registered first. It takes no
// longer than 10 seconds.
func Names(ctx context.Context, addr string) ([]NameEntry, error) {
	var names []NameEntry
	err := ask(ctx, addr, "names", "", []byte{codeNames}, func(r io.Reader) error {
		text, err := readListing(r)
		if err != nil {
			return err
		}
		names, err = parseNames(text)
		return err
	})
	return names, err
}

// readListing reads the port of the epmd, which nobody needs, and the text after it.
func readListing(r io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	switch {
	case err != nil:
		return "", answerErr(err)
	case len(b) == 0:
		return "", ErrRefused
	case len(b) > maxAnswer:
		return "", fmt.Errorf("an answer of more than %d bytes", maxAnswer)
	case len(b) < 4:
		return "", garbage(b)
	}
	return string(b[4:]), nil
}

// parseNames reads "name NAME at port PORT\n", any number of times.
func parseNames(text string) ([]NameEntry, error) {
	var names []NameEntry
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "name ")
		at := strings.LastIndex(rest, " at port ")
		if !ok || at < 0 {
			return nil, garbage([]byte(line))
		}
		port, err := strconv.ParseUint(rest[at+len(" at port "):], 10, 16)
		if err != nil {
			return nil, garbage([]byte(line))
		}
		names = append(names, NameEntry{Name: rest[:at], Port: int(port)})
	}
	return names, nil
}

// Dump lists all that the epmd at addr knows, registered nodes first. It answers local callers only. It takes
// no longer than 10 seconds.
func Dump(ctx context.Context, addr string) ([]DumpEntry, error) {
	var entries []DumpEntry
	err := ask(ctx, addr, "dump", "", []byte{codeDump}, func(r io.Reader) error {
		text, err := readListing(r)
		if err != nil {
			return err
		}
		entries, err = parseDump(text)
		return err
	})
	return entries, err
}

// parseDump reads the lines of DUMP_RESP; each has a NUL after it.
func parseDump(text string) ([]DumpEntry, error) {
	var entries []DumpEntry
	for line := range strings.SplitSeq(text, "\x00") {
		if line == "" {
			continue
		}
		rest, active := strings.CutPrefix(line, "active name     <")
		middle, last := "> at port ", "\n"
		if !active {
			var old bool
			if rest, old = strings.CutPrefix(line, "old/unused name <"); !old {
				return nil, garbage([]byte(line))
			}
			middle, last = ">, port = ", " \n"
		}
		at := strings.LastIndex(rest, middle)
		if at < 0 {
			return nil, garbage([]byte(line))
		}
		port, fd, ok := strings.Cut(strings.TrimSuffix(rest[at+len(middle):], last), ", fd = ")
		p, err1 := strconv.ParseUint(port, 10, 16)
		f, err2 := strconv.ParseInt(fd, 10, 32)
		if !ok || err1 != nil || err2 != nil {
			return nil, garbage([]byte(line))
		}
		entries = append(entries, DumpEntry{Name: rest[:at], Port: int(p), FD: int(f), Active: active})
	}
	return entries, nil
}

// Kill makes the epmd at addr exit. While nodes are registered it refuses with ErrLiveNodes, unless it runs
// with relaxed command checks. It obeys local callers only. It takes no longer than 10 seconds.
func Kill(ctx context.Context, addr string) error {
	return ask(ctx, addr, "kill", "", []byte{codeKill}, func(r io.Reader) error {
		switch answer, err := readWord(r); {
		case err != nil:
			return err
		case answer == "OK":
			return nil
		case answer == "NO":
			return ErrLiveNodes
		default:
			return garbage([]byte(answer))
		}
	})
}

// Stop makes the epmd at addr unregister a node, whose connection to the epmd it closes. A BEAM node registers
// again two seconds later. An epmd without relaxed command checks refuses with ErrRefused; a name that is not
// registered gives ErrNotRegistered. It takes no longer than 10 seconds.
func Stop(ctx context.Context, addr, name string) error {
	return ask(ctx, addr, "stop", name, append([]byte{codeStop}, name...), func(r io.Reader) error {
		switch answer, err := readWord(r); {
		case err != nil:
			return err
		case strings.HasPrefix(answer, "NOEXIST"): // "STOPPED" follows, from the original
			return ErrNotRegistered
		case answer == "STOPPED":
			return nil
		default:
			return garbage([]byte(answer))
		}
	})
}

func readWord(r io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, 64))
	if err != nil && len(b) == 0 { // an epmd that dies after its answer may reset the connection
		return "", answerErr(err)
	}
	if len(b) == 0 {
		return "", ErrRefused
	}
	return string(b), nil
}

// ask makes one request of its own connection and has the answer read.
func ask(ctx context.Context, addr, op, name string, body []byte, read func(io.Reader) error) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err := askName(name, op)
	if err == nil {
		var c net.Conn
		if c, err = dial(ctx, addr); err == nil {
			defer c.Close()
			err = roundTrip(ctx, c, body, read)
		}
	}
	if err != nil {
		return &Error{Op: op, Name: name, Addr: addr, Err: err}
	}
	return nil
}

func askName(name, op string) error {
	switch {
	case name == "" && (op == "lookup" || op == "stop"):
		return errors.New("the name is empty")
	case strings.ContainsRune(name, 0):
		return errors.New("the name contains a NUL")
	case !utf8.ValidString(name):
		return errors.New("the name is not UTF-8")
	}
	return nil
}

func dial(ctx context.Context, addr string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", addr)
}

// roundTrip writes a request and has its answer read, until ctx is done.
func roundTrip(ctx context.Context, c net.Conn, body []byte, read func(io.Reader) error) error {
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	frame, err := appendFrame(nil, body)
	if err != nil {
		return err
	}
	if _, err := c.Write(frame); err != nil {
		return cause(ctx, err)
	}
	return cause(ctx, read(c))
}

// cause prefers the reason why ctx is done over the failure of IO that this has brought about.
func cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// answerErr gives an answer that ended too early its name.
func answerErr(err error) error {
	switch {
	case errors.Is(err, io.EOF):
		return ErrRefused
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the answer is cut off")
	}
	return err
}

func garbage(b []byte) error {
	return fmt.Errorf("not an answer of epmd: %q", b[:min(len(b), 64)])
}
