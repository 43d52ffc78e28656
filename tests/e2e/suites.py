#!/usr/bin/env python3
"""How tests/all.py runs suites: it counts, goes on, sums up, and ends what runs when it is interrupted, or for too long.

  tests/e2e/suites.py [--build DIR] [NAME...]
"""
import os
import shlex
import signal
import subprocess
import sys

import harness
from harness import ROOT, demand

ALL = os.path.join(ROOT, "tests", "all.py")
SUITES = {
    "passes": "echo 2 passed, 0 failed, 1 skipped; echo skip of: no machine",
    "fails": "echo FAIL of: wrong; echo 3 passed, 1 failed, 0 skipped; exit 1",
    "libcheck": "echo skipped: no room >&2; echo '50%: Checks: 4, Failures: 1, Errors: 1'; exit 1",
    "nothing": "true",
    "dies": "kill -9 $$",
    "both": "echo 1 passed, 0 failed, 0 skipped; exit 3",
}


def suite(script):
    return f"sh -c {shlex.quote(script)}"


def result(*names, options=()):
    status, out, err = harness.call([ALL, *options, *(suite(SUITES[name]) for name in names)])
    demand(not err, err)
    return status, out.splitlines()


def counts_and_status(_):
    for names, counts in (("passes",), "2 passed, 0 failed, 1 skipped"), (("fails", "passes"), "5 passed, 1 failed, 1 skipped"), \
            (("libcheck",), "1 passed, 2 failed, 1 skipped"), (("nothing",), "0 passed, 1 failed, 0 skipped"), \
            (("dies",), "0 passed, 1 failed, 0 skipped"), (("both",), "1 passed, 1 failed, 0 skipped"):
        status, lines = result(*names)
        demand(lines[-1] == counts and status == (0 if " 0 failed" in counts else 1), f"{names}: {status} {lines}")


def a_failure_is_repeated_at_the_end(bench):
    """So is what was skipped, and a file has all of it."""
    status, lines = result("fails", "passes", options=("-j", "1", "--log", bench.path("log")))
    demand(status == 1 and lines[0].startswith("== [1/2] sh -c ") and lines[3].startswith("== [2/2] sh -c "), lines)
    skipped, failed = lines.index("== what was skipped"), lines.index("== what failed")
    demand("skip of: no machine" in lines[skipped + 1] and lines[failed + 2] == "FAIL of: wrong", lines)
    demand(bench.read("log").splitlines() == lines, bench.read("log"))


def has_ended(pid):
    try:
        return harness.state_of(pid) == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def an_interrupted_run_sums_up(bench):
    """What ran is ended, and what did not run is named."""
    os.mkfifo(bench.path("runs"))
    endless = f'sleep 1000 & echo $! >{bench.path("runs")}; wait'
    for number in (signal.SIGTERM, signal.SIGINT):
        with subprocess.Popen([ALL, "-j", "1", suite(SUITES["passes"]), suite(endless), suite(SUITES["fails"])], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True) as process:
            with open(bench.path("runs"), encoding="ascii") as file:
                sleeper = int(file.read())
            process.send_signal(number)
            text = process.communicate()[0]
        demand(process.returncode == 130 and text.endswith("\n2 passed, 0 failed, 1 skipped\n"), f"{process.returncode} {text}")
        not_run = text.partition("== what did not run to its end: interrupted\n")[2].splitlines()
        demand(sorted(not_run[:2]) == sorted(map(suite, (endless, SUITES["fails"]))), text)
        harness.wait_until(lambda: has_ended(sleeper))


def a_suite_that_does_not_end(_):
    """It has failed, and so has the next one."""
    endless = ["sleep 1000", "echo 1 passed, 0 failed, 0 skipped; exec sleep 1001"]
    if harness.SOAK:  # which takes ten seconds
        endless.append("trap '' TERM; while :; do sleep 1; done")
    status, out, err = harness.call([ALL, "--limit", "0.1", "-j", "1", *map(suite, endless)])
    demand(status == 1 and not err and f" {len(endless)} failed, " in out.splitlines()[-1], f"{status} {out} {err}")
    for script in endless:
        demand(f"\n== {suite(script)} did not end within 0.1 s\n" in out, out)


TESTS = [counts_and_status, a_failure_is_repeated_at_the_end, an_interrupted_run_sums_up, a_suite_that_does_not_end]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
