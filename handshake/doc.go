// Package handshake says who is calling: the exchange of names, flags and cookie digests that opens every
// connection of the Erlang distribution protocol.
//
// [Initiator] is the side that dialled, [Acceptor] the side that was dialled. Both are state machines without IO:
// they take the body of a message and return a [Step], which holds the bodies to send and at most one question for
// the owner of the connection (an [Ask]). They know no sockets, goroutines, locks or clocks; framing, deadlines
// (OTP: net_setuptime, 7 s, started afresh by each received message) and closing belong to the caller.
//
// The driver of either side is one loop:
//
//	step := in.Start()
//	for {
//		write(step.Send)
//		if step.Done {
//			break
//		}
//		switch step.Ask {
//		case handshake.AskWanted:
//			step, err = in.Wanted(stillWanted())
//		default:
//			if body, rerr := readFrame(); rerr != nil {
//				err = in.Lost(rerr)
//			} else {
//				step, err = in.Receive(body)
//			}
//		}
//		if err != nil {
//			write(step.Send) // the refusal, if the peer is to hear one
//			return err
//		}
//	}
//	result := in.Result()
//
// The acceptor's loop has AskStatus (Decide), AskName (Name) and AskReplace (Replaced) in place of AskWanted.
//
// After an error the machine is finished. Step.Send is still to be written, then the connection is to be closed.
//
// Version 6 of the handshake (OTP 23 and later) is spoken by both sides. The acceptor also takes the older 'n'
// message, with the complement 'c' when both can do version 6 and as a whole version 5 exchange when the peer
// cannot. The initiator introduces itself by 'N', or by 'n' if it is told that the peer's EPMD knows version 5 only (StartOld), as
// OTP 23 does; OTP 25 and later never do.
//
// # What the digests protect
//
// Each side draws a random challenge and takes the other's MD5(cookie ++ challenge) as the proof. The protocol
// does not bind a digest to its direction or connection, so a peer without the cookie could have its answers
// made by ourselves, by handing our own challenge back to us on another connection. A [Guard] shared by all
// handshakes of a node refuses that. Nothing after the handshake is authenticated: on an untrusted network
// distribution runs over TLS.
//
// # Dynamic names
//
// A node without a name of its own (erl -sname undefined) introduces itself by its host and the flag NameMe, and is told
// its name and creation in the status (Config.Host, Acceptor.Name).
//
// Sources: Erlang/OTP, erl_dist_protocol.md, "Distribution Handshake"; lib/kernel/src/dist_util.erl of OTP 23
// and 25.
package handshake
