package etf

import (
	"fmt"
	"slices"
	"strings"
)

// special prints the structs of Elixir's standard library that have a form of their own, if they are well-formed.
func (p *inspector) special(name Atom, m Map) bool {
	switch name {
	case "Elixir.Range":
		return p.rangeOf(m)
	case "Elixir.MapSet":
		return p.mapSet(m)
	case "Elixir.Date", "Elixir.Time", "Elixir.NaiveDateTime", "Elixir.DateTime":
		if calendar, ok := m.Get(Atom("calendar")); !ok || calendar != Atom("Elixir.Calendar.ISO") {
			return false
		}
	default:
		return false
	}
	date, hasDate := isoDate(m)
	clock, hasClock := isoTime(m)
	switch {
	case name == "Elixir.Date" && hasDate:
		p.str("~D[" + date + "]")
	case name == "Elixir.Time" && hasClock:
		p.str("~T[" + clock + "]")
	case name == "Elixir.NaiveDateTime" && hasDate && hasClock:
		p.str("~N[" + date + " " + clock + "]")
	case name == "Elixir.DateTime" && hasDate && hasClock:
		return p.zoned(m, date+" "+clock)
	default:
		return false
	}
	return true
}

// ints returns the values of keys that are all integers.
func ints(m Map, keys ...Atom) ([]int64, bool) {
	out := make([]int64, len(keys))
	for i, k := range keys {
		v, _ := m.Get(k)
		n, ok := v.(Int)
		if !ok {
			return nil, false
		}
		out[i] = int64(n)
	}
	return out, true
}

func isoDate(m Map) (string, bool) {
	d, ok := ints(m, "year", "month", "day")
	if !ok || d[1] < 1 || d[1] > 12 || d[2] < 1 || d[2] > 31 {
		return "", false
	}
	sign := ""
	if d[0] < 0 {
		d[0], sign = -d[0], "-"
	}
	return fmt.Sprintf("%s%04d-%02d-%02d", sign, d[0], d[1], d[2]), true
}

func isoTime(m Map) (string, bool) {
	t, ok := ints(m, "hour", "minute", "second")
	micro, _ := m.Get(Atom("microsecond"))
	pair, isPair := micro.(Tuple)
	if !ok || !isPair || len(pair) != 2 {
		return "", false
	}
	value, ok1 := pair[0].(Int)
	digits, ok2 := pair[1].(Int)
	if !ok1 || !ok2 || value < 0 || value > 999_999 || digits < 0 || digits > 6 {
		return "", false
	}
	for i, most := range []int64{24, 60, 61} {
		if t[i] < 0 || t[i] >= most {
			return "", false
		}
	}
	s := fmt.Sprintf("%02d:%02d:%02d", t[0], t[1], t[2])
	if digits > 0 {
		s += "." + fmt.Sprintf("%06d", value)[:digits]
	}
	return s, true
}

func (p *inspector) zoned(m Map, text string) bool {
	offsets, ok := ints(m, "utc_offset", "std_offset")
	zone, _ := m.Get(Atom("time_zone"))
	abbr, _ := m.Get(Atom("zone_abbr"))
	zoneName, ok1 := zone.(Binary)
	zoneAbbr, ok2 := abbr.(Binary)
	if !ok || !ok1 || !ok2 {
		return false
	}
	const most = 1 << 32 // of seconds, so that nothing overflows
	if slices.ContainsFunc(offsets, func(o int64) bool { return o < -most || o > most }) {
		return false
	}
	offset := offsets[0] + offsets[1]
	if offset == 0 && string(zoneName) == "Etc/UTC" {
		p.str("~U[" + text + "Z]")
		return true
	}
	sign := "+"
	if offset < 0 {
		sign, offset = "-", -offset
	}
	p.str(fmt.Sprintf("#DateTime<%s%s%02d:%02d %s %s>", text, sign, offset/3600, offset/60%60,
		strings.ToValidUTF8(string(zoneAbbr), "\ufffd"), strings.ToValidUTF8(string(zoneName), "\ufffd")))
	return true
}

func (p *inspector) rangeOf(m Map) bool {
	r, ok := ints(m, "first", "last", "step")
	if !ok {
		return false
	}
	p.str(Int(r[0]).String() + ".." + Int(r[1]).String())
	if r[2] != 1 || r[0] > r[1] {
		p.str("//" + Int(r[2]).String())
	}
	return true
}

func (p *inspector) mapSet(m Map) bool {
	inner, _ := m.Get(Atom("map"))
	set, ok := inner.(Map)
	if !ok {
		return false
	}
	p.str("MapSet.new([")
	if len(set) > 0 {
		var c comparer
		for i, pair := range c.sort(set, p.depth+1) {
			if i > 0 {
				p.str(", ")
			}
			p.inspect(pair.Key)
		}
	}
	p.str("])")
	return true
}
