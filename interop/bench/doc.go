// Command bench compares package etf with the codec in the BEAM and with that of ergo-services/ergo, side by side in one
// run: make bench-etf.
//
// It is a module of its own, so that nobody who uses erlnode gets ergo as a dependency.
package main
