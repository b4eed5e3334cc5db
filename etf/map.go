package etf

// Get returns the value of key, compared as Equal does, and whether it is there.
func (t Map) Get(key Term) (Term, bool) {
	for _, p := range t {
		if Equal(p.Key, key) {
			return p.Value, true
		}
	}
	return nil, false
}
