package main

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// syncBuffer is an output that a test can wait for.
type syncBuffer struct {
	mu      sync.Mutex
	text    strings.Builder
	written chan struct{} // closed at the next Write
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.written != nil {
		close(b.written)
		b.written = nil
	}
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// await waits until the text is there, and returns all there is.
func (b *syncBuffer) await(t testing.TB, text string) string {
	t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		b.mu.Lock()
		all := b.text.String()
		if b.written == nil {
			b.written = make(chan struct{})
		}
		next := b.written
		b.mu.Unlock()
		if strings.Contains(all, text) {
			return all
		}
		select {
		case <-next:
		case <-timeout:
			t.Fatalf("no %q in the output:\n%s", text, all)
		}
	}
}
