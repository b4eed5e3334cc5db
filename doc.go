// Package erlnode makes a Go program a first-class node of an Erlang cluster: it is found through EPMD, proves itself
// with the cookie, and speaks the distribution protocol with Erlang/OTP and Elixir nodes.
package erlnode
