#!/usr/bin/env python3
"""What fails in the shim or in threadleak is not noticed by the program, and the report says what it lost.

  tests/e2e/faults.py [--build DIR] [NAME...]

Each test prints a figure: what was made to fail, how often, and what was said of it. FAULT_SECONDS bounds all of it (50; 3600
with SOAK=1), FAULT_SEED is what the choice depends on (1; at random with SOAK=1).
"""
import collections
import contextlib
import ctypes
import glob
import json
import os
import random
import re
import signal
import subprocess
import sys
import time

import harness
from harness import SOAK, TIMEOUT_S, Skip, demand, need, need_root

SEED = int(os.environ.get("FAULT_SEED") or (random.randrange(1 << 30) if SOAK else 1))
SECONDS = float(os.environ.get("FAULT_SECONDS") or (3600 if SOAK else 50))
KILLS = 1000 if SOAK else 100
# A line that says that something is missing.
SAID = re.compile(r"^threadleak: .*(not recorded|could not|cannot|without|not watched|missing|not complete|no report)|^stacks: |note:",
                  re.M)
# Without fstat nobody knows whether descriptor 2 still is standard error, or a file of the program: the shim writes nothing.
UNSAID = {"fstat"}


class Bench(harness.Bench):
    def shim_command(self, *argv, options="grace_ms=20"):
        return ["env", f"LD_PRELOAD={self.shim}", f"THREADLEAK_OPTIONS=color=never:{options}", *argv]

    def run_command(self, *argv):
        return [self.cli, "run", "--grace=20", "--color=never", *argv]

    def inject(self, who, call, error, nth, argv):
        """(status, standard output, standard error, {call: (seen, failed)})."""
        log = self.path("calls")
        status, out, err = harness.call([self.target("fault_inject"), who, call, error, str(nth), log, *argv],
                                        env=self.environment(TMPDIR=self.tmp), errors="backslashreplace")
        if status == 77:
            raise Skip("no seccomp with answers of another process here")
        with open(log, encoding="ascii") as file:
            return status, out, err, {words[0]: (int(words[1]), int(words[2])) for words in map(str.split, file)}

    def work(self):
        """(status, standard output) of the program that nobody watches."""
        status, out, err = harness.call([self.target("fault_work")], env=self.env)
        demand(status == 5, f"{status} {err}")
        return status, out


class Figure(collections.Counter):
    """Counts what happened, until its part of the time is over."""

    def __init__(self, part):
        super().__init__()
        self.end = time.monotonic() + SECONDS * part

    def goes_on(self, least=0):
        return self["runs"] < least or time.monotonic() < self.end

    def show(self, what):
        print(f"faults: {what}: " + ", ".join(f"{count} {name}" for name, count in self.items()) + f"; FAULT_SEED={SEED}", flush=True)


# ---- system calls -----------------------------------------------------------------------------

def rows(bench, seen):
    """(call, error) of each row of calls.def that is made."""
    lines = harness.call([bench.target("fault_inject")])[1].splitlines()
    return [(call, error) for call, error in map(str.split, lines) if call in seen]


def leaks_in(text):
    """Numbers of leaked threads of each report."""
    return sorted(map(int, re.findall(r"^threadleak: (\d+) leaked threads? at", text, re.M)))


def sweep_shim(bench, who, part):
    """Each call fails always, then one of them at random."""
    bare, argv, chance, figure = bench.work(), bench.shim_command(bench.target("fault_work")), random.Random(SEED), Figure(part)
    status, out, err, seen = bench.inject(who, "-", "-", -1, argv)
    demand((status, out) == bare and leaks_in(err) == [2, 4], f"without a fault: status {status}\n{out}{err}")
    known = rows(bench, seen)
    for n in range(1 << 30):
        if not figure.goes_on():
            break
        call, error = known[n % len(known)] if SOAK and n < len(known) else chance.choice(known)
        nth = 0 if n < len(known) or n % 2 else chance.randint(1, seen[call][0])
        status, out, err, counts = bench.inject(who, call, error, nth, argv)
        what = f"{who}: {call} {error} {nth or 'always'} (FAULT_SEED={SEED})"
        demand((status, out) == bare, f"{what}: status {status}, not {bare[0]}\n{out}\n{err}")
        whole = leaks_in(err) == [2, 4]
        demand(whole or call in UNSAID or SAID.search(err), f"{what}: nothing is said of what is lost\n{err}")
        figure.update({"runs": 1, "failed calls": counts.get(call, (0, 0))[1], "whole reports" if whole else "said what is lost": 1})
    figure.show(f"{len(seen)} calls of the shim" + (" in forked children" if who == "child" else ""))


def shim_calls(bench):
    sweep_shim(bench, "shim", 0.25)


def shim_calls_in_children(bench):
    sweep_shim(bench, "child", 0.1)


def run_calls(bench):
    """In `threadleak run` one call fails. The program runs as ever, or not at all; then or without a report a message says why."""
    bare, argv, chance, figure = bench.work(), bench.run_command("--", bench.target("fault_work")), random.Random(SEED), Figure(0.25)
    loader = bench.inject("threadleak", "-", "-", -1, [bench.cli, "help"])[3]
    status, out, err, seen = bench.inject("threadleak", "-", "-", -1, argv)
    demand((status, out) == bare and "6 leaked threads" in err, f"without a fault: status {status}\n{out}{err}")
    known = [(call, error) for call, error in rows(bench, seen) if seen[call][0] > loader.get(call, (0, 0))[0]]
    while figure.goes_on():
        call, error = chance.choice(known)
        nth = chance.randint(loader.get(call, (0, 0))[0] + 1, seen[call][0])
        status, out, err, counts = bench.inject("threadleak", call, error, nth, argv)
        what = f"run: {call} {error} {nth} (FAULT_SEED={SEED})"
        whole = (status, out) == bare and "6 leaked threads" in err
        said = SAID.search(err) or (err and not out) or call == "write"  # perhaps it is this message that could not be written
        demand(out in (bare[1], ""), f"{what}: the program printed\n{out}\n{err}")
        demand(status in ((5, 125) if out else (125, 126, 127)), f"{what}: status {status}\n{out}\n{err}")
        demand(whole or said, f"{what}: nothing is said of what is lost\n{err}")
        demand("with signal" not in err, f"{what}: {err}")
        figure.update({"runs": 1, "failed calls": counts.get(call, (0, 0))[1], "whole reports" if whole else "said what is lost": 1})
    figure.show(f"{len(known)} calls of run")


def disk_is_full(bench):
    """The directory of the run has room for so many bytes."""
    need_root()
    bare, figure = bench.work(), Figure(0.1)
    mount = 'mount -t tmpfs -o size="$1" none "$2" && shift && export TMPDIR="$1" && shift && exec "$@"'
    for size in (4096, 16384, 65536, 200000, 1 << 20, 1 << 26):
        os.makedirs(bench.path("disk"), exist_ok=True)
        argv = [need("unshare"), "-m", "sh", "-c", mount, "sh", str(size), bench.path("disk"), *bench.run_command("--", bench.target("fault_work"))]
        status, out, err = harness.call(argv, env=bench.env)
        if "mount:" in err or "unshare:" in err:
            raise Skip("no mount here")
        whole = (status, out) == bare and "6 leaked threads" in err
        demand(out == bare[1] or not out and status == 125, f"{size}: status {status}\n{out}\n{err}")
        demand(whole or SAID.search(err), f"{size}: nothing is said of what is lost\n{err}")
        figure.update({"runs": 1, "whole reports" if whole else "said what is lost": 1})
    demand(figure["whole reports"] and figure["said what is lost"], figure)
    figure.show("full disk of a run")


# ---- kills --------------------------------------------------------------------------------------

def logged(path):
    with open(path, "rb") as file:
        return [ctypes.c_long.from_buffer_copy(file.read(8)).value for _ in range(4)]


def killed_at_any_instant(bench):
    """What a report counts is what the killed process has done, up to the calls that were under way."""
    os.mkdir(bench.path("logs"))
    argv = [bench.target("fault_kill"), bench.path("logs"), str(KILLS), str(SEED)]
    status, _, err = harness.call(bench.run_command("--judge=signal", "--no-stop", "--error-exitcode=0", "--format=json", "-o",
                                                    bench.path("report"), "--", *argv), env=bench.environment(TMPDIR=bench.tmp))
    demand(status == 0, err)
    # Pids come again: such processes share a log, and their sums agree.
    reported = collections.defaultdict(collections.Counter)
    for process in harness.read_json(bench.path("report"))["processes"]:
        reported[process["pid"]].update({name: process["threads"][name] for name in ("created", "joined")}, lost=process["lost_events"])
    figure = Figure(0)
    for path in glob.glob(bench.path("logs/*")):
        creating, created, joining, joined = logged(path)
        counts = reported[int(os.path.basename(path))]
        what = f"{counts}; began {creating} and made {created}, began to join {joining} and joined {joined} (FAULT_SEED={SEED})"
        demand(created <= counts["created"] <= creating and joined <= counts["joined"] <= joining and not counts["lost"], what)
        figure.update({"killed pids": 1, "creations": created, "joins": joined})
    demand(KILLS / 2 < figure["killed pids"] <= KILLS and figure["creations"] > KILLS, figure)
    figure.show("SIGKILL at a random instant")


def of_session(leader):
    """Processes of threadleak in this session."""
    for status in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            with open(status, encoding="utf-8", errors="replace") as file:
                session = int(file.read().rsplit(") ", 1)[1].split()[3])
            if session == leader and os.readlink(status.replace("stat", "exe")).endswith("/threadleak"):
                yield int(status.split("/")[2])


def killed_reporters(bench):
    """Without its report, the shim writes its own; the program's status and output are the same."""
    bare, chance, figure = bench.work(), random.Random(SEED), Figure(0.05)
    while figure.goes_on(3):
        with open(bench.path("err"), "w+b") as err:
            process = subprocess.Popen(bench.shim_command(bench.target("fault_work")), env=bench.env, stdout=subprocess.PIPE, stderr=err,
                                       start_new_session=True)
            while process.poll() is None:
                for pid in of_session(process.pid):
                    time.sleep(chance.random() * 0.05)
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                        figure["killed reporters"] += 1
            out = process.communicate(timeout=TIMEOUT_S)[0].decode()
        text = bench.read("err")
        demand((process.returncode, out) == bare, f"status {process.returncode}\n{out}\n{text}")
        for leaked in (2, 4):
            demand(re.search(rf"^threadleak: {leaked} leaked threads? at|\b{leaked} (leaked )?threads\b|without lines", text, re.M), text)
        figure["runs"] += 1
    figure.show("killed reporters")


# ---- storms -----------------------------------------------------------------------------------------

def storm(bench, argv, env, rounds, between=None):
    process = subprocess.Popen([*argv, bench.target("fault_storm"), str(rounds), str(SEED)], env=env, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    end = time.monotonic() + TIMEOUT_S
    while between and process.poll() is None and time.monotonic() < end:
        between(process)
    out, err = process.communicate(timeout=TIMEOUT_S)
    demand((process.returncode, out) == (6, b"done\n"), f"{argv}: status {process.returncode} (FAULT_SEED={SEED})\n{out}\n{err}")
    return err.decode()


def storms(bench):
    """Threads, forks, programs, cancellations, signals and jumps at once. Nothing leaks."""
    storm(bench, [], bench.env, 100)
    figure = Figure(0.15)
    for options in ("", "wakes=1", "stacks=0"):
        err = storm(bench, bench.shim_command(options=options), bench.env, 100)
        demand(not err, err)
        figure["storms"] += 1
    while figure.goes_on():
        err = storm(bench, bench.run_command("--format=json", "-o", bench.path("report"), "--"), bench.environment(TMPDIR=bench.tmp), 100)
        report = harness.read_json(bench.path("report"))
        demand(not report["summary"]["leaked_threads"], f"{json.dumps(report)[:3000]}")
        demand(all(process["lost_events"] == 0 for process in report["processes"]), err)
        figure.update({"storms": 1, "processes": len(report["processes"])})
    figure.show("storms")


def stopped_and_resumed(bench):
    """A process that is stopped now and then does the same."""
    chance, figure = random.Random(SEED), Figure(0.1)

    def stop(process):
        time.sleep(chance.random() * 0.01)
        process.send_signal(signal.SIGSTOP)
        time.sleep(chance.random() * 0.01)
        process.send_signal(signal.SIGCONT)
        figure["stops"] += 1
    while figure.goes_on(1):
        err = storm(bench, bench.shim_command(), bench.env, 60, stop)
        demand(not err, err)
        figure["runs"] += 1
    figure.show("SIGSTOP and SIGCONT")


TESTS = [shim_calls, shim_calls_in_children, run_calls, disk_is_full, killed_at_any_instant, killed_reporters, storms,
         stopped_and_resumed]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
