#!/bin/bash
# Completions do complete, and every command answers --version and --help.
. "$(dirname "$0")/lib.sh"

test_bash_completes_options_and_files()
{
	cd "$T"
	touch some.kext other.txt
	# shellcheck disable=SC1090
	. <(kextload --generate-completion bash)
	COMP_WORDS=(kextload --bun) COMP_CWORD=1
	_kextload
	expect_equal "${COMPREPLY[*]}" --bundle-id
	COMP_WORDS=(kextload so) COMP_CWORD=1
	_kextload
	expect_equal "${COMPREPLY[*]}" some.kext
	COMP_WORDS=(kextload --era s) COMP_CWORD=2
	_kextload
	expect_equal "${COMPREPLY[*]}" snowleopard
	COMP_WORDS=(kextload -color '') COMP_CWORD=2
	_kextload
	expect_equal "${COMPREPLY[*]}" "auto always never"
	complete -p kextload | grep -q -- '-F _kextload' || fail "not registered"
}

test_every_command_says_its_version()
{
	local source name
	for source in "$BUILD"/share/completions/bash/*; do
		[ -f "$source" ] || continue
		name=$(basename "$source")
		expect_status 0 "$name" --version
		grep -qE "^$name \(libkext\) [0-9]+\.[0-9]+" "$T/out" || fail "$name: $(cat "$T/out")"
		expect_status 0 "$name" --help
		bash -n "$source" || fail "$source is no bash"
	done
	[ -n "${name:-}" ] || fail "there are no completions"
	expect_status 64 kextload --generate-completion csh
}

# The words of a choice, as zsh's _arguments and fish's complete take them.
test_choices_of_zsh_and_fish()
{
	expect_text <(kextstat --generate-completion zsh) ':(tiger snowleopard modern)'
	expect_text <(kextstat --generate-completion fish) "-x -a 'tiger snowleopard modern'"
	expect_text <(kextstat --generate-completion fish) "-x -a 'auto always never'"
}

run_tests
