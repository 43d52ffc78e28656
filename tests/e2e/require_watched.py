#!/usr/bin/env python3
"""`threadleak run --require-watched`: a program that was not watched is an error.

  tests/e2e/require_watched.py [--build DIR] [NAME...]
"""
import os
import re
import shutil
import subprocess
import sys

import harness
from harness import demand, need_root, threads_of
from tree_bench import BARE, Bench, demand_not_accused, one, starter_scripts

STRICT = ["--require-watched"]


def required(text):
    return re.escape("run: --require-watched: ") + text


def require_all_watched(bench):
    """Where all are, nothing is printed, however they are started, and whoever is still being loaded."""
    for program in ("./no_thread", "./clean"):
        for name, argv in starter_scripts(bench, program).items():
            code, printed = bench.run(argv, STRICT)
            demand(code == 0 and not printed, f"{name} {program}: status {code}, printed {printed}: {bench.err}")
    for _ in range(20):
        demand_not_accused(bench, ["sh", "-c", "/bin/true & /bin/true & /bin/true &"], STRICT)
    bench.demand_said(["sh", "-c", "./nosuch; true"], options=STRICT)
    bench.demand_said([bench.cli, "run", "--", "./clean"], options=STRICT)
    fork = "import os\nif os.fork() == 0: os._exit(0)\nos.wait()\n"
    bench.demand_said([sys.executable, "-c", fork], options=STRICT)


def require_watched(bench):
    static = one("./static_program", "static")
    for options in (STRICT, [*STRICT, "-q"]):
        for name, argv in starter_scripts(bench, "./static_program").items():
            code, printed = bench.run(argv, options)
            demand(code == 125 and len(printed) == 1 and re.fullmatch(required(static), printed[0]), f"{name}: {code} {printed}")
    # COMMAND's own status wins, and this wins over that for leaks, which are reported.
    bench.demand_said(["sh", "-c", "./static_program; exit 3"], required(static), options=STRICT, status=3)
    bench.demand_said(["sh", "-c", "./static_program; ./running; true"], "3 leaked threads .*", required(static),
                      options=[*STRICT], status=125)
    code, printed = bench.run(["sh", "-c", "env -i ./clean; true"], [*STRICT, "--format=json", "-o", "report.json"])
    demand(code == 125 and printed, f"{code} {printed}")
    code, printed = bench.run(["./clean"], [*STRICT, "--no-follow"])
    demand(code == 125 and len(printed) == 1 and "--no-follow" in printed[0], f"{code} {printed}")


def require_watched_for_each_reason(bench):
    """Program and reason are named, and COMMAND's 0 becomes 125; its own status stays."""
    reasons = {"./static_program": "static", "env -u LD_PRELOAD ./clean": BARE, "env -i ./clean": BARE}
    if os.getuid() == 0 and not os.statvfs(bench.tmp).f_flag & os.ST_NOSUID:
        for name, mode, word in (("set_user", 0o4755, "set-user-ID"), ("set_group", 0o2755, "set-group-ID")):
            harness.copy(os.path.join(bench.targets, "no_thread"), bench.path(name))
            os.chown(bench.path(name), 65534, 65534)
            os.chmod(bench.path(name), mode)
            reasons[f"./{name}"] = word
    other = os.path.join(bench.targets, "program_32bit")
    if os.path.exists(other) and harness.runs(other):
        os.symlink(other, bench.path("program_32bit"))
        reasons["./program_32bit"] = "another architecture"
    for command, why in reasons.items():
        printed = required(one(command.split()[-1], why))
        bench.demand_said(["sh", "-c", f"{command}; true"], printed, options=STRICT, status=125)
        bench.demand_said(["sh", "-c", f"{command}; exit 3"], printed, options=STRICT, status=3)
        bench.demand_said(["sh", "-c", f"{command}; true"], one(command.split()[-1], why))
    bench.demand_said(["sh", "-c", "./static_program; kill -TERM $$"], required(one("./static_program", "static")),
                      options=STRICT, status=143)


def require_what_is_uncertain(bench):
    unknown = re.escape("(no record: it was killed at its start, or could not load or write)")
    # The loader fails: a library is missing.
    harness.copy(os.path.join(bench.targets, "constructor_linked"), bench.path("alone"))
    bench.demand_said(["sh", "-c", "./alone; true"])
    bench.demand_said(["sh", "-c", "./alone; true"], required(rf"1 child program was not watched: \./alone {unknown}"),
                      options=STRICT, status=125)
    code, _ = bench.run(["bash", "-c", "(ulimit -f 0; ./no_thread); exit 0"], STRICT)
    demand(code == 125, f"no room for a record: status {code}")


def shells_of_libc(bench):
    """system and popen take no way that passes the hooks of exec."""
    libc = "import ctypes, os\nlibc = ctypes.CDLL(None)\n"
    popen = "libc.popen.restype = ctypes.c_void_p\nlibc.pclose(ctypes.c_void_p(libc.popen(b'./clean', b'r')))\n"
    for call in ("libc.system(b'./clean')\n", popen):
        bench.demand_said([sys.executable, "-c", libc + call])
        bench.demand_said([sys.executable, "-c", libc + "libc.unsetenv(b'LD_PRELOAD')\n" + call], one("/bin/sh", BARE))


def other_users(bench):
    """Who becomes another user reports in, too, and may not write to the directory."""
    need_root()
    setpriv = harness.as_nobody()
    run = os.path.join(bench.tmp, "bin")
    shutil.copytree(bench.targets, run, symlinks=True, ignore=lambda directory, names: set(names) - {"running", "clean"})
    for name in ("threadleak", "libthreadleak.so"):
        harness.copy(os.path.join(os.path.dirname(bench.targets), name), run)
    bench.cli = os.path.join(run, "threadleak")
    running = os.path.join(run, "running")
    for argv in ([*setpriv, running], ["sh", "-c", " ".join([*setpriv, running])]):
        code, printed = bench.run(argv, STRICT)
        demand(code == 66 and len(printed) == 1 and printed[0].startswith("3 leaked threads"), f"{argv}: {code} {printed}")
    code, _, report = bench.json([*setpriv, running])
    sources = {thread["stack_source"] for thread in threads_of(report["processes"][0])}
    demand(code == 66 and "none" not in sources, f"{code}, stacks: {sources}")
    # Even if the parent of the directory, like the directory, belongs to root alone.
    os.mkdir(bench.path("private"), 0o700)
    env = bench.environment(TMPDIR=bench.path("private"))
    code, printed = bench.run([*setpriv, running], STRICT, env=env)
    demand(code == 66 and len(printed) == 1, f"a private TMPDIR: {code} {printed}")
    bench.write("list", 'stat -c %a "$THREADLEAK_RUN_DIR"; ls "$THREADLEAK_RUN_DIR"; rm "$THREADLEAK_RUN_DIR/execs"\n')
    done = subprocess.run([bench.cli, "run", "--", *setpriv, "sh", "list"], cwd=bench.tmp, env=bench.environment(),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    demand(done.stdout.startswith(b"700\n") and done.stdout.count(b"ermission denied") == 2, f"the directory: {done.stdout}")


TESTS = [require_all_watched, require_watched, require_watched_for_each_reason, require_what_is_uncertain,
         shells_of_libc, other_users]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
