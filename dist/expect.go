package dist

// expected says when the next bytes of the peer are likely to come.
type expected uint8

const (
	sometime expected = iota
	soon              // some of many have been answered here, and will go on
	inReply           // so has the only one, or somebody waits for the answer to what he has just asked
)

// talk sees whether requests come one by one, each as soon as the one before is answered.
type talk struct{ single int }

// singles is how many of them make a conversation. Among many callers there is one alone now and then, and when it is answered the others are not waited
// for: they need the processor to go on.
const singles = 8

// next says when something comes, after so many signals that did more than come with a call. So many of them asked for Serve, which has answered them, and so many
// were answers themselves: who has got those has been woken, and wants the processor.
func (t *talk) next(others, asked, answers int) expected {
	t.single++
	if asked != 1 || others != 1 || answers > 0 {
		t.single = 0
	}
	switch {
	case asked != others || answers > 0:
		return sometime
	case t.single >= singles:
		return inReply
	}
	return soon
}
