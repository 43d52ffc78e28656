#!/usr/bin/env python3
"""System calls of a live process end as without a report: each returns what it would have returned, not before its
event, and not later than its timeout, however many reports are made meanwhile.

  tests/e2e/calls.py [--build DIR] [NAME...]
"""
import json
import re
import sys

import harness
import tree_bench
from harness import TIMEOUT_S, demand

REPORTS = 5
REPEATED_REPORTS = 200 if harness.SOAK else 15  # half of them would change a call if running threads were stopped


def start_calls(bench, family):
    process = bench.start([bench.target(family)], piped=True)
    demand(process.stdout.readline() == b"ready\n", "not ready")
    return process


def report(bench, process):
    status, out, err = harness.call([bench.cli, "report", "--format=json", str(process.pid)])
    demand(status == 0, err)
    return json.loads(out)["processes"][0]


def demand_ok(out):
    lines = out.decode().splitlines()
    for line in lines:
        if " skipped: " in line:
            print("skip", line.replace(" skipped", ""))
    wrong = [line for line in lines if not re.fullmatch(r"\w+ (ok|skipped: .*)", line)]
    demand(not wrong and lines, "\n".join(wrong) or "no lines")


def demand_stacks(process_report):
    """Each thread is shown in the function that makes its call, called by libc's thread start."""
    for thread in process_report["untracked"]:
        names = [frame["function"] for frame in thread["stack"]]
        demand(any((name or "").startswith("in_") for name in names) and "perform" in names, f"{thread['waiting'] and thread['waiting']['text']}: {names}")
        demand(names[-1] in ("clone3", "__clone3", "clone", "__clone"), f"{thread['stack_note']}: {names}")


def blocked(bench, family):
    process = start_calls(bench, family)
    for _ in range(REPORTS):
        demand_stacks(report(bench, process))
    out, _ = process.communicate(b"\n", timeout=TIMEOUT_S)
    demand(process.returncode == 0, out.decode())
    demand_ok(out)


def data(bench):
    blocked(bench, "calls_data")


def events(bench):
    blocked(bench, "calls_events")


def queues(bench):
    blocked(bench, "calls_queues")


def locks(bench):
    blocked(bench, "calls_locks")


def timed(bench):
    """A timeout that began anew at each report would never end."""
    process = start_calls(bench, "calls_timed")
    process.stdin.write(b"\n")
    process.stdin.flush()
    while process.poll() is None:
        harness.call([bench.cli, "report", str(process.pid)])
    demand(process.returncode == 0, f"status {process.returncode}")
    demand_ok(process.stdout.read())


def repeated(bench):
    """Threads that run most of the time, in calls that a stop would cut short."""
    process = start_calls(bench, "calls_repeated")
    for _ in range(REPEATED_REPORTS):
        report(bench, process)
    out, _ = process.communicate(timeout=TIMEOUT_S)
    demand(process.returncode == 0, out.decode())
    demand_ok(out)


TESTS = [data, events, queues, locks, timed, repeated]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, tree_bench.Bench))
