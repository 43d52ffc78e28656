# src/, cli/ and the suites of tests/unit: plain, and with each sanitizer.
SRC := $(patsubst %.c,%,$(wildcard src/*/*.c src/*/*/*.c))
CLI := $(patsubst %.c,%,$(wildcard cli/*.c cli/*/*.c))
LIBS := -lprotobuf-c -lz -ldw -lelf -ljansson -liberty -lm -lrt $(OLD_LIBC)

# Suites that test a part of the shim; all others test src/ and cli/.
CHECKS_PRELOAD := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/check_ledger_write*.c tests/unit/check_modules.c \
                  tests/unit/check_guard.c tests/unit/check_on_stack.c tests/unit/check_real.c tests/unit/check_shake.c))
CHECKS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/check_*.c))
# Fakes, fixtures and child processes that suites share.
CHECK_PARTS := $(patsubst %.c,%,$(filter-out tests/unit/check_% tests/unit/writer_%,$(wildcard tests/unit/*.c)))
# They contain the shim's writer, and nothing of the CLI.
CHECK_WRITER := $(addprefix preload/,shim/config shim/state shim/guard shim/index shim/run_ask ledger/argument ledger/map ledger/section ledger/slot ledger/thread ledger/thread_join ledger/thread_key ledger/misuse \
	ledger/descriptor ledger/fork ledger/leak ledger/site ledger/test ledger/namespace ledger/wakes \
	ledger/module ledger/module_find ledger/module_table ledger/elf_start ledger/maps \
	shim/dynamic shim/next shim/readable shim/real shim/say shim/shake shim/stack_room shim/text shim/unwinder_tls backtrace/frames)
CHECK_LIBS = $(shell pkg-config --libs check 2>/dev/null || echo -lcheck -lm -lrt -lsubunit -lpthread)

# $(call code,DIRECTORY,FLAGS)
define code
$(1)/src/%.o: src/%.c | $(FIRST)
	@mkdir -p $$(@D)
	$$(say) CC $$@
	$$(Q)$$(CC) $$(BASE) $$(WARN) $$(MAP) $$(CPPFLAGS) $$(CFLAGS) $(2) -fPIE -c -o $$@ $$<

$(1)/src/report/html/html.o: $(BUILD)/page.html
# Its assembler text defines a symbol, which -flto would look for in another part of the program.
$(1)/src/report/html/html.o: override CFLAGS += -fno-lto

$(1)/cli/%.o: cli/%.c | $(FIRST)
	@mkdir -p $$(@D)
	$$(say) CC $$@
	$$(Q)$$(CC) $$(BASE) $$(WARN) $$(MAP) $$(CPPFLAGS) $$(CFLAGS) $(2) -fPIE -c -o $$@ $$<

$(1)/tests/%.o: tests/%.c | $(FIRST)
	@mkdir -p $$(@D)
	$$(say) CC $$@
	$$(Q)$$(CC) $$(BASE) -Itests/unit $$(WARN) $$(CPPFLAGS) $$(CFLAGS) $(2) -fPIE -c -o $$@ $$<

$(1)/preload-tested/%.o: %.c | $(FIRST)
	@mkdir -p $$(@D)
	$$(say) CC $$@
	$$(Q)$$(CC) $$(BASE) $$(WARN) $$(CPPFLAGS) $$(CFLAGS) $(2) -fPIE -c -o $$@ $$<

$(1)/src/report/profile/pprof.o $(1)/src/report/profile/pprof_tables.o $(1)/tests/unit/check_pprof.o: | $(BUILD)/generated/profile.pb-c.h

$(1)/generated/%.o: $(BUILD)/generated/%.c | $(FIRST)
	@mkdir -p $$(@D)
	$$(say) CC $$@
	$$(Q)$$(CC) $$(BASE) $$(MAP) $$(CPPFLAGS) $$(CFLAGS) $(2) -fPIE -c -o $$@ $$<

$(1)/libsrc.a: $$(SRC:%=$(1)/%.o) $(1)/generated/profile.pb-c.o
	$$(say) AR $$@
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^

$(1)/libtest.a: $$(CHECK_PARTS:%=$(1)/%.o) $$(patsubst %,$(1)/%.o,$$(filter-out cli/main,$$(CLI)))
	$$(say) AR $$@
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^

$(1)/threadleak: $$(CLI:%=$(1)/%.o) $(1)/libsrc.a cli/selftest/plant.list
	$$(say) LD $$@
	$$(Q)$$(CC) $$(CFLAGS) $(2) $$(LDFLAGS) -pie -Wl,--dynamic-list=cli/selftest/plant.list -o $$@ $$(filter %.o %.a,$$^) $$(LIBS)

$(patsubst %,$(1)/tests/unit/%,$(CHECKS_PRELOAD)): $(1)/tests/unit/%: $(1)/tests/unit/%.o $(1)/tests/unit/suite.o \
		$(1)/tests/unit/writer_made.o $$(CHECK_WRITER:%=$(1)/preload-tested/%.o) $$(COMMON:%=$(1)/preload-tested/%.o)
	$$(say) LD $$@
	$$(Q)$$(CC) $$(CFLAGS) $(2) $$(LDFLAGS) -pie -o $$@ $$^ $$(CHECK_LIBS)

$(patsubst %,$(1)/tests/unit/%,$(filter-out $(CHECKS_PRELOAD),$(CHECKS))): $(1)/tests/unit/%: \
		$(1)/tests/unit/%.o $(1)/libtest.a $(1)/libsrc.a
	$$(say) LD $$@
	$$(Q)$$(CC) $$(CFLAGS) $(2) $$(LDFLAGS) -pie -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) $$(LIBS) $$(CHECK_LIBS)
endef
$(eval $(call code,$(BUILD),))
$(eval $(call code,$(BUILD)/asan,$(ASAN)))
$(eval $(call code,$(BUILD)/tsan,$(TSAN)))

# The page of the format html. Its policy allows its style and its script by their hashes, and nothing else.
PAGE := src/report/html/page
PAGE_SCRIPT := $(patsubst %,$(PAGE)/%.js,parts data stacks sites waits flame lives page)
sha256 = sha256-$$({ echo; cat $(1); } | sha256sum | cut -c-64 | tr a-f A-F | basenc --base16 -d | base64)
$(BUILD)/page.html: $(PAGE)/top.html $(PAGE)/style.css $(PAGE)/body.html $(PAGE_SCRIPT) $(PAGE)/end.html | $(FIRST)
	@mkdir -p $(@D)
	$(say) PAGE $@
	$(Q)sed "s|@STYLE@|$(call sha256,$(PAGE)/style.css)|; s|@SCRIPT@|$(call sha256,$(PAGE_SCRIPT))|" $< >$@.part
	$(Q)cat $@.part $(filter-out $<,$^) >$@ && rm $@.part

# The format of pprof. protoc-c writes both files.
$(BUILD)/generated/profile.pb-c.h: src/report/profile/profile.proto | $(FIRST)
	@mkdir -p $(@D)
	$(say) PROTOC $@
	$(Q)protoc-c --proto_path=$(<D) --c_out=$(@D) $(<F)
$(BUILD)/generated/profile.pb-c.c: $(BUILD)/generated/profile.pb-c.h ;
