#!/usr/bin/env python3
"""`threadleak run --timeout`, and signals that come when COMMAND has ended.

  tests/e2e/run_timeout.py [--build DIR] [NAME...]
"""
import contextlib
import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import termios
import time

import harness
from harness import TIMEOUT_S, demand, threads_of


class Bench(harness.Bench):
    def __init__(self, build):
        super().__init__(build)
        self.waits = self.target("waits")
        self.static = self.target("static_program")
        self.env.update(TMP=self.tmp, WAITS=self.waits, MARK=f"mark-{os.path.basename(self.tmp)}")

    def argv(self, script, seconds, *options):
        """Removes what an earlier run left."""
        for name in ("up", "stopped", "pid"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path(name))
        return [self.cli, "run", f"--timeout={seconds}", *options, "--", "sh", "-c", script]

    def shell(self, script, is_ready=None, seconds=0.5):
        """Status and the report as JSON; and nobody is left alive afterwards.  `is_ready`: what the time limit should find."""
        output = self.path("report.json")
        # A pipe would be waited for as long as whoever is left holds it.
        with open(self.path("stderr"), "wb") as err:
            status, _ = harness.limited(lambda seconds: self.argv(script, seconds, "--format=json", "-o", output),
                                        is_ready and (lambda _: is_ready()), seconds, env=self.env, stderr=err)
        demand(not self.left(), f"left alive: {self.left()}")
        return status, harness.read_json(output)

    def has(self, name):
        """A file that the script fills."""
        return os.path.exists(self.path(name)) and os.path.getsize(self.path(name)) > 0

    def sleeps(self):
        """How many sleep(1) are in the run."""
        count = 0
        for pid in self.left():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                count += file.read() == "sleep\n"
        return count

    def left(self):
        """Processes that have this test's mark in their environment."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as environ:
                    mine = self.env["MARK"].encode() in environ.read()
                if mine and harness.state_of(pid) not in "ZX":
                    found.append(int(pid))
            except OSError:
                continue
        return found

    def end_left(self):
        for pid in self.left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def end(self):
        self.end_left()
        super().end()


def stacks_of(report):
    """Function names of every thread's current stack, by the program's name."""
    stacks = {}
    for process in report["processes"]:
        name = os.path.basename(process["exe"] or "?")
        threads = threads_of(process) + process["untracked"]
        for thread in threads + ([process["main"]] if process["main"] else []):
            stacks.setdefault(name, []).append([frame["function"] for frame in thread["stack"]])
    return stacks


def check_timed_out(status, report):
    demand(status == 124, f"status {status}")
    demand(report.get("timed_out") is True, "not printed to have timed out")


def every_thread_with_its_stack(bench):
    status, report = bench.shell('"$WAITS" stay </dev/zero >"$TMP/up" & wait', lambda: bench.has("up"))
    check_timed_out(status, report)
    stacks = stacks_of(report)
    demand(len(stacks["waits"]) == 14, f"{len(stacks['waits'])} threads")
    for function in ("wait_for_job", "want_lock", "join_holder", "main"):
        demand(any(function in stack for stack in stacks["waits"]), f"nobody in {function}")
    demand(any("main" in stack or len(stack) > 1 for stack in stacks.get("dash", stacks.get("bash", []))),
           "no stack of the shell")


def in_time_is_as_ever(bench):
    status, report = bench.shell("exit 7", seconds=100)
    demand(status == 7 and "timed_out" not in report, f"status {status}")
    status, report = bench.shell('exec "$WAITS"', seconds=100)
    demand(status == 66 and report["summary"]["leaked_threads"] == 13, f"status {status}")


def deaf_to_sigterm(bench):
    status, report = bench.shell('trap "" TERM INT HUP; while :; do sleep 1; done', lambda: bench.sleeps() == 1)
    check_timed_out(status, report)


def stopped(bench):
    status, report = bench.shell('(until test -s "$TMP/up"; do sleep 0.02; done; kill -STOP $$; echo >"$TMP/stopped") & '
                                 'exec "$WAITS" stay </dev/zero >"$TMP/up"', lambda: bench.has("stopped"))
    check_timed_out(status, report)
    demand(len(stacks_of(report)["waits"]) == 14, "not all threads of the stopped one")


SPINNER = """trap 'echo > "$TMP/got_term"; exit' TERM; "$WAITS" stay </dev/zero >"$TMP/up" &
until test -s "$TMP/up"; do sleep 0.02; done; echo $$ >"$TMP/pid"; while :; do :; done"""


@contextlib.contextmanager
def printing(bench, seconds):
    """A run whose time is over, and which cannot print on because nobody reads its pipe."""
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    with subprocess.Popen(bench.argv(SPINNER, seconds), env=bench.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=write) as run, open(read, "rb") as pipe:
        os.close(write)
        try:
            harness.wait_until(lambda: struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"1234"))[0] > 0)
            yield run, pipe
        finally:
            run.kill()


@contextlib.contextmanager
def blocked_in_print(bench):
    """As printing(), with all facts taken, and the pid of the shell that spins."""
    for seconds in (0.5, 2, 8, 32):  # more, if the shell does not come that far
        with printing(bench, seconds) as (run, pipe):
            if bench.has("pid"):
                yield run, pipe, int(bench.read("pid"))
                return
        bench.end_left()
    raise harness.Wrong("the shell did not start")


def stopped_until_sigterm(bench):
    with blocked_in_print(bench) as (run, pipe, spinner):
        demand(harness.state_of(spinner) == "t", f"the spinning shell is in state {harness.state_of(spinner)}")
        demand(not os.path.exists(bench.path("got_term")), "SIGTERM came before the report")
        text = pipe.read().decode()
        demand(run.wait(TIMEOUT_S) == 124 and "now in" in text, text)
    demand(os.path.exists(bench.path("got_term")), "the handler of SIGTERM did not run")
    demand(not bench.left(), f"left alive: {bench.left()}")


def goes_on_if_the_run_dies(bench):
    with blocked_in_print(bench) as (run, _, spinner):
        run.kill()
        run.wait()
        harness.wait_until(lambda: harness.state_of(spinner) in "RS")
    bench.end_left()


def grandchildren_of_other_sessions(bench):
    status, report = bench.shell('(setsid sh -c "trap \'\' TERM; exec sleep 500" &) ; '
                                 'setsid sh -c "sleep 500 & exit" ; sleep 500', lambda: bench.sleeps() == 3)
    check_timed_out(status, report)
    demand(len(stacks_of(report).get("sleep", [])) == 3, f"{stacks_of(report).keys()}")


def static_grandchild(bench):
    status, report = bench.shell('env -i MARK="$MARK" sleep 500 & sleep 500', lambda: bench.sleeps() == 2)
    check_timed_out(status, report)
    unwatched = [process for process in report["processes"] if not process["watched"]]
    demand(len(unwatched) == 1 and unwatched[0]["main"]["stack"], f"{len(unwatched)} not watched")


def breeding(bench):
    status, report = bench.shell('trap "" TERM; while :; do sh -c "trap \'\' TERM; sleep 500" & '
                                 'sleep 0.02; done', lambda: bench.sleeps() > 10)
    check_timed_out(status, report)


def ends_at_that_moment(bench):
    for ms in range(40, 120, 8):
        status, report = bench.shell("sleep 0.08", seconds=ms / 1000)
        demand(status in (0, 124) and (status == 124) == ("timed_out" in report), f"status {status} at {ms} ms")


def text_says_so_first(bench):
    output = bench.path("text")

    def text_of(script):
        status, seconds = harness.limited(lambda seconds: bench.argv(script, seconds, "-o", output),
                                          lambda run: harness.is_asleep(run.pid) and bench.sleeps() == 1, env=bench.env,
                                          stderr=subprocess.DEVNULL)
        text = bench.read("text")
        demand(status == 124 and text.startswith(f"threadleak: timed out after {float(seconds)} s"), f"{status} {text}")
        return text
    text = text_of("exec sleep 500")
    demand("now in sleep" in text, text)
    text = text_of("sleep 500; true")
    demand(text.count(", alive\n") == 2, text)
    demand("\n\n\n" not in text, f"two empty lines: {text}")


def bad_durations(bench):
    for value in ("", "x", "5x", "-3", "0", "1e9h", "inf", "nan", "5 s", "s"):
        status, _, printed = harness.call([bench.cli, "run", f"--timeout={value}", "--", "true"], env=bench.env)
        lines = printed.splitlines()
        demand(status == 125 and len(lines) == 1 and f"--timeout={value} is not" in lines[0],
               f"{value!r}: status {status}, {lines}")


with open(os.path.join(harness.ROOT, "cli", "run", "child.h"), encoding="utf-8") as header:
    REPEATED_S = int(re.search(r"RUN_CHILD_GRACE_S (\d+)", header.read()).group(1))


def signalled_twice(bench):
    """As timeout(1) does: the signal goes to the process and to its group."""
    for _ in range(20):
        output = bench.path("twice.json")
        process = subprocess.Popen([bench.cli, "run", "--format=json", "--judge=all", "-o", output, "--", bench.waits, "stay"],
                                   env=bench.env, stdin=open("/dev/zero", "rb"), stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, start_new_session=True)
        demand(process.stdout.readline() == b"up\n", "it did not come up")
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(TIMEOUT_S)
        process.stdout.close()
        if process.returncode == -signal.SIGTERM and time.monotonic() - began > REPEATED_S:
            continue  # on a busy machine the second signal can come so late that it is one of its own
        demand(harness.read_json(output)["summary"]["leaked_threads"] == 13, "leaks")
        os.unlink(output)


def interrupted_by_hand(bench):
    """The terminal's Ctrl-C goes to all of the group; COMMAND handles it, and ends after the second one."""
    script = """
once() { trap twice INT; echo once; }
twice() { trap "" INT; "$WAITS"; exit 3; }
trap once INT; echo up; while :; do sleep 0.05; done"""
    process = subprocess.Popen([bench.cli, "run", "--", "sh", "-c", script], env=bench.env, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    for line in b"up\n", b"once\n":
        demand(process.stdout.readline() == line, f"not {line}")
        os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=TIMEOUT_S)
    demand(b"13 leaked threads" in err, err.decode())
    demand(process.returncode == 3, f"status {process.returncode}")


TESTS = [every_thread_with_its_stack, in_time_is_as_ever, deaf_to_sigterm, stopped,
         stopped_until_sigterm, goes_on_if_the_run_dies, grandchildren_of_other_sessions,
         static_grandchild, breeding, ends_at_that_moment, text_says_so_first, bad_durations, signalled_twice,
         interrupted_by_hand]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
