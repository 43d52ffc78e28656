#!/usr/bin/env bash
# What `threadleak report` prints about what it cannot report: one line that names the
# thing, status 2, nothing on standard output and no half-written file.
#   tests/e2e/cli_report.sh [BUILD [TARGETS]]
set -u
cd "$(dirname "$0")/../.." || exit 2
build=$(realpath "${1:-build}")
targets=$(realpath "${2:-$build/targets}")
threadleak=$build/threadleak
passed=0 failed=0 skipped=0
unset THREADLEAK_OPTIONS LD_PRELOAD
export LC_ALL=C.UTF-8

tmp=$(mktemp -d) && trap 'kill $others 2>/dev/null; rm -rf "$tmp"' EXIT
others=
chmod 755 "$tmp"

fail() { # NAME WHAT
    failed=$((failed + 1))
    echo "FAIL cli_report: $1: $2"
    sed 's/^/    /' "$tmp/err"
}

skip() {
    skipped=$((skipped + 1))
    echo "skip cli_report: $1"
}

# refused NAME WANTED ARGUMENT...: WANTED is in the one line that is said.
# Run by $as, where that is set.
as=
refused() {
    local name=$1 wanted=$2 before status
    shift 2
    before=$(ls -A "$tmp/out")
    $as "$threadleak" report "$@" >"$tmp/stdout" 2>"$tmp/err" </dev/null
    status=$?
    if [ "$status" -ne 2 ]; then
        fail "$name" "status $status"
    elif [ "$(wc -l <"$tmp/err")" -ne 1 ]; then
        fail "$name" "$(wc -l <"$tmp/err") lines"
    elif ! grep -qF "threadleak: report: " "$tmp/err" || ! grep -qF -- "$wanted" "$tmp/err"; then
        fail "$name" "'$wanted' is not in what it says"
    elif [ -s "$tmp/stdout" ]; then
        fail "$name" "something on standard output"
    elif [ "$(ls -A "$tmp/out")" != "$before" ]; then
        fail "$name" "left $(ls -A "$tmp/out")"
    else
        passed=$((passed + 1))
    fi
}

# patched FILE OFFSET BYTES: a copy of the good ledger with other bytes in it
patched() {
    cp --sparse=always "$good" "$tmp/$1"
    printf "$3" | dd of="$tmp/$1" bs=1 seek="$2" conv=notrunc status=none
}

# ---- something good, to be damaged -----------------------------------------------------
mkdir "$tmp/run" "$tmp/out" "$tmp/empty" "$tmp/damaged"
LD_PRELOAD=$build/libthreadleak.so THREADLEAK_RUN_DIR=$tmp/run "$targets/kinds" 2>/dev/null
good=$(echo "$tmp"/run/ledger.*)
if ! "$threadleak" report -o "$tmp/good" "$good" 2>"$tmp/err" || ! grep -q '^leaked: ' "$tmp/good"; then
    fail "a good ledger" "is not reported"
    echo "$passed passed, $failed failed, $skipped skipped"
    exit 1
fi
out=$tmp/out/report

# ---- processes ---------------------------------------------------------------------------
(exit 0) &
gone=$!
wait "$gone"
refused "a process that is gone" "no process $gone" -o "$out" "$gone"
refused "no process of such a number" "no process 99999999999" -o "$out" 99999999999
refused "a negative number" "'-7'" -7

sleep 1000 &
others=$!
# The other reasons for its sleep are before its exec.
until grep -q ' (sleep) S ' "/proc/$others/stat"; do sleep 0.01; done
"$threadleak" report "$others" >"$tmp/stdout" 2>"$tmp/err" || fail "a process that is not watched" "status $?"
for word in "not watched, so thread creators are unknown" "now in sleep"; do
    if grep -qF "$word" "$tmp/stdout"; then
        passed=$((passed + 1))
    else
        fail "a process that is not watched" "no '$word'"
    fi
done

# Without stopping it, its threads are listed nevertheless; and no leak of it is known.
mkfifo "$tmp/hold"
"$targets/wait_for_end" <"$tmp/hold" >"$tmp/said" &
watched=$!
exec 8>"$tmp/hold"
until grep -q . "$tmp/said"; do sleep 0.01; done
"$threadleak" report --no-stop "$watched" >"$tmp/stdout" 2>"$tmp/err"
if grep -qx 'thread ×1' "$tmp/stdout" && grep -q '"worker" tid' "$tmp/stdout" && grep -q '^main  ' "$tmp/stdout"; then
    passed=$((passed + 1))
else
    fail "--no-stop of a process that is not watched" "$(cat "$tmp/stdout")"
fi
"$threadleak" report --check "$watched" >"$tmp/stdout" 2>"$tmp/err"
status=$?
if [ "$status" -eq 2 ] && grep -q "process $watched is not watched" "$tmp/err" && grep -q '^main' "$tmp/stdout"; then
    passed=$((passed + 1))
else
    fail "--check of a process that is not watched" "status $status"
fi
if "$threadleak" report --format=json "$watched" 2>"$tmp/err" | grep -q '"processes": 1,'; then
    passed=$((passed + 1))
else
    fail "a process that is not watched" "is not counted in JSON"
fi
exec 8>&-

if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
    as="setpriv --reuid=65534 --regid=65534 --clear-groups --"
    refused "another user's process" "process $others: no permission" "$others"
    install -m 600 "$good" "$tmp/private"
    refused "a ledger that may not be read" "$tmp/private: Permission denied" "$tmp/private"
    chmod 700 "$tmp/empty"
    refused "a directory that may not be read" "$tmp/empty: Permission denied" "$tmp/empty"
    as=
else
    skip "another user's process: not root, or no setpriv"
fi

# ---- ledgers ---------------------------------------------------------------------------------
patched foreign 8 '\1\2\3\4'
patched newer 12 '\377\0\0\0'
patched hostile 16 '\377\377\377\377\377\377\377\377'
patched huge 24 '\377\377\377\377\377\377\377\177'
patched outside 32 '\370\377\377\377\377\377\377\377' # offset of the first section
head -c 100 "$good" >"$tmp/cut"
head -c 8192 "$good" >"$tmp/short"
: >"$tmp/nothing"
echo "no ledger" >"$tmp/text"
for wrong in "foreign|the other byte order" "newer|ledger version 255" "hostile|is damaged" "huge|is truncated" \
    "outside|is damaged" "cut|is truncated: 100 bytes" "short|is truncated: 8192 bytes" \
    "nothing|is neither a core file, nor a ledger, nor the directory of a run" "text|is neither a core file, nor a ledger, nor the directory of a run" "missing|No such file"; do
    refused "ledger: ${wrong%%|*}" "$tmp/${wrong%%|*}" -o "$out" "$tmp/${wrong%%|*}"
    grep -qF "${wrong#*|}" "$tmp/err" || fail "ledger: ${wrong%%|*}" "'${wrong#*|}' is not said"
done
refused "a name with control characters" "missing?[31m?" "$tmp/missing"$'\033[31m\n'

# ---- directories -------------------------------------------------------------------------------------
refused "an empty run directory" "$tmp/empty: no ledger" -o "$out" "$tmp/empty"
cp "$tmp/text" "$tmp/damaged/ledger.1.0"
refused "a directory of one damaged ledger" "$tmp/damaged/ledger.1.0" -o "$out" "$tmp/damaged"

cp --sparse=always "$good" "$tmp/damaged/ledger.2.0"
cp "$tmp/text" "$tmp/damaged/ledger.3.0"
"$threadleak" report "$tmp/damaged" >"$tmp/stdout" 2>"$tmp/err"
status=$?
if [ "$status" -ne 0 ] || ! grep -q '^leaked: ' "$tmp/stdout"; then
    fail "a directory of good and bad" "status $status"
elif [ "$(grep -c 'ledger\.[13]\.0 is neither a core file, nor a ledger, nor the directory of a run' "$tmp/err")" -ne 2 ] || [ "$(wc -l <"$tmp/err")" -ne 2 ]; then
    fail "a directory of good and bad" "not a line for each bad one"
else
    passed=$((passed + 1))
fi

# ---- options ---------------------------------------------------------------------------------------
printf 'thread:ok\nnonsense\n' >"$tmp/bad.supp"
refused "no target" "give a PID, a name or a file"
refused "two targets" "one PID, name or file, not 2" "$good" "$good"
refused "an unknown option" "'--nosuch'" --nosuch "$good"
refused "an unknown letter" "'-z'" -z "$good"
refused "a misspelled option" "'--chekc' (did you mean --check)" --chekc "$good"
refused "an unknown format" "--format=yaml: unknown format; use text, json" --format=yaml -o "$out" "$good"
refused "an unknown kind" "--report=sleeping" --report=sleeping "$good"
refused "a missing value" "--format needs a value" "$good" --format
refused "a missing suppression file" "$tmp/no.supp: cannot be read" --suppressions="$tmp/no.supp" -o "$out" "$good"
refused "a directory for suppressions" "$tmp/empty: cannot be read" --suppressions="$tmp/empty" -o "$out" "$good"
refused "a bad rule" "$tmp/bad.supp:2:1: a rule begins with its type" --suppressions="$tmp/bad.supp" -o "$out" "$good"

# ---- where it goes -----------------------------------------------------------------------------------
refused "a missing directory" "$tmp/out/no/report: cannot be written" -o "$tmp/out/no/report" "$good"
refused "a directory as file" "$tmp/empty: cannot be written" -o "$tmp/empty" "$good"
refused "an empty name" "is not the name of a file" -o "" "$good"
"$threadleak" report "$good" >/dev/full 2>"$tmp/err"
status=$?
if [ "$status" -eq 2 ] && [ "$(wc -l <"$tmp/err")" -eq 1 ]; then
    passed=$((passed + 1))
else
    fail "a full disk behind standard output" "status $status, not one line"
fi
for format in text json; do
    refused "a full disk, $format" "/dev/full could not be written: No space left" --format=$format -o /dev/full "$good"
done

echo "before" >"$out"
refused "a report that fails" "$tmp/missing" -o "$out" "$tmp/missing"
if [ "$(cat "$out")" = before ]; then passed=$((passed + 1)); else fail "a report that fails" "touched the old one"; fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
