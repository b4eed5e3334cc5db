//go:build linux

package main

import (
	"context"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMain makes the test a peer when it is started as one: a lab starts its own program.
func TestMain(m *testing.M) {
	flag.Parse()
	if *peerFlag != "" {
		if err := run(); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func testLab(t *testing.T) *lab {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	l, err := newLab(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.close(); cancel() })
	return l
}

func start(t *testing.T, l *lab, kind string) *peer {
	p, err := l.self(kind)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestGoWithGo does every piece of work with Go nodes, and what comes out goes into table and chart.
func TestGoWithGo(t *testing.T) {
	*ms, *dropCount = 10, 10_000
	l := testLab(t)
	p := &pair{name: "Go-Go", driver: start(t, l, "go"), server: start(t, l, "go")}
	p.three = &pair{name: p.name, driver: start(t, l, "go"), server: start(t, l, "go"), third: start(t, l, "go")}
	raw := &pair{name: "TCP", driver: start(t, l, "rawdriver"), server: start(t, l, "rawserver")}
	pairs := []*pair{p, raw}
	for _, p := range pairs {
		p.base = pairs[0]
		if err := p.connect(l); err != nil {
			t.Fatal(err)
		}
	}
	var rows []*row
	for _, w := range works() {
		r := &row{work: w, cells: map[*pair]*cell{}}
		for _, p := range pairs {
			for range 2 {
				if err := r.measure(l, p); err != nil {
					t.Fatalf("%s, %s: %v", w.name, p.name, err)
				}
			}
		}
		rows = append(rows, r)
	}
	res := newResult()
	res.take(pairs, rows)
	for _, w := range res.Work {
		f, ok := res.figure(w.Key, "Go-Go")
		if !ok || f.Median <= 0 || f.Ratio != 1 || f.Driver.CPU <= 0 || f.Server.Memory <= 0 {
			t.Errorf("%s: %+v", w.Name, f)
		}
	}
	if f, ok := res.figure("call1", "TCP"); !ok || f.P99 < f.P50 || f.P50 <= 0 {
		t.Errorf("echo of raw TCP: %+v", f)
	}
	var table strings.Builder
	res.print(&table)
	if want := "not measured: TCP (there is no such thing without a protocol)"; !strings.Contains(table.String(), want) {
		t.Errorf("the table says nowhere %q:\n%s", want, &table)
	}
	for d := xml.NewDecoder(strings.NewReader(res.chart())); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal("chart:", err)
		}
	}
}

// TestPeerEnds: the end of a server is an error of the command that needs it, at once.
func TestPeerEnds(t *testing.T) {
	l := testLab(t)
	server, driver := start(t, l, "go"), start(t, l, "go")
	if _, err := driver.do(l.ctx, "connect "+server.node, server); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, func() { server.cmd.Process.Kill() })
	_, err := driver.do(l.ctx, "call "+server.node+" small 1 30000", server)
	if err == nil || !strings.Contains(err.Error(), server.node) {
		t.Errorf("error %v does not name %s", err, server.node)
	}
	<-server.ended // its connections close before it is a process no more
	if _, err := server.usage(); err == nil || !strings.Contains(err.Error(), "has ended: signal: killed") {
		t.Errorf("usage of a peer that was killed: %v", err)
	}
}

func TestChoose(t *testing.T) {
	for names, want := range map[string]string{
		"call1":          "call1",
		"flood,pg":       "flood1 flood8 pg",
		"global":         "global2 global3",
		"processes,call": "call1 call16 call64 callkib callmap processes",
	} {
		got, err := choose(works(), names)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(strings.Fields(want)); len(got) != n {
			t.Errorf("%s: %v", names, got)
		}
		for _, key := range strings.Fields(want) {
			if !got[key] {
				t.Errorf("%s: %s is not in %v", names, key, got)
			}
		}
	}
	if all, err := choose(works(), ""); err != nil || len(all) != len(works())+2 {
		t.Errorf("everything: %v, %v", all, err)
	}
	if _, err := choose(works(), "call1,flod"); err == nil || !strings.Contains(err.Error(), `"flod"`) {
		t.Errorf("unknown work: %v", err)
	}
}

func TestOutcome(t *testing.T) {
	o := outcome{"ops": 3, "ns": 1.5e9, "at": 1.8e18}
	got, err := parseOutcome(o.String())
	if err != nil || len(got) != 3 || got["ops"] != 3 || got["at"] != 1.8e18 || got.rate() != 2 {
		t.Errorf("%q came back as %v, %v", o, got, err)
	}
	for _, line := range []string{"", "error no", "ok ops", "ok ops=x"} {
		if got, err := parseOutcome(line); err == nil {
			t.Errorf("%q: %v", line, got)
		}
	}
}

func TestGoals(t *testing.T) {
	r := &result{
		Work: []workResult{{Key: "flood1", Pairs: []figure{
			{Pair: "BEAM-BEAM", Median: 4e5, Ratio: 1, Server: cost{CPU: 2}},
			{Pair: "BEAM-Go", Median: 4e5, Ratio: 1, Server: cost{CPU: 0.5}},
			{Pair: "Go-Go", Median: 1e6, Ratio: 2.5},
		}}},
		Processes: []processesResult{{Node: "Go", Kind: "open", Bytes: 512}, {Node: "OTP 29", Kind: "spawn", Bytes: 2600}},
	}
	var out strings.Builder
	r.printGoals(&out)
	for _, want := range []string{"3 of 5 goals are met", "yes  flood1 BEAM-Go, CPU of the server         0.25  at most", "no   flood1 Go-Go  "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, &out)
		}
	}
}

func TestTail(t *testing.T) {
	var said tail
	for range 3 {
		said.Write([]byte(strings.Repeat("x", tailSize-1) + "\n"))
	}
	said.Write([]byte("the end"))
	if s := said.String(); len(s) > tailSize || !strings.HasSuffix(s, "\nthe end") {
		t.Errorf("%d bytes, with the end %q", len(s), s[max(0, len(s)-10):])
	}
	lines := make(chan string, 2)
	w := &lineWriter{to: lines}
	io.WriteString(w, "on")
	io.WriteString(w, "e\ntwo\nth")
	if a, b := <-lines, <-lines; a != "one" || b != "two" {
		t.Errorf("lines %q and %q", a, b)
	}
	if _, err := io.WriteString(w, "ree\n4\n5\n"); err == nil || errors.Is(err, io.EOF) {
		t.Error("a peer that talks too much is not stopped:", err)
	}
}
