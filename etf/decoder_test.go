package etf_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/erlnode/erlnode/etf"
)

// TestDecoderGolden reads all golden vectors that OTP takes as one stream, in pieces of every size.
func TestDecoderGolden(t *testing.T) {
	var stream []byte
	var want []etf.Term
	for _, v := range readVectors(t) {
		if v.kind == "refuse" || strings.HasPrefix(v.bytes, "sha256:") {
			continue
		}
		data := unhex(t, v.bytes)
		term, rest, err := etf.Decode(data)
		if err != nil || len(rest) > 0 {
			continue
		}
		stream, want = append(stream, data...), append(want, term)
	}
	if len(want) < 300 {
		t.Fatalf("%d vectors", len(want))
	}
	for name, r := range map[string]io.Reader{
		"whole": bytes.NewReader(stream), "one byte": iotest.OneByteReader(bytes.NewReader(stream)),
		"half": iotest.HalfReader(bytes.NewReader(stream)), "with EOF": iotest.DataErrReader(bytes.NewReader(stream)),
	} {
		d := etf.NewDecoder(r)
		for i, w := range want {
			var got etf.Term
			if err := d.Decode(&got); err != nil || !etf.Equal(got, w) {
				t.Fatalf("%s, term %d: %v, %v, want %v", name, i, got, err, w)
			}
		}
		var v any
		if err := d.Decode(&v); err != io.EOF || d.Offset() != int64(len(stream)) {
			t.Errorf("%s: at the end: %v, offset %d of %d", name, err, d.Offset(), len(stream))
		}
	}
}

func TestDecoderErrors(t *testing.T) {
	one := []byte{131, 97, 1}
	cut := func(b ...byte) io.Reader { return bytes.NewReader(append(slices.Clone(one), b...)) }
	broken := errors.New("broken")
	for _, c := range []struct {
		name string
		r    io.Reader
		want []string
		is   error
	}{
		{"nothing follows", cut(), []string{"EOF"}, io.EOF},
		{"cut behind the version", cut(131), []string{"offset 4"}, io.ErrUnexpectedEOF},
		{"cut in a term", cut(131, 104, 2, 97), []string{"offset 7"}, io.ErrUnexpectedEOF},
		{"cut in a compressed term", cut(131, 80, 0, 0, 0, 2, 0x78), nil, io.ErrUnexpectedEOF},
		{"other version", cut(130, 97), []string{"offset 3", "version"}, nil},
		{"unknown tag", cut(131, 104, 1, 1), []string{"offset 6", "unknown tag 1"}, nil},
		{"LOCAL_EXT", cut(131, 121, 0, 0, 0, 0), []string{"offset 4", "LOCAL_EXT"}, nil},
		{"compressed inside", cut(131, 104, 1, 80), []string{"offset 6", "compressed"}, nil},
		{"compressed rubbish", cut(131, 80, 0, 0, 0, 2, 1, 2, 3, 4, 5), []string{"compressed"}, nil},
		{"too large", cut(131, 109, 0, 0, 0x10, 0), []string{"Size"}, etf.ErrLimit},
		{"too large inflated", cut(131, 80, 0, 1, 0, 0, 0x78), []string{"Inflated"}, etf.ErrLimit},
		{"too large compressed", cut(append([]byte{131, 80, 0, 0, 0, 2, 0x78, 0x9c}, bytes.Repeat([]byte{0, 0, 0, 0xff, 0xff}, 1000)...)...), []string{"Size"}, etf.ErrLimit},
		{"the stream breaks", io.MultiReader(cut(131), iotest.ErrReader(broken)), nil, broken},
		{"the stream hangs", io.MultiReader(cut(131), hanging{}), nil, io.ErrNoProgress},
	} {
		d := etf.NewDecoder(c.r, etf.WithLimits(etf.Limits{Size: 1000, Inflated: 10000}))
		var i int
		if err := d.Decode(&i); err != nil || i != 1 {
			t.Errorf("%s: first term %d, %v", c.name, i, err)
		}
		var v any
		err := d.Decode(&v)
		wantError(t, c.name, err, c.want...)
		if c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v is not %v", c.name, err, c.is)
		}
		if again := d.Decode(&v); again != err {
			t.Errorf("%s: %v, then %v", c.name, err, again)
		}
	}
}

type hanging struct{}

func (hanging) Read([]byte) (int, error) { return 0, nil }

// TestDecoderGoesOn: a term that does not fit is passed over.
func TestDecoderGoesOn(t *testing.T) {
	var stream []byte
	for _, v := range []any{"text", 2, etf.Tuple{etf.Tuple{etf.Int(1)}}, 3} {
		b, err := etf.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		stream = append(stream, b...)
	}
	d := etf.NewDecoder(bytes.NewReader(stream), etf.WithLimits(etf.Limits{Depth: 1}))
	var i int
	wantError(t, "text", d.Decode(&i), "offset 1", "binary", "int")
	if err := d.Decode(&i); err != nil || i != 2 {
		t.Errorf("%d, %v, want 2", i, err)
	}
	var v any
	if err := d.Decode(&v); !errors.Is(err, etf.ErrLimit) {
		t.Errorf("%v, want a limit", err)
	}
	if err := d.Decode(&i); err != nil || i != 3 {
		t.Errorf("%d, %v, want 3", i, err)
	}
}

func FuzzDecoder(f *testing.F) {
	data, _ := seeds(f)
	for i, d := range data {
		f.Add(append(d, data[(i*7+1)%len(data)]...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		whole, pieces := etf.NewDecoder(bytes.NewReader(data)), etf.NewDecoder(iotest.OneByteReader(bytes.NewReader(data)))
		rest := data
		for {
			var a, b etf.Term
			errA, errB := whole.Decode(&a), pieces.Decode(&b)
			if fmt.Sprint(errA) != fmt.Sprint(errB) || !etf.Equal(a, b) || whole.Offset() != pieces.Offset() {
				t.Fatalf("whole: %v, %v; in pieces: %v, %v", a, errA, b, errB)
			}
			want, next, err := etf.Decode(rest)
			if (err == nil) != (errA == nil) || !etf.Equal(a, want) {
				t.Fatalf("Decoder: %v, %v; Decode: %v, %v", a, errA, want, err)
			}
			if err != nil {
				return
			}
			rest = next
		}
	})
}

func ExampleDecoder() {
	var file bytes.Buffer // as written by file:write(F, term_to_binary(T)) for each T
	for _, v := range []any{etf.Atom("start"), 42, "text"} {
		b, _ := etf.Marshal(v)
		file.Write(b)
	}
	d := etf.NewDecoder(&file)
	for {
		var t etf.Term
		err := d.Decode(&t)
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return
		}
		fmt.Println(t)
	}
	// Output:
	// start
	// 42
	// <<"text">>
}

func TestAtomTable(t *testing.T) {
	table := etf.NewAtomTable(4, "ok", "error", "node@host")
	parse := func(s string) []byte {
		b, err := etf.Marshal(mustParse(t, s))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, c := range []struct {
		text string
		ok   bool
		len  int
	}{
		{"{ok,error,ok,#Pid<node@host.1.2/3>}", true, 3},
		{"{a,b}", false, 3},
		{"[a,a,{a,#{a=>a}}]", true, 4},
		{"b", false, 4},
		{"{ok,#Ref<other@host/1.1>}", false, 4},
		{"fun a:b/1", false, 4},
		{"fun a:ok/1", true, 4},
		{"#{ok => [1,2.5,<<1>>,\"text\",<<1:1>>,1267650600228229401496703205376,-1]}", true, 4},
		{"#a:ok{error=a}", true, 4},
		{"#a:ok{error=b}", false, 4},
	} {
		var v any
		err := etf.Unmarshal(parse(c.text), &v, etf.Atoms(table))
		if c.ok != (err == nil) || !c.ok && !errors.Is(err, etf.ErrLimit) || table.Len() != c.len {
			t.Errorf("Unmarshal(%s): %v, %d atoms; want ok %t, %d atoms", c.text, err, table.Len(), c.ok, c.len)
		}
		raw := etf.Raw{Bytes: parse(c.text)[1:]}
		if err := raw.Decode(&v, etf.Atoms(table)); c.ok != (err == nil) {
			t.Errorf("Raw.Decode(%s): %v", c.text, err)
		}
		if _, _, err := etf.Decode(parse(c.text), etf.Atoms(table)); c.ok != (err == nil) {
			t.Errorf("Decode(%s): %v", c.text, err)
		}
		if err := etf.NewDecoder(bytes.NewReader(parse(c.text)), etf.Atoms(table)).Decode(&v); c.ok != (err == nil) {
			t.Errorf("Decoder.Decode(%s): %v", c.text, err)
		}
	}
	latin1 := unhex(t, "83 73 01 e9")
	if _, _, err := etf.Decode(latin1, etf.Atoms(etf.NewAtomTable(0, "é"))); err != nil {
		t.Errorf("é in Latin-1: %v", err)
	}
	if _, _, err := etf.Decode(latin1, etf.Atoms(etf.NewAtomTable(0))); err == nil {
		t.Error("é with an empty table: no error")
	}
}

func TestStrict(t *testing.T) {
	type inner struct{ A int }
	type outer struct {
		A inner `etf:"a"`
		B int   `etf:"b,string"`
	}
	for _, c := range []struct{ term, want string }{
		{"#{a => #{'A' => 1}, <<\"b\">> => 2}", ""},
		{"#{a => #{'A' => 1, 'C' => 2}}", ".a (offset"},
		{"#{b => 1}", "unknown key b"},
		{"#{<<\"a\">> => 1}", "unknown key <<\"a\">>"},
		{"#{1 => 1}", "unknown key 1"},
	} {
		data, err := etf.Marshal(mustParse(t, c.term))
		if err != nil {
			t.Fatal(err)
		}
		var v outer
		if err := etf.Unmarshal(data, &v); err != nil {
			t.Errorf("%s: %v", c.term, err)
		}
		err = etf.Unmarshal(data, &v, etf.Strict())
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", c.term, err)
			}
			continue
		}
		wantError(t, c.term, err, c.want)
	}
}

func TestResult(t *testing.T) {
	type pair struct {
		_ struct{} `etf:",tuple"`
		A int
		B string
	}
	raw := func(s string) etf.Raw { return etf.Raw{Bytes: mustAppend(t, mustParse(t, s))} }
	for _, c := range []struct {
		term, value, err string
	}{
		{"ok", "0", ""},
		{"{ok,5}", "5", ""},
		{"error", "0", "error"},
		{"{error,enoent}", "0", "error: enoent"},
		{"{error,{bad,[1]}}", "0", "error: {bad,[1]}"},
		{"{ok,text}", "0", "atom text"},
		{"{ok}", "0", "want ok, {ok, Value}"},
		{"{error,a,b}", "0", "want ok, {ok, Value}"},
		{"{other,a}", "0", "begins with other"},
		{"other", "0", "want ok, {ok, Value}"},
		{"7", "0", "want ok, {ok, Value}"},
		{"{7,8}", "0", "want ok, {ok, Value}"},
	} {
		v, err := etf.AsResult[int](raw(c.term))
		if fmt.Sprint(v) != c.value || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %d, %v; want %s, %q", c.term, v, err, c.value, c.err)
		}
		var reason *etf.ReasonError
		if isReason := strings.HasPrefix(c.err, "error"); errors.As(err, &reason) != isReason {
			t.Errorf("%s: %T is a ReasonError: %t", c.term, err, !isReason)
		}
	}
	if v, err := etf.AsResult[pair](raw(`{ok,1,<<"b">>}`)); err != nil || v.A != 1 || v.B != "b" {
		t.Errorf("two values: %v, %v", v, err)
	}
	var list []etf.Result[string]
	if err := raw(`[{ok,<<"x">>},{error,no},ok]`).Decode(&list); err != nil || len(list) != 3 {
		t.Fatal(list, err)
	}
	if got := mustAppend(t, list); !bytes.Equal(got, raw(`[{ok,<<"x">>},{error,no},{ok,<<>>}]`).Bytes) {
		t.Errorf("encoded again: %v", etf.Raw{Bytes: got})
	}
	if got := mustAppend(t, etf.Result[int]{Err: io.EOF}); !bytes.Equal(got, raw(`{error,<<"EOF">>}`).Bytes) {
		t.Errorf("other error: %v", etf.Raw{Bytes: got})
	}
	if _, err := etf.AsResult[int](etf.Raw{Bytes: []byte{104, 2, 119, 2, 'o', 'k', 97, 1, 97, 1}}); err == nil {
		t.Error("bytes behind the term: no error")
	}
}

// TestDecoderAlias: with Alias a binary lasts until the next call, without it for good.
func TestDecoderAlias(t *testing.T) {
	var stream []byte
	for _, s := range []string{"first", "other"} {
		b, err := etf.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		stream = append(stream, b...)
	}
	for _, opts := range [][]etf.Option{nil, {etf.Alias()}} {
		d := etf.NewDecoder(bytes.NewReader(stream), opts...)
		var first, second []byte
		if err := d.Decode(&first); err != nil || string(first) != "first" {
			t.Fatalf("%s, %v", first, err)
		}
		if err := d.Decode(&second); err != nil || string(second) != "other" {
			t.Fatalf("%s, %v", second, err)
		}
		if kept := string(first) == "first"; kept != (opts == nil) {
			t.Errorf("%d options: the first is %s now", len(opts), first)
		}
	}
}

// TestAtomTableParallel: goroutines that share a table do not get more into it than it takes.
func TestAtomTableParallel(t *testing.T) {
	table := etf.NewAtomTable(50)
	var wg sync.WaitGroup
	var admitted atomic.Int64
	for g := range 4 {
		wg.Go(func() {
			for i := range 100 {
				b := append([]byte{etf.Version}, etf.AppendAtom(nil, etf.Atom(fmt.Sprint("a", g, "_", i)))...)
				if _, _, err := etf.Decode(b, etf.Atoms(table)); err == nil {
					admitted.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if table.Len() != 50 || admitted.Load() != 50 {
		t.Errorf("%d atoms, %d admitted, want 50", table.Len(), admitted.Load())
	}
}
