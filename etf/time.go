package etf

import (
	"math"
	"reflect"
	"time"
)

// NaiveDateTime is a time without a place: Elixir's NaiveDateTime. Encoding writes what the clock of the time.Time shows in
// its own location; decoding gives a time.Time in UTC that shows the same. See Marshal for time.Time itself.
type NaiveDateTime time.Time

// Infinity is the time.Duration that stands for the atom infinity, as in timeouts.
const Infinity time.Duration = math.MaxInt64

var (
	timeType     = reflect.TypeFor[time.Time]()
	naiveType    = reflect.TypeFor[NaiveDateTime]()
	durationType = reflect.TypeFor[time.Duration]()
)

// convention makes the plans of types that have a form by convention.
func (b *builder) convention(p *plan, t reflect.Type) bool {
	switch {
	case t == timeType:
		*p = reflected(t, encTime, decTime)
	case t == naiveType:
		*p = reflected(t, encNaive, decNaive)
	case t == durationType:
		*p = reflected(t, encDuration, decDuration)
	case isEnum(t):
		enumPlan(p, t)
	default:
		return false
	}
	return true
}

// isTime reports whether t is a struct that is one value.
func isTime(t reflect.Type) bool { return t == timeType || t == naiveType }

func encTime(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	t, _ := reflect.TypeAssert[time.Time](v)
	dst, err := appendClock(dst, "Elixir.DateTime", t.UTC(), 13)
	if err != nil {
		return nil, err
	}
	dst = AppendInt(AppendAtom(dst, "std_offset"), 0)
	dst = AppendString(AppendAtom(dst, "time_zone"), "Etc/UTC")
	dst = AppendInt(AppendAtom(dst, "utc_offset"), 0)
	return AppendString(AppendAtom(dst, "zone_abbr"), "UTC"), nil
}

func encNaive(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	t := v.Convert(timeType).Interface().(time.Time)
	return appendClock(dst, "Elixir.NaiveDateTime", t, 9)
}

// appendClock appends the first associations of a struct of Elixir's calendar, which has n in all.
func appendClock(dst []byte, module Atom, t time.Time, n int) ([]byte, error) {
	if t.Year() < -9999 || t.Year() > 9999 {
		return nil, encodeErrorf(t, "year %d, Elixir's calendar has -9999 to 9999", t.Year())
	}
	dst = AppendAtom(AppendAtom(AppendMapHeader(dst, n), "__struct__"), module)
	dst = AppendAtom(AppendAtom(dst, "calendar"), "Elixir.Calendar.ISO")
	for _, f := range []struct {
		name  Atom
		value int
	}{
		{"year", t.Year()}, {"month", int(t.Month())}, {"day", t.Day()}, {"hour", t.Hour()}, {"minute", t.Minute()}, {"second", t.Second()},
	} {
		dst = AppendInt(AppendAtom(dst, f.name), int64(f.value))
	}
	dst = AppendTupleHeader(AppendAtom(dst, "microsecond"), 2)
	return AppendInt(AppendInt(dst, int64(t.Nanosecond()/1000)), 6), nil
}

func decTime(r *Reader, v reflect.Value) error { return decClock(r, v, "Elixir.DateTime") }

func decNaive(r *Reader, v reflect.Value) error { return decClock(r, v, "Elixir.NaiveDateTime") }

// decClock reads a struct of the given module, or of NaiveDateTime, or a calendar:datetime().
func decClock(r *Reader, v reflect.Value, module Atom) error {
	at := r.pos
	t, err := r.Term()
	if err != nil {
		return err
	}
	moment, ok := clockOf(t, module)
	if !ok {
		r.pos = at
		return r.unfit(v.Type(), "%"+Inspect(module)+"{}, %NaiveDateTime{} or {{Year, Month, Day}, {Hour, Minute, Second}}, of a day that there is")
	}
	v.Set(reflect.ValueOf(moment).Convert(v.Type()))
	return nil
}

func clockOf(t Term, module Atom) (time.Time, bool) {
	switch t := t.(type) {
	case Tuple:
		if len(t) != 2 {
			return time.Time{}, false
		}
		date, ok1 := triple(t[0])
		clock, ok2 := triple(t[1])
		return makeTime(append(date, clock...), 0, time.UTC, ok1 && ok2)
	case Map:
		name, _ := t.Get(Atom("__struct__"))
		calendar, _ := t.Get(Atom("calendar"))
		fields, ok := ints(t, "year", "month", "day", "hour", "minute", "second")
		micro, _ := t.Get(Atom("microsecond"))
		pair, isPair := micro.(Tuple)
		if !ok || calendar != Atom("Elixir.Calendar.ISO") || !isPair || len(pair) != 2 {
			return time.Time{}, false
		}
		us, ok := pair[0].(Int)
		if !ok || us < 0 || us > 999_999 {
			return time.Time{}, false
		}
		zone := time.UTC
		if name == Atom("Elixir.DateTime") && module == name {
			if zone, ok = zoneOf(t); !ok {
				return time.Time{}, false
			}
		} else if name != Atom("Elixir.NaiveDateTime") {
			return time.Time{}, false
		}
		return makeTime(fields, int(us)*1000, zone, true)
	}
	return time.Time{}, false
}

func triple(t Term) ([]int64, bool) {
	tuple, ok := t.(Tuple)
	if !ok || len(tuple) != 3 {
		return nil, false
	}
	out := make([]int64, 3, 6)
	for i, e := range tuple {
		n, ok := e.(Int)
		if !ok {
			return nil, false
		}
		out[i] = int64(n)
	}
	return out, true
}

// zoneOf returns the location of a DateTime: UTC, or one with the offset that it has, under the abbreviation.
func zoneOf(m Map) (*time.Location, bool) {
	offsets, ok := ints(m, "utc_offset", "std_offset")
	abbr, _ := m.Get(Atom("zone_abbr"))
	name, isText := abbr.(Binary)
	const most = 7 * 24 * 3600
	if !ok || !isText || max(offsets[0], offsets[1]) > most || min(offsets[0], offsets[1]) < -most {
		return nil, false
	}
	if offset := offsets[0] + offsets[1]; offset != 0 || string(name) != "UTC" {
		return time.FixedZone(string(name), int(offset)), true
	}
	return time.UTC, true
}

// makeTime refuses what time.Date would carry over, as the 30th of February; the second 60 alone becomes the next 0.
func makeTime(f []int64, nano int, zone *time.Location, ok bool) (time.Time, bool) {
	if !ok || f[0] < -9999 || f[0] > 9999 || f[1] < 1 || f[1] > 12 || f[2] < 1 || f[2] > 31 || f[3] < 0 || f[3] > 23 || f[4] < 0 || f[4] > 59 ||
		f[5] < 0 || f[5] > 60 {
		return time.Time{}, false
	}
	if time.Date(int(f[0]), time.Month(f[1]), int(f[2]), 0, 0, 0, 0, time.UTC).Day() != int(f[2]) {
		return time.Time{}, false
	}
	t := time.Date(int(f[0]), time.Month(f[1]), int(f[2]), int(f[3]), int(f[4]), int(f[5]), nano, zone)
	return t, t.UTC().Year() >= -9999 && t.UTC().Year() <= 9999
}

func encDuration(dst []byte, v reflect.Value, _ int) ([]byte, error) {
	d := time.Duration(v.Int())
	switch {
	case d == Infinity:
		return AppendAtom(dst, "infinity"), nil
	case d%time.Millisecond != 0:
		return nil, encodeErrorf(d, "%v is no whole number of milliseconds", d)
	}
	return AppendInt(dst, d.Milliseconds()), nil
}

func decDuration(r *Reader, v reflect.Value) error {
	const most = int64(math.MaxInt64 / time.Millisecond)
	at := r.pos
	if a, err := r.Atom(); err == nil && a == "infinity" {
		v.SetInt(int64(Infinity))
		return nil
	}
	r.pos = at
	ms, err := r.Int()
	if err != nil || ms < -most || ms > most {
		r.pos = at
		return r.unfit(v.Type(), "integer of milliseconds that fits, or infinity")
	}
	v.SetInt(ms * int64(time.Millisecond))
	return nil
}
