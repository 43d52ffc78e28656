#!/usr/bin/env python3
"""The formats that show where all threads are: tree, folded, pprof.

  tests/e2e/formats_stacks.py [--build DIR] [NAME...]
"""
import contextlib
import os
import pty
import re
import subprocess
import sys

import harness
from harness import demand, need
from pprof_profile import Profile


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
    for pattern in (r'^< T79 "pool-77", 1 of 200, in handle_job > await: semaphore never', r"^ +200  pool_worker  +",
                    r"^ +199  ├─ wait_for_job  .*three_hundred\.c:\d+$", r"^<   1  └─ handle_job > await  ",
                    r"condvar wait on jobs.*; T2-T78, T80-T201 \"pool-\*\"",
                    r"^ +60  read_pipe  ", r"^ +40  stay  ", r"T202-T261, by start_readers:\d+$", r"T262-T301, detached, by three_hundred.c:\d+$",
                    r"^ +1  main  "):
        demand(re.search(pattern, text, re.M), f"{pattern} is not in\n{text}")


def tree_of_an_unwatched_process(bench):
    with bench.live("three_hundred", watched=False) as pid:
        harness.wait_until_asleep(pid)
        text = reported(bench, pid, "tree")
    demand(re.search(r'^< tid \d+ "pool-77", 1 of 200, in handle_job > await: ', text, re.M) and "untracked" not in text, text)


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


# ---- pprof --------------------------------------------------------------------------------------------

def reported_twice(bench, pid, *options):
    """A profile, and the report in JSON of the same threads."""
    reported(bench, pid, "pprof:" + bench.path("p.pb.gz"), "--format=json:" + bench.path("p.json"), *options)
    process = harness.read_json(bench.path("p.json"))["processes"][0]
    threads = [process["main"], *process["untracked"]]
    for group in process["leaks"]:
        threads += [{**thread, "creation": group["creation_stack"]} for thread in group["threads"]]
    return Profile(bench.path("p.pb.gz")), process, threads


def names_of(frames):
    return [frame["function"] for frame in frames]


def agrees(sample, thread, stack):
    labels = sample["labels"]
    return (labels.get("name") == thread["name"] and labels["kind"] == thread["kind"] and
            labels.get("wait") == (thread["waiting"] or {}).get("on") and
            labels.get("finding") == next((item["code"] for item in thread["findings"]), None) and
            abs(sample["values"]["age"] / 1e9 - thread["age_s"]) < 0.01 and
            abs(sample["values"]["cpu"] / 1e9 - thread["cpu_s"]) < 0.01 and
            ([name for name, _, _ in sample["stack"]] == names_of(stack) or None in names_of(stack)))


def pprof_agrees_with_json(bench):
    with bench.live_asleep("three_hundred") as pid:
        profile, process, threads = reported_twice(bench, pid)
        created, _, _ = reported_twice(bench, pid, "--stacks=creation")
    demand(profile.types == [("threads", "count"), ("age", "nanoseconds"), ("cpu", "nanoseconds")], profile.types)
    by_tid = {sample["labels"]["tid"]: sample for sample in profile.samples}
    demand(len(by_tid) == len(threads) == 301, len(by_tid))
    for thread in threads:
        sample = by_tid[thread["tid"]]
        demand(sample["labels"]["pid"] == pid and agrees(sample, thread, thread["stack"]), f"{sample} {thread}")
    demand(profile.mappings[0] == {5: process["exe"], 6: process["leaks"][0]["start_routine"]["build_id"] or ""}, profile.mappings)
    for sample in created.samples:
        names = [name for name, _, _ in sample["stack"]]
        thread = next(thread for thread in threads if thread["tid"] == sample["labels"]["tid"])
        demand(names == (names_of(thread["creation"]) if "creation" in thread else ["[creation not seen]"]) or
               None in names_of(thread.get("creation", [])), f"{sample} {thread}")


def go_reads_pprof(bench):
    """top, tree and raw of `go tool pprof` have the numbers of the JSON."""
    need("go")
    env = bench.environment(HOME=bench.tmp, PPROF_BINARY_PATH=bench.tmp)
    with bench.live_asleep("three_hundred") as pid:
        reported_twice(bench, pid)

    def pprof(*options):
        status, out, err = harness.call(["go", "tool", "pprof", *options, bench.path("p.pb.gz")], env=env)
        demand(status == 0, err)
        return out
    top = pprof("-top", "-focus=pool_worker", "-nodecount=100")
    demand(re.search(r"^Type: threads$", top, re.M) and re.search(r"^ *0 +0% +\S+ +200 +\S+ +pool_worker$", top, re.M) and
           re.search(r" 199 +\S+ +wait_for_job$", top, re.M) and re.search(r" 1 +\S+ +handle_job$", top, re.M), top)
    demand(" of 301 total" in top, top)
    demand(re.search(r"^ +199 .*wait_for_job$", pprof("-tree"), re.M), "tree")
    raw = pprof("-raw")
    demand(raw.count("kind:[running]") == 260 and raw.count("kind:[detached]") == 40 and raw.count("kind:[main]") == 1 and
           "name:[pool-77]" in raw and "three_hundred.c" in raw, raw[:3000])
    demand("pool-77" in pprof("-tags", "-focus=handle_job"), "tags")


def pprof_of_a_run(bench):
    """Also where nothing leaked, and where nothing was watched."""
    for command, count in ([bench.target("unjoined")], None), (["true"], 0):
        path = bench.path("run.pb.gz")
        harness.call([bench.cli, "run", f"--format=pprof:{path}", *command], env=bench.env)
        samples = Profile(path).samples
        demand(len(samples) == count if count is not None else samples, samples)
    status, out, err = harness.call([bench.cli, "run", "--format=pprof", "-o", "-", "true"], env=bench.env, errors="replace")
    demand(status == 0 and out and not err, f"{status} {err}")


def binary_is_not_for_a_terminal(bench):
    """One line says so, and the command is not run."""
    for command in (["run", "--format=pprof", "touch", bench.path("ran")], ["report", "--format=pprof", str(os.getpid())]):
        master, slave = pty.openpty()
        done = subprocess.run([bench.cli, *command], env=bench.env, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
                              check=False, timeout=harness.TIMEOUT_S)
        os.close(slave)
        text = ""
        with contextlib.suppress(OSError):  # EIO: all of it was read. The kernel passes it on some time after the write.
            while True:
                text += os.read(master, 65536).decode()
        os.close(master)
        demand(done.returncode in (2, 125) and text.count("\n") == 1 and
               "--format=pprof is binary, and is not written to a terminal" in text, f"{done.returncode} {text}")
    demand(not os.path.exists(bench.path("ran")), "the command was run")


def which_stacks(bench):
    for command in ["report", "--stacks=x", "1"], ["run", "--stacks=x", "true"]:
        _, _, err = harness.call([bench.cli, *command], env=bench.env)
        demand("--stacks=x is not current or creation" in err, err)


TESTS = [three_hundred_on_one_screen, tree_of_an_unwatched_process, tree_in_ascii, tree_of_a_run,
         folded_of_a_live_process, folded_of_a_run, folded_of_hostile_names,
         pprof_agrees_with_json, go_reads_pprof, pprof_of_a_run, binary_is_not_for_a_terminal, which_stacks]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
