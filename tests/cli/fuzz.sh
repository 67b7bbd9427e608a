#!/bin/bash
# Replays every fuzz target over seeds built here and a fixed set of mutants of them.
. "$(dirname "$0")/lib.sh"

for source in "$ROOT"/tests/fuzz/fuzz_*.c; do
	name=$(basename "$source" .c)
	eval "test_$name() { replay ${name#fuzz_}; }"
done

replay()
{
	[ -d "$SUITE/seeds" ] || "$ROOT/tests/fuzz/seeds" "$SUITE/seeds" || fail "no seeds"
	ls "$SUITE/seeds/$1"/* >/dev/null || fail "fuzz_$1 has no seed"
	timeout 100 "$BUILD/tests/replay_$1" 400 "$SUITE/seeds/$1"/* || fail "fuzz_$1 died"
}

run_tests
