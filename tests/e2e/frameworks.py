#!/usr/bin/env python3
"""Waits in threads of frameworks as distributions have them, without the names of what they do not export.

  tests/e2e/frameworks.py [--build DIR] [NAME...]
"""
import json
import os
import subprocess
import sys

import harness
from harness import Skip, demand


def flags_of(package):
    harness.need("pkg-config")
    done = subprocess.run(["pkg-config", "--cflags", "--libs", package], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Skip(f"no {package}")
    return done.stdout.split()


def compiled(bench, source, *flags):
    compiler = os.environ.get("CXX", "c++") if source.endswith(".cpp") else os.environ.get("CC", "cc")
    done = harness.compile_once(compiler, os.path.join(harness.ROOT, "tests", "frameworks", source),
                                bench.path(source.split(".")[0]), "-g", "-fPIC", *flags, "-pthread")
    if b"No such file" in done.stderr or b"cannot find -l" in done.stderr:
        raise Skip(done.stderr.decode().splitlines()[0])
    demand(done.returncode == 0, done.stderr.decode())
    return bench.path(source.split(".")[0])


def judged(bench, program, how, threads):
    """Text and process, when so many threads are where they stay."""
    with harness.live([program, how], bench.environment(LD_PRELOAD=bench.shim)) as pid:
        harness.wait_until_asleep(pid, threads)
        _, text, _ = harness.call([bench.cli, "report", str(pid)])
        status, out, err = harness.call([bench.cli, "report", "--format=json", str(pid)])
    demand(status == 0, err)
    return text, json.loads(out)["processes"][0]


def deadlocks(process):
    return [one for one in process["findings"] if one["code"] == "deadlock"]


def demand_circle(bench, program, lock="mutex lock", joiner="main ("):
    text, process = judged(bench, program, "join", 3)
    demand(text.startswith(f"STUCK: T1 joins T2, which waits for {lock}"), text)
    [found] = deadlocks(process)
    demand(found["level"] == "proved" and found["threads"] == [1, 2], found)
    demand(f"at {joiner}" in found["evidence"][0] and "at want_lock" in found["evidence"][1], found["evidence"])


def several_of_qt(bench):
    program = compiled(bench, "qt_waits.cpp", *flags_of("Qt5Core"))
    text, process = judged(bench, program, "several", 4)
    demand(text.startswith("STUCK: T1 joins T4, which waits for mutex lock, held by T1: deadlock"), text)
    [found] = deadlocks(process)
    demand(found["level"] == "proved" and found["threads"] == [1, 4], found)
    text, process = judged(bench, program, "circle", 4)
    [found] = deadlocks(process)
    demand(found["text"] == "T2 joins T3, which joins T2" and found["level"] == "proved", found)
    demand(process["main"]["waiting"]["on"] == "join" and process["main"]["waiting"]["owner"] == 4, text)
    text, process = judged(bench, program, "two", 3)
    demand(process["main"]["waiting"]["on"] == "join" and process["main"]["waiting"]["owner"] == 2, text)


def qt(bench):
    program = compiled(bench, "qt_waits.cpp", *flags_of("Qt5Core"))
    demand_circle(bench, program)
    for how, threads in ("near", 2), ("two", 3), ("timed", 3), ("done", 2):
        _, process = judged(bench, program, how, threads)
        demand(not deadlocks(process), f"{how}: {process['findings']}")
    text, process = judged(bench, program, "mutex", 3)
    [main] = [thread for thread in [process["main"]] if thread]
    demand(main["waiting"]["on"] == "join" and main["waiting"]["owner"] == 2, text)


def boost(bench):
    program = compiled(bench, "boost_waits.cpp", "-lboost_thread", "-lboost_chrono", "-lboost_system")
    demand_circle(bench, program)
    for how, threads in ("near", 2), ("timed", 3):
        _, process = judged(bench, program, how, threads)
        demand(not deadlocks(process), f"{how}: {process['findings']}")


def glib(bench):
    program = compiled(bench, "glib_waits.c", *flags_of("glib-2.0"))
    demand_circle(bench, program, "recursive mutex 0x", "g_thread_join ")
    for how, threads in ("near", 2), ("queue", 3):
        _, process = judged(bench, program, how, threads)
        demand(not deadlocks(process), f"{how}: {process['findings']}")


TESTS = [qt, several_of_qt, boost, glib]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
