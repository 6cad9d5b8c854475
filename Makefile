SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := build

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS := -X github.com/klatch-chat/klatch/cli.linkedVersion=$(VERSION)
STATICCHECK := go tool staticcheck

# The short ones.

.PHONY: run build test check web docs vuln bench setup
run: build
	@exec bin/klatch serve

build:
	@go build -ldflags '$(LDFLAGS)' -o bin/klatch ./cli/klatch

test: setup check web
	@go test -race -timeout 20m ./...

# The page's own checks: types, unit tests, and that web/dist is what web/src makes.
web:
	@log=$$(mktemp)
	trap 'rm -f "$$log"' EXIT
	npm --prefix web ci --no-audit --no-fund >"$$log" 2>&1 || { cat "$$log" >&2; exit 1; }
	for script in check test verify-dist; do
		npm --prefix web run -s "$$script" >"$$log" 2>&1 || { cat "$$log" >&2; exit 1; }
	done

check:
	@unformatted=$$(find . -name node_modules -prune -o -name '*.go' -print0 | xargs -0 gofmt -l)
	if [ -n "$$unformatted" ]; then
		printf 'not formatted, run gofmt -w on:\n%s\n' "$$unformatted" >&2
		exit 1
	fi
	go vet ./...
	go vet -tags nemesis ./cli/klatch
	$(STATICCHECK) ./...

# The pages of docs that are made of the code; a test fails when they are stale.
docs:
	@go test ./engine/api -run 'Restate|Reference' -update
	go test ./cli -run TestDocsAreGenerated -docs.update

# Known holes in what we use, by the Go team's list. It says so where it cannot
# reach the module proxy or that list: then nothing is known.
vuln:
	@log=$$(mktemp)
	trap 'rm -f "$$log"' EXIT
	code=0
	go run golang.org/x/vuln/cmd/govulncheck@latest ./... >"$$log" 2>&1 || code=$$?
	cat "$$log"
	if ! grep -Eq 'No vulnerabilities found|affected by [0-9]+ vulnerabilit' "$$log"; then
		echo "govulncheck could not do its work here: nothing is known about vulnerabilities" >&2
		exit 1
	fi
	exit $$code

bench:
	@go test -run '^$$' -bench . -benchmem -timeout 60m ./...

# What the tests need beside go: a C compiler for the race detector, a browser for
# the web client's tests, the load balancers that clusters are tested behind, and
# wrk, whose report bench/peers reads.
# Silent when all are there.
BROWSERS := chromium chromium-browser headless_shell headless-shell google-chrome google-chrome-stable

setup:
	@command -v npm >/dev/null || { echo "the tests of the page and of Socket.IO need Node.js 20 or later, with npm: install it" >&2; exit 1; }
	command -v "$$(go env CC)" >/dev/null || { echo "the race detector needs a C compiler: install gcc" >&2; exit 1; }
	PATH=$$PATH:/usr/sbin
	missing=(chromium)
	for browser in $(BROWSERS); do ! command -v "$$browser" >/dev/null || missing=(); done
	balancers=()
	for balancer in haproxy nginx; do command -v "$$balancer" >/dev/null || balancers+=("$$balancer"); done
	missing+=("$${balancers[@]}")
	command -v wrk >/dev/null || missing+=(wrk)
	[ "$${#missing[@]}" -gt 0 ] || exit 0
	sudo=
	if [ "$$(id -u)" != 0 ]; then
		sudo=sudo
		command -v sudo >/dev/null || { echo "the tests need $${missing[*]}: install that, or run this as root" >&2; exit 1; }
	fi
	command -v apt-get >/dev/null || { echo "the tests need $${missing[*]}, and there is no apt-get to install that with" >&2; exit 1; }
	log=$$(mktemp)
	trap 'rm -f "$$log"' EXIT
	echo "installing $${missing[*]} for the tests" >&2
	{ $$sudo apt-get update -q && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$${missing[@]}"; } >"$$log" 2>&1 || { cat "$$log" >&2; exit 1; }
	# Debian's packages start a service; the tests start processes of their own.
	[ ! -d /run/systemd/system ] || for balancer in "$${balancers[@]}"; do $$sudo systemctl disable --now -q "$$balancer"; done

# The long ones, for before a release.

.PHONY: check-model check-crash check-history check-queries check-stale check-load check-soak check-nemesis check-recovery bench-peers fuzz
check-model:
	@go test ./storage -run TestModel -storage.histories 12000 -timeout 60m

check-crash:
	@go test ./cli -run TestI1KillNine -crash.rounds 100 -timeout 60m
	go test ./storage -run 'Crash|DiskErrors' -storage.rounds 1000 -timeout 60m

check-history:
	@go test ./storage -run TestDeepHistory -storage.deep 1000000 -timeout 60m -v

# Readers through the caches, of one node and of three, against what the uncached
# path says after each write: a million answers that went the way of the cache.
check-stale:
	@go test ./cli -run TestI8NeverStale -stale.answers 500000 -timeout 60m -v

# What each route costs in a store of a million messages, by Pebble's own counters.
check-queries:
	@go test ./cli -run TestQueryCosts -queries.rooms 1000 -queries.messages 1000000 -timeout 60m -v

# 1,000 users at 200 posts a second; then 500 users in one room with and without
# one who does not read, in turns, so that a noisy machine troubles both.
STALL := --users 500 --rooms 1 --rate 20 --body 12000 --duration 25s
check-load: build
	@for i in 1 2 3; do bin/klatch bench rooms; done
	for i in 1 2 3; do
		bin/klatch bench $(STALL) hall
		bin/klatch bench $(STALL) --stalled 1 hall
	done

# Clients that misbehave, for ten minutes: the server ends where it began.
check-soak:
	@go test ./cli -run TestSoak -soak.duration 10m -timeout 30m -v

# A cluster under faults of every sort, for half an hour and at least 200 of
# them; writes docs/nemesis.md. As root each node has a network namespace of its own.
check-nemesis:
	@go test ./bench/nemesis -run TestNemesis -nemesis.concern all -nemesis.time 30m -nemesis.faults 200 -nemesis.report $(CURDIR)/docs/nemesis.md -timeout 90m -v

# 1,000 clients of Socket.IO that come back to any node of a cluster whose nodes are
# killed, for ten minutes; writes docs/recovery.md.
check-recovery:
	@go test ./cli -run TestI5RecoveryUnderFire -recovery.time 10m -recovery.report $(CURDIR)/docs/recovery.md -timeout 30m -v

# klatch and its peers under the same loads, by turns (go run ./bench/peers -h
# tells of PEERS, such as PEERS='--rounds 5 rooms hall'). First it installs the
# peers where they are missing, and sees that each works.
PEERS ?=

bench-peers: build
	@missing=()
	command -v node >/dev/null && command -v npm >/dev/null || { echo "the peers need Node.js 20 or later, with npm: install it" >&2; exit 1; }
	for tool in redis-server wrk; do command -v "$$tool" >/dev/null || missing+=("$$tool"); done
	compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || command -v postgres >/dev/null || missing+=(postgresql)
	log=$$(mktemp)
	trap 'rm -f "$$log"' EXIT
	if [ "$${#missing[@]}" -gt 0 ]; then
		sudo=
		[ "$$(id -u)" = 0 ] || sudo=sudo
		echo "installing $${missing[*]} for the peers" >&2
		{ $$sudo apt-get update -q && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$${missing[@]}"; } >"$$log" 2>&1 || { cat "$$log" >&2; exit 1; }
	fi
	for peer in socketio express; do
		npm --prefix "bench/peers/$$peer" ci --ignore-scripts --no-audit --no-fund >"$$log" 2>&1 || { cat "$$log" >&2; exit 1; }
	done
	go run ./bench/peers --klatch bin/klatch --check >&2
	go run ./bench/peers --klatch bin/klatch $(PEERS)

# Every fuzz target of every package for FUZZTIME, one after the other. A target
# that fails prints its log and the others still run. Go before 1.27 now and then
# calls the end of the time a failure (go.dev/issue/75804): that is none.
FUZZTIME ?= 5m

fuzz:
	@list=$$(go test -list '^Fuzz' ./...)
	log=$$(mktemp)
	trap 'rm -f "$$log"' EXIT
	failed=0
	while read -r pkg target; do
		if go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x -timeout 0 "$$pkg" >"$$log" 2>&1 </dev/null; then
			echo "ok    $$pkg $$target"
		elif grep -A1 '^--- FAIL' "$$log" | grep -q '^ *context deadline exceeded$$' && ! grep -q 'Failing input' "$$log"; then
			echo "ok    $$pkg $$target"
		else
			echo "FAIL  $$pkg $$target"
			cat "$$log"
			failed=1
		fi
	done < <(awk '/^Fuzz/ { names[++n] = $$1; next } $$1 == "ok" || $$1 == "?" { for (i = 1; i <= n; i++) print $$2, names[i]; n = 0 }' <<<"$$list")
	exit $$failed
