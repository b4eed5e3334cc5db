package pg

import (
	"errors"
	"fmt"

	"github.com/erlnode/erlnode/etf"
)

var errNotOurs = errors.New("pg: not a message of a scope")

// everything lifts the bound on how many elements a message has: a node may have as many members as it has processes.
var everything = etf.WithLimits(etf.Limits{Elements: -1})

// parse reads a message of either version. One that is not well-formed to its end is an error, and means nothing.
// As in OTP 29, casts and plain messages are the same.
func parse(raw etf.Raw) (m message, err error) {
	r := etf.NewReader(raw, everything)
	arity, label, err := head(&r)
	if err == nil && label == "$gen_cast" && arity == 2 {
		arity, label, err = head(&r)
	}
	if err != nil {
		return m, errNotOurs
	}
	if m.from, err = r.Pid(); err != nil {
		return m, errNotOurs
	}
	switch {
	case label == "discover" && arity == 2:
		m.kind = discover
	case label == "discover" && arity == 3:
		m.kind = discover
		err = m.readVersion(&r)
	case label == "sync" && arity == 3:
		m.kind = data
		err = m.readSync(&r)
	case label == "local_data" && arity == 4:
		m.kind = data
		if err = m.readVersion(&r); err == nil {
			err = m.readMap(&r)
		}
	case label == "join" && arity == 4:
		m.kind = update
		err = m.readJoin(&r)
	case label == "leave" && arity == 4:
		m.kind = update
		err = m.readLeave(&r)
	case label == "update" && arity == 3:
		m.kind, m.version = update, ours
		err = m.readUpdate(&r)
	default:
		return m, errNotOurs
	}
	if err == nil && len(r.Rest()) > 0 {
		err = errors.New("more bytes follow")
	}
	if err != nil {
		return message{}, fmt.Errorf("pg: %s at offset %d: %w", string(label), r.Offset(), err)
	}
	return m, nil
}

// head reads the arity of a tuple and its first element, an atom.
func head(r *etf.Reader) (arity int, label etf.Atom, err error) {
	if arity, err = r.Tuple(); err != nil {
		return 0, "", err
	}
	if arity < 2 {
		return 0, "", errNotOurs
	}
	label, err = r.Atom()
	return arity, label, err
}

// readVersion reads a version, which later releases may make something else than a number. All that are not 0 include ours.
func (m *message) readVersion(r *etf.Reader) error {
	t, err := r.Term()
	m.version = ours
	if v, ok := t.(etf.Int); ok && v <= 0 {
		m.version = 0
	}
	return err
}

// readSync reads [{Group, Pids}].
func (m *message) readSync(r *etf.Reader) error {
	n, err := r.List()
	for range n {
		if err == nil {
			err = tuple(r, 2)
		}
		var c change
		if err == nil {
			c, err = readGroup(r)
		}
		if err == nil {
			c.add, err = readPids(r)
		}
		if err != nil {
			return err
		}
		m.add(c)
	}
	return endList(r, n, err)
}

// readMap reads #{Group => Pids}.
func (m *message) readMap(r *etf.Reader) error {
	n, err := r.Map()
	if err != nil {
		return err
	}
	for range n {
		c, err := readGroup(r)
		if err == nil {
			c.add, err = readPids(r)
		}
		if err != nil {
			return err
		}
		m.add(c)
	}
	return nil
}

// readJoin reads Group, PidOrPids.
func (m *message) readJoin(r *etf.Reader) error {
	c, err := readGroup(r)
	if err != nil {
		return err
	}
	c.add, err = readPidOrPids(r)
	m.add(c)
	return err
}

// readLeave reads PidOrPids, Groups. A list of small integers may come as a string, so the groups are read as a term.
func (m *message) readLeave(r *etf.Reader) error {
	pids, err := readPidOrPids(r)
	if err != nil {
		return err
	}
	t, err := r.Term()
	if err != nil {
		return err
	}
	groups, ok := t.(etf.List)
	if !ok {
		return fmt.Errorf("%v is no list of groups", t)
	}
	for _, name := range groups {
		k, err := key(name)
		if err != nil {
			return err
		}
		m.add(change{key: k, name: name, remove: pids})
	}
	return nil
}

// readUpdate reads [{Group, Add, Remove}].
func (m *message) readUpdate(r *etf.Reader) error {
	n, err := r.List()
	for range n {
		if err == nil {
			err = tuple(r, 3)
		}
		var c change
		if err == nil {
			c, err = readGroup(r)
		}
		if err == nil {
			c.add, err = readPids(r)
		}
		if err == nil {
			c.remove, err = readPids(r)
		}
		if err != nil {
			return err
		}
		m.add(c)
	}
	return endList(r, n, err)
}

func (m *message) add(c change) {
	if len(c.add) > 0 || len(c.remove) > 0 {
		m.changes = append(m.changes, c)
	}
}

func readGroup(r *etf.Reader) (c change, err error) {
	if c.name, err = r.Term(); err == nil {
		c.key, err = key(c.name)
	}
	return c, err
}

func readPidOrPids(r *etf.Reader) ([]etf.Pid, error) {
	if p, err := r.Pid(); err == nil {
		return []etf.Pid{p}, nil
	}
	return readPids(r)
}

func readPids(r *etf.Reader) ([]etf.Pid, error) {
	n, err := r.List()
	if err != nil || n == 0 {
		return nil, err
	}
	if n > len(r.Rest())/leastPid {
		return nil, fmt.Errorf("a list of %d pids in %d bytes", n, len(r.Rest()))
	}
	pids := make([]etf.Pid, 0, n)
	for range n {
		p, err := r.Pid()
		if err != nil {
			return nil, err
		}
		pids = append(pids, p)
	}
	return pids, endList(r, n, nil)
}

// leastPid is the fewest bytes that a pid takes: a tag, a cached atom, nine bytes of the old form.
const leastPid = 12

// endList reads the tail of a list of n elements, unless reading it has failed before.
func endList(r *etf.Reader, n int, err error) error {
	if err != nil || n == 0 {
		return err
	}
	if n, err = r.List(); err == nil && n != 0 {
		err = errors.New("an improper list")
	}
	return err
}

func tuple(r *etf.Reader, want int) error {
	n, err := r.Tuple()
	if err == nil && n != want {
		err = fmt.Errorf("a tuple of %d elements, want %d", n, want)
	}
	return err
}
