#!/bin/bash
# as: owners
# The life of a kext as Darwin's kernel has it: what a start that fails takes back, what may be
# unloaded, what kmod_info and the load tag say. What goes by itself: autounload.sh.
. "$(dirname "$0")/lib.sh"

readonly IN_USE="(libkern/kext) kext is in use or retained (cannot unload)"
readonly START_STOP="(libkern/kext) kext (kmod) start/stop routine failed"

# kext NAME [BODY OF START [BODY OF STOP [LIBRARY=VERSION…]]] <<< declarations: test.NAME in $T.
kext()
{
	{
		cat <<-END
			#include <IOKit/IOLib.h>
			#include <libkern/libkern.h>
			#include <libkern/OSKextLib.h>
			#include <mach/mach_types.h>
		END
		cat
		cat <<-END
			kern_return_t $1_start(kmod_info_t *k, void *d) { ${2:-}; return 0; }
			kern_return_t $1_stop(kmod_info_t *k, void *d) { ${3:-}; return 0; }
		END
	} >"$T/source"
	make_kext "$T" "$1" "test.$1" 1.0 "${@:4}" <"$T/source"
}

# said PATTERN: the lines of the log that have it, joined by commas.
said()
{
	kdmesg >"$T/log"
	grep -E "$1" "$T/log" | paste -sd, || :
}

# row NAME FIELD: of kextstat's table.
row()
{
	kextstat -k -l | awk -v name="test.$1" -v field="$2" '$6 == name { print $field }'
}

# ---- constructors and destructors ----

# structors SUFFIX: two arrays, in segments of their own, each with a function that says so.
structors()
{
	cat <<-END
		#define PLACED(where, type) __attribute__((section(where type), used))
		static void up1(void) { printf("up 1\n"); }
		static void up2(void) { printf("up 2\n"); }
		static void down1(void) { printf("down 1\n"); }
		static void down2(void) { printf("down 2\n"); }
		PLACED("__DATA,$1", "") static void (*const init1)(void) = up1;
		PLACED("__MORE,$1", "") static void (*const init2)(void) = up2;
		PLACED("__DATA,$2", "") static void (*const term1)(void) = down1;
		PLACED("__MORE,$2", "") static void (*const term2)(void) = down2;
	END
}

test_names_of_the_arrays()
{
	structors __mod_init_func,mod_init_funcs __mod_term_func,mod_term_funcs | kext New
	structors __constructor __destructor | kext Old
	local each
	for each in New Old; do
		expect_status 0 kextload "$T/$each.kext"
		expect_status 0 kextunload -b "test.$each"
		expect_equal "$(said '^(up|down)' | tail -c 28)" "up 1,up 2,down 1,down 2"
		kextd --shutdown
	done
}

# Situation 13.
test_null_entry()
{
	kext Null <<-'END'
		static void up(void) { printf("up\n"); }
		__attribute__((section("__DATA,__mod_init_func,mod_init_funcs"), used))
		static void (*const functions[])(void) = {0, up, 0, up};
	END
	expect_status 0 kextload "$T/Null.kext"
	expect_equal "$(said '^up')" "up,up"
	expect_equal "$(said 'null structor')" "kext test.Null: 2 null structor entries skipped"
}

# A class that gets no memory fails its constructor: the destructors of the segments before run, no
# later constructor does, nothing is registered, and the kext is gone.
test_constructor_fails()
{
	KEXT_LANGUAGE=cpp make_kext "$T" Fails test.Fails 1.0 <<-'END'
		#include <IOKit/IOLib.h>
		#include <libkern/c++/OSContainers.h>
		#include <mach/mach_types.h>
		struct Block { Block *next; char rest[1000]; };
		static Block *all;
		class Late : public OSObject { OSDeclareDefaultStructors(Late) };
		OSDefineMetaClassAndStructors(Late, OSObject)
		extern "C" void *kern_os_malloc(size_t); extern "C" void kern_os_free(void *);
		static char place[sizeof(OSMetaClass) + 64];
		struct Meta : OSMetaClass { Meta() : OSMetaClass("Poor", OSObject::metaClass, 16) {}
			OSObject *alloc() const { return 0; }
			static void *operator new(size_t, void *p) { return p; } };
		static void take_all() { printf("takes\n");
			while (Block *b = (Block *)kern_os_malloc(sizeof(*b))) { b->next = all; all = b; }
			while (void *b = kern_os_malloc(16)) { *(Block **)b = all; all = (Block *)b; } }
		static void give_back() { printf("gives back\n");
			while (Block *b = all) { all = b->next; kern_os_free(b); } }
		static void make_class() { printf("makes a class\n"); new (place) Meta; }
		static void never() { printf("goes on\n"); }
		static void not_run() { printf("takes down\n"); }
		#define PLACED(where) __attribute__((section(where), used)) static void (*const
		PLACED("__AAA,__mod_init_func,mod_init_funcs") init_a[])() = {take_all};
		PLACED("__AAA,__mod_term_func,mod_term_funcs") term_a[])() = {give_back};
		PLACED("__BBB,__mod_init_func,mod_init_funcs") init_b[])() = {make_class, never};
		PLACED("__BBB,__mod_term_func,mod_term_funcs") term_b[])() = {not_run};
		PLACED("__CCC,__mod_init_func,mod_init_funcs") init_c[])() = {never};
		extern "C" kern_return_t Fails_start(kmod_info_t *k, void *d) { printf("starts\n"); return 0; }
		extern "C" kern_return_t Fails_stop(kmod_info_t *k, void *d) { return 0; }
	END
	KEXT_BOOTARGS=maxmem=8 expect_status 71 kextload "$T/Fails.kext"
	expect_text "$T/err" "$START_STOP"
	expect_text "$T/err" "returned 0xdc004004"	# kOSMetaClassNoTempData
	expect_equal "$(said '^(takes|gives|makes|goes|starts)')" "takes,makes a class,gives back"
	expect_equal "$(row Fails 1)" ""
}

# ---- starting ----

# Situation 37, and that what it needed stays: it may serve the next attempt.
test_start_fails()
{
	kext Lib 'printf("library starts\n")' <<<'int lib_symbol;'
	kext User 'printf("user starts\n"); return 5 + lib_symbol' '' test.Lib=1.0 <<<'extern int lib_symbol;'
	expect_status 71 kextload -d "$T/Lib.kext" "$T/User.kext"
	expect_text "$T/err" "$START_STOP"
	expect_text "$T/err" "returned 0x5"
	expect_equal "$(said 'starts$')" "library starts,user starts"
	expect_equal "$(row User 1)" ""
	expect_equal "$(row Lib 2)" 0
	expect_status 0 kextunload -b test.Lib
}

test_library_fails()
{
	kext Lib 'printf("library starts\n"); return 0xe00002c0' <<<'int lib_symbol;'
	kext User 'printf("user starts\n"); return lib_symbol' '' test.Lib=1.0 <<<'extern int lib_symbol;'
	expect_status 71 kextload -d "$T/Lib.kext" "$T/User.kext"
	expect_text "$T/err" "test.Lib"
	expect_text "$T/err" "returned 0xe00002c0"
	expect_equal "$(said 'starts$')" "library starts"
	expect_equal "$(kextstat -k -l | wc -l)" 0
}

# ---- unloading ----

# Situation 38.
test_stop_fails()
{
	kext Stays '' 'return 5' </dev/null
	expect_status 0 kextload "$T/Stays.kext"
	local tag
	tag=$(row Stays 1)
	expect_status 3 kextunload -b test.Stays
	expect_text "$T/err" "$START_STOP"
	expect_text "$T/err" "returned 0x5"
	expect_equal "$(row Stays 1)" "$tag"
	kextstat --json >"$T/out"
	python3 - "$T/out" <<-'END'
		import json, sys
		kexts = json.load(open(sys.argv[1]))["kexts"]
		[it] = [k for k in kexts if k["CFBundleIdentifier"] == "test.Stays"]
		assert it["OSBundleStarted"] is True, it
	END
}

# Situation 40: while the answer is being delivered the kext cannot go; afterwards it is unknown.
test_request_in_flight()
{
	kext Asks 'OSKextRequestResource("test.Asks", "a.txt", came, (void *)7, &tag)' '' <<-'END'
		static uint32_t tag;
		static volatile int is_there;
		static void came(uint32_t t, int result, const void *data, uint32_t size, void *context)
		{
			void *mine = (void *)1;
			printf("answer %u 0x%x %.*s %d\n", t, result, (int)size, (const char *)data, (int)(long)context);
			printf("cancelled: 0x%x\n", (unsigned)OSKextCancelRequest(t, &mine));
			IOSleep(1500);
			printf("delivered\n");
		}
	END
	mkdir "$T/Asks.kext/Contents/Resources"
	printf text >"$T/Asks.kext/Contents/Resources/a.txt"
	expect_status 0 kextload "$T/Asks.kext"
	for _ in {1..20}; do
		[ -n "$(said ^cancelled)" ] && break
		sleep 0.1
	done
	expect_status 3 kextunload -b test.Asks
	expect_text "$T/err" "$IN_USE"
	expect_equal "$(said '^(answer|cancelled)')" "answer 0 0x0 text 7,cancelled: 0xdc008006"
	for _ in {1..30}; do
		kextunload -b test.Asks 2>"$T/err" && break
		sleep 0.1
	done
	expect_equal "$(said '^delivered')" delivered
	expect_equal "$(row Asks 1)" ""
}

# ---- what a kext and others are told ----

# Situation 41.
test_loaded_kext_info()
{
	kext A '' '' <<<'int a_symbol;'
	kext B 'k->size += b_symbol' '' test.A=1.0 <<<'extern int a_symbol; static int b_symbol; int *b = &a_symbol;'
	expect_status 0 kextload -d "$T/A.kext" "$T/B.kext"
	kextstat --json >"$T/out"
	python3 - "$T/out" <<-'END'
		import json, sys
		kexts = {k["CFBundleIdentifier"]: k for k in json.load(open(sys.argv[1]))["kexts"]}
		a, b = kexts["test.A"], kexts["test.B"]
		assert a["OSBundleRetainCount"] == 1 and b["OSBundleRetainCount"] == 0, (a, b)
		assert a["OSBundleLoadTag"] == 8 and b["OSBundleLoadTag"] == 9, (a, b)
		# The library of its own comes last in its list: after the parts of the kernel.
		assert b["OSBundleDependencies"][0] == 8 and len(b["OSBundleDependencies"]) > 1, b
		for name, kext in kexts.items():
		    if name.startswith("com.apple.kpi."):
		        assert kext["OSBundleLoadAddress"] == 0 and kext["OSKernelResource"], kext
	END
}

# Situation 42: the list of kmod_info and its reference counts, as a kext sees them.
test_kmod_list()
{
	kext A '' '' <<<'int a_symbol;'
	kext B 'k->version[0] += a_symbol; kmod_reference_t *r = k->reference_list;
		while (r && strcmp(r->info->name, "test.A")) r = r->next;
		printf("list %s %s %s %d\n", k->name, k->next->name, k->next->next->name,
			r ? r->info->reference_count : -1)' '' test.A=1.0 <<<'extern int a_symbol;'
	kext C 'printf("list %s %s %s %d\n", k->name, k->next->name, k->next->next->name,
		k->next->reference_count)' </dev/null
	expect_status 0 kextload -d "$T/A.kext" "$T/B.kext"
	expect_status 0 kextunload -b test.B
	expect_status 0 kextload "$T/C.kext"
	kdmesg >"$T/log"
	expect_text "$T/log" "list test.B test.A com.apple.kpi.unsupported 1"
	expect_text "$T/log" "list test.C test.A com.apple.kpi.unsupported 0"
}

# Situation 43: the identifier is Info.plist's whatever the source says.
test_current_tag_and_identifier()
{
	kext Mine 'printf("I am %u %u %s %s\n", OSKextGetCurrentLoadTag(), k->id,
		OSKextGetCurrentIdentifier(), OSKextGetCurrentVersionString())' </dev/null
	sed -i 's/test\.Mine/test.other/; s,<string>1.0</string>,<string>2.3</string>,' "$T/Mine.kext/Contents/Info.plist"
	expect_status 0 kextload "$T/Mine.kext"
	kextstat -k -l >"$T/rows"
	local tag
	tag=$(awk '$6 == "test.other" { print $1 }' "$T/rows")
	kdmesg >"$T/log"
	expect_text "$T/log" "I am $tag $tag test.other 2.3"
}

run_tests
