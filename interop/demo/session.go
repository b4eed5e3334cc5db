//go:build unix

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/erlnode/erlnode/interop/otp"
)

// session is the demo while it runs. The first failure is kept, and nothing is done after it.
type session struct {
	*transcript
	ctx   context.Context
	shell *shell
	otp   int    // the release
	title string // of the step
	err   error
}

// run is the whole demo.
func run(ctx context.Context, out *transcript) error {
	begin := time.Now()
	inst, err := otp.Lookup()
	if err != nil {
		return err
	}
	release, err := inst.Release()
	if err != nil {
		return err
	}
	port, err := otp.UnusedPort()
	if err != nil {
		return err
	}
	cookie := rand.Text()
	sh, err := newShell(ctx, inst, cookie, port)
	if err != nil {
		return err
	}
	defer sh.close()
	s := &session{transcript: out, ctx: ctx, shell: sh, otp: release}
	s.note(fmt.Sprintf("OTP %d. Everything below is typed and read back; ERL_EPMD_PORT=%d, HOME is a new folder.", release, port))

	s.step("No EPMD runs, so the Go node embeds one")
	s.runs("epmd -names", 1, "epmd: Cannot connect to local epmd")
	served := s.starts("erlnode serve --name go@localhost", "ready go@localhost port PORT")
	if served != nil {
		defer served.kill()
	}
	if !s.ok() {
		return s.err
	}
	iexes, err := startAll(ctx, inst, otp.Options{Cookie: cookie, EPMDPort: port, Args: quiet}, "iex@localhost", "iex2@localhost", "iex3@localhost")
	if err != nil {
		s.fail(err)
		return s.err
	}
	var terminals []*terminal
	for _, x := range iexes {
		defer x.Close()
		t := &terminal{iex: x}
		terminals = append(terminals, t)
		if err := t.skip(); err != nil {
			s.fail(err)
		}
	}
	one, two, three := terminals[0], terminals[1], terminals[2]
	s.note("iex --sname iex@localhost, iex2@localhost and iex3@localhost start, and register with it.")
	s.runs("epmd -names", 0, want(fmt.Sprintf("epmd: up and running on port %d with data:\n", port))+
		"name iex… at port PORT\nname iex… at port PORT\nname iex… at port PORT\nname go at port PORT")

	s.step("Connect and ping")
	s.types(one, `Node.connect(:"go@localhost")`, "true")
	s.types(one, `Node.ping(:"go@localhost")`, ":pong")
	s.types(one, `Node.list()`, "[:go@localhost]")

	s.step("Send a message to a Go process, and get its answer")
	s.types(one, `send({:echo, :"go@localhost"}, {self(), "hello"})`, `{PID, "hello"}`)
	s.types(one, `receive do answer -> answer end`, `{:echo, "hello"}`)

	s.step("Call gen_servers written in Go, and look into one")
	s.types(one, `GenServer.call({:kv, :"go@localhost"}, {:set, :foo, 123})`, ":ok")
	s.types(one, `GenServer.call({:kv, :"go@localhost"}, {:get, :foo})`, "123")
	s.types(one, `GenServer.call({:counter, :"go@localhost"}, {:add, 41})`, "41")
	s.types(one, `GenServer.call({:counter, :"go@localhost"}, :inc)`, "42")
	s.types(one, `:sys.get_state({:counter, :"go@localhost"})`, "42")
	s.types(one, `GenServer.call({:nobody, :"go@localhost"}, :hello)`,
		"** (exit) exited in: GenServer.call({:nobody, :go@localhost}, :hello, 5000)\n"+
			"    ** (EXIT) no process: the process is not alive or there's no process currently associated with the given name, "+
			"possibly because its application isn't started\n    …")

	s.step("Run functions on the Go node")
	s.types(one, `:rpc.call(:"go@localhost", :erlang, :nodes, [])`, "[:iex@localhost]")
	s.types(one, `:erpc.call(:"go@localhost", :erlang, :system_info, [:otp_release])`, "…")
	s.types(one, `:rpc.call(:"go@localhost", :no_module, :no_function, [1])`,
		"{:badrpc, {:EXIT, {:undef, [{:no_module, :no_function, [1], []}…]}}}")
	s.types(one, `ref = Process.monitor(Node.spawn(:"go@localhost", IO, :puts, ["printed by Go"])); receive do {:DOWN, ^ref, _, _, _} -> :done end`,
		"printed by Go\n:done")

	s.step("A cluster: who connects to the Go node finds the others, as with any visible node")
	s.types(two, `Node.connect(:"go@localhost")`, "true")
	s.types(three, `Node.connect(:"go@localhost")`, "true")
	s.types(three, `:global.sync()`, ":ok")
	s.typesUntil(three, `Enum.sort(Node.list())`, "[:go@localhost, :iex2@localhost, :iex@localhost]")
	s.typesUntil(one, `Enum.sort(Node.list())`, "[:go@localhost, :iex2@localhost, :iex3@localhost]")

	s.step("Names of the whole cluster: servers and an agent in Go, an agent in iex, reached from every node")
	s.typesUntil(two, `Enum.sort(:global.registered_names())`, "[:go_agent, :kv1, :ps1]")
	s.types(two, `GenServer.call({:global, :kv1}, {:set, :colour, "blue"})`, ":ok")
	s.types(three, `GenServer.call({:global, :kv1}, {:get, :colour})`, `"blue"`)
	s.types(two, `Agent.start_link(fn -> [] end, name: {:global, :agent})`, "{:ok, PID}")
	s.types(one, `Agent.update({:global, :agent}, &[:one | &1])`, ":ok")
	s.types(three, `Agent.get({:global, :agent}, Function, :identity, [])`, "[:one]")
	s.types(two, `Agent.update({:global, :go_agent}, Map, :put, [:colour, "blue"])`, ":ok")
	s.types(three, `Agent.get({:global, :go_agent}, &Function.identity/1)`, `%{colour: "blue"}`)
	s.runs("erlnode names --global go@localhost", 0, "agent iex2@localhost <…>\ngo_agent go@localhost <…>\nkv1 go@localhost <…>\nps1 go@localhost <…>")

	s.step("Publish and subscribe: one Go server, subscribers on three nodes")
	for _, t := range terminals {
		s.types(t, `GenServer.call({:global, :ps1}, {:subscribe, "news"})`, ":ok")
	}
	s.types(one, `GenServer.call({:global, :ps1}, {:subscribers, "news"})`, "[PID, PID, PID]")
	s.types(three, `GenServer.call({:global, :ps1}, {:broadcast, "news", {:headline, 1}})`, ":ok")
	for _, t := range terminals {
		s.types(t, `receive do news -> news end`, "{:headline, 1}")
	}

	s.step("One iex is killed: its subscription and its name go, the others stay together")
	s.kills(iexes[1])
	s.typesUntil(one, `GenServer.call({:global, :ps1}, {:subscribers, "news"})`, "[PID, PID]")
	s.typesUntil(three, `:global.whereis_name(:agent)`, ":undefined")
	s.types(one, `GenServer.call({:global, :ps1}, {:broadcast, "news", {:headline, 2}})`, ":ok")
	s.types(one, `receive do news -> news end`, "{:headline, 2}")
	s.types(three, `receive do news -> news end`, "{:headline, 2}")
	s.typesUntil(three, `Enum.sort(Node.list())`, "[:go@localhost, :iex@localhost]")

	s.step("Monitor a Go process: the DOWN has its reason")
	s.types(one, `Process.monitor({:counter, :"go@localhost"})`, "REF")
	s.types(one, `GenServer.call({:counter, :"go@localhost"}, {:stop, {:overflow, 42}})`, ":ok")
	s.types(one, `receive do down -> down end`, "{:DOWN, REF, :process, {:counter, :go@localhost}, {:overflow, 42}}")
	s.note("Its supervisor, in Go too, has started another one.")
	s.types(one, `GenServer.call({:counter, :"go@localhost"}, :get)`, "0")

	s.step("Link to a Go process that exits: the EXIT comes to iex")
	s.types(one, `Process.flag(:trap_exit, true)`, "false")
	s.types(one, `counter = GenServer.call({:counter, :"go@localhost"}, :pid)`, "PID")
	s.types(one, `Process.link(counter)`, "true")
	s.types(one, `GenServer.call(counter, {:stop, :tired})`, ":ok")
	s.types(one, `receive do exit -> exit end`, "{:EXIT, PID, :tired}")

	s.step("Link the other way: a process of iex exits, and the Go process with it, for the same reason")
	s.types(one, `counter = GenServer.call({:counter, :"go@localhost"}, :pid)`, "PID")
	s.types(one, `Process.monitor(counter)`, "REF")
	s.types(one, `spawn(fn -> Process.link(counter); exit(:out_of_luck) end)`, "PID")
	s.types(one, `receive do down -> down end`, "{:DOWN, REF, :process, PID, :out_of_luck}")

	s.step("From Go to BEAM: call a function on iex from a shell")
	s.runs("erlnode ping iex@localhost", 0, "pong from iex@localhost in …")
	s.runs("erlnode call iex@localhost erlang system_info '[otp_release]'", 0, want(fmt.Sprintf(`"%d"`, release)))
	s.runs("erlnode call iex@localhost Elixir.String upcase '[<<\"hello\">>]'", 0, `<<"HELLO">>`)
	s.runs("erlnode call iex@localhost Elixir.IO puts '[<<\"what iex prints comes out here\">>]'", 0, "what iex prints comes out here\nok")

	s.step("Stop the Go node: who monitors a process there hears noconnection")
	s.types(one, `Process.monitor({:kv, :"go@localhost"})`, "REF")
	s.stops(served)
	s.types(one, `receive do down -> down end`, "{:DOWN, REF, :process, {:kv, :go@localhost}, :noconnection}")
	s.types(one, `Node.list()`, "[:iex3@localhost]")

	if s.err == nil {
		fmt.Fprintf(s.w, "\n%s\n", s.paint(bold, fmt.Sprintf("%d steps, every answer as it must be, in %.1f s.",
			s.steps, time.Since(begin).Seconds())))
	}
	return s.err
}

// quiet keeps the log of an iex off its screen, where it would come in between: global warns when it leaves a node.
var quiet = []string{"-e", ":logger.set_primary_config(:level, :error)"}

// startAll starts several iex at the same time.
func startAll(ctx context.Context, inst *otp.Install, o otp.Options, names ...string) ([]*otp.IEx, error) {
	iexes, errs := make([]*otp.IEx, len(names)), make([]error, len(names))
	var starting sync.WaitGroup
	for i, name := range names {
		o := o
		o.Name = name
		starting.Go(func() { iexes[i], errs[i] = inst.StartIEx(ctx, o) })
	}
	starting.Wait()
	err := errors.Join(errs...)
	if err == nil {
		return iexes, nil
	}
	for _, x := range iexes {
		if x != nil {
			x.Close()
		}
	}
	return nil, err
}

// ok tells whether to go on.
func (s *session) ok() bool {
	if s.err == nil && s.ctx.Err() != nil {
		s.fail(context.Cause(s.ctx))
	}
	return s.err == nil
}

func (s *session) fail(err error) {
	s.err = fmt.Errorf("step %d, %q: %w", s.steps, s.title, err)
}

func (s *session) step(title string) {
	if s.ok() {
		s.title = title
		s.heading(title)
	}
}

// note adds a remark of the demo itself.
func (s *session) note(text string) {
	if s.ok() {
		s.transcript.note(text)
	}
}

// types types a line into an iex, shows what comes of it, and returns the answer, which must be as wanted.
func (s *session) types(t *terminal, line string, w want) string {
	if !s.ok() {
		return ""
	}
	if s.otp == 23 { // whose Elixir warns of quotes that an atom does not need
		line = strings.ReplaceAll(line, `:"go@localhost"`, ":go@localhost")
	}
	answer, screen, err := t.typed(line)
	s.show(screen)
	if err == nil {
		err = w.check(answer)
	}
	if err != nil {
		s.fail(fmt.Errorf("%s: %w", line, err))
	}
	return answer
}

// typesUntil types a line up to ten times, until the answer is as wanted: for what the Go node finds out by itself, which
// may take a moment.
func (s *session) typesUntil(t *terminal, line string, w want) {
	for range 9 {
		if !s.ok() {
			return
		}
		s.types(t, line, w)
		if mismatch := (*mismatch)(nil); !errors.As(s.err, &mismatch) {
			return
		}
		s.err = nil
		time.Sleep(200 * time.Millisecond)
	}
	s.types(t, line, w)
}

// runs runs a command and shows what it prints, which must be as wanted, and so its exit status.
func (s *session) runs(line string, status int, w want) {
	if !s.ok() {
		return
	}
	out, got, err := s.shell.run(s.ctx, line)
	s.show("$ " + line + "\n" + out)
	if err == nil {
		err = w.check(out)
	}
	if err == nil && got != status {
		err = fmt.Errorf("exit status %d, want %d", got, status)
	}
	if err != nil {
		s.fail(fmt.Errorf("%s: %w", line, err))
	}
}

// starts starts a command that goes on, and shows its first line, which must be as wanted.
func (s *session) starts(line string, w want) *job {
	if !s.ok() {
		return nil
	}
	s.show("$ " + line)
	ready, _, _ := strings.Cut(string(w), " ")
	j, err := s.shell.start(s.ctx, line, ready)
	if err != nil {
		s.fail(err)
		return nil
	}
	first, _, _ := strings.Cut(j.out.String(), "\n")
	s.show(first)
	if err := w.check(first); err != nil {
		s.fail(fmt.Errorf("%s: %w", line, err))
	}
	return j
}

// stops ends a command that goes on.
func (s *session) stops(j *job) {
	if !s.ok() {
		return
	}
	s.show(fmt.Sprintf("$ kill %d", j.cmd.Process.Pid))
	if err := j.stop(); err != nil {
		s.fail(fmt.Errorf("%s: %w", j.cmd, err))
	}
}

// kills ends an iex by SIGKILL.
func (s *session) kills(x *otp.IEx) {
	if !s.ok() {
		return
	}
	s.note("iex2@localhost gets a SIGKILL.")
	if err := x.Kill(); err != nil {
		s.fail(err)
	}
}
