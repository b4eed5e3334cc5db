# Every target does its own set-up. OTP comes from Debian's archive into the user's cache folder, without root and without
# being installed (scripts/get-otp). `make` alone lists the targets.

# The packages with goroutines that share memory, and etf, whose unsafe code the race detector's pointer checks see.
RACE     := ./etf/... ./epmd/... ./dist/... ./node/... ./gen/...
# What is built for other machines too: one with 32 bits, and two that are not Linux.
PORTABLE := . ./etf ./epmd ./handshake ./dist ./node/... ./gen ./cmd/...
FUZZTIME ?= 10s
COUNT    ?= 50000
DURATION ?= 1m
SIM      ?= 100000
OTP      ?=
SHORT    ?=

# Builds do not ask git for the version: git may be missing, or distrust the owner of the checkout.
export GOFLAGS := $(GOFLAGS) -buildvcs=false

phase = @printf '\n== %s\n' '$(1)'

.PHONY: help demo test check race interop matrix fuzz fuzz-otp fuzz-dist soak bench benchstat bench-etf bench-cluster golden sim static
.SILENT:

help:
	echo 'make demo      a real iex session against a Go node, as a transcript'
	echo 'make test      everything: set-up, check, build, tests against real Erlang, race detector'
	echo 'make check     gofmt, go vet, staticcheck, the import table (quick, needs no Erlang)'
	echo 'make race      all tests of the packages that share memory, under the race detector'
	echo 'make interop   the tests against real Erlang and Elixir only; OTP=29 gets that release, SHORT=1 takes a sample of them'
	echo 'make matrix    the same on OTP 25 and 29, and a sample on 23 and 27, side by side; OTP="23 29" on these only'
	echo 'make fuzz      every fuzz target for FUZZTIME=$(FUZZTIME)'
	echo 'make fuzz-otp  COUNT=$(COUNT) random terms each way between etf and OTP, and as many malformed ones; OTP=29 gets that release,'
	echo '               SEED=1 the terms that make test takes'
	echo 'make fuzz-dist COUNT=$(COUNT) random sequences of links, monitors, exits, aliases, names and disconnects, run against a BEAM'
	echo '               node and a Go node and compared; OTP=29 gets that release, SEED=1 says which sequences'
	echo 'make soak      DURATION=$(DURATION) of idle and busy phases between a Go node and three releases, with a net_ticktime of 4 s'
	echo 'make bench     the Go benchmarks'
	echo 'make benchstat BASE=main  the Go benchmarks of that revision and of the files here, run in turn and compared (benchstat);'
	echo '               PKG=./dist/... and BENCH=Call take a part of them, COUNT=10 more runs, BENCHTIME=1s longer ones'
	echo 'make bench-etf the codec against those of OTP 29 and of ergo, side by side'
	echo 'make bench-cluster  calls, floods, streams, lost connections and names between BEAM, Go, ergo and C nodes: about 5 minutes;'
	echo '               WORK=call1,flood PAIR=beam-beam,beam-go take a part, and show what an operation costs each side'
	echo 'make sim       SIM=$(SIM) random schedules for each of the simulated clusters'
	echo 'make golden    makes the golden vectors in testdata/ again, with OTP 23, 25, 27 and 29 (scripts/get-otp)'

demo:
	$(call phase,set-up)
	bin=$$(scripts/setup-otp) && ERLNODE_OTP=$$bin go run ./interop/demo

test: static
	$(call phase,build)
	go build ./...
	GOARCH=386 go build $(PORTABLE)
	GOOS=darwin GOARCH=arm64 go build $(PORTABLE)
	GOOS=windows go build $(PORTABLE)
	$(call phase,test)
	go test -timeout 15m $$(go list ./... | grep -vxF "$$(go list $$(scripts/interop --packages))")
	$(MAKE) --no-print-directory matrix
	$(call phase,codec against OTP)
	$(MAKE) --no-print-directory fuzz-otp SEED=1 OTP=25
	$(MAKE) --no-print-directory race
	$(call phase,the benchmarks still work)
	cd interop/bench && go vet ./... && go test -timeout 5m ./...
	$(call phase,all passed)

check: static
	$(call phase,layers)
	go test -run 'Layers|Doc' .

static:
	$(call phase,gofmt)
	scripts/gofmt
	$(call phase,go vet)
	go vet ./...
	$(call phase,staticcheck)
	go tool -modfile=tools/go.mod staticcheck ./...

race:
	$(call phase,race detector)
	scripts/setup-race
	CGO_ENABLED=1 go test -race -timeout 15m $(RACE)

interop:
	$(call phase,tests against real nodes)
	scripts/interop "$(OTP)" -v $(if $(SHORT),-short)

matrix:
	$(call phase,tests against real nodes)
	scripts/matrix $(OTP)

fuzz:
	scripts/fuzz $(FUZZTIME)

fuzz-otp:
	bin=; [ -z "$(OTP)" ] || bin=$$(scripts/get-otp $(OTP)); go run ./interop/etf -otp "$$bin" -count $(COUNT) $(if $(SEED),-seed $(SEED))

fuzz-dist:
	bin=$$(scripts/setup-otp "$(OTP)") && ERLNODE_OTP=$$bin go run ./interop/sequences -count $(COUNT) $(if $(SEED),-seed $(SEED))

soak:
	bins=$$(scripts/get-otp 25 27 29) && go run ./interop/soak -duration $(DURATION) $$bins

bench-etf:
	bin=$$(scripts/get-otp 29); cd interop/bench && go run . -otp "$$bin"

# The figures and the chart of the last whole run stand beside the program; README shows the chart.
bench-cluster:
	scripts/setup-bench
	bins=$$(scripts/get-otp 29 25 | paste -sd,) && cd interop/bench/cluster && go run . -otp "$$bins" \
		$(if $(WORK)$(PAIR),-cpu -work '$(WORK)' -pair '$(PAIR)',-md -json result.json -svg result.svg)

bench: bench-etf
	go test -run '^$$' -bench . -benchmem ./...

benchstat:
	PKG='$(PKG)' BENCH='$(BENCH)' COUNT='$(if $(filter file,$(origin COUNT)),,$(COUNT))' BENCHTIME='$(BENCHTIME)' scripts/benchstat '$(or $(BASE),main)'

sim:
	go test -timeout 30m -run '^TestSim$$' ./node/pg -sim=$(SIM)
	go test -timeout 60m -run '^TestSimulation$$' ./node/global -sim=$$(($(SIM) / 7 + 1))

golden:
	set -e; for bin in $$(scripts/get-otp 23 25 27 29); do for make in $(wildcard testdata/*/make.sh); do \
		echo "== $$make with $$bin"; ERL_BIN=$$bin "$$make"; done; done
