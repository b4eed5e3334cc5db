//go:build unix

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/erlnode/erlnode/epmd"
)

// erlnode epmd -systemd, as a child with descriptor 3 and a socket to notify: what systemd does to it.
func TestEPMDSystemd(t *testing.T) {
	if os.Getenv("SYSTEMD_CHILD") != "" { // the child: this test's program, with our pid known only here
		os.Setenv("LISTEN_PID", fmt.Sprint(os.Getpid()))
		os.Exit(run(t.Context(), []string{"epmd", "-systemd", "-port", os.Getenv("SYSTEMD_CHILD")}, os.Stdout, os.Stderr))
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "systemd") // t.TempDir is too long for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestEPMDSystemd$")
	cmd.ExtraFiles = []*os.File{file}
	cmd.Env = append(os.Environ(), fmt.Sprint("SYSTEMD_CHILD=", port), "LISTEN_FDS=1", "NOTIFY_SOCKET="+notify.LocalAddr().String())
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	file.Close()
	l.Close()
	notify.SetReadDeadline(time.Now().Add(20 * time.Second))
	buf := make([]byte, 1000)
	n, err := notify.Read(buf)
	if err != nil || !strings.HasPrefix(string(buf[:n]), "READY=1\n") || !strings.HasSuffix(string(buf[:n]), fmt.Sprint("MAINPID=", cmd.Process.Pid)) {
		t.Errorf("notified %q, %v", buf[:n], err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	if names, err := epmd.Names(t.Context(), addr); err != nil || len(names) != 0 {
		t.Error(names, err)
	}
	if err := epmd.Kill(t.Context(), addr); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestSystemdSockets(t *testing.T) {
	for _, env := range []map[string]string{{}, {"LISTEN_PID": "1", "LISTEN_FDS": "1"}, {"LISTEN_PID": "7"}, {"LISTEN_PID": "7", "LISTEN_FDS": "0"}} {
		if all, err := systemdSockets(func(k string) string { return env[k] }, 7); err == nil || !strings.Contains(err.Error(), "provides no sockets") {
			t.Errorf("%v: %v, %v", env, all, err)
		}
	}
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fd, err := syscall.Dup(int(f.Fd())) // listeners takes it over, and f has its own
	if err != nil {
		t.Fatal(err)
	}
	if all, err := listeners(fd, 1); err == nil || !strings.Contains(err.Error(), "is no listening socket") {
		t.Error(all, err)
	}
	want(t, []string{"epmd", "-systemd"}, exitFailed, "", "systemd provides no sockets")
}
