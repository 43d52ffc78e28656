# What `make install` writes.
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
# Where the shim is. Distributions keep it apart from the libraries that programs are linked with: SHIMDIR=LIBDIR/threadleak.
SHIMDIR ?= $(LIBDIR)
# LD_PRELOAD cannot name a file below a directory with a space in its name (ld.so(8)).
$(foreach name,PREFIX LIBDIR INCLUDEDIR MANDIR SHIMDIR,$(if $(word 2,$($(name))),$(error $(name) has a space: choose another directory)))
BINDIR := $(PREFIX)/bin
SHARE := $(PREFIX)/share
CMAKEDIR := $(LIBDIR)/cmake/threadleak

# $(call relative,FROM,TO): the path from one directory to another one, with a slash.
hash := \#
relative = $(shell from='$(1)' to='$(2)' up=; \
	until case "$$to/" in ("$$from"/*) ;; (*) false ;; esac; do from=$${from%/*} up=../$$up; done; \
	to=$${to$(hash)"$$from"}/; echo "$$up$${to$(hash)/}")

# Program and shim find each other by these paths, wherever the whole directory is moved to.
TO_SHIM := $(call relative,$(BINDIR),$(SHIMDIR))
TO_PROGRAM := $(call relative,$(SHIMDIR),$(BINDIR))
PLACES_ARE := $(TO_SHIM) $(TO_PROGRAM)
ifneq ($(shell cat $(BUILD)/places 2>/dev/null),$(PLACES_ARE))
.PHONY: $(BUILD)/places
endif
$(BUILD)/places:
	@mkdir -p $(@D)
	$(Q)echo '$(PLACES_ARE)' >$@
$(BUILD)/src/base/shim.o $(BUILD)/preload/exit/reporter.o: $(BUILD)/places
$(BUILD)/src/base/shim.o: BASE += -DTO_SHIM='"$(TO_SHIM)"'
$(BUILD)/preload/exit/reporter.o: BASE += -DTO_PROGRAM='"$(TO_PROGRAM)"'

# The manual has the path of the shim.
ifneq ($(shell cat $(BUILD)/shimdir 2>/dev/null),$(SHIMDIR))
.PHONY: $(BUILD)/shimdir
endif
$(BUILD)/shimdir:
	@mkdir -p $(@D)
	$(Q)echo '$(SHIMDIR)' >$@

# Files with places in them. They are always written again, because the variables may have changed.
FILLED := $(patsubst %,$(BUILD)/%,threadleak.pc threadleak-config.cmake threadleak-config-version.cmake threadleak-serve.service)
.PHONY: $(FILLED)
vpath %.in include share/threadleak
$(FILLED): $(BUILD)/%: %.in | $(FIRST)
	@mkdir -p $(@D) && rm -f $@
	$(Q)sed -e 's|@VERSION@|$(VERSION)|; s|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR:$(PREFIX)/%=$${prefix}/%)|' \
		-e 's|@INCLUDEDIR@|$(INCLUDEDIR:$(PREFIX)/%=$${prefix}/%)|; s|@SHIMDIR@|$(SHIMDIR:$(LIBDIR)%=$${libdir}%)|' \
		-e 's|@TO_INCLUDE@|$(call relative,$(CMAKEDIR),$(INCLUDEDIR))|; s|@TO_SHIM@|$(call relative,$(CMAKEDIR),$(SHIMDIR))|' \
		-e 's|@TO_PROGRAM@|$(call relative,$(CMAKEDIR),$(BINDIR))|' $< >$@

# FILE:PLACE. The man pages need scdoc.
HAS_SCDOC := $(shell command -v $(SCDOC))
man_place = $(MANDIR)/man$(subst .,,$(suffix $(1)))/$(1)
INSTALLED := $(BUILD)/threadleak:$(BINDIR)/threadleak $(BUILD)/libthreadleak.so:$(SHIMDIR)/libthreadleak.so \
	$(foreach header,$(wildcard include/*.h include/*/*.h),$(header):$(INCLUDEDIR)/$(header:include/%=%)) \
	$(BUILD)/threadleak.pc:$(LIBDIR)/pkgconfig/threadleak.pc \
	$(BUILD)/threadleak-config.cmake:$(CMAKEDIR)/threadleak-config.cmake \
	$(BUILD)/threadleak-config-version.cmake:$(CMAKEDIR)/threadleak-config-version.cmake \
	cli/completion.bash:$(SHARE)/bash-completion/completions/threadleak \
	cli/completion.zsh:$(SHARE)/zsh/site-functions/_threadleak \
	cli/completion.fish:$(SHARE)/fish/vendor_completions.d/threadleak.fish \
	$(foreach file,$(wildcard share/threadleak/*.yml share/threadleak/*.json share/threadleak/*.py),$(file):$(PREFIX)/$(file)) \
	$(BUILD)/threadleak-serve.service:$(SHARE)/threadleak/threadleak-serve.service \
	$(if $(HAS_SCDOC),$(foreach page,$(MAN_PAGES),$(BUILD)/$(page):$(call man_place,$(page))))
FILES = $(foreach pair,$(INSTALLED),$(firstword $(subst :, ,$(pair))))
PLACES = $(foreach pair,$(INSTALLED),$(lastword $(subst :, ,$(pair)))) $(foreach page,$(MAN_PAGES),$(call man_place,$(page)))
LIBRARY_RULES := $(SHARE)/threadleak/suppressions.d
OWN_DIRECTORIES := $(INCLUDEDIR)/threadleak $(CMAKEDIR) $(LIBRARY_RULES) $(SHARE)/threadleak $(filter %/threadleak,$(SHIMDIR))

install: all $(FILES)
	$(Q)install -d "$(DESTDIR)$(LIBRARY_RULES)"
	$(Q)for pair in $(INSTALLED); do \
		file=$${pair%:*} place="$(DESTDIR)$${pair#*:}"; \
		printf '  %-7s %s\n' INSTALL "$$place"; \
		install -D -m $$([ -x $$file ] && echo 755 || echo 644) $$file "$$place" || exit 1; done
	$(Q)$(if $(HAS_SCDOC),:,echo 'No man pages are installed, because $(SCDOC) is not here: install the package scdoc, and do this again')

uninstall:
	$(Q)for place in $(PLACES); do rm -f "$(DESTDIR)$$place" || exit 1; done
	$(Q)for directory in $(OWN_DIRECTORIES); do rmdir "$(DESTDIR)$$directory" 2>/dev/null || true; done
