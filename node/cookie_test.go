package node

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestCookieFile(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", "")
	first := filepath.Join(home, ".erlang.cookie")
	second := filepath.Join(home, ".config", "erlang", ".erlang.cookie")

	// None: one is made, and stays.
	made, err := CookieFile()
	if err != nil || !regexp.MustCompile(`^[A-Z]{20}$`).MatchString(made) {
		t.Fatal(made, err)
	}
	info, err := os.Stat(first)
	if err != nil || info.Mode().Perm() != 0o400 || info.ModTime().Minute() != 0 || info.ModTime().Hour() != 0 {
		t.Error(info, err)
	}
	if again, err := CookieFile(); again != made || err != nil {
		t.Error(again, err)
	}
	os.Remove(first)

	write := func(path, content string, mode os.FileMode) {
		t.Helper()
		os.MkdirAll(filepath.Dir(path), 0o700)
		os.Remove(path)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	write(second, "second", 0o400)
	if got, err := CookieFile(); got != "second" || err != nil {
		t.Error(got, err)
	}
	for content, want := range map[string]string{
		"abc": "abc", "a b~!\n": "a b~!", "abc\r\n \n": "abc", " lead": " lead",
		"": "empty", "\nabc": "empty|bad", "a\nb": "bad characters", "a\tb": "bad characters", "ü": "bad characters", strings.Repeat("x", 256): "limit",
	} {
		write(first, content, 0o600)
		got, err := CookieFile()
		if err != nil {
			got = err.Error()
		}
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%q: %q, want %q", content, got, want)
		}
	}
	write(first, "abc", 0o640)
	if _, err := CookieFile(); err == nil || !strings.Contains(err.Error(), "owner only") {
		t.Error(err)
	}
	os.Remove(first)
	os.Mkdir(first, 0o700)
	if _, err := CookieFile(); err == nil || !strings.Contains(err.Error(), "regular") {
		t.Error(err)
	}
}

func TestCookieLimits(t *testing.T) {
	for _, cfg := range []Config{
		{Cookie: strings.Repeat("c", 256)},
		{Cookie: "c", Cookies: map[string]string{"a@b": ""}},
		{Cookie: "c", Cookies: map[string]string{"a@b": strings.Repeat("c", 256)}},
	} {
		cfg.NoListen = true
		if n, err := Start(t.Context(), "a@test", cfg); err == nil || !containsText(err, "cookie") {
			n.Close()
			t.Errorf("%+v: %v", cfg.Cookies, err)
		}
	}
}
