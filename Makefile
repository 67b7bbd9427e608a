# libkext: library, programs, userland kernel, SDK, tests. `make` leaves programs in build/bin.
#
#	make                      everything
#	make check                unit and command tests (TESTS=pattern picks)
#	make SAN=address,undefined check
#	make install DESTDIR= PREFIX=/usr/local
#	make bench · make fuzz    figures in build/bench.json · libFuzzer runs

PREFIX ?= /usr/local
DESTDIR ?=
SAN ?=
BUILD ?= build$(if $(SAN),-$(subst $(comma),-,$(SAN)))
comma := ,
# V=1 shows whole commands.
Q = $(if $(V),,@)
say = $(if $(V),@:,@echo)

CC = gcc
CXX = g++
CLANG ?= clang-14
OPT ?= -O2 -g
WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
SANFLAGS = $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
CPPFLAGS += -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Ilib/include -Ilib -I$(BUILD)/gen
CFLAGS += -std=gnu11 $(OPT) $(WARN) $(SANFLAGS) -MMD -MP
LDFLAGS += $(SANFLAGS)

# --- libkext -------------------------------------------------------------------------------
LIB_FOLDERS = base codec value macho bundle repository resolve link archive client ld daemon
LIB_SOURCES = $(foreach d,$(LIB_FOLDERS),$(wildcard lib/$d/*.c))
LIB_OBJECTS = $(LIB_SOURCES:%.c=$(BUILD)/pic/%.o)
# The daemon is in libkext.a alone: libsystemd and what that needs take 0.4 ms to load, which no
# program but kextd has a use for.
SHARED_OBJECTS = $(filter-out $(BUILD)/pic/lib/daemon/%,$(LIB_OBJECTS))
SHARED_LIBS = -lplist-2.0 -lz -ldeflate -lmd -ljansson -liberty -lpthread
LIB_LIBS = $(SHARED_LIBS) -lsystemd

# --- programs: cmd/NAME.c is one, except what is built its own way below ---------------------
COMMON_SOURCES = $(wildcard cmd/common/*.c)
COMMON_OBJECTS = $(COMMON_SOURCES:%.c=$(BUILD)/exe/%.o)
OWN_WAY = kernel_task kext-inspect
PROGRAMS = $(filter-out $(OWN_WAY),$(patsubst cmd/%.c,%,$(wildcard cmd/*.c)))
BIN_SCRIPTS = $(patsubst cmd/%.sh,%,$(wildcard cmd/*.sh))

BIN = $(BUILD)/bin
TARGETS = $(PROGRAMS:%=$(BIN)/%) $(BIN_SCRIPTS:%=$(BIN)/%)
LIBRARY = $(BUILD)/lib/libkext.so

all: targets
include lib/kernel/build.mk lib/sdk/build.mk tests/build.mk

$(BUILD)/pic/%.o: %.c
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -fvisibility=hidden -c $< -o $@

$(BUILD)/exe/%.o: %.c
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(CPPFLAGS) -Icmd $(CFLAGS) -fPIE -c $< -o $@

$(BUILD)/libkext.a: $(LIB_OBJECTS)
	@rm -f $@
	$(Q)ar rcs $@ $^

$(LIBRARY): $(SHARED_OBJECTS)
	@mkdir -p $(@D)
	$(say) LD $@
	$(Q)$(CC) -shared -Wl,-soname,libkext.so.0 -Wl,--as-needed $(LDFLAGS) $^ $(SHARED_LIBS) -o $(@D)/libkext.so.0
	@ln -sf libkext.so.0 $@

$(BIN)/kextd: $(BUILD)/exe/cmd/kextd.o $(COMMON_OBJECTS) $(BUILD)/libkext.a
	@mkdir -p $(@D)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS) -Wl,--as-needed $^ $(LIB_LIBS) -o $@

$(filter-out $(BIN)/kextd,$(PROGRAMS:%=$(BIN)/%)): $(BIN)/%: $(BUILD)/exe/cmd/%.o $(COMMON_OBJECTS) $(LIBRARY)
	@mkdir -p $(@D)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS) -Wl,--as-needed $< $(COMMON_OBJECTS) -L$(BUILD)/lib -lkext -ljansson \
		-Wl,-rpath,'$$ORIGIN/../lib' -o $@

$(BIN_SCRIPTS:%=$(BIN)/%): $(BIN)/%: cmd/%.sh
	@mkdir -p $(@D)
	@install -m 755 $< $@

# Shell completions, from the option tables (kextld has ld64's options instead of one).
COMPLETED = $(filter-out kextld,$(PROGRAMS))
COMPLETIONS = $(COMPLETED:%=$(BUILD)/share/completions/bash/%) \
	$(COMPLETED:%=$(BUILD)/share/completions/zsh/_%) \
	$(COMPLETED:%=$(BUILD)/share/completions/fish/%.fish)
$(BUILD)/share/completions/bash/%: $(BIN)/%
	@mkdir -p $(@D)
	@$< --generate-completion bash > $@
$(BUILD)/share/completions/zsh/_%: $(BIN)/%
	@mkdir -p $(@D)
	@$< --generate-completion zsh > $@
$(BUILD)/share/completions/fish/%.fish: $(BIN)/%
	@mkdir -p $(@D)
	@$< --generate-completion fish > $@
TARGETS += $(COMPLETIONS)

# LIEF has no pkg-config file and throws through C; it lives in this one program. It comes
# before libkext.a: both define macho_parse, and this program means LIEF's.
INSPECT = $(BUILD)/libexec/kext/kext-inspect
$(INSPECT): $(BUILD)/exe/cmd/kext-inspect.o $(BUILD)/libkext.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -Wl,--as-needed $< -lLIEF $(BUILD)/libkext.a -lz -ldeflate -lmd -lpthread -o $@
TARGETS += $(INSPECT)

targets: $(TARGETS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

SBIN_NAMES = kextload kextunload kextstat kextcache mkextunpack kextd
install: targets
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin sbin lib libexec/kext share/kext include/kext)
	install -m 755 $(filter-out $(SBIN_NAMES:%=$(BIN)/%),$(wildcard $(BIN)/*)) $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(SBIN_NAMES:%=$(BIN)/%) $(DESTDIR)$(PREFIX)/sbin
	install -m 755 $(BUILD)/libexec/kext/* $(DESTDIR)$(PREFIX)/libexec/kext
	install -m 644 $(BUILD)/lib/libkext.so.0 $(DESTDIR)$(PREFIX)/lib
	ln -sf libkext.so.0 $(DESTDIR)$(PREFIX)/lib/libkext.so
	install -m 644 $(filter-out %/daemon.h,$(wildcard lib/include/kext/*.h)) $(DESTDIR)$(PREFIX)/include/kext
	cp -R $(BUILD)/share/kext/. $(DESTDIR)$(PREFIX)/share/kext/
	install -d $(addprefix $(DESTDIR)$(PREFIX)/share/,bash-completion/completions zsh/site-functions fish/vendor_completions.d)
	install -m 644 $(BUILD)/share/completions/bash/* $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 644 $(BUILD)/share/completions/zsh/* $(DESTDIR)$(PREFIX)/share/zsh/site-functions
	install -m 644 $(BUILD)/share/completions/fish/* $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	for page in man/*.[1-9]; do \
		install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; done

clean:
	rm -rf build build-*

.PHONY: all targets install clean
