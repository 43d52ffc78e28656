#!/usr/bin/env python3
"""threadleak attach: threads of a program that runs without the shim.

  tests/e2e/attach.py [--build DIR] [NAME...]
"""
import contextlib
import ctypes
import glob
import json
import os
import select
import signal
import subprocess
import sys

import harness
from harness import Skip, demand, wait_until

ATTACHED = "attached to process"
EVENTS = "/sys/kernel/tracing/uprobe_events"


class Target:
    """creates_on_request."""

    def __init__(self, bench, *arguments, inside=()):
        self.process = subprocess.Popen([*inside, bench.target("creates_on_request"), *arguments], env=bench.env,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.answer("-")

    @property
    def pid(self):
        return self.process.pid

    def answer(self, letter):
        ready = select.select([self.process.stdout], [], [], harness.TIMEOUT_S)[0]
        got = os.read(self.process.stdout.fileno(), 1).decode() if ready else "nothing"
        demand(got == letter, f"answer {got!r} instead of {letter!r}")

    def do(self, letters):
        for letter in letters:
            os.write(self.process.stdin.fileno(), letter.encode())
            self.answer("-" if letter == "e" else letter)

    def end(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Bench(harness.Bench):
    @contextlib.contextmanager
    def running(self, *arguments):
        target = Target(self, *arguments)
        try:
            yield target
        finally:
            target.end()

    def begin(self, pid, *options):
        """An attach that has begun, or Skip."""
        process = subprocess.Popen([self.cli, "attach", *options, str(pid)], env=self.env, text=True,
                                   stderr=subprocess.PIPE)
        line = process.stderr.readline()
        if ATTACHED not in line:
            process.wait()
            process.stderr.close()
            if "permission" in line or "this kernel" in line:
                raise Skip(line.strip())
            raise harness.Wrong(f"attach {pid}: {process.returncode} {line}")
        return process

    @contextlib.contextmanager
    def attached(self, pid, *options):
        process = self.begin(pid, *options)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.stderr.read()
            process.stderr.close()
            demand(process.wait(harness.TIMEOUT_S) == 0, f"attach ended with {process.returncode}")

    def report(self, pid):
        code, out, err = harness.call([self.cli, "report", "--no-stop", "--format=json", str(pid)], env=self.env)
        demand(code == 0, f"{code} {err}")
        return json.loads(out)["processes"][0]

    def wait_for(self, pid, is_so):
        """The report, once it is so: attach reads the kernel's records a fraction of a second later."""
        reports = []

        def holds():
            reports.append(self.report(pid))
            return is_so(reports[-1])
        try:
            wait_until(holds)
        except harness.Wrong as wrong:
            raise harness.Wrong(f"{json.dumps(reports[-1]['threads'])} {summary(reports[-1])}") from wrong
        return reports[-1]


def summary(process):
    """{(kind, function that created): number}"""
    counts = {}
    for leak in process["leaks"]:
        user = [frame["function"] for frame in leak["creation_stack"]]
        key = (leak["kind"], user[1] if user[0] == "create" else user[0])
        counts[key] = counts.get(key, 0) + len(leak["threads"])
    return counts


def count(**wanted):
    return lambda process: all(process["threads"][name] == value for name, value in wanted.items())


def probes():
    """Those of ours that the kernel has; None: not known."""
    try:
        with open(EVENTS, encoding="ascii") as file:
            return [line for line in file if "threadleak_" in line]
    except OSError:
        return None


def ledgers(pid):
    return glob.glob(f"/run/threadleak/{pid}.*")


# ---- what is seen --------------------------------------------------------------------------

def kinds(bench):
    with bench.running() as target, bench.attached(target.pid):
        target.do("rujhdbcnru")
        process = bench.wait_for(target.pid, lambda process: count(created=10, alive=5, unjoined=2)(process)
                                 and summary(process).get(("detached", "make_born_detached")) == 1)
    demand(summary(process) == {("running", "make_running"): 2, ("running", "make_named"): 1,
                                ("unjoined", "make_unjoined"): 2, ("detached", "make_detached"): 1,
                                ("detached", "make_born_detached"): 1}, summary(process))
    names = {thread["name"] for leak in process["leaks"] for thread in leak["threads"]}
    demand("has-a-name" in names, names)
    demand(process["threads"]["untracked"] == 1, process["threads"])
    demand(any(line.startswith("attached at ") for line in process["not_seen"]), process["not_seen"])


def threads_of_threads(bench):
    """Threads that were created since inherit what records their own creations."""
    with bench.running() as target, bench.attached(target.pid):
        target.do("tt")
        process = bench.wait_for(target.pid, count(created=2004, alive=2, unjoined=0))
        creators = {thread["created_by"] for leak in process["leaks"] for thread in leak["threads"]}
    demand(len(creators) == 2 and None not in creators and 1 not in creators, creators)
    demand(process["lost_events"] == 0, process["lost_events"])


def many(bench):
    with bench.running() as target, bench.attached(target.pid) as attach:
        target.do("mmm")
        process = bench.wait_for(target.pid, count(created=3000, alive=0, unjoined=0))
        attach.send_signal(signal.SIGINT)
        printed = attach.stderr.read()
        demand("created 3000 threads, of which 0 are alive and 0 ended without a join" in printed, printed)
    demand(process["lost_events"] == 0, process["lost_events"])


def joins(bench):
    """Joins have their place, as far as the handle was seen."""
    with bench.running() as target, bench.attached(target.pid):
        target.do("jjju")
        bench.wait_for(target.pid, count(created=4, joined=3, unjoined=1))


def older_ones_are_others(bench):
    """Two older threads ended unjoined in the function where threads begin that were joined."""
    with bench.running("two", "threads") as target, bench.attached(target.pid):
        target.do("hhhhh")
        bench.wait_for(target.pid, count(created=5, unjoined=0, alive=0))
        target.do("hhhhhr")
        bench.wait_for(target.pid, count(created=11, unjoined=0, alive=1))


def recycled_handles(bench):
    """A handle that a detached thread had is that of an unjoined one now."""
    with bench.running() as target, bench.attached(target.pid):
        target.do("xxxx")
        process = bench.wait_for(target.pid, count(created=80, unjoined=40, alive=0))
    demand(summary(process) == {("unjoined", "make_unjoined_among_detached"): 40}, summary(process))


def children_are_others(bench):
    with bench.running() as target, bench.attached(target.pid):
        target.do("fr")
        process = bench.wait_for(target.pid, count(alive=1))
    demand(process["threads"]["created"] == 1, process["threads"])


def system_wide(bench):
    """Other processes with the same libc are not recorded."""
    with bench.running() as target, bench.running() as other, bench.attached(target.pid, "--system-wide"):
        target.do("ru")
        other.do("mru")
        process = bench.wait_for(target.pid, count(alive=1, unjoined=1))
    demand(process["threads"]["created"] == 2, process["threads"])


def has_breakpoint(pid):
    """Does pthread_create begin differently from the file? In a process with this one's libc."""
    function = ctypes.cast(ctypes.CDLL("libc.so.6").pthread_create, ctypes.c_void_p).value
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        lines = [line.split() for line in maps if line.rstrip().endswith("/libc.so.6")]
    ranges = [[int(end, 16) for end in line[0].split("-")] for line in lines]
    start, offset, path = next((begin, int(line[2], 16), line[5]) for (begin, end), line in zip(ranges, lines)
                               if begin <= function < end)
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as maps:
        base = next(int(line.split("-")[0], 16) for line in maps if line.rstrip().endswith("/libc.so.6"))
    with open(path, "rb") as file, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        file.seek(function - start + offset)
        memory.seek(function - ranges[0][0] + base)
        return file.read(4) != memory.read(4)


def other_processes_are_untouched(bench):
    """Neither one that runs, nor one that begins has the breakpoints: as soon as no other attach --system-wide adds them."""
    with bench.running() as target, bench.running() as older:
        with bench.attached(target.pid), bench.running() as younger:
            demand(has_breakpoint(target.pid), "no breakpoint")
            wait_until(lambda: not has_breakpoint(older.pid) and not has_breakpoint(younger.pid))
        wait_until(lambda: not has_breakpoint(target.pid))


def without_programs(bench):
    """A kernel without bpf(2): threads inherit the events."""
    bench.env = bench.environment(LD_PRELOAD=bench.target("libno_bpf.so"))
    with bench.running() as target, bench.attached(target.pid):
        target.do("rutp")
        process = bench.wait_for(target.pid, count(created=1005, alive=2, unjoined=2))
    demand(process["lost_events"] == 0 and summary(process)["running", "make_running"] == 2, process)


def its_first_threads_end(bench):
    """The breakpoints stay when all threads that lived at the beginning have ended, the main thread too."""
    with bench.running() as target, bench.attached(target.pid):
        target.do("l")
        bench.wait_for(target.pid, count(created=1))
        target.do("u")
        bench.wait_for(target.pid, count(created=2))
        target.do("o")
        wait_until(lambda: harness.state_of(target.pid) == "Z")
        target.do("u" * 20)
        process = bench.wait_for(target.pid, count(created=22, unjoined=21))
    demand(process["lost_events"] == 0 and summary(process) == {("unjoined", "make_unjoined"): 21, ("running", "do_all"): 1},
           summary(process))


def deep_stacks(bench):
    """More is copied once a stack is deeper."""
    def whole(process):
        return sum(len(leak["threads"]) for leak in process["leaks"] if leak["creation_stack"][-1]["function"] in ("_start", "main"))
    with bench.running() as target, bench.attached(target.pid) as attach:
        for created in range(1, 5):
            target.do("p")
            process = bench.wait_for(target.pid, count(created=created))
        demand(whole(process) == 2, process["leaks"])
        attach.send_signal(signal.SIGINT)
        printed = attach.stderr.read()
    demand("2 of 4 creation stacks are deeper than their copies; --stack-bytes=32768 copies more\n" in printed, printed)
    with bench.running() as target, bench.attached(target.pid, "--stack-bytes=512") as attach:
        target.do("pp")
        bench.wait_for(target.pid, count(created=2))
        attach.send_signal(signal.SIGINT)
        printed = attach.stderr.read()
    demand("2 of 2 creation stacks are deeper than their copies; --stack-bytes=1024 copies more\n" in printed, printed)


def all_commands(bench):
    """The text of a report with stacks says since when."""
    with bench.running() as target, bench.attached(target.pid):
        target.do("r")
        bench.wait_for(target.pid, count(alive=1))
        code, out, err = harness.call([bench.cli, "report", str(target.pid)], env=bench.env)
    demand(code == 0 and "attached at " in out and "  make_running " in out and "now in " in out, f"{err}{out}")


# ---- its beginning and end ---------------------------------------------------------------------

def nothing_stays(bench):
    with bench.running() as target:
        with bench.attached(target.pid):
            demand(len(ledgers(target.pid)) == 1 or os.geteuid() != 0, ledgers(target.pid))
        demand(not ledgers(target.pid), ledgers(target.pid))
        target.do("rmu")
        code, out, _ = harness.call([bench.cli, "report", str(target.pid)], env=bench.env)
        demand(code == 0 and "attached" not in out, out)


def ends_with_the_program(bench):
    with bench.running() as target:
        attach = bench.begin(target.pid)
        target.do("ru")
        target.process.stdin.close()
        printed = attach.stderr.read()
        attach.stderr.close()
        demand(attach.wait(harness.TIMEOUT_S) == 0 and f"process {target.pid} has ended: it created 2 threads" in printed, printed)
    demand(not ledgers(target.pid), ledgers(target.pid))


def ends_with_another_program(bench):
    with bench.running() as target:
        attach = bench.begin(target.pid)
        target.do("re")
        printed = attach.stderr.read()
        attach.stderr.close()
        demand(attach.wait(harness.TIMEOUT_S) == 0 and "has ended" in printed, printed)
        target.do("r")


def after_a_kill(bench):
    """What a killed attach leaves is not used, and the next one removes it."""
    with bench.running() as target:
        attach = bench.begin(target.pid)
        attach.kill()
        attach.wait()
        attach.stderr.close()
        target.do("rm")
        code, out, _ = harness.call([bench.cli, "report", str(target.pid)], env=bench.env)
        demand(code == 0 and "attached" not in out, out)
        left = probes()
        with bench.attached(target.pid):
            if left is not None:
                demand(not any(f"threadleak_{attach.pid}/" in line for line in probes()), probes())
            target.do("u")
            bench.wait_for(target.pid, count(created=1, unjoined=1))
    demand(not probes() or not any(f"threadleak_{attach.pid}/" in line for line in probes()), probes())


def after_a_kill_and_the_end(bench):
    """The file of a process that has ended is removed by the attach to another one."""
    with bench.running() as target:
        attach = bench.begin(target.pid)
        attach.kill()
        attach.wait()
        attach.stderr.close()
        left = ledgers(target.pid)
    with bench.running() as other, bench.attached(other.pid):
        demand(bool(left) == (os.geteuid() == 0) and not ledgers(target.pid), ledgers(target.pid))


def full_disk(bench):
    """No room for its ledger is an error; no room for more threads is counted, and the program goes on."""
    harness.need_root()
    unshare = [harness.need("unshare"), "-m", "sh", "-c", 'mount -t tmpfs -o size="$1" tmpfs /run || exit 77; shift; exec "$@"', "-"]
    with bench.running() as target:
        for kib in range(128, 4096, 32):  # up to the first one that is large enough for an empty ledger
            argv = [*unshare, f"{kib}k", bench.cli, "attach", str(target.pid)]
            with subprocess.Popen(argv, env=bench.env, text=True, stderr=subprocess.PIPE) as attach:
                line = attach.stderr.readline()
                if ATTACHED in line:
                    target.do("u" * 900)  # each has a record of its own
                    target.end()
                printed = attach.stderr.read()
            if attach.returncode == 77 or "permission" in line or "this kernel" in line:
                raise Skip(line.strip() or "no tmpfs can be mounted")
            if ATTACHED in line:
                break
            demand(attach.returncode == 2 and "cannot write /run/threadleak/" in line and "No space left" in line and not printed,
                   f"{attach.returncode} {line}{printed}")
    demand(kib > 128 and attach.returncode == 0 and "has ended" in printed and "were lost" in printed, f"{kib} {attach.returncode} {printed}")


def refused(bench):
    def says(text, *argv):
        code, out, err = harness.call([bench.cli, "attach", *argv], env=bench.env)
        demand(code == 2 and not out and text in err and err.count("\n") == 1, f"{argv}: {code} {err}")
    says("give one PID")
    says("x is not a PID", "x")
    says("--stack-bytes=7 is not", "--stack-bytes=7", "1")
    says("no process", "999999999")
    with bench.running() as target, bench.attached(target.pid):
        says(f"process {target.pid} is already attached by another threadleak", str(target.pid))
    with bench.live("create_fails") as pid:
        says("is already watched by the shim", str(pid))


def without_permission(bench):
    harness.need_root()
    with bench.running() as target:
        code, _, err = harness.call([*harness.as_nobody(), bench.cli, "attach", str(target.pid)], env=bench.env)
    demand(code == 2 and err.count("\n") == 1 and err.startswith("threadleak: "), f"{code} {err}")


TESTS = [kinds, threads_of_threads, many, joins, older_ones_are_others, recycled_handles, children_are_others, system_wide,
         other_processes_are_untouched, without_programs, its_first_threads_end, deep_stacks,
         all_commands, nothing_stays, ends_with_the_program, ends_with_another_program, after_a_kill,
         after_a_kill_and_the_end, full_disk, refused, without_permission]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
