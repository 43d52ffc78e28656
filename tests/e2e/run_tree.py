#!/usr/bin/env python3
"""`threadleak run` over trees of processes: what it says of those that it could
not watch, that live on, or that ended in a way it does not judge.

  tests/e2e/run_tree.py [--build DIR] [NAME...]
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys

import harness
from harness import TIMEOUT_S, Skip, demand, need, need_root, threads_of

# Without LD_PRELOAD nothing in the tree is watched: printed once for each.
BARE = "started without LD_PRELOAD"


class Bench(harness.Bench):
    """With the targets in its directory by short names."""

    def __init__(self, build):
        super().__init__(build)
        self.started = []
        os.chmod(self.tmp, 0o755)
        for name in ("clean", "no_thread", "running", "static_program", "end_underscore_exit", "end_signal"):
            os.symlink(self.target(name), self.path(name))

    def run(self, argv, options=(), env=None, around=()):
        """Status, and what threadleak printed on standard error: the lines that begin so."""
        status, _, self.err = harness.call([*around, self.cli, "run", *options, "--", *argv], env=env or self.env,
                                           cwd=self.tmp, stdout=subprocess.DEVNULL, errors="replace")
        return status, [line[12:] for line in self.err.split("\n") if line.startswith("threadleak: ")]

    def demand_said(self, argv, *wanted, options=(), status=0, env=None):
        """These lines and no other; each wanted is a regular expression."""
        code, printed = self.run(argv, options, env)
        fits = len(printed) == len(wanted) and all(re.fullmatch(a, b) for a, b in zip(wanted, printed))
        demand(code == status, f"{argv}: status {code}, not {status}: {self.err}")
        demand(fits, f"{argv}: printed {printed}, not {list(wanted)}")

    def json(self, argv, options=()):
        output = self.path("report.json")
        code, printed = self.run(argv, ["--format=json", "-o", output, *options])
        return code, printed, harness.read_json(output)

    def start(self, argv, piped=False, watched=False, **more):
        env = self.environment(**({"LD_PRELOAD": self.shim} if watched else {}))
        if piped:
            more = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **more}
        process = subprocess.Popen(argv, cwd=self.tmp, env=env, **{"stdin": subprocess.DEVNULL, **more})
        self.started.append(process)
        return process

    def end(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()
        super().end()


def one(name, why):
    return re.escape(f"1 child program was not watched: {name} ({why})")


# ---- programs that start others, each in its own way ---------------------------------

def starter_scripts(bench, program):
    """Ways to start `program` and go on."""
    bench.write("Makefile", "all:\n\t@-$(PROGRAM)\n")
    python = "import subprocess, sys\nsubprocess.call([sys.argv[1]]{})\n"
    spawn = "import os, sys\nos.waitpid(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ), 0)\n"
    fork = "import os, sys\nif os.fork() == 0: os.execv(sys.argv[1], sys.argv[1:])\nos.wait()\n"
    ways = {
        "sh": ["sh", "-c", f"{program}; true"],
        "bash": ["bash", "-c", f"{program}; true"],
        "make": ["make", "-s", f"PROGRAM={program}"],
        "make through a shell": ["make", "-s", f"PROGRAM={program} && true; true"],
        "python, vfork": [sys.executable, "-c", python.format(""), program],
        "python, fork": [sys.executable, "-c", python.format(", start_new_session=True, preexec_fn=lambda: None"), program],
        "python, posix_spawn": [sys.executable, "-c", spawn, program],
        "python, exec in a fork": [sys.executable, "-c", fork, program],
        "xargs": ["sh", "-c", f"echo | xargs {program}; true"],
        "perl": ["perl", "-e", "system(@ARGV); exit 0", program],
        "two shells": ["sh", "-c", f"sh -c '{program}; true'; true"],
    }
    return {name: argv for name, argv in ways.items() if shutil.which(argv[0])}


def static_child(bench):
    for name, argv in starter_scripts(bench, "./static_program").items():
        code, printed = bench.run(argv)
        demand(code == 0 and printed == ["1 child program was not watched: ./static_program (static)"],
               f"{name}: status {code}, printed {printed}: {bench.err}")


def watched_child(bench):
    """Programs that create no thread, or leave none, are nobody's to accuse."""
    for program in ("./no_thread", "./clean", "/bin/true"):
        for name, argv in starter_scripts(bench, program).items():
            code, printed = bench.run(argv)
            demand(code == 0 and not printed, f"{name} {program}: status {code}, printed {printed}: {bench.err}")


def leaking_child(bench):
    for name, argv in starter_scripts(bench, "./running").items():
        code, printed = bench.run(argv)
        demand(code == 66 and len(printed) >= 1 and "not watched" not in bench.err, f"{name}: status {code}, printed {printed}")


def exec_fails(bench):
    """A shell searches PATH; a missing or unusable program is not reported as unwatched."""
    bench.write("text", "no program\n")
    directories = ":".join(bench.path(f"directory{n}") for n in range(3))
    env = bench.environment(PATH=f"{directories}:{os.environ['PATH']}")
    for command in ("./nosuch", "nosuch", "./text", "/", "/nosuch/program", "true", "./text/program"):
        for name, argv in starter_scripts(bench, command).items():
            printed = bench.run(argv, env=env)[1]
            demand(not [line for line in printed if "watched" in line], f"{name} {command}: printed {printed}")
    # Not static because it would be: it never ran.
    bench.write("execs.py", "import os\n"
                "for n in range(3):\n"
                " try: os.execv('./static_program', ['x' * 3000000])\n"
                " except OSError: pass\n")
    bench.demand_said([sys.executable, "execs.py"])


def without_environment(bench):
    bench.demand_said(["sh", "-c", "env -i ./clean; true"], one("./clean", BARE))
    bench.demand_said(["sh", "-c", "env -u LD_PRELOAD ./clean; true"], one("./clean", BARE))
    bench.demand_said(["bash", "-c", "unset LD_PRELOAD; ./clean; true"], one("./clean", BARE))
    bench.demand_said([sys.executable, "-c", "import os\nos.waitpid(os.posix_spawn('./clean', ['clean'], {}), 0)"],
                      one("./clean", BARE))
    # Both reasons apply: the one of the file is reported.
    bench.demand_said(["sh", "-c", "env -i ./static_program; true"], one("./static_program", "static"))


def command_itself(bench):
    code, printed = bench.run(["env", "-i", "./clean"])
    demand(code == 125 and printed[0] == f"1 program was not watched: ./clean ({BARE})" and len(printed) == 2, f"{code} {printed}")


def setuid_child(bench):
    need_root()
    shutil.copy(bench.path("no_thread"), bench.path("other"))
    os.chown(bench.path("other"), 65534, 65534)
    for mode, word in ((0o4755, "set-user-ID"), (0o2755, "set-group-ID")):
        os.chmod(bench.path("other"), mode)
        if os.statvfs(bench.tmp).f_flag & os.ST_NOSUID:
            raise Skip("this directory is nosuid")
        bench.demand_said(["sh", "-c", "./other; true"], one("./other", word))
    # Whoever is that user already gains nothing by it, and is watched.
    bench.demand_said([need("su"), "-c", "true"])


def other_architecture(bench):
    program = os.path.join(bench.targets, "program_32bit")
    harness.need_32bit(program)
    os.symlink(program, bench.path("program_32bit"))
    bench.demand_said(["sh", "-c", "./program_32bit; true"], one("./program_32bit", "another architecture"))


def script_of_static(bench):
    bench.write("script", f"#!{bench.path('static_program')}\n", 0o755)
    bench.demand_said(["sh", "-c", "./script; true"], one("./script", "static"))
    bench.write("plain", "./no_thread\n", 0o755)
    bench.demand_said(["sh", "-c", "./plain; true"])


def found_in_path(bench):
    """By its name alone, from another directory."""
    env = bench.environment(PATH=f"{bench.tmp}:{os.environ['PATH']}")
    for argv in (["sh", "-c", "cd /; static_program; true"], ["xargs", "static_program"],
                 [sys.executable, "-c", "import os\nos.waitpid(os.posix_spawnp('static_program', ['x'], os.environ), 0)"]):
        code, printed = bench.run(argv, env=env)
        demand(len(printed) == 1 and re.fullmatch(r"1 child program was not watched: (\S*/)?static_program \(static\)", printed[0]),
               f"{argv}: status {code}, printed {printed}")
    bench.write("moved", "mkdir sub; cd sub; ../static_program; cd ..; rmdir sub\n")
    bench.demand_said(["sh", "moved"], one("../static_program", "static"))


def many(bench):
    bench.demand_said(["sh", "-c", "for n in 1 2 3; do ./static_program; env -i ./clean; done; env -i /bin/true; true"],
                      re.escape(f"7 child programs were not watched: ./static_program ×3 (static), ./clean ×3 ({BARE}), "
                                f"/bin/true ({BARE})"))


def still_alive_unwatched(bench):
    """A process that outlives COMMAND is reported, too, after its exec."""
    script = ("import os, subprocess, sys\n"
              "child = subprocess.Popen(['/bin/sleep', '1000'], env={}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
              "open('pid', 'w').write(str(child.pid))\n")
    try:
        bench.demand_said([sys.executable, "-c", script], one("/bin/sleep", BARE))
    finally:
        with open(bench.path("pid"), encoding="ascii") as file:
            os.kill(int(file.read()), signal.SIGKILL)


def still_loading(bench):
    """Started in the last moment: it may not have reported in yet, and is not accused of that."""
    for _ in range(20):
        bench.demand_said(["sh", "-c", "/bin/true & /bin/true & /bin/true &"])


def killed_before_it_began(bench):
    script = ("import os, signal, subprocess\n"
              "for n in range(30):\n"
              " child = subprocess.Popen(['/bin/sleep', '1000'])\n child.kill()\n child.wait()\n")
    bench.demand_said([sys.executable, "-c", script])


def pids_again(bench):
    """A pid that was an unwatched program's is a watched one's later, and the other way round."""
    own = [need("unshare"), "--pid", "--fork", "--mount-proc"]  # whose pids are nobody else's
    choose = "echo 1 >/proc/sys/kernel/ns_last_pid"
    if harness.call([*own, "sh", "-c", choose])[0] != 0:
        raise Skip("pids cannot be chosen here")
    script = ("import os, sys\n"
              "for program in sys.argv[1:]:\n"
              " with open('/proc/sys/kernel/ns_last_pid', 'w') as file: file.write('30999')\n"
              " child = os.fork()\n"
              " if child == 0: os.execv(program, [program])\n"
              " if child != 31000: sys.exit(9)\n"
              " os.waitpid(child, 0)\n")
    static = ["1 child program was not watched: ./static_program (static)"]
    for order in (["./no_thread", "./static_program"], ["./static_program", "./no_thread"],
                  ["./no_thread", "./static_program", "./no_thread"]):
        code, printed = bench.run([sys.executable, "-c", script, *order], ["--format=json", "-o", "report"], around=own)
        demand(code == 0 and printed == static, f"{order}: {code} {printed}")
        counted = harness.read_json(bench.path("report"))["summary"]["processes"]
        demand(counted == 1 + len(order), f"{order}: {counted} processes")  # a fork is one, whatever it goes on to


def run_in_run(bench):
    """The inner run's programs are its own affair."""
    bench.demand_said([bench.cli, "run", "--", "./clean"])
    bench.demand_said([bench.cli, "run", "--", "sh", "-c", "./no_thread; ./clean"])


def not_followed(bench):
    bench.demand_said(["sh", "-c", "./static_program; ./clean; true"], options=["--no-follow"])


def quiet_and_verbose(bench):
    argv = ["sh", "-c", "./static_program; true"]
    bench.demand_said(argv, options=["-q"])
    code, printed = bench.run(argv, ["-v"])
    demand(code == 0 and len(printed) == 2 and re.fullmatch(r"no threads were created; \d+ process(es)? watched, 1 program not watched",
                                                         printed[0]), f"{printed}")
    demand(re.fullmatch(one("./static_program", "static"), printed[1]), f"{printed}")


def as_json(bench):
    code, printed, report = bench.json(["sh", "-c", "./static_program; env -i ./clean; true"])
    demand(code == 0 and len(printed) == 1, f"{code} {printed}")
    programs = [(program["exe"], program["why"]) for program in report["unwatched"]]
    demand(programs == [(os.path.realpath(bench.path("static_program")), "static"),
                        (os.path.realpath(bench.path("clean")), "environment")], f"{programs}")
    demand(all(isinstance(program["pid"], int) for program in report["unwatched"]), f"{report['unwatched']}")
    demand("unwatched" not in bench.json(["sh", "-c", "./clean; true"])[2], "unwatched, though all were")
    # A document on standard error has no other lines around it.
    bench.run(["sh", "-c", "./static_program >&2; true"], ["--format=json"])
    demand(json.loads(bench.err[bench.err.index("{"):])["unwatched"], "no document")


def limits(bench):
    """No space for records: nothing is printed, and the programs are not affected."""
    for limit in ("-f 0", "-n 3"):
        for name, argv in starter_scripts(bench, "./no_thread").items():
            script = f"(ulimit {limit}; \"$@\"; exit $?); exit $?"
            bare = subprocess.run(["bash", "-c", script, "x", *argv], cwd=bench.tmp, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=TIMEOUT_S).returncode
            code, printed = bench.run(["bash", "-c", script, "x", *argv])
            demand(code == bare and "not watched" not in bench.err, f"{limit}, {name}: {code}, not {bare}: {bench.err}")


def no_space_for_a_ledger(bench):
    """A ledger without space is reported, unlike that of a process that was killed while it began."""
    code, printed = bench.run(["bash", "-c", "(ulimit -f 0; ./no_thread); exit 0"])
    demand(code == 0 and printed and all(line.endswith("; this process is missing from the report") for line in printed),
           f"{code} {printed}")


def directory_is_removed(bench):
    directory = bench.path("runs")
    os.mkdir(directory)
    bench.run(["sh", "-c", "./static_program; true"], env=bench.environment(TMPDIR=directory))
    demand(os.listdir(directory) == [], f"left {os.listdir(directory)}")


def run_is_killed(bench):
    """What it leaves is where the man page says, and can be read."""
    directory = bench.path("runs")
    os.mkdir(directory)
    os.symlink(os.path.join(bench.targets, "wait_for_end"), bench.path("wait_for_end"))
    process = subprocess.Popen([bench.cli, "run", "--", "./wait_for_end"], cwd=bench.tmp, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, env=bench.environment(TMPDIR=directory))
    try:
        demand(process.stdout.readline() == b"up\n", "it did not start")
        process.kill()
        process.wait()
        left = os.listdir(directory)
        demand(len(left) == 1 and re.fullmatch(r"threadleak\.\w{6}", left[0]), f"left {left}")
        done = subprocess.run([bench.cli, "report", os.path.join(directory, left[0])], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=TIMEOUT_S, check=False)
        demand(done.returncode == 0 and b"1 live thread at 1 site" in done.stdout, f"{done}")
    finally:
        process.stdin.close()


# ---- --require-watched -----------------------------------------------------------------------

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
        bench.demand_said(["sh", "-c", "/bin/true & /bin/true & /bin/true &"], options=STRICT)
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
            shutil.copy(os.path.join(bench.targets, "no_thread"), bench.path(name))
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
    shutil.copy(os.path.join(bench.targets, "constructor_linked"), bench.path("alone"))
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
        shutil.copy(os.path.join(os.path.dirname(bench.targets), name), run)
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


# ---- what is not judged -------------------------------------------------------------------

def outlives(bench):
    argv = ["sh", "-c", "./stay >/dev/null 2>&1 & echo $! >pid; while ! test -e ready; do :; done"]
    bench.write("stay.py", "import threading\nthreading.Thread(target=threading.Event().wait).start()\n"
                "open('ready', 'w').close()\n")
    argv[2] = argv[2].replace("./stay", f"{sys.executable} stay.py")
    try:
        bench.demand_said(argv, r"1 process still alive, not judged: \S+ \(pid (\d+)\); see 'threadleak report \1'")
        with open(bench.path("pid"), encoding="ascii") as file:
            pid = file.read().strip()
        demand(f"(pid {pid})" in bench.err, f"not pid {pid}: {bench.err}")
        done = subprocess.run([bench.cli, "report", pid], stdout=subprocess.PIPE, check=False)
        demand(done.returncode == 0 and b"1 live thread at 1 site" in done.stdout, f"{done}")
    finally:
        with open(bench.path("pid"), encoding="ascii") as file:
            os.kill(int(file.read()), signal.SIGKILL)
    os.unlink(bench.path("ready"))
    try:
        bench.demand_said(argv, options=["-q"])
    finally:
        with open(bench.path("pid"), encoding="ascii") as file:
            os.kill(int(file.read()), signal.SIGKILL)


def ends_after_command(bench):
    """One that is on its way out when COMMAND has ended, and waits for its threads there, is judged."""
    script = ("import subprocess, sys, time\n"
              "child = subprocess.Popen([sys.argv[1]], stderr=subprocess.PIPE)\n"
              "while b'destructor' not in child.stderr.readline(): pass\n"
              "while open(f'/proc/{child.pid}/stat').read().rsplit(') ')[1][0] != 'S': time.sleep(0.001)\n"
              "child.returncode = 0\n")
    command = [sys.executable, "-c", script, bench.target("atexit_prints")]
    code, printed, report = bench.json(command, ["--grace=2000"])
    demand(code == 66 and not printed, f"{code} {printed}")
    leaked = [process for process in report["processes"] if process["leaks"]]
    demand(len(leaked) == 1 and leaked[0]["end"]["how"] == "exit" and leaked[0]["end"]["judged"], f"{leaked}")
    demand(leaked[0]["leaks"][0]["threads"][0]["stack"], "where it was is not known")


def unjudged_ends(bench):
    bench.demand_said(["./end_underscore_exit"], r"\./end_underscore_exit \(pid \d+\) ended by _exit with 1 thread left; "
                      r"not counted as a leak \(--judge=_exit counts it\)", status=7)
    bench.demand_said(["./end_underscore_exit"], options=["-q"], status=7)
    bench.demand_said(["./end_underscore_exit"], options=["--report=unjoined"], status=7)
    supp = bench.write("known.supp", "thread:end_underscore_exit.c\n")
    bench.demand_said(["./end_underscore_exit"], options=[f"--suppressions={supp}"], status=7)
    bench.demand_said(["./end_signal", "TERM"], r"\./end_signal \(pid \d+\) was killed by signal 15 with 1 thread left; "
                      r"not counted as a leak \(--judge=signal counts it\)", status=143)
    bench.demand_said(["sh", "-c", "./end_signal KILL; ./end_underscore_exit; true"],
                      r"2 processes ended by _exit,signal with 2 threads left; not counted as leaks \(--judge=_exit,signal "
                      r"counts them\): \./end_signal \(pid \d+\) was the first")
    bench.demand_said(["sh", "-c", "kill -9 $$"], status=137)
    bench.demand_said(["./end_underscore_exit"], r"1 leaked thread .*", options=["--judge=_exit"], status=7)


# ---- options ---------------------------------------------------------------------------------

def exitcode_key(bench):
    def status(key, *options):
        return bench.run(["./running"], ["-q", *options], bench.environment(THREADLEAK_OPTIONS=key))[0]
    demand(status("") == 66, "the default is another")
    demand(status("exitcode=7") == 7, "exitcode= is not honoured")
    demand(status("exitcode=7:exitcode=9") == 9, "the later does not win")
    demand(status("exitcode=7", "--error-exitcode=5") == 5, "the option does not win")
    demand(status("exitcode=7", "--error-exitcode=0") == 0, "the option does not win")
    demand(status("exitcode=0") == 0, "exitcode=0 is not honoured")
    demand(bench.run(["./clean"], env=bench.environment(THREADLEAK_OPTIONS="exitcode=7"))[0] == 0, "nothing leaked")


TESTS = [static_child, watched_child, leaking_child, exec_fails, without_environment, command_itself, setuid_child,
         other_architecture, script_of_static, found_in_path, many, still_alive_unwatched, still_loading,
         killed_before_it_began, pids_again, run_in_run, not_followed, quiet_and_verbose, as_json, limits, no_space_for_a_ledger, directory_is_removed, run_is_killed,
         outlives, ends_after_command, unjudged_ends, exitcode_key,
         require_all_watched, require_watched, require_watched_for_each_reason, require_what_is_uncertain, shells_of_libc, other_users]


if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
