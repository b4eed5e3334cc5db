package handshake

import (
	"strings"
	"unicode/utf8"
)

const maxName = 255 // characters of an atom

// CheckName returns nil if name can be the name of a node, otherwise a *NameError: one or more of
// [0-9A-Za-z_-], one '@', a host part of one or more printable Latin-1 characters, together at most 255
// characters. Whether the host is long or short (-name, -sname) is not checked. (OTP: erts dist.c is_node_name,
// net_kernel's host check.)
func CheckName(name string) error {
	if why := illegal(name); why != "" {
		return &NameError{Peer: clip(name), Why: why}
	}
	return nil
}

func illegal(name string) string {
	alive, host, ok := strings.Cut(name, "@")
	switch {
	case !ok:
		return "has no '@'"
	case alive == "":
		return "has nothing before the '@'"
	case host == "":
		return "has nothing after the '@'"
	case strings.Contains(host, "@"):
		return "has more than one '@'"
	case utf8.RuneCountInString(name) > maxName:
		return "is longer than 255 characters"
	}
	for i := range len(alive) {
		switch c := alive[i]; {
		case '0' <= c && c <= '9', 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', c == '_', c == '-':
		default:
			return "has a character before the '@' that is none of 0-9, A-Z, a-z, '_', '-'"
		}
	}
	for _, r := range host {
		if r < '!' || r > 0xff { // RuneError is greater, too
			return "has a character after the '@' that is not printable Latin-1"
		}
	}
	return ""
}

// splits reports whether name has the shape which dist_util demands before it answers anything: two parts, one '@'.
func splits(name string) bool {
	alive, host, ok := strings.Cut(name, "@")
	return ok && alive != "" && host != "" && !strings.Contains(host, "@") && utf8.RuneCountInString(name) <= maxName
}

// latin1 returns the characters of s as bytes. A string that has others than Latin-1 ones, or is no UTF-8,
// gives its bytes.
func latin1(s string) []byte {
	b := make([]byte, 0, len(s)+10) // 10: room for the challenge that digest appends
	for _, r := range s {
		if r > 0xff { // utf8.RuneError is, too
			return append(b[:0], s...)
		}
		b = append(b, byte(r))
	}
	return b
}

// fromLatin1 returns the characters whose Latin-1 bytes b holds.
func fromLatin1(b []byte) string {
	var s strings.Builder
	s.Grow(len(b))
	for _, c := range b {
		s.WriteRune(rune(c))
	}
	return s.String()
}

// clip shortens what a peer sent, for an error text.
func clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
