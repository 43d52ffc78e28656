#!/bin/sh
# How long it takes to find stuck threads, and how long the process is stopped for it, by size and threads.
#   bench/reach.sh [BUILD]
set -e
build=${1:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -std=gnu11 -D_GNU_SOURCE -O2 -Isrc -Iinclude -I. -o "$work/reach" bench/reach.c "$build/libsrc.a" -ldw -lelf -ljansson -liberty -lm
cc -std=gnu11 -D_GNU_SOURCE -O1 -pthread -o "$work/target" bench/reach_target.c
for size in "10 100" "1024 100" "4096 100" "10 10000"; do
    # shellcheck disable=SC2086
    "$work/target" $size >"$work/ready" &
    until grep -q ready "$work/ready"; do
        kill -0 $! && sleep 0.1
    done
    echo "$size: $("$work/reach" $! x | tail -1)"
    kill -9 $!
done
