#!/usr/bin/env bash
# Who may include whom, and what the shim may need of the system.
#   tests/layering.sh [BUILD]
set -u
cd "$(dirname "$0")/.." || exit 2
build=${1:-build}
passed=0 failed=0 skipped=0

check() { # NAME: what comes on standard input is what is wrong
    local wrong
    wrong=$(cat)
    if [ -z "$wrong" ]; then
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
    echo "FAIL layering: $1"
    sed 's/^/    /' <<<"$wrong"
}

skip() {
    skipped=$((skipped + 1))
    echo "skip layering: $1"
}

# ---- documents -------------------------------------------------------------------
# unnamed LIST DOCUMENT: the lists of .ci/deps.sh that the document lacks
unnamed() {
    sed -n "s/^$1_[a-z]*=\"\(.*\)\"$/\1/p" .ci/deps.sh | while read -r packages; do
        grep -qF -- "| $packages |" "$2" || echo "$2: $packages"
    done
}
check "README.md names the packages of the build, CONTRIBUTING.md those of the tests" < <(
    unnamed build README.md
    unnamed check CONTRIBUTING.md
    unnamed real CONTRIBUTING.md
)

check "CONTRIBUTING.md has a row for each directory of layers.txt" < <(
    awk '/^(src|preload)/ { print $1 }' tests/layers.txt | while read -r directory; do
        grep -qF "| \`$directory\` |" CONTRIBUTING.md || echo "$directory"
    done
)

# ---- includes --------------------------------------------------------------------
check "includes go one way, as tests/layers.txt has it" < <(
    python3 tests/layering.py $([ -d "$build/preload" ] && echo "$build")
)

sources=$(git ls-files 'src/*.[ch]' 'cli/*.[ch]' 'preload/*.[ch]')
check "elfutils' headers are in symbolize and unwind alone" < <(
    grep -lE '#[[:space:]]*include[[:space:]]*<(elfutils|dwarf|libelf|gelf)' $sources |
        grep -vE '^src/(symbolize|unwind)/'
)
check "libunwind's headers are in backtrace and unwind alone" < <(
    grep -lE '#[[:space:]]*include[[:space:]]*<libunwind' $sources |
        grep -vE '^preload/backtrace/(unwinder.h|capture|interrupted)|^src/unwind/'
)
check "src/ neither prints nor exits" < <(
    grep -nE '\b(exit|abort|f?printf|v?printf|puts|perror)[[:space:]]*\(' src/*/*.c src/*/*/*.c |
        grep -vE '^src/report/|^src/leak/generate_rules.c|^src/base/escape.c|^[^:]*:[0-9]*:[[:space:]]*(/?\*|//)'
)

check "what judges neither reads the system nor waits: src/evidence does" < <(
    grep -nE '\b(open|openat|fopen|read|pread|opendir|scandir|stat|access|readlink|kill|nanosleep|usleep|sleep|clock_gettime|now_ns|time|sysconf|getenv|getpid|process_(tasks|exe|argv|parent|exists|maps_file)|ledger_open_[a-z]+|stacks_(take|load))[[:space:]]*\(' \
        src/leak/*.c src/suppress/{match,name,never,parse,builtin}.c |
        grep -vE '^src/leak/baseline.c:.*fopen|^[^:]*:[0-9]*:[[:space:]]*(/?\*|//)'
)

check "make help lists every target" < <(
    diff <(make -s help | sed -n 's/^  \([^ ]\)/\1/p' | sed 's/  .*//; s/, /\n/g' | sort) \
        <(sed -n '/^\.PHONY: help /,/[^\\]$/p' Makefile | tr -d '\\\n' | xargs -n1 | sed '1,2d' | sort)
)

# ---- each header alone -----------------------------------------------------------
for header in src/*/*.h src/*/*/*.h preload/*/*.h cli/*/*.h tests/unit/*.h; do
    # -Wno-unused: a header of inline functions uses none of them.
    check "$header compiles alone" < <(
        ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -DTHREADLEAK_VERSION='""' -I. -Isrc -I"$build/generated" -Itests/unit -Iinclude -Wall -Wextra \
            -Wno-unused -fsyntax-only -x c - 2>&1 <<<"#include \"$PWD/$header\""
    )
done

# ---- the shim ------------------------------------------------------------------------
shim=$build/libthreadleak.so
if [ ! -e "$shim" ]; then
    skip "no $shim"
else
    check "the shim needs libc alone" < <(
        readelf -dW "$shim" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -vE '^(libc\.so\.6|ld-linux.*)$'
    )
    check "the shim has no text relocations" < <(
        readelf -dW "$shim" | grep -E 'TEXTREL'
    )
    # A look-up costs each program 0.1 µs at its start, and read-only relocations some 7 µs.
    check "the loader looks up few symbols for the shim when a program starts" < <(
        readelf -rW "$shim" | grep -c GLOB_DAT | awk '$1 > 30 { print $1 " symbols; PRELOAD_LAZY in mk/shim.mk" }'
        readelf -lW "$shim" | grep GNU_RELRO
    )
    check "the shim is never unloaded" < <(
        readelf -dW "$shim" | grep -q NODELETE || echo "no NODELETE flag"
    )

    check "the shim uses what tests/data/shim_symbols.txt allows" < <(
        nm -D -u "$shim" | awk '{ sub(/@.*/, "", $NF); print $NF }' | sort -u |
            grep -vxF -f <(grep -vE '^(#|$)' tests/data/shim_symbols.txt)
    )
    check "the allow-list has no allocation, stdio, lock or abort in it" < <(
        grep -xE '(m|c|re|aligned_)alloc|free|strdup|abort|_?_?exit|.*printf(_chk)?|f?puts|f(open|write|flush)|std(in|out|err)|mutex_.*|pthread_mutex_.*' \
            tests/data/shim_symbols.txt
    )

    version=
    case $(${CC:-cc} -dumpmachine) in x86_64*) version=@@GLIBC_2.3.2 ;; esac
    hooks=$(${CC:-cc} -E -P -x c '-DHOOK(type, name, params)=name' "-DCOND_HOOK(type, name, params)=name VERSION" \
        '-DMUSL_HOOK(type, name, params)=' \
        preload/shim/hooks.def | sed "s/ VERSION/$version/" | grep . | sort)
    exported=$(nm -D --defined-only "$shim" | awk '$2 != "A" { print $NF }' | sort)
    check "the shim exports the rows of hooks.def, and the table of api.c, those of COND_HOOK alone with a version" < <(
        rows=$(printf '%s\n' "$hooks" threadleak_abi_1 | sort)
        comm -23 <(echo "$rows") <(echo "$exported") | sed 's|.*|no function for & in preload/hooks|'
        comm -13 <(echo "$rows") <(echo "$exported") | sed 's|.*|& is exported, and preload/shim/hooks.def has no row for it|'
    )
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
