# SPDX-License-Identifier: GPL-2.0-or-later
#
# Everything that is made goes to .output/, laid out as it is installed, so that a program finds its
# data beside itself in the build tree and below PREFIX alike:
#   .output/sbin  .output/libexec/sallyport  .output/share/sallyport
# `make help` lists the targets.

.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

PREFIX  ?= /usr/local
DESTDIR ?=
O       := .output
INCLUDE := include
CC      ?= cc
ifeq ($(origin CC),default)
CC      := gcc
endif
CLANG   ?= clang
BPFTOOL ?= $(shell command -v bpftool 2>/dev/null || echo /usr/sbin/bpftool)
ARCH    := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
TRIPLET := $(shell $(CC) -print-multiarch 2>/dev/null)

# `make V=1` shows whole commands.
ifeq ($(V),1)
say      =
Q       :=
else
say      = @printf '  %-8s %s\n' $(1) $(patsubst $(O)/%,%,$(2))
Q       := @
endif

WARN    := -Wall -Wextra -Werror -Wshadow -Wconversion -Wimplicit-fallthrough -Wstrict-prototypes
CFLAGS  ?= -O2 -g
LDFLAGS ?= -Wl,-z,relro -Wl,-z,now -Wl,--as-needed
# `make VERSION=1.2` builds one that says so.
VERSION ?= $(shell sed -n 's/.*SP_VERSION "\(.*\)"/\1/p' user/lib/version.h)
USER_CFLAGS := -std=gnu11 $(WARN) -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE \
               -I$(INCLUDE) -Iuser -isystem $(O)/skeleton '-ffile-prefix-map=$(CURDIR)=.'
TEST_CFLAGS := -std=gnu11 $(WARN) -D_GNU_SOURCE -O1 -g -fno-omit-frame-pointer \
               -fsanitize=address,undefined -fno-sanitize-recover=all \
               -I$(INCLUDE) -Iuser -isystem $(O)/skeleton
ifneq ($(origin VERSION),file)
USER_CFLAGS += -DSP_VERSION='"$(VERSION)"'
endif
BPF_CFLAGS  := -target bpf -mcpu=v3 -O2 -g $(WARN) -Wno-compare-distinct-pointer-types \
               -D__TARGET_ARCH_$(ARCH) -I$(INCLUDE) -Ibpf -I/usr/include/$(TRIPLET) \
               '-ffile-prefix-map=$(CURDIR)=.'

LIB_SRC       := $(wildcard user/lib/*.c user/ipc/*.c user/web/*.c)
CLI_SRC       := $(wildcard user/cli/*.c user/doctor/*.c user/keeper/*.c)
# Commands that need large libraries, which would cost every other command milliseconds to load, and
# the daemon: `sallyport` has sallyportd run them (user/light/elsewhere.c).
WIDE_SRC      := $(patsubst %,user/cli/%.c,top top_data top_screen run reload status cert cert_output \
                 config_check dhcp_snippet doctor sheet sheet_svg sheet_png voucher_create user password)
LIGHT_SRC     := $(filter-out $(WIDE_SRC),$(wildcard user/cli/*.c)) $(wildcard user/light/*.c)
RESPONDER_SRC := $(wildcard user/responder/*.c)
PORTAL_SRC    := $(wildcard user/portal/*.c)
GARDEN_SRC    := $(wildcard user/garden/*.c)
VERIFIER_SRC  := $(wildcard user/verifier/*.c)
METRICS_SRC   := $(wildcard user/metrics/*.c)
PROBER_SRC    := $(wildcard user/prober/*.c)
RADIUS_SRC    := $(wildcard user/radius/*.c)
USER_SRC      := $(LIB_SRC) $(CLI_SRC) $(RESPONDER_SRC) $(PORTAL_SRC) \
                 $(GARDEN_SRC) $(VERIFIER_SRC) $(RADIUS_SRC) $(PROBER_SRC) $(METRICS_SRC)
BPF_SRC       := $(wildcard bpf/*.bpf.c)
HEADERS       := $(wildcard $(INCLUDE)/sallyport/*.h user/*/*.h)

SKELETONS := $(BPF_SRC:bpf/%.bpf.c=$(O)/skeleton/%.skel.h)
obj        = $(patsubst %.c,$(O)/obj/%.o,$(1))
testobj    = $(patsubst %.c,$(O)/testobj/%.o,$(filter-out %/main.c,$(1)))

LIBS_SANDBOX   := -lseccomp -lcap-ng
LIBS_LIGHT     := -ljansson -lbpf -lmnl -linih -lnettle -lsqlite3 -lelf -lz
LIBS           := -lbpf -lmnl -linih -lnettle -lsqlite3 -lelf -lz $(LIBS_SANDBOX)
LIBS_CLI       := -lncursesw -ltinfo -lgnutls -ljansson -lqrencode -lpng -lcrypt $(LIBS)
LIBS_RESPONDER := -linih -lnettle $(LIBS_SANDBOX)
LIBS_PORTAL    := -lmicrohttpd -lgnutls -ljansson -linih -lnettle -lbpf -lelf -lz $(LIBS_SANDBOX)
LIBS_GARDEN    := -lcares -lbpf -lelf -lz $(LIBS_SANDBOX)
LIBS_PROBER    := -lcares $(LIBS_SANDBOX)
LIBS_METRICS   := -lmicrohttpd $(LIBS_SANDBOX)
LIBS_VERIFIER  := -lcrypt -ljansson -lnettle $(LIBS_SANDBOX)
LIBS_TEST      := -lcmocka -lncursesw -ltinfo -lcares -lcrypt -ljansson -lqrencode -lpng \
                  -lmicrohttpd -lgnutls $(LIBS)

PROGRAMS := $(O)/sbin/sallyport $(O)/sbin/sallyportd \
            $(O)/libexec/sallyport/sallyport-responder $(O)/libexec/sallyport/sallyport-portal \
            $(O)/libexec/sallyport/sallyport-garden $(O)/libexec/sallyport/sallyport-verifier \
            $(O)/libexec/sallyport/sallyport-prober $(O)/libexec/sallyport/sallyport-metrics
TEST_BIN := $(patsubst tests/%.c,$(O)/tests/%,$(wildcard tests/unit/test_*.c tests/bpf/test_*.c)) \
            $(O)/tests/differential/runner
DATA_SRC := $(wildcard user/responder/probes.conf user/portal/pages/*)
DATA     := $(O)/share/sallyport/.stamp

.PHONY: all deps install uninstall fit deb demo test test-kernels fuzz fuzz-targets bench bench-check bench-baseline \
        bench-programs lint format clean help tests

all: $(PROGRAMS) $(DATA) ## build everything into .output/

deps: ## install what is missing to build, test and run (Debian, Ubuntu)
	tools/install-deps

# --- kernel side -----------------------------------------------------------------------------------

$(O)/bpf/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h $(INCLUDE)/sallyport/*.h) Makefile
	@mkdir -p $(@D)
	$(call say,BPF,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@
	$(Q)llvm-strip -g $@

$(O)/skeleton/%.skel.h: $(O)/bpf/%.bpf.o
	@mkdir -p $(@D)
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name sp_$*_bpf > $@

# --- user space ------------------------------------------------------------------------------------

$(O)/obj/%.o: %.c $(HEADERS) $(SKELETONS) Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(USER_CFLAGS) $(CFLAGS) -c $< -o $@

$(O)/libsallyport.a: $(call obj,$(LIB_SRC))
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

$(O)/sbin/sallyport: $(call obj,$(LIGHT_SRC)) $(O)/libsallyport.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) -pie $(LDFLAGS) $^ $(LIBS_LIGHT) -o $@

$(O)/sbin/sallyportd: $(call obj,$(CLI_SRC)) $(O)/libsallyport.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	@rm -f $@
	$(Q)$(CC) -pie $(LDFLAGS) $^ $(LIBS_CLI) -o $@

$(O)/libexec/sallyport/sallyport-responder: $(call obj,$(RESPONDER_SRC)) $(O)/libsallyport.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) -pie $(LDFLAGS) $^ $(LIBS_RESPONDER) -o $@

$(O)/libexec/sallyport/sallyport-portal: $(call obj,$(PORTAL_SRC)) $(O)/libsallyport.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) -pie $(LDFLAGS) $^ $(LIBS_PORTAL) -o $@

$(O)/libexec/sallyport/sallyport-garden: $(call obj,$(GARDEN_SRC)) $(O)/libsallyport.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) -pie $(LDFLAGS) $^ $(LIBS_GARDEN) -o $@

$(O)/libexec/sallyport/sallyport-verifier: $(call obj,$(VERIFIER_SRC) $(RADIUS_SRC)) $(O)/libsallyport.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) -pie $(LDFLAGS) $^ $(LIBS_VERIFIER) -o $@

$(O)/libexec/sallyport/sallyport-prober: $(call obj,$(PROBER_SRC) user/garden/answer.c) $(O)/libsallyport.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) -pie $(LDFLAGS) $^ $(LIBS_PROBER) -o $@

$(O)/libexec/sallyport/sallyport-metrics: $(call obj,$(METRICS_SRC)) $(O)/libsallyport.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) -pie $(LDFLAGS) $^ $(LIBS_METRICS) -o $@

$(DATA): $(DATA_SRC) Makefile
	@rm -rf $(@D) && mkdir -p $(@D)/pages
	$(Q)install -m 644 user/responder/probes.conf $(@D)/
	$(Q)install -m 644 user/portal/pages/* $(@D)/pages/
	@touch $@

# --- tests: the same sources with sanitizers --------------------------------------------------------

$(O)/testobj/%.o: %.c $(HEADERS) $(wildcard tests/*/*.h) $(SKELETONS) Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(TEST_CFLAGS) -c $< -o $@

$(O)/libtest.a: $(call testobj,$(USER_SRC))
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

$(O)/tests/%: $(O)/testobj/tests/%.o $(O)/libtest.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) -fsanitize=address,undefined $(filter %.o,$^) $(O)/libtest.a $(LIBS_TEST) -o $@

# What the tests of the datapath share.
BENCH_SRC := $(filter-out tests/bpf/test_% %.bpf.c,$(wildcard tests/bpf/*.c))
$(O)/skeleton/%.skel.h: $(O)/tests/bpf/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name sp_$*_bpf > $@
$(call testobj,tests/bpf/run.c) $(call obj,tests/bpf/run.c): $(O)/skeleton/look.skel.h
$(patsubst tests/%.c,$(O)/tests/%,$(wildcard tests/bpf/test_*.c)): $(call testobj,$(BENCH_SRC))

# What the tests of the portal share.
$(patsubst tests/%.c,$(O)/tests/%,$(wildcard tests/unit/test_portal*.c)): $(O)/testobj/tests/unit/portal.o

$(O)/tests/differential/runner: $(call testobj,$(BENCH_SRC))

# What unit tests share.
UNIT_SRC := $(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c))
$(patsubst tests/%.c,$(O)/tests/%,$(wildcard tests/unit/test_*.c)): $(call testobj,$(UNIT_SRC))

# The same tests without sanitizers, for the kernels that tests/kernels/run boots in an emulator.
$(O)/libkernels.a: $(call obj,$(filter-out %/main.c,$(USER_SRC)))
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

$(O)/kernels/tests/%: $(O)/obj/tests/%.o $(call obj,$(BENCH_SRC)) $(O)/libkernels.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) -pie $(LDFLAGS) $^ $(LIBS_TEST) -o $@

# --- fuzzing: the parsers, with clang's libFuzzer ----------------------------------------------------

FUZZ_CFLAGS := -std=gnu11 $(WARN) -D_GNU_SOURCE -O1 -g -fno-omit-frame-pointer \
               -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
               -I$(INCLUDE) -Iuser -isystem $(O)/skeleton
FUZZ_SRC    := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BIN    := $(FUZZ_SRC:tests/fuzz/%.c=$(O)/fuzz/%)
FUZZ_LIB    := $(filter-out %/main.c,$(LIB_SRC) $(RESPONDER_SRC) $(PORTAL_SRC) $(GARDEN_SRC) \
                 $(VERIFIER_SRC) $(RADIUS_SRC) $(PROBER_SRC) $(METRICS_SRC))
SECONDS     ?= 60

$(O)/fuzz/obj/%.o: %.c $(HEADERS) $(SKELETONS) Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -c $< -o $@

$(O)/fuzz/libfuzz.a: $(patsubst %.c,$(O)/fuzz/obj/%.o,$(FUZZ_LIB))
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

$(O)/fuzz/fuzz_%: $(O)/fuzz/obj/tests/fuzz/fuzz_%.o $(O)/fuzz/libfuzz.a
	$(call say,LINK,$@)
	$(Q)$(CLANG) -fsanitize=fuzzer,address,undefined $^ $(LIBS_TEST) -o $@

fuzz-targets: $(FUZZ_BIN)

fuzz: fuzz-targets ## give the parsers what nobody would write, SECONDS=60 each
	tests/fuzz/run --seconds $(SECONDS)

# Programs for the hosts of the lab, and for the tests of the datapath.
NET_BPF := $(patsubst tests/%.c,$(O)/tests/%.o,$(wildcard tests/net/*.bpf.c))
$(O)/tests/%.bpf.o: tests/%.bpf.c $(wildcard $(INCLUDE)/sallyport/*.h) Makefile
	@mkdir -p $(@D)
	$(call say,BPF,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@

# The same programs of another version, for tests of an upgrade. What is not of the datapath is shared.
OTHER := $(O)/other
$(OTHER)/.stamp: tests/net/other_version.sed $(PROGRAMS) $(DATA)
	@mkdir -p $(OTHER)/include/sallyport
	$(Q)cp -pu include/sallyport/carry.h $(OTHER)/include/sallyport/
	$(Q)sed -f $< include/sallyport/abi.h >$(OTHER)/abi.h
	$(Q)cmp -s $(OTHER)/abi.h $(OTHER)/include/sallyport/abi.h || \
	    cp $(OTHER)/abi.h $(OTHER)/include/sallyport/abi.h
	$(Q)$(MAKE) O=$(OTHER) INCLUDE=$(OTHER)/include CFLAGS=-O1 \
	    $(OTHER)/sbin/sallyport $(OTHER)/sbin/sallyportd
	$(Q)ln -sfn ../libexec $(OTHER)/libexec
	$(Q)ln -sfn ../share $(OTHER)/share
	@touch $@

.PRECIOUS: $(O)/testobj/%.o $(O)/fuzz/obj/%.o $(O)/bpf/%.bpf.o $(O)/skeleton/%.skel.h

tests: $(TEST_BIN) $(NET_BPF) $(OTHER)/.stamp all bench-programs ## build the test programs without running them

test: ## run every test (needs root), as tools/test does
	tools/test

test-kernels: ## the tests of the datapath on Debian's 6.1 and 6.12 in an emulator (needs root)
	tests/kernels/run

demo: ## show the main job end to end in the lab (needs root), as tools/demo does
	tools/demo

# --- benchmarks: programs of tools/bench/run ---------------------------------------------------------

$(O)/bench/%.bpf.o: tools/bench/%.bpf.c $(wildcard tools/bench/*.h) Makefile
	@mkdir -p $(@D)
	$(call say,BPF,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@
	$(Q)llvm-strip -g $@

$(O)/bench/%.skel.h: $(O)/bench/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

BENCH_HEADERS := $(wildcard tools/bench/*.h)
$(O)/bench/traffic: tools/bench/build.c tools/bench/received.c $(O)/bench/traffic.skel.h
$(O)/bench/browsers: $(O)/bench/browsers.skel.h

$(O)/bench/%: tools/bench/%.c $(BENCH_HEADERS) $(O)/libsallyport.a $(HEADERS) Makefile
	$(call say,LINK,$@)
	$(Q)$(CC) $(USER_CFLAGS) -isystem $(O)/bench $(CFLAGS) -pie $(LDFLAGS) $(filter %.c,$^) \
	    $(O)/libsallyport.a $(LIBS) -o $@

# Load on web servers, and servers to compare with.
$(O)/bench/http_%: tools/bench/http_%.c $(O)/libsallyport.a $(HEADERS) Makefile
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(USER_CFLAGS) $(CFLAGS) -pie $(LDFLAGS) $< $(O)/libsallyport.a -lmicrohttpd -o $@

.SECONDARY: $(O)/bench/traffic.bpf.o $(O)/bench/traffic.skel.h $(O)/bench/browsers.bpf.o $(O)/bench/browsers.skel.h

bench-programs: $(O)/bench/traffic $(O)/bench/fill $(O)/bench/batch $(O)/bench/neighbours $(O)/bench/cost \
                $(O)/bench/fixed.bpf.o $(O)/bench/browsers $(O)/bench/http_bare $(O)/bench/http_microhttpd \
                $(O)/bench/map_update $(O)/tests/net/many_macs.bpf.o

comma := ,
bench: ## measure against every peer and the limit, SCENARIO=route,drop ROUNDS=7 (needs root)
	tools/bench/run $(if $(ROUNDS),--rounds $(ROUNDS)) $(subst $(comma), ,$(SCENARIO))

bench-check: ## fail if a ratio has fallen by more than 15 % below tools/bench/baseline.json (needs root)
	tools/bench/run --check

bench-baseline: ## record the ratios of this machine in tools/bench/baseline.json (needs root)
	tools/bench/run --baseline

# --- installation ----------------------------------------------------------------------------------

# What is installed where: mode:source:path below DESTDIR. What names a path is made to fit PREFIX.
FITTED    := $(O)/install
UNITS     := sallyport sallyport-up
ZSHDIR    ?= $(PREFIX)/share/zsh/site-functions
SYSTEMDIR ?= $(PREFIX)/lib/systemd/system
EXAMPLE   ?= $(PREFIX)/share/doc/sallyport/examples/sallyport.conf
files      = $(foreach file,$(2),$(1):$(file):$(3)/$(notdir $(file)))
INSTALLED  = $(call files,755,$(O)/sbin/sallyport $(O)/sbin/sallyportd,$(PREFIX)/sbin) \
             $(call files,755,$(filter $(O)/libexec/%,$(PROGRAMS)),$(PREFIX)/libexec/sallyport) \
             $(call files,644,user/responder/probes.conf,$(PREFIX)/share/sallyport) \
             $(call files,644,$(wildcard user/portal/pages/*),$(PREFIX)/share/sallyport/pages) \
             $(call files,644,$(wildcard tools/grafana/*),$(PREFIX)/share/sallyport/grafana) \
             $(call files,644,$(wildcard user/man/*.5),$(PREFIX)/share/man/man5) \
             $(call files,644,$(wildcard user/man/*.8),$(PREFIX)/share/man/man8) \
             644:user/completion/sallyport.bash:$(PREFIX)/share/bash-completion/completions/sallyport \
             644:user/completion/sallyport.bash:$(PREFIX)/share/bash-completion/completions/sallyportd \
             $(call files,644,$(wildcard user/completion/_*),$(ZSHDIR)) \
             $(call files,644,$(UNITS:%=$(FITTED)/%.service) $(UNITS:%=$(FITTED)/%@.service),$(SYSTEMDIR)) \
             644:user/systemd/sysusers.conf:$(PREFIX)/lib/sysusers.d/sallyport.conf \
             644:user/systemd/tmpfiles.conf:$(PREFIX)/lib/tmpfiles.d/sallyport.conf \
             644:$(FITTED)/sallyportd.apparmor:/etc/apparmor.d/sallyportd \
             644:tools/package/sallyport.conf:$(EXAMPLE)

# The units of the instance `sallyport` are those of any, with its name.
fit:
	@mkdir -p $(FITTED)
	@for unit in $(UNITS); do \
	    sed 's|/usr/local/|$(PREFIX)/|g' "user/systemd/$$unit@.service" >"$(FITTED)/$$unit@.service" && \
	    sed 's|@%i\.service|.service|g; s| (%i)||; s|-I %i ||; s|%i|sallyport|g' \
	        "$(FITTED)/$$unit@.service" >"$(FITTED)/$$unit.service" || exit 1; \
	done
	@sed 's|/usr/local/|$(PREFIX)/|g' tools/package/sallyportd.apparmor >$(FITTED)/sallyportd.apparmor

install: all fit ## install below $(DESTDIR)$(PREFIX)
	@for entry in $(INSTALLED); do \
	    from=$${entry#*:} && \
	    install -D -m "$${entry%%:*}" "$${from%%:*}" "$(DESTDIR)$${from#*:}" || exit 1; \
	done

uninstall: ## remove what install put there
	@for entry in $(INSTALLED); do rm -f "$(DESTDIR)$${entry##*:}"; done
	@for folder in share/sallyport/pages share/sallyport/grafana share/sallyport libexec/sallyport \
	    share/doc/sallyport/examples share/doc/sallyport; do \
	    rmdir "$(DESTDIR)$(PREFIX)/$$folder" 2>/dev/null || true; \
	done

deb: all ## build the Debian package into .output/package (needs tools/install-deps --package)
	tools/package/build

# --- care ------------------------------------------------------------------------------------------

C_FILES := $(wildcard bpf/*.[ch] include/sallyport/*.h user/*/*.[ch] tests/*/*.[ch])

lint: $(SKELETONS) ## formatting, clang warnings, clang-tidy, cppcheck, shellcheck, pyflakes
	tools/lint

format: ## rewrite the C files in the project's style
	clang-format -i $(C_FILES)

clean: ## remove .output/
	rm -rf $(O)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26
