# threadleak: build, test, install.   make help · make deps demo · make deps check · make V=1
PREFIX ?= /usr/local
DESTDIR ?=
VERSION := 0.1.0
BUILD ?= build

CC ?= cc
CXX ?= c++
CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
BASE := -std=gnu11 -D_GNU_SOURCE -Isrc -DTHREADLEAK_VERSION='"$(VERSION)"' -MMD -MP
ASAN := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
TSAN := -O1 -fsanitize=thread

Q := $(if $(V),,@)
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif
# `make deps check`: nothing is compiled before what it needs is there.
FIRST := $(filter deps,$(MAKECMDGOALS))

# ---- what is built of what ------------------------------------------------
SRC := options options_parse clock maps process address_space \
	ledger_read ledger_options ledger_load ledger_open ledger_core core_file core_notes core_memory \
	symbolize symbolize_file symbolize_dwarf symbolize_dwarf_name symbolize_unit symbolize_alias \
	symbolize_name symbolize_ranges symbolize_data runtime_frames \
	snapshot snapshot_look snapshot_stop snapshot_regs snapshot_memory snapshot_why tracer snapshot_core \
	snapshot_core_space snapshot_core_image \
	self_capture self_capture_task self_capture_threads self_capture_ask self_capture_answer \
	unwind unwind_file unwind_cache unwind_rule unwind_expression unwind_step unwind_guess \
	wait wait_line wait_call wait_time wait_stack wait_called wait_glibc wait_module wait_name \
	wait_futex wait_socket wait_files wait_file wait_poll \
	present present_file present_idle present_names present_self \
	leak leak_build leak_group leak_sites leak_stack leak_suppress leak_untracked leak_unwatched test_of \
	ignore ignore_parse ignore_never ignore_name ignore_match ignore_builtin baseline \
	report_format function_name text_parts report_group report_present report_rules report_text \
	json_parts report_json report_parts report_points report_xml report_junit sarif_parts report_sarif \
	report_gitlab report_github report_github_summary report_tap
CLI := main cli output outputs per_process \
	cmd_run run_options run_judge run_env run_child run_server keep_stacks run_tree run_timeout run_dir run_settle \
	run_marks run_unseen run_notes run_baseline run_of suppressions \
	cmd_report report_target \
	cmd_explain cmd_explain_check \
	watchable elf_head \
	cmd_selftest selftest_say selftest_child selftest_report selftest_machine selftest_planted \
	selftest_live cmd_plant
PRELOAD := start settings say brought api api_check test_name \
	real memory_probe ledger_map ledger_room ledger_write index \
	capture walk recall frame_rule run_ask module site thread_end \
	hook_thread hook_process exec_mark hook_signal present \
	finish reporter last_look raw_report
# The shim has tier 0 of src/ in it, built its own way.
PRELOAD_SRC := options options_parse
# Families, with what each shares: tests/symbolize_program, leak_made, report_made, ignore_made.
CHECKS_SYMBOLIZE := check_symbolize check_symbolize_names check_symbolize_files
CHECKS_LEAK := check_leak check_leak_groups check_leak_process
CHECKS_IGNORE := check_ignore check_ignore_wrong check_ignore_builtin
CHECKS_REPORT := check_report check_report_present check_report_json
CHECKS := check_options $(CHECKS_IGNORE) check_ledger_read check_ledger_hostile check_ledger_process check_process \
	$(CHECKS_SYMBOLIZE) check_ranges check_runtime_frames check_test_of check_snapshot check_snapshot_odd \
	check_snapshot_calls check_unwind check_core check_core_made check_unwind_steps check_self_capture \
	check_wait check_wait_mutex check_wait_file $(CHECKS_LEAK) check_leak_odd check_suppress \
	check_leak_asked $(CHECKS_REPORT) \
	check_formats check_ledger_write check_frame_rule check_watchable check_run_marks \
	check_present_names check_output check_function_name
# What suites share, and what they test besides src/.
CHECK_PARTS := tests/ledger_fake tests/snapshot_child tests/core_child tests/wait_child $(patsubst %,cli/%,$(filter-out main cmd_%,$(CLI)))
# check_ledger_write has the shim's writer in it, and no CLI.
CHECK_WRITER := run_ask ledger_map ledger_room ledger_write index site module

# One behaviour each: tests/targets/NAME.c
TARGETS := api atexit_creates atexit_joins atexit_prints own_options baseline cancel cancel_in_join child_ignored \
	chroot clean close_all close_stderr create_eagain create_einval daemonize deep demo \
	destructor_again destructor_blocks destructor_creates detach_when detached dlopen_loop \
	drop_privileges dump_signal end_exec end_exit end_exit_in_thread end_last_thread \
	end_last_thread_leaves end_pthread_exit end_quick_exit end_signal end_underscore_Exit \
	end_underscore_exit errno_kept exec_fails exit_while_creating fork_child fork_clean \
	fork_in_thread fork_storm grace grace_ignores_stuck inlined join_all_ways join_fails \
	kill_after_create kinds many_short no_thread not_begun openmp recycled_handle return_values run_child \
	running seccomp_filter setname setname_ended openmp_user ignored_partly signal_creates signal_storm signal_taken \
	same_place locked_memory small_stack spawn stripped tail_call thrd tree unjoined unset_preload untracked vfork waits deny_ptrace thousand \
	stack_switch exec_bad_pointers spawn_pid loader_lock many_dumps \
	wait_for_end wait_in_thread constructor_linked address_sanitized static_program self_capture held_by_ended
TARGETS_CXX := late_exceptions std_async std_pool std_thread unwind_throw
TARGETS_LIB := libconstructor.so libplugin.so libthrows.so libwaits.so
# What check_unwind unwinds: tests/targets/unwind_chain.c built in many ways, and others.
TARGETS_CHAIN := unwind_O0 unwind_O2 unwind_no_fp unwind_unstripped unwind_static_pie unwind_debug_frame unwind_fp_only unwind_no_build_id
TARGETS_UNWIND := $(TARGETS_CHAIN) unwind_stripped unwind_signal unwind_recursion unwind_busy unwind_creating unwind_steps unwind_null_call unwind_generated unwind_generated_no_fp
# Only where there is a compiler for it.
TARGETS_MAYBE := rust_thread program_32bit unwind_clang

LIBS := -ldw -lelf -ljansson -liberty -lm
CHECK_LIBS = $(shell pkg-config --libs check 2>/dev/null || echo -lcheck -lm -lrt -lsubunit -lpthread)

all: $(BUILD)/libthreadleak.so $(BUILD)/threadleak

# ---- src/, cli/ and the suites: plain, and with each sanitizer -------------------
# $(call code,FOLDER,FLAGS)
define code
$(1)/src/%.o: src/%.c | $(FIRST)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(BASE) $$(WARN) $$(CFLAGS) $(2) -fPIE -c -o $$@ $$<

$(1)/cli/%.o: cli/%.c | $(FIRST)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(BASE) $$(WARN) $$(CFLAGS) $(2) -fPIE -c -o $$@ $$<

$(1)/tests/%.o: tests/%.c | $(FIRST)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(BASE) -Icli -Ipreload -Itests $$(WARN) $$(CFLAGS) $(2) -fPIE -c -o $$@ $$<

$(1)/writer/%.o: preload/%.c | $(FIRST)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(BASE) -Ipreload $$(WARN) $$(CFLAGS) $(2) -fPIE -c -o $$@ $$<

$(1)/threadleak: $$(CLI:%=$(1)/cli/%.o) $$(SRC:%=$(1)/src/%.o) cli/plant.list
	$$(Q)$$(CC) $$(CFLAGS) $(2) $$(LDFLAGS) -pie -Wl,--dynamic-list=cli/plant.list -o $$@ $$(filter %.o,$$^) $$(LIBS)

$(1)/tests/check_ledger_write: $(1)/tests/check_ledger_write.o $$(CHECK_WRITER:%=$(1)/writer/%.o) \
		$$(PRELOAD_SRC:%=$(1)/src/%.o)
	$$(Q)$$(CC) $$(CFLAGS) $(2) $$(LDFLAGS) -pie -o $$@ $$^ $$(CHECK_LIBS)

$(1)/tests/check_frame_rule: $(1)/tests/check_frame_rule.o $(1)/writer/frame_rule.o
	$$(Q)$$(CC) $$(CFLAGS) $(2) $$(LDFLAGS) -pie -o $$@ $$^ $$(LIBS) $$(CHECK_LIBS)

$(CHECKS_SYMBOLIZE:%=$(1)/tests/%): $(1)/tests/symbolize_program.o
$(CHECKS_LEAK:%=$(1)/tests/%): $(1)/tests/leak_made.o
$(CHECKS_IGNORE:%=$(1)/tests/%): $(1)/tests/ignore_made.o
$(CHECKS_REPORT:%=$(1)/tests/%): $(1)/tests/report_made.o

$(1)/tests/check_%: $(1)/tests/check_%.o $$(CHECK_PARTS:%=$(1)/%.o) $$(SRC:%=$(1)/src/%.o)
	$$(Q)$$(CC) $$(CFLAGS) $(2) $$(LDFLAGS) -pie -o $$@ $$^ $$(LIBS) $$(CHECK_LIBS)
endef
$(eval $(call code,$(BUILD),))
$(eval $(call code,$(BUILD)/asan,$(ASAN)))
$(eval $(call code,$(BUILD)/tsan,$(TSAN)))

# ---- the shim -------------------------------------------------------------------
# No CFLAGS here: it must load into anything.
PRELOAD_FLAGS := -O2 -g -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-stack-protector \
	-fasynchronous-unwind-tables -fno-plt
PRELOAD_OBJ := $(PRELOAD:%=$(BUILD)/preload/%.o) $(PRELOAD_SRC:%=$(BUILD)/preload/src_%.o)

$(BUILD)/preload/%.o: preload/%.c | $(FIRST)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) -Ipreload -Iinclude $(WARN) $(PRELOAD_FLAGS) -c -o $@ $<

$(BUILD)/preload/src_%.o: src/%.c | $(FIRST)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) $(WARN) $(PRELOAD_FLAGS) -c -o $@ $<

$(BUILD)/libthreadleak.so: $(PRELOAD_OBJ) preload/threadleak.map
	$(Q)$(CC) -shared -o $@ $(PRELOAD_OBJ) -Wl,--version-script=preload/threadleak.map \
		-Wl,-z,nodelete -Wl,-z,relro,-z,now -Wl,--no-undefined -Wl,-soname,libthreadleak.so

$(BUILD)/asan/libthreadleak.so: $(BUILD)/libthreadleak.so
	@mkdir -p $(@D)
	$(Q)cp $< $@

# ---- the targets of the end-to-end tests --------------------------------------------
# Unoptimised, so that every function that stands in the source stands in the backtrace.
TARGET_FLAGS := -O0 -g -fno-pie -no-pie -pthread -Wall -Wextra -Wshadow
TARGET_C := -std=gnu11 -D_GNU_SOURCE -MMD -MP
$(BUILD)/targets/address_sanitized: TARGET_MORE := -fsanitize=address
$(BUILD)/targets/api $(BUILD)/targets/own_options: TARGET_MORE := -Iinclude
$(BUILD)/targets/constructor_linked: TARGET_MORE := -L$(BUILD)/targets -lconstructor -Wl,-rpath,'$$ORIGIN'
$(BUILD)/targets/constructor_linked: $(BUILD)/targets/libconstructor.so
$(BUILD)/targets/dlopen_loop: TARGET_MORE := -rdynamic -ldl
$(BUILD)/targets/inlined $(BUILD)/targets/tail_call: TARGET_MORE := -O2
$(BUILD)/targets/late_exceptions: TARGET_MORE := -ldl
$(BUILD)/targets/openmp $(BUILD)/targets/openmp_user: TARGET_MORE := -fopenmp
$(BUILD)/targets/static_program: TARGET_MORE := -static
$(BUILD)/targets/stripped: TARGET_MORE := -s
$(BUILD)/targets/self_capture: TARGET_MORE := -O1 -rdynamic -ldl -Wl,-z,now -Wl,-rpath,'$$ORIGIN'
$(BUILD)/targets/untracked: TARGET_MORE := -ldl

$(BUILD)/targets/%: tests/targets/%.c | $(FIRST)
	@mkdir -p $(@D)
	$(Q)$(CC) $(TARGET_C) $(TARGET_FLAGS) -o $@ $< $(TARGET_MORE)

$(BUILD)/targets/%: tests/targets/%.cpp | $(FIRST)
	@mkdir -p $(@D)
	$(Q)$(CXX) -std=c++17 -MMD -MP $(TARGET_FLAGS) -o $@ $< $(TARGET_MORE)

CHAIN_FLAGS := -pthread -Wall -Wextra -Wshadow
$(BUILD)/targets/unwind_O0: CHAIN_MORE := -O0 -g
$(BUILD)/targets/unwind_O2: CHAIN_MORE := -O2 -g
$(BUILD)/targets/unwind_no_fp: CHAIN_MORE := -O2 -g -fomit-frame-pointer
$(BUILD)/targets/unwind_unstripped: CHAIN_MORE := -O2 -fomit-frame-pointer
$(BUILD)/targets/unwind_static_pie: CHAIN_MORE := -O2 -g -static-pie
$(BUILD)/targets/unwind_debug_frame: CHAIN_MORE := -O2 -g -fno-asynchronous-unwind-tables -fno-unwind-tables
$(BUILD)/targets/unwind_no_build_id: CHAIN_MORE := -O2 -g -fomit-frame-pointer -Wl,--build-id=none
$(BUILD)/targets/unwind_fp_only: CHAIN_MORE := -O2 -fno-omit-frame-pointer -fno-asynchronous-unwind-tables -fno-unwind-tables
$(TARGETS_CHAIN:%=$(BUILD)/targets/%): tests/targets/unwind_chain.c | $(FIRST)
	@mkdir -p $(@D)
	$(Q)$(CC) $(TARGET_C) $(CHAIN_FLAGS) $(CHAIN_MORE) -o $@ $<

$(BUILD)/targets/unwind_clang: tests/targets/unwind_chain.c | $(FIRST)
	@mkdir -p $(@D)
	$(Q)! command -v clang >/dev/null || clang -O2 -g $(CHAIN_FLAGS) -Wno-unknown-attributes -o $@ $<

$(BUILD)/targets/unwind_stripped: $(BUILD)/targets/unwind_unstripped
	$(Q)strip -o $@ $<

$(BUILD)/targets/unwind_signal: TARGET_MORE := -O2 -fpie -pie -Wno-null-dereference -Wno-array-bounds
$(BUILD)/targets/unwind_throw: TARGET_MORE := -O2
$(BUILD)/targets/unwind_recursion: TARGET_MORE := -O2 -Wno-infinite-recursion
$(BUILD)/targets/unwind_busy: TARGET_MORE := -O2 -Wl,-z,lazy -fcf-protection=none
$(BUILD)/targets/unwind_steps: TARGET_MORE := -O2 -Wl,-z,lazy -fcf-protection=none -fno-builtin
$(BUILD)/targets/unwind_null_call $(BUILD)/targets/unwind_generated: TARGET_MORE := -O2 -fno-omit-frame-pointer
$(BUILD)/targets/unwind_generated_no_fp: $(BUILD)/targets/unwind_generated
	$(Q)cp $< $@

$(BUILD)/targets/unwind_creating: TARGET_MORE := -O2

$(BUILD)/targets/lib%.so: tests/targets/lib_%.c | $(FIRST)
	@mkdir -p $(@D)
	$(Q)$(CC) $(TARGET_C) -shared -fPIC -O0 -g -pthread -Wall -Wextra -o $@ $<

$(BUILD)/targets/lib%.so: tests/targets/lib_%.cpp | $(FIRST)
	@mkdir -p $(@D)
	$(Q)$(CXX) -std=c++17 -MMD -MP -shared -fPIC -O0 -g -Wall -Wextra -o $@ $<

$(BUILD)/targets/rust_thread: tests/targets/rust_thread.rs | $(FIRST)
	@mkdir -p $(@D)
	$(Q)! command -v rustc >/dev/null || env -u MAKEFLAGS -u MFLAGS rustc -g -o $@ $<

$(BUILD)/targets/program_32bit: tests/targets/no_thread.c | $(FIRST)
	@mkdir -p $(@D)
	$(Q)$(CC) -m32 -o $@ $< 2>/dev/null || true

targets: $(TARGETS:%=$(BUILD)/targets/%) $(TARGETS_UNWIND:%=$(BUILD)/targets/%) $(TARGETS_CXX:%=$(BUILD)/targets/%) \
	$(TARGETS_LIB:%=$(BUILD)/targets/%) $(TARGETS_MAYBE:%=$(BUILD)/targets/%)

# ---- tests ------------------------------------------------------------------------------
SUITES := $(CHECKS:%=$(BUILD)/tests/%)
SUITES_ASAN := $(CHECKS:%=$(BUILD)/asan/tests/%)
SUITES_TSAN := $(BUILD)/tsan/tests/check_ledger_write
ALL_ASAN := $(BUILD)/asan/threadleak $(BUILD)/asan/libthreadleak.so $(SUITES_ASAN)
E2E_ASAN := "tests/e2e.py --build $(BUILD)/asan --targets $(BUILD)/targets --only-json"

# tests/NAME.py, each on the built programs.
PROGRAMS := run_tree harmless run_timeout selftest report_texts suppressions baseline formats e2e api api_builds \
	thread_makers blame projects real real_report

check: all targets $(SUITES) $(ALL_ASAN) $(SUITES_TSAN)
	$(Q)tests/all.sh $(SUITES) $(SUITES_ASAN) $(SUITES_TSAN) \
		"tests/layering.sh $(BUILD)" "tests/cli_report.sh $(BUILD)" $(E2E_ASAN) \
		$(PROGRAMS:%="tests/%.py --build $(BUILD)")

asan: all targets $(ALL_ASAN)
	$(Q)tests/all.sh $(SUITES_ASAN) $(E2E_ASAN)

tsan: $(SUITES_TSAN)
	$(Q)tests/all.sh $(SUITES_TSAN)

FUZZ_SECONDS ?= 60
FUZZERS := fuzz_ledger fuzz_core fuzz_ignore
$(BUILD)/fuzz/%: tests/fuzz/%.c $(SRC:%=src/%.c) tests/ledger_fake.c | $(FIRST)
	@mkdir -p $(@D)
	$(Q)clang $(BASE) -Itests -g -O1 -fsanitize=fuzzer,address,undefined -o $@ $< $(SRC:%=src/%.c) \
		tests/ledger_fake.c $(LIBS)

fuzz: $(FUZZERS:%=$(BUILD)/fuzz/%)
	$(Q)for fuzzer in $^; do \
		mkdir -p $$fuzzer.corpus && $$fuzzer -max_total_time=$(FUZZ_SECONDS) $$fuzzer.corpus || exit 1; done

CODE = $(wildcard include/*.h include/*/*.h src/*.[ch] preload/*.[ch] cli/*.[ch] tests/*.[ch] tests/*/*.[ch] tests/*/*.cpp bench/*.c)
lint:
	$(Q)clang-format --dry-run -Werror $(CODE)
	$(Q)clang-tidy --quiet $(SRC:%=src/%.c) $(CLI:%=cli/%.c) $(PRELOAD:%=preload/%.c) -- $(BASE) -Ipreload -Iinclude
	$(Q)cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability \
		--suppress=missingInclude --inline-suppr -Isrc -Ipreload src cli preload

# ---- try, measure -----------------------------------------------------------------------
demo: all $(BUILD)/targets/demo
	$(Q)echo '$$ LD_PRELOAD=$(BUILD)/libthreadleak.so $(BUILD)/targets/demo'
	$(Q)LD_PRELOAD='$(abspath $(BUILD))/libthreadleak.so' $(BUILD)/targets/demo

$(BUILD)/bench/%: bench/%.c | $(FIRST)
	@mkdir -p $(@D)
	$(Q)$(CC) $(TARGET_C) -O2 -g -fno-optimize-sibling-calls -Isrc -Wall -Wextra -pthread -o $@ $<

bench: all $(BUILD)/bench/bench $(BUILD)/bench/report_target
	$(Q)bench/bench.sh $(BUILD) $(QUICK)
	$(Q)bench/report.sh $(BUILD) $(QUICK)

bench-report: all $(BUILD)/bench/report_target
	$(Q)bench/report.sh $(BUILD) $(QUICK)

# ---- install ---------------------------------------------------------------------------------
$(BUILD)/threadleak.1: man/threadleak.1.scd | $(FIRST)
	@mkdir -p $(@D)
	$(Q)scdoc <$< >$@

# <threadleak/NAME.h>
ADAPTERS := abi check cmocka gtest
MAN := $(if $(wildcard man/threadleak.1.scd),$(if $(shell command -v scdoc),$(BUILD)/threadleak.1))
install: all $(MAN)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib \
		$(DESTDIR)$(PREFIX)/share/threadleak/suppressions.d
	install -m 755 $(BUILD)/threadleak $(DESTDIR)$(PREFIX)/bin/threadleak
	install -m 755 $(BUILD)/libthreadleak.so $(DESTDIR)$(PREFIX)/lib/libthreadleak.so
	install -d $(DESTDIR)$(PREFIX)/include/threadleak $(DESTDIR)$(PREFIX)/lib/pkgconfig
	install -m 644 include/threadleak.h $(DESTDIR)$(PREFIX)/include/threadleak.h
	install -m 644 $(ADAPTERS:%=include/threadleak/%.h) $(DESTDIR)$(PREFIX)/include/threadleak
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' include/threadleak.pc.in \
		>$(DESTDIR)$(PREFIX)/lib/pkgconfig/threadleak.pc
	chmod 644 $(DESTDIR)$(PREFIX)/lib/pkgconfig/threadleak.pc
ifneq ($(MAN),)
	install -d $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 $(MAN) $(DESTDIR)$(PREFIX)/share/man/man1/threadleak.1
endif

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/threadleak $(DESTDIR)$(PREFIX)/lib/libthreadleak.so \
		$(DESTDIR)$(PREFIX)/share/man/man1/threadleak.1 $(DESTDIR)$(PREFIX)/lib/pkgconfig/threadleak.pc \
		$(DESTDIR)$(PREFIX)/include/threadleak.h $(ADAPTERS:%=$(DESTDIR)$(PREFIX)/include/threadleak/%.h)
	-rmdir $(DESTDIR)$(PREFIX)/include/threadleak 2>/dev/null
	-rmdir $(DESTDIR)$(PREFIX)/share/threadleak/suppressions.d $(DESTDIR)$(PREFIX)/share/threadleak 2>/dev/null

deps:
	$(Q).ci/deps.sh

clean:
	rm -rf $(BUILD)

define HELP
all            the shim and the program, into BUILD (build): the default
targets        the little programs that tests watch
check          builds and runs every test
asan, tsan     the suites under AddressSanitizer and UBSan, under ThreadSanitizer
fuzz           each fuzzer for FUZZ_SECONDS (60)
lint           clang-format, clang-tidy, cppcheck
demo           a leaky program under the shim, and its report
bench          what the shim costs; QUICK=1: sooner, less exactly
bench-report   how long a report takes; QUICK=1 as well
install        into PREFIX (/usr/local), under DESTDIR
uninstall      takes away what install put there
deps           installs what is missing to build and test
clean          removes BUILD
endef
export HELP
help:
	@echo "$$HELP"

.PHONY: help all targets check asan tsan fuzz lint demo bench bench-report install uninstall deps clean
.SECONDARY:
-include $(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d)
