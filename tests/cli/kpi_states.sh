#!/bin/bash
# The states of symbols in kext-kpi(7) are true.
. "$(dirname "$0")/lib.sh"

test_states_in_the_manual()
{
	"$ROOT/scripts/kpi-coverage" --check
}

run_tests
