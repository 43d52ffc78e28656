#!/usr/bin/env bash
# Runs each command given, and sums up what they say passed, failed and was
# skipped, on the last line.  A command tells it on its own last such line
# ("3 passed, 0 failed, 1 skipped"), or is a suite of libcheck's.  What failed is
# told once more before that, so that the end of a long log names it.
set -u
passed=0 failed=0 skipped=0
log=$(mktemp) && said=$(mktemp) && trap 'rm -f "$log" "$said"' EXIT

# TSan wants addresses where it expects them; not every sandbox lets one ask.
steady=$(setarch -R true 2>/dev/null && echo "setarch -R")

for command; do
    echo "== $command"
    case $command in */tsan/*) run="$steady $command" ;; *) run=$command ;; esac
    $run 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}

    ours=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" | tail -n 1)
    libcheck=$(grep -E '^[0-9]+%: Checks: ' "$log" | tail -n 1)
    ok=0 bad=0 left=0
    if [ -n "$ours" ]; then
        read -r ok _ bad _ left _ <<<"$ours"
    elif [ -n "$libcheck" ]; then
        read -r all failures errors < <(tr -c '0-9\n' ' ' <<<"${libcheck#*:}")
        bad=$((failures + errors)) ok=$((all - failures - errors))
    fi
    if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
        echo "== $command ended with status $status"
        bad=1
    elif [ "$status" -eq 0 ] && [ $((ok + bad + left)) -eq 0 ]; then
        echo "== $command tested nothing"
        bad=1
    fi
    [ "$bad" -eq 0 ] || {
        echo "== $command: $bad failed"
        # Of libcheck's lines those of failures and errors, of our programs' those that begin so.
        grep -E -A 20 '^[^ ]+:[0-9]+:[FE]:|^FAIL' "$log" || tail -n 20 "$log"
    } >>"$said"
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + left))
done

[ ! -s "$said" ] || { echo && echo "== what failed" && cut -c 1-500 "$said"; }
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
