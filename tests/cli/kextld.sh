#!/bin/bash
# kextld and kext-cc: objects and archives of clang and LLVM's tools are linked, and the
# results examined by the LLVM tools and by kext_image.py, which knows the format by itself.
. "$(dirname "$0")/lib.sh"
HERE=$(realpath "$(dirname "$0")")
CC="clang-14 --target=x86_64-apple-macosx10.15 -mkernel"
KEXT_CXX="-fapple-kext -fno-rtti -fno-exceptions -nostdinc -nostdinc++"

# compile NAME.c|.cpp|.s [FLAG…] <<< source: makes $T/NAME.o
compile()
{
	local file=$1
	shift
	cat >"$T/$file"
	# shellcheck disable=SC2086
	case $file in
	*.s) clang-14 --target=x86_64-apple-macosx10.15 -c "$T/$file" -o "$T/${file%.*}.o" ;;
	*.cpp) $CC $KEXT_CXX "$@" -c "$T/$file" -o "$T/${file%.*}.o" 2>"$T/clang.err" ;;
	*) $CC "$@" -c "$T/$file" -o "$T/${file%.*}.o" ;;
	esac || fail "$file does not compile: $(cat "$T/clang.err" 2>/dev/null)"
}

# link ARG…: into $T/Foo; what LLVM's tools complain about is a failure too.
link()
{
	(cd "$T" && kextld -kext -arch x86_64 -o Foo "$@") 2>"$T/err" ||
		fail "kextld $*: $(cat "$T/err")"
	llvm-objdump-14 --macho --private-headers -r -d "$T/Foo" >"$T/objdump" 2>"$T/llvm" ||
		fail "llvm-objdump: $(cat "$T/llvm")"
	llvm-nm-14 -m "$T/Foo" >"$T/nm" 2>>"$T/llvm" || fail "llvm-nm: $(cat "$T/llvm")"
	llvm-otool-14 -rvlI "$T/Foo" >"$T/otool" 2>>"$T/llvm" ||
		fail "llvm-otool: $(cat "$T/llvm")"
	[ ! -s "$T/llvm" ] || fail "LLVM complains: $(cat "$T/llvm")"
}

# holds EXPRESSION…: of $T/Foo, see kext_image.py.
holds()
{
	python3 "$HERE/kext_image.py" "$T/Foo" "$@" || fail "the image is not as expected"
}

# refuses TEXT ARG…: status 1, the text on stderr, no output.
refuses()
{
	local text=$1
	shift
	rm -f "$T/Foo"
	(cd "$T" && expect_status 1 kextld -kext -o Foo "$@") || exit 1
	expect_text "$T/err" "$text"
	[ ! -e "$T/Foo" ] || fail "there is an output"
}

# Every kind of relocation that x86_64 has; each instruction has a label of its own, so that
# the place of its field is known: opcode and modrm first.
test_every_relocation_kind()
{
	local kind
	compile a.s <<-'END'
		.globl _call_out, _call_in, _signed0, _signed1, _signed2, _signed4, _local1
		.globl _got_load, _got_local, _got_compare, _got_push, _string, _jump, _data, _table
		_call_out: call _outside
		_jump: jne _outside
		_call_in: call _other+2
		_signed0: leaq _data(%rip), %rax
		_signed1: movb $0x11, _data(%rip)
		_signed2: movw $0x1122, _data(%rip)
		_signed4: movl $0x11223344, _data(%rip)
		_local1: movb $0x11, _hidden+1(%rip)
		_got_load: movq _outside_data@GOTPCREL(%rip), %rax
		_got_local: movq _data@GOTPCREL(%rip), %rcx
		_got_compare: cmpq _outside_data@GOTPCREL(%rip), %rax
		_got_push: pushq _hidden@GOTPCREL(%rip)
		_string: leaq L_text(%rip), %rdi
		ret
		.section __TEXT,__cstring,cstring_literals
		L_other: .asciz "first"
		L_text: .asciz "second"
		.data
		.p2align 3
		_data: .space 16
		_table:
		.quad _other + 2
		.quad _outside
		.quad _outside_data + 24
		.quad _signed4 - _call_out
		.long _signed4 - _call_out
		.long _data - _call_in + 7
		.quad L_text
		.quad L_other
		.quad 0x123456789a
		.quad _absolute + 1
		.zerofill __DATA,__bss,_hidden,16,4
		.subsections_via_symbols
	END
	compile b.s <<-'END'
		.globl _other, _kmod_info, _absolute
		_absolute = 0x7000
		.space 3, 0x90
		_other: nop
		nop
		ret
		.data
		_kmod_info: .space 196
	END
	# All of them are there, or the test tests less than it says.
	for kind in BRANCH GOT_LD 'GOT ' SUB UNSIGND 'SIGNED ' SIGNED1 SIGNED2 SIGNED4; do
		llvm-objdump-14 --macho -r "$T/a.o" | grep -q " $kind" || fail "no $kind in a.o"
	done
	link a.o b.o
	holds 'k.external[k.at("_call_out") + 1] == ("_outside", 2, 2, 1)' \
		'k.external[k.at("_jump") + 2] == ("_outside", 2, 2, 1)' \
		'k.leads(k.at("_call_in") + 1) == k.at("_other") + 2' \
		'k.leads(k.at("_signed0") + 3) == k.at("_data")' \
		'k.leads(k.at("_signed1") + 2, 1) == k.at("_data")' \
		'k.leads(k.at("_signed2") + 3, 2) == k.at("_data")' \
		'k.leads(k.at("_signed4") + 2, 4) == k.at("_data")' \
		'k.leads(k.at("_local1") + 2, 1) == k.at("_hidden") + 1' \
		'k.external[k.leads(k.at("_got_load") + 3)] == ("_outside_data", 0, 3, 0)' \
		'k.leads(k.at("_got_load") + 3) == k.leads(k.at("_got_compare") + 3)' \
		'k.u8(k.at("_got_load") + 1) == 0x8b and k.u8(k.at("_got_local") + 1) == 0x8d' \
		'k.leads(k.at("_got_local") + 3) == k.at("_data")' \
		'k.u64(k.leads(k.at("_got_push") + 2)) == k.at("_hidden")' \
		'k.leads(k.at("_got_push") + 2) in k.local' \
		'k.section("__DATA,__got")["size"] == 16' \
		'k.text(k.leads(k.at("_string") + 3)) == "second"'
	# The table's words, by their offsets.
	holds 'k.u64(k.at("_table")) == k.at("_other") + 2' \
		'k.local[k.at("_table")] == k.sections.index(k.section("__TEXT,__text")) + 1' \
		'k.external[k.at("_table") + 8] == ("_outside", 0, 3, 0)' \
		'k.external[k.at("_table") + 16] == ("_outside_data", 0, 3, 0)' \
		'k.u64(k.at("_table") + 16) == 24' \
		'k.u64(k.at("_table") + 24) == k.at("_signed4") - k.at("_call_out")' \
		'k.u32(k.at("_table") + 32) == k.at("_signed4") - k.at("_call_out")' \
		'k.u32(k.at("_table") + 36) == k.at("_data") - k.at("_call_in") + 7' \
		'k.text(k.u64(k.at("_table") + 40)) == "second"' \
		'k.text(k.u64(k.at("_table") + 48)) == "first"' \
		'k.u64(k.at("_table") + 56) == 0x123456789a' \
		'k.u64(k.at("_table") + 64) == 0x7001 and k.value["_absolute"] == 0x7000' \
		'len(k.external) == 5 and len(k.local) == 4'
}

# A base class of the kernel, a derived one with overrides, constructors and destructors.
test_cplusplus()
{
	compile m.cpp -O1 <<-'END'
		struct Base { virtual int a(); virtual int b(); virtual ~Base(); static int count; };
		struct Derived : Base {
			Derived(int); virtual int b(); virtual int own() { return v; } int v;
		};
		int Derived::b() { return Base::b() + 1; }
		Derived::Derived(int x) : v(x) {}
		extern "C" int value();
		Derived object(value());
		int use(Base *base) { return base->a() + object.own() + Base::count; }
		extern "C" { struct { char c[196]; } kmod_info = {{1}}; }
	END
	link m.o
	# Two words of 0, then slots: a is inherited, b overridden, two destructors, own.
	holds 'k.u64(k.at("__ZTV7Derived")) == k.u64(k.at("__ZTV7Derived") + 8) == 0' \
		'k.external[k.at("__ZTV7Derived") + 16][0] == "__ZN4Base1aEv"' \
		'k.u64(k.at("__ZTV7Derived") + 24) == k.at("__ZN7Derived1bEv")' \
		'k.at("__ZTV7Derived") + 24 in k.local' \
		'k.u64(k.at("__ZTV7Derived") + 48) == k.at("__ZN7Derived3ownEv")' \
		'k.kind["__ZTV7Derived"][1] == "__DATA,__const"' \
		'k.section("__DATA,__mod_init_func")["flags"] == 9' \
		'k.section("__DATA,__mod_init_func")["address"] in k.local' \
		'k.section("__DATA,__mod_term_func")["flags"] == 10' \
		'k.section("__DATA,__mod_term_func")["size"] == 8' \
		'[s["name"] for s in k.sections if s["segment"]["name"] == "__DATA"][:4] == ["__got", "__const", "__mod_init_func", "__mod_term_func"]' \
		'set(n for n, *_ in k.external.values()) == {"__ZN4Base1aEv", "__ZN4BaseD2Ev", "__ZN4Base5countE", "__ZTV4Base", "__ZdlPv", "_value"}'
}

# The same template in two objects: one copy stays, whichever object refers to it.
test_weak_definitions()
{
	local name
	for name in one two; do
		# -mkernel would make every copy a file's own.
		CC="clang-14 --target=x86_64-apple-macosx10.15" \
			KEXT_CXX="-fno-rtti -fno-exceptions -nostdinc" compile $name.cpp -O0 <<-END
			template <class T> struct Box {
				static T value;
				static T get() { return value; }
				virtual T method() { return value + 1; }
			};
			template <class T> T Box<T>::value = 7;
			extern "C" int $name() { Box<int> b; return Box<int>::get() + b.method(); }
			void *address_of_$name() { return (void *)&Box<int>::get; }
		END
	done
	expect_equal "$(llvm-nm-14 -m "$T/one.o" | grep -c 'weak external __ZN3Box')" \
		"$(llvm-nm-14 -m "$T/two.o" | grep -c 'weak external __ZN3Box')"
	llvm-nm-14 -m "$T/one.o" | grep -q 'weak external __ZN3BoxIiE3getEv' ||
		fail "the compiler made no weak definition"
	link one.o two.o
	expect_equal "$(grep -c '__ZN3BoxIiE3getEv' "$T/nm")" 1
	holds 'k.section("__DATA,__data")["size"] == 4 and k.u32(k.at("__ZN3BoxIiE5valueE")) == 7' \
		'k.kind["__ZN3BoxIiE3getEv"][0] == 0xf and k.kind["__ZTV3BoxIiE"][0] == 0x1e' \
		'k.section("__DATA,__const")["size"] == 24'
	# A strong definition wins over a weak one that came first.
	compile w.s <<-'END'
		.globl _chosen, _ask
		.weak_definition _chosen
		_chosen: movl $1, %eax
		ret
		_ask: call _chosen
		.subsections_via_symbols
	END
	compile s.s <<-'END'
		.globl _chosen
		_chosen: movl $2, %eax
		ret
	END
	link w.o s.o
	holds 'k.u8(k.leads(k.at("_ask") + 1)) == 0xb8 and k.u32(k.leads(k.at("_ask") + 1) + 1) == 2' \
		'k.section("__TEXT,__text")["size"] < 24'
	# A reference into a copy follows the symbol, here from an object kept whole.
	compile p.s <<-'END'
		.globl _shared, _via
		.weak_definition _shared
		_shared: .byte 0xcc
		L_inner: .byte 0xc3
		_via: call L_inner
	END
	sed 's/_via/_via_too/; s/0xcc/0xcd/' "$T/p.s" | compile q.s
	link p.o q.o
	holds 'k.leads(k.at("_via") + 1) == k.at("_shared") + 1' \
		'k.u8(k.at("_shared")) == 0xcc' \
		'k.leads(k.at("_via_too") + 1) == k.at("_shared") + 1'
}

test_commons_and_zero_fill()
{
	compile a.c -fcommon <<<'int shared; char wide[100]; static int bss; int *f(void) { return &bss; }'
	compile b.c -fcommon <<<'long long shared; int defined; int *p = &defined;'
	compile c.c <<<'int defined = 9; struct { char c[196]; } kmod_info = {{1}};'
	link a.o b.o c.o
	holds 'k.kind["_shared"][1] == "__DATA,__common" and k.at("_shared") % 8 == 0' \
		'k.section("__DATA,__common")["flags"] == 1' \
		'k.kind["_defined"][1] == "__DATA,__data" and k.u64(k.at("_p")) == k.at("_defined")' \
		'k.u32(k.at("_defined")) == 9' \
		'k.sections[-1]["flags"] == 1 and k.sections[-2]["flags"] == 1'
}

# Only wanted members come in, from archives of either kind, wherever they stand.
test_archives()
{
	local kind
	compile main.c <<<'int first(void); int start(void) { return first(); } struct { char c[196]; } kmod_info = {{1}};'
	compile a_member_with_a_long_name.c <<<'int second(void); int first(void) { return second(); }'
	compile second.c <<<'int second(void) { return 2; }'
	compile unwanted.c <<<'int unwanted(void) { return missing_function(); } ' -Wno-implicit-function-declaration
	cd "$T" || exit 1
	local members=(unwanted.o second.o a_member_with_a_long_name.o)
	llvm-ar-14 --format=darwin rcs libdarwin.a "${members[@]}" || fail "llvm-ar"
	llvm-ar-14 --format=darwin rcS libbare.a "${members[@]}" || fail "llvm-ar"
	llvm-ar-14 --format=bsd rcs libbsd.a "${members[@]}" || fail "llvm-ar"
	llvm-ar-14 --format=gnu rcs libgnu.a "${members[@]}" || fail "llvm-ar"
	ar rcS libbinutils.a "${members[@]}" || fail "ar"
	for kind in darwin bare bsd gnu binutils; do
		link main.o -L. "-l$kind"
		cp Foo last
		link "-l$kind" -L . main.o
		cmp Foo last || fail "the order of the command line matters ($kind)"
		holds '"_second" in k.kind' '"_unwanted" not in k.kind' 'not k.external'
		link "./lib$kind.a" main.o
		cmp Foo last || fail "by path it is another kext ($kind)"
		link -all_load main.o "-l$kind" -L.
		holds '"_unwanted" in k.kind and k.kind["_missing_function"][0] == 1'
		# Named twice it is one library: nothing is defined twice.
		link -force_load "lib$kind.a" "lib$kind.a" main.o
		cmp Foo last && fail "-force_load loads nothing ($kind)"
		link "lib$kind.a" -force_load "lib$kind.a" main.o
		holds '"_unwanted" in k.kind'
		link -u _unwanted "-l$kind" -L. main.o
		holds '"_unwanted" in k.kind'
	done
	ar rcS libfirst.a a_member_with_a_long_name.o || fail "ar"
	ar rcS libsecond.a second.o || fail "ar"
	link -L. -lsecond -lfirst main.o
	holds '"_second" in k.kind and not k.external'
}

test_literals_are_shared()
{
	compile a.c <<<'const char *a = "the same text", *b = "only in a";'
	compile b.c <<<'const char *c = "the same text"; struct { char c[196]; } kmod_info = {{1}};'
	link a.o b.o
	holds 'k.u64(k.at("_a")) == k.u64(k.at("_c"))' 'k.text(k.u64(k.at("_b"))) == "only in a"' \
		'k.text(k.u64(k.at("_c"))) == "the same text"' \
		'k.section("__TEXT,__cstring")["size"] == len("the same text") + len("only in a") + 2'
}

test_debug_and_unwinding_are_dropped()
{
	compile a.c -g -funwind-tables <<<'int f(int x) { return x; } struct { char c[196]; } kmod_info = {{1}};'
	llvm-otool-14 -l "$T/a.o" | grep -q __debug_info || fail "there is no debug information"
	link a.o
	holds '[k.title(s) for s in k.sections] == ["__TEXT,__text", "__DATA,__data"]'
}

test_symbol_visibility()
{
	compile a.c <<-'END'
		__attribute__((visibility("hidden"))) int hidden(void) { return 1; }
		int shown(void) { return 2; }
		int other(void) { return hidden() + shown(); }
		static __attribute__((used)) int internal(void) { return 3; }
		struct { char c[196]; } kmod_info = {{1}};
	END
	link a.o
	holds 'k.kind["_hidden"][0] == 0x1e and k.kind["_shown"][0] == 0xf' \
		'k.kind["_internal"][0] == 0xe'
	link -x a.o
	holds '"_hidden" not in k.kind and "_internal" not in k.kind'
	printf '# names\n_sh*\n  _kmod_info \n' >"$T/list"
	link -exported_symbols_list list a.o
	holds 'k.kind["_shown"][0] == 0xf and k.kind["_other"][0] == 0x1e' \
		'k.kind["_kmod_info"][0] == 0xf'
	printf '_other\n' >"$T/list"
	link -unexported_symbols_list list a.o
	holds 'k.kind["_shown"][0] == 0xf and k.kind["_other"][0] == 0x1e'
}

test_dead_strip()
{
	compile a.c <<-'END'
		__attribute__((visibility("hidden"))) int unused(void) { return 1; }
		__attribute__((visibility("hidden"))) int used(void) { return 2; }
		__attribute__((visibility("hidden"))) int kept[2] __attribute__((used)) = {5, 6};
		int shown(void) { return used(); }
		struct { char c[196]; } kmod_info = {{1}};
	END
	link a.o
	holds '"_unused" in k.kind'
	link -dead_strip a.o
	holds '"_unused" not in k.kind and "_used" in k.kind and "_shown" in k.kind' \
		'"_kept" in k.kind and "_kmod_info" in k.kind'
}

test_same_input_same_bytes()
{
	compile a.c <<<'extern int o; int f(void) { return o; } struct { char c[196]; } kmod_info = {{1}};'
	link a.o
	cp "$T/Foo" "$T/first"
	mkdir "$T/elsewhere" || fail "mkdir"
	cp "$T/a.o" "$T/elsewhere/renamed.o" || fail "cp"
	link elsewhere/renamed.o
	cmp "$T/Foo" "$T/first" || fail "the same content differs"
	compile a.c <<<'extern int o; int f(void) { return o + 1; } struct { char c[196]; } kmod_info = {{1}};'
	link a.o
	expect_equal "$(cmp -s "$T/Foo" "$T/first" && echo same)" ""
	[ "$(grep uuid "$T/objdump")" != "$(llvm-objdump-14 --macho --private-headers "$T/first" | grep uuid)" ] ||
		fail "another content has the same UUID"
	link -source_version 1.2.3 a.o
	expect_text "$T/objdump" "version 1.2.3"
	expect_equal "$(stat -c %a "$T/Foo")" 755
}

test_driver_command_lines()
{
	local flags
	compile a.c <<<'int outside(void); int f(void) { return outside(); } struct { char c[196]; } kmod_info = {{1}};'
	for flags in "-nostdlib -Xlinker -kext -lkmod" "-nostdlib -Wl,-kext -lkmod" "-Wl,-kext" \
		"-nostdlib -Wl,-kext -isysroot $T -mmacosx-version-min=10.9 -dead_strip"; do
		# shellcheck disable=SC2086
		$CC -fuse-ld="$BUILD/bin/kextld" $flags "$T/a.o" -o "$T/Foo" 2>"$T/err" ||
			fail "$flags: $(cat "$T/err")"
		holds '"_outside" in k.kind'
	done
	link -demangle -lto_library /x/libLTO.dylib -dynamic -platform_version macos 10.15 11.0 \
		-syslibroot /nowhere -no_deduplicate -headerpad 64 -rpath /x -Z -w -lcrt0.o \
		-lSystem -lcc_kext -framework Kernel -F/x /x/lib/darwin/libclang_rt.cc_kext.a a.o
	printf '%s\n' "$T/a.o" >"$T/list"
	link -filelist list
	echo a.o >"$T/list"
	link -filelist "list,$T"
	printf -- '-kext "a.o"\n-lkmod' >"$T/response"
	link @response
	link -map map a.o
	expect_text "$T/map" "a.o"
	expect_text "$T/map" "_f"
	kextld -v >"$T/out" || fail "-v"
	expect_text "$T/out" kextld
}

test_undefined_data_is_refused()
{
	compile a.s <<-'END'
		.globl _f
		_f: leaq _outside(%rip), %rax
		movl $_outside, %eax
	END
	refuses "refers to _outside directly, but nothing here defines it" a.o
	expect_text "$T/err" "-mkernel"
	compile b.s <<-'END'
		.data
		_here: .long _here
	END
	refuses "with an address of 32 bits" b.o
}

test_bad_inputs()
{
	compile a.c <<<'int twice(void) { return 1; } struct { char c[196]; } kmod_info = {{1}};'
	compile b.c <<<'int twice(void) { return 2; }'
	refuses "b.o: symbol _twice is defined here and in a.o" a.o b.o
	clang-14 --target=arm64-apple-macosx11 -c "$T/b.c" -o "$T/arm.o" || fail clang
	refuses "arm.o: built for arm64" a.o arm.o
	clang-14 --target=x86_64-linux-gnu -c "$T/b.c" -o "$T/elf.o" || fail clang
	refuses "elf.o: is an ELF file" a.o elf.o
	clang-14 --target=x86_64-apple-macosx10.15 -flto -c "$T/b.c" -o "$T/lto.o" || fail clang
	refuses "lto.o: is LLVM bitcode" a.o lto.o
	echo '--- !tapi-tbd-v3' >"$T/libx.tbd"
	refuses "libx.tbd: is a stub of a dynamic library" a.o libx.tbd
	echo text >"$T/text.o"
	refuses "text.o: is neither a Mach-O object nor an archive" a.o text.o
	refuses "missing.o: cannot be read" a.o missing.o
	refuses "nowhere: library not found: no libnowhere.a in lib, /none, " a.o -lnowhere \
		-Llib -L/none
	refuses "/dev/null: cannot be read: this is no regular file" /dev/null
	refuses "Is a directory" "$T"
	refuses "unknown option: -surprise" a.o -surprise
	refuses "missing argument of option: -filelist" a.o -filelist
	refuses "no input files"
	refuses "kexts for arm64 cannot be linked" -arch arm64 a.o
	refuses "unknown architecture: vax" -arch vax a.o
	refuses "-r" -r a.o
	link a.o
	cp "$T/Foo" "$T/kext"
	refuses "kext: Mach-O file type is 11, expected 1" kext
	refuses "cannot be written" a.o -o /nowhere/at/all
	compile c.c <<<'int lonely(void) { return 1; }'
	link c.o
	expect_text "$T/err" "_kmod_info is not defined"
	refuses "_kmod_info is not defined" -fatal_warnings c.o
	printf 'old' >"$T/Keep"
	(cd "$T" && expect_status 1 kextld -o Keep text.o) || exit 1
	expect_equal "$(cat "$T/Keep")" old
}

# Every prefix of an object and of an archive is refused or linked, never more.
test_truncated_inputs()
{
	local size length status
	compile a.c -g <<<'extern int o; const char *t = "x"; int f(void) { return o; }'
	(cd "$T" && llvm-ar-14 rcs lib.a a.o) || fail llvm-ar
	size=$(stat -c %s "$T/a.o")
	for ((length = 0; length < size; length += 37)); do
		head -c $length "$T/a.o" >"$T/cut.o"
		status=0
		kextld -o "$T/Foo" "$T/cut.o" 2>"$T/err" || status=$?
		expect_equal $status 1
		expect_text "$T/err" cut.o
	done
	size=$(stat -c %s "$T/lib.a")
	for ((length = 60; length < size - 8; length += 41)); do
		head -c $length "$T/lib.a" >"$T/cut.a"
		status=0
		kextld -o "$T/Foo" -all_load "$T/cut.a" 2>"$T/err" || status=$?
		expect_equal $status 1
	done
}

test_kext_cc()
{
	mkdir "$T/src" && cd "$T/src" || exit 1
	printf '#include <mach/mach_types.h>\nint helper(void);\nint use(void) { return helper(); }\n' >a.c
	printf 'extern "C" int helper(void);\nstruct S { virtual int f(); };\nint S::f() { return 1; }\nint helper(void) { return 3; }\n' >b.cpp
	printf '.globl _asm_value\n.data\n_asm_value: .long 5\n' >c.s
	cat >_info.c <<-'END'
		#include <mach/mach_types.h>
		extern kern_return_t _start(kmod_info_t *, void *);
		extern kern_return_t _stop(kmod_info_t *, void *);
		KMOD_EXPLICIT_DECL(org.example.cc, "1.0", _start, _stop)
		__attribute__((visibility("hidden"))) kmod_start_func_t *_realmain = 0;
		__attribute__((visibility("hidden"))) kmod_stop_func_t *_antimain = 0;
	END
	kext-cc -arch x86_64 -O2 -Wall -Werror -o "$T/Foo" ./*.c b.cpp c.s 2>"$T/err" || fail "$(cat "$T/err")"
	[ ! -s "$T/err" ] || fail "kext-cc says: $(cat "$T/err")"
	# kmod_info is packed to 4 bytes: start at 180, stop at 188.
	holds 'k.u64(k.at("_kmod_info") + 180) == k.at("__start")' \
		'k.u64(k.at("_kmod_info") + 188) == k.at("__stop")' \
		'k.at("_kmod_info") + 180 in k.local and k.at("_kmod_info") + 188 in k.local' \
		'k.text(k.at("_kmod_info") + 16) == "org.example.cc"' '"_asm_value" in k.kind' \
		'"__ZTV1S" in k.kind and not k.external'
	kext-cc -c a.c -o a.o || fail "-c"
	kext-cc -arch x86_64 -mmacosx-version-min=10.13 -isysroot /nowhere -c _info.c || fail "-c with flags"
	llvm-otool-14 -l _info.o | grep -q 'version 10.13' || fail "the version is not translated"
	kext-cc -o "$T/Foo" -Wl,-map,"$T/map" a.o _info.o || fail "objects"
	holds '"_helper" in k.kind and k.kind["_helper"][0] == 1'
	expect_text "$T/map" a.o
	expect_status 1 kext-cc -arch i386 a.c
	expect_text "$T/err" "-arch i386: kexts can be built for x86_64 only"
	expect_status 1 kext-cc
	echo 'int broken(' >broken.c
	expect_status 1 kext-cc -o x broken.c
	[ ! -e x ] || fail "a broken source made a kext"
	KEXT_CLANG=/nowhere/clang expect_status 1 kext-cc a.c
}

run_tests
