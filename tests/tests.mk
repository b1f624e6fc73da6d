# What tests are made of. A test is built for finding it: tests/unit/NAME_test.c, plugins/ID/*_test.c
# and tests/fuzz/NAME_fuzz.c need no line here.

TEST_CF   = $(SDK_CF) -Ivmm -Itests -DBUILD_DIR='"$(B)"' $(CFLAGS) $(LDFLAGS)
BENCH_LIBS := $(B)/libbackplane-bench.a $(B)/libbackplane-device.a

# tests/unit/kvm_NAME_ARCH_test.c is for hosts of that architecture.
UNIT_TESTS   := $(patsubst %.c,$(B)/%,$(filter-out \
                $(foreach a,$(NOT_HOST),tests/unit/kvm_%_$(a)_test.c),$(wildcard tests/unit/*_test.c)))
PLUGIN_TESTS := $(patsubst plugins/%.c,$(B)/tests/plugin/%,$(wildcard plugins/*/*_test.c))
TEST_PLUGINS := $(patsubst %.c,$(B)/%.so,$(wildcard tests/unit/plugins/*.c))
SDK_TESTS    := $(patsubst %.c,$(B)/%,$(wildcard tests/sdk/*_test.c))
FUZZERS      := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/*_fuzz.c))
BENCHES      := $(patsubst %.c,$(B)/%,$(wildcard tests/bench/*.c))
ifneq ($(HOST_ARCH),x86_64)
BENCHES      := $(filter-out %/kvm_bare,$(BENCHES))
endif
BROKEN       := $(patsubst %.c,$(B)/%.so,$(wildcard tests/broken/*.c))
DIFF         := $(B)/tests/diff/rv64_diff
# Bare-metal x86_64 guests: where the compiler makes such programs.
GUEST_CC     := $(if $(filter x86_64,$(HOST_ARCH)),$(CC),$(shell command -v x86_64-linux-gnu-gcc))
GUESTS       := $(if $(GUEST_CC),$(patsubst %,$(B)/guests/x86_64/%.elf,exits fuzz hello resetloop smp))

tests: all $(GUESTS) $(UNIT_TESTS) $(PLUGIN_TESTS) $(SDK_TESTS) $(BROKEN) $(DIFF)

test:                           ## run every unit, plugin, machine and table test
	@$(SETUP) build test demo
	$(MAKE) tests
	tests/run $(B)

bench: all $(BENCHES) $(GUESTS)           ## measure speed and memory, beside peers where installed
	@$(SETUP) build bench
	tests/bench/run $(B)

# The program's insides: core, tables, machine files, the software processor.
VMM_ARCHIVES := $(B)/libvmm.a $(B)/libbackplane-bench.a
$(B)/tests/unit/%: tests/unit/%.c $(VMM_ARCHIVES) | setup
	$(call step,TEST)
	$(Q)$(CC) $(TEST_CF) -MMD -MP -o $@ $< $(VMM_ARCHIVES) $(VMM_LIBS) -lcmocka

# Plugins with something wrong, for the loader's tests: linked without -z defs, one file each.
$(UNIT_TESTS): | $(TEST_PLUGINS)
$(B)/tests/unit/check_plan_test: | $(BROKEN)
$(B)/tests/unit/kvm_machine_x86_64_test: | $(GUESTS)
$(B)/tests/unit/plugins/%.so: tests/unit/plugins/%.c sdk/lib/plugin.map | setup
	$(call step,PLUGIN)
	$(Q)$(CC) $(SAN_LD) $(PLUGIN_CF) $(CFLAGS) -shared -Wl,--version-script=sdk/lib/plugin.map \
	    -MMD -MP -o $@ $<

# A device on the bench, without a machine.
link_bench = $(Q)$(CC) $(TEST_CF) -MMD -MP -o $@ $(filter %.c %.o,$^) $(BENCH_LIBS) -lcmocka -lm \
    $(call plugin_libs,$(notdir $(@D)))
$(B)/tests/plugin/%_test: plugins/%_test.c $$(call plugin_objects,$$(notdir $$(@D))) $(BENCH_LIBS)
	$(call step,TEST)
	$(link_bench)

# What is linked into plugins, and the bench itself.
$(B)/tests/sdk/%: tests/sdk/%.c $(BENCH_LIBS) | setup
	$(call step,TEST)
	$(link_bench)

# Plugins with a mistake each, which `plugin check` finds. What the compiler is told besides stands
# in the source: "Flags: ...".
$(B)/tests/broken/%.so: tests/broken/%.c $(B)/libbackplane-device.a | setup
	$(call step,PLUGIN)
	$(Q)$(CC) $(SAN_LD) $(PLUGIN_CF) $(CFLAGS) -shared -Wl,-z,relro,-z,now -MMD -MP -o $@ $^ \
	    $$(sed -nE 's|^ \* Flags: ([^*]*).*|\1|p' $<)

# Our processor against an independent one, on generated programs.
$(DIFF): $(wildcard tests/diff/*.c tests/diff/*.h) $(B)/libvmm.a | setup
	$(call step,TEST)
	$(Q)$(CC) $(TEST_CF) -Itests/diff -o $@ $(filter %.c,$^) $(B)/libvmm.a $(VMM_LIBS)

# libFuzzer programs: make MODE=fuzz fuzzers. The unit tests run the same targets on seeded input.
fuzzers: $(FUZZERS)
$(B)/tests/fuzz/net_user_fuzz: tests/fuzz/net_user_fuzz.c $(call plugin_objects,net-user) $(BENCH_LIBS)
	$(call step,FUZZ)
	$(Q)$(CC) $(TEST_CF) -fsanitize=fuzzer -MMD -MP -o $@ $(filter %.c %.o,$^) $(BENCH_LIBS) \
	    $(call plugin_libs,net-user)
$(B)/tests/fuzz/%: tests/fuzz/%.c $(B)/libvmm.a | setup
	$(call step,FUZZ)
	$(Q)$(CC) $(TEST_CF) -fsanitize=fuzzer -MMD -MP -o $@ $< $(B)/libvmm.a $(VMM_LIBS)

$(B)/tests/bench/unprobed: LDFLAGS += -Wl,--wrap=kvm_probe_at_start
$(B)/tests/bench/%: tests/bench/%.c $(B)/libvmm.a | setup
	$(call step,BENCH)
	$(Q)$(CC) $(TEST_CF) -MMD -MP -o $@ $< $(B)/libvmm.a $(VMM_LIBS)

# firmware/guests/ARCH/NAME.c with NAME_*.c and what all of them share. No sanitizer goes in there.
guest = firmware/guests/x86_64
GUEST_CF := -std=c11 -m64 -O2 -ffreestanding -fno-builtin -fno-stack-protector -fno-pic -no-pie \
    -mno-red-zone -mgeneral-regs-only -fcf-protection=none -fno-asynchronous-unwind-tables \
    -nostdlib -static -Wl,--build-id=none,--no-warn-rwx-segments -Wl,-T,$(guest)/guest.ld \
    $(if $(filter clang,$(CC)),-Wno-unused-command-line-argument)
$(B)/guests/x86_64/%.elf: $(guest)/start.S $(guest)/support.c $$(wildcard $(guest)/$$*.c $(guest)/$$*_*.c) \
        $(wildcard $(guest)/*.h) $(guest)/guest.ld | setup
	$(call step,GUEST)
	$(Q)$(GUEST_CC) $(GUEST_CF) $(filter-out -Wconversion,$(WARN)) -o $@ $(filter %.c %.S,$^)
