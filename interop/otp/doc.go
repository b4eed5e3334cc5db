// Package otp starts real Erlang and Elixir for tests and demonstrations, and drives them: nodes without a shell that
// evaluate expressions ([Node]), a real iex in a terminal ([IEx]), and a private port mapper ([EPMD]).
//
// Everything has two entrances. Tests write
//
//	a := otp.Find(t).Erl(t, otp.Options{Name: "a"})
//	a.Eval(t, "node().")
//
// and are skipped where there is no Erlang (failed under OTP_INTEROP=require); a failure shows what was asked and what
// the node logged, and whatever was started is gone when the test ends. Programs use [Lookup], [Install.StartErl] and
// so on, which return errors, and call Close themselves.
//
// Each thing started has its own home folder, and by Options its own cookie and EPMD port. Nothing outlives this
// process, even if that is killed: nodes halt when the pipe to it closes, the rest is watched by a guard.
//
// The package works on Unix systems.
package otp
