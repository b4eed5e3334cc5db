// Package discovery has ways for nodes to find each other that are not the EPMD which package node uses by itself, for
// node.Config.Discovery, and keeps nodes connected.
//
//	node.Config{Discovery: discovery.Port(9100)}                                    // every node listens on that port: -erl_epmd_port
//	node.Config{Discovery: discovery.Static{"b@db": "10.0.0.2:9100"}}               // a table
//	node.Config{Discovery: discovery.Func(lookup)}                                  // whatever you have
//	node.Config{Discovery: discovery.First{table, discovery.EPMD{}}}                // one after the other
//
//	go discovery.StayConnected(ctx, n, discovery.Links{Nodes: []etf.Atom{"b@db"}})  // and again when it is lost
//
// Sources: Erlang/OTP, "How to Implement an Alternative Node Discovery" (alt_disco.md); lib/kernel/src/erl_epmd.erl.
package discovery
