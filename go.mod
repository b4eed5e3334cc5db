module github.com/erlnode/erlnode

go 1.26
