//go:build !unix

package dist

import "net"

// socketSource has nothing to offer where sockets cannot be read from without waiting.
func socketSource(net.Conn) source { return nil }
