package node

import "testing"

func TestValue(t *testing.T) {
	type key struct{}
	var n, other Node
	made := 0
	create := func() any { made++; return &made }
	for range 2 {
		if n.Value(key{}, create) != &made {
			t.Fatal("another value")
		}
	}
	if made != 1 {
		t.Errorf("made %d times", made)
	}
	if other.Value(key{}, create); made != 2 {
		t.Error("two nodes share a value")
	}
}
