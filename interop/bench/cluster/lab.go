//go:build linux

package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/erlnode/erlnode/epmd"
)

// lab is where everything runs: an EPMD, a folder of compiled programs, and the peers.
type lab struct {
	ctx   context.Context // done when the program is to end
	dir   string
	epmd  *epmd.Server
	peers []*peer
	beams map[string]string // folder of cluster.beam by folder of erl
	seq   int
}

func newLab(ctx context.Context) (*lab, error) {
	dir, err := os.MkdirTemp("", "bench-cluster")
	if err != nil {
		return nil, err
	}
	s, err := epmd.Listen(epmd.ServerConfig{Addresses: []string{"127.0.0.1"}, Port: -1})
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return &lab{ctx: ctx, dir: dir, epmd: s, beams: map[string]string{}}, os.Setenv("ERL_EPMD_PORT", strconv.Itoa(s.Port()))
}

func (l *lab) close() {
	l.stop(l.peers...)
	l.epmd.Close()
	os.RemoveAll(l.dir)
}

// name returns a node name that is not taken.
func (l *lab) name(kind string) string {
	l.seq++
	return fmt.Sprintf("%s%d@127.0.0.1", kind, l.seq)
}

func (l *lab) start(kind, node string, cmd *exec.Cmd) (*peer, error) {
	p, err := startPeer(l.ctx, kind, node, cmd)
	if err == nil {
		l.peers = append(l.peers, p)
	}
	return p, err
}

// stop ends peers that are not needed any more: those that do not end with their standard input by force.
func (l *lab) stop(peers ...*peer) {
	peers = slices.Clone(peers)
	for _, p := range peers {
		p.in.Close()
	}
	if *profile != "" { // which takes a moment
		for _, p := range peers {
			select {
			case <-p.ended:
			case <-time.After(2 * time.Second):
			}
		}
	}
	for _, p := range peers {
		p.stop()
	}
	l.peers = slices.DeleteFunc(l.peers, func(p *peer) bool { return slices.Contains(peers, p) })
}

// self starts this program as a peer.
func (l *lab) self(kind string) (*peer, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	node := l.name(kind)
	cmd := exec.Command(exe, "-peer", kind, "-name", node, "-profile", *profile)
	cmd.Env = append(os.Environ(), "GOGC="+*gogc)
	return l.start(kind, node, cmd)
}

//go:embed cluster.erl
var erlangSource []byte

//go:embed c/echo.c
var cSource []byte

// beam starts a BEAM node of the release in a folder.
func (l *lab) beam(bin string, flags ...string) (*peer, error) {
	dir, ok := l.beams[bin]
	if !ok {
		dir = filepath.Join(l.dir, strconv.Itoa(len(l.beams)))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, err
		}
		source := filepath.Join(l.dir, "cluster.erl")
		if err := os.WriteFile(source, erlangSource, 0o600); err != nil {
			return nil, err
		}
		if out, err := exec.CommandContext(l.ctx, filepath.Join(bin, "erlc"), "-o", dir, source).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("erlc: %w\n%s", err, out)
		}
		l.beams[bin] = dir
	}
	node := l.name("beam")
	return l.start("beam", node, exec.Command(filepath.Join(bin, "erl"), append(flags, "-noshell", "-boot", "start_clean", "-start_epmd", "false",
		"-name", node, "-setcookie", cookie, "-kernel", "inet_dist_use_interface", "{127,0,0,1}",
		"-kernel", "logger", "[{handler,default,logger_std_h,#{config=>#{type=>standard_error}}}]", "-pa", dir, "-s", "cluster", "main")...))
}

// noCompiler is why there is no C node.
type noCompiler struct{ err error }

func (e *noCompiler) Error() string { return "it could not be compiled (scripts/setup-bench)" }
func (e *noCompiler) Unwrap() error { return e.err }

// c starts the C node, which it compiles.
func (l *lab) c() (*peer, error) {
	program := filepath.Join(l.dir, "echo")
	if _, err := os.Stat(program); err != nil {
		if err := os.WriteFile(program+".c", cSource, 0o600); err != nil {
			return nil, err
		}
		if out, err := exec.CommandContext(l.ctx, "gcc", "-O2", "-o", program, program+".c", "-lei", "-lpthread").CombinedOutput(); err != nil {
			return nil, &noCompiler{fmt.Errorf("%w: %.200s", err, out)}
		}
	}
	node := l.name("c")
	return l.start("c", node, exec.Command(program, node, cookie))
}

// releaseOf asks the erl in a folder for its release.
func (l *lab) releaseOf(bin string) (int, error) {
	ctx, cancel := context.WithTimeout(l.ctx, startTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "erl"), "-noshell", "-boot", "start_clean", "-eval",
		`io:put_chars(erlang:system_info(otp_release)), halt().`)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", cmd, err)
	}
	return strconv.Atoi(strings.TrimSpace(string(out)))
}
