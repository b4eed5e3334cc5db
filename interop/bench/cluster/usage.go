//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// usage is what a process has used since it started, between two moments, or for one operation.
type usage struct {
	cpu       float64 // ns, user and system, of all threads
	slept     float64 // voluntary context switches: a thread had to wait
	preempted float64 // involuntary ones: another thread was to run
	reads     float64 // system calls read, readv and pread; recv and its kin are not counted by Linux
	writes    float64 // write, writev and pwrite; not send and its kin
}

func (a usage) minus(b usage) usage {
	return usage{a.cpu - b.cpu, a.slept - b.slept, a.preempted - b.preempted, a.reads - b.reads, a.writes - b.writes}
}

func (a usage) over(ops float64) usage {
	return usage{a.cpu / ops, a.slept / ops, a.preempted / ops, a.reads / ops, a.writes / ops}
}

// usage reads what Linux tells of the process. Context switches are those of the threads that there still are.
func (p *peer) usage() (usage, error) {
	var u usage
	pid := p.cmd.Process.Pid
	// The clock of another process's time has a number made of its pid (clock_getcpuclockid): nanoseconds, where /proc has ticks of 10 ms.
	var t syscall.Timespec
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, uintptr(^pid<<3|2), uintptr(unsafe.Pointer(&t)), 0); errno != 0 {
		select {
		case <-p.ended:
			return u, fmt.Errorf("%s has ended: %w%s", p.node, p.err, p.output())
		case <-time.After(time.Second):
			return u, fmt.Errorf("CPU time of %s: %w", p.node, errno)
		}
	}
	u.cpu = float64(t.Nano())
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	for _, file := range threads {
		u.slept += field(file, "voluntary_ctxt_switches:")
		u.preempted += field(file, "nonvoluntary_ctxt_switches:")
	}
	io := fmt.Sprintf("/proc/%d/io", pid)
	u.reads, u.writes = field(io, "syscr:"), field(io, "syscw:")
	return u, nil
}

// peak returns the most bytes that the process had resident since forgetPeak, or since it started.
func (p *peer) peak() float64 {
	return field(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid), "VmHWM:") * 1024
}

// forgetPeak makes what is resident now the most that there was.
func (p *peer) forgetPeak() {
	os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte("5"), 0)
}

// resident returns the bytes that are resident now.
func (p *peer) resident() float64 {
	return field(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid), "VmRSS:") * 1024
}

// field returns a number of a file with a name and a value on each line, 0 if it is not there: a thread that has ended.
func field(file, name string) float64 {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			if words := strings.Fields(rest); len(words) > 0 {
				n, _ := strconv.ParseFloat(words[0], 64)
				return n
			}
		}
	}
	return 0
}
