// Package interop tests the project's nodes against real Erlang/OTP and Elixir.
//
// Its scenarios are run by a BEAM node against a target on another BEAM node, and against the same target on a Go node
// (interop/target); both must give the outcome that stands in the table. See package otp for how nodes are started,
// and package erl for the Erlang sources.
package interop
