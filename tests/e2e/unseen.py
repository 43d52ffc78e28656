#!/usr/bin/env python3
"""Joins, detaches and ends that no hook sees: the threads are not called leaks, at an end and in a live process.

  tests/e2e/unseen.py [--build DIR] [NAME...]
"""
import json
import sys

import harness
from harness import demand, threads_of
from tree_bench import Bench

GRACE = "grace_ms=600000"  # it is over when no thread is left
NO_LEAK = ("join_one", "join_four", "join_large", "join_own_stack", "detach_ending", "detach_ended", "raw_exit_detached",
           "raw_exit_joined")


def at_an_end(bench):
    for what in NO_LEAK:
        code, printed = bench.run([bench.target("unseen"), what], ["--grace=600000"])
        demand(code == 0 and not printed, f"{what}: {code} {printed} {bench.err}")
        code, _, err = harness.call([bench.target("unseen"), what], env=bench.environment(LD_PRELOAD=bench.shim, THREADLEAK_OPTIONS=GRACE))
        demand(code == 0 and not err, f"{what} without run: {code} {err}")


def in_a_child(bench):
    """The shim could not load libunwind there, but it knows libc as well as in the first process."""
    for what in NO_LEAK:
        code, _, err = harness.call([bench.target("unseen"), what, "forked"],
                                    env=bench.environment(LD_PRELOAD=bench.shim, THREADLEAK_OPTIONS=GRACE))
        demand(code == 0 and not err, f"{what}: {code} {err}")


def kinds(report):
    return {leak["kind"]: leak["count"] for process in report["processes"] for leak in process["leaks"]}


def raw_exit(bench):
    """The joinable thread has ended and its stack is held; the detached one is gone."""
    code, _, report = bench.json([bench.target("unseen"), "raw_exit"])
    demand(code == 66 and kinds(report) == {"unjoined": 1}, f"{code} {kinds(report)}")
    thread = threads_of(report["processes"][0])[0]
    demand(thread["state"] is None and not thread["stack"], f"it has a state: {thread}")


def detached_alive(bench):
    _, _, report = bench.json([bench.target("unseen"), "detach_alive"], ["--report=all"])
    demand(kinds(report) == {"detached": 1}, kinds(report))


def killed(bench):
    """The shim has no end: only the handles in the ledger show that three of four were joined."""
    process = bench.start([bench.cli, "run", "--judge=signal", "--format=json", "-o", bench.path("report.json"), "--",
                           bench.target("unseen"), "join_four+"], piped=True)
    demand(process.stdout.readline() == b"up\n", "it did not come up")
    process.stdin.close()
    process.wait()
    report = harness.read_json(bench.path("report.json"))
    demand(kinds(report).get("unjoined", 0) <= 1, kinds(report))


def live(bench):
    wanted = {what: {} for what in NO_LEAK} | {"detach_alive": {"detached": 1}, "raw_exit": {"unjoined": 1}}
    for what, found in wanted.items():
        with bench.live("unseen", what + "+") as pid:
            code, out, err = harness.call([bench.cli, "report", "--format=json", str(pid)], env=bench.env)
            demand(code == 0, f"{what}: {code} {err}")
            demand(kinds(json.loads(out)) == found, f"{what}: {kinds(json.loads(out))}, not {found}")


TESTS = [at_an_end, in_a_child, raw_exit, detached_alive, killed, live]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
