#!/usr/bin/env python3
"""Reports with few facts: of processes that are not watched,
when all is shown already, when it cannot be written.

  tests/e2e/report_texts.py [--build DIR] [NAME...]
"""
import contextlib
import fcntl
import json
import os
import re
import signal
import struct
import subprocess
import sys
import termios

import harness
from harness import demand


class Bench(harness.Bench):
    def run(self, *args, **more):
        """Status, standard output, and the lines of standard error."""
        status, out, err = harness.call([self.cli, *args], env=self.env, **more)
        return status, out, err.splitlines()

    @contextlib.contextmanager
    def watched_program(self, argv):
        env = {**self.env, "LD_PRELOAD": os.path.join(self.build, "libthreadleak.so")}
        with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield process
            finally:
                process.kill()


# ---- stopped by a signal -----------------------------------------------------------------

def a_stopped_process_is_said_to_be_stopped(bench):
    """Whoever asks why it hangs reads it in the second line."""
    for watched in (True, False):
        with bench.live("fork_pool", "main", watched=watched) as pid:
            line = f"stopped by a signal, until 'kill -CONT {pid}'"
            os.kill(pid, signal.SIGSTOP)
            try:
                harness.wait_until(lambda: all(state_of_task(pid, tid) == "T" for tid in os.listdir(f"/proc/{pid}/task")))
                outputs = [bench.run("report", *options, str(pid))[1] for options in ([], ["--no-stop"], ["--format=json"])]
            finally:
                os.kill(pid, signal.SIGCONT)
            demand(line in outputs[0].splitlines() and line in outputs[1].splitlines(), outputs)
            demand(json.loads(outputs[2])["processes"][0]["stopped"] is True, outputs[2])
            harness.wait_until(lambda: harness.state_of(pid) == "S")
            _, out, _ = bench.run("report", "--format=json", str(pid))
            demand("stopped" not in json.loads(out)["processes"][0], out)


def state_of_task(pid, tid):
    with open(f"/proc/{pid}/task/{tid}/stat", encoding="utf-8") as file:
        return file.read().rsplit(") ", 1)[1][0]


# ---- not watched ------------------------------------------------------------------------

def unwatched_without_stop(bench):
    """Threads can be listed without a stop."""
    with bench.live("waits", "stay", watched=False) as pid:
        tids = set(os.listdir(f"/proc/{pid}/task"))
        _, whole, _ = bench.run("report", "--no-stop", "--all", str(pid))
        _, short, _ = bench.run("report", "--no-stop", str(pid))
        _, summary, _ = bench.run("report", "--no-stop", "-q", str(pid))
    shown = set(re.findall(r"tid (\d+)", whole))
    demand(shown == tids, f"shown {sorted(shown)} of {sorted(tids)}")
    demand('"holder" tid' in whole and "the main thread" in whole, "no names")
    demand(len(re.findall(r"tid \d+", short)) == 9 and " and 5 more\n" in short, f"not the first ones: {short}")
    demand(short.endswith(f"\nto see every thread: threadleak report --all {pid}\n"), "not how to see the others")
    demand("every thread:" not in whole, "how to see what is shown")
    demand(not re.search(r"\btid \d+", summary), "threads in a summary")


def unwatched_is_not_judged(bench):
    """No leak is known there, which is not the same as none."""
    with bench.live("waits", "stay", watched=False) as pid:
        for options in ([], ["--no-stop"], ["-q"], ["--format=json"]):
            status, out, err = bench.run("report", "--check", *options, str(pid))
            demand(status == 2, f"{options}: status {status}")
            demand(len(err) == 1 and f"--check: process {pid} is not watched" in err[0], f"{options}: printed {err}")
            demand(out, f"{options}: no report")
            if "--format=json" in options:
                demand(json.loads(out)["processes"][0]["watched"] is False, "printed to be watched")
        status, out, err = bench.run("report", str(pid))
        demand(status == 0 and not err, f"without --check: status {status}, {err}")
        demand("not watched, so thread creators are unknown; " in out, out)
        for option in ("-q", "--threads=leaks"):
            _, out, _ = bench.run("report", option, str(pid))
            demand("not watched, so its leaks are unknown; " in out, f"{option}: {out}")


def watched_is_judged(bench):
    with bench.live("wait_for_end", watched=True) as pid:
        for options, wanted in ([], 1), (["--report=detached"], 0):
            status, _, err = bench.run("report", "--check", *options, str(pid))
            demand(status == wanted and not err, f"{options}: status {status}, {err}")


def summary_has_a_line_for_each_site(bench):
    """Also of a process that is not judged; there a suppressed site has none."""
    rule = bench.path("rule")
    with open(rule, "w", encoding="ascii") as file:
        file.write("name:^worker$\n")
    with bench.live("wait_for_end", watched=True) as pid:
        for options, wanted in ([], 1), (["--check"], 1), (["--check", "--report=none"], 0), ([f"--suppressions={rule}"], 0):
            _, out, _ = bench.run("report", "-q", *options, str(pid))
            demand(len(re.findall(r"^  1 running thread, .*created by start ", out, re.M)) == wanted, f"{options}: {out}")


# ---- what to type next --------------------------------------------------------------------

def nothing_more_to_see(bench):
    with bench.live("wait_for_end", watched=True) as pid:
        _, out, _ = bench.run("report", str(pid))
        demand("main   alive" in out and "every thread:" not in out, f"all is shown, and yet: {out}")
        for options in ("--no-stop", "--threads=leaks", "--report=none"):
            _, out, _ = bench.run("report", options, str(pid))
            demand(("every thread:" in out) == (options == "--threads=leaks"), f"{options}: {out}")


def more_to_see(bench):
    with bench.live("thousand", watched=True) as pid:
        _, out, _ = bench.run("report", str(pid))
        demand(out.endswith(f"\nto see every thread: threadleak report --all {pid}\n"), "not how to see a thousand")
        _, out, _ = bench.run("report", "--all", str(pid))
        demand("every thread:" not in out, "how to see what is shown")


# ---- waits ------------------------------------------------------------------------------

def holder_has_ended(bench):
    """By its number, as long as that is known."""
    _, out, _ = bench.run("run", "-o", "-", "--", bench.target("held_by_ended"))
    demand(re.search(r"now in mutex lock, held by T2, which has ended,", out), f"not T2: {out}")
    _, out, _ = bench.run("run", "-o", "-", "--format=json", "--", bench.target("held_by_ended"))
    leaks = {leak["kind"]: leak["threads"][0] for leak in json.loads(out)["processes"][0]["leaks"]}
    waiting = leaks["running"]["waiting"]
    demand(waiting["owner"] == leaks["unjoined"]["id"] == 2 and waiting["owner_tid"] == leaks["unjoined"]["tid"],
           f"{waiting}")
    _, out, _ = bench.run("run", "-o", "-", "--", bench.target("held_by_ended"), "joined")
    demand(re.search(r"now in mutex lock, held by tid \d+, which has ended,", out), f"it was joined: {out}")


# ---- where it goes ------------------------------------------------------------------------

def one_line_for_a_failure(bench):
    with bench.live("wait_for_end", watched=True) as pid, open("/dev/full", "wb") as full:
        for args, wanted in ((["report", str(pid)], 2), (["report", "--format=json", str(pid)], 2),
                             (["help"], 2), (["help", "run"], 2), (["--version"], 2),
                             (["run", "-o", "-", "--", bench.target("running")], 125)):
            status, _, err = bench.run(*args, stdout=full)
            demand(status == wanted and len(err) == 1 and "No space left on device" in err[0], f"{args}: {status} {err}")
        reader, writer = os.pipe()
        os.close(reader)
        status, _, err = bench.run("report", str(pid), stdout=writer, restore_signals=False)  # SIGPIPE is ignored
        os.close(writer)
        demand(status == 2 and len(err) == 1 and "Broken pipe" in err[0], f"{status} {err}")


def one_empty_line_between(bench):
    """Above each process, also where the time was over."""
    names = bench.path("one"), bench.path("two")
    script = '"$0" stay </dev/zero >"$1" & exec "$0" stay </dev/zero >"$2"'

    def argv(seconds):
        for name in names:
            open(name, "wb").close()
        return [bench.cli, "run", f"--timeout={seconds}", "-o", bench.path("out"), "--", "sh", "-c", script, bench.target("waits"), *names]
    status, _ = harness.limited(argv, lambda _: all(map(os.path.getsize, names)), env=bench.env)
    out = bench.read("out")
    demand(status == 124 and out.count("\nthreadleak: ") >= 2, f"status {status}: {out[:300]}")
    demand("\n\n\n" not in out, f"two empty lines: {out[:200]!r}")
    demand(out.startswith("threadleak: timed out after ") and "\n\nthreadleak: " in out[:120], f"{out[:200]!r}")


# ---- names of programs ---------------------------------------------------------------------

TITLES = """
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static void *stay(void *arg) { for (;;) pause(); return arg; }
int main(int argc, char **argv)
{
    pthread_t thread;
    if (argc > 1 && strcmp(argv[1], "again") == 0)
        execl("/proc/self/exe", "/proc/self/exe", "stay", NULL);
    if (argc > 1 && strcmp(argv[1], "title") == 0) {
        size_t size = argv[argc - 1] + strlen(argv[argc - 1]) - argv[0];
        memset(argv[0], 0, size);
        strcpy(argv[0], "pool: idle");
    }
    pthread_create(&thread, NULL, stay, NULL);
    if (argc > 3) { puts("up"); fflush(stdout); pause(); }
    return 0;
}
"""


def programs_are_named_as_ps_does(bench):
    program, source = bench.path("program"), bench.write("program.c", TITLES)
    subprocess.run(["cc", "-pthread", "-o", program, source], check=True, timeout=harness.TIMEOUT_S)
    for argument, name in (("again", os.path.realpath(program)), ("title", "pool: idle"), ("plain", program)):
        _, _, err = bench.run("run", "--", program, argument, "long enough")
        demand(err and f" site, {name} (pid " in err[0], f"{argument}: {err}")
    with bench.watched_program([program, "title", "long enough", "wait"]) as process:
        demand(process.stdout.readline() == "up\n", "it is up")
        _, out, _ = bench.run("report", "--no-stop", str(process.pid))
    demand(f" site, pool: idle (pid {process.pid})" in out, out)


LIBRARY = """
#include <pthread.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *hang(void *arg) { pthread_mutex_lock(&lock); return arg; }
void library_start(void)
{
    pthread_t thread;
    pthread_mutex_lock(&lock);
    pthread_create(&thread, 0, hang, 0);
}
"""


def one_name_for_a_library(bench):
    """The loader knows it as libq.so.1, and the memory map as libq.so.1.2.3."""
    library, program = bench.path("libq.so.1.2.3"), bench.path("program")
    source = bench.write("q.c", LIBRARY)
    user = bench.write("user.c", "void library_start(void); int main(void) { library_start(); return 0; }")
    subprocess.run(["cc", "-shared", "-fPIC", "-s", "-pthread", "-Wl,--build-id", "-Wl,-soname,libq.so.1", "-o", library, source],
                   check=True, timeout=harness.TIMEOUT_S)
    os.symlink(library, bench.path("libq.so.1"))
    subprocess.run(["cc", "-o", program, user, library, "-Wl,-rpath," + bench.tmp], check=True, timeout=harness.TIMEOUT_S)
    _, _, err = bench.run("run", "--", program)
    text = "\n".join(err)
    demand("library_start   libq.so.1\n" in text and "now in mutex libq.so.1+0x" in text, text)
    demand("libq.so.1.2.3" not in text, text)


GAPS = """
#include <pthread.h>
#include <unistd.h>
static void *hang(void *arg) { pause(); return arg; }
int main(void) { pthread_t thread; return pthread_create(&thread, 0, hang, 0); }
"""


def a_program_with_gaps_between_its_segments(bench):
    """Where pages may be large, as on aarch64, linkers leave gaps. Then glibc does not say where the program begins."""
    source = bench.write("gaps.c", GAPS)
    for kind in "-pie", "-no-pie":
        program = bench.path("gaps" + kind)
        subprocess.run(["cc", kind, "-pthread", "-Wl,-z,max-page-size=0x200000,-z,separate-code,--build-id=0x0123456789abcdef",
                        "-o", program, source], check=True, timeout=harness.TIMEOUT_S)
        report = json.loads("\n".join(bench.run("run", "--format=json", "--", program)[2]))
        frames = [frame for frame in every_frame(report) if frame["module"] == program]
        demand(frames and all(frame["build_id"] == "0123456789abcdef" for frame in frames), frames)


def every_frame(document):
    """All dictionaries of a report that are frames."""
    if isinstance(document, list):
        return [frame for part in document for frame in every_frame(part)]
    if not isinstance(document, dict):
        return []
    here = [document] if "build_id" in document else []
    return here + [frame for part in document.values() for frame in every_frame(part)]


# ---- terminals ------------------------------------------------------------------------------

def on_terminal(bench, columns, *args, **more):
    """What a command prints on a terminal of so many columns, without the progress that it removes again."""
    leader, follower = os.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen([bench.cli, *args], stdin=subprocess.DEVNULL, stdout=follower, stderr=follower,
                          env={**bench.env, **more}) as process:
        os.close(follower)
        printed = b""
        try:
            while part := os.read(leader, 1 << 16):
                printed += part
        except OSError:  # EIO: the terminal is closed
            pass
        process.wait(harness.TIMEOUT_S)
    os.close(leader)
    return re.sub(r"[^\n]*\r\x1b\[K", "", printed.decode().replace("\r\n", "\n"))


def lines_fit_the_terminal(bench):
    target = bench.target("waits")
    for window, more, width in ((100, {}, 100), (60, {}, 60), (0, {"COLUMNS": "72"}, 72), (90, {"COLUMNS": "50"}, 50)):
        printed = on_terminal(bench, window, "run", "--color=never", "--", target, **more)
        longest = max(printed.splitlines(), key=len)
        demand("leaked threads" in printed, printed)
        demand(len(longest) <= width, f"{window} columns, {more}: {longest}")
    _, _, err = bench.run("run", "--", target)
    demand(len(max(err, key=len)) > 80, f"cut, and there is no terminal: {err}")


def ascii_without_utf8(bench):
    for locale, wanted in ({"LC_ALL": "C"}, "running x1"), ({"LC_ALL": "", "LANG": "C.UTF-8"}, "running ×1"), \
            ({"LC_ALL": "xx_XX.UTF-8"}, "running ×1"), ({"LC_ALL": "POSIX", "LANG": "C.UTF-8"}, "running x1"):
        _, _, err = harness.call([bench.cli, "run", "--", bench.target("running")], env={**bench.env, **locale})
        demand(wanted in err, f"{locale}: {err}")
        demand("×" in wanted or err.isascii(), f"{locale}: {err}")


def every_site_has_a_line_in_quiet_reports(bench):
    _, _, err = bench.run("run", "-q", "--", bench.target("kinds"))
    demand(len(err) == 5 and [line.split()[1] for line in err[1:4]] == ["running", "detached", "finished"], err)
    demand(all(", created by start (" in line and ", runs " in line for line in err[1:4]), err)


TESTS = [a_stopped_process_is_said_to_be_stopped, one_name_for_a_library, a_program_with_gaps_between_its_segments, programs_are_named_as_ps_does, lines_fit_the_terminal, ascii_without_utf8, every_site_has_a_line_in_quiet_reports,
         unwatched_without_stop, unwatched_is_not_judged, watched_is_judged, summary_has_a_line_for_each_site, nothing_more_to_see, more_to_see,
         holder_has_ended, one_line_for_a_failure, one_empty_line_between]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
