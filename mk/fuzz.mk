# The fuzzers.
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

fuzz: $(FUZZERS:%=$(BUILD)/fuzz/%)
	$(Q)FUZZ_SECONDS=$(FUZZ_SECONDS) tests/e2e/fuzzers.py --build $(BUILD)
