# The userland kernel. It is linked at the fixed address of lib/kernel/kernel.h as a non-PIE
# program from PIE code: the addresses in mach_kernel are then true at every start.
KERNEL_SOURCES = $(wildcard lib/kernel/*/*.c)
KERNEL_CXX_SOURCES = $(wildcard lib/kernel/*/*.cpp)
KERNEL_CXX_OBJECTS = $(KERNEL_CXX_SOURCES:%.cpp=$(BUILD)/kernel/%.o)
KERNEL_OBJECTS = $(KERNEL_SOURCES:%.c=$(BUILD)/kernel/%.o) $(KERNEL_CXX_OBJECTS) \
	$(BUILD)/kernel/gen/kpi_names.o $(BUILD)/kernel/gen/syscall_names.o \
	$(BUILD)/kernel/gen/cxx_exports.o
KERNEL_BASE_SOURCES = $(wildcard lib/base/*.c) lib/macho/builder.c lib/macho/uuid.c
KERNEL_BASE_OBJECTS = $(KERNEL_BASE_SOURCES:%.c=$(BUILD)/pic/%.o)
KERNEL_TASK = $(BUILD)/libexec/kext/kernel_task
MACH_KERNEL = $(BUILD)/share/kext/mach_kernel
KERNEL_EXPORTS = $(wildcard lib/sdk/exports/com.apple.kpi.*.exports)

TARGETS += $(KERNEL_TASK) $(MACH_KERNEL) $(BUILD)/libkernel.a

# Frame pointers for backtraces; no merging of equal functions or constants: one Darwin symbol,
# one address.
KERNEL_CFLAGS = -fPIE -fno-omit-frame-pointer -fno-optimize-sibling-calls -fno-ipa-icf \
	-fno-merge-constants

# C++ with Darwin's names: the SDK's headers, where 64 bits are long long, and never the
# host's. Objects start from zeroed memory that constructors leave alone, which gcc has to be
# told. Both compilers give the same binary interface: make KERNEL_CXX=clang++-14.
KERNEL_CXX ?= $(CXX)
KERNEL_CXXFLAGS = -std=gnu++14 $(OPT) -Wall -Wextra -Wshadow -Wno-overloaded-virtual \
	-Werror $(SANFLAGS) -MMD -MP \
	-DXNU_KERNEL_PRIVATE=1 -nostdinc -nostdinc++ -Ilib/sdk/include -fPIE \
	-fno-omit-frame-pointer -fno-optimize-sibling-calls -fno-rtti \
	-fno-exceptions -fno-threadsafe-statics -fno-builtin-ffs \
	$(if $(findstring clang,$(KERNEL_CXX)),-Xclang -mno-constructor-aliases -gdwarf-4,-fno-ipa-icf -fno-merge-constants -fno-lifetime-dse)

KERNEL_CRT = $(shell $(CC) -print-file-name=$(1))
KERNEL_LIBS = -lseccomp -lmd -lz -lpthread

$(BUILD)/kernel/%.o: %.c
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(KERNEL_CFLAGS) -c $< -o $@

# What mach_kernel is to have: every exported name, of an alias its target.
$(BUILD)/gen/kpi_names.c: $(KERNEL_EXPORTS) lib/kernel/build.mk
	@mkdir -p $(@D)
	$(say) GEN $@
	$(Q)sed -e 's/[ \t]*#.*//' -e 's/.*://' -e '/^$$/d' $(KERNEL_EXPORTS) | LC_ALL=C sort -u | \
	awk 'BEGIN { print "#include \"kernel/machine/machine.h\"\nconst char *const kpi_names[] = {" } \
	     { print "\t\"" $$1 "\"," } \
	     END { print "};\nconst unsigned kpi_name_count = " NR ";" }' > $@.new
	$(Q)mv $@.new $@

# Names of system calls, of 64 bits and of 32, as this Linux' headers number them.
$(BUILD)/gen/syscall_names.c: lib/kernel/build.mk
	@mkdir -p $(@D)
	$(say) GEN $@
	$(Q)echo '#include "kernel/machine/machine.h"' > $@.new
	$(Q)for bits in 32 64; do \
		echo "const char *const syscall_names_$$bits[] = {"; \
		echo "#include <asm/unistd_$$bits.h>" | $(CC) -E -dM -x c - | \
		awk '/^#define __NR_[a-z0-9_]+ [0-9]+$$/ { print "\t[" $$3 "] = \"" substr($$2, 6) "\"," }'; \
		echo "};"; \
		echo "const unsigned syscall_count_$$bits ="; \
		echo "	sizeof(syscall_names_$$bits) / sizeof(*syscall_names_$$bits);"; \
	done >> $@.new
	$(Q)mv $@.new $@

$(BUILD)/kernel/gen/%_names.o: $(BUILD)/gen/%_names.c
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(KERNEL_CFLAGS) -c $< -o $@

$(BUILD)/kernel/%.o: %.cpp
	@mkdir -p $(@D)
	$(say) CXX $<
	$(Q)$(KERNEL_CXX) $(KERNEL_CXXFLAGS) -c $< -o $@

# The C++ symbols: what the objects define is what the kernel exports.
$(BUILD)/gen/cxx_exports.s: $(KERNEL_CXX_OBJECTS) lib/kernel/libkern/cxx-exports.awk
	@mkdir -p $(@D)
	$(say) GEN $@
	$(Q)nm -gSP --defined-only $(KERNEL_CXX_OBJECTS) | LC_ALL=C sort -u -k1,1 | \
		awk -f lib/kernel/libkern/cxx-exports.awk > $@.new
	$(Q)mv $@.new $@

$(BUILD)/kernel/gen/cxx_exports.o: $(BUILD)/gen/cxx_exports.s
	@mkdir -p $(@D)
	$(Q)$(CC) -c $< -o $@

# For unit tests: everything but the program's own options and order.
$(BUILD)/libkernel.a: $(filter-out %/machine/main.o,$(KERNEL_OBJECTS))
	@rm -f $@
	$(Q)ar rcs $@ $^

$(KERNEL_TASK): $(BUILD)/kernel/cmd/kernel_task.o $(KERNEL_OBJECTS) $(KERNEL_BASE_OBJECTS)
	@mkdir -p $(@D)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS) -nostartfiles -no-pie -Wl,--no-relax \
		-Wl,-Ttext-segment=0x200000000000 -Wl,-z,now -Wl,-z,noexecstack \
		$(call KERNEL_CRT,Scrt1.o) $(call KERNEL_CRT,crti.o) \
		$(call KERNEL_CRT,crtbeginS.o) $^ $(KERNEL_LIBS) \
		$(call KERNEL_CRT,crtendS.o) $(call KERNEL_CRT,crtn.o) -o $@

$(MACH_KERNEL): $(KERNEL_TASK)
	@mkdir -p $(@D)
	$(say) GEN $@
	$(Q)$(KERNEL_TASK) --describe $@
