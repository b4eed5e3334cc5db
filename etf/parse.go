package etf

// Parse is in the making.
func Parse(text string) (Term, error) { return nil, encodeErrorf(text, "not yet") }
