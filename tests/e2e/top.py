#!/usr/bin/env python3
"""threadleak top: the creation sites of a live process, as lines and in a terminal.

  tests/e2e/top.py [--build DIR] [NAME...]
"""
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import harness
from attach import Target
from harness import TIMEOUT_S, demand, need
from namespaces import INSIDE, child_of, need_namespaces



class Bench(harness.Bench):
    @contextlib.contextmanager
    def running(self, watched=True):
        self.env = self.environment(**({"LD_PRELOAD": self.shim} if watched else {}))
        target = Target(self)
        self.env.pop("LD_PRELOAD", None)
        try:
            yield target
        finally:
            target.end()

    def top(self, *argv):
        return harness.call([self.cli, "top", *argv], env=self.env)

    @contextlib.contextmanager
    def terminal(self, pid, rows=24, columns=80, interval="100ms"):
        screen = Screen([self.cli, "top", f"--interval={interval}", str(pid)], self.environment(TERM="xterm"), rows, columns)
        try:
            yield screen
        finally:
            screen.end()


def set_size(terminal, rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


class Screen:
    """A terminal of which all that was ever written is kept, without the sequences that move the cursor."""

    def __init__(self, argv, env, rows, columns):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            set_size(0, rows, columns)  # before it begins: the parent may be slower
            os.execve(argv[0], argv, env)
        self.text = ""

    def resize(self, rows, columns):
        set_size(self.terminal, rows, columns)

    def wait_for(self, pattern):
        """Text that comes from now on."""
        end = time.monotonic() + TIMEOUT_S
        while not re.search(pattern, self.text):
            ready = select.select([self.terminal], [], [], max(0, end - time.monotonic()))[0]
            demand(ready, f"{pattern!r} did not come: {self.text[-2000:]!r}")
            try:
                self.text += re.sub(r"\x1b(\[[0-9;?]*[a-zA-Z]|[()][0-9A-B]|[=>])", "\n",
                                    os.read(self.terminal, 65536).decode(errors="replace"))
            except OSError:
                raise harness.Wrong(f"it ended before {pattern!r}: {self.text[-2000:]!r}") from None
        self.text = ""

    def press(self, keys):
        os.write(self.terminal, keys.encode())

    def status(self):
        """Of its end; what it still writes is read, because it waits for that."""
        with contextlib.suppress(OSError):
            while os.read(self.terminal, 65536):
                pass
        status = os.waitpid(self.pid, 0)[1]
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def end(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.terminal)


def rows_of(printed):
    """Of the last sample: {(creator, its caller): [alive, unjoined]}"""
    rows = {}
    for line in printed.rstrip("\n").split("\n\n")[-1].splitlines()[3:]:
        alive, unjoined, _, _, _, creator, _, caller = line.split()[:8]
        rows[creator, caller] = [int(alive), int(unjoined)]
    return rows


def lines(bench):
    with bench.running() as target:
        target.do("uurbm")
        code, out, err = bench.top("--batch", "--count=2", "--interval=100ms", str(target.pid))
    demand(code == 0 and not err and out.count("threadleak top: ") == 2, f"{code} {err} {out}")
    rows = rows_of(out)
    demand(rows["create", "make_unjoined"] == [0, 2] and rows["make_born_detached", "do_one"] == [1, 0], rows)
    demand("unjoined 2" in out and "created 1005" in out, out)
    demand(re.findall(r"^threads .*?  (\S+)/min", out, re.M) == ["-", "0"], f"one sample has no rise: {out}")


def rise(bench):
    """What grows is counted by site."""
    with bench.running() as target:
        process = subprocess.Popen([bench.cli, "top", "--batch", "--interval=100ms", str(target.pid)], env=bench.env,
                                   text=True, stdout=subprocess.PIPE)
        for line in process.stdout:
            target.do("u")
            if re.match(r" +0 +\d+ +\+[\d.]+ .*make_unjoined", line):
                break
        process.kill()
        process.communicate()
        demand(process.returncode == -signal.SIGKILL, "no rise was printed")


def not_watched(bench):
    with bench.running(watched=False) as target:
        target.do("rr")
        code, out, err = bench.top("--batch", "--count=1", str(target.pid))
    demand(code == 0 and "not watched" in out and re.search(r" 3 .*runs sleep_for_ever", out), f"{code} {err} {out}")


def start_routine_without_a_name(bench):
    """That of std::thread is a hidden function of libstdc++, whose symbols can be missing."""
    with bench.live_asleep("stuck_cxx", "future", "dead") as pid:
        code, out, err = bench.top("--batch", "--count=1", str(pid))
    demand(code == 0 and not err and re.search(r"  stuck_cxx\.cpp:\d+ .*\[1 .*\]$", out, re.M), f"{code} {err} {out}")
    demand(not re.search(r"runs *(\[|$)", out, re.M), out)


def need_calls(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/syscall", encoding="ascii") as file:
            file.read()
    except OSError as error:
        raise harness.Skip(f"no system calls of another process: {error}") from None


def names_waits_as_a_report(bench):
    """By the system call: the kernel's function in which a thread sleeps differs between kernels, and is hidden by some."""
    with bench.live_asleep("waits", "stay") as pid:
        need_calls(pid)
        code, out, err = bench.top("--batch", "--count=1", str(pid))
    found = dict(re.findall(r"runs (\w+)  \[(.*)\]$", out, re.M))
    wanted = {"work": "3 futex", "want_lock": "1 futex", "read_end": "1 read of pipe", "poll_ends": "1 poll",
              "wait_for_events": "1 epoll", "wait_for_signal": "1 signal wait", "hold": "1 signal wait"}
    demand(code == 0 and not err and found.items() >= wanted.items(), f"{code} {err} {found}\n{out}")


def waits_of_an_unwatched_process(bench):
    with bench.running(watched=False) as target:
        target.do("rr")
        harness.wait_until_asleep(target.pid)
        need_calls(target.pid)
        code, out, err = bench.top("--batch", "--count=2", "--interval=100ms", str(target.pid))
    demand(code == 0 and re.search(r" 3 +0 +0 +\d+s +\d+  runs sleep_for_ever  \[3 signal wait\]$", out, re.M), f"{code} {err} {out}")


def ends_with_the_process(bench):
    with bench.running() as target:
        process = subprocess.Popen([bench.cli, "top", "--batch", "--interval=100ms", str(target.pid)], env=bench.env,
                                   text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.readline()
        target.end()
        _, err = process.communicate(timeout=TIMEOUT_S)
        demand(process.returncode == 0 and err == f"threadleak: top: process {target.pid} has ended\n", f"{process.returncode} {err}")


def screen_ends_with_the_process(bench):
    with bench.running() as target:
        target.do("r")
        with bench.terminal(target.pid) as screen:
            screen.wait_for("threadleak top")
            target.end()
            screen.wait_for(f"top: process {target.pid} has ended")
            demand(screen.status() == 0, "the status")


def signals_end_it(bench):
    """At once, with the status of watch and attach: not after the interval."""
    with bench.running() as target:
        target.do("r")
        with bench.terminal(target.pid, interval="1h") as screen:
            screen.wait_for("threadleak top")
            screen.press("\x03")
            demand(screen.status() == 0, "the status of Ctrl-C on the screen")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = subprocess.Popen([bench.cli, "top", "--batch", "--interval=1h", str(target.pid)], env=bench.env,
                                       text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            process.stdout.readline()
            process.send_signal(number)
            _, err = process.communicate(timeout=TIMEOUT_S)
            demand(process.returncode == 0 and not err, f"{number}: {process.returncode} {err}")


def by_number(bench):
    """The threads of a site are listed by T-number, though the later one has the lower tid."""
    need_namespaces()
    bench.env = bench.environment(LD_PRELOAD=bench.shim)
    target = Target(bench, inside=INSIDE)
    bench.env.pop("LD_PRELOAD")
    inside = [need("nsenter"), "-t", str(child_of(target.pid)), "-p", "-m"]
    try:
        for last in (3000, 1000):
            status, _, err = harness.call([*inside, "sh", "-c", f"echo {last} >/proc/sys/kernel/ns_last_pid"], env=bench.env)
            demand(status == 0, err)
            target.do("r")
        screen = Screen([*inside, bench.cli, "top", "1"], bench.environment(TERM="xterm"), 24, 80)
        try:
            screen.wait_for("make_running")
            screen.press("\n")
            screen.wait_for(r"T3 .* tid 3\d+ (.|\n)*T4 .* tid 1\d+ ")
        finally:
            screen.end()
    finally:
        target.end()


def wrong_arguments(bench):
    for argv, text in ((["x"], "x is not a PID"), (["1", "2"], "give one PID"), (["--interval=0", "1"], "--interval=0 "),
                       (["--batch", "999999999"], "no process")):
        code, out, err = bench.top(*argv)
        demand(code == 2 and not out and err.count("\n") == 1 and text in err, f"{argv}: {code} {out} {err}")
    code, out, err = bench.top("1")
    demand(code == 2 and not out and "no terminal" in err and "--batch" in err, f"{code} {err}")


def keys(bench):
    with bench.running() as target:
        target.do("ub")
        with bench.terminal(target.pid) as screen:
            screen.wait_for("unjoined 1(.|\n)*make_unjoined")
            target.do("u")
            screen.wait_for("2")
            screen.press("/born")
            screen.wait_for("search: ?\n*(.|\n)*_")
            screen.press("\n")
            screen.wait_for("only")
            screen.press("\n")
            screen.wait_for("created at(.|\n)*make_born_detached")
            screen.press("\n")
            screen.wait_for("UNJOINED")
            screen.press("h")
            screen.wait_for("quit")
            screen.press("h ")
            screen.wait_for("PAUSED")
            screen.press("q")
            demand(screen.status() == 0, "the status")


def eighty_columns(bench):
    """Nothing is cut within a word."""
    with bench.running() as target:
        target.do("u")
        with bench.terminal(target.pid) as screen:
            screen.wait_for("q quit  h help  s order: alive  / search  Enter site  f findings  space pause")
            screen.press("q")
            demand(screen.status() == 0, "the status")


def sizes(bench):
    """It draws at once when the size changes, and on a screen that is too small for it."""
    with bench.running() as target:
        target.do("u")
        with bench.terminal(target.pid) as screen:
            screen.wait_for("make_unjoined")
            for rows, columns in ((2, 10), (1, 1), (60, 200)):
                screen.resize(rows, columns)
                os.kill(screen.pid, signal.SIGWINCH)
                screen.press("h")
                screen.press("h")
            screen.wait_for("runs end_at_once")
            screen.press("q")
            demand(screen.status() == 0, "the status")


def narrow_rows_keep_the_line(bench):
    """Where there is no room for all, the start routine and the file's name go first. Two creators stay two."""
    with bench.running() as target:
        target.do("um")
        for columns, creator in ((80, r"create < make_unjoined  :\d+"), (50, r"create  :\d+")):
            with bench.terminal(target.pid, columns=columns) as screen:
                screen.wait_for(rf"\s{creator}\s")


def findings(bench):
    with bench.live_asleep("circles", "join") as pid, bench.terminal(pid) as screen:
        screen.wait_for("threadleak top")
        screen.press("f")
        screen.wait_for("STUCK: (.|\n)*deadlock, proved")
        screen.press("q")
        demand(screen.status() == 0, "the status")


TESTS = [lines, rise, not_watched, start_routine_without_a_name, names_waits_as_a_report, waits_of_an_unwatched_process,
         ends_with_the_process, screen_ends_with_the_process, signals_end_it, by_number, wrong_arguments, keys, eighty_columns,
         narrow_rows_keep_the_line, sizes, findings]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
