package epmd

import (
	"fmt"
	"testing"
	"time"
)

func v6(name string) Info {
	return Info{Name: name, Port: 1234, Type: Normal, HighVersion: 6, LowVersion: 5}
}

func v5(name string) Info {
	return Info{Name: name, Port: 1234, Type: Normal, HighVersion: 5, LowVersion: 5}
}

func TestCreation(t *testing.T) {
	var r registry
	now := time.Unix(1795222034, 0)
	reg := func(in Info) uint32 {
		t.Helper()
		n, _ := r.register(in, 5, now)
		if n == nil {
			t.Fatalf("%q is taken", in.Name)
		}
		return n.creation()
	}
	if got := reg(v6("foo")); got != 1795222035 {
		t.Errorf("a new name has creation %d, want the time and one", got)
	}
	if n, _ := r.register(v6("foo"), 6, now); n != nil {
		t.Error("a name was registered twice")
	}
	r.unregister("foo")
	now = now.Add(time.Hour)
	if got := reg(v6("foo")); got != 1795222036 {
		t.Errorf("a name used again has creation %d, want one more than the last", got)
	}
	// As seen from the epmd of OTP 25 at that second.
	now = time.Unix(1795222034, 0)
	if got := reg(v5("five")); got != 1 {
		t.Errorf("creation for version 5 is %d, want %d", got, 1795222035%3+1)
	}
	for range 9 {
		r.unregister("five")
		if got := reg(v5("five")); got < 1 || got > 3 {
			t.Errorf("creation for version 5 is %d", got)
		}
	}
	now = time.Unix(0, 0)
	if got := reg(v6("early")); got != 4 {
		t.Errorf("the first creation is %d, want 4: less are for the old protocol", got)
	}
}

func TestUnregisterUnknown(t *testing.T) {
	var r registry
	r.register(v6("foo"), 5, time.Unix(1e9, 0))
	if n := r.unregister("bar"); n != nil {
		t.Errorf("unregistered %v", n)
	}
	if n := r.unregister("foo"); n == nil || n.fd != 5 {
		t.Errorf("got %v", n)
	}
	if n := r.unregister("foo"); n != nil {
		t.Errorf("unregistered twice: %v", n)
	}
}

// However many names come and go, a thousand are remembered, and no creation is given twice to a name.
func TestRememberedNames(t *testing.T) {
	var r registry
	now := time.Unix(1e9, 0)
	first, _ := r.register(v6("first"), 5, now)
	for range 100 { // creations run ahead of the clock
		r.unregister("first")
		first, _ = r.register(v6("first"), 5, now)
	}
	r.unregister("first")
	for i := range 3 * maxRemembered {
		name := fmt.Sprint("n", i)
		r.register(v6(name), 5, now)
		r.unregister(name)
		if len(r.old) > maxRemembered+1 {
			t.Fatalf("%d names remembered", len(r.old))
		}
	}
	again, known := r.register(v6("first"), 5, now)
	if known {
		t.Error("a name older than the thousand last ones was remembered")
	}
	if again.creation() <= first.creation() {
		t.Errorf("creation %d after %d", again.creation(), first.creation())
	}
	if _, known := r.register(v6(fmt.Sprint("n", 3*maxRemembered-1)), 6, now); !known {
		t.Error("the last name was forgotten")
	}
}
