#!/usr/bin/env python3
"""`threadleak run` of processes that could not be recorded, or only in part: it always prints that, and never "no leaks".

  tests/e2e/run_unrecorded.py [--build DIR] [NAME...]
"""
import os
import re
import signal
import sys

import harness
from harness import Skip, demand, need
from tree_bench import Bench

FILE_SIZE = "its limit on file sizes is too low for a record; raise ulimit -f"
MEMORY = "its limit on memory is too low for a record; raise ulimit -v"
NO_ROOM = "no room for its record; free some, or set TMPDIR to another directory"
LOST = r"(\d+) creations of a thread by (\S+) \(pid \d+\) were not recorded: "
CLEAN = r"(\./clean|process \d+)"  # without room for a record of the exec its name is not known
LIMITS = (("-f 64", FILE_SIZE), ("-f 0", FILE_SIZE), ("-v 16000", MEMORY))


def not_watched(program, why, child=False):
    """program: a regular expression."""
    return re.escape(f"1 {'child ' if child else ''}program was not watched: ") + program + re.escape(f" ({why})")


def limited(limit, argv):
    return ["bash", "-c", f'ulimit {limit}; exec "$@"', "limited", *argv]


def small_directory(bench, size, fill=False):
    """TMPDIR with little room, and the command that mounts it, in a mount namespace of its own."""
    directory = bench.path("small")
    os.makedirs(directory, exist_ok=True)
    fill = f"head -c {size} /dev/zero >{directory}/full 2>/dev/null; " if fill else ""
    script = f'mount -t tmpfs -o size={size} none {directory} || exit 77; {fill}exec "$@"'
    around = [need("unshare"), "-m" if os.geteuid() == 0 else "-rm", "sh", "-c", script, "mounts"]
    if harness.call([*around, "true"])[0] != 0:
        raise Skip("no file system can be mounted here")
    return around, bench.environment(TMPDIR=directory)


def limit_of_command(bench):
    """COMMAND itself has no record: 125, with the limit's name, even with -q."""
    for limit, why in LIMITS:
        for options in ([], ["-q"]):
            code, printed = bench.run(limited(limit, ["./small_stack"]), options)
            demand(code == 125 and re.fullmatch(not_watched(r"(\S*small_stack|bash)", why), printed[-1]), f"{limit}: {code}, {printed}")


def no_thread_needs_no_room(bench):
    """Who creates no thread has no record, and is known to have created none. So has its forked child."""
    for limit, _ in LIMITS:
        code, printed = bench.run(limited(limit, ["./no_thread"]))
        printed = [line for line in printed if "list of programs" not in line]  # that of this exec does not fit
        demand(code == 4 and not printed, f"{limit}: {code}, {printed}")
    code, out, err = harness.call([bench.cli, "run", "--", "sh", "-c", '(ls "$THREADLEAK_RUN_DIR"); ./clean; ls "$THREADLEAK_RUN_DIR"'],
                                  cwd=bench.tmp, env=bench.env)
    before, after = out.split("done\n")
    demand(code == 0 and not err and before.count("began.") == 2 and "ledger." not in before, f"{code}: {out}{err}")
    demand(after.count("ledger.") == 1, out)


def no_descriptor(bench):
    """The record is made without one."""
    script = ("import resource, threading\n"
              "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))\n"
              "threading.Thread(target=int).start()\n")
    code, printed = bench.run([sys.executable, "-c", script])
    demand(code == 0 and not printed, f"{code}, {printed}")
    script = script.replace("target=int", "target=lambda: time.sleep(1000), daemon=True").replace("import ", "import os, time, ", 1)
    code, printed, report = bench.json([sys.executable, "-c", script], ["--grace=0"])
    demand(code == 66 and report["summary"]["leaked_threads"] == 1 and not printed, f"{code}, {printed}")


def limit_of_run(bench):
    """The limit of run, as a shell sets it for both."""
    around = ["bash", "-c", 'ulimit -f 64; exec "$@"', "limited"]
    code, printed = bench.run(["./running"], around=around)
    demand(code == 125 and re.fullmatch(not_watched(r"\./running", FILE_SIZE), printed[-1]), f"{code}, {printed}")


def limit_of_child(bench):
    """One line, and the status is that of --require-watched alone."""
    for limit, why in LIMITS:
        argv = ["sh", "-c", f"(ulimit {limit}; ./clean); true"]
        code, printed = bench.run(argv)
        demand(code == 0 and re.fullmatch(not_watched(CLEAN, why, True), printed[-1]), f"{limit}: {code}, {printed}")
        code, printed = bench.run(argv, ["--require-watched", "-q"])
        demand(code == 125 and printed and why in printed[-1], f"{limit}: {code}, {printed}")
        code, printed, report = bench.json(argv)
        whys = [program["why"] for program in report["unwatched"]]
        wanted = "memory-limit" if why == MEMORY else "file-size-limit"
        demand(code == 0 and whys == [wanted], f"{limit}: {code}, {whys}")


def limit_of_fork(bench):
    """A child that only forks has no program of its own."""
    script = ("import os, resource, threading\n"
              "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
              "if os.fork() == 0: threading.Thread(target=int).start()\n"
              "os.wait()\n")
    bench.demand_said([sys.executable, "-c", script], r"1 child program was not watched: process \d+ " + re.escape(f"({FILE_SIZE})"))


def full_directory(bench):
    around, env = small_directory(bench, 65536, fill=True)
    code, printed = bench.run(["./clean"], ["-q"], env, around)
    demand(code == 125 and re.fullmatch(not_watched(CLEAN, NO_ROOM), printed[-1]), f"{code}, {printed}")
    code, printed = bench.run(["./clean"], ["--format=json", "-o", "report.json"], env, around)
    demand(code == 125 and re.fullmatch(not_watched(CLEAN, NO_ROOM), printed[-1]), f"{code}, {printed}")


def directory_becomes_full(bench):
    """Some threads have records, then there is no room."""
    around, env = small_directory(bench, 131072)
    code, printed = bench.run(["./joined_at_once"], ["-q"], env, around)
    demand(code == 125 and re.match(LOST + "no room in", printed[-1]), f"{code}, {printed}")
    for options, status in (([], 0), (["--require-watched"], 125)):
        code, printed = bench.run(["sh", "-c", "./joined_at_once; true"], options, env, around)
        demand(code == status and re.match(LOST + "no room in", printed[-1]), f"{options}: {code}, {printed}")
    code, _ = bench.run(["./joined_at_once"], ["-v"], env, around)
    demand("no leak" not in bench.err and "lost: " in bench.err, bench.err)


def full_table(bench):
    """All creations beyond it are lost.  The status does not change, and no report says that nothing leaked."""
    small = limited("-v 115000", ["./joined_at_once"])
    if harness.call(small, cwd=bench.tmp)[0] != 0:
        raise Skip("these threads do not fit here")
    code, printed = bench.run(small, ["-q"])
    lost = re.fullmatch(LOST + "too many threads or creation sites at once for its ledger", printed[-1])
    demand(code == 0 and lost and int(lost[1]) > 100, f"{code}, {printed}")
    code, _ = bench.run(small, ["-v"])
    demand(code == 0 and "no leak" not in bench.err and "lost: " in bench.err, bench.err)


def killed_at_start(bench):
    """However early a signal ends COMMAND, the status says so."""
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV):
        code, printed = bench.run(["./killed_at_start", str(int(number))])
        demand(code == 128 + number and printed == [f"run: signal {int(number)} ended ./killed_at_start before it was watched"],
               f"{number}: {code}, {printed}")
        code, printed = bench.run(["env", "-i", "sh", "-c", f"kill -{int(number)} $$"])
        demand(code == 128 + number and "was not watched" in printed[-1], f"{number}, by exec: {code}, {printed}")
    code, printed = bench.run(["./killed_at_start"])
    demand(code == 0 and not printed, f"not killed: {code}, {printed}")


def many_programs_of_a_process(bench):
    """Each exec takes the next name for its ledger, also after a thousand."""
    bench.write("again", '#!/bin/sh\n[ $1 -gt 0 ] && exec "$0" $(($1 - 1))\nexec ./running\n', 0o755)
    code, _, report = bench.json(["./again", "1010"])
    demand(code == 66 and report["summary"]["leaked_threads"] == 3, f"{code}: {bench.err}")


def programs_in_a_full_directory(bench):
    """The record of a started program does not fit: one line, and 125 where all must be watched."""
    bench.write("fills", 'head -c 1000000000 /dev/zero >"$TMPDIR/full" 2>/dev/null\nfor i in $(seq 200); do "$1"; done\nexit 0\n')
    around, env = small_directory(bench, 4 << 20)
    static = "./" + 240 * "x"  # each record takes much room
    os.symlink(bench.target("static_program"), bench.path(static))
    for options, wanted in ([], 0), (["--require-watched"], 125):
        code, printed = bench.run(["sh", "./fills", static], options, env, around)
        said = [line for line in printed if "is not complete (no room" in line]
        demand(code == wanted and len(said) == 1, f"{code}, {printed}")


def socket_is_refused(bench):
    """As few descriptors as are needed for the rest."""
    outputs = ["--format=text", "-o", "text", "--format=json", "-o", "json"]
    for most in range(4, 24):
        code, printed = bench.run(["./clean"], outputs, None, ["bash", "-c", f'ulimit -n {most}; exec "$@"', "limited"])
        said = [line for line in printed if "its socket could not be made: Too many open files" in line]
        if said:
            break
    demand(len(said) == 1, f"{most}: {code}, {printed}")


TESTS = [no_thread_needs_no_room, no_descriptor, programs_in_a_full_directory, socket_is_refused, many_programs_of_a_process, limit_of_command, limit_of_run, limit_of_child, limit_of_fork, full_directory, directory_becomes_full, full_table,
         killed_at_start]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
