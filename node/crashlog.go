package node

import (
	"log/slog"
	"time"

	"github.com/erlnode/erlnode/etf"
)

// logCrash reports a process that ends with an exception, as a BEAM node does: to the log of this node, and to that of the
// node where the group leader lives, so that who spawned the process from a shell reads it there (logger:log_remote/3).
func (p *Process) logCrash(why etf.Term) {
	p.node.log.Warn("process raised an exception", slog.String("pid", p.pid.String()), slog.Any("reason", why))
	leader := p.GroupLeader()
	if leader.Node == p.node.name || leader.Node == "" {
		return
	}
	// Whoever is not connected any more has nothing to read.
	p.SendNoConnect(Name{"logger_proxy", leader.Node}, etf.Tuple{etf.Atom("log"), etf.Atom("error"), crashFormat,
		etf.List{p.pid, p.node.name, why},
		etf.Map{
			{Key: etf.Atom("error_logger"), Value: etf.Map{
				{Key: etf.Atom("emulator"), Value: etf.Atom("true")}, {Key: etf.Atom("tag"), Value: etf.Atom("error")}}},
			{Key: etf.Atom("gl"), Value: leader},
			{Key: etf.Atom("pid"), Value: p.pid},
			{Key: etf.Atom("time"), Value: etf.Int(time.Now().UnixMicro())},
		}})
}

// crashFormat is the format that the loggers of Erlang and Elixir know the report by.
var crashFormat = charlist("Error in process ~p on node ~p with exit value:~n~p~n")
