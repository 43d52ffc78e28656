#!/usr/bin/env python3
"""The findings about small programs with the bugs of real ones, tests/kernels/: who is stuck is proved, and nobody else.

  tests/e2e/kernels.py [--build DIR] [KERNEL...]

Prints how many of the stuck threads a finding proves, calls likely, or leaves out.
"""
import collections
import json
import os
import re
import sys

import harness
from harness import ROOT, call, demand

CODES = {"deadlock", "dead-owner", "stuck", "all-asleep"}
LEVELS = ["proved", "likely", "listed"]
LISTED_MOST = 0.1  # of the stuck threads
RECALL = collections.Counter()  # threads by level
MISSED = []


def expected():
    """How many threads of each start routine are stuck, by kernel."""
    with open(os.path.join(ROOT, "tests", "kernels", "expected.txt"), encoding="utf-8") as file:
        rows = re.findall(r"^(\w+): ([^:]+): .+$", file.read(), re.M)
    return {name: collections.Counter({word.partition("*")[0]: int(word.partition("*")[2] or 1) for word in words.split()})
            for name, words in rows}


def living(process):
    """The start routine of each living thread, by its tid."""
    routines = {thread["tid"]: leak["start_routine"]["function"]
                for leak in process["leaks"] if leak["kind"] != "unjoined" for thread in leak["threads"]}
    return {**routines, process["main"]["tid"]: "main"}


def levels(process):
    """The best level of a finding that says that the thread cannot go on, by tid."""
    best = {}
    for finding in process["findings"]:
        if finding["code"] in CODES and finding["level"] in LEVELS:
            for thread in finding["tids"]:
                best[thread] = min(best.get(thread, "listed"), finding["level"], key=LEVELS.index)
    return best


def report(bench, name):
    with bench.live_asleep("kernels", name) as pid:
        status, out, err = call([bench.cli, "report", "--format=json", str(pid)])
        demand(status == 0, err)
        return json.loads(out)["processes"][0]


def judge(name, stuck, process):
    routines, found = living(process), levels(process)
    alive = collections.Counter(routines.values())
    demand(alive | stuck == alive and set(alive) <= set(stuck) | {"main"},
           f"alive are {dict(alive)}, and stuck should be {dict(stuck)}")
    wrong = [f"{routines.get(thread, thread)} {level}" for thread, level in found.items()
             if level != "listed" and routines.get(thread) not in stuck]
    demand(not wrong, f"not stuck: {wrong}\n{json.dumps(process.get('findings'), indent=1)}")
    for thread, routine in routines.items():
        if routine in stuck:
            level = found.get(thread, "listed")
            RECALL[level] += 1
            if level == "listed":
                MISSED.append(f"{name} {routine}")


def one(name, stuck):
    def test(bench):
        judge(name, stuck, report(bench, name))

    test.__name__ = name
    return test


TESTS = [one(name, stuck) for name, stuck in expected().items()]

if __name__ == "__main__":
    STATUS = harness.main(TESTS, harness.Bench)
    print("stuck threads:", ", ".join(f"{RECALL[level]} {level}" for level in LEVELS))
    print("only listed:", ", ".join(sorted(MISSED)) or "none")
    if RECALL["listed"] > LISTED_MOST * sum(RECALL.values()) and not harness.parser().parse_args().names:
        print("FAIL kernels found: too many stuck threads are only listed")
        STATUS = 1
    sys.exit(STATUS)
