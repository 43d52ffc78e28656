# To try it, and to measure it.
demo: all $(BUILD)/targets/demo
	$(Q)echo '$$ LD_PRELOAD=$(BUILD)/libthreadleak.so $(BUILD)/targets/demo'
	$(Q)LD_PRELOAD='$(abspath $(BUILD))/libthreadleak.so' $(BUILD)/targets/demo

BENCH_FLAGS := -O2 -g -fno-optimize-sibling-calls -I. -Isrc -Wall -Wextra -pthread
$(BUILD)/bench/%: bench/%.c | $(FIRST)
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(TARGET_C) $(BENCH_FLAGS) -o $@ $<

$(BUILD)/bench/bench_tsan: bench/bench.c | $(FIRST)
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(TARGET_C) $(BENCH_FLAGS) -fsanitize=thread -o $@ $<

$(BUILD)/bench/stuck: bench/stuck.c $(BUILD)/libsrc.a | $(FIRST)
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(BASE) $(BENCH_FLAGS) -o $@ $< $(BUILD)/libsrc.a $(LIBS)

BENCH := bench bench_tsan starts report_target service sites stuck stuck_target
# BENCH_ONLY="creation start": only these sections
bench: all $(BENCH:%=$(BUILD)/bench/%)
	$(Q)bench/bench.py --build $(BUILD) $(if $(QUICK),--quick) $(BENCH_ONLY)

# Counts instructions, and fails if there are 3 % more than bench/instructions.json has.
BENCH_COUNTED := all $(BUILD)/bench/bench $(BUILD)/bench/report_target
bench-check: $(BENCH_COUNTED)
	$(Q)bench/instructions.py --build $(BUILD) --flags '$(CFLAGS)'
bench-update: $(BENCH_COUNTED)
	$(Q)bench/instructions.py --build $(BUILD) --flags '$(CFLAGS)' --update

# A shim that is 5 % slower. tests/e2e/instructions.py sees that this is noticed.
$(BUILD)/bench/planted.o: bench/planted.c | $(FIRST)
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(BASE) $(WARN) $(PRELOAD_FLAGS) -c -o $@ $<

$(BUILD)/bench/planted/libthreadleak.so: $(PRELOAD_OBJ) $(BUILD)/bench/planted.o $(BUILD)/preload/exports.map
	@mkdir -p $(@D)
	$(say) LD $@
	$(Q)$(CC) -shared -o $@ $(filter %.o,$^) $(PRELOAD_LINK) -Wl,--wrap=slot_take
