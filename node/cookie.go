package node

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// cookies knows the secret for each peer.
type cookies struct {
	mu      sync.RWMutex
	own     string
	perNode map[string]string
}

func (c *cookies) init(cfg Config) (err error) {
	if c.own = cfg.Cookie; c.own == "" {
		if c.own, err = CookieFile(); err != nil {
			return err
		}
	}
	if err := checkCookie(c.own); err != nil {
		return err
	}
	c.perNode = make(map[string]string)
	for name, cookie := range cfg.Cookies {
		if err := checkCookie(cookie); err != nil {
			return fmt.Errorf("%w, for %s", err, name)
		}
		c.perNode[name] = cookie
	}
	return nil
}

// checkCookie holds a cookie to what an atom can be: BEAM nodes could not have another.
func checkCookie(cookie string) error {
	switch n := utf8.RuneCountInString(cookie); {
	case n == 0:
		return errors.New("node: the cookie is empty")
	case n > 255:
		return fmt.Errorf("node: the cookie has %d characters, the limit is 255", n)
	}
	return nil
}

func (c *cookies) of(peer string) string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if cookie, ok := c.perNode[peer]; ok {
		return cookie
	}
	return c.own
}

// SetCookie sets the cookie for connections to and from one node (erlang:set_cookie/2); connections that are up stay.
// The node's own name sets the cookie for all nodes that have none of their own.
func (n *Node) SetCookie(peer, cookie string) {
	n.cookies.mu.Lock()
	defer n.cookies.mu.Unlock()
	if peer == string(n.name) {
		n.cookies.own = cookie
		return
	}
	n.cookies.perNode[peer] = cookie
}

// CookieFile reads the user's cookie as a BEAM node does (kernel, auth.erl): from $HOME/.erlang.cookie, else from
// erlang/.erlang.cookie below $XDG_CONFIG_HOME or $HOME/.config. The file must be readable for its owner only. If there is
// none, the first is created, with 20 random letters.
func CookieFile() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("node: no cookie given, and no home for a cookie file: %w", err)
	}
	config := os.Getenv("XDG_CONFIG_HOME")
	if config == "" {
		config = filepath.Join(home, ".config")
	}
	first := filepath.Join(home, ".erlang.cookie")
	for _, path := range []string{first, filepath.Join(config, "erlang", ".erlang.cookie")} {
		cookie, err := readCookie(path)
		if !errors.Is(err, fs.ErrNotExist) {
			return cookie, err
		}
	}
	if err := createCookie(first); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("node: cookie file: %w", err)
	}
	return readCookie(first) // what stands there now: another node may have been faster
}

// readCookie checks what auth.erl checks: kind and mode of the file, and its characters.
func readCookie(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("node: cookie file %s is no regular file", path)
	case info.Mode().Perm()&0o077 != 0:
		return "", fmt.Errorf("node: cookie file %s must be accessible by owner only (chmod 400)", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("node: cookie file: %w", err)
	}
	line := string(b)
	if end := strings.IndexAny(line, "\r\n"); end >= 0 {
		if rest := strings.Trim(line[end:], " \r\n"); rest != "" {
			return "", fmt.Errorf("node: bad characters in cookie file %s, byte %d", path, end)
		}
		line = line[:end]
	}
	if at := strings.IndexFunc(line, func(r rune) bool { return r < ' ' || r > '~' }); at >= 0 {
		return "", fmt.Errorf("node: bad characters in cookie file %s, byte %d", path, at)
	}
	switch {
	case line == "":
		return "", fmt.Errorf("node: cookie file %s is empty", path)
	case len(line) > 255:
		return "", fmt.Errorf("node: cookie in %s has %d characters, the limit is 255", path, len(line))
	}
	return line, nil
}

func createCookie(path string) error {
	var letters [20]byte
	rand.Read(letters[:])
	for i, b := range letters {
		letters[i] = 'A' + b%26
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return err
	}
	_, err = f.Write(letters[:])
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		// Midnight, as OTP does: the time of day would tell something of the random seed that was used.
		now := time.Now()
		midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
		err = os.Chtimes(path, midnight, midnight)
	}
	return err
}
