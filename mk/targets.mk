# The programs that the end-to-end tests watch.
# One row each in tests/cases.txt.
TARGETS := $(shell awk '$$1 == "target" || $$1 == "chain" || ($$1 == "case" && ($$3 != "=" || $$4 == $$2)) {print $$2}' tests/cases.txt)
TARGETS_CHAIN := $(shell awk '$$1 == "chain" {print $$2}' tests/cases.txt)

# Unoptimised, and without CFLAGS, so that backtraces contain every function of the source.
TARGET_FLAGS := -O0 -g -fno-pie -no-pie -pthread -Wall -Wextra -Wshadow
# They are a part of libc.so.6 since glibc 2.34.
TARGET_LIBS := -lrt -ldl
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
	$(Q)$(CC) $(TARGET_C) $(TARGET_FLAGS) -L$(@D) -o $@ $< $(row_flags) $(TARGET_LIBS)

$(BUILD)/targets/%: tests/targets/%.cpp $(BUILD)/flags/% | $(FIRST)
	@mkdir -p $(@D)
	$(say) CXX $@
	$(Q)$(CXX) -std=c++17 -MMD -MP $(TARGET_FLAGS) -o $@ $< $(row_flags) $(TARGET_LIBS)

CHAIN_FLAGS := -pthread -Wall -Wextra -Wshadow
$(TARGETS_CHAIN:%=$(BUILD)/targets/%): $(BUILD)/targets/%: tests/targets/unwind_chain.c $(BUILD)/flags/% | $(FIRST)
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(TARGET_C) $(CHAIN_FLAGS) $(row_flags) -o $@ $<

$(BUILD)/targets/unwind_clang: tests/targets/unwind_chain.c | $(FIRST)
	@mkdir -p $(@D)
	$(Q)! command -v clang >/dev/null || clang -O2 -g $(CHAIN_FLAGS) -o $@ $<

$(BUILD)/targets/unwind_stripped: $(BUILD)/targets/unwind_unstripped
	$(Q)$(STRIP) -o $@ $<

$(BUILD)/targets/unwind_generated_no_fp: $(BUILD)/targets/unwind_generated
	$(Q)cp $< $@

$(BUILD)/targets/lib%.so: tests/targets/lib_%.c $(BUILD)/flags/lib%.so | $(FIRST)
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(TARGET_C) -shared -fPIC -O0 -g -pthread -Wall -Wextra -o $@ $< $(row_flags) $(TARGET_LIBS)

$(BUILD)/targets/lib%.so: tests/targets/lib_%.cpp | $(FIRST)
	@mkdir -p $(@D)
	$(say) CXX $@
	$(Q)$(CXX) -std=c++17 -MMD -MP -shared -fPIC -O0 -g -Wall -Wextra -o $@ $<

# rustup's rustc does nothing without a toolchain, which it searches below HOME: dpkg-buildpackage sets another one.
$(BUILD)/targets/rust_%: tests/targets/rust_%.rs | $(FIRST)
	@mkdir -p $(@D)
	$(Q)! rustc --version >/dev/null 2>&1 || env -u MAKEFLAGS -u MFLAGS rustc -g -o $@ $<

$(BUILD)/targets/program_32bit: tests/targets/no_thread.c | $(FIRST)
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) -m32 -o $@ $< 2>/dev/null || true

# One program from all files of a directory.
define one_program
$(BUILD)/tests/$(1)/%.o: tests/$(1)/%.c | $(FIRST)
	@mkdir -p $$(@D)
	$$(say) CC $$@
	$$(Q)$$(CC) $$(TARGET_C) $$(filter-out -no-pie,$$(TARGET_FLAGS)) -c -o $$@ $$<

$(BUILD)/targets/$(1): $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/$(1)/*.c))
	$$(say) LD $$@
	$$(Q)$$(CC) $$(TARGET_FLAGS) -o $$@ $$^ -lm
endef
$(foreach directory,kernels harmless,$(eval $(call one_program,$(directory))))

# Faults, and what they are made in.
$(BUILD)/targets/fault_%: tests/faults/%.c $(BUILD)/flags/fault_% | $(FIRST)
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(TARGET_C) -I. $(TARGET_FLAGS) -o $@ $< $(row_flags)

targets: $(TARGETS:%=$(BUILD)/targets/%)
