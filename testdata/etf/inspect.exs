# Makes the vectors of Inspect of package etf. See make-inspect.sh.
#
# Each line is the external form of a term in hexadecimal, a tab, and what Elixir's inspect/2 makes of it without limits.
# Newlines do not occur in that: width is infinite, and the escapes see to the rest.

defmodule User do
  defstruct [:age, :name]
end

defmodule My.Nested.Thing do
  defstruct [:a, :b]
end

defmodule Empty do
  defstruct []
end

defmodule Boom do
  defexception [:code, message: "boom"]
end

atoms =
  [nil, true, false, :ok, :"", :Foo, Foo, Foo.Bar, Foo.Bar1, :"Elixir.foo", :"Elixir.Foo.bar", :"Elixir.", Elixir, :"Elixir.Foo.", :"Elixir.É",
   :foo?, :foo!, :"foo?bar", :foo@bar, :"@foo", :_, :_foo, :__struct__, :"foo bar", :"foo-bar", :"1a", :a1, :"é", :"Éa", :"ж", :"漢字", :"a\nb", :"a\"b", :"a\\b", :"a\#{b",
   :"foo@bar.com", :"node@host", :"a.b", :"\x00", :"\u00a0", :"😀", :"a😀", :"a\u0301", :"²", :"a²", :"ª", :"ß", :"ﬁ", :"℘", :"a·b", :fn, :do, :end, :nil, :and, :or, :not, :in, :when, :after, :else, :rescue, :catch] ++
    ~w(+ - * / ++ -- +++ --- <> <<>> {} %{} % ! != !== == === =~ = < > <= >= && &&& || ||| ^ ^^^ ~~~ | |> <<< >>> <<~ ~>> <~ ~> <~> <|> -> <- => :: . .. ... ..// \\ & @ ; , // ** \( [] [ ] ## " ' ` : ?)a

structs = [
  struct(User, age: 3, name: "Joe"), struct(User), struct(My.Nested.Thing, a: %{b: [1]}, b: {1, 2}), struct(Empty), struct(Boom), struct(Boom, code: :x, message: "m"), [struct(User)],
  ~D[2024-02-29], ~T[12:34:56], ~T[12:34:56.789], ~T[00:00:00.000000], ~N[2024-02-29 12:34:56], ~N[2024-02-29 12:34:56.123456], ~N[0001-01-01 00:00:00],
  ~U[2024-02-29 12:34:56Z], ~U[2024-02-29 12:34:56.001Z], ~N[-0001-01-01 00:00:00],
  %DateTime{year: 2024, month: 2, day: 29, hour: 12, minute: 34, second: 56, microsecond: {7, 6}, time_zone: "Europe/Paris", zone_abbr: "CET", utc_offset: 3600, std_offset: 0},
  %DateTime{year: 2024, month: 7, day: 1, hour: 2, minute: 3, second: 4, microsecond: {0, 0}, time_zone: "America/St_Johns", zone_abbr: "NDT", utc_offset: -12600, std_offset: 3600},
  1..10, 10..1//-1, 1..10//3, 1..0//1, MapSet.new([]), MapSet.new([3, 1, 2]), MapSet.new(["b", :a]),
  ArgumentError.exception("bad")
]

bins =
  ["", "hello", "héllo", "日本語", "😀", "a\nb\t\r\"\\", "\a\b\d\e\f\v", "\#{x}", "#x", "\#", "##{"{"}", "\0", "a\0b", <<255>>, <<1, 2, 3>>, "\u00a0", "\u200b", "\ufffd", <<0xEF, 0xBF, 0xBE>>, "\u{10FFFF}", "\ue000", "\u0080",
   <<1::1>>, <<5::3>>, <<"a", 1::1>>, <<1, 2, 127::7>>, <<0::7>>, "'", "it's"]

lists = [
  [], [1], [1, 2, 3], ~c"hello", ~c"it's", ~c"a\"b", ~c"a\nb\t\e\a\b\f\v\r", ~c"\#{a}", [104, 233], [0], [127], [32, 126], [7], [?a | ?b], [1 | 2], [:a, :b | :c], [[], [[]]], [~c"ab", "cd"],
  [a: 1], [a: 1, b: [c: 2]], [{:a, 1}, {"b", 2}], [{:a, 1}, :b], [{Foo, 1}], [a: 1, "b c": 2], [nil: 1, true: 2, "": 3, Foo: 4, é: 5, "1": 6], [+: 1], [{:a, 1, 2}], [foo?: 1, "a\nb": 2, @: 3, <<>>: 4, "..//": 5, "::": 6],
  [{:a, 1} | :b], [{nil, 1}], [a: "x", a: ~c"y"], {[a: 1]}, [%{a: 1}]
]

others =
  [0, -1, 1_000_000, 123_456_789_012_345_678_901_234_567_890, -7, 1.0, -1.5, 0.1, 100.0, 1.0e10, 1.0e15, 1.0e16, 1.0e22, 1.23e-5, 5.0e-324, 1.7976931348623157e308, 123456.789, 9007199254740992.0, 9007199254740993.0 * 1.1, 1.0e-3, 0.001234, 0.00012, 1.0e5, 123_000_000.0,
   {}, {1}, {:a, "b", ~c"c"}, {{}}, %{}, %{a: 1}, %{"a" => 1}, %{1 => 2}, %{a: 1, b: 2}, %{:a => 1, "b" => 2}, %{"foo bar": 1}, %{Foo => 1}, %{nil => 1}, %{{1} => [a: 1]}, %{%{} => %{}}, %{1 => 1, 2.0 => 2, a: 3},
   %{__struct__: "x"}, %{a: %{b: %{c: []}}}, %{[] => <<>>},
   &:lists.map/2, &Enum.map/2, &:"foo bar"."baz qux"/0, &:a.+/2, &Foo.Bar.baz?/1, &:a.b!/255, &:a."Foo"/1, &:a."b-c"/1, &:erlang.and/2, &:a.b/0, &:a."é"/1, &:a."a.b"/1, &:a."foo@bar"/1]

term = fn binary -> :erlang.binary_to_term(binary) end
ids = [
  term.(<<131, 88, 119, 3, "a@b", 120::32, 7::32, 3::32>>),
  term.(<<131, 120, 119, 3, "a@b", 5::64, 3::32>>),
  term.(<<131, 90, 3::16, 119, 3, "a@b", 3::32, 1::32, 2::32, 3::32>>)
]

for t <- atoms ++ structs ++ bins ++ lists ++ others ++ ids do
  text = inspect(t, limit: :infinity, printable_limit: :infinity, width: :infinity, custom_options: [sort_maps: true])
  # the number that stands for the node in identifiers is another in each VM
  text = Regex.replace(~r/^#(PID|Port|Reference)<\d+\./, text, "#\\1<a@b.")
  IO.puts([Base.encode16(:erlang.term_to_binary(t, [:deterministic, minor_version: 2]), case: :lower), "\t", text])
end
