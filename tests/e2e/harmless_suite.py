#!/usr/bin/env python3
"""A watched program sees the documented behaviour of threads and processes: tests/harmless/ prints the same lines.

  tests/e2e/harmless_suite.py [--build DIR] [NAME...]

SOAK=1 repeats it in eleven orders that --shake makes.
"""
import difflib
import functools
import os
import re
import sys
import threading

import harness
from harness import SOAK, demand

LOCK = threading.Lock()
LINES_LEAST = 500


def lines_of(argv, env):
    """What it prints, and its status; without what `threadleak run` prints at its end."""
    status, out, err = harness.call(argv, env=env)
    err = re.sub(r"^threadleak: .*\n\n?", "", err, flags=re.M)
    return [*out.splitlines(), f"standard error: {err}", f"status {status}"]


@functools.cache
def bare_lines(target, environment):
    """Those of the program that nobody watches. A kernel or libc that does something else is not ours to judge."""
    lines = lines_of([target], dict(environment))
    wrong = [line for line in lines if ", not " in line]
    demand(len(lines) > LINES_LEAST and len(wrong) < len(lines) / 20, f"unwatched, {len(lines)} lines: {wrong}")
    for line in wrong:
        print(f"skip: unwatched, too: {line}")
    return lines


def demand_same(bench, argv, env, name):
    target = bench.target("harmless")
    with LOCK:
        bare = bare_lines(target, tuple(sorted(bench.env.items())))
    lines = lines_of([*argv, target], env)
    demand(lines == bare, f"{name}:\n" + "\n".join(difflib.unified_diff(bare, lines, "unwatched", "watched", lineterm="", n=8)))


def demand_shim(bench, options="", shim=None):
    """Reports go elsewhere, and the program's standard error is compared as well."""
    env = bench.environment(LD_PRELOAD=shim or bench.shim,
                            THREADLEAK_OPTIONS=f"grace_ms=1:stacks=0:log_path={bench.path('log')}:{options}")
    demand_same(bench, [], env, options or "shim")


def demand_run(bench, *options):
    argv = [bench.cli, "run", "--grace=1", "--no-stop", "--error-exitcode=0", "-o", bench.path("report"), *options, "--"]
    demand_same(bench, argv, bench.env, " ".join(argv))


def shim(bench):
    demand_shim(bench)


def old_glibc(bench):
    demand_shim(bench, shim=os.path.join(bench.build, "old_glibc", "libthreadleak.so"))


def without_reporter(bench):
    demand_shim(bench, shim=harness.copy(bench.shim, bench.tmp))


def wakes(bench):
    demand_shim(bench, "wakes=1")


def everything_judged(bench):
    demand_shim(bench, "judge=all:report=all:stacks=1")


def not_followed(bench):
    demand_shim(bench, "follow=0")


def run(bench):
    demand_run(bench)


def run_shaken(bench):
    for seed in range(7, 18 if SOAK else 8):
        demand_run(bench, "--wakes", f"--shake={seed}")


TESTS = [shim, old_glibc, without_reporter, wakes, everything_judged, not_followed, run, run_shaken]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
