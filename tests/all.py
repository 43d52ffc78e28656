#!/usr/bin/env python3
"""Runs suites and sums up what passed, failed and was skipped, on the last line.

  tests/all.py [-j N] SUITE... [--alone SUITE...]

A SUITE is a command in one argument: a libcheck suite, or a program whose last line is "3 passed, 0 failed,
1 skipped".  N of them run at once (2); those behind --alone run one after the other, when the others have ended.
What a suite prints comes in one piece when it ends, after a line with its time.  What failed and what was skipped is
printed again at the end.
"""
import argparse
import concurrent.futures
import functools
import os
import re
import shlex
import subprocess
import sys
import time

FAILURE = re.compile(r"^\S+:\d+:[FE]:|^FAIL")  # a line of libcheck's, and one of ours
SKIP = re.compile(r"^skip(?:ped:)? .*", re.M)
LINES_OF_FAILURE = 20
# A suite that calls make is no part of the make that called this, and what a packager gave to that one is not meant for it.
OF_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "PREFIX", "LIBDIR", "INCLUDEDIR", "MANDIR", "SHIMDIR", "DESTDIR")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in OF_MAKE}


@functools.cache
def fixed_addresses():
    """TSan wants addresses where it expects them; not every sandbox lets one ask for that."""
    argv = ["setarch", "-R"]
    try:
        return argv if subprocess.run([*argv, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0 else []
    except FileNotFoundError:
        return []


class Result:
    def __init__(self, suite, status, text, seconds):
        self.suite, self.text, self.seconds = suite, text, seconds
        self.passed, self.failed, self.skipped = counts_in(text)
        self.skips = SKIP.findall(text)
        self.problems = []
        if status != 0 and not self.failed:
            self.fail(f"ended with status {status}")
        elif status == 0 and self.passed + self.failed + self.skipped == 0:
            self.fail("tested nothing")

    def fail(self, why):
        self.failed = 1
        self.problems.append(f"== {self.suite} {why}")

    def failures(self):
        """The lines from each failure on; all lines if there is no failure line."""
        lines = self.text.splitlines()
        starts = [n for n, line in enumerate(lines) if FAILURE.match(line)] or [max(0, len(lines) - LINES_OF_FAILURE)]
        numbers = sorted({n for start in starts for n in range(start, min(start + LINES_OF_FAILURE, len(lines)))})
        return [f"== {self.suite}: {self.failed} failed", *self.problems, *(lines[n][:500] for n in numbers)]


def counts_in(text):
    ours = re.findall(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", text, re.M)
    if ours:
        return tuple(map(int, ours[-1]))
    libcheck = re.findall(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", text, re.M)
    if not libcheck:
        return 0, 0, 0
    checks, failures, errors = (sum(map(int, numbers)) for numbers in zip(*libcheck))
    skipped = len(SKIP.findall(text))  # libcheck does not count them: such a test passes
    return checks - failures - errors - skipped, failures + errors, skipped


def run(suite):
    argv = shlex.split(suite)
    began = time.monotonic()
    done = subprocess.run([*(fixed_addresses() if "/tsan/" in suite else []), *argv], check=False, env=ENVIRONMENT,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    return Result(suite, done.returncode, done.stdout.decode(errors="backslashreplace"), time.monotonic() - began)


def show(result):
    print(f"== {result.suite}  {result.seconds:.1f} s", flush=True)
    print(result.text, end="" if result.text.endswith("\n") or not result.text else "\n", flush=True)
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-j", type=int, default=2, dest="jobs", metavar="N")
    parser.add_argument("--alone", nargs="+", default=[], metavar="SUITE")
    parser.add_argument("suites", nargs="*", metavar="SUITE")
    arguments = parser.parse_args()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        running = [pool.submit(run, suite) for suite in arguments.suites]
        results = [show(done.result()) for done in concurrent.futures.as_completed(running)]
    results += [show(run(suite)) for suite in arguments.alone]

    skips = [f"{result.suite}: {line}" for result in results for line in result.skips]
    failures = [line for result in results if result.failed for line in result.failures()]
    for title, lines in (("what was skipped", skips), ("what failed", failures)):
        print("\n".join([f"\n== {title}", *lines]) if lines else "", end="\n" if lines else "")
    passed, failed, skipped = (sum(getattr(result, kind) for result in results)
                               for kind in ("passed", "failed", "skipped"))
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
