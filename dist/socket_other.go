//go:build !unix

package dist

import "net"

// Where sockets cannot be called without waiting they are carriers like any other.
func carrierOf(nc net.Conn) carrier { return anyCarrier(nc) }
