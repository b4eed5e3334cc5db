package dist

import (
	"math"
	"runtime/debug"
	"testing"
)

func TestHeadroom(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(math.MaxInt64))
	var h headroom
	h.note(headroomAfter - 1)
	if h.bytes != nil {
		t.Error("taken too early")
	}
	h.note(1)
	h.note(1)
	if len(h.bytes) != headroomSize {
		t.Errorf("headroom of %d bytes, want %d", len(h.bytes), headroomSize)
	}
	debug.SetMemoryLimit(1 << 30)
	var limited headroom
	limited.note(2 * headroomAfter)
	if limited.bytes != nil {
		t.Error("taken where memory is limited")
	}
}
