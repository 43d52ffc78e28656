#!/usr/bin/env python3
"""The formats that show where all threads are: tree, folded, pprof.

  tests/e2e/formats_stacks.py [--build DIR] [NAME...]
"""
import re
import sys

import harness
from harness import demand


def reported(bench, pid, form, *options):
    status, out, err = harness.call([bench.cli, "report", f"--format={form}", *options, str(pid)], env=bench.env)
    demand(status == 0 and not err, f"{form}: {status} {err}")
    return out


def three_hundred_on_one_screen(bench):
    with bench.live_asleep("three_hundred") as pid:
        text = reported(bench, pid, "tree")
    lines = text.splitlines()
    tree = lines[lines.index("threads, by function   < few of many"):]  # the path of the program is above it
    demand(len(lines) <= 24 and max(map(len, tree)) <= 80, text)
    for pattern in (r'^< T79 "pool-77", 1 of 200, in handle_job: semaphore never', r"^ +200  pool_worker  +",
                    r"^ +199  ├─ wait_for_job  .*three_hundred\.c:\d+$", r"^<   1  └─ handle_job > await  ",
                    r"condvar wait on jobs.*; T2-T78, T80-T201 \"pool-\*\"",
                    r"^ +60  read_pipe  ", r"^ +40  stay  ", r"T202-T261, by start_readers:\d+$", r"T262-T301, detached, by three_hundred.c:\d+$",
                    r"^ +1  main  "):
        demand(re.search(pattern, text, re.M), f"{pattern} is not in\n{text}")


def tree_of_an_unwatched_process(bench):
    with bench.live("three_hundred", watched=False) as pid:
        harness.wait_until_asleep(pid)
        text = reported(bench, pid, "tree")
    demand(re.search(r'^< tid \d+ "pool-77", 1 of 200, in handle_job: ', text, re.M) and "untracked" not in text, text)


def tree_in_ascii(bench):
    with bench.live_asleep("three_hundred") as pid:
        status, out, _ = harness.call([bench.cli, "report", "--format=tree", str(pid)],
                                      env=bench.environment(LC_ALL="C"))
    demand(status == 0 and out.isascii() and "|- wait_for_job" in out and "`- handle_job" in out, out)


def tree_of_a_run(bench):
    """A thread without a current stack is where it was created."""
    status, out, err = harness.call([bench.cli, "run", "--format=tree", "-o", "-", bench.target("unjoined")], env=bench.env)
    demand(status == 66, f"{status} {out} {err}")
    demand("without a current stack, by the place of their creation:" in out and "unjoined, ended" in out, out)
    demand(re.search(r"^\* +\d+  ", out, re.M) and "* leaked" in out, out)


TESTS = [three_hundred_on_one_screen, tree_of_an_unwatched_process, tree_in_ascii, tree_of_a_run]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
