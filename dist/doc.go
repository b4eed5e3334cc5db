// Package dist is one connection between two nodes, from the end of the handshake to the loss of the link: frames,
// ticks, the atom cache and fragments of what arrives, and every control message in either direction.
//
//	who reads:        socket -> frame -> header (atom cache) -> control tuple -> Signal -> Config.Handle, then Config.Serve
//	senders:          Signal -> frame appended to the pending buffer -> socket (inline when idle, else the writer goroutine)
//
// The parts are values that do no IO and are tested as such: the frame header (header), the atom cache (atomCache), the
// fragment assembler (assembler), the ticker (ticker), and the control messages (Signal with parse and append). Conn is
// the only one that touches a socket, by its carrier. One goroutine at a time reads; whose turn it is can change (Turn, Conn.Await).
//
// A message's payload is never decoded here. It travels as etf.Raw, with the atoms of its header, to whoever receives it.
//
// The facts come from the Erlang Distribution Protocol (erts/doc, "Distribution Protocol"), from
// erts/emulator/beam/dist.c (erts_net_message, erts_dsig_send) and external.c (erts_prepare_dist_ext).
package dist
