#!/usr/bin/env python3
"""The findings about processes in random states: no thread that could still be woken is reported as stuck.

  SEED=N tests/e2e/generated_states.py [--build DIR] [NAME...]

It prints the seed (1; at random with SOAK=1), how many of the stuck threads were found, and how many others were accused.
SOAK=1: 10,000 states.
"""
import collections
import json
import os
import sys

import harness
from harness import call, demand
from kernels import LEVELS, levels

CELLS = 25  # states in one process
PROCESSES = 400 if harness.SOAK else 8
SEED = int(os.environ.get("SEED") or (int.from_bytes(os.urandom(4), "little") if harness.SOAK else 1))
FOUND = collections.Counter()  # (what is true, level): threads
ACCUSED = []  # texts of findings about threads that are live


def name_of_threads(process):
    """What is true of each living thread: its name says it."""
    return {thread["tid"]: thread["name"] for leak in process["leaks"] if leak["kind"] != "unjoined"
            for thread in leak["threads"] if thread["name"] in ("stuck", "live")}


def state(bench, seed):
    with bench.live("random_state", str(seed), str(CELLS)) as pid:
        status, out, err = call([bench.cli, "report", "--format=json", str(pid)])
        demand(status == 0, err)
    process = json.loads(out)["processes"][0]
    truth, found = name_of_threads(process), levels(process)
    demand("stuck" in truth.values(), out)
    FOUND.update((name, found.get(thread, "listed")) for thread, name in truth.items())
    ACCUSED.extend(f"random_state {seed} {CELLS}: {finding['level']}: {finding['code']}: {finding['text']}"
                   for finding in process["findings"] if any(truth.get(tid) == "live" and tid in found for tid in finding["tids"]))
    wrong = [thread for thread, level in found.items() if level == "proved" and truth.get(thread) != "stuck"]
    demand(not wrong, f"{wrong} can still be woken: random_state {seed} {CELLS}\n{json.dumps(process['findings'], indent=1)}")


def one(seed):
    def test(bench):
        state(bench, seed)

    test.__name__ = f"seed_{seed}"
    return test


TESTS = [one(SEED + number) for number in range(PROCESSES)]

if __name__ == "__main__":
    STATUS = harness.main(TESTS, harness.Bench)
    print(f"SEED={SEED}, {CELLS * PROCESSES} states")
    for truth in "stuck", "live":
        print(f"threads that are {truth}:", ", ".join(f"{FOUND[truth, level]} {level}" for level in LEVELS))
    print("\n".join(ACCUSED))
    sys.exit(STATUS)
