//go:build !unix

package dist

import "net"

// inlineWriter has nothing to offer where sockets cannot be written to without waiting.
func inlineWriter(net.Conn) func(net.Buffers) (int, error) { return nil }
