package handshake

import "strings"

// Initiator is the side of a handshake that dialled. Use it from one goroutine at a time.
//
// It sends its name, hears a status and a challenge, proves the cookie in its reply and takes the peer's proof
// from the ack (OTP: dist_util:handshake_we_started).
type Initiator struct {
	cfg   Config
	peer  string
	old   bool // we began with 'n'
	state initiatorState
	err   error // why it failed

	named  name // what the peer gave us, if we asked for it
	secret secret
	own    ownChallenge
	result Result
}

type initiatorState int

const (
	initiatorNew initiatorState = iota
	waitStatus
	askWanted
	waitChallenge
	waitAck
	initiatorDone
	initiatorFailed
)

// NewInitiator returns the machine for a connection that was dialled to the node named peer.
func NewInitiator(cfg Config, peer string) *Initiator {
	return &Initiator{cfg: cfg, peer: peer}
}

// Start gives the first message, our name. It is called once, before all else; a second call does nothing.
func (in *Initiator) Start() Step { return in.start(false) }

// StartOld is Start towards a peer that is said to know version 5 only, by an epmd that has a HighVersion below 6. One that
// knows version 6 nevertheless says so, and gets what the old message has no room for; of the releases that this package is for
// only OTP 25.0 to 25.2 refuse it. (OTP: dist_util:send_name and send_complement of 23 and 24.)
func (in *Initiator) StartOld() Step { return in.start(true) }

func (in *Initiator) start(old bool) Step {
	if in.state != initiatorNew {
		return Step{}
	}
	in.state = waitStatus
	in.old = old && !in.asksName() // a name is asked for in version 6 only
	m := name{old: in.old, flags: in.cfg.flags(), creation: in.cfg.Creation, node: in.cfg.Name}
	if in.asksName() {
		m = name{flags: in.cfg.namingFlags(), node: in.cfg.Host}
	}
	return Step{Send: [][]byte{m.appendTo(nil)}}
}

// asksName tells whether the peer is to give us a name.
func (in *Initiator) asksName() bool { return in.cfg.Name == "" && in.cfg.Host != "" }

// Receive takes the body of a message, which it neither keeps nor changes.
//
// The error is a *MessageError for what is malformed or out of turn, a *StatusError for a status that ends the
// attempt (errors.Is ErrNok, ErrNotAllowed), a *NameError if another node than the dialled one answers, a
// *FlagsError if the peer lacks a flag, a *CookieError if it does not know the cookie.
func (in *Initiator) Receive(body []byte) (Step, error) {
	var step Step
	var err error
	switch in.state {
	case waitStatus:
		step, err = in.receiveStatus(body)
	case waitChallenge:
		step, err = in.receiveChallenge(body)
	case waitAck:
		step, err = in.receiveAck(body)
	case initiatorFailed:
		return Step{}, in.err
	default:
		err = &MessageError{Peer: in.peer, What: in.state.String(), Why: "a message came out of turn"}
	}
	return step, in.end(err)
}

// Wanted answers AskWanted. With false the peer is told so, in the returned step, and the handshake ends with
// ErrAlive.
func (in *Initiator) Wanted(wanted bool) (Step, error) {
	switch {
	case in.state == initiatorFailed:
		return Step{}, in.err
	case in.state != askWanted:
		return Step{}, in.end(&MessageError{Peer: in.peer, What: in.state.String(), Why: "Wanted was called, which nothing asked for"})
	case wanted:
		in.state = waitChallenge
		return Step{Send: [][]byte{statusBody(statusTrue)}}, nil
	}
	step := Step{Send: [][]byte{statusBody(statusFalse)}}
	return step, in.end(&StatusError{Peer: in.peer, Status: string(StatusAlive)})
}

// Result returns what the handshake found out; before it is done, nothing.
func (in *Initiator) Result() Result {
	if in.state != initiatorDone {
		return Result{}
	}
	return in.result
}

// Lost ends an unfinished handshake whose connection was lost, by err, and returns a *LostError that says what
// that means. After the end of the handshake it returns err.
func (in *Initiator) Lost(err error) error {
	if err == nil || in.state >= initiatorDone {
		return err
	}
	return in.end(&LostError{Peer: in.peer, What: in.state.String(), Err: err, Cookie: in.state == waitAck && closed(err)})
}

// Close ends an unfinished handshake, for Config.Guard. It is needed when a connection is given up without an
// error from the machine, as on a timeout, and harmless otherwise.
func (in *Initiator) Close() {
	if in.state < initiatorDone {
		in.end(&MessageError{Peer: in.peer, What: in.state.String(), Why: "the handshake was closed"})
	}
}

// end enters the failed state if there is an error.
func (in *Initiator) end(err error) error {
	if err == nil {
		return nil
	}
	in.own.close()
	in.state, in.err = initiatorFailed, err
	return err
}

func (in *Initiator) receiveStatus(body []byte) (Step, error) {
	status, err := parseStatus(in.peer, "status", body)
	if err != nil {
		return Step{}, err
	}
	if in.asksName() {
		return Step{}, in.receiveNamed(status, body)
	}
	switch Status(status) {
	case StatusOK, StatusOKSimultaneous:
		in.state = waitChallenge
		return Step{}, nil
	case StatusAlive:
		in.state = askWanted
		return Step{Ask: AskWanted}, nil
	}
	return Step{}, &StatusError{Peer: in.peer, Status: clip(status)}
}

// receiveNamed takes the name that we asked for. Any other status is a refusal (dist_util:recv_status).
func (in *Initiator) receiveNamed(status string, body []byte) error {
	if !strings.HasPrefix(status, statusNamed) {
		return &StatusError{Peer: in.peer, Status: clip(status)}
	}
	m, err := parseNamed(in.peer, body)
	if err != nil {
		return err
	}
	if why := illegal(m.node); why != "" {
		return &NameError{Peer: clip(m.node), Why: "which " + in.peer + " gave us, " + why}
	}
	if _, host, _ := strings.Cut(m.node, "@"); host != in.cfg.Host {
		return &NameError{Peer: clip(m.node), Why: "which " + in.peer + " gave us, is not on our host " + in.cfg.Host}
	}
	if m.creation == 0 {
		return &NameError{Peer: m.node, Why: "which " + in.peer + " gave us, has creation 0"}
	}
	in.named, in.state = m, waitChallenge
	return nil
}

func (in *Initiator) receiveChallenge(body []byte) (Step, error) {
	m, err := parseChallenge(in.peer, body)
	if err != nil {
		return Step{}, err
	}
	if m.node != in.peer {
		return Step{}, &NameError{Peer: clip(m.node), Why: "answers where " + in.peer + " was dialled"}
	}
	require := in.cfg.require()
	if m.old {
		// Who can do version 6 has to speak it with who can (dist_util:recv_challenge_old of OTP 23). With one that cannot it speaks
		// version 5, and has the flag all the same.
		if m.flags.Has(Handshake23) && in.cfg.flags().Expand().Has(Handshake23) {
			return Step{}, &MessageError{Peer: in.peer, What: "challenge", Why: "version 5 from a peer that announces version 6"}
		}
	} else {
		require |= Handshake23
	}
	if missing := m.flags.Missing(require); missing != 0 {
		return Step{}, &FlagsError{Peer: in.peer, Missing: missing}
	}
	if in.secret, err = in.cfg.secret(in.peer); err != nil {
		return Step{}, err
	}
	if in.cfg.Guard.has(m.challenge) {
		return Step{}, &MessageError{Peer: in.peer, What: "challenge", Why: reflected}
	}
	in.own.set(in.cfg.challenge(m.challenge), in.cfg.Guard)
	in.state = waitAck
	flags := in.cfg.flags()
	if in.asksName() {
		flags = in.cfg.namingFlags()
	}
	in.result = newResult(in.peer, flags, m.flags, m.creation, m.old)
	in.result.Named, in.result.NamedCreation = in.named.node, in.named.creation
	var step Step
	if in.old && !m.old {
		step.Send = append(step.Send, complementBody(flags, in.cfg.Creation))
	}
	step.Send = append(step.Send, replyBody(in.own.value, digest(in.secret.cookie, m.challenge)))
	return step, nil
}

func (in *Initiator) receiveAck(body []byte) (Step, error) {
	sum, err := parseAck(in.peer, body)
	if err != nil {
		return Step{}, err
	}
	if !in.secret.proves(sum, in.own.value) {
		return Step{}, &CookieError{Peer: in.peer}
	}
	in.own.close()
	in.state = initiatorDone
	return Step{Done: true}, nil
}

const reflected = "our own open challenge, which the peer wants answered"

func newResult(peer string, ours, theirs Flags, creation uint32, old bool) Result {
	r := Result{Peer: peer, PeerFlags: theirs, Creation: creation, Version: versionNew}
	if old {
		r.Version = versionOld
	}
	r.Flags = ours.Expand() & theirs.Expand()
	r.Hidden = !r.Flags.Has(Published)
	return r
}

// String says what the machine waits for, as the What of a MessageError.
func (s initiatorState) String() string {
	switch s {
	case initiatorNew:
		return "first"
	case waitStatus:
		return "status"
	case askWanted:
		return "status reply"
	case waitChallenge:
		return "challenge"
	case waitAck:
		return "challenge ack"
	}
	return "last"
}
