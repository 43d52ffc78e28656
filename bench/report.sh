#!/usr/bin/env bash
# Measures how long a report of all current stacks takes: threadleak report PID, eu-stack
# and gdb, on the same processes, by turns.  A thread of the process that only reads the
# clock measures how long the process was stopped.
#   bench/report.sh BUILD [QUICK]       or: make bench-report [QUICK=1]
# THREADLEAK_REPORT: a command to measure in place of "BUILD/threadleak report".
set -eu
cd "$(dirname "$0")/.."
build=$PWD/${1:-build}
if [ -n "${2:-}" ]; then
    counts="1000" rounds=3
else
    counts="1000 10000" rounds=5
fi
read -r -a ours <<<"${THREADLEAK_REPORT:-$build/threadleak report}"
seconds_bound=1 stopped_bound=250 # at 10,000 threads: s, ms

work=$(mktemp -d)
target=
trap '[ -z "$target" ] || kill "$target" || true; rm -rf "$work"' EXIT

start_target() {
    local line
    rm -f "$work/in" "$work/out"
    mkfifo "$work/in" "$work/out"
    "$build/bench/report_target" "$1" <"$work/in" >"$work/out" &
    target=$!
    exec {in}>"$work/in" {out}<"$work/out"
    read -r line <&"$out" && [ "$line" = ready ]
}

end_target() {
    exec {in}>&-
    wait "$target" || true
    target=
    exec {out}<&-
}

# longest_gap: prints the longest gap since the last call, in ms
longest_gap() {
    local ns
    echo >&"$in"
    read -r ns <&"$out"
    awk -v ns="$ns" 'BEGIN { printf "%.1f\n", ns / 1e6 }'
}

# measure NAME COMMAND...: runs it once and appends "SECONDS MS" to $work/NAME
measure() {
    local name=$1 begin end status=0
    shift
    longest_gap >"$work/ignored"
    begin=$(date +%s%N)
    timeout 300 "$@" >"$work/output" 2>"$work/errors" || status=$?
    end=$(date +%s%N)
    # A command without output has failed, too.
    if [ "$status" -ne 0 ] || [ ! -s "$work/output" ]; then
        echo "$*: status $status: $(head -n 1 "$work/errors")" >&2
        return
    fi
    echo "$(awk -v ns=$((end - begin)) 'BEGIN { printf "%.3f", ns / 1e9 }') $(longest_gap)" >>"$work/$name"
}

# median FILE COLUMN
median() {
    [ -s "$1" ] || return 0
    awk -v column="$2" '{ print $column }' "$1" | sort -g | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'
}

# row NAME LABEL
row() {
    local s ms
    s=$(median "$work/$1" 1) ms=$(median "$work/$1" 2)
    if [ -z "$s" ]; then
        printf '  %-22s %10s\n' "$2" "no result"
        return
    fi
    awk -v label="$2" -v s="$s" -v ms="$ms" -v os="$(median "$work/ours" 1)" -v oms="$(median "$work/ours" 2)" 'BEGIN {
        printf "  %-22s %8.3f s %9.1f ms", label, s, ms
        if (os > 0 && oms > 0)
            printf " %8.1fx %8.2fx", s / os, ms / oms
        print ""
    }'
}

# bound COUNT: compares with the bounds, which are those for 10,000 threads
bound() {
    local s ms
    s=$(median "$work/ours" 1) ms=$(median "$work/ours" 2)
    [ -n "$s" ] || return 1
    awk -v n="$1" -v s="$s" -v ms="$ms" -v sb=$seconds_bound -v msb=$stopped_bound 'BEGIN {
        printf "  bounds at %d threads: %.3f s of %s s %s, stopped %.1f ms of %s ms %s\n", n,
            s, sb, s <= sb ? "PASS" : "over", ms, msb, ms <= msb ? "PASS" : "over"
        exit !(s <= sb && ms <= msb)
    }'
}

echo "threadleak bench-report: $(nproc) CPUs, $(uname -sr), medians of $rounds rounds by turns (gdb: of 1)"
verdict=0
for count in $counts; do
    rm -f "$work/ours" "$work/eu_stack" "$work/gdb"
    if ! start_target "$count"; then
        echo "$count threads: not measured, this system allows fewer"
        continue
    fi
    for ((round = 0; round < rounds; round++)); do
        measure ours "${ours[@]}" "$target"
        if command -v eu-stack >/dev/null && { [ "$count" -le 1000 ] || [ "$round" -eq 0 ]; }; then
            measure eu_stack eu-stack -p "$target"
        fi
    done
    if command -v gdb >/dev/null; then
        measure gdb gdb -nx -batch -ex 'thread apply all bt' -p "$target"
    fi
    printf '%s threads at 16 sites\n  %-22s %10s %12s %9s %9s\n' "$count" '' total stopped ratio ratio
    row ours "${THREADLEAK_REPORT:+$(basename "${ours[0]}") }report PID"
    row eu_stack "eu-stack -p (*)"
    row gdb "gdb thread apply all"
    bound "$count" || verdict=1
    end_target
done
echo "(*) stops one thread after the other: its stacks are not of one moment"
exit $verdict
