module github.com/erlnode/erlnode/interop/bench

go 1.26

require (
	github.com/ergo-services/ergo v1.999.224
	github.com/erlnode/erlnode v0.0.0
)

replace github.com/erlnode/erlnode => ../..
