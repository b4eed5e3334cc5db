// Command etf compares package etf with OTP, term by term: make fuzz-otp. It runs oracle.erl in a BEAM node and talks
// with it over a pipe, in packets of many terms.
//
//   - encode: random terms from Go are decoded by OTP, which sends them back with their hash.
//   - decode: random terms from OTP are decoded by Go, and must come out of it as the same bytes with the same hash.
//   - mutate: random and golden bytes with random faults. Both accept them, as the same term, or both refuse them; what
//     they are known to differ in is the list in known.go.
//
// A mutated term may take a BEAM node down. Then a new one is started and the terms of the packet go one by one.
package main
