# The manual, and what `make install` writes.
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
