package epmd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
)

// maxListeners is how many addresses the original can listen on.
const maxListeners = 16

var loopback4 = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// endpoint is an address to listen on.
type endpoint struct {
	addr     netip.Addr
	required bool // it was asked for; the machine need not have the others
}

// endpoints returns where to listen: the given addresses and the loopback ones, or all (EP:run).
func endpoints(addresses []string) ([]endpoint, error) {
	if len(addresses) == 0 {
		return []endpoint{{addr: netip.IPv4Unspecified()}, {addr: netip.IPv6Unspecified()}}, nil
	}
	list := []endpoint{{addr: loopback4}, {addr: netip.IPv6Loopback()}}
next:
	for _, a := range addresses {
		addr, err := netip.ParseAddr(a)
		if err != nil {
			return nil, fmt.Errorf("cannot parse IP address %q", a)
		}
		for i := range list {
			if list[i].addr == addr {
				list[i].required = true
				continue next
			}
		}
		list = append(list, endpoint{addr, true})
	}
	if len(list) > maxListeners {
		return nil, fmt.Errorf("cannot listen on more than %d IP addresses", maxListeners)
	}
	return list, nil
}

// listen opens the listeners of s.
func (s *Server) listen() error {
	port := s.cfg.Port
	switch {
	case port == 0:
		port = Port()
	case port < 0:
		port = 0
	}
	if len(s.cfg.Listeners) > maxListeners {
		return fmt.Errorf("epmd: cannot listen on more than %d IP addresses", maxListeners)
	}
	if len(s.cfg.Listeners) > 0 {
		s.listeners, s.port = s.cfg.Listeners, port
		return nil
	}
	s.printf(2, "try to initiate listening port %d", port)
	list, err := endpoints(s.cfg.Addresses)
	if err == nil && port > 65535 {
		err = fmt.Errorf("port %d is none", port)
	}
	// A free port of one address may be taken on the next one; then another is tried.
	for try := 0; err == nil; try++ {
		err = s.listenAll(list, port)
		if err == nil {
			return nil
		}
		if port == 0 && try < 10 && errors.Is(err, syscall.EADDRINUSE) {
			err = nil
		}
	}
	return fmt.Errorf("epmd: listen on port %d: %w", port, err)
}

func (s *Server) listenAll(list []endpoint, port int) (err error) {
	defer func() {
		if err != nil {
			for _, l := range s.listeners {
				l.Close()
			}
			s.listeners = nil
		}
	}()
	var last error
	for _, e := range list {
		network := "tcp4"
		if e.addr.Is6() {
			network = "tcp6" // sets IPV6_V6ONLY
		}
		var lc net.ListenConfig
		l, err := lc.Listen(context.Background(), network, net.JoinHostPort(e.addr.String(), strconv.Itoa(port)))
		if err != nil {
			if e.required || errors.Is(err, syscall.EADDRINUSE) {
				return err
			}
			last = err
			continue
		}
		port = l.Addr().(*net.TCPAddr).Port
		s.listeners = append(s.listeners, l)
	}
	if len(s.listeners) == 0 {
		return last
	}
	s.port = port
	return nil
}
