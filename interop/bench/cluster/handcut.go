//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/erlnode/erlnode/epmd"
	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/handshake"
)

// runHandCut is the floor of the protocol: one goroutine that reads packets, skips over terms and writes the reply to each
// call. There are no processes, no monitors and no limits.
func runHandCut(name, cookie string) error {
	return handCut(name, cookie, "handcut", handshake.Default)
}

// runUnwatched is runHandCut of a node that cannot be monitored, like a C node: a BEAM sends it one packet a call instead of three.
func runUnwatched(name, cookie string) error {
	return handCut(name, cookie, "unwatched", handshake.Default&^(handshake.DistMonitor|handshake.DistMonitorName))
}

func handCut(name, cookie, kind string, flags handshake.Flags) error {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	alive, _, _ := strings.Cut(name, "@")
	reg, err := epmd.Register(context.Background(), epmd.Addr("127.0.0.1"), epmd.Info{Name: alive, Port: l.Addr().(*net.TCPAddr).Port}, epmd.RegisterConfig{})
	if err != nil {
		return err
	}
	fmt.Println("ready", kind)
	go func() { // as the other peers, it ends with its standard input
		wait()
		os.Exit(0)
	}()
	for {
		nc, err := l.Accept()
		if err != nil {
			return err
		}
		machine := handshake.NewAcceptor(handshake.Config{
			Name:     name,
			Cookie:   func(string) string { return cookie },
			Creation: reg.Creation(),
			Flags:    flags &^ (handshake.Fragments | handshake.DistHdrAtomCache | handshake.Published),
		})
		if shake(nc, machine) == nil {
			echoRaw(nc)
		}
		nc.Close()
	}
}

func shake(nc net.Conn, machine *handshake.Acceptor) error {
	for {
		var size [2]byte
		if _, err := io.ReadFull(nc, size[:]); err != nil {
			return err
		}
		body := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(nc, body); err != nil {
			return err
		}
		step, err := machine.Receive(body)
		if step.Ask == handshake.AskStatus {
			step, err = machine.Decide(handshake.StatusOK)
		}
		for _, b := range step.Send {
			nc.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
		}
		if err != nil || step.Done {
			return err
		}
	}
}

// echoRaw serves a connection whose packets are pass-through: 112, 131 and the control tuple, 131 and the message.
func echoRaw(nc net.Conn) {
	in := bufio.NewReaderSize(nc, 64<<10)
	var out, packet []byte
	for {
		if in.Buffered() < 4 && len(out) > 0 {
			if _, err := nc.Write(out); err != nil {
				return
			}
			out = out[:0]
		}
		var size [4]byte
		if _, err := io.ReadFull(in, size[:]); err != nil {
			return
		}
		n := int(binary.BigEndian.Uint32(size[:]))
		if n == 0 {
			out = append(out, 0, 0, 0, 0) // a tick for a tick
			continue
		}
		if cap(packet) < n {
			packet = make([]byte, n)
		}
		packet = packet[:n]
		if _, err := io.ReadFull(in, packet); err != nil {
			return
		}
		out = appendReply(out, packet)
	}
}

var genCall = etf.AppendAtom(nil, "$gen_call")

// appendReply answers a call with {33, From, Ref} and {Tag, Request}; From is the caller too, which BEAM does not mind.
func appendReply(out, packet []byte) []byte {
	r := etf.NewReader(etf.Raw{Bytes: packet[2:]}) // behind 112, 131
	if r.Skip() != nil {
		return out
	}
	rest := r.Rest()
	if len(rest) < 3 || !bytes.HasPrefix(rest[3:], genCall) {
		return out // a monitor, or its end
	}
	m := etf.NewReader(etf.Raw{Bytes: rest[3+len(genCall)+2:]}) // behind 131, {'$gen_call', {
	pid, _ := m.Raw()
	tag, _ := m.Raw()
	request, err := m.Raw()
	if err != nil {
		return out
	}
	t := etf.NewReader(tag)
	t.List()
	t.Skip()
	ref, _ := t.Raw()
	start := len(out)
	out = append(out, 0, 0, 0, 0, 112, 131, 104, 3, 97, 33)
	out = append(append(out, pid.Bytes...), ref.Bytes...)
	out = append(append(append(out, 131, 104, 2), tag.Bytes...), request.Bytes...)
	binary.BigEndian.PutUint32(out[start:], uint32(len(out)-start-4))
	return out
}
