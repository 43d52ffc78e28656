#!/usr/bin/env python3
"""What cannot be seen in a process is in its report: a second namespace, a sandbox, valgrind.

  tests/e2e/not_seen.py [--build DIR] [NAME...]
"""
import json
import os
import shutil
import signal
import subprocess
import sys

import harness
from harness import Skip, call, demand, wait_until

NAMED = "threads created in the second namespace (libnamespace.so) are not seen"
UNNAMED = "threads created in a second namespace (dlmopen) are not seen"


def namespaces_are_known():
    """Since glibc 2.35 the shim knows them; before, only a report of a live process does."""
    name, version = os.confstr("CS_GNU_LIBC_VERSION").split()
    return name == "glibc" and tuple(int(part) for part in version.split(".")[:2]) >= (2, 35)


def run(bench, *argv, options=()):
    return subprocess.run([bench.cli, "run", *options, "--", *argv], env=bench.env, text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=harness.TIMEOUT_S, check=False)


def at_the_end_of_run(bench):
    """The report says so, whether the library or the program ends the process, and which threads it created."""
    if not namespaces_are_known():
        raise Skip("glibc before 2.35")
    program = bench.target("second_namespace")
    for arguments, status, leaks in ((("create", "return"), 66, 1), (("create", "exit"), 5, 0), (("before", "return"), 66, 1), (("none", "return"), 0, 0)):
        done = run(bench, program, *arguments)
        demand(done.returncode == status and done.stderr.count(NAMED) == 1, f"{arguments}: {done.returncode} {done.stderr}")
        demand(done.stderr.count("1 leaked thread") == leaks, f"{arguments}: {done.stderr}")
    json_text = run(bench, program, "create", "return", options=["--format=json"]).stderr
    demand(json.loads(json_text)["processes"][0]["not_seen"] == [NAMED], json_text)


def without_run(bench):
    if not namespaces_are_known():
        raise Skip("glibc before 2.35")
    done = subprocess.run([bench.target("second_namespace"), "create", "return"], env=bench.environment(LD_PRELOAD=bench.shim),
                          text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=harness.TIMEOUT_S, check=False)
    demand(done.returncode == 0 and done.stderr.count(NAMED) == 1, f"{done.returncode} {done.stderr}")


def of_the_child_of_a_vfork(bench):
    """It ends in the memory of its parent, whose leak is reported."""
    if not namespaces_are_known():
        raise Skip("glibc before 2.35")
    done = run(bench, bench.target("vfork_namespace"))
    if done.returncode == 77:
        raise Skip("no seccomp here")
    demand(done.returncode == 66 and "1 leaked thread" in done.stderr, f"{done.returncode} {done.stderr}")


def in_a_live_process(bench):
    """Two copies of libc in its memory prove it on every glibc, and one copy proves nothing."""
    with bench.live("second_namespace", "create", "wait") as pid:
        text = call([bench.cli, "report", str(pid)])[1]
        demand((NAMED if namespaces_are_known() else UNNAMED) in text, text)
    with bench.live("second_namespace", "before", "wait") as pid:  # no hook was called since dlmopen
        text = call([bench.cli, "report", str(pid)])[1]
        demand(UNNAMED in text, text)
    with bench.live("second_namespace", "create", "wait", watched=False) as pid:
        text = call([bench.cli, "report", str(pid)])[1]
        demand("namespace" not in text.replace("second_namespace", "") and "not watched" in text, text)


def nothing_for_ordinary_programs(bench):
    done = run(bench, bench.target("running"))
    demand(done.returncode == 66 and "not seen" not in done.stderr, done.stderr)
    document = json.loads(run(bench, bench.target("running"), options=["--format=json"]).stderr)
    demand("not_seen" not in document["processes"][0], document)


def forks_in_a_sandbox(bench):
    done = run(bench, bench.target("sandbox_forks"))
    if "no seccomp here" in done.stdout + done.stderr:
        raise Skip("no seccomp here")
    demand(done.returncode == 0 and "children that it forked in its sandbox (seccomp) are not watched" in done.stderr, done.stderr)


def under_valgrind(bench):
    """Its threads run in valgrind, whose stacks are of no use."""
    if not shutil.which("valgrind"):
        raise Skip("no valgrind")
    process = subprocess.Popen(["valgrind", "-q", bench.target("second_namespace"), "create", "wait"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=bench.environment(LD_PRELOAD=bench.shim))
    try:
        demand(process.stdout.readline() == b"up\n", "it did not come up")
        wait_until(lambda: harness.state_of(process.pid) == "S")
        text = call([bench.cli, "report", str(process.pid)])[1]
        demand("valgrind runs it: current stacks and waits are those of valgrind itself" in text, text)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


TESTS = [at_the_end_of_run, of_the_child_of_a_vfork, without_run, in_a_live_process, nothing_for_ordinary_programs, forks_in_a_sandbox, under_valgrind]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
