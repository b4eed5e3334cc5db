package epmd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"time"
)

// serve answers the request of a connection and closes it; that of a node stays until the node goes.
func (s *Server) serve(c net.Conn, local bool) {
	fd, ok := s.open(c, local)
	if !ok {
		s.printf(0, "failed opening connection on file descriptor %d", fd)
		c.Close()
		return
	}
	defer s.close(fd, c, local)
	if local {
		s.printf(2, "Local peer connected")
	} else {
		s.printf(2, "Non-local peer connected")
	}
	s.printTime()
	s.printf(2, "opening connection on file descriptor %d", fd)
	s.printTime()
	// One deadline for all: a complete packet is the only activity that counts, and after it the connection is
	// a node's or done.
	if s.cfg.PacketTimeout > 0 {
		c.SetDeadline(time.Now().Add(s.cfg.PacketTimeout))
	}
	body, err := s.readPacket(c, fd)
	if err != nil {
		s.complain(err)
		return
	}
	req, err := parseRequest(body)
	if name := requestName(body[0]); name != "" {
		s.printf(1, "** got %s", name)
	}
	if err == nil {
		err = s.answer(c, fd, local, req)
	}
	if err != nil {
		s.complain(err)
	}
}

func (s *Server) complain(err error) {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.printf(1, "closing because timed out on receive")
	case errors.Is(err, net.ErrClosed):
	default:
		s.printf(0, "%v", err)
	}
}

// readPacket reads the body of a request.
func (s *Server) readPacket(r io.Reader, fd int) ([]byte, error) {
	var p packet
	for {
		n, err := r.Read(p.space())
		s.dump(p.buf[p.got : p.got+n])
		if n > 0 {
			s.printTime()
		}
		if body, perr := p.add(n); body != nil || perr != nil {
			return body, perr
		}
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("got partial packet only on file descriptor %d (%d)", fd, p.got)
		}
		if err != nil {
			return nil, err
		}
	}
}

// packet is a request as it comes in: two bytes of length and the body. As the original does, it takes offence
// at bytes after the request only if they came together with its beginning.
type packet struct {
	buf  []byte
	got  int
	want int // total length, once known
}

// space is where to put the next bytes.
func (p *packet) space() []byte {
	if p.buf == nil {
		p.buf = make([]byte, maxPacket)
	}
	if p.want > 0 {
		return p.buf[p.got:p.want]
	}
	return p.buf[p.got:]
}

// add takes the first n bytes of space. It returns the body when the request is complete.
func (p *packet) add(n int) ([]byte, error) {
	p.got += n
	if p.want == 0 && p.got >= 2 {
		size := int(binary.BigEndian.Uint16(p.buf))
		switch {
		case size < 1 || size+2 > maxPacket:
			return nil, fmt.Errorf("invalid packet size (%d)", size)
		case p.got > size+2:
			return nil, fmt.Errorf("got %d bytes in packet, expected %d", p.got-2, size)
		}
		p.want = size + 2
	}
	if p.want > 0 && p.got == p.want {
		return p.buf[2:p.want], nil
	}
	return nil, nil
}

// answer does what a request asks (EP:do_request).
func (s *Server) answer(c net.Conn, fd int, local bool, req request) error {
	switch req := req.(type) {
	case aliveRequest:
		if !local {
			return complaint("ALIVE2_REQ from non local address")
		}
		return s.alive(c, fd, req.Info)
	case portRequest:
		return s.port2(c, req.name)
	case namesRequest:
		if err := s.list(c, false); err != nil {
			return err
		}
		s.printf(1, "** sent NAMES_RESP")
	case dumpRequest:
		if !local {
			return complaint("DUMP_REQ from non local address")
		}
		if err := s.list(c, true); err != nil {
			return err
		}
		s.printf(1, "** sent DUMP_RESP")
	case killRequest:
		if !local {
			return complaint("KILL_REQ from non local address")
		}
		return s.kill(c)
	case stopRequest:
		if !local {
			return complaint("STOP_REQ from non local address")
		}
		return s.stopNode(c, req.name)
	}
	return nil
}

// alive registers a node and holds its connection.
func (s *Server) alive(c net.Conn, fd int, in Info) error {
	creation, ok := s.register(in, fd)
	if ok {
		defer s.unregister(fd, in.Name)
	}
	if err := s.write(c, appendAliveResp(nil, in.HighVersion, creation, ok)); err != nil {
		return err
	}
	s.printf(1, "** sent ALIVE2_RESP for \"%s\"", printable(in.Name))
	if ok {
		c.SetDeadline(time.Time{})
	}
	// The original leaves a refused node's connection open without end; here the deadline of the request still
	// holds.
	buf := make([]byte, 64)
	n, err := c.Read(buf)
	switch {
	case n > 0:
		s.printf(1, "got more than expected on ALIVE socket %d (%d)", fd, n)
		s.dump(buf[:n])
	case ok && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed):
		s.printf(1, "error on ALIVE socket %d (%v)", fd, err)
	case !ok && errors.Is(err, os.ErrDeadlineExceeded):
		return err
	}
	if !ok {
		s.printf(1, "trying to unregister node with unknown file descriptor %d", fd)
	}
	return nil
}

func (s *Server) register(in Info, fd int) (creation uint32, ok bool) {
	if err := checkAlive(in); err != nil {
		s.printf(0, "%v", err)
		return 0, false
	}
	s.mu.Lock()
	n, again := s.names.register(in, fd, time.Now())
	s.mu.Unlock()
	if n == nil {
		s.printf(0, "node name already occupied %s", printable(in.Name))
		return 0, false
	}
	if again {
		s.printf(1, "reusing slot with same name '%s'", printable(n.Name))
	}
	s.printf(1, "registering '%s:%d', port %d", printable(n.Name), n.creation(), n.Port)
	if n.HighVersion != 0 {
		s.printf(1, "type %d proto %d highvsn %d lowvsn %d", byte(n.Type), n.Protocol, n.HighVersion, n.LowVersion)
	}
	s.printNames()
	return n.creation(), true
}

// unregister takes the node of a connection out, unless STOP_REQ has done so; then the name may be another's by
// now.
func (s *Server) unregister(fd int, name string) {
	s.mu.Lock()
	n := s.names.find(name)
	if n == nil || n.fd != fd {
		s.mu.Unlock()
		return
	}
	s.names.unregister(name)
	s.mu.Unlock()
	s.printUnregistered(n)
}

func (s *Server) printUnregistered(n *node) {
	s.printf(1, "unregistering '%s:%d', port %d", printable(n.Name), n.creation(), n.Port)
	s.printNames()
}

// snapshot returns the entries, in the order of the registry.
func (s *Server) snapshot() (live, old []*node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.names.live), slices.Clone(s.names.old)
}

func (s *Server) port2(c net.Conn, name string) error {
	s.mu.Lock()
	n := s.names.find(name)
	s.mu.Unlock()
	resp, result := []byte{codePortResp, 1}, "error"
	if n != nil {
		resp, result = appendInfo([]byte{codePortResp, 0}, n.Info), "ok"
	}
	if err := s.write(c, resp); err != nil {
		return err
	}
	s.printf(1, "** sent PORT2_RESP (%s) for \"%s\"", result, printable(name))
	return nil
}

// list writes the answer to NAMES_REQ or, in full, to DUMP_REQ. It is one write, of which the debug output says what the
// original says of each of its own, a line each.
func (s *Server) list(c net.Conn, full bool) error {
	live, old := s.snapshot()
	b := binary.BigEndian.AppendUint32(nil, uint32(s.port))
	ends := []int{len(b)}
	line := func(format string, args ...any) {
		b = fmt.Appendf(b, format, args...)
		ends = append(ends, len(b))
	}
	for _, n := range slices.Backward(live) {
		if full {
			line("active name     <%s> at port %d, fd = %d\n\x00", n.Name, n.Port, n.fd)
		} else {
			line("name %s at port %d\n", n.Name, n.Port)
		}
	}
	if !full {
		old = nil
	}
	for _, n := range old {
		line("old/unused name <%s>, port = %d, fd = %d \n\x00", n.Name, n.Port, n.fd)
	}
	if err := s.send(c, b); err != nil {
		return err
	}
	start := 0
	for _, end := range ends {
		s.dump(b[start:end])
		start = end
	}
	return nil
}

func (s *Server) kill(c net.Conn) error {
	s.mu.Lock()
	refused := !s.cfg.RelaxedCommandCheck && len(s.names.live) > 0
	s.mu.Unlock()
	if refused {
		s.printf(0, "Disallowed KILL_REQ, live nodes")
		return s.write(c, []byte("NO"))
	}
	err := s.write(c, []byte("OK"))
	s.printf(1, "epmd killed")
	s.printf(0, "got KILL_REQ - terminates normal")
	c.Close()
	s.stop()
	return err
}

func (s *Server) stopNode(c net.Conn, name string) error {
	if !s.cfg.RelaxedCommandCheck {
		return complaint("Disallowed STOP_REQ, no relaxed_command_check")
	}
	s.mu.Lock()
	n := s.names.unregister(name)
	if n != nil {
		s.conns[n.fd].Close()
	}
	s.mu.Unlock()
	if n == nil {
		s.printf(1, "trying to unregister node with unknown name %s", printable(name))
		if err := s.write(c, []byte("NOEXIST")); err != nil {
			return err
		}
		s.printf(1, "** sent STOP_RESP NOEXIST")
	} else {
		s.printUnregistered(n)
		s.printf(1, "epmd connection stopped")
	}
	// The original says STOPPED also after NOEXIST.
	if err := s.write(c, []byte("STOPPED")); err != nil {
		return err
	}
	s.printf(1, "** sent STOP_RESP STOPPED")
	return nil
}

// write writes an answer and prints it.
func (s *Server) write(c net.Conn, b []byte) error {
	if err := s.send(c, b); err != nil {
		return err
	}
	s.dump(b)
	return nil
}

func (s *Server) send(c net.Conn, b []byte) error {
	if s.cfg.DelayWrite > 0 {
		if !s.delay(s.cfg.DelayWrite) {
			return net.ErrClosed
		}
		if s.cfg.PacketTimeout > 0 { // the client is not to blame
			c.SetDeadline(time.Now().Add(s.cfg.PacketTimeout))
		}
	}
	if _, err := c.Write(b); err != nil {
		return fmt.Errorf("error in write: %w", err)
	}
	return nil
}
