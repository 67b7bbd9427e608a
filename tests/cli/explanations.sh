#!/bin/bash
# What is said of kexts that do not link as people's kexts do not: the name as people write
# it, who has it, and what to do.
. "$(dirname "$0")/lib.sh"
export PYTHONDONTWRITEBYTECODE=1

# refused NAME TEXT...: kextutil says all of it of that kext.
refused()
{
	local name=$1 text
	shift
	[ -d "$SUITE/s" ] || python3 "$ROOT/tests/model/failures.py" "$SUITE/s"
	expect_status 4 kextutil -n -e -z -k "$SUITE/s/kernel" -r "$SUITE/s/kexts" \
		"$SUITE/s/kexts/$name.kext"
	for text; do
		expect_text "$T/err" "$text"
	done
}

test_undeclared_library()
{
	refused undeclared '_lck_mtx_lock is not defined by any library in OSBundleLibraries' \
		'com.apple.kpi.libkern 18.7.0 exports it: add that to OSBundleLibraries'
}

test_unknown_name()
{
	refused unknown '_nowhere_at_all' "Nor does any other library that was looked at" \
		'name its folder with -r'
}

test_unknown_method_of_a_known_class()
{
	refused unknown_method '(IOService::newThing(int)) is not defined' \
		'has the class IOService, but no such function in it'
}

test_reserved_to_apple()
{
	refused reserved 'Only com.apple.kpi.private exports it'
}

test_kpi_of_another_kernel()
{
	refused stale 'com.apple.kpi.bsd 18.7.0 lists it, but this kernel does not have it'
}

test_duplicate_names_both()
{
	refused duplicate 'test.duplicate: _f00 is defined here and in test.level0.kext0' \
		'Make it static or hidden'
}

test_library_too_old()
{
	refused too_old 'needs test.level0.kext0 >= 0.5 compatible; found 1.2 whose' \
		'compatible version is 1.0 in' 'ask for 1.2 in OSBundleLibraries'
}

test_superclass_has_grown()
{
	refused grown '(vtable for Foo) has 3 slots' '(vtable for IOService) has 7' \
		'the first it lacks is __ZN9IOService5startEPS_ (IOService::start(IOService*))' \
		'build the kext against the headers of this kernel'
}

test_newer_sdk()
{
	refused newer 'slot 6 of __ZTV3Foo' 'expects __ZN9IOService12futureMethodEv' \
		'has only the reserved __ZN9IOService' 'built against a newer SDK'
}

test_declared_not_implemented()
{
	refused unimplemented 'slot 3 of __ZTV3Foo' \
		'declares __ZN3Foo5startEP9IOService (Foo::start(IOService*)) and does' \
		'Implement the method or drop its declaration'
}

test_superclass_of_no_library()
{
	refused orphan 'the vtable of Foo was not patched' 'its superclass NoClass' \
		'Add the library that defines it'
}

run_tests
