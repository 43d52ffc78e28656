#!/usr/bin/env python3
"""`threadleak run` and the ends of processes: those that live on, those that end in a way that is not judged,
and the exit status of the run.

  tests/e2e/run_ends.py [--build DIR] [NAME...]
"""
import os
import re
import signal
import subprocess
import sys

import harness
from harness import TIMEOUT_S, demand
from tree_bench import Bench


def outlives_without_threads(bench):
    """A program, and a child that only forked: they have no ledger."""
    for kind, name, then in (("program", "sleep", "os.execvp('sleep', ['sleep', '1000'])"), ("fork", "", "signal.pause()")):
        script = ("import os, signal\n"
                  "if os.fork() == 0:\n"
                  " os.closerange(0, 3)\n"
                  " open('pid', 'w').write(str(os.getpid()))\n"
                  f" {then}\n"
                  "while not os.path.exists('pid') or not os.path.getsize('pid'): pass\n"
                  # It sleeps for nothing else: during its exec nobody would know it.
                  f"while not ('({name}' in (stat := open(f'/proc/{{open(\"pid\").read()}}/stat').read()) and ') S ' in stat): pass\n")
        try:
            bench.demand_said([sys.executable, "-c", script], r"1 process still alive, not judged: \S+ \(pid \d+\); see .*")
        finally:
            with open(bench.path("pid"), encoding="ascii") as file:
                pid = file.read()
            os.kill(int(pid), signal.SIGKILL)
            os.unlink(bench.path("pid"))
        demand(f"(pid {pid})" in bench.err, f"{kind}: not pid {pid}: {bench.err}")


def outlives(bench):
    argv = ["sh", "-c", "./stay >/dev/null 2>&1 & echo $! >pid; while ! test -e ready; do :; done"]
    bench.write("stay.py", "import threading\nthreading.Thread(target=threading.Event().wait).start()\n"
                "open('ready', 'w').close()\n")
    argv[2] = argv[2].replace("./stay", f"{sys.executable} stay.py")
    try:
        bench.demand_said(argv, r"1 process still alive, not judged: \S+ \(pid (\d+)\); see 'threadleak report \1'")
        with open(bench.path("pid"), encoding="ascii") as file:
            pid = file.read().strip()
        demand(f"(pid {pid})" in bench.err, f"not pid {pid}: {bench.err}")
        done = subprocess.run([bench.cli, "report", pid], stdout=subprocess.PIPE, check=False)
        demand(done.returncode == 0 and b"1 live thread at 1 site" in done.stdout, f"{done}")
    finally:
        with open(bench.path("pid"), encoding="ascii") as file:
            os.kill(int(file.read()), signal.SIGKILL)
    os.unlink(bench.path("ready"))
    try:
        bench.demand_said(argv, options=["-q"])
    finally:
        with open(bench.path("pid"), encoding="ascii") as file:
            os.kill(int(file.read()), signal.SIGKILL)


def exit_cut_short(bench):
    """A thread that has called exit() is no leak, also if another thread ends the process meanwhile."""
    code, _, report = bench.json([bench.target("end_exit_cut_short")])
    leaks = report["processes"][0]["leaks"]
    demand(code == 21 and [(leak["kind"], leak["count"]) for leak in leaks] == [("detached", 1)], f"{code} {leaks}")


def ends_after_command(bench):
    """One that is on its way out when COMMAND has ended, and waits for its threads there, is judged."""
    script = ("import subprocess, sys, time\n"
              "child = subprocess.Popen([sys.argv[1]], stderr=subprocess.PIPE)\n"
              "while b'destructor' not in child.stderr.readline(): pass\n"
              "while open(f'/proc/{child.pid}/stat').read().rsplit(') ')[1][0] not in 'SZ': time.sleep(0.001)\n"
              "child.returncode = 0\n")
    command = [sys.executable, "-c", script, bench.target("atexit_prints")]
    code, printed, report = bench.json(command, ["--grace=2000"])
    demand(code == 66 and not printed, f"{code} {printed}")
    leaked = [process for process in report["processes"] if process["leaks"]]
    demand(len(leaked) == 1 and leaked[0]["end"]["how"] == "exit" and leaked[0]["end"]["judged"], f"{leaked}")
    demand(leaked[0]["leaks"][0]["threads"][0]["stack"], "where it was is not known")


def unjudged_ends(bench):
    bench.demand_said(["./end_underscore_exit"], r"\./end_underscore_exit \(pid \d+\) ended by _exit with "
                      r"1 thread alive or unjoined; not counted as a leak \(--judge=_exit counts it\)", status=7)
    bench.demand_said(["./end_underscore_exit"], options=["-q"], status=7)
    bench.demand_said(["./end_underscore_exit"], options=["--report=unjoined"], status=7)
    supp = bench.write("known.supp", "thread:end_underscore_exit.c\n")
    bench.demand_said(["./end_underscore_exit"], options=[f"--suppressions={supp}"], status=7)
    bench.demand_said(["./end_signal", "TERM"], r"\./end_signal \(pid \d+\) was killed by signal 15 with "
                      r"1 thread alive or unjoined; not counted as a leak \(--judge=signal counts it\)", status=143)
    bench.demand_said(["sh", "-c", "./end_signal KILL; ./end_underscore_exit; true"],
                      r"2 processes ended by _exit,signal with 2 threads alive or unjoined; "
                      r"not counted as leaks \(--judge=_exit,signal counts them\): \./end_signal \(pid \d+\) was the first")
    bench.demand_said(["sh", "-c", "kill -9 $$"], status=137)
    bench.demand_said(["./end_underscore_exit"], r"1 leaked thread .*", options=["--judge=_exit"], status=7)


def ends_in_handler(bench):
    """_exit() while exit() is under way is judged as exit() is."""
    for when in ("early", "late", "exit"):
        bench.demand_said([bench.target("end_in_handler"), when], "1 leaked thread at 1 site, .*, exit status 6 by _exit", status=6)
        env = bench.environment(LD_PRELOAD=bench.shim)
        status, _, err = harness.call([bench.target("end_in_handler"), when], env=env)
        demand(status == 6 and "1 leaked thread" in err, f"{status} {err}")


def run_is_killed(bench):
    """What it leaves is where the man page says, and can be read."""
    directory = bench.path("runs")
    os.mkdir(directory)
    os.symlink(os.path.join(bench.targets, "wait_for_end"), bench.path("wait_for_end"))
    process = subprocess.Popen([bench.cli, "run", "--", "./wait_for_end"], cwd=bench.tmp, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, env=bench.environment(TMPDIR=directory))
    try:
        demand(process.stdout.readline() == b"up\n", "it did not start")
        process.kill()
        process.wait()
        left = os.listdir(directory)
        demand(len(left) == 1 and re.fullmatch(r"threadleak\.\w{6}", left[0]), f"left {left}")
        done = subprocess.run([bench.cli, "report", os.path.join(directory, left[0])], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=TIMEOUT_S, check=False)
        demand(done.returncode == 0 and b"1 live thread at 1 site" in done.stdout, f"{done}")
    finally:
        process.stdin.close()


def exitcode_key(bench):
    def status(key, *options):
        return bench.run(["./running"], ["-q", *options], bench.environment(THREADLEAK_OPTIONS=key))[0]
    demand(status("") == 66, "the default is another")
    demand(status("exitcode=7") == 7, "exitcode= is not honoured")
    demand(status("exitcode=7:exitcode=9") == 9, "the later does not win")
    demand(status("exitcode=7", "--error-exitcode=5") == 5, "the option does not win")
    demand(status("exitcode=7", "--error-exitcode=0") == 0, "the option does not win")
    demand(status("exitcode=0") == 0, "exitcode=0 is not honoured")
    demand(bench.run(["./clean"], env=bench.environment(THREADLEAK_OPTIONS="exitcode=7"))[0] == 0, "nothing leaked")


def death_tests(bench):
    """The process of a death test ends in the middle of a test on purpose; an ordinary child does not."""
    for style, status in (("fast", 0), ("threadsafe", 0), ("none", 66)):
        code, printed = bench.run(["./death_test", style])
        demand(code == status and bool(printed) == bool(status), f"{style}: {code} {printed}")
        env = bench.environment(LD_PRELOAD=bench.shim)
        _, _, err = harness.call(["./death_test", style], env=env, cwd=bench.tmp)
        demand(("leaked thread" in err) == bool(status), f"{style}, LD_PRELOAD: {err}")


TESTS = [run_is_killed, outlives_without_threads, outlives, ends_after_command, unjudged_ends, ends_in_handler, exitcode_key, death_tests, exit_cut_short]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
