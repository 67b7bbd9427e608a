#!/bin/bash
# The kext linker against the model in tests/model, byte for byte: kexts of four CPUs from the
# test's own builder, and x86_64 kexts from clang and kextld.
. "$(dirname "$0")/lib.sh"

export PYTHONDONTWRITEBYTECODE=1

model()
{
	python3 "$ROOT/tests/model/cases.py" "$@"
}

test_sample_kext()
{
	dummy_kext "$T"
	model --file "$BUILD/tests/linkone" "$T/DummySysctl.kext/Contents/MacOS/DummySysctl"
}

test_cxx_kext()
{
	cat >"$T/kext.cpp" <<-'END'
		extern "C" int printf(const char *, ...);
		extern "C" long kmod_info[25];
		long kmod_info[25] = {1};
		struct Base { virtual ~Base(); virtual int first(); virtual int second(); int n; };
		struct Derived : Base { int second() override; static Base *const self; };
		static Derived derived;
		Base *const Derived::self = &derived;
		int Derived::second() { return printf("%p\n", self) + first(); }
		const char *const names[] = {"a", "b"};
		int (*pointer)(const char *, ...) = printf;
	END
	kext-cc -arch x86_64 -O1 -c -o "$T/kext.o" "$T/kext.cpp"
	kextld -kext -arch x86_64 -o "$T/kext" "$T/kext.o"
	model --file "$BUILD/tests/linkone" "$T/kext"
}

# A reader that is not ours takes the output without complaint.
test_llvm_reads_the_image()
{
	model --write "$T/kexts"
	model --kernel "$T/kernel" "$T/interface"
	"$BUILD/tests/linkone" -o "$T/out" -a 0xffffff7f80e00000 -s -k "$T/kernel" \
		-i "$T/interface" "$T/kexts/patched_pad_x86_64"
	llvm-objdump-14 --macho --private-headers "$T/out" >"$T/headers"
	expect_text "$T/headers" 'vmaddr 0xffffff7f80e00000'
	llvm-nm-14 "$T/out" >"$T/names"
	expect_text "$T/names" '__ZTV3Foo'
}

# Bad input is named by file and offset. The offsets are looked up by llvm-objdump.
test_bad_input_is_located()
{
	local name text offset
	model --write "$T/kexts"
	model --kernel "$T/kernel" "$T/interface"
	while read -r name text; do
		"$BUILD/tests/linkone" -o "$T/out" -a 0xffffff7f80e00000 -k "$T/kernel" \
			-i "$T/interface" "$T/kexts/${name}_x86_64" >"$T/said" 2>&1 &&
			fail "$name links"
		llvm-objdump-14 --macho --private-headers "$T/kexts/${name}_x86_64" >"$T/headers"
		case $text in *symbol*) offset=symoff ;; *external*) offset=extreloff ;;
		*) offset=locreloff ;; esac
		offset=$(awk -v key=$offset '$1 == key { print $2 }' "$T/headers")
		expect_text "$T/said" "$(printf 'offset %#x: %s' "$offset" "$text")"
	done <<-END
		name_beyond_the_strings symbol 0 has its name at string offset 16777215
		section_beyond_the_file symbol 0 (_kmod_info) is in section 200 of 4
		relocation_of_no_symbol external relocation 0
		relocation_far_away external relocation 0 at 0x7ffffff0
		relocation_of_no_section local relocation 0
	END
}

model "$BUILD/tests/linkone" && python3 "$ROOT/tests/model/large.py" "$BUILD/tests/linkone"
status=$?
run_tests && exit $status
