#!/usr/bin/env python3
"""`threadleak` under limits that make its own work hard: COMMAND's status is kept, and no report is missing in silence.

  tests/e2e/run_limits.py [--build DIR] [NAME...]
"""
import os
import resource
import sys

import harness
from harness import FORMATS, demand, need
from tree_bench import Bench

# Those of prlimit(1). 64 KiB of stack are enough for programs, and 30 MB of address space are not for libdw.
LIMITS = ["--stack=65536", "--stack=32768", "--as=60000000", "--as=30000000", "--as=20000000", "--nofile=20", "--nofile=7",
          "--fsize=65536", "--fsize=0", "--sigpending=0", "--memlock=0"]
STACKS = ["--stack=65536", "--stack=32768"]


def status_is_kept(bench):
    for limit in LIMITS:
        for wanted in (3, 77):
            code, _ = bench.run(["sh", "-c", f"./end_signal; exit {wanted}"], around=[need("prlimit"), limit])
            demand(code == wanted, f"{limit}: {code}, not {wanted}: {bench.err}")
        code, _ = bench.run(["sh", "-c", "./clean; kill -TERM $$"], around=[need("prlimit"), limit])
        demand(code == 143, f"{limit}: {code}, not 143: {bench.err}")


def leak_is_not_green(bench):
    """A report, or a message and 125."""
    for limit in LIMITS:
        around = [need("prlimit"), limit]
        if harness.call([*around, "./running"], cwd=bench.tmp)[0] != 0:
            continue  # its threads do not fit
        code, _ = bench.run(["./running"], around=around)
        # 3: the program itself says that it had no memory for a thread.
        demand(code in (3, 66, 125) and bench.err, f"{limit}: {code}: {bench.err}")


def small_stack(bench):
    """All of a report, in each format, of run, report and a program that is watched without run."""
    for limit in STACKS:
        around = [need("prlimit"), limit]
        for form in FORMATS:
            code, _ = bench.run(["./running"], [f"--format={form}", "--output=report"], around=around)
            with open(bench.path("report"), "rb") as file:
                report = file.read()
            whole = report[:2] == b"\x1f\x8b" if form == "pprof" else b"running" in report
            demand(code == 66 and whole, f"{limit}, {form}: {code}: {bench.err} {report}")
        code, _ = harness.limited(
            lambda seconds: [*around, bench.cli, "run", f"--timeout={seconds}", "-o", bench.path("text"), "--", "sleep", "1000"],
            lambda run: harness.sleeps_below(run.pid), env=bench.env)
        demand(code == 124 and "sleep" in bench.read("text"), f"{limit}, timeout: {code}: {bench.read('text')}")
        code, _, err = harness.call([*around, "./running"], cwd=bench.tmp,
                                    env=bench.environment(LD_PRELOAD=bench.shim, THREADLEAK_OPTIONS="exitcode=9"))
        demand(code == 9 and "3 leaked threads" in err, f"{limit}, LD_PRELOAD: {code}: {err}")
        process = bench.start(["sleep", "1000"])
        code, out, err = harness.call([*around, bench.cli, "report", str(process.pid)], env=bench.environment())
        demand(code == 0 and "sleep" in out, f"{limit}, report: {code}: {out}{err}")


def command_has_its_stack(bench):
    """What threadleak runs on is its own matter: COMMAND has the limit that it was started with."""
    script = "import resource; print(resource.getrlimit(resource.RLIMIT_STACK))"
    wanted = f"({resource.getrlimit(resource.RLIMIT_STACK)[0]},"
    code, out, err = harness.call([bench.cli, "run", "--", sys.executable, "-c", script], env=bench.env)
    demand(code == 0 and out.startswith(wanted), f"{code}: {out}, not {wanted}: {err}")


def signals_of_command(bench):
    """run ignores SIGXFSZ and SIGPIPE for its own messages, COMMAND does not."""
    for number in (13, 25):
        code, _ = bench.run(["sh", "-c", f"kill -{number} $$"])
        demand(code == 128 + number, f"{number}: {code}")


TESTS = [status_is_kept, leak_is_not_green, small_stack, command_has_its_stack, signals_of_command]

if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(harness.main(TESTS, Bench))
