# The release: one archive that runs on each x86_64 machine with glibc 2.17 or newer.
# Program and shim are linked with stubs of glibc 2.17 (packaging/release/stubs.awk), and all other libraries are a part
# of the program. The shim loads libunwind, which lies beside it.
RELEASE := $(BUILD)/release
RELEASE_LIBC := $(patsubst %,$(RELEASE)/stubs/%,libm.so.6 librt.so.1 libdl.so.2 libpthread.so.0 libc.so.6 ld-linux-x86-64.so.2)
libc_file = $(shell $(CC) -print-file-name=$(if $(filter libm.% ld-%,$(1)),$(1),libc.so.6))

$(RELEASE)/stubs/%: packaging/release/stubs.awk | $(FIRST)
	@mkdir -p $(@D)
	$(say) STUB $@
	$(Q)readelf -W --dyn-syms $(call libc_file,$*) | awk -v name=$* -v base=$@ -f $<
	$(Q)$(CC) -shared -nostdlib -Wl,-soname,$* -Wl,--version-script=$@.map -o $@ $@.s

$(RELEASE)/old_libc.o: packaging/release/old_libc.c | $(FIRST)
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(WARN) -O2 -g -fPIC -fvisibility=hidden -MMD -MP -c -o $@ $<

$(RELEASE)/libthreadleak.so: $(PRELOAD_OBJ) $(BUILD)/preload/exports.map $(RELEASE_LIBC)
	$(say) LD $@
	$(Q)$(CC) -shared -nodefaultlibs -o $@ $(PRELOAD_OBJ) $(filter-out $(OLD_LIBC),$(PRELOAD_LINK)) \
		$(filter %/libdl.so.2 %/libpthread.so.0 %/libc.so.6 %/ld-linux-x86-64.so.2,$^) -l:libc_nonshared.a -lgcc

# The archives that $(LIBS) has as shared libraries elsewhere, and those that libdw needs.
RELEASE_LIBS := -Wl,--push-state,-Bstatic -lprotobuf-c -ldw -lelf -lz -lbz2 -llzma -ljansson -liberty -Wl,--pop-state
$(RELEASE)/threadleak: $(CLI:%=$(BUILD)/%.o) $(BUILD)/libsrc.a $(RELEASE)/old_libc.o $(RELEASE_LIBC)
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -pie -nodefaultlibs -Wl,--wrap=__libc_start_main \
		-Wl,--dynamic-list=cli/selftest/plant.list -o $@ $(filter %.o %.a,$^) $(RELEASE_LIBS) -Wl,--as-needed \
		$(RELEASE_LIBC) -l:libc_nonshared.a -lgcc

# ---- the archive -------------------------------------------------------------------------
# Set RELEASE_LIBUNWIND to a directory with libunwind.so.8 and liblzma.so.5 to take those.
RELEASE_LIBUNWIND ?=
TARBALL_NAME := threadleak-$(VERSION)-x86_64
TARBALL := $(BUILD)/$(TARBALL_NAME).tar.gz
# The same bytes from the same sources, whenever and by whom it is made. SOURCE_DATE_EPOCH is reproducible-builds.org's.
TAR_SAME = tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@$(SOURCE_DATE) --mode=u+w,go-w,a+rX --format=ustar
SOURCE_DATE = $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null || cat .source-date 2>/dev/null || echo 0))
# FILE:PLACE
RELEASED := $(RELEASE)/threadleak:bin/threadleak $(RELEASE)/libthreadleak.so:lib/threadleak/libthreadleak.so \
	$(RELEASE)/carried/libunwind.so.8:lib/threadleak/libunwind.so.8 $(RELEASE)/carried/liblzma.so.5:lib/threadleak/liblzma.so.5 \
	$(foreach header,$(wildcard include/*.h include/*/*.h),$(header):$(header)) \
	$(foreach file,$(wildcard share/threadleak/*.yml share/threadleak/*.json share/threadleak/*.py),$(file):$(file)) \
	cli/completion.bash:share/bash-completion/completions/threadleak \
	cli/completion.zsh:share/zsh/site-functions/_threadleak \
	cli/completion.fish:share/fish/vendor_completions.d/threadleak.fish \
	$(foreach file,README.md CHANGELOG.md SECURITY.md LICENSE,$(file):share/doc/threadleak/$(file)) \
	$(if $(HAS_SCDOC),$(foreach page,$(MAN_PAGES),$(BUILD)/$(page):share/man/man$(subst .,,$(suffix $(page)))/$(page)))
RELEASED_FILES := $(foreach pair,$(RELEASED),$(firstword $(subst :, ,$(pair))))
# Debian's packages of what a part of the program or of the archive is made from; their licenses are in the archive.
CARRIED_PACKAGES := libelf-dev libdw-dev libjansson-dev libprotobuf-c-dev zlib1g-dev libbz2-dev liblzma-dev libiberty-dev

$(RELEASE)/carried/libunwind.so.8: packaging/release/libunwind.sh | $(FIRST)
	@mkdir -p $(@D)
	$(say) GET $@
	$(Q)$(if $(RELEASE_LIBUNWIND),cp -L $(RELEASE_LIBUNWIND)/* $(@D),$< $(@D))
	$(Q)touch $@
$(RELEASE)/carried/liblzma.so.5: $(RELEASE)/carried/libunwind.so.8 ;

$(TARBALL): $(RELEASED_FILES)
	$(say) TAR $@
	$(Q)rm -rf $(RELEASE)/$(TARBALL_NAME)
	$(Q)for pair in $(RELEASED); do \
		file=$${pair%:*}; \
		install -D -m $$([ -x $$file ] && echo 755 || echo 644) $$file $(RELEASE)/$(TARBALL_NAME)/$${pair#*:} || exit 1; done
	$(Q)cd $(RELEASE)/$(TARBALL_NAME) && $(STRIP) -g bin/threadleak lib/threadleak/libthreadleak.so
	$(Q)install -d $(RELEASE)/$(TARBALL_NAME)/share/doc/threadleak/licenses $(RELEASE)/$(TARBALL_NAME)/share/threadleak/suppressions.d
	$(Q)for package in $(CARRIED_PACKAGES); do \
		install -m 644 /usr/share/doc/$$package/copyright \
			$(RELEASE)/$(TARBALL_NAME)/share/doc/threadleak/licenses/$$package.copyright || exit 1; done
	$(Q)! ls $(RELEASE)/carried/*.copyright >/dev/null 2>&1 || \
		install -m 644 $(RELEASE)/carried/*.copyright $(RELEASE)/$(TARBALL_NAME)/share/doc/threadleak/licenses
	$(Q)$(TAR_SAME) -C $(RELEASE) -c $(TARBALL_NAME) | gzip -9n >$@.part && mv $@.part $@


release-tarball: $(TARBALL)

# The sources, as they are committed, or without git as they are here.
DIST := $(BUILD)/threadleak-$(VERSION).tar.gz
dist:
	@mkdir -p $(BUILD)/dist && rm -rf $(BUILD)/dist/threadleak-$(VERSION)
	$(say) TAR $(DIST)
	$(Q)install -d $(BUILD)/dist/threadleak-$(VERSION)
	$(Q)if git rev-parse --show-toplevel 2>/dev/null | grep -qx "$$PWD"; then \
		git archive HEAD; else tar -c --exclude=./$(BUILD) .; fi | tar -x -C $(BUILD)/dist/threadleak-$(VERSION)
	$(Q)echo $(SOURCE_DATE) >$(BUILD)/dist/threadleak-$(VERSION)/.source-date
	$(Q)$(TAR_SAME) -C $(BUILD)/dist -c threadleak-$(VERSION) | gzip -9n >$(DIST).part && mv $(DIST).part $(DIST)
	$(Q)rm -rf $(BUILD)/dist
