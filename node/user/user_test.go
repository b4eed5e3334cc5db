package user

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/erlnode/erlnode/etf"
	"github.com/erlnode/erlnode/node"
	"github.com/erlnode/erlnode/node/rpc"
)

// buffer is an output that tests read while others write.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// take returns what has been written since.
func (b *buffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.b.Reset()
	return b.b.String()
}

func start(t *testing.T, in string, logger *slog.Logger) (*node.Node, *buffer) {
	t.Helper()
	n, err := node.Start(t.Context(), "a@test", node.Config{Cookie: "secret", NoListen: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	out := &buffer{}
	if err := rpc.Start(n); err != nil {
		t.Fatal(err)
	}
	if err := Start(n, Config{Out: out, In: strings.NewReader(in), Logger: logger}); err != nil {
		t.Fatal(err)
	}
	return n, out
}

func term(t *testing.T, text string) etf.Term {
	t.Helper()
	v, err := etf.Parse(text)
	if err != nil {
		t.Fatal(text, err)
	}
	return v
}

// The requests of the I/O protocol, what each prints and what the answer is.
func TestRequests(t *testing.T) {
	n, out := start(t, "first\nsecond line\n123\nlast", nil)
	n.Offer("m", "collect", 3, func(_ context.Context, _ *node.Process, args []etf.Raw) (any, error) {
		// As io_lib:collect_line/3 and its kin: until a line with a 3 in it.
		var data etf.Term
		if err := args[1].Decode(&data); err != nil {
			return nil, err
		}
		if data == etf.Term(eof) || strings.Contains(data.String(), "3") {
			return etf.Tuple{etf.Atom("done"), etf.Tuple{etf.Atom("got"), data}, etf.List{}}, nil
		}
		return etf.Tuple{etf.Atom("more"), etf.List{}}, nil
	})
	n.Offer("m", "text", 1, func(_ context.Context, _ *node.Process, args []etf.Raw) (any, error) { return args[0], nil })
	for _, tt := range []struct{ request, printed, reply string }{
		{`{put_chars, unicode, <<"hi\n">>}`, "hi\n", "ok"},
		{`{put_chars, unicode, ["a", 252, [<<"b">>] | <<"c">>]}`, "aübc", "ok"},
		{`{put_chars, latin1, <<252>>}`, "ü", "ok"},
		{`{put_chars, <<252>>}`, "ü", "ok"},
		{`{put_chars, unicode, {a}}`, "", "{error,{put_chars,unicode,{a}}}"},
		{`{put_chars, unicode, [-1]}`, "", "{error,{put_chars,unicode,[-1]}}"},
		{`{put_chars, unicode, io_lib, format, ["~p and ~s~n", [[a, 1], "text"]]}`, "[a,1] and text\n", "ok"},
		{`{put_chars, unicode, m, text, ["called"]}`, "called", "ok"},
		{`{put_chars, m, text, ["called"]}`, "called", "ok"},
		{`{put_chars, unicode, nomod, text, ["called"]}`, "", "{error,format}"},
		{`{put_chars, unicode, io_lib, format, ["~p", []]}`, "", "{error,format}"},
		{`{requests, [{put_chars, unicode, "a"}, {put_chars, unicode, "b"}]}`, "ab", "ok"},
		{`{requests, [{put_chars, unicode, "a"}, nonsense, {put_chars, unicode, "b"}]}`, "a", "{error,request}"},
		{`{requests, a}`, "", "{error,request}"},
		{`{get_line, unicode, <<"> ">>}`, "> ", `<<"first\n">>`},
		{`{get_chars, unicode, "", 3}`, "", `<<"sec">>`},
		{`{setopts, [list]}`, "", "ok"},
		{`getopts`, "", "[{binary,false},{encoding,unicode}]"},
		{`{get_line, ""}`, "", `"ond line\n"`},
		{`{setopts, [binary, {encoding, unicode}]}`, "", "ok"},
		{`{setopts, [nonsense]}`, "", "{error,enotsup}"},
		{`{setopts, nonsense}`, "", "{error,enotsup}"},
		{`{get_until, unicode, '> ', m, collect, [x]}`, "> ", `{got,"123\n"}`},
		{`{get_until, unicode, "", m, collect, []}`, "", "{error,{m,collect}}"},
		{`{get_chars, unicode, "", -1}`, "", "{error,request}"},
		{`{get_line, unicode, ""}`, "", "eof"},
		{`{get_chars, unicode, "", 5}`, "", "eof"},
		{`{get_until, unicode, "", m, collect, [x]}`, "", `{got,eof}`},
		{`{get_geometry, columns}`, "", "{error,enotsup}"},
		{`{get_password, unicode}`, "", "{error,enotsup}"},
		{`nonsense`, "", "{error,request}"},
		{`{}`, "", "{error,request}"},
		{`{put_chars, 1, 2, 3, 4, 5, 6}`, "", "{error,request}"},
	} {
		reply, err := Request(t.Context(), n, etf.Atom("user"), term(t, tt.request))
		if err != nil {
			t.Fatal(tt.request, err)
		}
		if printed := out.take(); printed != tt.printed || reply.String() != tt.reply {
			t.Errorf("%s prints %q and is %v, want %q and %s", tt.request, printed, reply, tt.printed, tt.reply)
		}
	}
}

// What a process of this node prints one after the other comes out so, also when it does not wait for the replies.
func TestOrder(t *testing.T) {
	n, out := start(t, "", nil)
	p := n.Open()
	want := ""
	for i := range etf.Int(100) {
		request := etf.Tuple{etf.Atom("put_chars"), etf.Atom("unicode"), etf.Atom("io_lib"), etf.Atom("format"), etf.List{etf.Binary("~p "), etf.List{i}}}
		if i%3 == 0 {
			request = etf.Tuple{etf.Atom("put_chars"), etf.Atom("unicode"), etf.Binary(i.String() + " ")}
		}
		want += i.String() + " "
		if err := p.Send(etf.Atom("user"), etf.Tuple{etf.Atom("io_request"), p.Self(), i, request}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range etf.Int(100) {
		if m, err := p.Receive(t.Context()); err != nil || m.String() != "{io_reply,"+i.String()+",ok}" {
			t.Fatal(m, err)
		}
	}
	if got := out.take(); got != want {
		t.Errorf("printed %s", got)
	}
}

func TestFunctions(t *testing.T) {
	n, out := start(t, "a line\n", nil)
	for _, tt := range []struct{ module, function, args, printed, result string }{
		{"Elixir.IO", "puts", `[<<"hi">>]`, "hi\n", "ok"},
		{"Elixir.IO", "puts", `[["a", <<"b">>]]`, "ab\n", "ok"},
		{"Elixir.IO", "puts", `['Elixir.Some.Name']`, "Some.Name\n", "ok"},
		{"Elixir.IO", "puts", `[42]`, "42\n", "ok"},
		{"Elixir.IO", "puts", `[nil]`, "\n", "ok"},
		{"Elixir.IO", "puts", `[stdio, <<"hi">>]`, "hi\n", "ok"},
		{"Elixir.IO", "puts", `[user, <<"hi">>]`, "hi\n", "ok"},
		{"Elixir.IO", "puts", `[1, <<"hi">>]`, "", "error: badarg"},
		{"Elixir.IO", "puts", `[nobody, <<"hi">>]`, "", "error: terminated"},
		{"Elixir.IO", "puts", `[{a}]`, "", "error: badarg"},
		{"Elixir.IO", "write", `[<<"hi">>]`, "hi", "ok"},
		{"Elixir.IO", "inspect", `[#{<<"a">> => [1, b]}]`, "%{\"a\" => [1, :b]}\n", `#{<<"a">> => [1,b]}`},
		{"Elixir.IO", "gets", `[<<"? ">>]`, "? ", `<<"a line\n">>`},
		{"Elixir.IO", "gets", `[<<"? ">>]`, "? ", "eof"},
		{"io", "put_chars", `["hi"]`, "hi", "ok"},
		{"io", "nl", `[]`, "\n", "ok"},
		{"io", "format", `["hi~n"]`, "hi\n", "ok"},
		{"io", "format", `["~p~n", [{a, "b"}]]`, "{a,\"b\"}\n", "ok"},
		{"io", "format", `[user, "~w", [1]]`, "1", "ok"},
		{"io", "fwrite", `["~s ~ts ~c ~b ~4.2f|~i~~~P", [abc, <<"ü"/utf8>>, 120, 7, 1.5, gone, long, 3]]`, "abc ü x 7 1.500000|~long", "ok"},
		{"io", "format", `["~p"]`, "", "error: badarg"},
		{"io", "format", `["~q", [1]]`, "", "error: badarg"},
		{"io", "format", `["", [1]]`, "", "error: badarg"},
	} {
		var args []any
		for _, a := range term(t, tt.args).(etf.List) {
			args = append(args, a)
		}
		v, err := rpc.Call[etf.Term](t.Context(), n, n.Name(), etf.Atom(tt.module), etf.Atom(tt.function), args...)
		got := ""
		if err != nil {
			got = strings.SplitN(err.Error(), ": ", 3)[2]
		} else {
			got = v.String()
		}
		if printed := out.take(); printed != tt.printed || got != tt.result {
			t.Errorf("%s:%s(%s) prints %q and is %s, want %q and %s", tt.module, tt.function, tt.args, printed, got, tt.printed, tt.result)
		}
	}
}

func TestLoggerProxy(t *testing.T) {
	out := &buffer{}
	n, _ := start(t, "", slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})))
	p := n.Open()
	pid, _ := n.Whereis("logger_proxy")
	for _, tt := range []struct{ event, want string }{
		{`{log, error, "Error in process ~p~n", [a], #{mfa => {m, f, 1}}}`, `level=ERROR msg="Error in process a\n" mfa={m,f,1}`},
		{`{log, warning, "~p", [], #{}}`, `level=WARN msg="\"~p\" []"`},
		{`{log, info, {string, ["a", <<"b">>]}, #{}}`, "level=INFO msg=ab"},
		{`{log, debug, {report, #{a => 1}}, #{}}`, `level=DEBUG msg="{report,#{a => 1}}"`},
	} {
		p.Send(pid, term(t, tt.event))
		p.Send(pid, etf.Atom("nonsense"))
		for {
			if got := strings.TrimSpace(out.take()); got != "" {
				if got != tt.want {
					t.Errorf("%s: %s, want %s", tt.event, got, tt.want)
				}
				break
			}
		}
	}
}
