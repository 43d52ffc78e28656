#!/usr/bin/env python3
"""What fails in the shim or in threadleak is not noticed by the program, and the report says what it lost.

  tests/e2e/faults.py [--build DIR] [NAME...]

Each test prints a figure: what was made to fail, how often, and what was said of it. Each repeats as often as it says, which is
a minute for all of them; with SOAK=1 until its part of FAULT_SECONDS (3600) is over. FAULT_SEED is what the choice depends on
(1; at random with SOAK=1).
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
import threading
import time

import harness
from harness import SOAK, TIMEOUT_S, Skip, demand, need, need_root

SEED = int(os.environ.get("FAULT_SEED") or (random.randrange(1 << 30) if SOAK else 1))
SECONDS = float(os.environ.get("FAULT_SECONDS") or (3600 if SOAK else 0))
KILLS = 1000 if SOAK else 100
# A line that says that something is missing.
SAID = re.compile(r"^threadleak: .*(not recorded|could not|cannot|without|not watched|missing|not complete|no report)|^(current )?stacks: |note:",
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
    """Counts what happened, in so many runs, and until its part of the time is over if there is any."""

    def __init__(self, runs=1, part=0):
        super().__init__()
        self.least = runs
        self.end = time.monotonic() + SECONDS * part

    def goes_on(self):
        return self["runs"] < self.least or time.monotonic() < self.end

    def add_report(self, whole):
        self.update({"runs": 1, "whole reports" if whole else "said what is lost": 1})

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


def sweep_shim(bench, who, runs, part):
    """Each call fails always, then one of them at random."""
    bare, argv, chance, figure = bench.work(), bench.shim_command(bench.target("fault_work")), random.Random(SEED), Figure(runs, part)
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
        figure.update({"failed calls": counts.get(call, (0, 0))[1]})
        figure.add_report(whole)
    figure.show(f"{len(seen)} calls of the shim" + (" in forked children" if who == "child" else ""))


def shim_calls(bench):
    sweep_shim(bench, "shim", 16, 0.25)


def shim_calls_in_children(bench):
    sweep_shim(bench, "child", 5, 0.1)


def run_calls(bench):
    """In `threadleak run` one call fails. The program runs as ever, or not at all; then or without a report a message says why."""
    bare, argv, chance, figure = bench.work(), bench.run_command("--", bench.target("fault_work")), random.Random(SEED), Figure(12, 0.2)
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
        figure.update({"failed calls": counts.get(call, (0, 0))[1]})
        figure.add_report(whole)
    figure.show(f"{len(known)} calls of run")


def on_a_disk(bench, size, script, argv):
    """What a command writes to $disk has room for so many bytes."""
    need_root()
    os.makedirs(bench.path("disk"), exist_ok=True)
    mount = f'mount -t tmpfs -o size={size} none "$1" && disk="$1" && shift && {script}'
    status, out, err = harness.call([need("unshare"), "-m", "sh", "-c", mount, "sh", bench.path("disk"), *argv], env=bench.env)
    if "mount:" in err or "unshare:" in err:
        raise Skip("no mount here")
    return status, out, err


def disk_is_full(bench):
    """The directory of the run has room for so many bytes."""
    bare, figure = bench.work(), Figure()
    for size in (4096, 16384, 65536, 200000, 1 << 20, 1 << 26):
        status, out, err = on_a_disk(bench, size, 'TMPDIR="$disk" exec "$@"', bench.run_command("--", bench.target("fault_work")))
        whole = (status, out) == bare and "6 leaked threads" in err
        demand(out == bare[1] or not out and status == 125, f"{size}: status {status}\n{out}\n{err}")
        demand(whole or SAID.search(err), f"{size}: nothing is said of what is lost\n{err}")
        figure.add_report(whole)
    demand(figure["whole reports"] and figure["said what is lost"], figure)
    figure.show("full disk of a run")


def report_on_a_full_disk(bench):
    """The file of -o cannot be written: the program is as ever, and a message says so."""
    bare, figure = bench.work(), Figure()
    for room in (0, 8192):
        for form in ("text", "json", "html"):
            script = 'head -c $((1048576 - %d)) /dev/zero >"$disk/filled"; exec "$@" -o "$disk/report" -- %s' % (room, bench.target("fault_work"))
            status, out, err = on_a_disk(bench, 1 << 20, script, bench.run_command("--no-stop", f"--format={form}"))
            demand(out == bare[1] and status in (5, 125), f"{room} {form}: status {status}\n{out}\n{err}")
            demand("No space left on device" in err or (room and status == 5), f"{room} {form}: status {status}\n{err}")
            figure.add_report("No space left" not in err)
    demand(figure["said what is lost"] >= 3, figure)
    figure.show("full disk of a report")


# ---- functions of libc ----------------------------------------------------------------------------

# They have no failure that is documented, or none with the arguments that the shim passes.
NEVER_FAIL = re.compile(r"mem\w+|str\w+|sig\w+|_IO_\w+|(__)?environ|__errno_location|__libc_\w+|_r_debug|__sigsetjmp|sched_yield|getenv|"
                        r"pthread_(self|getspecific|setcancelstate)|__pthread_(un)?register_cancel|funlockfile|syscall$")


def names_of(library, which):
    """Functions that it imports (U, or w for weak ones), or exports (T)."""
    text = harness.call([need("nm"), "-D", library])[1]
    return set(re.findall(rf"\b[{which}] ([\w]+)", text))


def libc_calls(bench):
    """Each function of libc that the shim calls fails, always; NEVER_FAIL has those that cannot. The loads of libunwind import
    `syscall`, too, and find it failing in shim_calls."""
    bare, figure = bench.work(), Figure()
    library = bench.target("fault_libc")
    names = names_of(library, "T")
    imported = {name for name in names_of(bench.shim, "U") if not NEVER_FAIL.fullmatch(name)}
    demand(imported <= names | {"_dl_find_object"}, f"tests/faults/libc.def has no {imported - names}")
    env = bench.environment(LD_PRELOAD=f"{bench.shim}:{library}", THREADLEAK_OPTIONS="grace_ms=20:color=never:stacks=0")
    for name in sorted(names):
        log = bench.path(name)
        status, out, err = harness.call([bench.target("fault_work")], env={**env, "FAULT_LIBC": name, "FAULT_LIBC_LOG": log})
        demand((status, out) == bare, f"{name}: status {status}, not {bare[0]}\n{out}\n{err}")
        whole = leaks_in(err) == [2, 4]
        demand(whole or SAID.search(err), f"{name}: nothing is said of what is lost\n{err}")
        figure.update({"failed calls": os.path.getsize(log) if os.path.exists(log) else 0, "functions that failed": os.path.exists(log)})
        figure.add_report(whole)
    demand(figure["functions that failed"] >= 9, figure)
    figure.show(f"{len(names)} functions of libc that the shim calls")


# ---- limits ----------------------------------------------------------------------------------------

@contextlib.contextmanager
def control_group(controller, **limits):
    """What makes a command run in a group of its own with these limits, and the path of the group."""
    need_root()
    top = f"/sys/fs/cgroup/{controller}"
    if not os.path.isdir(top):
        top = "/sys/fs/cgroup"
        with contextlib.suppress(OSError), open(f"{top}/cgroup.subtree_control", encoding="ascii") as file:
            if controller not in file.read().split():
                raise Skip(f"no control group with {controller} here")
    group = f"{top}/threadleak-faults-{os.getpid()}-{controller}"
    try:
        os.mkdir(group)
    except OSError as error:
        raise Skip(f"no control group can be made: {error}") from error
    try:
        for name, value in limits.items():
            for path in (f"{group}/{controller}.{name}", f"{group}/{controller}.limit_in_bytes"):
                if os.path.exists(path):
                    with open(path, "w", encoding="ascii") as file:
                        file.write(str(value))
                    break
        yield ["sh", "-c", 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"', "sh", group], group
    finally:
        harness.wait_until(lambda: remove_group(group), TIMEOUT_S)


def remove_group(group):
    """False: a process of it is not gone."""
    with contextlib.suppress(OSError):
        os.rmdir(group)
    return not os.path.exists(group)


def full_of_threads(bench, prefix, figure):
    """The program has all processes that there can be, so there is none for a reporter."""
    for argv in (bench.shim_command(bench.target("fault_fill")), bench.run_command("--", bench.target("fault_fill"))):
        status, out, err = harness.call([*prefix, *argv], env=bench.environment(TMPDIR=bench.tmp))
        demand(status == 5 and re.fullmatch(r"error 11\nthreads \d+\nfork 11\n", out), f"{argv}: status {status}\n{out}{err}")
        count = re.search(r"threads (\d+)", out).group(1)
        demand(re.search(rf"^running x{count}\b|^threadleak: {count} leaked threads? at", err, re.M), f"{argv}: {out}{err}")
        demand(SAID.search(err), f"{argv}: nothing is said of what is lost\n{err}")
        figure.update({"runs": 1, "threads": int(count)})


def no_room_for_processes(bench):
    """pids.max, or RLIMIT_NPROC of a user who has no other process."""
    need_root()
    figure = Figure()
    user = str(61000 + os.getpid() % 4000)
    for name in ("cli", "shim"):
        setattr(bench, name, harness.copy(getattr(bench, name), bench.tmp))
    bench.targets = bench.tmp
    harness.copy(os.path.join(bench.build, "targets", "fault_fill"), bench.tmp)
    os.chmod(bench.tmp, 0o777)
    full_of_threads(bench, [need("prlimit"), "--nproc=12", need("setpriv"), f"--reuid={user}", "--regid=65534", "--clear-groups"], figure)
    try:
        with control_group("pids", max=9) as (prefix, _):
            full_of_threads(bench, prefix, figure)
    except Skip as reason:
        print(f"skip: faults no_room_for_processes: {reason}")
    figure.show("no room for a reporter's process")


def oom_kills(group):
    for name in ("memory.oom_control", "memory.events"):
        if os.path.exists(f"{group}/{name}"):
            with open(f"{group}/{name}", encoding="ascii") as file:
                return int(re.search(r"oom_kill (\d+)", file.read()).group(1))
    return 0


def reported_with_little_memory(bench, prefix):
    """`report` beside a large process, in its group: that goes on."""
    large = "import sys; kept = b'x' * (45 << 20); print('up', flush=True); sys.stdin.read()"
    with harness.up([*prefix, sys.executable, "-c", large], bench.env) as process:
        status, out, err = harness.call([*prefix, bench.cli, "report", str(process.pid)], env=bench.env)
        demand(process.poll() is None, f"the process that was reported was ended: {status} {out}{err}")


def no_memory_for_a_reporter(bench):
    """The kernel ends the reporter, which has 1 MiB, and not the program, which has 50: both are in one container."""
    figure = Figure()
    with control_group("memory", max=64 << 20) as (prefix, group):
        argv = [bench.target("fault_fill"), "50"]
        bare = harness.call([*prefix, *argv], env=bench.env)[:2]
        if bare[0] != 5:
            raise Skip(f"the program alone has no room: {bare}")
        for options in ("grace_ms=20", "grace_ms=20:stacks=0"):
            status, out, err = harness.call([*prefix, *bench.shim_command(*argv, options=options)], env=bench.env)
            demand((status, out) == bare, f"status {status}, not {bare[0]}\n{out}{err}")
            whole = "50 leaked threads" in err
            demand(whole or "running x50" in err and SAID.search(err), err)
            figure.add_report(whole)
        killed = f"{bench.target('fault_fill')} 100 >/dev/null; echo $?"
        status, out, err = harness.call([*prefix, *bench.run_command("--", "sh", "-c", killed)], env=bench.environment(TMPDIR=bench.tmp))
        demand((status, out) == (0, "137\n") or out == "5\n", f"a child that has no memory: status {status}\n{out}{err}")
        reported_with_little_memory(bench, prefix)
        figure["killed by the kernel"] = oom_kills(group)
    figure.show("no memory for a reporter")


# ---- clocks ------------------------------------------------------------------------------------------

def clock_jumps(bench):
    """The wall clock jumps by a day, to and fro, all the time: nothing ends early, late, or with a wrong report."""
    chance, figure = random.Random(SEED), Figure(2, 0.05)
    over = threading.Event()
    jumps = 0

    def set_clock(offset):
        os.rename(bench.write("offsets.new", f"{offset} 0\n"), bench.path("offsets"))

    def jump():
        nonlocal jumps
        while not over.wait(0.002):
            set_clock(chance.choice((-1, 0, 1)) * 86400)
            jumps += 1
    set_clock(0)
    jumper = threading.Thread(target=jump)
    jumper.start()
    try:
        clock = {"LD_PRELOAD": f"{bench.shim}:{bench.target('libclock.so')}", "CLOCK_OFFSETS": bench.path("offsets")}
        while figure.goes_on():
            err = storm(bench, ["env", "THREADLEAK_OPTIONS=color=never"], bench.environment(**clock), 60)
            demand(not err, err)
            argv = bench.run_command("--timeout=3000", "--format=json", "-o", bench.path("report"), "--", bench.target("fault_work"))
            env = bench.environment(TMPDIR=bench.tmp, CLOCK_OFFSETS=clock["CLOCK_OFFSETS"], LD_PRELOAD=bench.target("libclock.so"))
            status, out, err = harness.call(argv, env=env)
            demand((status, out) == bench.work(), f"run: status {status}\n{out}\n{err}")
            threads = [thread for process in harness.read_json(bench.path("report"))["processes"] for thread in harness.threads_of(process)]
            ages = [thread["age_s"] for thread in threads if thread["age_s"] is not None]
            demand(len(threads) == 6 and all(0 <= age < TIMEOUT_S for age in ages), f"{len(threads)} {ages}")
            figure.update({"runs": 1, "ages": len(ages)})
    finally:
        over.set()
        jumper.join()
    figure["jumps"] = jumps
    figure.show("clock that jumps")


# ---- stopped processes ----------------------------------------------------------------------------------

def is_stopped(pid):
    return harness.state_of(pid) == "T"


def stopped_while_read(bench):
    """A stopped process is reported, stays stopped, and goes on when it is continued."""
    figure = Figure()
    # At its end it is waited for.
    with harness.live([bench.target("waits"), "stay"], bench.environment(LD_PRELOAD=bench.shim)) as pid:
        os.kill(pid, signal.SIGSTOP)
        harness.wait_until(lambda: is_stopped(pid), TIMEOUT_S)
        for command in (["report"], ["report", "--no-stop"], ["watch", "--for=10ms"], ["top", "--batch", "--count=1"]):
            status, out, err = harness.call([bench.cli, *command, str(pid)], env=bench.env)
            demand(status == 0 and out, f"{command}: status {status}\n{out}{err}")
            demand(is_stopped(pid), f"{command}: it was continued")
            figure["runs"] += 1
        os.kill(pid, signal.SIGCONT)
        harness.wait_until(lambda: not is_stopped(pid), TIMEOUT_S)
    status, _, err = harness.call(bench.run_command("--timeout=1", "--", "sh", "-c", "kill -STOP $$"), env=bench.environment(TMPDIR=bench.tmp))
    demand(status == 124, f"run --timeout of a stopped command: {status}\n{err}")
    figure.show("report, watch, top and run --timeout of a stopped process")


def stopped_reporters(bench):
    """A reporter that is stopped, and continued, writes its whole report."""
    bare, figure = bench.work(), Figure(2, 0.05)
    while figure.goes_on():
        with open(bench.path("err"), "w+b") as err:
            process = subprocess.Popen(bench.shim_command(bench.target("fault_work")), env=bench.env, stdout=subprocess.PIPE, stderr=err,
                                       start_new_session=True)
            while process.poll() is None:
                for pid in of_session(process.pid):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGSTOP)
                        time.sleep(0.02)
                        os.kill(pid, signal.SIGCONT)
                        figure["stops"] += 1
            out = process.communicate(timeout=TIMEOUT_S)[0].decode()
        text = bench.read("err")
        demand((process.returncode, out) == bare and leaks_in(text) == [2, 4], f"status {process.returncode}\n{out}\n{text}")
        figure["runs"] += 1
    figure.show("stopped reporters")


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
    figure = Figure()
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
    bare, chance, figure = bench.work(), random.Random(SEED), Figure(2, 0.05)
    while figure.goes_on():
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
    figure = Figure(2, 0.15)
    for options in ("", "wakes=1", "stacks=0"):
        err = storm(bench, bench.shim_command(options=options), bench.env, 100)
        demand(not err, err)
        figure["storms"] += 1
    while figure.goes_on():
        err = storm(bench, bench.run_command("--format=json", "-o", bench.path("report"), "--"), bench.environment(TMPDIR=bench.tmp), 100)
        report = harness.read_json(bench.path("report"))
        demand(not report["summary"]["leaked_threads"], f"{json.dumps(report)[:3000]}")
        demand(all(process["lost_events"] == 0 for process in report["processes"]), err)
        figure.update({"runs": 1, "storms": 1, "processes": len(report["processes"])})
    figure.show("storms")


def stopped_and_resumed(bench):
    """A process that is stopped now and then does the same."""
    chance, figure = random.Random(SEED), Figure(3, 0.1)

    def stop(process):
        time.sleep(chance.random() * 0.01)
        process.send_signal(signal.SIGSTOP)
        time.sleep(chance.random() * 0.01)
        process.send_signal(signal.SIGCONT)
        figure["stops"] += 1
    while figure.goes_on():
        err = storm(bench, bench.shim_command(), bench.env, 60, stop)
        demand(not err, err)
        figure["runs"] += 1
    figure.show("SIGSTOP and SIGCONT")


TESTS = [shim_calls, shim_calls_in_children, libc_calls, run_calls, disk_is_full, report_on_a_full_disk, no_room_for_processes,
         no_memory_for_a_reporter, clock_jumps, stopped_while_read, stopped_reporters, killed_at_any_instant, killed_reporters, storms,
         stopped_and_resumed]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
