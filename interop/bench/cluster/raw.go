//go:build linux

package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"
)

// The floor of the socket: raw TCP between two processes. A connection says with its first byte what it is for: 'e', to have
// every byte back, or 's', a stream that is counted and answered with one byte when the other side has closed its half.

func runRawServer(string, string) error {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("ready", l.Addr())
	go func() {
		wait()
		os.Exit(0)
	}()
	for {
		nc, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer nc.Close()
			buf := make([]byte, 1<<20)
			if _, err := io.ReadFull(nc, buf[:1]); err != nil {
				return
			}
			echo := buf[0] == 'e'
			for {
				n, err := nc.Read(buf)
				if echo && n > 0 {
					nc.Write(buf[:n])
				}
				if err != nil {
					if !echo {
						nc.Write(buf[:1])
					}
					return
				}
			}
		}()
	}
}

// rawPeer is this program as the driver of raw TCP.
type rawPeer struct {
	addr  string
	times []time.Duration // of the echoes
}

// echo sends and takes back as many bytes as a call of a small term has, one after the other.
func (r *rawPeer) echo(d time.Duration) (outcome, error) {
	nc, err := net.Dial("tcp4", r.addr)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	nc.Write([]byte("e"))
	buf := make([]byte, 150)
	r.times = r.times[:0]
	start := time.Now()
	for {
		t0 := time.Now()
		if _, err := nc.Write(buf); err != nil {
			return nil, err
		}
		if _, err := io.ReadFull(nc, buf); err != nil {
			return nil, err
		}
		t1 := time.Now()
		r.times = append(r.times, t1.Sub(t0))
		if t1.Sub(start) >= d {
			return done(len(r.times), t1.Sub(start)), nil
		}
	}
}

func (r *rawPeer) stream(size int, d time.Duration) (outcome, error) {
	nc, err := net.Dial("tcp4", r.addr)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	nc.Write([]byte("s"))
	buf := make([]byte, size)
	start := time.Now()
	n := 0
	for n == 0 || time.Since(start) < d {
		if _, err := nc.Write(buf); err != nil {
			return nil, err
		}
		n++
	}
	nc.(*net.TCPConn).CloseWrite()
	_, err = io.ReadFull(nc, buf[:1])
	return done(n, time.Since(start)), err
}

// runRawDriver does as the other drivers do: echo ADDR 0 MS, stream ADDR BYTES MS, or latencies.
func runRawDriver(string, string) error {
	var r rawPeer
	return answer("raw", func(words []string) (outcome, error) {
		var size, ms int
		if len(words) == 4 {
			r.addr = words[1]
			size, _ = strconv.Atoi(words[2])
			ms, _ = strconv.Atoi(words[3])
		}
		d := time.Duration(ms) * time.Millisecond
		switch words[0] {
		case "echo":
			return r.echo(d)
		case "stream":
			return r.stream(size, d)
		case "latencies":
			return percentiles(r.times), nil
		}
		return nil, fmt.Errorf("unknown command %q", words)
	})
}
