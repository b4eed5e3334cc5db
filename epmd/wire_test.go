package epmd

import (
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
)

// unhex reads hexadecimal with blanks.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseRequest(t *testing.T) {
	ecoa := Info{Name: "ecoa", Port: 0xb32b, Type: Normal, HighVersion: 6, LowVersion: 5}
	withExtra := ecoa
	withExtra.Extra = []byte("hi")
	tests := []struct {
		name, body string
		want       request
		err        string
	}{
		{name: "ALIVE2 as OTP 25 sends it", body: "78 b32b 4d 00 0006 0005 0004 65636f61 0000", want: aliveRequest{ecoa}},
		{name: "ALIVE2 with extra and surplus", body: "78 b32b 4d 00 0006 0005 0004 65636f61 0002 6869 ffff", want: aliveRequest{withExtra}},
		{name: "ALIVE2 of 13 bytes", body: "78" + strings.Repeat("00", 12), err: "packet to small for request ALIVE2_REQ (13)"},
		{name: "ALIVE2 with an empty name", body: "78" + strings.Repeat("00", 13), want: aliveRequest{}},
		// The one that ends other implementations: PEERS, section 5.
		{name: "ALIVE2 with name length 60000", body: "78 b32b 4d 00 0006 0005 ea60 65636f61 0000", err: "Node name size error"},
		{name: "ALIVE2 with name length one too long", body: "78 b32b 4d 00 0006 0005 0005 65636f61 0000", err: "Node name size error"},
		{name: "ALIVE2 with extra length one too long", body: "78 b32b 4d 00 0006 0005 0004 65636f61 0001", err: "Extra info size error"},
		{name: "ALIVE2 with extra length 65535", body: "78 b32b 4d 00 0006 0005 0004 65636f61 ffff", err: "Extra info size error"},
		{name: "ALIVE2 with NUL in the name", body: "78 b32b 4d 00 0006 0005 0004 65006f61 0000", err: "ascii 0"},
		{name: "PORT2", body: "7a 65636f62", want: portRequest{"ecob"}},
		{name: "PORT2 with a NUL after the name", body: "7a 65636f62 00", want: portRequest{"ecob"}},
		{name: "PORT2 with a NUL in the name", body: "7a 65006f62", err: "ascii 0"},
		{name: "PORT2 without a name", body: "7a", err: "too small"},
		{name: "PORT2 with a NUL only", body: "7a 00", err: "too small"},
		{name: "PORT2 that is no UTF-8", body: "7a ff", err: "invalid node name"},
		{name: "PORT2 of 254 characters", body: "7a" + strings.Repeat("c3a5", 254), want: portRequest{strings.Repeat("å", 254)}},
		{name: "PORT2 of 255 characters", body: "7a" + strings.Repeat("c3a5", 255), err: "invalid node name"},
		{name: "NAMES", body: "6e", want: namesRequest{}},
		{name: "NAMES with surplus", body: "6e 6a 75", want: namesRequest{}},
		{name: "DUMP", body: "64", want: dumpRequest{}},
		{name: "KILL", body: "6b", want: killRequest{}},
		{name: "STOP", body: "73 666f6f", want: stopRequest{"foo"}},
		{name: "STOP with a NUL", body: "73 666f6f 00 78", want: stopRequest{"foo"}},
		{name: "STOP without a name", body: "73", err: "too small"},
		{name: "unknown", body: "71", err: "garbage"},
		{name: "empty", body: "", err: "invalid packet size"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseRequest(unhex(t, tt.body))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got %#v, %v; want an error with %q", got, err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %#v\nwant %#v", got, tt.want)
			}
		})
	}
}

func TestCheckAlive(t *testing.T) {
	tests := []struct {
		name  string
		in    Info
		fails string
	}{
		{"255 characters", Info{Name: strings.Repeat("å", 255)}, ""},
		{"256 characters", Info{Name: strings.Repeat("n", 256)}, "too long"},
		{"1021 bytes", Info{Name: strings.Repeat("\xff", 1021)}, "too long"},
		{"no UTF-8", Info{Name: "\xff\xfe"}, "encoding"},
		{"a surrogate", Info{Name: "\xed\xa0\x80"}, "encoding"},
		{"1020 bytes of extra", Info{Name: "a", Extra: make([]byte, 1020)}, ""},
		{"1021 bytes of extra", Info{Name: "a", Extra: make([]byte, 1021)}, "extra data"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := checkAlive(tt.in)
			if (err == nil) != (tt.fails == "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Errorf("got %v, want an error with %q", err, tt.fails)
			}
		})
	}
}

// The bytes are those of the epmd of OTP 25 (and 29: PROTOCOL, Appendix B).
func TestAliveResp(t *testing.T) {
	tests := []struct {
		high     uint16
		creation uint32
		ok       bool
		want     string
	}{
		{6, 0x6b00ea13, true, "76 00 6b00ea13"},
		{6, 0x6b00ea13, false, "76 01 00000063"},
		{5, 1, true, "79 00 0001"},
		{5, 1, false, "79 01 0063"},
	}
	for _, tt := range tests {
		if got, want := appendAliveResp(nil, tt.high, tt.creation, tt.ok), unhex(t, tt.want); string(got) != string(want) {
			t.Errorf("version %d, ok %v: got %x, want %x", tt.high, tt.ok, got, want)
		}
	}
}

func TestPacket(t *testing.T) {
	tests := []struct {
		name  string
		reads []string // hexadecimal
		body  string
		err   string
	}{
		{name: "at once", reads: []string{"0003 7a6162"}, body: "7a6162"},
		{name: "byte by byte", reads: []string{"00", "03", "7a", "61", "62"}, body: "7a6162"},
		{name: "surplus with the length", reads: []string{"0001 6e6e"}, err: "got 2 bytes in packet, expected 1"},
		{name: "surplus later", reads: []string{"0002 6e", "6e6e"}, body: "6e6e"}, // the rest is never read
		{name: "length 0", reads: []string{"0000"}, err: "invalid packet size (0)"},
		{name: "length 3057", reads: []string{"0bf1", strings.Repeat("6e", 3057)}, body: strings.Repeat("6e", 3057)},
		{name: "length 3058", reads: []string{"0bf2"}, err: "invalid packet size (3058)"},
		{name: "length 65535", reads: []string{"ffff"}, err: "invalid packet size (65535)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var p packet
			for _, r := range tt.reads {
				body, err := p.add(copy(p.space(), unhex(t, r)))
				if err != nil {
					if tt.err == "" || !strings.Contains(err.Error(), tt.err) {
						t.Fatalf("error %v, want %q", err, tt.err)
					}
					return
				}
				if body != nil {
					if hex.EncodeToString(body) != tt.body {
						t.Fatalf("body %x, want %s", body, tt.body)
					}
					return
				}
			}
			t.Fatalf("neither body nor error; want body %q, error %q", tt.body, tt.err)
		})
	}
}

func FuzzRequest(f *testing.F) {
	for _, s := range []string{"", "78", "6e", "64", "6b", "73 666f6f", "7a 65636f62", "7a 65636f62 00",
		"78 b32b 4d 00 0006 0005 0004 65636f61 0000", "78 b32b 4d 00 0006 0005 ea60 65636f61 0000",
		"78 b32b 4d 00 0006 0005 0004 65636f61 0002 6869 ffff", "78 00000000000000000000000000"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		req, err := parseRequest(body)
		if (req == nil) == (err == nil) {
			t.Fatalf("%#v, %v", req, err)
		}
		// What registers goes out again as it came.
		if a, ok := req.(aliveRequest); ok {
			again := appendInfo([]byte{codeAlive}, a.Info)
			if string(again) != string(body[:len(again)]) {
				t.Fatalf("came %x, goes %x", body, again)
			}
		}
		if p, ok := req.(portRequest); ok && (p.name == "" || strings.Contains(p.name, "\x00")) {
			t.Fatalf("name %q", p.name)
		}
	})
}
