package main

import (
	"errors"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestFullName(t *testing.T) {
	machine, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	short, _, _ := strings.Cut(machine, ".")
	tests := []struct{ name, want string }{
		{"go", "go@" + short},
		{"go@localhost", "go@localhost"},
		{"go@db1.example.org", "go@db1.example.org"},
		{"go@::1", "go@::1"},
		{"'go@my-host'", "go@my-host"},    // as erl prints it
		{`:"go@my-host"`, "go@my-host"},   // and iex
		{":go@localhost", "go@localhost"}, // in both ways
		{"", ""},
		{"@host", ""},
		{"a b@host", ""},
		{"a@", ""},
	}
	for _, tt := range tests {
		got, err := fullName(tt.name)
		var usage *usageError
		if got != tt.want || (err != nil) != (tt.want == "") || err != nil && !errors.As(err, &usage) {
			t.Errorf("fullName(%q) = %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
}

func TestThrowawayName(t *testing.T) {
	short, err := shortHost()
	if err != nil {
		t.Fatal(err)
	}
	for target, host := range map[string]string{
		"a@localhost": "localhost",
		"a@127.0.0.1": "127.0.0.1",
		"a@" + short:  short,
		"a@elsewhere": short,
	} {
		name, err := throwawayName(t.Context(), target)
		if err != nil {
			t.Errorf("%s: %v", target, err)
			continue
		}
		if !regexp.MustCompile(`^erlnode-\d+-[a-z0-9]{6}@` + regexp.QuoteMeta(host) + `$`).MatchString(name) {
			t.Errorf("%s: %s, want a host part %s", target, name, host)
		}
		if again, _ := throwawayName(t.Context(), target); again == name {
			t.Errorf("%s: %s twice", target, name)
		}
	}
	var dns *net.DNSError
	if _, err := throwawayName(t.Context(), "a@no-such-host.invalid"); !errors.As(err, &dns) {
		t.Errorf("a host that does not exist: %v", err)
	}
}

func TestShellQuote(t *testing.T) {
	for s, want := range map[string]string{"abc-1": "abc-1", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$x": "'$x'"} {
		if got := shellQuote(s); got != want {
			t.Errorf("shellQuote(%q) = %s, want %s", s, got, want)
		}
	}
}
