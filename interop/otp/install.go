//go:build unix

package otp

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/erlnode/erlnode/interop/erl"
)

// Install is one Erlang/OTP with Elixir on this machine. Its methods may be called concurrently.
type Install struct {
	dir  string // of the commands, or empty for PATH
	bins map[string]string

	mu      sync.Mutex
	beams   string // folder of the compiled interop/erl, once made
	release int
}

// The commands Install needs, and the Debian packages that bring them.
var commands = [...][2]string{{"erl", "erlang-base"}, {"erlc", "erlang-base"}, {"epmd", "erlang-base"},
	{"iex", "elixir"}, {"elixir", "elixir"}, {"tmux", "tmux"}}

// Lookup finds erl, erlc, epmd, iex, elixir and tmux in PATH; with ERLNODE_OTP=DIR in the environment, in DIR, but tmux there
// only if PATH has none.
// The error names what is missing.
func Lookup() (*Install, error) { return LookupIn(os.Getenv("ERLNODE_OTP")) }

// LookupIn is Lookup with another folder in place of ERLNODE_OTP, as scripts/get-otp prints it.
func LookupIn(dir string) (*Install, error) {
	i := &Install{dir: dir, bins: map[string]string{}}
	var missing []string
	for _, c := range commands {
		path, err := exec.LookPath(c[0])
		if i.dir != "" && (c[0] != "tmux" || err != nil) {
			path, err = exec.LookPath(filepath.Join(i.dir, c[0]))
		}
		if err != nil {
			missing = append(missing, fmt.Sprintf("%s (Debian package %s)", c[0], c[1]))
			continue
		}
		if i.bins[c[0]], err = filepath.Abs(path); err != nil {
			return nil, err
		}
	}
	if missing != nil {
		where := "PATH"
		if i.dir != "" {
			where = i.dir
		}
		return nil, fmt.Errorf("no Erlang with Elixir: %s lacks %s", where, strings.Join(missing, ", "))
	}
	return i, nil
}

// Path returns the full path of one of the install's commands: erl, erlc, epmd, iex, elixir, tmux.
func (i *Install) Path(command string) string { return i.bins[command] }

// Release returns the OTP release, such as 25.
func (i *Install) Release() (int, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.release != 0 {
		return i.release, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, i.Path("erl"), "-noinput", "-boot", "start_clean",
		"-eval", "io:put_chars(erlang:system_info(otp_release)), halt().")
	cmd.Env = i.environ(os.TempDir(), Options{})
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("asking %s for its release: %w", i.Path("erl"), err)
	}
	i.release, err = strconv.Atoi(strings.TrimSpace(string(out)))
	return i.release, err
}

// environ is the environment of everything that Install starts: the program's own without what would change a node's
// behaviour, a home folder, UTF-8, and no epmd -daemon that would outlive us.
func (i *Install) environ(home string, o Options) []string {
	var env []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		switch {
		case strings.HasPrefix(name, "ERL_"), strings.HasPrefix(name, "ELIXIR_"), strings.HasPrefix(name, "IEX_"),
			strings.HasPrefix(name, "LC_"), strings.HasPrefix(name, "XDG_"), strings.HasPrefix(name, "TMUX"),
			name == "HOME", name == "LANG", name == "PATH":
		default:
			env = append(env, kv)
		}
	}
	path := os.Getenv("PATH")
	if i.dir != "" {
		path = i.dir + string(os.PathListSeparator) + path
	}
	env = append(env, "PATH="+path, "HOME="+home, "LC_ALL=C.UTF-8", "ERL_AFLAGS=-start_epmd false",
		"ERL_CRASH_DUMP=/dev/null", "ERL_CRASH_DUMP_SECONDS=0")
	if o.EPMDPort != 0 {
		env = append(env, "ERL_EPMD_PORT="+strconv.Itoa(o.EPMDPort))
	}
	return append(env, o.Env...)
}

// compiled returns the folder with the compiled modules of interop/erl, made at first use. It is kept in the user's
// cache folder, under a name that changes with the sources and with the erlc.
func (i *Install) compiled(ctx context.Context) (string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.beams != "" {
		return i.beams, nil
	}
	names, err := fs.Glob(erl.Sources, "*.erl")
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	real, err := filepath.EvalSymlinks(i.Path("erlc"))
	if err != nil {
		return "", err
	}
	info, err := os.Stat(real)
	if err != nil {
		return "", err
	}
	fmt.Fprintln(hash, real, info.Size(), info.ModTime())
	for _, name := range names {
		text, err := erl.Sources.ReadFile(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(hash, name, len(text))
		hash.Write(text)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	cache = filepath.Join(cache, "erlnode-interop")
	dir := filepath.Join(cache, fmt.Sprintf("%x", hash.Sum(nil)[:8]))
	if _, err := os.Stat(dir); err == nil {
		i.beams = dir
		return dir, nil
	}
	if err := os.MkdirAll(cache, 0o777); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(cache, "new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	args := append([]string{"-Werror", "-o", "."}, names...)
	for _, name := range names {
		text, _ := erl.Sources.ReadFile(name)
		if err := os.WriteFile(filepath.Join(work, name), text, 0o666); err != nil {
			return "", err
		}
	}
	cmd := exec.CommandContext(ctx, i.Path("erlc"), args...)
	cmd.Dir, cmd.Env = work, i.environ(work, Options{})
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("erlc: %w\n%s", err, out)
	}
	// Another process may have made the same folder meanwhile; its work is as good.
	if err := os.Rename(work, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	i.beams = dir
	return dir, nil
}
