// Package epmd is the Erlang port mapper: the service on every machine, on port 4369, that knows which distribution
// port each node there listens on.
//
// The client side asks ([Lookup], [Names]), registers a node and keeps it registered ([Register]), and speaks
// the operators' requests ([Dump], [Kill], [Stop]). The server side ([Listen]) is an epmd of our own, for
// machines without an Erlang installation. BEAM nodes and the epmd command line use it as they use the
// original.
//
// A node is registered exactly as long as the connection on which it registered stays open.
//
// Sources: Erlang/OTP, erl_dist_protocol.md, "EPMD Protocol"; erts/epmd/src/epmd_srv.c;
// lib/kernel/src/erl_epmd.erl. Where they and the epmd of OTP 25 differ, this package does what that program
// does.
package epmd
