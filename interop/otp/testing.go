//go:build unix

package otp

import (
	"os"
	"testing"
	"time"
)

// Find is Lookup for a test: without Erlang the test is skipped, and under OTP_INTEROP=require it fails.
func Find(t testing.TB) *Install {
	t.Helper()
	i, err := Lookup()
	if err != nil {
		if os.Getenv("OTP_INTEROP") == "require" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return i
}

// FreePort returns a TCP port on which nothing listens on 127.0.0.1 now.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := UnusedPort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// EPMD starts OTP's epmd for the time of the test and returns its port.
func (i *Install) EPMD(t testing.TB) int {
	t.Helper()
	e, err := i.StartEPMD(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e.Port
}

// Erl is StartErl for the time of the test.
func (i *Install) Erl(t testing.TB, o Options) *Node {
	t.Helper()
	n, err := i.StartErl(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() && n.Log() != "" {
			t.Logf("%s:%s", n.Name(), logged(n.Log()))
		}
	})
	return n
}

// IEx is StartIEx for the time of the test.
func (i *Install) IEx(t testing.TB, o Options) *IEx {
	t.Helper()
	x, err := i.StartIEx(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Close)
	return x
}

// Eval is TryEval; any error fails the test.
func (n *Node) Eval(t testing.TB, expr string) string {
	t.Helper()
	value, err := n.TryEval(expr, 0)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// Run is TryRun; any error fails the test. As Fatal does, it must be called by the test's own goroutine.
func (n *Node) Run(t testing.TB, expr string) string {
	t.Helper()
	value, err := n.TryRun(expr, 0)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// Type is TryType; any error fails the test.
func (x *IEx) Type(t testing.TB, line string) string {
	t.Helper()
	out, err := x.TryType(line, 0)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Await is TryAwait; any error fails the test.
func (x *IEx) Await(t testing.TB, text string, timeout time.Duration) string {
	t.Helper()
	out, err := x.TryAwait(text, timeout)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Go is StartGo for the time of the test, which fails if the program does not leave as it should.
func Go(t testing.TB, pkg string, o Options) *Program {
	t.Helper()
	p, err := StartGo(t.Context(), pkg, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() && p.Log() != "" {
			t.Logf("%s:%s", p.Name(), logged(p.Log()))
		}
	})
	return p
}
