#!/usr/bin/env python3
"""Threads that are alive at the end: without the shim they would be gone. While the shim waits and reports, they do not
change the exit status or run the program's handlers, and no output is lost.

  tests/e2e/after_end.py [--build DIR] [NAME...]
"""
import os
import re
import shutil
import signal
import subprocess
import sys

import harness
import tree_bench
from harness import TIMEOUT_S, demand, wait_until

GRACE = "grace_ms=600000"  # it is over when no thread can go on
REPORT = "threadleak: 1 leaked thread at 1 site"


def ends(bench, *argv, options="", more=(), status=5):
    """Its standard output and error, with the report of one leaked thread."""
    env = bench.environment(LD_PRELOAD=bench.shim, THREADLEAK_OPTIONS=options or GRACE)
    done = harness.call([bench.target("after_end"), *argv, *more], env=env)
    demand(done[0] == status, done)
    return done[1:]


def acts(bench, what):
    out, err = ends(bench, what)
    demand(out == "done\n" and err.startswith("acted\n" + REPORT), err)
    demand("handler of the program" not in err, err)
    code, _, report = bench.json([bench.target("after_end"), what], ["--grace=600000"])
    demand(code == 5 and report["summary"]["leaked_threads"] == 1, f"{code} {bench.err}")


def kill(bench):
    acts(bench, "kill")


def alarm(bench):
    acts(bench, "alarm")


def broken_pipe(bench):
    acts(bench, "pipe")


def waits_for_signals(bench):
    for what in ("sigwait", "sigwaitinfo", "sigtimedwait"):
        err = ends(bench, what)[1]
        demand("acted" in err and "received" not in err and "2 leaked threads" in err, err)


def dispositions(bench):
    acts(bench, "set")


def children(bench):
    acts(bench, "children")


def fault(bench):
    for what, name, leaf in (("fault", "SIGSEGV", "fault"), ("abort", "SIGABRT", None)):
        out, err = ends(bench, what)
        demand(out == "done\n" and REPORT in err, err)
        demand(re.search(rf"^  took {name} after the end began, at$", err, re.MULTILINE), err)
        demand("restore_rt" not in err, err)
        demand(not leaf or re.search(rf"took .*\n  [ >] {leaf} ", err), err)
        report = bench.json([bench.target("after_end"), what], ["--grace=600000"])[2]
        thread = report["processes"][0]["leaks"][0]["threads"][0]
        demand(thread["fault"]["signal"] == name and thread["fault"]["frame"], thread)
        # Without its stack the place is known, too.
        err = ends(bench, what, options=GRACE + ":stacks=0")[1]
        demand(re.search(rf"^  took {name} after the end began, at\n  ", err, re.MULTILINE), err)


def fault_of_an_untracked_thread(bench):
    report = bench.json([bench.target("after_end"), "untracked"], ["--grace=600000"])[2]
    thread, = report["processes"][0]["untracked"]
    demand(thread["fault"]["signal"] == "SIGSEGV" and thread["fault"]["frame"]["function"] == "fault", thread)
    demand("took SIGSEGV after the end began" in ends(bench, "untracked")[1], "not in the text")


def fault_without_the_program(bench):
    """The shim alone, as where threadleak is not installed."""
    alone = harness.copy(bench.shim, bench.tmp)
    for what in ("fault", "untracked"):
        env = bench.environment(LD_PRELOAD=alone, THREADLEAK_OPTIONS=GRACE)
        status, _, err = harness.call([bench.target("after_end"), what], env=env)
        demand(status == 5 and re.search(rf"^tid \d+ took signal {int(signal.SIGSEGV)} after the end began, at\n    .*after_end\+0x\w+",
                                         err, re.MULTILINE), (status, err))


# ---- locks and output ----------------------------------------------------------------------

def lock_of_stdout(bench):
    for options in ("grace_ms=100", "grace_ms=0"):
        out, err = ends(bench, "stdout", options=options)
        demand(out == "done\n" and err.startswith(REPORT), f"{out} {err}")
    code, _, report = bench.json([bench.target("after_end"), "stdout"], ["--grace=100"])
    demand(code == 5 and report["summary"]["leaked_threads"] == 1, f"{code} {bench.err}")


def lock_of_malloc(bench):
    for _ in range(50 if harness.SOAK else 5):
        out, err = ends(bench, "malloc", options="grace_ms=0")
        demand(out == "done\n" and "4 leaked threads" in err, err)


def cancelled(bench):
    """The flush of exit() is a cancellation point. Here it runs on a stack of the shim."""
    acts(bench, "cancelled")


def position_of_input(bench):
    """exit() sets the position of standard input back to what was read."""
    lines = bench.write("lines", "one\ntwo\n")
    script = f"exec 0<{lines}; LD_PRELOAD=$SHIM {bench.target('after_end')} fault read; cat"
    for shim in ("", bench.shim):
        env = bench.environment(THREADLEAK_OPTIONS="grace_ms=0", SHIM=shim)
        out, err = harness.call(["sh", "-c", script], env=env)[1:]
        demand(out == "done\ntwo\n" and (REPORT in err) == bool(shim), f"{out} {err}")


def closed_output(bench):
    """exit()'s flush raises SIGPIPE: the process is reported, and ends so."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    process = subprocess.Popen([bench.target("after_end"), "kill"], stdout=write_end, stderr=subprocess.PIPE,
                               env=bench.environment(LD_PRELOAD=bench.shim, THREADLEAK_OPTIONS=GRACE))
    os.close(write_end)
    err = process.communicate(timeout=TIMEOUT_S)[1].decode()
    demand(process.returncode == -signal.SIGPIPE and REPORT in err, f"{process.returncode} {err}")


def late_output(bench):
    """What a thread prints after the end stays in the buffer, as without the shim."""
    done = ends(bench, "print", options="grace_ms=0")
    demand(REPORT in done[1], done[1])


# ---- the end cut short -------------------------------------------------------------------------

def cut(bench, number, *, shim=None, options=GRACE, wait_for=b"acted\n", run=False):
    argv = [bench.target("after_end"), "stay"]
    env = bench.environment(THREADLEAK_OPTIONS=options, **({} if run else {"LD_PRELOAD": shim or bench.shim}))
    if run:
        argv = [bench.cli, "run", "--grace=600000", "--", *argv]
    process = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    lines = []
    while not lines or lines[-1] != wait_for:
        lines.append(process.stderr.readline())
        demand(lines[-1], f"{lines}")
    pid = process.pid
    if run:
        pid = harness.child_of(pid)
    os.kill(pid, number)
    out, err = process.communicate(timeout=TIMEOUT_S)
    demand(process.returncode == 5 and out == b"done\n", f"{process.returncode} {out} {err}")
    return err.decode()


def cut_in_grace(bench):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        err = cut(bench, number)
        demand(err == "", err)
    err = cut(bench, signal.SIGTERM, run=True)
    demand("leaked thread" not in err, err)


def with_reporter(bench, script):
    """A shim that starts this instead of threadleak."""
    directory = bench.path("other")
    os.makedirs(directory, exist_ok=True)
    harness.copy(bench.shim, directory)
    reporter = os.path.join(directory, "threadleak")
    with open(reporter, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\n" + script)
    os.chmod(reporter, 0o755)
    return os.path.join(directory, "libthreadleak.so")


def cut_in_report(bench):
    """The reporter ends, too."""
    shim = with_reporter(bench, f"echo $$ >{bench.path('pid')}\necho reports >&2\nexec sleep 100000\n")
    err = cut(bench, signal.SIGTERM, shim=shim, options="grace_ms=0", wait_for=b"reports\n")
    demand("leaked" not in err, err)
    with open(bench.path("pid"), encoding="ascii") as file:
        pid = int(file.read())
    wait_until(lambda: not os.path.exists(f"/proc/{pid}") or harness.state_of(pid) in "XZ")


def other_signals_of_others(bench):
    """They do nothing."""
    argv = [bench.target("after_end"), "stay"]
    process = subprocess.Popen(argv, env=bench.environment(THREADLEAK_OPTIONS="grace_ms=3000", LD_PRELOAD=bench.shim),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    demand(process.stderr.readline() == b"acted\n", "not ready")
    for number in (signal.SIGALRM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE, signal.SIGSEGV, signal.SIGTSTP,
                   signal.SIGTTOU, signal.SIGRTMIN + 3):
        process.send_signal(number)
    err = process.communicate(timeout=TIMEOUT_S)[1].decode()
    demand(process.returncode == 5 and err.startswith(REPORT) and "took" not in err, f"{process.returncode} {err}")


def reporter_is_killed(bench):
    shim = with_reporter(bench, "kill -KILL $$\n")
    env = bench.environment(LD_PRELOAD=shim, THREADLEAK_OPTIONS="grace_ms=0")
    status, _, err = harness.call([bench.target("after_end"), "kill"], env=env)
    demand(status == 5 and "running x1" in err and "could not" in err, err)


# ---- sanitizers ----------------------------------------------------------------------------------

def sanitized(bench):
    """The program with a memory leak, from each compiler here, with what has to be preloaded before the shim."""
    source = os.path.join(harness.ROOT, "tests", "targets", "memory_leak.c")
    for compiler, flags in (("gcc", ["-fsanitize=address"]), ("gcc", ["-fsanitize=leak"]), ("clang", ["-fsanitize=address"]),
                            ("clang", ["-fsanitize=address", "-no-pie"]), ("clang", ["-fsanitize=leak"])):
        program = bench.path("memory_leak")
        if not shutil.which(compiler) or harness.compile_once(compiler, source, program, "-D_GNU_SOURCE", "-pthread", *flags).returncode:
            continue
        library = {"-fsanitize=address": "libasan.so", "-fsanitize=leak": "liblsan.so"}[flags[0]]
        before = harness.call(["gcc", f"-print-file-name={library}"])[1].strip() + " " if compiler == "gcc" else ""
        yield f"{compiler} {flags}", program, before


def sanitizers(bench):
    """LeakSanitizer ends the process in the middle of exit(); both leaks are reported."""
    known = 0
    for name, program, before in sanitized(bench):
        bare = harness.call([program], env=bench.environment())
        if "memory leaks" not in bare[2]:
            continue  # LeakSanitizer does not work in this sandbox or under this tracer
        known += 1
        env = bench.environment(LD_PRELOAD=before + bench.shim)
        status, _, err = harness.call([program], env=env)
        demand(status == bare[0] and "memory leaks" in err and REPORT in err, f"{name} {status} {err}")
        code, _, report = bench.json([program], [])
        demand(code == bare[0] and report["summary"]["leaked_threads"] == 1, f"{name} {code} {bench.err}")
        demand(report["processes"][0]["end"]["judged"] and report["processes"][0]["end"]["status"] == code, report)
        # The program's own callback is kept. Then only `run` knows that the end was that of exit().
        done = harness.call([program, "own"], env=env)
        demand(done[0] == bare[0] and "own callback" in done[2], f"{name} {done}")
        code, _, report = bench.json([program, "own"], [])
        demand(code == bare[0] and report["summary"]["leaked_threads"] == 1, f"{name} {code} {bench.err}")
    if not known:
        raise harness.Skip("no LeakSanitizer here")


def thread_sanitizer(bench):
    """Its own end comes after ours: the status stays, and it says what it found."""
    source = os.path.join(harness.ROOT, "tests", "targets", "data_race.c")
    program, known = bench.path("data_race"), 0
    for compiler in ("gcc", "clang"):
        flags = ("-D_GNU_SOURCE", "-g", "-pthread", "-fsanitize=thread")
        if not shutil.which(compiler) or harness.compile_once(compiler, source, program, *flags).returncode:
            continue
        env = bench.environment(TSAN_OPTIONS="exitcode=31 atexit_sleep_ms=0")
        bare = harness.call([program], env=env)
        if bare[0] != 31:
            continue  # ThreadSanitizer does not work with this kernel's addresses
        known += 1
        status, _, err = harness.call([program], env=dict(env, LD_PRELOAD=bench.shim))
        demand(status == 31 and "reported 1 warnings" in err and REPORT in err, f"{compiler} {status} {err}")
    if not known:
        raise harness.Skip("no ThreadSanitizer here")


# ---- how long the wait is ------------------------------------------------------------------------

def over_when_nobody_can_go_on(bench):
    env = bench.environment(LD_PRELOAD=bench.shim, THREADLEAK_OPTIONS=GRACE)
    for what, leaks in (("condition", 1), ("join", 2), ("ended", 1)):
        status, _, err = harness.call([bench.target("quiet"), what], env=env)
        demand(status == 0 and f"threadleak: {leaks} leaked thread" in err, err)


def goes_on_while_one_can(bench):
    """A timeout, a timer's thread, another process and each other can wake threads."""
    env = bench.environment(LD_PRELOAD=bench.shim, THREADLEAK_OPTIONS=GRACE)
    for what in ("timeout", "timer", "process", "others"):
        done = harness.call([bench.target("quiet"), what], env=env)
        demand(done == (0, "", ""), f"{what}: {done}")


def times_are_of_one_moment(bench):
    """The stacks are taken when the grace is over. What they say of time is of the end, as the age is."""
    code, _, report = bench.json([bench.target("wait_until"), "exit"], ["--grace=1000", "--no-default-suppressions"])
    timed = [thread for thread in harness.threads_of(report["processes"][0]) if (thread["waiting"] or {}).get("left_s") is not None]
    demand(code == 66 and len(timed) == 1, f"{code} {report}")
    left, age = timed[0]["waiting"]["left_s"], timed[0]["age_s"]
    demand(left + age > 86400 - 0.1 and left < 86400 + 0.1, f"{left} s of a day are left, alive {age} s")
    demand(f", {left:.0f} s left" in timed[0]["waiting"]["text"], timed[0]["waiting"])


TESTS = [times_are_of_one_moment, kill, alarm, broken_pipe, waits_for_signals, dispositions, children, fault, fault_of_an_untracked_thread,
         fault_without_the_program, lock_of_stdout, lock_of_malloc, cancelled, position_of_input,
         closed_output, late_output, cut_in_grace, cut_in_report, other_signals_of_others, reporter_is_killed,
         sanitizers, thread_sanitizer, over_when_nobody_can_go_on, goes_on_while_one_can]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, tree_bench.Bench))
