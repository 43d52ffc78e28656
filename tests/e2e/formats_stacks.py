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


# ---- folded -------------------------------------------------------------------------------------------

def folded_lines(text):
    """As flamegraph.pl reads them: a second number would be a differential profile."""
    stacks = {}
    for line in text.splitlines():
        match = re.fullmatch(r"(.*)\s+?(\d+(?:\.\d*)?)", line)
        demand(match and not re.search(r"\s\d+(\.\d*)?$", match[1]) and not line.startswith("#"), line)
        demand(match[1] not in stacks, f"twice: {line}")
        stacks[match[1]] = int(match[2])
    return stacks


def folded_of_a_live_process(bench):
    with bench.live_asleep("three_hundred") as pid:
        stacks = folded_lines(reported(bench, pid, "folded"))
        created = folded_lines(reported(bench, pid, "folded", "--stacks=creation"))
    demand(sum(stacks.values()) == 301 and stacks["three_hundred;pool_worker;wait_for_job;[condvar jobs]"] == 199 and
           stacks["three_hundred;pool_worker;handle_job;await;[semaphore never]"] == 1 and
           stacks["three_hundred;read_pipe;[pipe]"] == 60, stacks)
    demand(created == {"three_hundred;main;start_pool": 200, "three_hundred;main;start_readers": 60,
                       "three_hundred;main;start_sleepers": 40, "three_hundred;[creation not seen]": 1}, created)


def folded_of_a_run(bench):
    """Also one without leaks is a document, and several processes have their ids."""
    status, out, err = harness.call([bench.cli, "run", "--format=folded", "-o", "-", bench.target("unjoined")], env=bench.env)
    stacks = folded_lines(out)
    demand(status == 66 and all(";[unjoined, created by];main" in stack for stack in stacks) and stacks, f"{status} {out} {err}")
    status, out, err = harness.call([bench.cli, "run", "--format=folded", "-o", "-", "true"], env=bench.env)
    demand(status == 0 and not out and not err, f"{status} {out} {err}")


def folded_of_hostile_names(bench):
    """A name of a thread is in no stack, that of the program is."""
    program = bench.path("#a;b 12")
    harness.copy(bench.target("unjoined"), program)
    _, out, err = harness.call([bench.cli, "run", "--format=folded", "-o", "-", program], env=bench.env)
    stacks = folded_lines(out)
    demand(stacks and all(stack.startswith("\\x23a\\x3bb\\x2012;") for stack in stacks), out + err)


def which_stacks(bench):
    for command in ["report", "--stacks=x", "1"], ["run", "--stacks=x", "true"]:
        _, _, err = harness.call([bench.cli, *command], env=bench.env)
        demand("--stacks=x is not current or creation" in err, err)


TESTS = [three_hundred_on_one_screen, tree_of_an_unwatched_process, tree_in_ascii, tree_of_a_run,
         folded_of_a_live_process, folded_of_a_run, folded_of_hostile_names, which_stacks]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
