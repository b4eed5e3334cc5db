// Command soak keeps a Go node and a BEAM node of each of some OTP releases connected, with a net_ticktime of 4 s, through
// phases in which nothing happens and phases in which a lot does: make soak DURATION=1h. Every connection that is lost is an
// error, whoever says so; so is a message that is.
//
//	go run ./interop/soak -duration 1h $(scripts/get-otp 25 27 29)
package main
