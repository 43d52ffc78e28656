#!/usr/bin/env python3
"""Which thread crashed, from a core file.

  tests/e2e/crashed.py [--build DIR] [NAME...]
"""
import json
import sys

import harness
from harness import call, demand


def core_of(bench, watched, *args):
    """As the kernel writes it when the signal ends the program."""
    gdb = harness.need("gdb")
    core = bench.path("core")
    start = [f"-ex=set environment LD_PRELOAD={bench.shim}"] if watched else []
    status, out, err = call([gdb, "-q", "-batch", "-nx", "-ex=set startup-with-shell off", *start, "-ex=run", f"-ex=gcore {core}", "-ex=kill",
                             "--args", bench.target("crash"), *args], env=bench.env)
    demand(status == 0 and "SIGSEGV" in out, f"{status} {out} {err}")
    return core


def of_each_thread(bench):
    """It is in the head of the report, and before the others."""
    for watched, args, name in (True, [], "T4"), (True, ["main"], "T1 (main)"), (False, [], "tid "):
        core = core_of(bench, watched, *args)
        status, out, err = call([bench.cli, "report", core], env=bench.env)
        demand(status == 0, err)
        demand(f"\n{name}" in out and " got SIGSEGV at fault " in out, out)
        head, _, threads = out.partition(" got SIGSEGV at ")
        demand(head.count("\n\n") == 0 and threads.index("> fault") < threads.index("> stay"), out)


def in_json(bench):
    status, out, err = call([bench.cli, "report", "--format=json", core_of(bench, True)], env=bench.env)
    demand(status == 0, err)
    process = json.loads(out)["processes"][0]
    crash = process["crash"]
    tids = {thread["id"]: thread["tid"] for group in process["leaks"] for thread in group["threads"]}
    demand((crash["signal"], crash["thread"], crash["at"]["function"]) == ("SIGSEGV", 4, "fault"), crash)
    demand(crash["tid"] == tids[4], process)


TESTS = [of_each_thread, in_json]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
