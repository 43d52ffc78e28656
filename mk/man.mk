# The manual. Lists of options, findings and reports come from their tables: man/options.awk, man/reports.awk.
SCDOC ?= scdoc
MAN_PAGES := $(patsubst man/%.scd,%,$(wildcard man/*.scd))
MAN_BUILT := $(MAN_PAGES:%=$(BUILD)/%)

$(BUILD)/options.list: $(BUILD)/threadleak
	$(Q)$< _options >$@

$(MAN_BUILT): $(BUILD)/%: man/%.scd man/options.awk man/reports.awk $(BUILD)/options.list $(BUILD)/shimdir $(wildcard tests/golden/pattern_*.txt)
	$(say) MAN $@
	$(Q)awk -v shimdir="$(SHIMDIR)" -f man/options.awk $(BUILD)/options.list $< >$@.part
	$(Q)awk -v golden=tests/golden -f man/reports.awk $@.part >$@.scd
	$(Q)$(SCDOC) <$@.scd >$@ && rm $@.part

man: $(MAN_BUILT)
