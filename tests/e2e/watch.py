#!/usr/bin/env python3
"""threadleak watch: which running programs grow, and which do not.

  tests/e2e/watch.py [--build DIR] [NAME...]
"""
import contextlib
import ctypes
import json
import os
import re
import signal
import subprocess
import sys

import harness
from harness import demand, wait_until

CREATOR = "growing.c:18"  # pthread_create in handle_request()


class Bench(harness.Bench):
    def growing(self, what, watched=True, name="growing", **more):
        """A target that runs."""
        env = self.environment(**({"LD_PRELOAD": self.shim} if watched else {}), **more)
        program = self.target("growing")
        if name != "growing":
            program = harness.copy(program, self.path(name))
        return harness.up([program, what], env, stderr=subprocess.DEVNULL)

    @contextlib.contextmanager
    def watch(self, *options):
        """It runs; the test reads its lines, and ends it as Ctrl-C does."""
        watching = subprocess.Popen([self.cli, "watch", "--interval=100ms", *map(str, options)], env=self.env, text=True,
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            yield watching
        finally:
            watching.kill()
            watching.communicate()


def verdict(watching):
    """The lines of the first one."""
    lines = [watching.stdout.readline()]
    demand(lines[0].startswith("LEAK GROWS: "), f"it printed {lines[0]!r}")
    while not lines[-1].startswith("  fingerprint"):
        lines.append(watching.stdout.readline())
        demand(lines[-1], f"it ended: {lines}")
    return "".join(lines)


def finish(watching, status):
    watching.send_signal(signal.SIGINT)
    out, err = watching.communicate(timeout=harness.TIMEOUT_S)
    demand(watching.returncode == status, f"status {watching.returncode}: {out}{err}")
    return out, err


# ---- growth ------------------------------------------------------------------------------

def leak_is_named_by_its_line(bench):
    with bench.growing("leak") as target, bench.watch("--check", target.pid) as watching:
        text = verdict(watching)
        demand(re.match(rf"LEAK GROWS: \d+ threads created at {CREATOR} by handle_request, \+[\d.]+/s\n", text), text)
        demand(f"process      {target.pid} growing\n" in text, text)
        demand(re.search(r"rose +from \d+ to \d+ in [\d.]+ s, and doubles in [\d.]+ s\n", text), text)
        demand(re.search(r"limit +(pid_max|threads-max|max_map_count|pids\.max|RLIMIT_NPROC|memory\.max) of \d+ in .+; now \d+\n",
                         text), text)
        demand(re.search(r"now +\d+ alive, 0 unjoined, of \d+ created; oldest [\d.]+ s\n", text), text)
        demand(all(len(line) <= 80 for line in text.splitlines()), text)
        out, _ = finish(watching, 66)
        demand(re.search(rf"^ +\d+ +0 +\+[\d.]+/s +[\d.]+ s  {CREATOR} handle_request$", out, re.M), out)
        demand(re.search(r"1 process, \d+ samples in .*: 1 verdict\n$", out), out)


def unjoined_threads_grow(bench):
    with bench.growing("unjoined") as target, bench.watch(target.pid) as watching:
        text = verdict(watching)
        demand(re.match(rf"LEAK GROWS: \d+ unjoined threads created at {CREATOR} by handle_request, ", text), text)
        demand(not re.search(r"limit +(pid_max|threads-max|pids\.max|RLIMIT_NPROC) ", text), f"they have no task: {text}")
        finish(watching, 0)  # without --check


def unwatched_process(bench):
    with bench.growing("leak", watched=False) as target, bench.watch(target.pid, "--check") as watching:
        text = verdict(watching)
        demand(re.match(r"LEAK GROWS: \d+ threads of start routine stay, \+", text), text)
        _, err = finish(watching, 66)
        demand(all(len(line) <= 80 for line in (text + err).splitlines()) and "not watched" in err, err)


PYTHON = """
import threading, time
print("up", flush=True)
while True:
    for _ in range(5):
        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    time.sleep(0.05)
"""


def functions_of_python(bench):
    """Its site is the interpreter's, so a line names the tool that shows more."""
    env = bench.environment(LD_PRELOAD=bench.shim)
    with harness.up([sys.executable, "-c", PYTHON], env, stderr=subprocess.DEVNULL) as target, bench.watch(target.pid) as watching:
        text = verdict(watching)
        demand(f"\n  not shown    functions in Python; to see them: py-spy dump --pid {target.pid}\n" in text, text)


def no_growth(bench):
    """All at once: 24 threads are too few for a verdict, however slowly they come here."""
    with contextlib.ExitStack() as stack:
        targets = [stack.enter_context(bench.growing(what, watched)) for what in ("pool", "bursts") for watched in (True, False)]
        status, out, err = harness.call([bench.cli, "watch", "--check", "--interval=100ms", "--for=4s",
                                         *(str(target.pid) for target in targets)], env=bench.env)
        demand(status == 0 and out.endswith(": no site grows\n"), f"{status}: {out}{err}")
        demand("4 processes" in out, out)


def thresholds(bench):
    with bench.growing("pool") as target, bench.watch("--alive=20", "--check", target.pid) as watching:
        line = watching.stdout.readline()
        demand(re.match(rf"TOO MANY: 2\d threads created at {CREATOR} by handle_request\n", line), line)
        finish(watching, 66)
    with bench.growing("unjoined") as target, bench.watch("--unjoined=7", "--waiting=1ms", target.pid) as watching:
        wanted = {r"TOO MANY: .* unjoined threads", r"UNJOINED: .*; the first ended [\d.]+ s ago\n"}
        while wanted:
            line = watching.stdout.readline()
            demand(line, f"it ended without {wanted}")
            wanted = {one for one in wanted if not re.match(one, line)}
        finish(watching, 0)


def waiting_threads(bench):
    """Live ones that have not run for that long; those that run again and again have not."""
    with bench.growing("pool") as target, bench.watch("--waiting=300ms", "--check", target.pid) as watching:
        wanted = rf"WAITING: \d+ threads? created at {CREATOR} by handle_request; the longest for [\d.]+ s\n"
        wait_until(lambda: re.match(wanted, watching.stdout.readline()))
        finish(watching, 66)
    with bench.growing("bursts") as target, bench.watch("--waiting=1m", "--check", "--for=1s", target.pid) as watching:
        out, err = watching.communicate(timeout=harness.TIMEOUT_S)
        demand(watching.returncode == 0 and "WAITING" not in out, f"{watching.returncode} {out}{err}")


def suppressions(bench):
    """Of the user's files, by creator and by finding; a rule of other threads changes nothing."""
    for rule, status in (("thread:^handle_request$", 0), ("thread:handle_request finding:growing", 0),
                         ("thread:handle_request kind:unjoined", 66), ("thread:^other$", 66)):
        path = bench.write("rules.supp", rule + "\n")
        with bench.growing("leak") as target, bench.watch("--check", "--format=json", f"--suppressions={path}", target.pid) as watching:
            found = {}
            while not found.get("growth") or found["growth"]["of"] != "alive":
                sites = json.loads(watching.stdout.readline())["sites"]
                found = next((site for site in sites if site["function"] == "handle_request"), {})
            demand(found["suppressed_by"] == (rule if status == 0 else None), f"{rule}: {found}")
            finish(watching, status)
    status, out, err = harness.call([bench.cli, "watch", f"--suppressions={bench.write('wrong', 'x:y')}", "1"], env=bench.env)
    demand((status, out) == (2, "") and "wrong:1:1: " in err, err)


def suppressed_sites_are_counted(bench):
    path = bench.write("rules.supp", "thread:^handle_request$\n")
    with bench.growing("pool") as target:
        wait_until(lambda: len(os.listdir(f"/proc/{target.pid}/task")) > 24, harness.TIMEOUT_S / 3)
        for options, end in (([f"--suppressions={path}"], "no site grows; 1 suppressed"), ([], "1 verdict")):
            status, out, err = harness.call([bench.cli, "watch", "--alive=20", "--for=10ms", *options, str(target.pid)], env=bench.env)
            demand(status == 0 and out.endswith(f": {end}\n"), out + err)


# ---- output ------------------------------------------------------------------------------

def one_object_a_sample(bench):
    with bench.growing("leak") as target, bench.watch("--format=json", target.pid) as watching:
        samples = [json.loads(watching.stdout.readline())]
        while not samples[-1]["verdict"]:
            samples.append(json.loads(watching.stdout.readline()))
        last = samples[-1]
        demand(last["schema"] == "threadleak/1" and last["type"] == "sample" and last["pid"] == target.pid, last)
        demand(last["exe"] == os.path.realpath(bench.target("growing")) and last["watched"] and last["error"] is None, last)
        site = next(site for site in last["sites"] if site["growth"])
        demand((site["function"], site["line"], site["start_routine"]) == ("handle_request", 18, "stay"), site)
        demand(site["detached_alive"] >= site["growth"]["to"] > site["growth"]["from"], site)
        demand(last["findings"][0]["code"] == "growing" and last["findings"][0]["fingerprint"] == site["fingerprint"], last)
        demand(last["nearest_limit"]["left_s"] > 0 and last["threads"]["tasks"] > site["detached_alive"], last)
        target.kill()
        target.wait()
        rest, _ = watching.communicate(timeout=harness.TIMEOUT_S)
        demand("has ended" in json.loads(rest.splitlines()[-1])["error"], rest)
        demand(watching.returncode == 0, watching.returncode)


def command_gets_the_report(bench):
    reported = bench.path("reported")
    script = bench.write("page me", f"#!/bin/sh\n{{ echo \"$# $1 $THREADLEAK_PID\"; echo \"$THREADLEAK_VERDICT\"; cat; }} "
                         f">{reported}.new\nmv {reported}.new {reported}\n", 0o755)
    os.rename(script, bench.path("page-me"))
    command = f"{bench.path('page-me')} $HOME;exit"  # no shell
    with bench.growing("leak") as target, bench.watch(f"--on-leak={command}", target.pid) as watching:
        wait_until(lambda: os.path.exists(reported), harness.TIMEOUT_S / 3)
        lines = bench.read("reported").splitlines()
        demand(lines[0] == f"1 $HOME;exit {target.pid}", lines[:3])
        demand(lines[1] == lines[2] and lines[1].startswith("LEAK GROWS: "), lines[:3])
        demand(any("handle_request" in line for line in lines[8:]), lines)  # of `threadleak report`
        finish(watching, 0)


def command_that_fails(bench):
    with bench.growing("leak") as target, bench.watch("--on-leak=/nonexistent/x", target.pid) as watching:
        verdict(watching)
        _, err = finish(watching, 0)
        demand("--on-leak: /nonexistent/x: No such file" in err and "exited with 127" in err, err)


# ---- processes ---------------------------------------------------------------------------

def restart(bench):
    """By name: another process, also one that was not there at the beginning. By exec: the same one."""
    name = f"tl{os.getpid()}"
    with bench.watch(f"--name={name}") as watching:
        demand("no such process yet: " + name in watching.stderr.readline(), "no message")
        for _ in range(2):
            with bench.growing("leak", name=name) as target:
                line = watching.stderr.readline()
                demand(f"process {target.pid} " in line, line)  # in exec it has its former name for a moment
                demand(f"process      {target.pid} " in verdict(watching), "another one")
            lines = [watching.stderr.readline()]
            while "has ended" not in lines[-1]:  # while its threads end, one after the other, it cannot be read
                demand(f"process {target.pid}" in lines[-1], lines)
                lines.append(watching.stderr.readline())
        finish(watching, 0)


def exec_is_another_program(bench):
    name = f"tlx{os.getpid()}"  # other tests run the target itself
    with bench.growing("exec", name=name) as target, bench.watch(f"--exe={bench.path(name)}") as watching:
        watching.stderr.readline()
        target.send_signal(signal.SIGUSR1)
        text = verdict(watching)
        demand(f"process      {target.pid} " in text, text)
        finish(watching, 0)


def a_process_that_has_not_loaded_the_shim_yet(bench):
    libc = ctypes.CDLL(None)
    # PTRACE_TRACEME: it stops at the end of its exec.
    target = subprocess.Popen([bench.target("growing"), "leak"], env=bench.environment(LD_PRELOAD=bench.shim), stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL, preexec_fn=lambda: libc.ptrace(0, 0, None, None))
    try:
        os.waitpid(target.pid, os.WUNTRACED)
        with bench.watch(target.pid) as watching:
            line = watching.stderr.readline()
            demand(f"process {target.pid} growing, not watched" in line, line)
            libc.ptrace(17, target.pid, None, None)  # PTRACE_DETACH
            text = verdict(watching)
            demand(f"created at {CREATOR} by handle_request" in text, text)
    finally:
        target.kill()
        target.communicate()


def wrong_arguments(bench):
    for arguments, text in [((), "give a PID, --name or --exe"),
                            (("nginx",), "nginx is not a PID; give a name as --name=nginx"),
                            (("999999999",), "no process 999999999"),
                            (("--interval=1x", "1"), "--interval=1x is not a duration"),
                            (("--interval=1ms", "1"), "--interval=1ms is not a duration from 10ms to 24h"),
                            (("--samples=1", "1"), "--samples=1 is not a number from 2 to 15"),
                            (("--format=xml", "1"), "--format=xml: unknown format; use text or json"),
                            (("--on-leak= ", "1"), "--on-leak needs a command"),
                            (("--alive=x", "1"), "--alive=x is not a number of 1 or more")]:
        status, out, err = harness.call([bench.cli, "watch", *arguments], env=bench.env)
        demand((status, out) == (2, "") and err.startswith("threadleak: watch: ") and text in err and err.count("\n") == 1,
               f"{arguments}: {status}: {out}{err}")


def run_is_not_its_command(bench):
    with subprocess.Popen([bench.cli, "run", "-q", "--", bench.target("growing"), "pool"], env=bench.env, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as run:
        demand(run.stdout.readline() == b"up\n", "did not come up")
        found = {command: harness.call([bench.cli, command, str(run.pid)], env=bench.env) for command in ("watch", "top", "attach")}
        run.communicate(b"x")
    for command, (status, out, err) in found.items():
        wanted = rf"process {run.pid} is threadleak run itself; give its command: threadleak {command} \d+\n$"
        demand(status == 2 and re.search(wanted, err), f"{status}: {out}{err}")


def sites_on_a_terminal(bench):
    """They are shown until the next sample, unless --no-live."""
    with bench.growing("pool") as target:
        for options, is_live in ((), True), (("--no-live",), False):
            ours, terminal = os.openpty()
            with open(ours, "rb", buffering=0) as screen:
                status, _, err = harness.call([bench.cli, "watch", "--interval=1h", "--for=10ms", *options, str(target.pid)],
                                              env={**bench.env, "TERM": "xterm"}, stdout=terminal)
                os.close(terminal)
                text = b""
                with contextlib.suppress(OSError):  # EIO: all was read
                    while part := screen.read(4096):
                        text += part
            demand(status == 0, f"{status}: {err}")
            shown, cleared, rest = text.decode().partition("A\033[J")
            demand(bool(cleared) == is_live and ("threads" in shown) and (not is_live or "1 sample in" in rest), repr(text))


def sites_of_one_line(bench):
    """Their start routines distinguish them; other sites have no need of that."""
    with bench.growing("twins") as target:
        wait_until(lambda: len(os.listdir(f"/proc/{target.pid}/task")) == 4)
        status, out, err = harness.call([bench.cli, "watch", "--interval=1h", "--for=10ms", str(target.pid)], env=bench.env)
    demand(status == 0, f"{status}: {err}")
    rows = re.findall(rf"^ +1 +0 .*  {CREATOR}(.*)$", out, re.M)
    demand(sorted(rows) == ["  runs wait_for_ever", " handle_request  runs stay"] and out.count("  runs ") == 2, out)
    demand(all(len(line) <= 80 for line in out.splitlines()), out)


def full_disk(bench):
    with bench.growing("pool") as target, open("/dev/full", "w", encoding="utf-8") as full:
        for style in ("--format=json", "--format=text"):
            status, _, err = harness.call([bench.cli, "watch", "--interval=20ms", "--for=100ms", style, str(target.pid)],
                                          env=bench.env, stdout=full)
            demand(status == 2 and "standard output could not be written" in err, f"{style}: {status}: {err}")


def another_users_process(bench):
    """Of root, for somebody else."""
    harness.need_root()
    with bench.growing("pool") as target:
        program = harness.copy(bench.cli, bench.path("threadleak"))
        os.chmod(bench.tmp, 0o755)
        status, out, err = harness.call([*harness.as_nobody(), program, "watch", "--for=300ms", "--interval=100ms",
                                         str(target.pid)], env=bench.env)
        demand(status == 2 and "no permission to read it" in err and err.count("\n") == 1, f"{status}: {out}{err}")
        demand(re.match(r"0 processes, \d+ samples in .*: no process was sampled\n$", out), out)


TESTS = [
    leak_is_named_by_its_line, unjoined_threads_grow, unwatched_process, functions_of_python, no_growth, thresholds, waiting_threads, suppressions,
    suppressed_sites_are_counted, one_object_a_sample,
    command_gets_the_report, command_that_fails, restart, exec_is_another_program, a_process_that_has_not_loaded_the_shim_yet, wrong_arguments, run_is_not_its_command, sites_on_a_terminal,
    sites_of_one_line, full_disk, another_users_process]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
