// Package interop tests the project's nodes against real Erlang/OTP and Elixir.
//
// Its scenarios are run by a BEAM node against a target on another BEAM node, and at the same time by a second one against
// the same target on a Go node (interop/target): the outcomes must be equal, and what stands in the table. See package otp
// for how nodes are started, and package erl for the Erlang sources.
//
// ERLNODE_OTP says which release is used; make interop OTP=29 gets one. With -short it is a sample of the scenarios.
package interop
