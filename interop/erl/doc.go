// Package erl holds the Erlang sources that the interop tests run on real nodes: harness.erl, which lets a Go program
// drive a node; target*.erl, the BEAM side of the target contract; drive.erl, what the scenarios use to drive a target.
// Package otp compiles them for the OTP it finds.
package erl

import "embed"

// Sources are the .erl files of this folder.
//
//go:embed *.erl
var Sources embed.FS
