package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
)

// firstSocket is the first of the descriptors that systemd passes (sd_listen_fds(3): SD_LISTEN_FDS_START).
const firstSocket = 3

// systemdSockets returns the listening sockets that systemd has passed to this process: LISTEN_FDS of them, if LISTEN_PID is us.
func systemdSockets(getenv func(string) string, pid int) ([]net.Listener, error) {
	if forPid, err := strconv.Atoi(getenv("LISTEN_PID")); err != nil || forPid != pid {
		return nil, errors.New("systemd provides no sockets")
	}
	count, err := strconv.Atoi(getenv("LISTEN_FDS"))
	if err != nil || count < 1 {
		return nil, errors.New("systemd provides no sockets")
	}
	return listeners(firstSocket, count)
}

// listeners makes listeners of inherited descriptors.
func listeners(first, count int) (all []net.Listener, err error) {
	for fd := first; fd < first+count; fd++ {
		f := os.NewFile(uintptr(fd), "systemd socket")
		l, err := net.FileListener(f)
		f.Close()
		if err != nil {
			for _, l := range all {
				l.Close()
			}
			return nil, fmt.Errorf("descriptor %d, which systemd has passed, is no listening socket: %w", fd, err)
		}
		all = append(all, l)
	}
	return all, nil
}

// notifySystemd tells systemd how the service fares, if it wants to hear (sd_notify(3)). It fails silently, as sd_notify's
// users do: the service runs nevertheless.
func notifySystemd(getenv func(string) string, state string) {
	path := getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	if path[0] == '@' {
		path = "\x00" + path[1:]
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return
	}
	defer c.Close()
	c.Write([]byte(state))
}
