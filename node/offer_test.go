package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

func raws(t testing.TB, text string) []etf.Raw {
	t.Helper()
	term, err := etf.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	b, err := etf.AppendTerm(nil, term)
	if err != nil {
		t.Fatal(err)
	}
	args, err := ArgList(etf.Raw{Bytes: b})
	if err != nil {
		t.Fatal(err)
	}
	return args
}

// What an offered function returns or raises, as Apply gives it to whoever runs it here, and as the reason with which a process
// ends that runs nothing else.
func TestApply(t *testing.T) {
	n := newCluster(t).start("a")
	n.Offer("m", "sum", 2, func(_ context.Context, _ *Process, args []etf.Raw) (any, error) {
		var a, b int
		if err := errors.Join(args[0].Decode(&a), args[1].Decode(&b)); err != nil {
			return nil, err
		}
		return a + b, nil
	})
	raise := func(name etf.Atom, err error) {
		n.Offer("m", name, 0, func(context.Context, *Process, []etf.Raw) (any, error) { return nil, err })
	}
	raise("plain", errors.New("out of order"))
	raise("exit", fmt.Errorf("wrapped: %w", Exit(etf.Atom("why"))))
	raise("noproc", &ExitError{Reason: noproc})
	raise("reason", &etf.ReasonError{Reason: etf.Atom("enoent")})
	raise("none", &etf.ReasonError{})
	raise("throw", &Exception{Class: "throw", Reason: etf.Atom("ball")})
	raise("own", &Exception{Class: "error", Reason: etf.Atom("mine"), Stack: etf.List{}})
	raise("class", &Exception{Class: "nonsense"})
	p := n.Open()
	tests := []struct{ function, args, want, exits string }{
		{"sum", "[1, 2]", "3", ""},
		{"sum", "[1]", "error: undef [{m,sum,[1],[]}]", "{undef,[{m,sum,[1],[]}]}"},
		{"nofun", "[a, [b]]", "error: undef [{m,nofun,[a,[b]],[]}]", "{undef,[{m,nofun,[a,[b]],[]}]}"},
		{"plain", "[]", `error: {error,<<"out of order">>} [{m,plain,0,[]}]`, `{{error,<<"out of order">>},[{m,plain,0,[]}]}`},
		{"exit", "[]", "exit: why", "why"},
		{"noproc", "[]", "exit: noproc", "noproc"},
		{"reason", "[]", "error: enoent [{m,reason,0,[]}]", "{enoent,[{m,reason,0,[]}]}"},
		{"none", "[]", "error: error [{m,none,0,[]}]", "{error,[{m,none,0,[]}]}"},
		{"throw", "[]", "throw: ball", "{{nocatch,ball},[{erts_internal,dist_spawn_init,1,[]}]}"},
		{"own", "[]", "error: mine []", "{mine,[{erts_internal,dist_spawn_init,1,[]}]}"},
		{"class", "[]", "error: error [{m,class,0,[]}]", "{error,[{m,class,0,[]}]}"},
	}
	for _, tt := range tests {
		v, err := p.Apply(t.Context(), "m", etf.Atom(tt.function), raws(t, tt.args))
		got, exits := fmt.Sprint(v), ""
		if e := (*Exception)(nil); errors.As(err, &e) {
			got, exits = e.Error(), e.exitReason().String()
			if e.Stack != nil {
				got += " " + e.Stack.String()
			}
		}
		if got != tt.want || exits != tt.exits {
			t.Errorf("%s%s: %s, exits with %q; want %s, %q", tt.function, tt.args, got, exits, tt.want, tt.exits)
		}
	}
	if n.Offer("m", "sum", 2, nil); n.Offers("m", "sum", 2) || !n.Offers("m", "own", 0) {
		t.Error("sum is still offered, or own is not")
	}
}

// A panic is an exception whose stack shows the Go functions, as Erlang prints a stack.
func TestApplyPanic(t *testing.T) {
	n := newCluster(t).start("a")
	n.Offer("m", "f", 0, func(context.Context, *Process, []etf.Raw) (any, error) { return panics(nil), nil })
	_, err := n.Open().Apply(t.Context(), "m", "f", nil)
	e, ok := errors.AsType[*Exception](err)
	if !ok || e.Class != "error" {
		t.Fatal(err)
	}
	if want := `{panic,<<"assignment to entry in nil map">>}`; e.Reason.String() != want {
		t.Errorf("reason %v, want %s", e.Reason, want)
	}
	text := e.Stack.String()
	if want := `[{'github.com/erlnode/erlnode/node',panics,0,[{file,"offer_test.go"},{line,`; !strings.HasPrefix(text, want) {
		t.Errorf("stack %s, want %s…", text, want)
	}
	if strings.Contains(text, "protect") {
		t.Errorf("stack %s shows how the node calls", text)
	}
}

func panics(m map[int]int) int {
	m[1] = 1
	return m[1]
}

func TestArgList(t *testing.T) {
	many := strings.Repeat("1000,", maxArgs)
	tests := []struct {
		list string
		want int
		err  error
	}{
		{"[]", 0, nil},
		{"[1, 2]", 2, nil}, // in bytes a string
		{`["ab", a, <<1>>]`, 3, nil},
		{"[a | b]", 0, errImproper},
		{"[1 | b]", 0, errImproper},
		{"a", 0, errImproper},
		{"{}", 0, errImproper},
		{"[" + many[:len(many)-1] + "]", maxArgs, nil},
		{"[" + many + "1]", 0, errTooMany},
		{`"` + strings.Repeat("x", maxArgs+1) + `"`, 0, errTooMany},
	}
	for _, tt := range tests {
		term, err := etf.Parse(tt.list)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := etf.AppendTerm(nil, term)
		args, err := ArgList(etf.Raw{Bytes: b})
		if len(args) != tt.want || !errors.Is(err, tt.err) || (err != nil) != (tt.err != nil) {
			t.Errorf("%.40s: %d arguments, %v; want %d, %v", tt.list, len(args), err, tt.want, tt.err)
		}
		if list, ok := term.(etf.List); ok && err == nil && !etf.Equal(ArgTerms(args), list) {
			t.Errorf("%.40s: %v", tt.list, ArgTerms(args))
		}
		for end := range b {
			if _, err := ArgList(etf.Raw{Bytes: b[:end]}); err == nil {
				t.Errorf("%.40s: no error for %d of %d bytes", tt.list, end, len(b))
			}
			if end > 30 {
				break
			}
		}
	}
}
