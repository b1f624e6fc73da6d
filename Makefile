# Backplane. `make help` lists what can be made.
# Build modes live in separate trees: `make MODE=asan` builds everything under build/asan.

MODE     ?= release
ifeq ($(origin CC),default)
CC       := gcc
endif
PREFIX   ?= /usr/local
LIBDIR   ?= $(PREFIX)/lib
VERSION  := 0.1.0

B        := $(if $(filter release,$(MODE)),build,build/$(MODE))
MODE_release := -O2 -DNDEBUG
MODE_asan    := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
MODE_tsan    := -O1 -fsanitize=thread
MODE_clang   := -O2 -DNDEBUG
MODE_fuzz    := -O1 -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined
ifneq ($(filter clang fuzz,$(MODE)),)
override CC := clang
endif
MODE_FLAGS := $(MODE_$(MODE))
ifeq ($(MODE_FLAGS),)
$(error MODE=$(MODE) is unknown: use release, clang, asan, tsan or fuzz)
endif

WARN     := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wundef -Wconversion -Werror
# The user's CFLAGS are appended and never replace ours.
CF       := -std=c11 -D_GNU_SOURCE -g $(MODE_FLAGS) $(WARN) -ffile-prefix-map=$(CURDIR)=. -pthread
VMM_CF   := $(CF) -Isdk/include -Isdk/host -Ivmm -DBP_VERSION='"$(VERSION)"' \
            -DBP_PREFIX='"$(PREFIX)"' -DBP_LIBDIR='"$(LIBDIR)"'
PLUGIN_CF := $(CF) -Isdk/include -fPIC -fvisibility=hidden
PLUGIN_LD := -shared -Wl,-z,defs -Wl,-z,relro -Wl,-z,now -Wl,--version-script=sdk/lib/plugin.map
VMM_LIBS := -lfdt -linih -ldl -pthread -lm
# A device's doors are for plugins; the program exports nothing to them.
# With clang, MODE=fuzz makes libFuzzer programs of tests/fuzz; elsewhere each has a seeded main.
FUZZ_LD  := $(if $(filter fuzz,$(MODE)),-fsanitize=fuzzer)
SAN_LD   := $(filter -fsanitize=%,$(MODE_FLAGS))

# vmm/accel/kvm*_ARCH.c is for hosts of that architecture, kvm*_other.c for all the others.
HOST_ARCH := $(patsubst aarch64,arm64,$(firstword $(subst -, ,$(shell $(CC) -dumpmachine))))
HOST_ARCH := $(or $(filter x86_64 arm64 riscv64,$(HOST_ARCH)),other)
NOT_HOST := $(filter-out $(HOST_ARCH),x86_64 arm64 riscv64 other)
VMM_SRC  := $(filter-out vmm/cli/main.c $(foreach a,$(NOT_HOST),vmm/accel/kvm%_$(a).c), \
            $(shell find vmm sdk/host -name '*.c' | LC_ALL=C sort))
VMM_OBJ  := $(VMM_SRC:%.c=$(B)/obj/%.o)
LIB_OBJ  := $(patsubst %.c,$(B)/obj/%.pic.o,$(wildcard sdk/lib/*.c))
BENCH_OBJ := $(patsubst %.c,$(B)/obj/%.o,$(wildcard sdk/bench/*.c))
PLUGIN_IDS := $(notdir $(patsubst %/,%,$(wildcard plugins/*/)))
PLUGINS  := $(PLUGIN_IDS:%=$(B)/plugins/%.so)
PLUGIN_TESTS := $(patsubst plugins/%_test.c,$(B)/tests/plugin/%_test,$(wildcard plugins/*/*_test.c))
TEMPLATE := $(B)/template/example.so $(B)/tests/template/example_test
BENCH_LIBS := $(B)/libbackplane-bench.a $(B)/libbackplane-device.a
UNIT_TESTS := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/*_test.c))
SDK_HEADERS := $(shell find sdk/include -name '*.h' | LC_ALL=C sort)

# `make V=1` shows whole command lines.
Q        := $(if $(V),,@)
say       = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(patsubst $(B)/%,%,$@)')

.PHONY: all test check demo bench lint install uninstall clean help setup format guests
.DELETE_ON_ERROR:
.SECONDARY:

all: $(B)/backplane $(PLUGINS) $(B)/machines/.stamp   ## build the program, every plugin and the machine files

$(B)/backplane: $(B)/obj/vmm/cli/main.o $(B)/libvmm.a
	$(call say,LINK)
	$(Q)$(CC) $(SAN_LD) $(LDFLAGS) -o $@ $^ $(VMM_LIBS)

$(B)/libvmm.a: $(VMM_OBJ)
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/libbackplane-bench.a: $(BENCH_OBJ) $(patsubst %.c,$(B)/obj/%.o,$(wildcard sdk/host/*.c))
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/libbackplane-device.a: $(LIB_OBJ)
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/obj/vmm/%.o: vmm/%.c | setup
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(VMM_CF) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/obj/sdk/%.pic.o: sdk/%.c | setup
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(PLUGIN_CF) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/obj/sdk/%.o: sdk/%.c | setup
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CF) -Isdk/include -Isdk/host -Isdk/bench $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/obj/plugins/%.o: plugins/%.c | setup
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(PLUGIN_CF) $(CFLAGS) -MMD -MP -c -o $@ $<

# One folder, one plugin: every .c in plugins/ID but its test goes into ID.so.
.SECONDEXPANSION:
plugin_objects = $(patsubst %.c,$(B)/obj/%.o,$(filter-out %_test.c,$(wildcard plugins/$(1)/*.c)))
$(B)/plugins/%.so: $$(call plugin_objects,$$*) $(B)/libbackplane-device.a sdk/lib/plugin.map
	@mkdir -p $(@D)
	$(call say,PLUGIN)
	$(Q)$(CC) $(SAN_LD) $(PLUGIN_LD) $(LDFLAGS) -o $@ $(filter %.o,$^) $(B)/libbackplane-device.a

$(B)/machines/.stamp: $(wildcard machines/*.ini)
	@mkdir -p $(@D)
	$(Q)rm -f $(@D)/*.ini && cp $^ $(@D)/ && touch $@

# --- tests -----------------------------------------------------------------------------------
TEST_CF = $(CF) -Isdk/include -Isdk/host -Isdk/bench -Ivmm -Itests -DBUILD_DIR='"$(B)"'

$(B)/tests/unit/%: tests/unit/%.c $(B)/libvmm.a | setup
	@mkdir -p $(@D)
	$(call say,TEST)
	$(Q)$(CC) $(TEST_CF) $(CFLAGS) -MMD -MP -o $@ $< $(B)/libvmm.a $(VMM_LIBS) -lcmocka

# Plugins with something wrong, for the loader's tests: linked without -z defs, one file each.
TEST_PLUGINS := $(patsubst %.c,$(B)/%.so,$(wildcard tests/unit/plugins/*.c))
$(UNIT_TESTS): | $(TEST_PLUGINS)
$(B)/tests/unit/plugins/%.so: tests/unit/plugins/%.c sdk/lib/plugin.map | setup
	@mkdir -p $(@D)
	$(call say,PLUGIN)
	$(Q)$(CC) $(SAN_LD) $(PLUGIN_CF) $(CFLAGS) -shared -Wl,--version-script=sdk/lib/plugin.map -MMD -MP -o $@ $<

$(B)/tests/plugin/%_test: plugins/%_test.c $$(call plugin_objects,$$(notdir $$(@D))) $(BENCH_LIBS)
	@mkdir -p $(@D)
	$(call say,TEST)
	$(Q)$(CC) $(TEST_CF) $(CFLAGS) -MMD -MP -o $@ $(filter %.c %.o,$^) $(BENCH_LIBS) -lcmocka -lm

# The plugin to copy is built and tested like any other, and kept out of the plugin directory.
$(B)/template/%.so: $(B)/obj/sdk/template/%.pic.o $(B)/libbackplane-device.a sdk/lib/plugin.map
	@mkdir -p $(@D)
	$(call say,PLUGIN)
	$(Q)$(CC) $(SAN_LD) $(PLUGIN_LD) $(LDFLAGS) -o $@ $< $(B)/libbackplane-device.a

$(B)/tests/template/%_test: sdk/template/%_test.c $(B)/obj/sdk/template/%.pic.o $(BENCH_LIBS)
	@mkdir -p $(@D)
	$(call say,TEST)
	$(Q)$(CC) $(TEST_CF) $(CFLAGS) -MMD -MP -o $@ $(filter %.c %.o,$^) $(BENCH_LIBS) -lcmocka -lm

# The template is built and tested like a plugin, but is not one of the machine's.
$(B)/template/example.so: $(B)/obj/sdk/template/example.pic.o $(B)/libbackplane-device.a sdk/lib/plugin.map
	@mkdir -p $(@D)
	$(call say,PLUGIN)
	$(Q)$(CC) $(SAN_LD) $(PLUGIN_LD) $(LDFLAGS) -o $@ $< $(B)/libbackplane-device.a

$(B)/tests/template/example_test: sdk/template/example_test.c $(B)/obj/sdk/template/example.pic.o $(B)/libbackplane-bench.a $(B)/libbackplane-device.a
	@mkdir -p $(@D)
	$(call say,TEST)
	$(Q)$(CC) $(TEST_CF) $(CFLAGS) -MMD -MP -o $@ $(filter %.c %.o,$^) $(B)/libbackplane-bench.a $(B)/libbackplane-device.a -lcmocka -lm

# What is linked into plugins, and the bench itself.
SDK_TESTS := $(patsubst tests/sdk/%.c,$(B)/tests/sdk/%,$(wildcard tests/sdk/*_test.c))
$(B)/tests/sdk/%: tests/sdk/%.c $(B)/libbackplane-bench.a $(B)/libbackplane-device.a | setup
	@mkdir -p $(@D)
	$(call say,TEST)
	$(Q)$(CC) $(TEST_CF) $(CFLAGS) -MMD -MP -o $@ $< $(B)/libbackplane-bench.a $(B)/libbackplane-device.a -lcmocka

# What every plugin must do, whatever it is: loads each .so and tries.
CONFORMANCE := $(B)/tests/conformance/conformance
$(CONFORMANCE): $(wildcard tests/conformance/*.c) $(B)/libbackplane-bench.a | setup
	@mkdir -p $(@D)
	$(call say,TEST)
	$(Q)$(CC) $(TEST_CF) $(CFLAGS) -o $@ $^ -ldl

# Programs that are not cmocka's: differential test, fuzzers with a seeded main, benchmarks.
DIFF     := $(B)/tests/diff/rv64_diff
FUZZERS  := $(patsubst tests/fuzz/%.c,$(B)/tests/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))
BENCHES  := $(patsubst tests/bench/%.c,$(B)/tests/bench/%,$(wildcard tests/bench/*.c))

$(DIFF): $(wildcard tests/diff/*.c) $(B)/libvmm.a | setup
	@mkdir -p $(@D)
	$(call say,TEST)
	$(Q)$(CC) $(TEST_CF) $(CFLAGS) -Itests/diff -o $@ $(filter %.c,$^) $(B)/libvmm.a $(VMM_LIBS)

$(B)/tests/fuzz/%: tests/fuzz/%.c $(B)/libvmm.a $(B)/libbackplane-bench.a | setup
	@mkdir -p $(@D)
	$(call say,TEST)
	$(Q)$(CC) $(TEST_CF) $(CFLAGS) $(FUZZ_LD) -MMD -MP -o $@ $< $(B)/libvmm.a $(VMM_LIBS)

$(B)/tests/bench/%: tests/bench/%.c $(B)/libvmm.a | setup
	@mkdir -p $(@D)
	$(call say,BENCH)
	$(Q)$(CC) $(TEST_CF) $(CFLAGS) -MMD -MP -o $@ $< $(B)/libvmm.a $(VMM_LIBS)

tests: $(UNIT_TESTS) $(PLUGIN_TESTS) $(TEMPLATE) $(SDK_TESTS) $(CONFORMANCE) $(DIFF) $(FUZZERS) all

test: setup tests               ## run every unit, plugin, machine and table test
	tests/run $(B)

check:                          ## everything a push needs: lint, tests, sanitizers, boots
	bash .ci/run

demo: all                       ## boot a distribution's Linux on machines/virt.ini, to a shell
	tests/boot/demo $(B)

bench: all $(BENCHES)          ## measure speed and memory, beside peers where installed
	tests/bench/run $(B)

lint:                           ## layering, style and header rules, by script
	tests/lint/run

setup:                          ## install what is missing from the distribution's packages
	@tests/setup

install: all                    ## install under DESTDIR and PREFIX
	tests/install install "$(B)" "$(DESTDIR)" "$(PREFIX)" "$(LIBDIR)" "$(VERSION)"

uninstall:                      ## remove what install has put there
	tests/install uninstall "$(B)" "$(DESTDIR)" "$(PREFIX)" "$(LIBDIR)" "$(VERSION)"

format:                         ## run clang-format over the tree
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:                          ## remove what was built; what was fetched stays in build/cache
	find build -mindepth 1 -maxdepth 1 ! -name cache -exec rm -rf {} +

help:                           ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  MODE=release|clang|asan|tsan|fuzz picks a build tree; CFLAGS are appended"

-include $(shell find $(B)/obj $(B)/tests -name '*.d' 2>/dev/null)
