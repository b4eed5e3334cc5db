package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// otp is a BEAM node that runs bench.erl.
type otp struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Scanner
	release string
}

// startOTP starts the node with the erl and erlc in bin, or in PATH if bin is empty.
func startOTP(bin string) (*otp, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if out, err := exec.Command(filepath.Join(bin, "erlc"), "-o", dir, "bench.erl").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("erlc: %w\n%s", err, out)
	}
	o := &otp{cmd: exec.Command(filepath.Join(bin, "erl"), "-noshell", "-boot", "start_clean", "-pa", dir, "-s", "bench", "main")}
	o.cmd.Stderr = os.Stderr
	if o.in, err = o.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := o.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	o.out = bufio.NewScanner(out)
	o.out.Buffer(nil, 1<<20)
	if err := o.cmd.Start(); err != nil {
		return nil, err
	}
	o.release, err = o.ask("release")
	return o, err
}

func (o *otp) ask(line string) (string, error) {
	if _, err := fmt.Fprintln(o.in, line); err != nil {
		return "", err
	}
	if !o.out.Scan() {
		return "", fmt.Errorf("erl has ended (%v)", o.out.Err())
	}
	return strings.TrimSpace(o.out.Text()), nil
}

// bytes returns the external form of a term.
func (o *otp) bytes(name string) ([]byte, error) {
	s, err := o.ask("bytes " + name)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(s)
}

// measure returns nanoseconds per encoding ("enc") or decoding ("dec").
func (o *otp) measure(what, name string, ms int) (float64, error) {
	s, err := o.ask(fmt.Sprintf("%s %s %d", what, name, ms))
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(s, 64)
}

func (o *otp) stop() {
	o.in.Close()
	o.cmd.Wait()
}
