# threadleak: build, test, install.   make help · make deps demo · make deps-check check · make V=1
PREFIX ?= /usr/local
DESTDIR ?=
VERSION := 0.2.0
BUILD ?= build

CC ?= cc
CXX ?= c++
CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
BASE := -std=gnu11 -D_GNU_SOURCE -I. -Isrc -I$(BUILD)/generated -DTHREADLEAK_VERSION='"$(VERSION)"' -DPAGE_FILE='"$(BUILD)/page.html"' -MMD -MP
ASAN := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
TSAN := -O1 -fsanitize=thread

Q := $(if $(V),,@)
# One short line for each file that is built, unless V=1 shows the commands.
say = $(if $(V),@:,@printf '  %-7s %s\n')
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif
# `make deps demo` compiles nothing before the packages are there.
FIRST := $(filter deps deps-check deps-soak,$(MAKECMDGOALS))

# ---- what is built from what ----------------------------------------------
SRC := $(patsubst %.c,%,$(wildcard src/*/*.c))
CLI := $(patsubst %.c,%,$(wildcard cli/*.c cli/*/*.c))
# config.c says why it is the first.
PRELOAD := preload/shim/config $(filter-out preload/shim/config,$(patsubst %.c,%,$(wildcard preload/*/*.c)))
# The shim also contains src/common/, compiled with the flags of the shim.
COMMON := $(patsubst %.c,%,$(wildcard src/common/*.c))
# Suites that test a part of the shim; all others test src/ and cli/.
CHECKS_PRELOAD := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/check_ledger_write*.c tests/unit/check_modules.c \
                  tests/unit/check_guard.c tests/unit/check_on_stack.c tests/unit/check_shake.c))
CHECKS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/check_*.c))
# Fakes, fixtures and child processes that suites share.
CHECK_PARTS := $(patsubst %.c,%,$(filter-out tests/unit/check_% tests/unit/writer_%,$(wildcard tests/unit/*.c)))
# They contain the shim's writer, and nothing of the CLI.
CHECK_WRITER := $(addprefix preload/,shim/config shim/state shim/guard shim/index shim/run_ask shim/run_report_in ledger/map ledger/section ledger/slot ledger/thread ledger/thread_join ledger/misuse \
	ledger/descriptor ledger/fork ledger/leak ledger/site ledger/test ledger/namespace ledger/wakes \
	ledger/module ledger/module_find ledger/module_table ledger/elf_start ledger/maps \
	shim/readable shim/say shim/shake shim/stack_room backtrace/frames)

# The programs that tests watch: one row each in tests/cases.txt.
TARGETS := $(shell awk '$$1 == "target" || $$1 == "chain" || ($$1 == "case" && ($$3 != "=" || $$4 == $$2)) {print $$2}' tests/cases.txt)
TARGETS_CHAIN := $(shell awk '$$1 == "chain" {print $$2}' tests/cases.txt)

LIBS := -lprotobuf-c -lz -ldw -lelf -ljansson -liberty -lm
CHECK_LIBS = $(shell pkg-config --libs check 2>/dev/null || echo -lcheck -lm -lrt -lsubunit -lpthread)

all: $(BUILD)/libthreadleak.so $(BUILD)/threadleak

# ---- src/, cli/ and the suites: plain, and with each sanitizer -------------------
# $(call code,DIRECTORY,FLAGS)
define code
$(1)/src/%.o: src/%.c | $(FIRST)
	@mkdir -p $$(@D)
	$$(say) CC $$@
	$$(Q)$$(CC) $$(BASE) $$(WARN) $$(CFLAGS) $(2) -fPIE -c -o $$@ $$<

$(1)/src/report/html.o: $(BUILD)/page.html

$(1)/cli/%.o: cli/%.c | $(FIRST)
	@mkdir -p $$(@D)
	$$(say) CC $$@
	$$(Q)$$(CC) $$(BASE) $$(WARN) $$(CFLAGS) $(2) -fPIE -c -o $$@ $$<

$(1)/tests/%.o: tests/%.c | $(FIRST)
	@mkdir -p $$(@D)
	$$(say) CC $$@
	$$(Q)$$(CC) $$(BASE) -Itests/unit $$(WARN) $$(CFLAGS) $(2) -fPIE -c -o $$@ $$<

$(1)/preload-tested/%.o: %.c | $(FIRST)
	@mkdir -p $$(@D)
	$$(say) CC $$@
	$$(Q)$$(CC) $$(BASE) $$(WARN) $$(CFLAGS) $(2) -fPIE -c -o $$@ $$<

$(1)/src/report/pprof.o $(1)/src/report/pprof_tables.o $(1)/tests/unit/check_pprof.o: | $(BUILD)/generated/profile.pb-c.h

$(1)/generated/%.o: $(BUILD)/generated/%.c | $(FIRST)
	@mkdir -p $$(@D)
	$$(say) CC $$@
	$$(Q)$$(CC) $$(BASE) $$(CFLAGS) $(2) -fPIE -c -o $$@ $$<

$(1)/libsrc.a: $$(SRC:%=$(1)/%.o) $(1)/generated/profile.pb-c.o
	$$(say) AR $$@
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^

$(1)/libtest.a: $$(CHECK_PARTS:%=$(1)/%.o) $$(patsubst %,$(1)/%.o,$$(filter-out cli/main,$$(CLI)))
	$$(say) AR $$@
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^

$(1)/threadleak: $$(CLI:%=$(1)/%.o) $(1)/libsrc.a cli/selftest/plant.list
	$$(say) LD $$@
	$$(Q)$$(CC) $$(CFLAGS) $(2) $$(LDFLAGS) -pie -Wl,--dynamic-list=cli/selftest/plant.list -o $$@ $$(filter %.o %.a,$$^) $$(LIBS)

$(patsubst %,$(1)/tests/unit/%,$(CHECKS_PRELOAD)): $(1)/tests/unit/%: $(1)/tests/unit/%.o $(1)/tests/unit/suite.o \
		$(1)/tests/unit/writer_made.o $$(CHECK_WRITER:%=$(1)/preload-tested/%.o) $$(COMMON:%=$(1)/preload-tested/%.o)
	$$(say) LD $$@
	$$(Q)$$(CC) $$(CFLAGS) $(2) $$(LDFLAGS) -pie -o $$@ $$^ $$(CHECK_LIBS)

$(patsubst %,$(1)/tests/unit/%,$(filter-out $(CHECKS_PRELOAD),$(CHECKS))): $(1)/tests/unit/%: \
		$(1)/tests/unit/%.o $(1)/libtest.a $(1)/libsrc.a
	$$(say) LD $$@
	$$(Q)$$(CC) $$(CFLAGS) $(2) $$(LDFLAGS) -pie -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) $$(LIBS) $$(CHECK_LIBS)
endef
$(eval $(call code,$(BUILD),))
$(eval $(call code,$(BUILD)/asan,$(ASAN)))
$(eval $(call code,$(BUILD)/tsan,$(TSAN)))

# The page of the format html. Its policy allows its style and its script by their hashes, and nothing else.
PAGE := src/report/html
PAGE_SCRIPT := $(patsubst %,$(PAGE)/%.js,parts data stacks sites waits flame lives page)
sha256 = sha256-$$({ echo; cat $(1); } | sha256sum | cut -c-64 | tr a-f A-F | basenc --base16 -d | base64)
$(BUILD)/page.html: $(PAGE)/top.html $(PAGE)/style.css $(PAGE)/body.html $(PAGE_SCRIPT) $(PAGE)/end.html | $(FIRST)
	@mkdir -p $(@D)
	$(say) PAGE $@
	$(Q)sed "s|@STYLE@|$(call sha256,$(PAGE)/style.css)|; s|@SCRIPT@|$(call sha256,$(PAGE_SCRIPT))|" $< >$@.part
	$(Q)cat $@.part $(filter-out $<,$^) >$@ && rm $@.part

# The format of pprof. protoc-c writes both files.
$(BUILD)/generated/profile.pb-c.h: src/report/profile.proto | $(FIRST)
	@mkdir -p $(@D)
	$(say) PROTOC $@
	$(Q)protoc-c --proto_path=$(<D) --c_out=$(@D) $(<F)
$(BUILD)/generated/profile.pb-c.c: $(BUILD)/generated/profile.pb-c.h ;

# ---- the shim -------------------------------------------------------------------
# CFLAGS are not used, because the shim must load into every program.
PRELOAD_FLAGS := -O2 -g -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-stack-protector \
	-fasynchronous-unwind-tables
# What each program pays when it starts: no -z relro, since its mprotect costs a mapping and a page more. The loader
# looks up what these directories import, and imports_bind() what the others do.
PRELOAD_LAZY := api backtrace exit hooks ledger
preload_now = $(if $(filter $(PRELOAD_LAZY),$(firstword $(subst /, ,$*))),,-fno-plt)
PRELOAD_LINK = -nostartfiles -Wl,--version-script=$(BUILD)/preload/exports.map \
	-Wl,-z,nodelete -Wl,-z,noseparate-code -Wl,-z,norelro,-z,lazy -Wl,--no-undefined -Wl,-soname,libthreadleak.so
# The frames that call what runs on another stack can be unwound from there.
$(BUILD)/preload/shim/stack_room.o: PRELOAD_FLAGS += -fno-omit-frame-pointer
PRELOAD_OBJ := $(PRELOAD:%=$(BUILD)/%.o) $(COMMON:%=$(BUILD)/preload/%.o)

$(BUILD)/preload/src/%.o: src/%.c | $(FIRST)
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(BASE) $(WARN) $(PRELOAD_FLAGS) -fno-plt -c -o $@ $<

$(BUILD)/preload/%.o: preload/%.c | $(FIRST)
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(BASE) -Iinclude $(WARN) $(PRELOAD_FLAGS) $(preload_now) -c -o $@ $<

# It exports the rows of hooks.def and the table of api.c, without versions: a hook replaces every version. A script
# cannot have both kinds of version, so what the source does not declare to be visible is hidden by the compiler alone.
$(BUILD)/preload/exports.map: preload/shim/hooks.def | $(FIRST)
	@mkdir -p $(@D)
	$(Q)hooks() { $(CC) -E -P -x c "$$@" $<; }; rows='(type, name, params)'; \
	case $$($(CC) -dumpmachine) in \
	x86_64*) echo "GLIBC_2.3.2 {" && hooks "-DHOOK$$rows=" "-DCOND_HOOK$$rows=name;" && echo '};' ;; \
	*) echo '{ global: threadleak_abi_1;' && hooks "-DHOOK$$rows=name;" && echo 'local: *; };' ;; \
	esac >$@

$(BUILD)/libthreadleak.so: $(PRELOAD_OBJ) $(BUILD)/preload/exports.map
	$(say) LD $@
	$(Q)$(CC) -shared -o $@ $(PRELOAD_OBJ) $(PRELOAD_LINK)

# As the shim works with a glibc before 2.35.
OLD_GLIBC_OWN := ledger/module_find shim/next
$(OLD_GLIBC_OWN:%=$(BUILD)/old_glibc/%.o): $(BUILD)/old_glibc/%.o: preload/%.c | $(FIRST)
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(BASE) -Iinclude $(WARN) $(PRELOAD_FLAGS) -DNO_DL_FIND_OBJECT -c -o $@ $<

OLD_GLIBC_OBJ := $(filter-out $(OLD_GLIBC_OWN:%=$(BUILD)/preload/%.o),$(PRELOAD_OBJ)) $(OLD_GLIBC_OWN:%=$(BUILD)/old_glibc/%.o)
$(BUILD)/old_glibc/libthreadleak.so: $(OLD_GLIBC_OBJ) $(BUILD)/preload/exports.map
	$(say) LD $@
	$(Q)$(CC) -shared -o $@ $(OLD_GLIBC_OBJ) $(PRELOAD_LINK)

$(BUILD)/old_glibc/threadleak: $(BUILD)/threadleak
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(BUILD)/asan/libthreadleak.so: $(BUILD)/libthreadleak.so
	@mkdir -p $(@D)
	$(Q)cp $< $@

# ---- the targets of the end-to-end tests --------------------------------------------
# Unoptimised, so that backtraces contain every function of the source.
TARGET_FLAGS := -O0 -g -fno-pie -no-pie -pthread -Wall -Wextra -Wshadow
TARGET_C := -std=gnu11 -D_GNU_SOURCE -MMD -MP
# The flags in the row of each target have a file of their own, so that a changed row rebuilds one target.
$(BUILD)/flags.done: tests/cases.txt | $(FIRST)
	@mkdir -p $(BUILD)/flags
	$(Q)awk '$$1 ~ /^(target|chain|case)$$/ { \
		file = "$(BUILD)/flags/" $$2; flags = old = ""; is_new = (getline old <file) <= 0; close(file); \
		for (i = 3; i <= NF; i++) if ($$i ~ /^-/) flags = flags " " $$i; \
		if (is_new || flags != old) print flags >file }' $<
	$(Q)touch $@
$(TARGETS:%=$(BUILD)/flags/%): $(BUILD)/flags.done ;
row_flags = $(shell cat $(BUILD)/flags/$(@F))

$(BUILD)/targets/constructor_linked: $(BUILD)/targets/libconstructor.so

$(BUILD)/targets/%: tests/targets/%.c $(BUILD)/flags/% | $(FIRST)
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(TARGET_C) $(TARGET_FLAGS) -L$(@D) -o $@ $< $(row_flags)

$(BUILD)/targets/%: tests/targets/%.cpp $(BUILD)/flags/% | $(FIRST)
	@mkdir -p $(@D)
	$(say) CXX $@
	$(Q)$(CXX) -std=c++17 -MMD -MP $(TARGET_FLAGS) -o $@ $< $(row_flags)

CHAIN_FLAGS := -pthread -Wall -Wextra -Wshadow
$(TARGETS_CHAIN:%=$(BUILD)/targets/%): $(BUILD)/targets/%: tests/targets/unwind_chain.c $(BUILD)/flags/% | $(FIRST)
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(TARGET_C) $(CHAIN_FLAGS) $(row_flags) -o $@ $<

$(BUILD)/targets/unwind_clang: tests/targets/unwind_chain.c | $(FIRST)
	@mkdir -p $(@D)
	$(Q)! command -v clang >/dev/null || clang -O2 -g $(CHAIN_FLAGS) -Wno-unknown-attributes -o $@ $<

$(BUILD)/targets/unwind_stripped: $(BUILD)/targets/unwind_unstripped
	$(Q)strip -o $@ $<

$(BUILD)/targets/unwind_generated_no_fp: $(BUILD)/targets/unwind_generated
	$(Q)cp $< $@

$(BUILD)/targets/lib%.so: tests/targets/lib_%.c $(BUILD)/flags/lib%.so | $(FIRST)
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(TARGET_C) -shared -fPIC -O0 -g -pthread -Wall -Wextra -o $@ $< $(row_flags)

$(BUILD)/targets/lib%.so: tests/targets/lib_%.cpp | $(FIRST)
	@mkdir -p $(@D)
	$(say) CXX $@
	$(Q)$(CXX) -std=c++17 -MMD -MP -shared -fPIC -O0 -g -Wall -Wextra -o $@ $<

$(BUILD)/targets/rust_%: tests/targets/rust_%.rs | $(FIRST)
	@mkdir -p $(@D)
	$(Q)! command -v rustc >/dev/null || env -u MAKEFLAGS -u MFLAGS rustc -g -o $@ $<

$(BUILD)/targets/program_32bit: tests/targets/no_thread.c | $(FIRST)
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) -m32 -o $@ $< 2>/dev/null || true

# One program from all kernels.
KERNELS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/kernels/*.c))
$(BUILD)/tests/kernels/%.o: tests/kernels/%.c | $(FIRST)
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(TARGET_C) $(TARGET_FLAGS) -c -o $@ $<

$(BUILD)/targets/kernels: $(KERNELS)
	$(say) LD $@
	$(Q)$(CC) $(TARGET_FLAGS) -o $@ $^

targets: $(TARGETS:%=$(BUILD)/targets/%)

# ---- tests ------------------------------------------------------------------------------
# Each suite runs once, with ASan and UBSan, because src/ reads what a watched program wrote.
# The suites of the ledger's writer also run with TSan.
SUITES_TSAN := $(CHECKS_PRELOAD:%=$(BUILD)/tsan/tests/unit/%)
# Slow suites begin first.
SUITES_LONG := $(filter check_symbolize% check_signal_capture% check_core% check_snapshot% check_unwind%,$(CHECKS))
SUITES := $(patsubst %,$(BUILD)/asan/tests/unit/%,$(SUITES_LONG) $(filter-out $(SUITES_LONG),$(CHECKS))) $(SUITES_TSAN)
ASAN_BUILT := $(BUILD)/asan/threadleak $(BUILD)/asan/libthreadleak.so

# tests/e2e/NAME.py, the slow ones first.
PROGRAMS := suppressions \
	generated_rules \
	thread_makers \
	api_builds \
	blame \
	formats \
	formats_stacks \
	formats_prom \
	html_report \
	outputs \
	api \
	real \
	projects \
	ctest \
	ci_snippets \
	selftest \
	run_timeout \
	run_tree \
	require_watched \
	run_unrecorded \
	run_limits \
	run_hostile \
	run_repeat \
	names \
	run_ends \
	after_end \
	attach \
	top \
	progress \
	aborts \
	unseen \
	unrecorded \
	untracked \
	create_failed \
	report_texts \
	baseline \
	harmless \
	calls \
	not_seen \
	forked \
	namespaces \
	named_tests \
	patterns \
	kernels \
	handles \
	reach \
	generated_states \
	real_findings \
	findings \
	findings_recorded \
	findings_options \
	wakes \
	owners \
	wait_languages \
	serve \
	watch \
	fleet \
	diff \
	tables
OLD_GLIBC_CASES := running dlopen_loop library_replaced_by_another unload_two fork_child small_stack waits
# The cases of tests/cases.txt: the JSON reports come from the reader with ASan.
E2E := "tests/e2e/e2e.py --build $(BUILD)/asan --targets $(BUILD)/targets --only json" \
	"tests/e2e/e2e.py --build $(BUILD) --only text" \
	"tests/e2e/e2e.py --build $(BUILD)/old_glibc --targets $(BUILD)/targets --only text $(OLD_GLIBC_CASES)"
OLD_GLIBC := $(BUILD)/old_glibc/threadleak $(BUILD)/old_glibc/libthreadleak.so
# It compares response times with and without reports, so nothing else may run beside it.
ALONE := "tests/e2e/real_report.py --build $(BUILD)"
# How many suites run at once.
J ?= 2

check: all targets $(SUITES) $(ASAN_BUILT) $(OLD_GLIBC)
	$(Q)tests/all.py -j $(J) $(PROGRAMS:%="tests/e2e/%.py --build $(BUILD)") $(SUITES) $(E2E) \
		"tests/lint.py --build $(BUILD)" "tests/layering.sh $(BUILD)" "tests/e2e/cli_report.sh $(BUILD)" --alone $(ALONE)

# check with every repetition, the suites without sanitizers as well, and each fuzzer for a minute.
soak: all targets $(SUITES) $(ASAN_BUILT) $(OLD_GLIBC) $(CHECKS:%=$(BUILD)/tests/unit/%)
	$(Q)SOAK=1 ANALYZE=1 tests/all.py -j 1 "tests/e2e/runtimes.py --build $(BUILD)" $(PROGRAMS:%="tests/e2e/%.py --build $(BUILD)") $(SUITES) $(E2E) \
		$(CHECKS:%=$(BUILD)/tests/unit/%) "tests/lint.py --build $(BUILD)" $(ALONE)
	$(Q)if command -v clang >/dev/null; then $(MAKE) fuzz FUZZ_SECONDS=60; else echo 'skipped: fuzzers, no clang'; fi

asan: all targets $(SUITES) $(ASAN_BUILT) $(OLD_GLIBC)
	$(Q)tests/all.py -j $(J) $(filter $(BUILD)/asan/%,$(SUITES)) $(E2E)

tsan: $(SUITES_TSAN)
	$(Q)tests/all.py $(SUITES_TSAN)

FUZZ_SECONDS ?= 60
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ := -O1 -fsanitize=fuzzer-no-link,address,undefined
$(BUILD)/fuzz/%: CC := clang
$(eval $(call code,$(BUILD)/fuzz,$(FUZZ)))
$(FUZZERS:%=$(BUILD)/fuzz/%): $(BUILD)/fuzz/%: $(BUILD)/fuzz/tests/fuzz/%.o $(BUILD)/fuzz/tests/fuzz/fuzz.o \
		$(BUILD)/fuzz/tests/unit/ledger_fake.o $(BUILD)/fuzz/cli/common/program_head.o $(BUILD)/fuzz/cli/run/exec_records.o \
		$(BUILD)/fuzz/libsrc.a
	$(say) LD $@
	$(Q)clang -g -fsanitize=fuzzer,address,undefined -o $@ $^ $(LIBS)

# libFuzzer keeps what it finds, which covers more than the seeds, in the corpus of each.
fuzz: $(FUZZERS:%=$(BUILD)/fuzz/%)
	$(Q)tests/fuzz/seeds.py $(BUILD)/fuzz
	$(Q)for fuzzer in $^; do \
		$$fuzzer -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -artifact_prefix=$$fuzzer. $$fuzzer.corpus || exit 1; done

# ANALYZE=1 adds clang-tidy's static analyzer, which takes minutes.
lint:
	$(Q)tests/lint.py --build $(BUILD)

# ---- try, measure -----------------------------------------------------------------------
demo: all $(BUILD)/targets/demo
	$(Q)echo '$$ LD_PRELOAD=$(BUILD)/libthreadleak.so $(BUILD)/targets/demo'
	$(Q)LD_PRELOAD='$(abspath $(BUILD))/libthreadleak.so' $(BUILD)/targets/demo

$(BUILD)/bench/%: bench/%.c | $(FIRST)
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(TARGET_C) -O2 -g -fno-optimize-sibling-calls -I. -Isrc -Wall -Wextra -pthread -o $@ $<

bench: all $(BUILD)/bench/bench $(BUILD)/bench/report_target
	$(Q)bench/bench.sh $(BUILD) $(QUICK)
	$(Q)bench/report.sh $(BUILD) $(QUICK)

bench-report: all $(BUILD)/bench/report_target
	$(Q)bench/report.sh $(BUILD) $(QUICK)

# ---- install ---------------------------------------------------------------------------------
# The lists of options come from the tables of the commands.
$(BUILD)/threadleak.1: man/threadleak.1.scd man/options.awk $(BUILD)/threadleak
	$(say) MAN $@
	$(Q)$(BUILD)/threadleak _options >$(BUILD)/options.list
	$(Q)awk -f man/options.awk $(BUILD)/options.list $< >$(BUILD)/threadleak.1.scd
	$(Q)scdoc <$(BUILD)/threadleak.1.scd >$@

$(BUILD)/threadleak-fleet.7: man/threadleak-fleet.7.scd
	@mkdir -p $(@D)
	$(say) MAN $@
	$(Q)scdoc <$< >$@

$(BUILD)/threadleak-patterns.7: man/threadleak-patterns.7.scd man/reports.awk $(wildcard tests/golden/pattern_*.txt)
	@mkdir -p $(@D)
	$(say) MAN $@
	$(Q)awk -v golden=tests/golden -f man/reports.awk $< >$@.scd
	$(Q)scdoc <$@.scd >$@

# It is always written again, because PREFIX may have changed.
.PHONY: $(BUILD)/threadleak.pc
$(BUILD)/threadleak.pc: include/threadleak.pc.in | $(FIRST)
	@mkdir -p $(@D) && rm -f $@
	$(Q)sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' $< >$@

.PHONY: $(BUILD)/threadleak-serve.service
$(BUILD)/threadleak-serve.service: share/threadleak/threadleak-serve.service.in | $(FIRST)
	@mkdir -p $(@D) && rm -f $@
	$(Q)sed 's|@PREFIX@|$(PREFIX)|' $< >$@

# FILE:PLACE, where PLACE is below PREFIX.  The manual needs scdoc.
MAN := $(if $(shell command -v scdoc),$(BUILD)/threadleak.1:share/man/man1/threadleak.1 \
	$(BUILD)/threadleak-patterns.7:share/man/man7/threadleak-patterns.7 \
	$(BUILD)/threadleak-fleet.7:share/man/man7/threadleak-fleet.7)
# Examples for many machines: alerts, a dashboard, a sidecar.
FLEET := $(wildcard share/threadleak/*.yml share/threadleak/*.json)
INSTALLED := $(BUILD)/threadleak:bin/threadleak $(BUILD)/libthreadleak.so:lib/libthreadleak.so \
	$(foreach header,$(wildcard include/*.h include/*/*.h),$(header):$(header)) \
	$(BUILD)/threadleak.pc:lib/pkgconfig/threadleak.pc \
	cli/completion.bash:share/bash-completion/completions/threadleak $(MAN) \
	$(foreach file,$(FLEET),$(file):$(file)) \
	$(BUILD)/threadleak-serve.service:share/threadleak/threadleak-serve.service
FILES = $(foreach pair,$(INSTALLED),$(firstword $(subst :, ,$(pair))))
PLACES = $(foreach pair,$(INSTALLED),$(lastword $(subst :, ,$(pair)))) share/man/man1/threadleak.1 \
	share/man/man7/threadleak-patterns.7 share/man/man7/threadleak-fleet.7
LIBRARY_RULES := share/threadleak/suppressions.d

install: all $(FILES)
	$(Q)install -d "$(DESTDIR)$(PREFIX)/$(LIBRARY_RULES)"
	$(Q)for pair in $(INSTALLED); do \
		file=$${pair%:*} place="$(DESTDIR)$(PREFIX)/$${pair#*:}"; \
		printf '  %-7s %s\n' INSTALL "$$place"; \
		install -D -m $$([ -x $$file ] && echo 755 || echo 644) $$file "$$place" || exit 1; done

uninstall:
	$(Q)cd "$(DESTDIR)$(PREFIX)" && rm -f $(PLACES) && \
		rmdir include/threadleak $(LIBRARY_RULES) share/threadleak 2>/dev/null || true

deps:
	$(Q).ci/deps.sh build

deps-check:
	$(Q).ci/deps.sh check

deps-soak:
	$(Q).ci/deps.sh soak

clean:
	rm -rf $(BUILD)

define HELP
Build
  all            the shim and the program, in BUILD (build); the default
  install        into PREFIX (/usr/local), below DESTDIR
  uninstall      removes what install wrote
  clean          removes BUILD
  demo           runs a leaky program under the shim
Packages
  deps           installs what the build needs
  deps-check     installs what the tests need, too
  deps-soak      installs the language runtimes and the browser of soak, too
Test
  check          builds and runs every test; J=N suites run at once (2)
  soak           check with every repetition, and without sanitizers as well; then each fuzzer
  asan, tsan     the unit suites under AddressSanitizer and UBSan; under ThreadSanitizer
  fuzz           runs each fuzzer for FUZZ_SECONDS (60)
  lint           clang-format, clang-tidy, cppcheck
  targets        builds the programs that the tests watch
Measure
  bench          what the shim costs; QUICK=1 is faster and less exact
  bench-report   how long a report takes; QUICK=1 as well
V=1 shows the commands.  CONTRIBUTING.md says how to run one test.
endef
export HELP
help:
	@echo "$$HELP"

.PHONY: help all targets check soak asan tsan fuzz lint demo bench bench-report install uninstall deps deps-check deps-soak clean
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
