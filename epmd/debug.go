package epmd

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// printf says what happens, in the words of the original where it has words for it. Level is the number of
// -debug options from which on the original says it; 0 are complaints, which it always has.
func (s *Server) printf(level int, format string, args ...any) {
	if level > s.cfg.DebugLevel && s.cfg.Logger == nil {
		return
	}
	msg := fmt.Sprintf(format, args...)
	if s.cfg.Logger != nil {
		severity := slog.LevelWarn
		if level > 0 { // Debug, and below it for what takes more than one -debug
			severity = slog.LevelDebug - 4*slog.Level(level-1)
		}
		s.cfg.Logger.Log(context.Background(), severity, strings.TrimSpace(msg))
	}
	if level <= s.cfg.DebugLevel {
		s.debugLine(msg)
	}
}

func (s *Server) debugLine(msg string) {
	if s.cfg.Debug == nil {
		return
	}
	s.debugMu.Lock()
	defer s.debugMu.Unlock()
	fmt.Fprintf(s.cfg.Debug, "epmd: %s: %s\n", time.Now().Format(time.ANSIC), msg)
}

// printTime is what the original prints whenever it looks at the clock, from level 3 on.
func (s *Server) printTime() {
	if s.cfg.DebugLevel >= 3 {
		s.printf(3, "time in seconds: %d", time.Now().Unix())
	}
}

// announce prints what the original says in any case though it is no complaint.
func (s *Server) announce(msg string) {
	if s.cfg.Logger != nil {
		s.cfg.Logger.Debug(msg)
	}
	s.debugLine(msg)
}

// dump prints what has come or gone on a connection, from level 2 on, in rows of 16 bytes, at most 1024 bytes.
func (s *Server) dump(b []byte) {
	if s.cfg.Debug == nil || s.cfg.DebugLevel < 2 {
		return
	}
	s.printf(1, "got %d bytes", len(b)) // the original says so of both directions
	shown := b[:min(len(b), 1024)]
	var out strings.Builder
	// hex.Dump prints the same rows, without the asterisks.
	for line := range strings.Lines(hex.Dump(shown)) {
		out.WriteString("***** " + line)
	}
	if len(shown) < len(b) {
		out.WriteString("***** ......and more\n")
	}
	s.debugMu.Lock()
	defer s.debugMu.Unlock()
	fmt.Fprint(s.cfg.Debug, out.String())
}

// printNames prints the registry, from level 3 on.
func (s *Server) printNames() {
	if s.cfg.Debug == nil || s.cfg.DebugLevel < 3 {
		return
	}
	live, old := s.snapshot()
	var out strings.Builder
	for _, n := range slices.Backward(live) {
		fmt.Fprintf(&out, "*****     active name     \"%s#%d\" at port %d, fd = %d\n", printable(n.Name), n.creation(), n.Port, n.fd)
	}
	fmt.Fprintf(&out, "*****     reg calculated count  : %d\n", len(live))
	for _, n := range old {
		fmt.Fprintf(&out, "*****     old/unused name \"%s#%d\"\n", printable(n.Name), n.creation())
	}
	fmt.Fprintf(&out, "*****     unreg counter         : %d\n", len(old))
	fmt.Fprintf(&out, "*****     unreg calculated count: %d\n", len(old))
	s.debugMu.Lock()
	defer s.debugMu.Unlock()
	fmt.Fprint(s.cfg.Debug, out.String())
}
