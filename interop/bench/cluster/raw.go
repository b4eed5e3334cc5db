//go:build linux

package main

import (
	"bufio"
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
		return outcome{}, err
	}
	defer nc.Close()
	nc.Write([]byte("e"))
	buf := make([]byte, 150)
	r.times = r.times[:0]
	start := time.Now()
	for {
		t0 := time.Now()
		if t0.Sub(start) >= d {
			return outcome{Ops: float64(len(r.times)), Ns: float64(time.Since(start))}, nil
		}
		if _, err := nc.Write(buf); err != nil {
			return outcome{}, err
		}
		if _, err := io.ReadFull(nc, buf); err != nil {
			return outcome{}, err
		}
		r.times = append(r.times, time.Since(t0))
	}
}

func (r *rawPeer) stream(size int, d time.Duration) (outcome, error) {
	nc, err := net.Dial("tcp4", r.addr)
	if err != nil {
		return outcome{}, err
	}
	defer nc.Close()
	nc.Write([]byte("s"))
	buf := make([]byte, size)
	start := time.Now()
	n := 0
	for time.Since(start) < d {
		if _, err := nc.Write(buf); err != nil {
			return outcome{}, err
		}
		n++
	}
	nc.(*net.TCPConn).CloseWrite()
	_, err = io.ReadFull(nc, buf[:1])
	return outcome{Ops: float64(n), Ns: float64(time.Since(start))}, err
}

// runRawDriver reads commands as the other drivers do: echo ADDR 0 MS, stream ADDR BYTES MS, or latencies.
func runRawDriver(string, string) error {
	fmt.Println("ready raw")
	var r rawPeer
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var what string
		var size, ms int
		fmt.Sscan(lines.Text(), &what, &r.addr, &size, &ms)
		d := time.Duration(ms) * time.Millisecond
		var o outcome
		var err error
		switch what {
		case "echo":
			o, err = r.echo(d)
		case "stream":
			o, err = r.stream(size, d)
		case "latencies":
			o = percentiles(r.times)
		default:
			err = fmt.Errorf("unknown command %q", lines.Text())
		}
		if err != nil {
			fmt.Println("error", strconv.Quote(err.Error()))
			continue
		}
		fmt.Printf("%.0f %.0f %.0f %.0f\n", o.Ops, o.Ns, o.P50, o.P99)
	}
	return nil
}
