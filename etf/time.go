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

func encTime(dst []byte, v reflect.Value, w way) ([]byte, error) {
	t, _ := reflect.TypeAssert[time.Time](v)
	dst, err := appendClock(dst, "Elixir.DateTime", t.UTC(), 13, w)
	if err != nil {
		return nil, err
	}
	dst = AppendInt(w.atom(dst, "std_offset"), 0)
	dst = AppendString(w.atom(dst, "time_zone"), "Etc/UTC")
	dst = AppendInt(w.atom(dst, "utc_offset"), 0)
	return AppendString(w.atom(dst, "zone_abbr"), "UTC"), nil
}

func encNaive(dst []byte, v reflect.Value, w way) ([]byte, error) {
	t := v.Convert(timeType).Interface().(time.Time)
	return appendClock(dst, "Elixir.NaiveDateTime", t, 9, w)
}

// appendClock appends the first associations of a struct of Elixir's calendar, which has n in all.
func appendClock(dst []byte, module Atom, t time.Time, n int, w way) ([]byte, error) {
	if t.Year() < -9999 || t.Year() > 9999 {
		return nil, encodeErrorf(t, "year %d, Elixir's calendar has -9999 to 9999", t.Year())
	}
	dst = w.atom(w.atom(AppendMapHeader(dst, n), "__struct__"), module)
	dst = w.atom(w.atom(dst, "calendar"), "Elixir.Calendar.ISO")
	for _, f := range []struct {
		name  Atom
		value int
	}{
		{"year", t.Year()}, {"month", int(t.Month())}, {"day", t.Day()}, {"hour", t.Hour()}, {"minute", t.Minute()}, {"second", t.Second()},
	} {
		dst = AppendInt(w.atom(dst, f.name), int64(f.value))
	}
	dst = AppendTupleHeader(w.atom(dst, "microsecond"), 2)
	return AppendInt(AppendInt(dst, int64(t.Nanosecond()/1000)), 6), nil
}

func decTime(r *Reader, v reflect.Value) error { return decClock(r, v, "Elixir.DateTime") }

func decNaive(r *Reader, v reflect.Value) error { return decClock(r, v, "Elixir.NaiveDateTime") }

// clockTuple is calendar:datetime().
type clockTuple struct {
	_    struct{} `etf:",tuple"`
	Date struct {
		_                struct{} `etf:",tuple"`
		Year, Month, Day int64
	}
	Time struct {
		_                    struct{} `etf:",tuple"`
		Hour, Minute, Second int64
	}
}

// clockMap is a NaiveDateTime or DateTime of Elixir.
type clockMap struct {
	Struct   Atom  `etf:"__struct__"`
	Calendar Atom  `etf:"calendar"`
	Year     int64 `etf:"year"`
	Month    int64 `etf:"month"`
	Day      int64 `etf:"day"`
	Hour     int64 `etf:"hour"`
	Minute   int64 `etf:"minute"`
	Second   int64 `etf:"second"`
	Micro    struct {
		_      struct{} `etf:",tuple"`
		Value  int64
		Digits Raw
	} `etf:"microsecond"`
	UTCOffset int64   `etf:"utc_offset"`
	StdOffset int64   `etf:"std_offset"`
	ZoneAbbr  *string `etf:"zone_abbr"`
}

// decClock reads a struct of the given module, or of NaiveDateTime, or a calendar:datetime().
func decClock(r *Reader, v reflect.Value, module Atom) error {
	start := *r
	moment, ok, err := r.clock(module)
	if err != nil && !isTypeError(err) {
		return err
	}
	if err != nil || !ok {
		*r = start
		return r.unfit(v.Type(), "%"+Inspect(module)+"{}, %NaiveDateTime{} or {{Year, Month, Day}, {Hour, Minute, Second}}, of a day that there is")
	}
	v.Set(reflect.ValueOf(moment).Convert(v.Type()))
	return nil
}

// clock reads a time; ok is false if it is none.
func (r *Reader) clock(module Atom) (t time.Time, ok bool, err error) {
	if tag, _ := r.Tag(); tag != tagMap {
		var c clockTuple
		if err := planOf(reflect.TypeFor[clockTuple]()).dec(r, addrTo(&c)); err != nil {
			return t, false, err
		}
		t, ok = makeTime([6]int64{c.Date.Year, c.Date.Month, c.Date.Day, c.Time.Hour, c.Time.Minute, c.Time.Second}, 0, time.UTC)
		return t, ok, nil
	}
	const none = math.MinInt64 // what a field that does not come is
	c := clockMap{Year: none, Month: none, Day: none, Hour: none, Minute: none, Second: none, UTCOffset: none, StdOffset: none}
	c.Micro.Value = none
	strict := r.strict
	r.strict = false // time_zone, and what a calendar may add
	err = planOf(reflect.TypeFor[clockMap]()).dec(r, addrTo(&c))
	r.strict = strict
	if err != nil {
		return t, false, err
	}
	zone := time.UTC
	ok = c.Calendar == "Elixir.Calendar.ISO" && c.Micro.Value >= 0 && c.Micro.Value <= 999_999
	switch {
	case c.Struct == "Elixir.DateTime" && module == c.Struct:
		var known bool
		zone, known = c.zone()
		ok = ok && known
	case c.Struct != "Elixir.NaiveDateTime":
		ok = false
	}
	if !ok {
		return t, false, nil
	}
	t, ok = makeTime([6]int64{c.Year, c.Month, c.Day, c.Hour, c.Minute, c.Second}, int(c.Micro.Value)*1000, zone)
	return t, ok, nil
}

// zone returns the location of a DateTime: UTC, or one with the offset that it has, under the abbreviation.
func (c *clockMap) zone() (*time.Location, bool) {
	const most = 7 * 24 * 3600
	if c.ZoneAbbr == nil || max(c.UTCOffset, c.StdOffset) > most || min(c.UTCOffset, c.StdOffset) < -most {
		return nil, false
	}
	if offset := c.UTCOffset + c.StdOffset; offset != 0 || *c.ZoneAbbr != "UTC" {
		return time.FixedZone(*c.ZoneAbbr, int(offset)), true
	}
	return time.UTC, true
}

// makeTime refuses what time.Date would carry over, as the 30th of February; the second 60 alone becomes the next 0.
func makeTime(f [6]int64, nano int, zone *time.Location) (time.Time, bool) {
	if f[0] < -9999 || f[0] > 9999 || f[1] < 1 || f[1] > 12 || f[2] < 1 || f[2] > 31 || f[3] < 0 || f[3] > 23 || f[4] < 0 || f[4] > 59 ||
		f[5] < 0 || f[5] > 60 {
		return time.Time{}, false
	}
	if time.Date(int(f[0]), time.Month(f[1]), int(f[2]), 0, 0, 0, 0, time.UTC).Day() != int(f[2]) {
		return time.Time{}, false
	}
	t := time.Date(int(f[0]), time.Month(f[1]), int(f[2]), int(f[3]), int(f[4]), int(f[5]), nano, zone)
	return t, t.UTC().Year() >= -9999 && t.UTC().Year() <= 9999
}

func encDuration(dst []byte, v reflect.Value, w way) ([]byte, error) {
	d := time.Duration(v.Int())
	switch {
	case d == Infinity:
		return w.atom(dst, "infinity"), nil
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
