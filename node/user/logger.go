package user

import (
	"context"
	"log/slog"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
)

// proxy is logger_proxy: what other nodes log for processes whose group leader is here goes to a slog.Logger.
type proxy struct {
	log *slog.Logger
}

// levels are those of Erlang's logger.
var levels = map[etf.Atom]slog.Level{
	"emergency": slog.LevelError + 8, "alert": slog.LevelError + 6, "critical": slog.LevelError + 4, "error": slog.LevelError,
	"warning": slog.LevelWarn, "notice": slog.LevelInfo + 2, "info": slog.LevelInfo, "debug": slog.LevelDebug,
}

func (x proxy) run(p *node.Process) error {
	for m := range p.Inbox(context.Background()) {
		if m.IsNotice() {
			continue
		}
		t, err := m.Term()
		if err != nil {
			continue
		}
		if name, args := open(t); name == "log" && (len(args) == 3 || len(args) == 4) {
			x.event(args)
		}
	}
	return p.Err()
}

// event logs {log, Level, Format, Args, Meta} or {log, Level, {report, Report} | {string, Chars}, Meta}.
func (x proxy) event(args []etf.Term) {
	level, _ := args[0].(etf.Atom)
	meta, _ := args[len(args)-1].(etf.Map)
	message := args[1].String()
	if len(args) == 4 {
		if t, err := formatted(args[1], args[2]); err == nil {
			b, _ := t.(etf.Binary)
			message = string(b)
		} else {
			message += " " + args[2].String()
		}
	} else if kind, content := open(args[1]); kind == "string" && len(content) == 1 {
		if text, valid := appendChars(nil, content[0], false); valid {
			message = string(text)
		}
	}
	attrs := []slog.Attr{}
	for _, pair := range meta {
		switch pair.Key {
		case etf.Term(etf.Atom("pid")):
			if pid, ok := pair.Value.(etf.Pid); ok {
				attrs = append(attrs, slog.String("pid", pid.String()), slog.String("from", string(pid.Node)))
			}
		case etf.Term(etf.Atom("mfa")):
			attrs = append(attrs, slog.String("mfa", pair.Value.String()))
		}
	}
	x.log.LogAttrs(context.Background(), levels[level], message, attrs...)
}
