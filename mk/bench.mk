# To try it, and to measure it.
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
