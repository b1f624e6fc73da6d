# Backplane. `make help` lists what can be made. Rules for tests are in tests/tests.mk.
# Build modes live in separate trees: `make MODE=asan` builds everything under build/asan.

comma    := ,
MODE     ?= release
# Where things are installed. PREFIX and LIBDIR may come from the environment; GNU's names work too.
PREFIX   ?= /usr/local
prefix   = $(PREFIX)
LIBDIR   ?= $(prefix)/lib
libdir   = $(LIBDIR)
bindir   = $(prefix)/bin
includedir = $(prefix)/include
datadir  = $(prefix)/share
mandir   = $(datadir)/man
docdir   = $(datadir)/doc/backplane
sysconfdir = $(patsubst /usr/etc,/etc,$(prefix)/etc)
unitdir  = $(prefix)/lib/systemd/system
RELOCATABLE ?= no
INSTALL_DIRS = $(foreach d,prefix bindir libdir includedir datadir mandir docdir sysconfdir unitdir,$(d)="$($(d))") \
    relocatable="$(RELOCATABLE)"
VERSION  := 0.1.0
# Installs what is missing from the distribution's packages. Packagers: make SETUP=:
SETUP    ?= tests/setup
# Another architecture: CROSS=aarch64-linux-gnu- or riscv64-linux-gnu-, the prefix of the compiler's
# name. Libraries come from SYSROOT, which tests/cross fills; SYSROOT= is for a compiler that has its own.
CROSS    ?=
CROSS_TRIPLET := $(patsubst %-,%,$(notdir $(CROSS)))
CROSS_ARCH := $(patsubst aarch64,arm64,$(firstword $(subst -, ,$(CROSS_TRIPLET))))
SYSROOT  ?= $(if $(CROSS),build/cache/sysroot/$(CROSS_ARCH))
ifeq ($(origin CC),default)
CC       := $(CROSS)gcc
endif
ifeq ($(origin AR),default)
AR       := $(CROSS)ar
endif

B        := build$(addprefix /,$(CROSS_TRIPLET))$(addprefix /,$(filter-out release,$(MODE)))
MODE_release := -O2 -DNDEBUG
MODE_clang   := -O2 -DNDEBUG
MODE_asan    := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
MODE_tsan    := -O1 -fsanitize=thread
MODE_fuzz    := -O1 -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined
MODE_FLAGS := $(MODE_$(MODE))
ifeq ($(MODE_FLAGS),)
$(error MODE=$(MODE) is unknown: use release, clang, asan, tsan or fuzz)
endif
ifneq ($(filter clang fuzz,$(MODE)),)
override CC := clang
ifneq ($(CROSS),)
CROSS_GCC_DIR := $(dir $(shell $(CROSS)gcc -print-libgcc-file-name 2>/dev/null))
override CC += --target=$(CROSS_TRIPLET) -B$(CROSS_GCC_DIR) -L$(CROSS_GCC_DIR) \
    -Wno-unused-command-line-argument
endif
endif
ifneq ($(SYSROOT),)
# A cross compiler's own C library would come before that of the sysroot: of another release, it fits
# neither the libraries there nor what a program finds at run time.
override CC += --sysroot=$(SYSROOT) -B$(SYSROOT)/usr/lib/$(CROSS_TRIPLET) \
    -L$(SYSROOT)/usr/lib/$(CROSS_TRIPLET) -isystem $(SYSROOT)/usr/include/$(CROSS_TRIPLET) \
    -isystem $(SYSROOT)/usr/include
endif
SAN_LD   := $(filter -fsanitize=%,$(MODE_FLAGS))

# Warnings are errors in CI: a compiler newer than any of ours must not keep a user from building.
WARN     := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wundef -Wconversion $(if $(CI),-Werror)
# The user's CFLAGS are appended and never replace ours.
CF       := -std=c11 -D_GNU_SOURCE -g $(MODE_FLAGS) $(WARN) -ffile-prefix-map=$(CURDIR)=. -pthread
VMM_CF   := $(CF) -Isdk/include -Isdk/host -Ivmm -I$(B)/gen -DBP_VERSION='"$(VERSION)"' \
            -DBP_PREFIX='"$(prefix)"' -DBP_BINDIR='"$(bindir)"' -DBP_LIBDIR='"$(libdir)"' \
            -DBP_DATADIR='"$(datadir)"'
SDK_CF   := $(CF) -Isdk/include -Isdk/host -Isdk/bench
PLUGIN_CF := $(CF) -Isdk/include -I$(B)/gen -fPIC -fvisibility=hidden
PLUGIN_LD := -shared -Wl,-z,defs -Wl,-z,relro -Wl,-z,now -Wl,--version-script=sdk/lib/plugin.map
VMM_LIBS := -lfdt -linih -lz -ldl -pthread -lm

# vmm/accel/kvm*_ARCH.c is for hosts of that architecture, kvm*_other.c for all the others.
# (The compiler may not be installed yet: then CROSS or this machine's own name says it.)
HOST_ARCH := $(shell $(CC) -dumpmachine 2>/dev/null || echo $(or $(CROSS_TRIPLET),`uname -m`))
HOST_ARCH := $(patsubst aarch64,arm64,$(firstword $(subst -, ,$(HOST_ARCH))))
HOST_ARCH := $(or $(filter x86_64 arm64 riscv64,$(HOST_ARCH)),other)
# Before version 14, gcc for riscv64 calls this library for atomic exchanges of a byte.
LIBATOMIC := $(if $(filter riscv64,$(HOST_ARCH)),-Wl$(comma)--as-needed -latomic -Wl$(comma)--no-as-needed)
VMM_LIBS += $(LIBATOMIC)
NOT_HOST := $(filter-out $(HOST_ARCH),x86_64 arm64 riscv64 other)
VMM_SRC  := $(filter-out vmm/cli/main.c $(foreach a,$(NOT_HOST),vmm/accel/kvm%_$(a).c), \
            $(shell find vmm sdk/host -name '*.c' | LC_ALL=C sort))
VMM_OBJ  := $(VMM_SRC:%.c=$(B)/obj/%.o)
HOST_OBJ := $(patsubst %.c,$(B)/obj/%.o,$(sort $(wildcard sdk/host/*.c)))
BENCH_OBJ := $(patsubst %.c,$(B)/obj/%.o,$(sort $(wildcard sdk/bench/*.c)))
LIB_OBJ  := $(patsubst %.c,$(B)/obj/%.pic.o,$(sort $(wildcard sdk/lib/*.c)))
PLUGINS  := $(patsubst plugins/%/,$(B)/plugins/%.so,$(sort $(wildcard plugins/*/)))

# `make V=1` shows whole command lines. $(call step,WORD) begins a recipe, $(Q) its command.
Q        := $(if $(V),,@)
step      = @mkdir -p $(@D)$(if $(V),, && printf '  %-7s %s\n' '$(1)' '$(patsubst $(B)/%,%,$@)')

.PHONY: all man abi-update man test tests fuzzers check demo bench lint install uninstall format clean help setup always
.DELETE_ON_ERROR:
.SECONDARY:
.SECONDEXPANSION:

all: $(B)/backplane $(PLUGINS) $(B)/machines/.stamp $(B)/template/.stamp ## build the program, plugins and machine files

$(B)/backplane: $(B)/obj/vmm/cli/main.o $(B)/libvmm.a $(B)/libbackplane-bench.a
	$(call step,LINK)
	$(Q)$(CC) $(SAN_LD) $(LDFLAGS) -o $@ $^ $(VMM_LIBS)

$(B)/libvmm.a: $(VMM_OBJ)
$(B)/libbackplane-bench.a: $(BENCH_OBJ) $(HOST_OBJ)
$(B)/libbackplane-device.a: $(LIB_OBJ)
$(B)/%.a:
	$(call step,AR)
	$(Q)rm -f $@ && $(AR) rcsD $@ $^

# ACPI methods: firmware/acpi/NAME.asl becomes acpi/NAME.h, the terms without the table's header.
ACPI_GEN := $(patsubst firmware/acpi/%.asl,$(B)/gen/acpi/%.h,$(wildcard firmware/acpi/*.asl))
$(B)/gen/acpi/%.h: firmware/acpi/%.asl | setup
	$(call step,IASL)
	$(Q)iasl -vs -vi -we -oE -p $(@:.h=) $< > $(@:.h=.log) || { cat $(@:.h=.log); exit 1; }
	$(Q){ echo '/* Made from $<. */'; echo 'static const unsigned char acpi_$*[] = {'; \
	    tail -c +37 $(@:.h=.aml) | od -An -v -tx1 | sed 's/ \(..\)/0x\1,/g'; echo '};'; } > $@
$(VMM_OBJ): | $(ACPI_GEN)

# `plugin check` puts devices on the bench.
$(B)/obj/vmm/check/%.o: VMM_CF += -Isdk/bench
$(B)/obj/vmm/%.o: vmm/%.c | setup
	$(call step,CC)
	$(Q)$(CC) $(VMM_CF) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The program knows where it is installed: for another place that is compiled again.
$(B)/obj/vmm/util/paths.o: $(B)/obj/where
$(B)/obj/where: always
	@mkdir -p $(@D)
	@echo '$(INSTALL_DIRS)' | cmp -s - $@ || echo '$(INSTALL_DIRS)' > $@

$(B)/obj/sdk/%.pic.o: sdk/%.c | setup
	$(call step,CC)
	$(Q)$(CC) $(PLUGIN_CF) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/obj/sdk/%.o: sdk/%.c | setup
	$(call step,CC)
	$(Q)$(CC) $(SDK_CF) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/obj/plugins/%.o: plugins/%.c | setup
	$(call step,CC)
	$(Q)$(CC) $(PLUGIN_CF) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# One folder, one plugin: every .c in plugins/ID but its test goes into ID.so.
# What it needs of other libraries stands in plugins/ID/libs: "-lslirp".
plugin_objects = $(patsubst %.c,$(B)/obj/%.o,$(filter-out %_test.c,$(sort $(wildcard plugins/$(1)/*.c))))
$(foreach p,$(wildcard plugins/*),$(call plugin_objects,$(notdir $(p)))): | $(ACPI_GEN)
plugin_libs = $(if $(wildcard plugins/$(1)/libs),$(file <plugins/$(1)/libs)) $(LIBATOMIC)
link_plugin = $(Q)$(CC) $(SAN_LD) $(PLUGIN_LD) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) \
    $(call plugin_libs,$(notdir $(basename $@)))
$(B)/plugins/%.so: $$(call plugin_objects,$$*) $(B)/libbackplane-device.a sdk/lib/plugin.map
	$(call step,PLUGIN)
	$(link_plugin)

$(B)/machines/.stamp: $(wildcard machines/*.ini)
	$(call step,COPY)
	$(Q)rm -f $(@D)/*.ini && cp $^ $(@D)/ && touch $@

# What `plugin new` copies. tests/scaffold makes, builds and tests one of each.
$(B)/template/.stamp: $(wildcard sdk/template/*/*)
	$(call step,COPY)
	$(Q)rm -rf $(@D) && mkdir -p $(@D) && cp -r sdk/template/*/ $(@D)/ && touch $@

# A page for each plugin, written by the program from the plugins' tables. A program for another
# architecture needs an emulator for that; where it does not run there are no such pages.
CROSS_CPU := $(firstword $(subst -, ,$(CROSS_TRIPLET)))
EMULATOR := $(if $(CROSS),$(shell command -v qemu-$(CROSS_CPU)-static qemu-$(CROSS_CPU) | head -n 1))
RUN_BUILT = env -u BACKPLANE_PLUGIN_PATH \
    $(if $(EMULATOR),$(EMULATOR) $(if $(SYSROOT),-L $(SYSROOT))) $(B)/backplane
man: $(B)/man/.stamp            ## write the plugins' manual pages
$(B)/man/.stamp: $(B)/backplane $(PLUGINS) $(B)/machines/.stamp
	$(call step,MAN)
	$(Q)rm -f $(@D)/*.7; if ! $(RUN_BUILT) version >/dev/null 2>&1; then \
	    echo "  no pages of plugins: $(B)/backplane does not run here"; \
	else for id in $(basename $(notdir $(PLUGINS))); do \
	    $(RUN_BUILT) plugin info $$id --man --plugin-dir $(B)/plugins >$(@D)/backplane-$$id.7 || exit 1; \
	done; fi && touch $@

include tests/tests.mk

check:                          ## everything a push needs: what CI runs
	bash .ci/run

demo: all                       ## boot a distribution's Linux on machines/virt.ini; ARCH=riscv64
	tests/boot/demo $(B) $(ARCH)

lint:                           ## layering, style and header rules, by script
	tests/lint/run

setup:
	@$(SETUP) build $(if $(CROSS),cross)
ifneq ($(filter build/cache/sysroot/%,$(SYSROOT)),)
	@$(if $(filter tests/setup,$(SETUP)),tests/cross $(CROSS_ARCH))
	@test -e $(SYSROOT)/.fetched || { \
	    echo "No libraries for $(CROSS_ARCH) in $(SYSROOT): run tests/cross $(CROSS_ARCH)"; exit 1; }
endif

install: all man $(B)/libbackplane-bench.a $(B)/libbackplane-device.a ## install under DESTDIR and PREFIX
	tests/install install "$(B)" "$(DESTDIR)" "$(VERSION)" $(INSTALL_DIRS)

uninstall:                      ## remove what install has put there
	tests/install uninstall "$(B)" "$(DESTDIR)" "$(VERSION)" $(INSTALL_DIRS)

abi-update:                     ## freeze the SDK's headers anew, after a change of them
	tests/abi/run --update

format:                         ## run clang-format over the tree
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:                          ## remove what was built; what was fetched stays in build/cache
	[ ! -d build ] || find build -mindepth 1 -maxdepth 1 ! -name cache -exec rm -rf {} +

help:                           ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  MODE=release|clang|asan|tsan|fuzz picks a build tree; CFLAGS are appended; V=1 shows all"
	@echo "  CROSS=aarch64-linux-gnu-|riscv64-linux-gnu- builds for another architecture, in a tree of its own"

-include $(shell find $(B)/obj $(B)/tests -name '*.d' 2>/dev/null)
