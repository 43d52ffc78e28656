#!/usr/bin/env python3
"""Processes in another pid namespace are reported as those in this one.

  tests/e2e/namespaces.py [--build DIR] [NAME...]
"""
import json
import os
import shutil
import subprocess
import sys

import harness
from harness import demand, need, need_root, wait_until

FUTEX = {"x86_64": "202", "aarch64": "98"}[os.uname().machine]  # the system call's number
INSIDE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


def need_namespaces():
    need_root()
    need("unshare")
    if harness.call([*INSIDE, "true"])[0] != 0:
        raise harness.Skip("no pid namespace can be made here")


def child_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return int(file.read().split()[0])


def blocked_in_futex(pid):
    """How many of its threads."""
    count = 0
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/syscall", encoding="ascii") as file:
            count += file.read().split()[0] == FUTEX
    return count


def report(bench, pid):
    status, out, err = harness.call([bench.cli, "report", str(pid)])
    demand(status == 0, err)
    return out


def demand_as_here(text, pid):
    demand(f"(pid {pid})" in text, text)
    demand(', held by T2 "lock_and_join"' in text and 'join of T2 "lock_and_join"' in text, text)
    demand("has ended" not in text and "untracked" not in text, text)
    demand(f"tid {pid}\n" in text and text.count(" tid ") == 4, text)
    tids = set(os.listdir(f"/proc/{pid}/task"))
    demand(all(f" tid {tid}\n" in text for tid in tids), f"{tids}: {text}")


def report_from_outside(bench):
    need_namespaces()
    target, env = bench.target("lock_and_join"), bench.environment(LD_PRELOAD=bench.shim)
    for around in [], INSIDE:
        process = subprocess.Popen([*around, target], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        try:
            demand(process.stdout.readline() == b"up\n", "it did not come up")
            pid = child_of(process.pid) if around else process.pid
            wait_until(lambda: blocked_in_futex(pid) == 2)
            demand_as_here(report(bench, pid), pid)
        finally:
            process.communicate(b"", timeout=harness.TIMEOUT_S)


def at_a_timeout(bench):
    """The report of run names the process by its pid here."""
    need_namespaces()
    output = bench.path("report.json")
    read, write = os.pipe()
    process = subprocess.Popen([bench.cli, "run", "--timeout=3s", "--format=json", "-o", output, "--", *INSIDE,
                                bench.target("lock_and_join")], env=bench.env, stdin=read, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    demand(process.stdout.readline() == b"up\n", "it did not come up")
    os.close(read)
    demand(process.wait(harness.TIMEOUT_S) == 124, process.returncode)
    os.close(write)
    process.stdout.close()
    found = [one for one in harness.read_json(output)["processes"] if one["exe"].endswith("lock_and_join")]
    demand(len(found) == 1 and found[0]["pid"] != 1, found)
    text = json.dumps(found[0])
    demand(text.count('"stack_source": "ptrace"') == 4, text)


def demand_symbols(bench, process, change=None):
    try:
        demand(process.stdout.readline() == b"up\n", "it did not come up")
        wait_until(lambda: blocked_in_futex(process.pid) == 2)
        if change:
            change()
        text = report(bench, process.pid)
        demand("> want " in text and "lock_and_join.c:" in text, text)
    finally:
        process.communicate(b"", timeout=harness.TIMEOUT_S)


def start(bench, argv):
    return subprocess.Popen(argv, env=bench.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL)


def symbols_of_a_file_that_only_it_sees(bench):
    need_namespaces()
    place = bench.path("mounted")
    os.mkdir(place)
    script = 'mount -t tmpfs none "$1" && cp "$2" "$1/only_inside" && exec "$1/only_inside"'
    demand_symbols(bench, start(bench, ["unshare", "--mount", "sh", "-c", script, "sh", place, bench.target("lock_and_join")]))


def symbols_of_a_replaced_program(bench):
    need_root()
    place = bench.path("replaced")
    shutil.copy(bench.target("lock_and_join"), place)

    def replace():
        os.unlink(place)
        shutil.copy(bench.target("clean"), place)
    demand_symbols(bench, start(bench, [place]), replace)


def symbols_of_a_path_with_a_newline(bench):
    place = bench.path("two\nlines")
    shutil.copy(bench.target("lock_and_join"), place)
    demand_symbols(bench, start(bench, [place]))


TESTS = [symbols_of_a_path_with_a_newline, symbols_of_a_file_that_only_it_sees, symbols_of_a_replaced_program, report_from_outside, at_a_timeout]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
