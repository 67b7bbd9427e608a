# Unit tests: tests/unit/test_NOUN.c is one cmocka program, linked with the library's objects so that
# private functions can be called. Command tests: tests/cli/*.sh, run by tests/run.
UNIT = $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
UNIT_PROGRAMS = $(UNIT:%=$(BUILD)/tests/%)

$(UNIT_PROGRAMS): $(BUILD)/tests/%: $(BUILD)/exe/tests/unit/%.o $(BUILD)/libkext.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $< $(BUILD)/libkext.a $(LIB_LIBS) -lcmocka -o $@

unit-programs: $(UNIT_PROGRAMS)

check: targets unit-programs
	BUILD=$(BUILD) tests/run $(TESTS)

.PHONY: check unit-programs
