package handshake

import "strings"

// Acceptor is the side of a handshake that was dialled. Use it from one goroutine at a time.
//
// It hears a name, answers a status and a challenge, takes the peer's proof of the cookie from the reply and
// gives its own in the ack (OTP: dist_util:handshake_other_started).
type Acceptor struct {
	cfg   Config
	state acceptorState
	err   error // why it failed

	name   name   // the peer's
	host   string // where the peer wants to be named, if it does
	alive  bool   // it was told so, and wants the new connection
	secret secret
	own    ownChallenge
	theirs uint32 // the peer's challenge
	result Result
}

type acceptorState int

const (
	waitName acceptorState = iota
	askStatus
	askName
	waitStatusReply
	waitComplement
	waitReply
	askReplace
	acceptorDone
	acceptorFailed
)

// NewAcceptor returns the machine for a connection that came in.
func NewAcceptor(cfg Config) *Acceptor { return &Acceptor{cfg: cfg} }

// Peer returns the peer's name as it has told it; "" before, and when the name cannot be one. It is not proved
// until the handshake is done.
func (ac *Acceptor) Peer() string { return ac.name.node }

// Host returns the host on which the peer asks to be named, "" if it has a name of its own.
func (ac *Acceptor) Host() string { return ac.host }

// Hidden reports whether the peer has introduced itself without the flag Published. It is known as soon as Peer is.
func (ac *Acceptor) Hidden() bool { return !ac.name.flags.Has(Published) }

// Receive takes the body of a message, which it neither keeps nor changes.
//
// The error is a *MessageError for what is malformed or out of turn, a *NameError for an illegal name, a
// *FlagsError if the peer lacks a flag, a *CookieError if it does not know the cookie, a *StatusError if it
// asked for a name that it does not get or does not want the connection any more (ErrAlive). The step that comes with it holds the
// refusal that the peer is to hear, if any.
func (ac *Acceptor) Receive(body []byte) (Step, error) {
	var step Step
	var err error
	switch ac.state {
	case waitName:
		step, err = ac.receiveName(body)
	case waitStatusReply:
		step, err = ac.receiveStatusReply(body)
	case waitComplement:
		step, err = ac.receiveComplement(body)
	case waitReply:
		step, err = ac.receiveReply(body)
	case acceptorFailed:
		return Step{}, ac.err
	default:
		err = ac.outOfTurn("a message came out of turn")
	}
	return step, ac.end(err)
}

// Decide answers AskStatus. With StatusNok and StatusNotAllowed the peer is told so, in the returned step, and the
// handshake ends with a *StatusError; so it does, without a word, for a Status that is not one of the constants.
func (ac *Acceptor) Decide(status Status) (Step, error) {
	switch {
	case ac.state == acceptorFailed:
		return Step{}, ac.err
	case ac.state == askName && status == StatusNotAllowed:
	case ac.state != askStatus:
		return Step{}, ac.end(ac.outOfTurn("Decide was called, which nothing asked for"))
	}
	step := Step{Send: [][]byte{statusBody(status)}}
	switch status {
	case StatusOK, StatusOKSimultaneous:
		next, err := ac.sendChallenge()
		if err != nil {
			return Step{}, ac.end(err)
		}
		step.Send = append(step.Send, next.Send...)
		return step, nil
	case StatusAlive:
		ac.state = waitStatusReply
		return step, nil
	case StatusNok, StatusNotAllowed:
	default:
		step = Step{}
	}
	return step, ac.end(&StatusError{Peer: ac.Peer(), Status: clip(string(status)), Sent: true})
}

// Name answers AskName: the peer is node from now on, a name on the host that it asked for, in its life creation, which is
// not 0.
func (ac *Acceptor) Name(node string, creation uint32) (Step, error) {
	switch {
	case ac.state == acceptorFailed:
		return Step{}, ac.err
	case ac.state != askName:
		return Step{}, ac.end(ac.outOfTurn("Name was called, which nothing asked for"))
	}
	ac.name.node, ac.name.creation = node, creation
	next, err := ac.sendChallenge()
	if err != nil {
		return Step{}, ac.end(err)
	}
	return Step{Send: append([][]byte{namedBody(node, creation)}, next.Send...)}, nil
}

// Replaced answers AskReplace, when the old connection is gone. Its step holds the ack.
func (ac *Acceptor) Replaced() (Step, error) {
	switch ac.state {
	case acceptorFailed:
		return Step{}, ac.err
	case askReplace:
		return ac.sendAck(), nil
	}
	return Step{}, ac.end(ac.outOfTurn("Replaced was called, which nothing asked for"))
}

// Result returns what the handshake found out; before it is done, nothing.
func (ac *Acceptor) Result() Result {
	if ac.state != acceptorDone {
		return Result{}
	}
	return ac.result
}

// Lost ends an unfinished handshake whose connection was lost, by err, and returns a *LostError that says what
// that means. After the end of the handshake it returns err.
func (ac *Acceptor) Lost(err error) error {
	if err == nil || ac.state >= acceptorDone {
		return err
	}
	return ac.end(&LostError{Peer: ac.Peer(), What: ac.state.String(), Err: err})
}

// Close ends an unfinished handshake, for Config.Guard. It is needed when a connection is given up without an
// error from the machine, as on a timeout, and harmless otherwise.
func (ac *Acceptor) Close() {
	if ac.state < acceptorDone {
		ac.end(ac.outOfTurn("the handshake was closed"))
	}
}

func (ac *Acceptor) outOfTurn(why string) error {
	return &MessageError{Peer: ac.Peer(), What: ac.state.String(), Why: why}
}

// end enters the failed state if there is an error.
func (ac *Acceptor) end(err error) error {
	if err == nil {
		return nil
	}
	ac.own.close()
	ac.state, ac.err = acceptorFailed, err
	return err
}

func refuse(status Status, err error) (Step, error) {
	return Step{Send: [][]byte{statusBody(status)}}, err
}

func (ac *Acceptor) receiveName(body []byte) (Step, error) {
	m, err := parseName(body)
	if err != nil {
		return Step{}, err
	}
	asks := m.flags.Has(NameMe) && !m.old && m.node != "" && !strings.Contains(m.node, "@")
	switch {
	case asks && !ac.cfg.givesNames():
		return refuse(StatusNotAllowed, &StatusError{Peer: clip("@" + m.node), Status: string(StatusNotAllowed), Sent: true})
	case asks:
		if why := illegal("x@" + m.node); why != "" {
			return refuse(StatusNotAllowed, &NameError{Peer: clip("@" + m.node), Why: why})
		}
		ac.host, m.node = m.node, ""
	case !splits(m.node) || m.flags.Has(NameMe):
		return Step{}, &NameError{Peer: clip(m.node), Why: "is not of the form alive@host"}
	default:
		if err := CheckName(m.node); err != nil {
			return refuse(StatusNok, err)
		}
		if m.node == ac.cfg.Name {
			return refuse(StatusNok, &NameError{Peer: m.node, Why: "is our own"})
		}
	}
	ac.name = m
	require := ac.cfg.require()
	if ac.upgrades() {
		require &= 0xffffffff // the complement brings the rest
	}
	if missing := m.flags.Missing(require); missing != 0 {
		return refuse(StatusNotAllowed, &FlagsError{Peer: m.node, Missing: missing})
	}
	if asks {
		ac.state = askName
		return Step{Ask: AskName}, nil
	}
	ac.state = askStatus
	return Step{Ask: AskStatus}, nil
}

// upgrades reports whether the peer sent 'n' but can do version 6, and so completes its flags by a 'c'.
func (ac *Acceptor) upgrades() bool { return ac.name.old && ac.name.flags.Expand().Has(Handshake23) }

func (ac *Acceptor) receiveStatusReply(body []byte) (Step, error) {
	status, err := parseStatus(ac.Peer(), "status reply", body)
	if err != nil {
		return Step{}, err
	}
	switch status {
	case statusTrue:
		ac.alive = true
		return ac.sendChallenge()
	case statusFalse:
		return Step{}, &StatusError{Peer: ac.Peer(), Status: string(StatusAlive), Sent: true}
	}
	return Step{}, &StatusError{Peer: ac.Peer(), Status: clip(status)}
}

// flags are what we offer this peer.
func (ac *Acceptor) flags() Flags {
	if ac.host != "" {
		return ac.cfg.namingFlags()
	}
	return ac.cfg.flags()
}

func (ac *Acceptor) sendChallenge() (Step, error) {
	var err error
	if ac.secret, err = ac.cfg.secret(ac.Peer()); err != nil {
		return Step{}, err
	}
	// Which form of challenge a peer reads depends on its flag only, also after an 'N'
	// (dist_util:send_challenge, OTP 23).
	old := !ac.name.flags.Expand().Has(Handshake23)
	ac.own.set(ac.cfg.draw(), ac.cfg.Guard)
	ac.state = waitReply
	if ac.upgrades() {
		ac.state = waitComplement
	}
	ac.result = newResult(ac.Peer(), ac.flags(), ac.name.flags, ac.name.creation, old)
	ac.result.Dynamic = ac.host != ""
	m := challenge{
		old:       old,
		flags:     ac.flags(),
		challenge: ac.own.value,
		creation:  ac.cfg.Creation,
		node:      ac.cfg.Name,
	}
	return Step{Send: [][]byte{m.appendTo(nil)}}, nil
}

func (ac *Acceptor) receiveComplement(body []byte) (Step, error) {
	high, creation, err := parseComplement(ac.Peer(), body)
	if err != nil {
		return Step{}, err
	}
	flags := ac.name.flags | high
	if missing := flags.Missing(ac.cfg.require()); missing != 0 {
		return refuse(StatusNotAllowed, &FlagsError{Peer: ac.Peer(), Missing: missing})
	}
	ac.result = newResult(ac.Peer(), ac.flags(), flags, creation, false)
	ac.state = waitReply
	return Step{}, nil
}

func (ac *Acceptor) receiveReply(body []byte) (Step, error) {
	theirs, sum, err := parseReply(ac.Peer(), body)
	if err != nil {
		return Step{}, err
	}
	if !ac.secret.proves(sum, ac.own.value) {
		return Step{}, &CookieError{Peer: ac.Peer()}
	}
	ac.own.close()
	ac.theirs = theirs
	if ac.cfg.Guard.has(theirs) {
		return Step{}, &MessageError{Peer: ac.Peer(), What: "challenge reply", Offset: 1, Why: reflected}
	}
	if ac.alive {
		ac.state = askReplace
		return Step{Ask: AskReplace}, nil
	}
	return ac.sendAck(), nil
}

func (ac *Acceptor) sendAck() Step {
	ac.state = acceptorDone
	return Step{Send: [][]byte{ackBody(digest(ac.secret.cookie, ac.theirs))}, Done: true}
}

// String says what the machine waits for, as the What of a MessageError.
func (s acceptorState) String() string {
	switch s {
	case waitName:
		return "name"
	case askStatus, askName:
		return "status"
	case waitStatusReply:
		return "status reply"
	case waitComplement:
		return "complement"
	case waitReply:
		return "challenge reply"
	case askReplace:
		return "challenge ack"
	}
	return "last"
}
