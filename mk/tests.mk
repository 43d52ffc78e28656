# The tests.
# Each suite runs once, with ASan and UBSan, because src/ reads what a watched program wrote.
# The suites of the ledger's writer also run with TSan.
SUITES_TSAN := $(CHECKS_PRELOAD:%=$(BUILD)/tsan/tests/unit/%)
# Slow suites begin first.
SUITES_LONG := $(filter check_symbolize% check_signal_capture% check_core% check_snapshot% check_unwind%,$(CHECKS))
SUITES := $(patsubst %,$(BUILD)/asan/tests/unit/%,$(SUITES_LONG) $(filter-out $(SUITES_LONG),$(CHECKS))) $(SUITES_TSAN)
ASAN_BUILT := $(BUILD)/asan/threadleak $(BUILD)/asan/libthreadleak.so

# tests/e2e/NAME.py: each that runs tests, the slow ones first.
PROGRAMS_SLOW := suppressions generated_rules thread_makers api_builds blame formats formats_stacks html_report outputs api real \
	projects ctest ci_snippets selftest run_timeout
# Nothing else may run beside them: serve stops all watched processes of the machine for its reports, and what other tests
# watch would be stopped, too; real_report compares response times with and without reports.
PROGRAMS_ALONE := serve real_report
PROGRAMS_SOAK := runtimes real_suites old_glibc fuzzers
PROGRAMS := $(PROGRAMS_SLOW) $(filter-out e2e $(PROGRAMS_SLOW) $(PROGRAMS_ALONE) $(PROGRAMS_SOAK),$(patsubst \
	tests/e2e/%.py,%,$(shell grep -l '^if __name__' tests/e2e/*.py)))
run_programs = $(patsubst %,"tests/e2e/%.py --build $(BUILD)",$(1))
OLD_GLIBC_CASES := running dlopen_loop library_replaced_by_another unload_two fork_child small_stack waits
# The cases of tests/cases.txt: the JSON reports come from the reader with ASan.
E2E := "tests/e2e/e2e.py --build $(BUILD)/asan --targets $(BUILD)/targets --only json" \
	"tests/e2e/e2e.py --build $(BUILD) --only text" \
	"tests/e2e/e2e.py --build $(BUILD)/old_glibc --targets $(BUILD)/targets --only text $(OLD_GLIBC_CASES)"
OLD_GLIBC := $(BUILD)/old_glibc/threadleak $(BUILD)/old_glibc/libthreadleak.so
# What tests/e2e/instructions.py counts.
BENCH_TESTED := $(BUILD)/bench/bench $(BUILD)/bench/planted/libthreadleak.so
# LD_PRELOAD cannot name a shim below such a directory (ld.so(8)).
ifneq ($(filter demo check check-quick soak asan,$(MAKECMDGOALS)),)
$(if $(word 2,$(CURDIR)),$(error $(CURDIR) has a space, so nothing below it can be preloaded: use another directory))
endif
# How many suites run at once.
J ?= 2

OTHERS := "tests/lint.py --build $(BUILD)" "tests/layering.sh $(BUILD)" "tests/e2e/cli_report.sh $(BUILD)"
CHECK_BUILT := $(SUITES) $(ASAN_BUILT) $(OLD_GLIBC) $(BENCH_TESTED)

check: all targets $(CHECK_BUILT)
	$(Q)tests/all.py -j $(J) $(call run_programs,$(PROGRAMS)) $(SUITES) $(E2E) $(OTHERS) \
		--alone $(call run_programs,$(PROGRAMS_ALONE))

# For packagers, in less than two minutes: needs neither root, nor a network, nor packages without which tests are skipped.
SUITES_QUICK := $(patsubst %,$(BUILD)/tests/unit/check_%,find formats ledger_write options unwind wait_file)
QUICK_PROGRAMS := selftest install run_ends tables
check-quick: all targets $(SUITES_QUICK)
	$(Q)tests/all.py -j $(J) $(call run_programs,$(QUICK_PROGRAMS)) "tests/e2e/e2e.py --build $(BUILD)" $(SUITES_QUICK)

# check with every repetition, the suites without sanitizers as well, and what only soak has. What takes longest comes last.
SOAK_PLAIN := $(CHECKS:%=$(BUILD)/tests/unit/%)
SOAK_LAST := fuzzers real_suites faults
soak: all targets $(CHECK_BUILT) $(SOAK_PLAIN)
	$(Q)echo 'soak: about three hours. FAULT_SECONDS=$(or $(FAULT_SECONDS),3600) limits the faults, and FUZZ_SECONDS=$(FUZZ_SECONDS) each of' \
		'$(words $(FUZZERS)) fuzzers. All that is printed is also in $(BUILD)/soak.log.'
	$(Q)SOAK=1 ANALYZE=1 FUZZ_SECONDS=$(FUZZ_SECONDS) $(if $(FAULT_SECONDS),FAULT_SECONDS=$(FAULT_SECONDS)) \
		tests/all.py -j 1 --limit 21600 --log $(BUILD)/soak.log $(SUITES) $(SOAK_PLAIN) $(E2E) $(OTHERS) \
		$(call run_programs,$(filter-out $(SOAK_LAST),$(PROGRAMS_SOAK) $(PROGRAMS)) $(PROGRAMS_ALONE) $(SOAK_LAST))

asan: all targets $(SUITES) $(ASAN_BUILT) $(OLD_GLIBC)
	$(Q)tests/all.py -j $(J) $(filter $(BUILD)/asan/%,$(SUITES)) $(E2E)

tsan: $(SUITES_TSAN)
	$(Q)tests/all.py $(SUITES_TSAN)

# ANALYZE=1 adds clang-tidy's static analyzer, which takes minutes.
lint:
	$(Q)tests/lint.py --build $(BUILD)
