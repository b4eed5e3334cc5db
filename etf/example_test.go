package etf_test

import (
	"errors"
	"fmt"

	"github.com/erlnode/erlnode/etf"
)

func ExampleMarshal() {
	type User struct {
		Name string   `etf:"name"`
		Age  int      `etf:"age"`
		Tags []string `etf:"tags,omitempty"`
	}
	data, err := etf.Marshal(User{Name: "Ann", Age: 42})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%x\n", data) // binary_to_term/1 takes this

	term, _, err := etf.Decode(data)
	fmt.Println(term, err)
	// Output:
	// 83740000000277046e616d656d00000003416e6e7703616765612a
	// #{name => <<"Ann">>,age => 42} <nil>
}

func ExampleUnmarshal() {
	data := []byte("\x83t\x00\x00\x00\x02w\x04namem\x00\x00\x00\x03Annw\x03agea*") // from term_to_binary(#{name => <<"Ann">>, age => 42})
	var user struct {
		Name string `etf:"name"`
		Age  int8   `etf:"age"`
	}
	if err := etf.Unmarshal(data, &user); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(user.Name, user.Age)
	// Output: Ann 42
}

// What does not fit is reported with its place in the value and in the bytes.
func ExampleTypeError() {
	raw := etf.Raw{Bytes: etf.AppendCharlist(nil, "Ann")}
	_, err := etf.As[string](raw)
	fmt.Println(err)

	data, _ := etf.Marshal(map[etf.Atom]any{"users": []any{map[etf.Atom]int{"age": 300}}})
	var v struct {
		Users []struct {
			Age int8 `etf:"age"`
		} `etf:"users"`
	}
	err = etf.Unmarshal(data, &v)
	fmt.Println(err)
	if typed, ok := errors.AsType[*etf.TypeError](err); ok {
		fmt.Println(typed.Path, typed.Found, typed.Type)
	}
	// Output:
	// etf: offset 0: list for Go type string, want binary
	// etf: .users[0].age (offset 28): integer 300 does not fit Go type int8
	// .users[0].age integer 300 int8
}

// A struct with a blank field that has the option tuple is an Erlang record, or any other tuple.
func Example_record() {
	type Point struct {
		_    struct{} `etf:"point,tuple"`
		X, Y int
	}
	b, err := etf.Append(nil, Point{X: 1, Y: 2})
	fmt.Println(etf.Raw{Bytes: b}, err)

	p, err := etf.As[Point](etf.Raw{Bytes: b})
	fmt.Println(p.X, p.Y, err)
	// Output:
	// {point,1,2} <nil>
	// 1 2 <nil>
}

// With the option elixir the struct is an Elixir struct.
func Example_elixirStruct() {
	type User struct {
		_     struct{} `etf:"Elixir.MyApp.User,elixir"`
		Name  string   `etf:"name"`
		Email *string  `etf:"email"`
	}
	b, err := etf.Append(nil, User{Name: "Ann"})
	fmt.Println(etf.Raw{Bytes: b}, err)
	// Output: #{'__struct__' => 'Elixir.MyApp.User',name => <<"Ann">>,email => nil} <nil>
}

// Keys are atoms, or binaries with the option string.
func Example_stringKeys() {
	type Row struct {
		ID    int `etf:"id,string"`
		Notes struct {
			Text string
		} `etf:",omitempty"`
		Internal int `etf:"-"`
	}
	b, err := etf.Append(nil, Row{ID: 7})
	fmt.Println(etf.Raw{Bytes: b}, err)
	// Output: #{<<"id">> => 7,'Notes' => #{'Text' => <<>>}} <nil>
}

func ExampleAs() {
	raw := etf.Raw{Bytes: []byte{107, 0, 3, 1, 2, 3}} // [1,2,3], as it comes in a message
	numbers, err := etf.As[[]int](raw)
	fmt.Println(numbers, err)

	_, err = etf.As[map[string]int](raw)
	fmt.Println(err)
	// Output:
	// [1 2 3] <nil>
	// etf: offset 0: list for Go type map[string]int, want map
}

// A Raw keeps a part of a term in bytes, to be decoded when it is known what it is, or to be passed on.
func ExampleRaw() {
	b, _ := etf.Append(nil, etf.Tuple{etf.Atom("set"), etf.Atom("colour"), etf.Binary("red")})

	var request struct {
		_    struct{} `etf:",tuple"`
		Op   etf.Atom
		Key  etf.Raw
		Args etf.Raw
	}
	if err := (etf.Raw{Bytes: b}).Decode(&request); err != nil {
		fmt.Println(err)
		return
	}
	switch request.Op {
	case "set":
		value, err := etf.As[string](request.Args)
		fmt.Println(request.Key, value, err)
	}
	// Output: colour red <nil>
}

func ExampleParse() {
	term, err := etf.Parse(`{call, #{name => <<"Ann">>, 'Odd key' => [1, 2.5 | tail]}, "text"}.`)
	if err != nil {
		fmt.Println(err)
		return
	}
	call := term.(etf.Tuple)
	name, ok := call[1].(etf.Map).Get(etf.Atom("name"))
	fmt.Println(call[0], name, ok)
	fmt.Println(term)

	_, err = etf.Parse("{a,\n ]}")
	fmt.Println(err)
	// Output:
	// call <<"Ann">> true
	// {call,#{name => <<"Ann">>,'Odd key' => [1,2.5|tail]},"text"}
	// etf: line 2, offset 5: ']' where a term is expected
}

func ExampleReader() {
	b, _ := etf.Append(nil, etf.Tuple{etf.Int(6), etf.Pid{Node: "a@b", ID: 85}, etf.Atom("echo")})

	r := etf.NewReader(etf.Raw{Bytes: b})
	arity, err := r.Tuple()
	if err != nil || arity != 3 {
		fmt.Println("no control message:", err)
		return
	}
	op, _ := r.Int()
	from, _ := r.Pid()
	to, err := r.Atom()
	fmt.Println(op, from, to, err)
	// Output: 6 #Pid<a@b.85.0/0> echo <nil>
}

func ExampleAppendTupleHeader() {
	// {'$gen_cast', stop}, without making a term of it
	b := etf.AppendTupleHeader(nil, 2)
	b = etf.AppendAtom(b, "$gen_cast")
	b = etf.AppendAtom(b, "stop")
	fmt.Println(etf.Raw{Bytes: b})
	// Output: {'$gen_cast',stop}
}

// Compass is an enumeration that travels as an atom.
type Compass int

var compass = []etf.Atom{"north", "east", "south", "west"}

func (c Compass) MarshalETF(dst []byte) ([]byte, error) {
	if c < 0 || int(c) >= len(compass) {
		return nil, fmt.Errorf("no direction %d", int(c))
	}
	return etf.AppendAtom(dst, compass[c]), nil
}

func (c *Compass) UnmarshalETF(r etf.Raw) error {
	a, err := etf.As[etf.Atom](r)
	if err != nil {
		return err
	}
	for i, name := range compass {
		if name == a {
			*c = Compass(i)
			return nil
		}
	}
	return fmt.Errorf("no direction %s", a)
}

func ExampleMarshaler() {
	b, err := etf.Append(nil, []Compass{2, 0})
	fmt.Println(etf.Raw{Bytes: b}, err)

	way, err := etf.As[[]Compass](etf.Raw{Bytes: b})
	fmt.Println(way, err)

	b, _ = etf.Append(nil, []etf.Atom{"north", "up"})
	_, err = etf.As[[]Compass](etf.Raw{Bytes: b})
	fmt.Println(err)
	// Output:
	// [south,north] <nil>
	// [2 0] <nil>
	// etf: [1] (offset 12): no direction up
}

func ExampleWithLimits() {
	data, _ := etf.Marshal([]any{[]any{[]any{"deep"}}})
	_, _, err := etf.Decode(data, etf.WithLimits(etf.Limits{Depth: 2}))
	fmt.Println(err, errors.Is(err, etf.ErrLimit))
	// Output: etf: offset 16: exceeds limit Depth = 2 true
}
