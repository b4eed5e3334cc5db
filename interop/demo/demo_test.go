//go:build unix

package main

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/erlnode/erlnode/interop/otp"
)

// TestDemo is make demo. That it passes says that every line of it was as wanted.
func TestDemo(t *testing.T) {
	t.Parallel()
	otp.Find(t)
	var out bytes.Buffer
	if err := run(t.Context(), &transcript{w: &out}); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, part := range []string{
		"\n14. ",
		"\n    $ epmd -names\n    epmd: Cannot connect",
		"\n    :pong\n    iex(iex@localhost)3> Node.list()\n    [:go@localhost]\n",
		"> Agent.start_link(fn -> [] end, name: {:global, :agent})\n    {:ok, #PID<",
		"> receive do news -> news end\n    {:headline, 1}\n",
		":noconnection}\n",
		"\n14 steps, every answer as it must be",
	} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("the transcript lacks %q", part)
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("colours in a transcript without colours")
	}
	if t.Failed() {
		t.Log(&out)
	}
}

func TestWant(t *testing.T) {
	t.Parallel()
	tests := []struct {
		want want
		got  string
		ok   bool
	}{
		{"true", "true", true},
		{"true", "true ", true},
		{"true", "not true", false},
		{"[PID, PID]", "[#PID<0.1.0>, #PID<12744.114.0>]", true},
		{"[PID, PID]", "[#PID<0.1.0>]", false},
		{"[#PID<0.1.0>]", "[#PID<0.1.0>]", true},
		{"[#PID<0.1.0>]", "[#PID<0.2.0>]", false},
		{"{:DOWN, REF, :process, PID, :x}", "{:DOWN, #Reference<0.1.2.3>, :process,\n #PID<1.2.3>, :x}", true},
		{"name a at port PORT\nname … at port PORT", "name a at port 80\nname b at port 8080", true},
		{"port PORT", "port 8o", false},
		{"(a+b)", "(a+b)", true},
	}
	for _, tt := range tests {
		if err := tt.want.check(tt.got); (err == nil) != tt.ok {
			t.Errorf("%q for %q: %v", tt.got, tt.want, err)
		}
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		line string
		want []string
	}{
		{"epmd -names", []string{"epmd", "-names"}},
		{"a  b '[c d]' e", []string{"a", "b", "[c d]", "e"}},
		{"a ''", []string{"a", ""}},
	}
	for _, tt := range tests {
		if got := split(tt.line); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.line, got, tt.want)
		}
	}
}

// scripted is an iex that answers what it is told to.
type scripted struct {
	answers []string
	screen  string
	err     error
}

func (s *scripted) TryType(line string, _ time.Duration) (string, error) {
	if s.err != nil {
		return "", s.err
	}
	answer := s.answers[0]
	s.answers = s.answers[1:]
	s.screen += " " + line + "\n" + answer + "\niex(a@b)>"
	return answer, nil
}

func (s *scripted) Screen() (string, error) { return s.screen, s.err }

// TestStepFails looks at what a demo says that goes wrong, and that nothing is done after it.
func TestStepFails(t *testing.T) {
	t.Parallel()
	lost := errors.New("iex has ended")
	tests := []struct {
		name    string
		iex     scripted
		play    func(s *session, x *terminal)
		printed string
		failed  string // "" means that nothing did
	}{
		{
			"as wanted", scripted{answers: []string{"2"}},
			func(s *session, x *terminal) { s.types(x, "1 + 1", "2") },
			"    iex(a@b)> 1 + 1\n    2\n", "",
		}, {
			"another answer", scripted{answers: []string{"3"}},
			func(s *session, x *terminal) {
				s.types(x, "1 + 1", "2")
				s.types(x, "never typed", "")
				s.step("Never begun")
				s.note("Never said.")
			},
			"    iex(a@b)> 1 + 1\n    3\n", "step 1, \"Sums\": 1 + 1: got\n\t3\nwant\n\t2",
		}, {
			"late", scripted{answers: []string{"[1, 2]", "[1]", "[2]"}},
			func(s *session, x *terminal) {
				s.typesUntil(x, "who", "[1]")
				s.types(x, "who", "[2]")
			},
			"    iex(a@b)> who\n    [1, 2]\n    iex(a@b)> who\n    [1]\n    iex(a@b)> who\n    [2]\n", "",
		}, {
			"no answer", scripted{err: lost},
			func(s *session, x *terminal) { s.typesUntil(x, "1 + 1", "2") },
			"", "step 1, \"Sums\": 1 + 1: iex has ended",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			s := &session{transcript: &transcript{w: &out}, ctx: t.Context()}
			s.step("Sums")
			tt.iex.screen = "Interactive Elixir\niex(a@b)>"
			x := &terminal{iex: &tt.iex, shown: 1}
			tt.play(s, x)
			if diff := cmp.Diff("\n1. Sums\n\n"+tt.printed, out.String()); diff != "" {
				t.Errorf("transcript (-want +got):\n%s", diff)
			}
			got := ""
			if s.err != nil {
				got = s.err.Error()
			}
			if got != tt.failed {
				t.Errorf("failed with %q, want %q", got, tt.failed)
			}
		})
	}
}

func TestColour(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tr := &transcript{w: &out, colour: true}
	tr.heading("Sums")
	tr.note("Careful.")
	tr.show("iex(a@b)1> 1 + 1\n2\n\n$ kill 1")
	want := "\n\x1b[1m\x1b[36m1. Sums\x1b[0m\n\n" +
		"    \x1b[2m# Careful.\x1b[0m\n" +
		"    \x1b[2miex(a@b)1>\x1b[0m \x1b[1m1 + 1\x1b[0m\n    2\n\n    \x1b[2m$\x1b[0m \x1b[1mkill 1\x1b[0m\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
