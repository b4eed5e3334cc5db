package etf_test

import (
	"fmt"
	"testing"

	"github.com/erlnode/erlnode/etf"
)

func TestHome(t *testing.T) {
	h := etf.Home{Node: "a@b", Creation: 3}
	for _, c := range []struct{ text, full string }{
		{"<0.120.7>", "#Pid<a@b.120.7/3>"},
		{"#Port<0.5>", "#Port<a@b.5/3>"},
		{"#Ref<0.3.2.1>", "#Ref<a@b/3.1.2.3>"},
		{"{[<0.1.2>|#Ref<0.1>],#{<0.1.0> => <<1>>}}", "{[#Pid<a@b.1.2/3>|#Ref<a@b/3.1>],#{#Pid<a@b.1.0/3> => <<1>>}}"},
		{"[#Pid<a@b.1.2/4>,#Port<x@y.1/3>,#Ref<a@b/4.1>]", "[#Pid<a@b.1.2/4>,#Port<x@y.1/3>,#Ref<a@b/4.1>]"},
		{"#Port<0.18446744073709551615>", "#Port<a@b.18446744073709551615/3>"},
		{"#Pid<0.1.2.3/4>", "#Pid<0.1.2.3/4>"},
	} {
		term, err := h.Parse(c.text)
		if err != nil || term.String() != c.full && !etf.Equal(term, mustParse(t, c.full)) {
			t.Errorf("Parse(%s) = %v, %v, want %s", c.text, term, err, c.full)
			continue
		}
		if got := h.Text(term); got != c.text {
			t.Errorf("Text(%v) = %s, want %s", term, got, c.text)
		}
	}
	for _, text := range []string{"<1.2.3>", "<0.1>", "<0.1.2.3>", "<0..1>", "<0.1.4294967296>", "#Ref<0>", "#Ref<7.1.2.3>", "#Ref<0.1.2.3.4.5.6>", "#Port<1.2>", "<0.1.2", "<a>", "<>"} {
		if term, err := h.Parse(text); err == nil {
			t.Errorf("Parse(%s) = %v, no error", text, term)
		}
	}
	if term, err := etf.Parse("<0.1.2>"); err == nil {
		t.Errorf("without a home: %v", term)
	}
}

func ExampleHome() {
	h := etf.Home{Node: "iex@localhost", Creation: 1}
	t, _ := h.Parse("{hello, <0.120.0>}") // copied from that node's shell
	fmt.Println(t)
	fmt.Println(h.Text(t))
	// Output:
	// {hello,#Pid<iex@localhost.120.0/1>}
	// {hello,<0.120.0>}
}
