# threadleak: build, test, install.   make help · make deps demo · make deps-check check · make V=1
PREFIX ?= /usr/local
DESTDIR ?=
VERSION := 0.2.0
# Only the command line chooses it: an environment may have a BUILD of its own, which `make clean` must not remove.
BUILD := build

CC ?= cc
CXX ?= c++
STRIP ?= strip
# CPPFLAGS, CFLAGS and LDFLAGS reach the program and the suites; the shim takes some of them, see mk/shim.mk.
CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
BASE := -std=gnu11 -D_GNU_SOURCE -I. -Isrc -I$(BUILD)/generated -DTHREADLEAK_VERSION='"$(VERSION)"' -DPAGE_FILE='"$(BUILD)/page.html"' -MMD -MP
# The same bytes from each directory.
MAP := '-ffile-prefix-map=$(CURDIR)=.'
ASAN := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
TSAN := -O1 -fsanitize=thread

Q := $(if $(V),,@)
# One short line for each file that is built, unless V=1 shows the commands.
say = $(if $(V),@:,@printf '  %-7s %s\n')
# make before 4.4 knows -j here only from the environment; its own command line replaces what is set here.
ifeq ($(filter -j%,$(MAKEFLAGS))$(shell for word in $$MAKEFLAGS; do case $$word in \
	(--) break ;; (-j* | --job*) echo $$word ;; (-* | *=*) ;; (*j*) echo $$word ;; esac; done),)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif
# `make deps demo` compiles nothing before the packages are there.
FIRST := $(filter deps deps-check deps-soak,$(MAKECMDGOALS))

all: $(BUILD)/libthreadleak.so $(BUILD)/threadleak

# What a file uses in a target or a prerequisite is set by one before it.
include mk/shim.mk mk/code.mk mk/targets.mk mk/tests.mk mk/fuzz.mk mk/bench.mk mk/man.mk mk/install.mk mk/release.mk

deps:
	$(Q).ci/deps.sh build

deps-check:
	$(Q).ci/deps.sh check

deps-soak:
	$(Q).ci/deps.sh soak

clean:
	rm -rf $(BUILD)

define HELP
Build
  all            the shim and the program, in BUILD (build); the default
  install        into PREFIX (/usr/local), LIBDIR, INCLUDEDIR and MANDIR, below DESTDIR;
                 SHIMDIR=LIBDIR/threadleak keeps libthreadleak.so apart
  man            builds the man pages
  release-tarball  an archive for each x86-64 machine with glibc 2.17 or newer
  dist           an archive of the sources
  uninstall      removes what install wrote
  clean          removes BUILD
  demo           runs a leaky program under the shim
Packages
  deps           installs what the build needs
  deps-check     installs what the tests need, too
  deps-soak      installs the language runtimes and the browser of soak, too
Test
  check          builds and runs every test; J=N suites run at once (2)
  check-quick    a part of it for packagers: no root, no network, two minutes
  soak           check with every repetition, also without sanitizers, other people's suites,
                 other systems, each fuzzer, an hour of faults: about three hours;
                 FAULT_SECONDS=60 and FUZZ_SECONDS=10 shorten it. BUILD/soak.log has its output
  asan, tsan     the unit suites under AddressSanitizer and UBSan; under ThreadSanitizer
  fuzz           runs each fuzzer for FUZZ_SECONDS (60)
  lint           clang-format, clang-tidy, cppcheck
  targets        builds the programs that the tests watch
Measure
  bench          what the shim and a report cost; QUICK=1 is faster and less exact;
                 BENCH_ONLY="start size" measures only these sections
  bench-check    counts their instructions; fails above what bench/instructions.json has
  bench-update   stores these counts there
V=1 shows the commands.  CONTRIBUTING.md says how to run one test.
endef
export HELP
help:
	@echo "$$HELP"

.PHONY: help all targets check check-quick soak asan tsan fuzz lint demo bench bench-check bench-update man release-tarball dist install uninstall deps \
	deps-check deps-soak clean
.SECONDARY:
-include $(shell find $(BUILD) -type f -name '*.d' 2>/dev/null)
