#!/usr/bin/env bash
# Measures the cost of the shim: each program runs with and without it, by turns, so
# that a slow moment of the machine affects both.
#   bench/bench.sh BUILD [QUICK]       or: make bench [QUICK=1]
set -eu
cd "$(dirname "$0")/.."
build=$PWD/${1:-build}
bench=$build/bench/bench
shim=$build/libthreadleak.so
if [ -n "${2:-}" ]; then
    rounds=7 pairs=3000 million=50000 starts=50
else
    rounds=31 pairs=8000 million=1000000 starts=100
fi

options=grace_ms=0
with() { LD_PRELOAD=$shim THREADLEAK_OPTIONS=$options "$@"; }
without() { env -u LD_PRELOAD "$@"; }

bare=$(mktemp) watched=$(mktemp)
trap 'rm -f "$bare" "$watched"' EXIT

# median FILE: prints the median, and half the distance between the quartiles
median() {
    sort -g "$1" | awk '
        { value[NR] = $1 }
        function at(part,   place, low, high) {
            place = 1 + (NR - 1) * part
            low = int(place)
            high = low < NR ? low + 1 : low
            return value[low] + (place - low) * (value[high] - value[low])
        }
        END { printf "%.4f %.4f\n", at(0.5), (at(0.75) - at(0.25)) / 2 }'
}

# row NAME UNIT SCALE: prints one line of the table from the two files.  Ratio and
# difference are medians over pairs of runs that followed each other.
row() {
    local a as b bs ratio ratio_spread added added_spread
    read -r a as < <(median "$bare")
    read -r b bs < <(median "$watched")
    read -r ratio ratio_spread < <(median <(paste "$bare" "$watched" | awk '$1 > 0 { print $2 / $1 }'))
    read -r added added_spread < <(median <(paste "$bare" "$watched" | awk '{ print $2 - $1 }'))
    awk -v name="$1" -v unit="$2" -v scale="$3" -v a="$a" -v as="$as" -v b="$b" -v bs="$bs" -v r="$ratio" \
        -v rs="$ratio_spread" -v d="$added" -v ds="$added_spread" 'BEGIN {
            printf "%-42s %8.2f ±%-5.2f %8.2f ±%-5.2f %6.3f ±%.3f %+8.2f ±%-5.2f %s\n", name,
                a / scale, as / scale, b / scale, bs / scale, r, rs, d / scale, ds / scale, unit
        }'
}

# by_turns COMMAND...: runs it `rounds` times each way; the first pair is not counted
by_turns() {
    : >"$bare"
    : >"$watched"
    without "$@" >/dev/null
    with "$@" >/dev/null
    for ((round = 0; round < rounds; round++)); do
        if ((round % 2)); then
            with "$@" >>"$watched"
            without "$@" >>"$bare"
        else
            without "$@" >>"$bare"
            with "$@" >>"$watched"
        fi
    done
}

# Prints the ns for one start and exit, the mean of many.
start_and_exit() {
    local begin end
    begin=$(date +%s%N)
    for ((i = 0; i < starts; i++)); do
        "$bench" nothing
    done
    end=$(date +%s%N)
    echo $(((end - begin) / starts))
}

echo "threadleak bench: $(nproc) CPUs, $(uname -sr), $rounds rounds by turns; median ± half the distance of the quartiles"
printf '%-42s %15s %15s %13s %15s\n' '' bare 'with shim' ratio added

for others in 0 10000; do
    for creators in 1 8; do
        for depth in 3 10 30; do
            if ! without "$bench" pairs 3 1 "$others" 1 >/dev/null 2>&1; then
                echo "create + join with $others threads asleep: not measured, this system allows fewer threads"
                continue 3
            fi
            by_turns "$bench" pairs "$depth" "$creators" "$others" "$pairs"
            row "create + join, depth $depth, by $creators, $others asleep" µs 1000
        done
    done
done

: >"$bare"
: >"$watched"
for ((round = 0; round < rounds; round++)); do
    start_and_exit >>"$bare"
    (
        export LD_PRELOAD=$shim
        start_and_exit
    ) >>"$watched"
done
row "start + exit, no thread" ms 1000000

by_turns "$bench" notify "$million"
row "notification without waiters" ns 1
options=grace_ms=0:wakes=1
by_turns "$bench" notify "$million"
row "the same with wakes=1" ns 1
options=grace_ms=0

# Peak resident memory of a program that creates no thread.
peak_kib() {
    awk '/^Rss:/ { sum += $2 } END { print sum }'
}
: >"$bare"
: >"$watched"
for ((round = 0; round < rounds; round++)); do
    without cat /proc/self/smaps | peak_kib >>"$bare"
    with cat /proc/self/smaps | peak_kib >>"$watched"
done
row "resident, no thread" KiB 1

count=10000
without "$bench" memory "$count" >/dev/null 2>&1 || count=1000
without "$bench" memory "$count" | cut -d' ' -f1 >"$bare"
with "$bench" memory "$count" >"$watched.both"
cut -d' ' -f1 "$watched.both" >"$watched"
row "resident for each of $count live threads" KiB 1
echo "ledger bytes touched for each of $count live threads: $(cut -d' ' -f2 "$watched.both")"
rm -f "$watched.both"

read -r first last < <(with "$bench" flat "$million")
echo "resident after 10,000 pairs: $first KiB, after $million: $last KiB"
