//go:build unix

package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// sequence is what is run in both worlds.
type sequence struct {
	sites []string // of each puppet, "t" or "o"
	steps []step
}

// step is what one puppet does, all at once, before everything comes to rest. Its commands are Erlang, with what
// sequence.erl fills in.
type step struct {
	id       int // stays when others are left out, as later commands name the references of earlier ones
	puppet   int // from 1
	commands []string
}

func (s sequence) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "{[%s],[", strings.Join(s.sites, ","))
	for i, st := range s.steps {
		if i > 0 {
			b.WriteString(",\n  ")
		}
		fmt.Fprintf(&b, "{%d,%d,[%s]}", st.id, st.puppet, strings.Join(st.commands, ","))
	}
	return b.String() + "]}"
}

// generator makes the commands of one sequence.
type generator struct {
	*rand.Rand
	release int
	sites   []string
	refs    []int // steps that give a reference
	watched []int // those of them that give it by a monitor with an alias
	apart   bool  // disconnects may occur
}

// generate makes the sequence of a seed, for a release.
func generate(seed uint64, release int) sequence {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 4)), release: release}
	g.apart = g.IntN(8) == 0
	for range 3 + g.IntN(4) {
		g.sites = append(g.sites, g.pick("t", "t", "o"))
	}
	s := sequence{sites: g.sites}
	for id := range 8 + g.IntN(14) {
		s.steps = append(s.steps, g.step(id))
	}
	return s
}

func (g *generator) pick(of ...string) string { return of[g.IntN(len(of))] }

func (g *generator) step(id int) step {
	s := step{id: id, puppet: 1 + g.IntN(len(g.sites))}
	if g.IntN(12) == 0 {
		if s.commands = g.burst(s.puppet); s.commands != nil {
			return s
		}
	}
	text, ref := g.command(id, g.sites[s.puppet-1])
	s.commands = []string{text}
	if ref {
		g.refs = append(g.refs, id)
	}
	return s
}

// burst is several signals to one process on the other node, whose order nothing else can change.
func (g *generator) burst(from int) []string {
	to := 1 + g.IntN(len(g.sites))
	if g.sites[to-1] == g.sites[from-1] {
		return nil
	}
	var all []string
	for i := range 3 + g.IntN(6) {
		switch g.IntN(5) {
		case 0:
			all = append(all, fmt.Sprintf("{exit,{p,%d},normal}", to))
		case 1:
			all = append(all, fmt.Sprintf("{send,{p,%d},{b,%d}}", to, 1+g.IntN(200_000)))
		default:
			all = append(all, fmt.Sprintf("{send,{p,%d},{burst,%d}}", to, i))
		}
	}
	return all
}

// command is any command, and whether it gives a reference.
func (g *generator) command(id int, site string) (text string, ref bool) {
	if g.apart && g.IntN(6) == 0 {
		return g.node(site), false
	}
	weight := g.IntN(100)
	for _, c := range commands {
		if weight -= c.weight; weight < 0 {
			if c.since > g.release {
				break
			}
			return c.make(g, id), c.ref
		}
	}
	return "{trap_exit," + g.pick("true", "true", "false") + "}", false
}

// What puppets do, by how often. What is left to a hundred is trap_exit.
var commands = []struct {
	weight int
	since  int
	ref    bool
	make   func(*generator, int) string
}{
	{12, 0, false, func(g *generator, id int) string { return g.send(id) }},
	{14, 0, false, func(g *generator, _ int) string { return "{link," + g.pid() + "}" }},
	{7, 0, false, func(g *generator, _ int) string { return "{unlink," + g.pid() + "}" }},
	{11, 0, true, func(g *generator, _ int) string { return "{monitor," + g.named() + "}" }},
	{5, 0, false, func(g *generator, _ int) string { return "{demonitor," + g.ref() + "}" }},
	{5, 0, false, func(g *generator, _ int) string { return "{exit," + g.reason() + "}" }},
	{10, 0, false, func(g *generator, _ int) string { return fmt.Sprintf("{exit,%s,%s}", g.pid(), g.reason()) }},
	{6, 0, false, func(g *generator, _ int) string { return "{register," + g.name() + "}" }},
	{2, 0, false, func(g *generator, _ int) string { return "{unregister," + g.name() + "}" }},
	{2, 0, false, func(g *generator, _ int) string { return "{whereis," + g.name() + "}" }},
	{4, 24, true, func(g *generator, _ int) string {
		return "{alias," + g.pick("[]", "[explicit_unalias]", "[reply]") + "}"
	}},
	{6, 24, true, func(g *generator, id int) string {
		g.watched = append(g.watched, id)
		return fmt.Sprintf("{monitor_alias,%s,%s}", g.named(), g.pick("explicit_unalias", "demonitor", "reply_demonitor"))
	}},
	{3, 24, false, func(g *generator, _ int) string { return "{unalias," + g.ref() + "}" }},
	{2, 0, false, func(g *generator, id int) string {
		return fmt.Sprintf("{cast,%s,%s}", g.named(), g.message(id, fragmented))
	}},
	{2, 0, false, func(g *generator, id int) string {
		return fmt.Sprintf("{call,{%s,{node,%s}},%s,5000}", g.pick("echo", "echo", "nosuch"), g.pick("t", "o"), g.message(id, fragmented))
	}},
}

// node is a command about the connection between the two nodes, by one on the site.
func (g *generator) node(site string) string {
	there := "{node,t}"
	if site == "t" {
		there = "{node,o}"
	}
	switch g.IntN(6) {
	case 0, 1:
		return "{disconnect," + there + "}"
	case 2, 3:
		return "{connect," + there + "}"
	case 4:
		return "{ping," + there + "}"
	}
	return fmt.Sprintf("{monitor_node,%s,%s}", there, g.pick("true", "true", "false"))
}

func (g *generator) pid() string {
	kind := "p"
	if g.IntN(25) == 0 {
		kind = "s"
	}
	return fmt.Sprintf("{%s,%d}", kind, 1+g.IntN(len(g.sites)))
}

func (g *generator) name() string { return fmt.Sprintf("{n,%d}", 1+g.IntN(3)) }

func (g *generator) ref() string {
	if len(g.refs) == 0 {
		return "none"
	}
	return fmt.Sprintf("{r,%d}", g.refs[g.IntN(len(g.refs))])
}

// named is a pid or a name, here or there.
func (g *generator) named() string {
	switch g.IntN(6) {
	case 0:
		return g.name()
	case 1, 2:
		return fmt.Sprintf("{%s,{node,%s}}", g.name(), g.pick("t", "o"))
	}
	return g.pid()
}

// send is a message to what can be sent to.
//
// OTP 24 to 26 end with a segmentation fault (seen with 25.2.3) when a message in fragments comes for a reference from
// monitor(process, self(), [{alias, _}]), which is the reference of a process but no alias of it. Whether a name is that of the
// caller is not known here, so that no reference of such a monitor gets what is cut into fragments.
func (g *generator) send(id int) string {
	if g.release < 24 || g.IntN(2) != 0 || len(g.refs) == 0 {
		return fmt.Sprintf("{send,%s,%s}", g.named(), g.message(id, fragmented))
	}
	ref, limit := g.refs[g.IntN(len(g.refs))], fragmented
	if g.release < 27 && slices.Contains(g.watched, ref) {
		limit = whole
	}
	return fmt.Sprintf("{send,{r,%d},%s}", ref, g.message(id, limit))
}

func (g *generator) reason() string {
	return g.pick("normal", "normal", "kill", "killed", "boom", "boom", "shutdown", "{shutdown,[1]}", "noproc", "noconnection",
		"{a,#{b => <<\"c\">>}}", "[]", "\"text\"", "{b,100000}")
}

// Sizes of binaries, up to which a message is in one piece, and up to which it is in several.
const (
	whole      = 60_000
	fragmented = 150_000
)

// message is any message, with a binary of a size up to a limit.
func (g *generator) message(id, limit int) string {
	switch g.IntN(8) {
	case 0:
		return fmt.Sprintf("{b,%d}", 1+g.IntN(limit))
	case 1:
		return g.pick("{'EXIT',{p,1},made_up}", "{'DOWN',none,process,{p,1},made_up}", "{p,1}", "{n,1}", "[]")
	}
	return fmt.Sprintf("{m,%d}", id)
}
