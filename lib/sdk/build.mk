# What a kext is built with on Linux: headers, libkmod.a and libkmodc++.a, below
# share/kext/sdk; and System.kext, whose KPI plug-ins are made from the export lists.
SHARE = $(BUILD)/share/kext
SDK = $(SHARE)/sdk
SDK_HEADERS = $(shell cd lib/sdk/include && find . -name '*.h' | sed 's,^\./,,')
KEXT_TARGET = --target=x86_64-apple-macosx10.15
LLVM_AR ?= $(firstword $(wildcard /usr/bin/llvm-ar-14 /usr/bin/llvm-ar) llvm-ar)

$(SDK_HEADERS:%=$(SDK)/include/%): $(SDK)/include/%: lib/sdk/include/%
	@mkdir -p $(@D)
	@install -m 644 $< $@

$(BUILD)/sdk/%.o: lib/sdk/libkmod/%.c $(SDK_HEADERS:%=lib/sdk/include/%)
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CLANG) $(KEXT_TARGET) -mkernel -O2 -Wall -Wextra -nostdinc -isystem lib/sdk/include -c $< -o $@

$(SDK)/lib/libkmod.a: $(BUILD)/sdk/c_start.o $(BUILD)/sdk/c_stop.o
$(SDK)/lib/libkmodc++.a: $(BUILD)/sdk/cplus_start.o $(BUILD)/sdk/cplus_stop.o
$(SDK)/lib/libkmod.a $(SDK)/lib/libkmodc++.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(say) AR $@
	$(Q)$(LLVM_AR) --format=darwin rcsD $@ $^

# PLUGIN@KPI pairs, by the folder names that Darwin's System.kext has.
KPI_PLUGINS = BSDKernel@bsd MACFramework@dsep IOKit@iokit Libkern@libkern Mach@mach \
	Private@private Unsupported@unsupported
DARWIN_VERSION = 19.6.0
KPI_COMPATIBLE = 8.0.0
SYSTEM_KEXT = $(SHARE)/System.kext
KPI_STAMPS = $(KPI_PLUGINS:%=$(BUILD)/sdk/%.stamp)

$(KPI_STAMPS): $(BUILD)/sdk/%.stamp: lib/sdk/kpi-info.plist.in lib/sdk/build.mk $(BIN)/kextsymboltool $(wildcard lib/sdk/exports/*)
	@mkdir -p $(SYSTEM_KEXT)/PlugIns/$(call plugin,$*).kext $(@D)
	$(say) KPI $(call plugin,$*)
	$(Q)$(BIN)/kextsymboltool -arch x86_64 -export lib/sdk/exports/com.apple.kpi.$(call kpi,$*).exports \
		-output $(SYSTEM_KEXT)/PlugIns/$(call plugin,$*).kext/$(call plugin,$*)
	@sed -e 's/@PLUGIN@/$(call plugin,$*)/g; s/@KPI@/$(call kpi,$*)/g' \
		-e 's/@VERSION@/$(DARWIN_VERSION)/g; s/@COMPATIBLE@/$(KPI_COMPATIBLE)/g' $< \
		> $(SYSTEM_KEXT)/PlugIns/$(call plugin,$*).kext/Info.plist
	@touch $@
plugin = $(firstword $(subst @, ,$1))
kpi = $(lastword $(subst @, ,$1))

$(SYSTEM_KEXT)/Info.plist: lib/sdk/system-info.plist.in
	@mkdir -p $(@D)
	@sed 's/@VERSION@/$(DARWIN_VERSION)/g' $< > $@

TARGETS += $(SDK_HEADERS:%=$(SDK)/include/%) $(SDK)/lib/libkmod.a $(SDK)/lib/libkmodc++.a \
	$(KPI_STAMPS) $(SYSTEM_KEXT)/Info.plist
