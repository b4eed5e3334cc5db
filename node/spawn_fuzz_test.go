package node

import (
	"testing"

	"github.com/erlnode/erlnode/etf"
)

// Whatever a peer sends as arguments and options of a spawn request is taken apart without a panic, and arguments that are
// taken are the list that they came as.
func FuzzSpawnRequest(f *testing.F) {
	for _, text := range []string{"[]", "[1, 2]", `["ab", a, <<1>>]`, "[a | b]", "[link, monitor, {priority, high}]", "[{max_heap_size, #{size => 0}}]", "{}"} {
		t, err := etf.Parse(text)
		if err != nil {
			f.Fatal(err)
		}
		b, _ := etf.AppendTerm(nil, t)
		f.Add(b)
	}
	f.Add([]byte{108, 255, 255, 255, 255, 97})
	f.Add([]byte{107, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		raw := etf.Raw{Bytes: b}
		parseSpawnOptions(raw)
		args, err := ArgList(raw)
		if e := ApplyError(err, "m", "f", raw); e != nil && e.exitReason() == nil {
			t.Error("no reason")
		}
		if err != nil {
			return
		}
		want, err := raw.Term()
		if err != nil {
			return // an argument that is malformed inside, or what follows the list, shows when it is decoded
		}
		if list, ok := want.(etf.List); !ok || len(list) != len(args) || !etf.Equal(ArgTerms(args), list) {
			t.Errorf("%v is taken for %v", want, ArgTerms(args))
		}
	})
}
