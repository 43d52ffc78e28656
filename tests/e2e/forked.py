#!/usr/bin/env python3
"""The report of a forked child names its parent, the place of the fork, and the threads of the parent that do not exist in it.

  tests/e2e/forked.py [--build DIR] [NAME...]
"""
import json
import os
import re
import sys

import harness
from harness import demand
from tree_bench import Bench


def report_of_child(bench, how, *options):
    """The pid of the parent, and the report of its child."""
    with bench.live("fork_pool", how) as pid:
        child = harness.call(["pgrep", "-P", str(pid)])[1].strip()
        code, out, err = harness.call([bench.cli, "report", *options, child], env=bench.env)
        demand(code == 0, f"{how}: {code} {err}")
        return pid, out


def by_main(bench):
    for how in ("main", "_Fork"):
        pid, out = report_of_child(bench, how)
        wanted = (rf"\nforked from process {pid} by its T1 \(main\) at fork_here\s+\S*fork_pool\.c:\d+\nT2, T3 of process {pid} do not exist here\n")
        demand(re.search(wanted, out) and re.search(r"\nmain   .*the main thread\n", out), f"{how}: {out}")


def by_thread(bench):
    """The main thread of the parent does not exist, either."""
    pid, out = report_of_child(bench, "thread", "--format=json")
    forked = json.loads(out)["processes"][0]["forked_from"]
    demand(forked["pid"] == pid and forked["by"] == 4 and forked["missing"] == [1, 2, 3] and forked["missing_count"] == 3
           and forked["at"]["function"] == "fork_here", forked)


def threads_since_the_fork(bench):
    """Those that the parent creates after the fork are not missing in the child."""
    code, _, report = bench.json(["taskset", "-c", str(min(os.sched_getaffinity(0))), bench.target("fork_then_create")])
    missing = [process["forked_from"]["missing_count"] for process in report["processes"] if "forked_from" in process]
    demand(code == 66 and len(missing) == 40, f"{code} {missing} {bench.err}")
    # The child of the fork with index i lacks at most i threads.
    demand(all(count <= i for i, count in enumerate(sorted(missing))), missing)


def by_a_process_that_has_ended(bench):
    """It is named, and not the one that has adopted the child."""
    output = bench.path("report.json")
    code, out, err = harness.call([bench.cli, "run", "--format=json", "-o", output, bench.target("fork_orphan")], env=bench.env)
    forked = [process["forked_from"] for process in harness.read_json(output)["processes"] if "forked_from" in process]
    demand(code == 66 and int(out) in [fork["pid"] for fork in forked], f"{code} {out} {err} {forked}")


def by_the_system_call(bench):
    """libc keeps the tid of the parent for such a child, whose end is as usual all the same."""
    for by in ("main", "thread"):
        code, printed = bench.run([bench.target("cloned"), by], ["-q"])
        demand(code == 66 and "1 leaked thread at 1 site in 1 of 2 processes" in printed, f"run, {by}: {code} {bench.err}")
        code, _, err = harness.call([bench.target("cloned"), by], env=bench.environment(LD_PRELOAD=bench.shim))
        demand(code == 0 and "leaked: 1 running." in err, f"{by}: {code} {err}")


def locks_of_a_child_of_the_system_call(bench):
    """They have the tid of a thread of the parent as owner. The main thread of the child holds them all the same."""
    for watched in (True, False):
        with bench.live("cloned_holds", watched=watched) as pid:
            child = harness.child_of(pid)
            harness.wait_until(lambda: all(asleep for asleep, *_ in harness.tasks_of(child).values()))
            code, out, err = harness.call([bench.cli, "report", "--format=json", str(child)], env=bench.env)
            process = json.loads(out)["processes"][0]
            demand(code == 0 and not process["verdict"] and f'"owner_tid": {child}' in out, f"{watched}: {code} {err} {out}")


def not_forked(bench):
    """After an exec there is no fork to report."""
    code, _, report = bench.json(["sh", "-c", f"{bench.target('unjoined')}; true"])
    demand(code == 66, code)
    for process in report["processes"]:
        demand("forked_from" not in process, process)


TESTS = [by_main, by_thread, threads_since_the_fork, by_a_process_that_has_ended,
         by_the_system_call, locks_of_a_child_of_the_system_call, not_forked]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
