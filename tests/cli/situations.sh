#!/bin/bash
# Which test shows which of the situations that libkern's runtime is to master, by their numbers:
# checks of tests/kexts/LibkernTests, SCRIPT:TEST of tests/cli, and tests of test_kernel_kmod. What
# is named here exists.
. "$(dirname "$0")/lib.sh"

situations()
{
	cat <<-'END'
		1 new_has_one_reference new_is_zeroed new_is_counted superclass_counts_the_first_alone
		2 second_instance_counts superclass_waits_for_the_last counts_return
		3 alloc_of_abstract alloc_of_unknown
		4 alloc_by_name allocated_wants_init
		5 count_sticks_at_65534 pegged_is_never_freed
		6 release_2_of_3_keeps release_2_of_2_frees release_of_a_freed_is_ignored
		7 cxx:test_releasing_a_member
		8 plain_release_beside_a_tag cxx:test_releasing_a_member
		9 cxx:test_retain_in_free release_of_a_freed_is_ignored
		10 boolean_is_not_counted
		11 cxx:test_many_classes
		12 cxx:test_duplicate_class
		13 lifecycle:test_null_entry
		14 cxx:test_instances_refuse_unloading cxx:test_a_class_goes_with_its_kext
		15 cxx:test_subclass_in_another_kext
		16 cxx:test_symbol_outlives_its_bytes symbol_outlives_its_bytes
		17 symbol_is_unique symbol_unseen
		18 symbol_equals_string string_equals_symbol
		19 data_equals_string_without_nul string_wants_the_nul data_equals_string_with_nul string_equals_data_with_nul
		20 borrowed_append_fails borrowed_capacity data_ranges
		21 data_prefix
		22 dealloc_function dealloc_of_nothing
		23 number_is_cut number_wraps number_of_65_bits number_equality_is_by_value
		24 array_first_growth array_insert_outside
		25 iterator_first iterator_invalid iterator_reset
		26 dictionary_order sorting_sorts sorted_look_ups
		27 options_reach_members copy_is_mutable cxx:test_changing_an_immutable_collection
		28 copy_contains_itself copy_shares_alike copy_shares_leaves
		29 set_repetition set_merge ordered_by_priority
		30 text_of_dictionary text_of_reference
		31 text_of_string text_of_wide_number
		32 round_trip_text round_trip_binary binary_bytes
		33 read_negative read_size refuse_upper_prefix refuse_upper_case read_hexadecimal
		34 read_reference forward_reference
		35 refuse_duplicate_key refuse_blank_in_tag read_rest_is_ignored refuse_nothing
		36 truncated_is_refused truncated_leaves_nothing
		37 lifecycle:test_start_fails cxx:test_failing_start failed_start_drops_requests
		38 lifecycle:test_stop_fails cxx:test_failing_stop
		39 autounload:test_load_tags autounload:test_retained_and_released
		40 lifecycle:test_request_in_flight resources_come_back unanswered_request_times_out
		41 lifecycle:test_loaded_kext_info
		42 lifecycle:test_kmod_list
		43 lifecycle:test_current_tag_and_identifier
		44 dispatch_is_unsupported
		45 add_nothing fresh_length
	END
}

# is_there NAME
is_there()
{
	case $1 in
	*:*) grep -qx "${1#*:}()" "$ROOT/tests/cli/${1%:*}.sh" ;;
	*) grep -qE "CHECK\(\"$1\"|^static void $1\(void" "$ROOT"/tests/kexts/LibkernTests/*.cpp \
		"$ROOT/tests/unit/test_kernel_kmod.c" ;;
	esac
}

test_each_has_its_test()
{
	situations >"$T/situations"
	expect_equal "$(cut -d' ' -f1 "$T/situations" | paste -sd,)" "$(seq -s, 45)"
	local name
	for name in $(cut -d' ' -f2- "$T/situations"); do
		is_there "$name" || fail "there is no $name"
	done
}

run_tests
