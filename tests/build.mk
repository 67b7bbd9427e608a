# Unit tests: tests/unit/test_NOUN.c is one cmocka program, linked with the library's objects so that
# private functions can be called. Command tests: tests/cli/*.sh. Fuzz targets: tests/fuzz/fuzz_NAME.c,
# replayed over seeds in every run and driven by libFuzzer in `make fuzz`.
UNIT = $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
KERNEL_UNIT = $(filter test_kernel_%,$(UNIT))
FUZZ = $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
TOOLS = $(patsubst tests/tools/%.c,%,$(wildcard tests/tools/*.c))
UNIT_PROGRAMS = $(UNIT:%=$(BUILD)/tests/%) $(FUZZ:%=$(BUILD)/tests/replay_%) \
	$(TOOLS:%=$(BUILD)/tests/%)

$(filter-out $(KERNEL_UNIT:%=$(BUILD)/tests/%),$(UNIT:%=$(BUILD)/tests/%)): $(BUILD)/tests/%: $(BUILD)/exe/tests/unit/%.o $(BUILD)/libkext.a
	@mkdir -p $(@D)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS) $< $(BUILD)/libkext.a $(LIB_LIBS) -lcmocka -o $@

# The kernel's own parts, without its main: a test may define panic() itself.
$(KERNEL_UNIT:%=$(BUILD)/tests/%): $(BUILD)/tests/%: $(BUILD)/exe/tests/unit/%.o $(BUILD)/libkernel.a $(BUILD)/libkext.a
	@mkdir -p $(@D)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS) $< $(BUILD)/libkernel.a $(BUILD)/libkext.a $(LIB_LIBS) -lseccomp -lcmocka -o $@

$(TOOLS:%=$(BUILD)/tests/%): $(BUILD)/tests/%: $(BUILD)/exe/tests/tools/%.o $(BUILD)/libkext.a
	@mkdir -p $(@D)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS) $< $(BUILD)/libkext.a $(LIB_LIBS) -o $@

$(FUZZ:%=$(BUILD)/tests/replay_%): $(BUILD)/tests/replay_%: $(BUILD)/exe/tests/fuzz/fuzz_%.o $(BUILD)/exe/tests/fuzz/replay.o $(BUILD)/libkext.a
	@mkdir -p $(@D)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS) $^ $(LIB_LIBS) -o $@

unit-programs: $(UNIT_PROGRAMS)

check: targets unit-programs
	@BUILD=$(BUILD) SAN=$(SAN) tests/run $(TESTS)

# libFuzzer, FUZZ_SECONDS a target, over the seeds that tests/fuzz/seeds builds.
FUZZ_SECONDS ?= 60
FUZZ_FLAGS = -fsanitize=address,undefined -fno-sanitize-recover=undefined
FUZZ_OBJECTS = $(LIB_SOURCES:%.c=$(BUILD)/fuzz/%.o)
$(BUILD)/fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CLANG) $(CPPFLAGS) -std=gnu11 -O1 -g -MMD -MP $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -c $< -o $@

$(FUZZ:%=$(BUILD)/fuzz/fuzz_%): $(BUILD)/fuzz/fuzz_%: $(BUILD)/fuzz/tests/fuzz/fuzz_%.o $(FUZZ_OBJECTS)
	$(say) LD $@
	$(Q)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer $^ $(LIB_LIBS) -o $@

fuzz: targets $(FUZZ:%=$(BUILD)/fuzz/fuzz_%)
	BUILD=$(BUILD) tests/fuzz/seeds $(BUILD)/fuzz/seeds
	@for name in $(FUZZ); do \
		mkdir -p $(BUILD)/fuzz/corpus/$$name $(BUILD)/fuzz/seeds/$$name; \
		$(BUILD)/fuzz/fuzz_$$name -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=2048 \
			-artifact_prefix=$(BUILD)/fuzz/ $(BUILD)/fuzz/corpus/$$name \
			$(BUILD)/fuzz/seeds/$$name || exit 1; \
	done

# Which lines of parsers the fuzz targets reach with their seeds and mutants of them.
coverage: targets
	BUILD=$(BUILD) tests/fuzz/coverage

bench: targets
	BUILD=$(BUILD) tests/bench/run

.PHONY: check unit-programs fuzz coverage bench
