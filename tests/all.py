#!/usr/bin/env python3
"""Runs suites and sums up what passed, failed and was skipped, on the last line.

  tests/all.py [-j N] [--log FILE] [--limit SECONDS] SUITE... [--alone SUITE...]

A SUITE is a command in one argument: a libcheck suite, or a program whose last line is "3 passed, 0 failed,
1 skipped".  N of them run at once (2); those behind --alone run one after the other, when the others have ended.
What a suite prints comes in one piece when it ends, after a line with its number and its time.  What failed and what was
skipped is printed again at the end, also when a signal interrupts it.  --log writes all of it to a file, too.  A suite that
does not end within --limit (2400 s) is ended, and has failed.
"""
import argparse
import contextlib
import functools
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time

FAILURE = re.compile(r"^\S+:\d+:[FE]:|^FAIL")  # a line of libcheck's, and one of ours
SKIP = re.compile(r"^skip(?:ped:)? .*", re.M)
LINES_OF_FAILURE = 20
NO_SIGNAL = b"\0"
LONG_S = 1800  # such a run says which suites took longest
LIMIT_S = 2400  # for one suite: the longest needs some minutes on a quiet machine
END_S = 10  # for a suite that got SIGTERM
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
    def __init__(self, suite, status, text, seconds, limit=None):
        """limit: it did not end within so many seconds."""
        self.suite, self.text, self.seconds = suite, text, seconds
        self.passed, self.failed, self.skipped = counts_in(text)
        self.skips = SKIP.findall(text)
        self.problems = []
        if limit:
            self.fail(f"did not end within {limit:g} s")
        elif status != 0 and not self.failed:
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


def send(process, number):
    """To all of its group, also if it has ended itself."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def end_and_read(process):
    """What a suite printed until its end, or as far as it came: what left its group may hold its output for ever."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        send(process, number)
        try:
            return process.communicate(timeout=END_S)[0]
        except subprocess.TimeoutExpired as error:
            text = error.output or b""
    return text


class Runner:
    """Runs suites, each in a process group of its own, and keeps their results."""

    def __init__(self, count, limit):
        self.count, self.limit, self.results, self.running = count, limit, [], set()
        self.lock, self.interrupted = threading.Lock(), False
        self.began = time.monotonic()

    def start(self, suite):
        """None after an interrupt: that ends only what runs by then."""
        with self.lock:
            if self.interrupted:
                return None
            process = subprocess.Popen([*(fixed_addresses() if "/tsan/" in suite else []), *shlex.split(suite)], env=ENVIRONMENT,
                                       process_group=0, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
            self.running.add(process)
            return process

    def run(self, suite):
        began = time.monotonic()
        process = self.start(suite)
        if not process:
            return
        over = None
        with process:
            try:
                text = process.communicate(timeout=self.limit)[0]
            except subprocess.TimeoutExpired:
                over, text = self.limit, end_and_read(process)
            self.running.remove(process)
        self.show(Result(suite, process.returncode, text.decode(errors="backslashreplace"), time.monotonic() - began, over))

    def show(self, result):
        """In the thread that ran it, before that thread begins another: a signal, which the main thread gets, loses no result."""
        with self.lock:
            if self.interrupted:
                return
            self.results.append(result)
            print(f"== [{len(self.results)}/{self.count}] {result.suite}  {result.seconds:.1f} s", flush=True)
            print(result.text, end="" if result.text.endswith("\n") or not result.text else "\n", flush=True)

    def run_some(self, suites, jobs):
        queue = iter(suites)  # of a list: threads may share it

        def run_next():
            for suite in queue:
                self.run(suite)

        threads = [threading.Thread(target=run_next, daemon=True) for _ in range(jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def run_all(self, suites, alone, jobs):
        """The main thread waits for a byte in a pipe: from a signal, or because all suites have ended.  A handler that
        raises an exception would not do: that comes too late if the signal comes just before a wait, and between any two steps if not."""
        end, signals = os.pipe()
        os.set_blocking(signals, False)
        signal.set_wakeup_fd(signals)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: None)

        def run():
            self.run_some(suites, jobs)
            self.run_some(alone, 1)
            os.write(signals, NO_SIGNAL)

        threading.Thread(target=run, daemon=True).start()
        if os.read(end, 1) != NO_SIGNAL:
            self.interrupt()

    def interrupt(self):
        """Ends those that run. What they print after that does not count."""
        with self.lock:
            self.interrupted = True
        running = list(self.running)
        for process in running:
            send(process, signal.SIGTERM)
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_S)
        for process in running:
            send(process, signal.SIGKILL)

    def longest(self):
        if time.monotonic() - self.began < LONG_S:
            return []
        return [f"{result.seconds:7.1f} s  {result.suite}" for result in sorted(self.results, key=lambda result: -result.seconds)[:10]]


class Tee:
    """Standard output, and a file."""

    def __init__(self, path):
        self.outputs = sys.stdout, open(path, "w", encoding="utf-8", errors="backslashreplace")

    def write(self, text):
        for output in self.outputs:
            output.write(text)

    def flush(self):
        for output in self.outputs:
            output.flush()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-j", type=int, default=2, dest="jobs", metavar="N")
    parser.add_argument("--log", metavar="FILE")
    parser.add_argument("--limit", type=float, default=LIMIT_S, metavar="SECONDS")
    parser.add_argument("--alone", nargs="+", default=[], metavar="SUITE")
    parser.add_argument("suites", nargs="*", metavar="SUITE")
    arguments = parser.parse_args()
    if arguments.log:
        sys.stdout = Tee(arguments.log)
    runner = Runner(len(arguments.suites) + len(arguments.alone), arguments.limit)
    runner.run_all(arguments.suites, arguments.alone, arguments.jobs)
    results = runner.results

    unfinished = sorted({*arguments.suites, *arguments.alone} - {result.suite for result in results})
    skips = [f"{result.suite}: {line}" for result in results for line in result.skips]
    failures = [line for result in results if result.failed for line in result.failures()]
    for title, lines in (("what took longest", runner.longest()), ("what was skipped", skips), ("what failed", failures),
                         ("what did not run to its end: interrupted", unfinished)):
        print("\n".join([f"\n== {title}", *lines]) if lines else "", end="\n" if lines else "")
    passed, failed, skipped = (sum(getattr(result, kind) for result in results)
                               for kind in ("passed", "failed", "skipped"))
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    if unfinished:  # threads still wait for pipes that what a suite has started may hold
        os._exit(130)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
