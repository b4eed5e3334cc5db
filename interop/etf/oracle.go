package main

import (
	"bufio"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed oracle.erl
var oracleSource []byte

// oracle is a BEAM node that runs oracle.erl.
type oracle struct {
	bin, dir string // of the programs, and of the compiled module
	release  string
	cmd      *exec.Cmd
	in       io.WriteCloser
	out      *bufio.Reader
	starts   int
}

// answer is what OTP says about one term.
type answer struct {
	ok    bool
	hash  uint32
	bytes []byte
}

// newOracle compiles the module into dir and starts a node with the programs in bin, or in PATH if that is empty.
func newOracle(bin, dir string) (*oracle, error) {
	src := filepath.Join(dir, "oracle.erl")
	if err := os.WriteFile(src, oracleSource, 0o600); err != nil {
		return nil, err
	}
	if out, err := exec.Command(program(bin, "erlc"), "-o", dir, src).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("erlc: %w\n%s", err, out)
	}
	o := &oracle{bin: bin, dir: dir}
	if err := o.start(); err != nil {
		return nil, err
	}
	release, err := o.ask([]byte("r"))
	o.release = string(release)
	return o, err
}

func program(bin, name string) string {
	if bin == "" {
		return name
	}
	return filepath.Join(bin, name)
}

func (o *oracle) start() error {
	o.starts++
	// No crash dump: a node that a term takes down is nothing to look into.
	o.cmd = exec.Command(program(o.bin, "erl"), "-noinput", "-boot", "start_clean", "-pa", o.dir, "-s", "oracle", "main")
	o.cmd.Env = append(os.Environ(), "ERL_CRASH_DUMP_BYTES=0", "ERL_CRASH_DUMP=/dev/null")
	var err error
	if o.in, err = o.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := o.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	o.out = bufio.NewReaderSize(out, 1<<16)
	return o.cmd.Start()
}

// stop ends the node, which may have ended already.
func (o *oracle) stop() {
	o.in.Close()
	io.Copy(io.Discard, o.out)
	o.cmd.Wait()
}

// restart replaces the node: it has crashed, or has seen so many atoms that its table fills.
func (o *oracle) restart() error {
	o.stop()
	return o.start()
}

// ask sends a packet and waits for the answer.
func (o *oracle) ask(request []byte) ([]byte, error) {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(request)))
	if _, err := o.in.Write(append(head, request...)); err != nil {
		return nil, err
	}
	var size [4]byte
	if _, err := io.ReadFull(o.out, size[:]); err != nil {
		return nil, err
	}
	reply := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err := io.ReadFull(o.out, reply)
	return reply, err
}

// decode lets OTP decode terms.
func (o *oracle) decode(terms [][]byte) ([]answer, error) {
	request := []byte("d")
	for _, t := range terms {
		request = append(binary.BigEndian.AppendUint32(request, uint32(len(t))), t...)
	}
	reply, err := o.ask(request)
	if err != nil {
		return nil, err
	}
	return answers(reply, len(terms))
}

// generate lets OTP make n random terms.
func (o *oracle) generate(n int, seed uint64) ([]answer, error) {
	request := binary.BigEndian.AppendUint32([]byte("g"), uint32(n))
	reply, err := o.ask(binary.BigEndian.AppendUint64(request, seed))
	if err != nil {
		return nil, err
	}
	return answers(reply, n)
}

var errReply = errors.New("malformed reply of oracle.erl")

func answers(reply []byte, n int) ([]answer, error) {
	out := make([]answer, 0, n)
	for range n {
		if len(reply) < 9 {
			return nil, errReply
		}
		size := int(binary.BigEndian.Uint32(reply[5:]))
		if len(reply)-9 < size {
			return nil, errReply
		}
		out = append(out, answer{reply[0] == 1, binary.BigEndian.Uint32(reply[1:]), reply[9 : 9+size]})
		reply = reply[9+size:]
	}
	return out, nil
}
