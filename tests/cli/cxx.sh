#!/bin/bash
# Kexts in C++: their classes in the kernel's registry, what libkern's classes do, and how
# constructors, destructors and instances decide about loading and unloading.
. "$(dirname "$0")/lib.sh"

# sample FOLDER NAME: builds the kext of tests/kexts/NAME there, once a run.
sample()
{
	if [ ! -d "$SUITE/$2.kext" ]; then
		make -s -C "$ROOT/tests/kexts/$2" KEXT_CC="$BUILD/bin/kext-cc" OUT="$SUITE" >&2 ||
			fail "$2 does not build"
	fi
	cp -R "$SUITE/$2.kext" "$1/"
}

# cxx_kext NAME [BODY OF START [BODY OF STOP]] <<< declarations: test.NAME in $T.
cxx_kext()
{
	local name=$1 start=${2:-} stop=${3:-}
	{
		cat <<-END
			#include <IOKit/IOLib.h>
			#include <libkern/c++/OSContainers.h>
			#include <mach/mach_types.h>
		END
		cat
		cat <<-END
			extern "C" kern_return_t ${name}_start(kmod_info_t *k, void *d) { $start; return 0; }
			extern "C" kern_return_t ${name}_stop(kmod_info_t *k, void *d) { $stop; return 0; }
		END
	} | KEXT_LANGUAGE=cpp make_kext "$T" "$name" "test.$name" 1.0 ${LIBRARIES:-}
}

class='class Thing : public OSObject { OSDeclareDefaultStructors(Thing) public:
	void drop(int when) { release(when); } void free() APPLE_KEXT_OVERRIDE; };
	OSDefineMetaClassAndStructors(Thing, OSObject)'
plain_free='void Thing::free() { OSObject::free(); }'

# panics TEXT: loading $T/NAME.kext ends in a report that has this cause.
panics()
{
	expect_status 70 kextload "$T/$1.kext"
	cat "$T"/state/reports/*.panic >"$T/report"
	expect_text "$T/report" "$2"
}

test_libkern()
{
	sample "$T" LibkernTests
	expect_status 0 kextload "$T/LibkernTests.kext"
	kdmesg >"$T/log"
	expect_text "$T/log" "all checks have run"
	# What the runner counts: each check of the kext is one.
	grep "^ok \|^not ok " "$T/log" >"$SUITE/checks" || fail "no checks"
	[ "$(grep -c '^ok ' "$T/log")" -ge 310 ] || fail "checks are missing"
	grep '^not ok' "$T/log" && fail "see above"
	# Of one Thing of 24 bytes, after the line that announces the reports.
	sed -n '/^reported instances:/,$p' "$T/log" >"$T/reports"
	grep -q '^ *Thing count: 001 x 0x018 = 0x000018$' "$T/reports" || fail "printInstanceCounts lists no Thing"
	grep -q 'class Thing has 1 instance$' "$T/reports" || fail "reportModInstances tells of no Thing"
	grep -q 'internal error' "$T/reports" || fail "logError tells nothing"
	expect_status 0 kextunload "$T/LibkernTests.kext"
}

test_objects_are_read_by_another()
{
	sample "$T" Objects
	expect_status 0 kextload "$T/Objects.kext"
	kdmesg >"$T/log"
	expect_text "$T/log" "shapes left: 0"
	ksysctl -n debug.objects >"$T/xml"
	python3 - "$T/xml" <<-'END'
		import plistlib, re, sys
		text = open(sys.argv[1]).read()
		# plistlib knows no sets, references and hexadecimal; the rest is a plist.
		text = re.sub(r' (ID|size)="\d+"', "", text).replace("set>", "array>")
		text = re.sub(r"<reference IDREF=.*?/>", "<string>reference</string>", text)
		text = re.sub(r"<integer>0x([0-9a-f]+)<", lambda m: f"<integer>{int(m[1], 16)}<", text)
		tree = plistlib.loads(f'<plist version="1.0">{text}</plist>'.encode())
		assert tree["data"] == b"\0\1\xfe\xff", tree
		assert tree["set"] == [False], tree
		tile, field = tree["shapes"]
		assert tile == {"name": "tile", "area": 4, "square": True}, tree
		assert field == {"name": "field <&>", "area": 15}, tree
		# A shape makes a new description each time; its name is the same object.
		assert tree["largest"] == {"name": "reference", "area": 15}, tree
	END
	expect_status 0 kextunload "$T/Objects.kext"
}

test_instances_refuse_unloading()
{
	sample "$T" Objects
	kextload "$T/Objects.kext"
	ksysctl debug.objects_kept=1
	expect_status 3 kextunload "$T/Objects.kext"
	expect_text "$T/err" "in use"
	kdmesg >"$T/log"
	expect_text "$T/log" "class Rectangle has 1 instance"
	expect_text "$T/log" "class Shape has 1 instance"
	expect_no_text "$T/log" "class Square has"
	ksysctl debug.objects_kept=0
	expect_status 0 kextunload "$T/Objects.kext"
	expect_status 0 kextload "$T/Objects.kext"
}

test_duplicate_class()
{
	cxx_kext A <<<"$class $plain_free"
	cxx_kext B <<<"$class $plain_free"
	cxx_kext C 'OSObject *o = OSMetaClass::allocClassWithName("Thing");
		printf("there is %s Thing\n", o ? "a" : "no"); OSSafeRelease(o)' </dev/null
	expect_status 0 kextload "$T/A.kext"
	expect_status 71 kextload "$T/B.kext"
	kdmesg >"$T/log"
	grep -q "kext test.B defines class Thing, which kext test.A has defined" "$T/log" ||
		fail "the owners are not named"
	kextstat -l -b test.B >"$T/rows"
	expect_equal "$(wc -l <"$T/rows")" 0
	expect_status 0 kextload "$T/C.kext"
	kdmesg >"$T/log"
	expect_text "$T/log" "there is a Thing"
	kextunload -b test.C
	expect_status 0 kextunload -b test.A
	expect_status 0 kextload "$T/B.kext"
}

test_a_class_goes_with_its_kext()
{
	cxx_kext A <<<"$class $plain_free"
	cxx_kext C 'OSObject *o = OSMetaClass::allocClassWithName("Thing");
		printf("there is %s Thing\n", o ? "a" : "no"); OSSafeRelease(o)' </dev/null
	kextload "$T/A.kext"
	kextunload -b test.A
	kextload "$T/C.kext"
	kdmesg >"$T/log"
	expect_text "$T/log" "there is no Thing"
}

test_subclass_in_another_kext()
{
	cxx_kext A <<-END
		$class $plain_free
	END
	LIBRARIES=test.A=1.0 cxx_kext B 'sub = new Sub; printf("count %u\n",
		Thing::metaClass->getInstanceCount())' 'sub->release()' <<-'END'
		class Thing : public OSObject { OSDeclareDefaultStructors(Thing) public:
			void free() APPLE_KEXT_OVERRIDE; };
		class Sub : public Thing { OSDeclareDefaultStructors(Sub) };
		OSDefineMetaClassAndStructors(Sub, Thing)
		static Sub *sub;
	END
	expect_status 0 kextload -d "$T/A.kext" "$T/B.kext"
	kdmesg >"$T/log"
	expect_text "$T/log" "count 1"
	kextunload -b test.A 2>"$T/err" && fail "a library in use went"
	kextunload -b test.B 2>"$T/err" && fail "a kext with instances went"
	kdmesg >"$T/log"
	expect_text "$T/log" "class Sub has 1 instance"
}

test_order_of_structors()
{
	cxx_kext Order 'printf("start\n")' 'printf("stop\n")' <<-'END'
		struct Tell { int n; Tell(int i) : n(i) { printf("up %d\n", n); }
			~Tell() { printf("down %d\n", n); } };
		static Tell one(1), two(2), three(3);
	END
	kextload "$T/Order.kext"
	kextunload -b test.Order
	kdmesg >"$T/log"
	expect_equal "$(grep -E '^(up|down|start|stop)' "$T/log" | head -4 | tr '\n' ' ')" \
		"up 1 up 2 up 3 start "
	expect_equal "$(grep -E '^(down|stop)' "$T/log" | head -1)" stop
	expect_equal "$(grep -c '^down' "$T/log")" 3
}

test_failing_start()
{
	cxx_kext Fails 'printf("start\n"); return 5' <<-'END'
		struct Tell { Tell() { printf("up\n"); } ~Tell() { printf("down\n"); } };
		static Tell tell;
		class Mine : public OSObject { OSDeclareDefaultStructors(Mine) };
		OSDefineMetaClassAndStructors(Mine, OSObject)
	END
	expect_status 71 kextload "$T/Fails.kext"
	kdmesg >"$T/log"
	expect_equal "$(grep -E '^(up|down|start)' "$T/log" | tr '\n' ' ')" "up start down "
	expect_status 71 kextload "$T/Fails.kext"	# its class was taken back
	kdmesg >"$T/log"
	expect_no_text "$T/log" "has defined"
}

test_failing_stop()
{
	cxx_kext Stays '' 'static int calls; if (!calls++) return 5' <<<"$class $plain_free"
	kextload "$T/Stays.kext"
	expect_status 3 kextunload -b test.Stays
	cxx_kext C 'OSObject *o = OSMetaClass::allocClassWithName("Thing");
		printf("there is %s Thing\n", o ? "a" : "no"); OSSafeRelease(o)' </dev/null
	kextload "$T/C.kext"
	kdmesg >"$T/log"
	expect_text "$T/log" "there is a Thing"
	expect_status 0 kextunload -b test.Stays
}

# Classes appear together, when the last constructor has run.
test_many_classes()
{
	{
		for i in {1..25}; do
			echo "class Many$i : public OSObject { OSDeclareDefaultStructors(Many$i) };"
			echo "OSDefineMetaClassAndStructors(Many$i, OSObject)"
		done
		cat <<-'END'
			static int found() {
				int n = 0; char name[16];
				for (int i = 1; i <= 25; i++) {
					snprintf(name, sizeof(name), "Many%d", i);
					OSObject *o = OSMetaClass::allocClassWithName(name);
					n += o != NULL; OSSafeRelease(o);
				}
				return n;
			}
			struct Look { Look() { printf("during %d\n", found()); } };
			static Look look;
		END
	} | cxx_kext Many 'printf("after %d\n", found())'
	kextload "$T/Many.kext"
	kdmesg >"$T/log"
	expect_text "$T/log" "during 0"
	expect_text "$T/log" "after 25"
}

# A symbol outlives the kext whose bytes it had.
test_symbol_outlives_its_bytes()
{
	cxx_kext Names 'OSSymbol::withCStringNoCopy(name)' <<<'static char name[] = "left behind";'
	cxx_kext Looks 'const OSSymbol *s = OSSymbol::existingSymbolForCString("left behind");
		printf("found %s\n", s ? s->getCStringNoCopy() : "nothing")' </dev/null
	kextload "$T/Names.kext"
	kextunload -b test.Names
	kextload "$T/Looks.kext"
	kdmesg >"$T/log"
	expect_text "$T/log" "found left behind"
}

# Symbols and counts are shared by all threads: none is lost, none is freed twice.
test_threads()
{
	cxx_kext Threads 'run()' <<-'END'
		#include <kern/thread.h>
		static volatile SInt32 left, bad;
		static OSObject *shared;
		static void work(void *argument, wait_result_t)
		{
			char name[24];
			for (int i = 0; i < 20000; i++) {
				snprintf(name, sizeof(name), "threads %d", i % 7);
				const OSSymbol *a = OSSymbol::withCString(name);
				const OSSymbol *b = OSSymbol::withCString(name);
				if (a != b || !a->isEqualTo(name))
					OSIncrementAtomic(&bad);
				a->release();
				b->release();
				shared->retain();
				shared->taggedRetain(OSTypeID(OSCollection));
				shared->taggedRelease(OSTypeID(OSCollection));
				shared->release();
			}
			OSDecrementAtomic(&left);
			thread_terminate(current_thread());
		}
		static void run()
		{
			unsigned before = OSSymbol::metaClass->getInstanceCount();
			shared = OSArray::withCapacity(1);
			left = 4;
			for (int i = 0; i < 4; i++) {
				thread_t thread;
				kernel_thread_start(work, NULL, &thread);
				thread_deallocate(thread);
			}
			while (left)
				IOSleep(10);
			printf("bad %d count %d left over %d\n", (int)bad, shared->getRetainCount(),
			       (int)(OSSymbol::metaClass->getInstanceCount() - before));
			shared->release();
		}
	END
	expect_status 0 kextload "$T/Threads.kext"
	kdmesg >"$T/log"
	expect_text "$T/log" "bad 0 count 1 left over 0"
}

# ---- mistakes: each is a report that names it, and the next load works -----------------------

test_releasing_a_member()
{
	cxx_kext Bad 'OSArray *a = OSArray::withCapacity(1); Thing *t = new Thing;
		a->setObject(t); t->release(); t->release()' <<<"$class $plain_free"
	panics Bad "a kext released a(n) Thing more often"
	expect_text "$T/report" test.Bad
	sample "$T" Objects
	expect_status 0 kextload "$T/Objects.kext"
}

test_retain_in_free()
{
	cxx_kext Bad '(new Thing)->release()' <<<"$class void Thing::free() { retain(); }"
	panics Bad "whose free has begun"
}

test_changing_an_immutable_collection()
{
	cxx_kext Bad 'OSArray *a = OSArray::withCapacity(1);
		a->setOptions(OSCollection::kImmutable, OSCollection::kImmutable);
		a->setObject(kOSBooleanTrue); printf("changed it\n")' </dev/null
	panics Bad "an immutable OSArray"
	kextd --shutdown
	KEXT_BOOTARGS=io=0x40000 expect_status 0 kextload "$T/Bad.kext"
	kdmesg >"$T/log"
	expect_text "$T/log" "changed it"
}

test_pure_virtual()
{
	cxx_kext Bad '(new Made)->init()' <<-'END'
		class Base : public OSObject { OSDeclareAbstractStructors(Base) public:
			virtual void wanted() = 0; void call() { wanted(); } Base(int); };
		OSDefineMetaClassAndAbstractStructors(Base, OSObject)
		Base::Base(int) : OSObject(&Base::gMetaClass) { call(); }
		class Made : public Base { public: Made() : Base(1) {} void wanted() {} };
	END
	panics Bad "a pure virtual method was called"
}

test_reserved_slot()
{
	cxx_kext Bad 'void **vtable = *(void ***)kOSBooleanTrue;
		((void (*)(OSObject *))vtable[19])(kOSBooleanTrue)' </dev/null
	panics Bad "OSObject: reserved slot 0 was called"
}

test_subclass_of_a_final_class()
{
	LIBRARIES=test.Objects=1.0 cxx_kext Bad <<-'END'
		class Square : public OSObject { OSDeclareDefaultStructors(Square) };
		class Cube : public Square { OSDeclareDefaultStructors(Cube) };
		OSDefineMetaClassAndStructors(Cube, Square)
	END
	sample "$T" Objects
	be_a_library "$T/Objects.kext"
	kextload -d "$T/Objects.kext" "$T/Bad.kext" 2>"$T/err" && fail "a final class was subclassed"
	expect_text "$T/err" Square
}

# The sample as a library: it says what it is compatible with.
be_a_library()
{
	sed -i 's,<key>OSBundleLibraries</key>,<key>OSBundleCompatibleVersion</key><string>1.0</string>\n&,' \
		"$1/Contents/Info.plist"
}

run_tests
status=$?
cat "$SUITE/checks"
exit $status
