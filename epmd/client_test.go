package epmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"
)

// answering is an epmd that gives one answer to everything, after it has read a request. It returns its address.
func answering(t *testing.T, answer string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 4096))
			io.WriteString(c, answer)
			c.Close()
		}
	}()
	return l.Addr().String()
}

func TestLookupAnswers(t *testing.T) {
	ecob := Info{Name: "ecob", Port: 0x93c1, Type: Normal, HighVersion: 6, LowVersion: 5}
	withExtra := ecob
	withExtra.Extra = []byte("hi")
	tests := []struct {
		name, answer string
		want         Info
		is           error
		text         string
	}{
		{name: "as captured", answer: "w\x00\x93\xc1M\x00\x00\x06\x00\x05\x00\x04ecob\x00\x00", want: ecob},
		{name: "with extra", answer: "w\x00\x93\xc1M\x00\x00\x06\x00\x05\x00\x04ecob\x00\x02hi", want: withExtra},
		{name: "not registered", answer: "w\x01", is: ErrNotRegistered},
		{name: "closed", answer: "", is: ErrRefused},
		{name: "cut off", answer: "w\x00\x93\xc1M\x00\x00\x06\x00\x05\x00\x04eco", text: "cut off"},
		{name: "name length 65535", answer: "w\x00\x93\xc1M\x00\x00\x06\x00\x05\xff\xffeco", text: "cut off"},
		{name: "garbage", answer: "HTTP/1.1 400 Bad Request", text: `not an answer of epmd: "HT"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			addr := answering(t, tt.answer)
			got, err := Lookup(t.Context(), addr, "ecob")
			if tt.is != nil || tt.text != "" {
				if err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.text) {
					t.Fatalf("got %v", err)
				}
				if want := fmt.Sprintf(`epmd %s: lookup "ecob": `, addr); !strings.HasPrefix(err.Error(), want) {
					t.Errorf("got %v, want it to begin with %s", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestLookupBadName(t *testing.T) {
	for _, name := range []string{"", "a\x00b", "\xff", strings.Repeat("n", 4000)} {
		if _, err := Lookup(t.Context(), answering(t, "w\x01"), name); err == nil || errors.Is(err, ErrNotRegistered) {
			t.Errorf("%.10q: %v", name, err)
		}
	}
}

// A Lookup ends with its context, whatever the epmd does.
func TestLookupCancelled(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("no longer interested")
	time.AfterFunc(10*time.Millisecond, func() { cancel(gone) })
	if _, err := Lookup(ctx, l.Addr().String(), "ecob"); !errors.Is(err, gone) && !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestNamesAnswers(t *testing.T) {
	got, err := Names(t.Context(), answering(t, "\x00\x00\x11\x11name ex at port 1234\nname a at port 7 at port 5\n"))
	if want := []NameEntry{{"ex", 1234}, {"a at port 7", 5}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	if got, err := Names(t.Context(), answering(t, "\x00\x00\x11\x11")); err != nil || len(got) != 0 {
		t.Errorf("no names: %v, %v", got, err)
	}
	for _, bad := range []string{"", "\x00", "\x00\x00\x11\x11nam", "\x00\x00\x11\x11name ex at port x\n", "\x00\x00\x11\x11name ex at port 65536\n"} {
		if got, err := Names(t.Context(), answering(t, bad)); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
}

func TestDumpAnswers(t *testing.T) {
	got, err := Dump(t.Context(), answering(t, "\x00\x00\x11\x11active name     <ex> at port 1234, fd = 7\n\x00old/unused name <foo>, port = 5, fd = 8 \n\x00"))
	if want := []DumpEntry{{"ex", 1234, 7, true}, {"foo", 5, 8, false}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	for _, bad := range []string{"active name     <ex> at port 1234\n", "old/unused name <ex", "name ex at port 5\n"} {
		if got, err := Dump(t.Context(), answering(t, "\x00\x00\x11\x11"+bad)); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
}

func TestKillAndStopAnswers(t *testing.T) {
	tests := []struct {
		answer     string
		kill, stop error
	}{
		{"OK", nil, errors.ErrUnsupported},
		{"NO", ErrLiveNodes, errors.ErrUnsupported},
		{"", ErrRefused, ErrRefused},
		{"STOPPED", errors.ErrUnsupported, nil},
		{"NOEXIST", errors.ErrUnsupported, ErrNotRegistered},
		{"NOEXISTSTOPPED", errors.ErrUnsupported, ErrNotRegistered},
	}
	for _, tt := range tests {
		addr := answering(t, tt.answer)
		check := func(what string, got, want error) {
			if want == errors.ErrUnsupported {
				if got == nil || !strings.Contains(got.Error(), "not an answer of epmd") {
					t.Errorf("%s answered %q: %v", what, tt.answer, got)
				}
			} else if !errors.Is(got, want) {
				t.Errorf("%s answered %q: %v, want %v", what, tt.answer, got, want)
			}
		}
		check("kill", Kill(t.Context(), addr), tt.kill)
		check("stop", Stop(t.Context(), addr, "foo"), tt.stop)
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add("name ex at port 1234\n")
	f.Add("active name     <ex> at port 1234, fd = 7\n\x00old/unused name <foo>, port = 5, fd = 8 \n\x00")
	f.Add("w\x00\x93\xc1M\x00\x00\x06\x00\x05\x00\x04ecob\x00\x00")
	f.Add("v\x00\x6b\x00\xea\x14")
	f.Fuzz(func(t *testing.T, s string) {
		parseNames(s)
		parseDump(s)
		if in, err := readPortResp(strings.NewReader(s)); err == nil {
			if again := string(appendInfo([]byte{codePortResp, 0}, in)); !strings.HasPrefix(s, again) {
				t.Errorf("came %q, goes %q", s, again)
			}
		}
		if c, err := readAliveResp(strings.NewReader(s)); err == nil && c == 0 {
			t.Errorf("creation 0 from %q", s)
		}
	})
}

// A machine without Erlang runs the port mapper itself.
func Example() {
	ctx := context.Background()
	server, err := Listen(ServerConfig{Port: -1, Addresses: []string{"127.0.0.1"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()

	entry, err := Register(ctx, server.Addr(), Info{Name: "go", Port: 41093}, RegisterConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer entry.Close()

	info, err := Lookup(ctx, server.Addr(), "go")
	fmt.Println(info.Port, info.Type, err)
	_, err = Lookup(ctx, server.Addr(), "iex")
	fmt.Println(errors.Is(err, ErrNotRegistered))
	// Output:
	// 41093 normal <nil>
	// true
}
