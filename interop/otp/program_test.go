//go:build unix

package otp

import (
	"strings"
	"testing"
)

func TestGo(t *testing.T) {
	t.Parallel()
	p := Go(t, "./testdata/ready", Options{Name: "go", Cookie: "secret", EPMDPort: 4711})
	if p.Name() != "go@127.0.0.1" || p.Port != 4711 || !strings.Contains(p.Log(), "cookie secret epmd 4711") {
		t.Errorf("%s, port %d, log %q", p.Name(), p.Port, p.Log())
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestGoErrors(t *testing.T) {
	t.Parallel()
	_, err := StartGo(t.Context(), "./testdata/ready", Options{Args: []string{"-broken"}})
	if err == nil || !strings.Contains(err.Error(), "exit status 7") || !strings.Contains(err.Error(), "out of luck") {
		t.Errorf("one that ends: %v", err)
	}
	_, err = StartGo(t.Context(), "./testdata/none", Options{})
	if err == nil || !strings.Contains(err.Error(), "go build") {
		t.Errorf("one that does not build: %v", err)
	}
	p, err := StartGo(t.Context(), "./testdata/ready", Options{Args: []string{"-status", "3"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("one that leaves with another status: %v", err)
	}
	p, err = StartGo(t.Context(), "./testdata/ready", Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.Kill()
	if err := p.Close(); err != nil {
		t.Errorf("one that was killed: %v", err)
	}
}
