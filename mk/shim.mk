# The shim.
# config.c says why it is the first.
PRELOAD := preload/shim/config $(filter-out preload/shim/config,$(patsubst %.c,%,$(wildcard preload/*/*.c)))
# The shim also contains src/common/, compiled with the flags of the shim.
COMMON := $(patsubst %.c,%,$(wildcard src/common/*.c))
# They are a part of libc.so.6 since glibc 2.34.
OLD_LIBC := -ldl -lpthread
# The shim must load into every program, and behave the same in each. So it takes from CPPFLAGS, CFLAGS and LDFLAGS only what
# says where things are, and what marks its file. It takes no optimisation (its hooks count their frames), no stack protector
# and no fortification (they call abort() and print), no sanitizer, no -flto (imports.c defines functions of libc), and no
# -z now (each program would pay for looking up what only some call).
PRELOAD_OWN = $(filter -I% --sysroot=% -ffile-prefix-map=% -fdebug-prefix-map=% -fmacro-prefix-map=% -fcf-protection% \
	-mbranch-protection=% -Wdate-time -Wno-% -fdebug-types-section -gz% -gdwarf%,$(CPPFLAGS) $(CFLAGS))
PRELOAD_OWN_LINK = $(filter --sysroot=% -L% -fuse-ld=% -fcf-protection% -Wl$(,)--build-id% -Wl$(,)-z$(,)relro,$(CFLAGS) $(LDFLAGS))
, := ,
# The way to callers, if there is no libunwind: frame_pointers.h.
FRAME_POINTERS := $(shell printf '#if !__has_include(<libunwind.h>)\n-fno-omit-frame-pointer\n#endif\n' | \
	$(CC) $(filter --sysroot=% -I%,$(CPPFLAGS) $(CFLAGS)) -E -P -xc - 2>/dev/null)
PRELOAD_FLAGS = -O2 -g $(MAP) -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-stack-protector \
	-fasynchronous-unwind-tables $(FRAME_POINTERS)
# What each program pays when it starts: no -z relro, unless LDFLAGS asks for it, since its mprotect costs a mapping and a page
# more. The loader looks up what these directories import, and imports_bind() what the others do.
PRELOAD_LAZY := api backtrace exit hooks ledger
preload_now = $(if $(filter $(PRELOAD_LAZY),$(firstword $(subst /, ,$*))),,-fno-plt)
# gold has no segment for code alone, and refuses the option.
NOT_SEPARATE = $(if $(filter -fuse-ld=gold,$(CFLAGS) $(LDFLAGS)),,-Wl$(,)-z$(,)noseparate-code)
PRELOAD_LINK = -nostartfiles -Wl,--version-script=$(BUILD)/preload/exports.map \
	-Wl,-z,nodelete $(NOT_SEPARATE) -Wl,-z,norelro,-z,lazy -Wl,--no-undefined -Wl,-soname,libthreadleak.so \
	$(PRELOAD_OWN_LINK) $(OLD_LIBC)
# The frames that call what runs on another stack can be unwound from there.
$(BUILD)/preload/shim/stack_room.o: PRELOAD_FLAGS += -fno-omit-frame-pointer
PRELOAD_OBJ := $(PRELOAD:%=$(BUILD)/%.o) $(COMMON:%=$(BUILD)/preload/%.o)

$(BUILD)/preload/src/%.o: src/%.c | $(FIRST)
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(BASE) $(WARN) $(PRELOAD_FLAGS) $(PRELOAD_OWN) -fno-plt -c -o $@ $<

$(BUILD)/preload/%.o: preload/%.c | $(FIRST)
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(BASE) -Iinclude $(WARN) $(PRELOAD_FLAGS) $(PRELOAD_OWN) $(preload_now) -c -o $@ $<

# The libc that CC uses.
LIBC = $(if $(shell echo __GLIBC__ | $(CC) -include features.h -E -P -xc - | grep -x __GLIBC__),musl,glibc)
# It exports the rows of hooks.def and the table of api.c, without versions: a hook replaces every version. A script
# cannot have both kinds of version, so what the source does not declare to be visible is hidden by the compiler alone.
$(BUILD)/preload/exports.map: preload/shim/hooks.def | $(FIRST)
	@mkdir -p $(@D)
	$(Q)hooks() { $(CC) $(filter --sysroot=%,$(CFLAGS)) -E -P -x c "$$@" $<; }; rows='(type, name, params)'; \
	case $(LIBC)-$$($(CC) -dumpmachine) in \
	musl-*) echo '{ global: threadleak_abi_1;' && hooks "-DHOOK$$rows=name;" "-DGLIBC_HOOK$$rows=" && echo 'local: *; };' ;; \
	glibc-x86_64*) echo "GLIBC_2.3.2 {" && hooks "-DHOOK$$rows=" "-DMUSL_HOOK$$rows=" "-DCOND_HOOK$$rows=name;" && echo '};' ;; \
	*) echo '{ global: threadleak_abi_1;' && hooks "-DHOOK$$rows=name;" "-DMUSL_HOOK$$rows=" && echo 'local: *; };' ;; \
	esac >$@

$(BUILD)/libthreadleak.so: $(PRELOAD_OBJ) $(BUILD)/preload/exports.map
	$(say) LD $@
	$(Q)$(CC) -shared -o $@ $(PRELOAD_OBJ) $(PRELOAD_LINK)

# As the shim works with a glibc before 2.35.
OLD_GLIBC_OWN := ledger/module_find
$(OLD_GLIBC_OWN:%=$(BUILD)/old_glibc/%.o): $(BUILD)/old_glibc/%.o: preload/%.c | $(FIRST)
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(BASE) -Iinclude $(WARN) $(PRELOAD_FLAGS) $(PRELOAD_OWN) -DNO_DL_FIND_OBJECT -c -o $@ $<

OLD_GLIBC_OBJ := $(filter-out $(OLD_GLIBC_OWN:%=$(BUILD)/preload/%.o),$(PRELOAD_OBJ)) $(OLD_GLIBC_OWN:%=$(BUILD)/old_glibc/%.o)
$(BUILD)/old_glibc/libthreadleak.so: $(OLD_GLIBC_OBJ) $(BUILD)/preload/exports.map
	$(say) LD $@
	$(Q)$(CC) -shared -o $@ $(OLD_GLIBC_OBJ) $(PRELOAD_LINK)

$(BUILD)/old_glibc/threadleak: $(BUILD)/threadleak
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(BUILD)/asan/libthreadleak.so: $(BUILD)/libthreadleak.so
	@mkdir -p $(@D)
	$(Q)cp $< $@
