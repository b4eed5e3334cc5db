// Command demo prints the transcript of a real session: three iex in terminals of their own, typed into and read from the
// screen, with a Go node that runs as a process of its own (erlnode serve).
//
//	make demo
//
// It lives on an EPMD port of its own on which no EPMD runs, so that the Go node embeds one and the iex nodes register
// with it, and in a home folder of its own, whose .erlang.cookie all of them share.
//
// Every line of the transcript came from a terminal or a command, and every line that matters is compared with what it
// must be. The first that is something else ends the demo with status 1 and the name of the step. Read session.go for what
// is typed; transcript.go prints, shell.go and terminal.go do.
package main
