#!/bin/bash
# Replays every fuzz target over seeds built here and a fixed set of mutants of them.
# Where seeds are many, mutants of each are few.
. "$(dirname "$0")/lib.sh"

for source in "$ROOT"/tests/fuzz/fuzz_*.c; do
	name=$(basename "$source" .c)
	eval "test_$name() { replay ${name#fuzz_}; }"
done

replay()
{
	[ -d "$SUITE/seeds" ] || "$ROOT/tests/fuzz/seeds" "$SUITE/seeds" || fail "no seeds"
	local count mutants
	count=$(find "$SUITE/seeds/$1" -type f | wc -l)
	[ "$count" != 0 ] || fail "fuzz_$1 has no seed"
	mutants=$((20000 / count))
	[ $mutants -lt 400 ] || mutants=400
	timeout 100 "$BUILD/tests/replay_$1" $mutants "$SUITE/seeds/$1"/* || fail "fuzz_$1 died"
}

run_tests
