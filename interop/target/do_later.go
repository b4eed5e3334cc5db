package main

import "github.com/erlnode/erlnode/etf"

// The commands whose services this project does not have yet: each raises undef, as calling a function that does not exist
// does. They come with the issue on the cluster.
var laterCommands = map[signature]command{
	{"global_register", 1}:   notYet,
	{"global_unregister", 1}: notYet,
	{"global_whereis", 1}:    notYet,
	{"global_names", atom}:   notYet,
	{"global_set_lock", 3}:   notYet,
	{"global_del_lock", 2}:   notYet,
}

func notYet(*puppet, []etf.Term) (any, error) { return nil, errUndef }
