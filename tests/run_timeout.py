#!/usr/bin/env python3
"""`threadleak run --timeout`, and signals that come when COMMAND has ended.

  tests/run_timeout.py [--build DIR] [NAME...]
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TIMEOUT_S = 60


class Wrong(Exception):
    pass


def demand(is_so, text):
    if not is_so:
        raise Wrong(text)


class Bench:
    def __init__(self, build):
        self.cli = os.path.join(build, "threadleak")
        self.waits = os.path.join(build, "targets", "waits")
        self.static = os.path.join(build, "targets", "static_program")
        self.tmp = tempfile.mkdtemp(prefix="threadleak-timeout-")
        self.env = {key: value for key, value in os.environ.items()
                    if not key.startswith(("THREADLEAK", "LD_", "MAKE"))}
        self.env.update(LC_ALL="C", TMP=self.tmp, WAITS=self.waits, MARK=f"threadleak-timeout-{os.getpid()}")

    def path(self, name):
        return os.path.join(self.tmp, name)

    def shell(self, script, *options, timeout="1s"):
        """Status, the report as JSON, what was said; and nobody is left alive afterwards."""
        output = self.path("report.json")
        argv = [self.cli, "run", f"--timeout={timeout}", "--format=json", "-o", output, *options,
                "--", "sh", "-c", script]
        with open(self.path("stderr"), "w+", encoding="utf-8") as err:
            done = subprocess.run(argv, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err,
                                  timeout=TIMEOUT_S, check=False)
            err.seek(0)
            said = err.read()
        demand(not self.left(), f"left alive: {self.left()}")
        with open(output, encoding="utf-8") as file:
            return done.returncode, json.load(file), said

    def left(self):
        """Processes that have this test's mark in their environment."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as environ, open(f"/proc/{pid}/stat", "rb") as stat:
                    mine = self.env["MARK"].encode() in environ.read()
                    state = stat.read().rsplit(b") ", 1)[1][:1]
            except OSError:
                continue
            if mine and state not in b"ZX":
                found.append(int(pid))
        return found


def stacks_of(report):
    """Function names of every thread's present stack, by the program's name."""
    stacks = {}
    for process in report["processes"]:
        name = os.path.basename(process["exe"] or "?")
        threads = [thread for leak in process["leaks"] for thread in leak["threads"]] + process["untracked"]
        for thread in threads + ([process["main"]] if process["main"] else []):
            stacks.setdefault(name, []).append([frame["function"] for frame in thread["stack"]])
    return stacks


def check_timed_out(status, report):
    demand(status == 124, f"status {status}")
    demand(report.get("timed_out") is True, "not said to have timed out")


def every_thread_with_its_stack(bench):
    status, report, _ = bench.shell('"$WAITS" stay </dev/zero & wait')
    check_timed_out(status, report)
    stacks = stacks_of(report)
    demand(len(stacks["waits"]) == 14, f"{len(stacks['waits'])} threads")
    for function in ("wait_for_job", "want_lock", "join_holder", "main"):
        demand(any(function in stack for stack in stacks["waits"]), f"nobody in {function}")
    demand(any("main" in stack or len(stack) > 1 for stack in stacks.get("dash", stacks.get("bash", []))),
           "no stack of the shell")


def in_time_is_as_ever(bench):
    status, report, _ = bench.shell("exit 7", timeout="50s")
    demand(status == 7 and "timed_out" not in report, f"status {status}")
    status, report, _ = bench.shell('exec "$WAITS"', timeout="50s")
    demand(status == 66 and report["summary"]["leaked_threads"] == 13, f"status {status}")


def deaf_to_sigterm(bench):
    status, report, _ = bench.shell('trap "" TERM INT HUP; while :; do sleep 1; done')
    check_timed_out(status, report)


def stopped(bench):
    status, report, _ = bench.shell('(sleep 0.2; kill -STOP $$) & exec "$WAITS" stay </dev/zero')
    check_timed_out(status, report)
    demand(len(stacks_of(report)["waits"]) == 14, "not all threads of the stopped one")


def grandchildren_of_other_sessions(bench):
    status, report, _ = bench.shell('(setsid sh -c "trap \'\' TERM; exec sleep 500" &) ; '
                                    'setsid sh -c "sleep 500 & exit" ; sleep 500')
    check_timed_out(status, report)
    demand(len(stacks_of(report).get("sleep", [])) == 3, f"{stacks_of(report).keys()}")


def static_grandchild(bench):
    status, report, _ = bench.shell(f'env -i MARK="$MARK" sleep 500 & sleep 500')
    check_timed_out(status, report)
    unwatched = [process for process in report["processes"] if not process["watched"]]
    demand(len(unwatched) == 1 and unwatched[0]["main"]["stack"], f"{len(unwatched)} not watched")


def breeding(bench):
    status, report, _ = bench.shell('trap "" TERM; while :; do sh -c "trap \'\' TERM; sleep 500" & '
                                    'sleep 0.02; done', timeout="700ms")
    check_timed_out(status, report)


def ends_at_that_moment(bench):
    for ms in range(40, 120, 8):
        status, report, _ = bench.shell("sleep 0.08", timeout=f"{ms}ms")
        demand(status in (0, 124) and (status == 124) == ("timed_out" in report), f"status {status} at {ms} ms")


def text_says_so_first(bench):
    done = subprocess.run([bench.cli, "run", "--timeout=0.5", "--", "sleep", "500"], env=bench.env,
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=TIMEOUT_S, check=False)
    text = done.stderr.decode()
    demand(done.returncode == 124, f"status {done.returncode}")
    demand(text.startswith("threadleak: timed out after 0.5 s"), text)
    demand("now in sleep" in text, text)
    done = subprocess.run([bench.cli, "run", "--timeout=0.5", "--", "sh", "-c", "sleep 500; true"], env=bench.env,
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=TIMEOUT_S, check=False)
    text = done.stderr.decode()
    demand(done.returncode == 124 and text.count(", alive\n") == 2, text)
    demand("\n\n\n" not in text, f"two empty lines: {text}")


def bad_durations(bench):
    for value in ("", "x", "5x", "-3", "0", "1e9h", "inf", "nan", "5 s", "s"):
        done = subprocess.run([bench.cli, "run", f"--timeout={value}", "--", "true"], env=bench.env,
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=TIMEOUT_S, check=False)
        lines = done.stderr.decode().splitlines()
        demand(done.returncode == 125 and len(lines) == 1 and f"--timeout={value} is not" in lines[0],
               f"{value!r}: status {done.returncode}, {lines}")


def signalled_twice(bench):
    """timeout(1) sends its signal to the process and to its group."""
    timeout = shutil.which("timeout")
    demand(timeout, "no timeout(1)")
    for _ in range(20):
        output = bench.path("twice.json")
        subprocess.run([timeout, "0.3", bench.cli, "run", "--format=json", "--judge=all", "-o", output, "--",
                        bench.waits, "stay"], env=bench.env, stdin=open("/dev/zero", "rb"), stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=TIMEOUT_S, check=False)
        with open(output, encoding="utf-8") as file:
            demand(json.load(file)["summary"]["leaked_threads"] == 13, "leaks")
        os.unlink(output)


def interrupted_by_hand(bench):
    """The terminal's Ctrl-C goes to all of the group; COMMAND looks after it."""
    process = subprocess.Popen([bench.cli, "run", "--", "sh", "-c",
                                'trap "\\"$WAITS\\"; exit 3" INT; echo up; while :; do sleep 0.05; done'],
                               env=bench.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True)
    demand(process.stdout.readline() == b"up\n", "not up")
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=TIMEOUT_S)
    demand(b"13 leaked threads" in err, err.decode())
    demand(process.returncode == 3, f"status {process.returncode}")


TESTS = [every_thread_with_its_stack, in_time_is_as_ever, deaf_to_sigterm, stopped, grandchildren_of_other_sessions,
         static_grandchild, breeding, ends_at_that_moment, text_says_so_first, bad_durations, signalled_twice,
         interrupted_by_hand]


def run_test(test, build):
    bench = Bench(build)
    try:
        test(bench)
        return True
    except (Wrong, subprocess.TimeoutExpired, KeyError, OSError, ValueError) as wrong:
        print(f"FAIL run_timeout: {test.__name__}: {wrong!r}")
        return False
    finally:
        for pid in bench.left():
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(bench.tmp)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    build = os.path.join(ROOT, arguments.build)
    tests = [test for test in TESTS if not arguments.names or test.__name__ in arguments.names]
    passed = sum(run_test(test, build) for test in tests)
    print(f"{passed} passed, {len(tests) - passed} failed, 0 skipped")
    return passed != len(tests)


if __name__ == "__main__":
    sys.exit(main())
