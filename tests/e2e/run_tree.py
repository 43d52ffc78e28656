#!/usr/bin/env python3
"""`threadleak run` over trees of processes: which programs it watches, and what it prints about the others.

  tests/e2e/run_tree.py [--build DIR] [NAME...]
"""
import json
import os
import re
import signal
import subprocess
import sys

import harness
from harness import TIMEOUT_S, Skip, demand, need, need_root
from tree_bench import BARE, Bench, demand_not_accused, one, starter_scripts


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
    harness.copy(bench.path("no_thread"), bench.path("other"))
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
        demand_not_accused(bench, ["sh", "-c", "/bin/true & /bin/true & /bin/true &"])


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
        demand(counted == 2, f"{order}: {counted} processes")  # watched programs, by pid


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
    """No space for records: the programs are not affected."""
    for limit in ("-f 0", "-n 3"):
        for name, argv in starter_scripts(bench, "./no_thread").items():
            script = f"(ulimit {limit}; \"$@\"; exit $?); exit $?"
            bare = subprocess.run(["bash", "-c", script, "x", *argv], cwd=bench.tmp, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=TIMEOUT_S).returncode
            code, printed = bench.run(["bash", "-c", script, "x", *argv])
            demand(code == bare, f"{limit}, {name}: {code}, not {bare}: {bench.err}")


def directory_is_removed(bench):
    directory = bench.path("runs")
    os.mkdir(directory)
    bench.run(["sh", "-c", "./static_program; true"], env=bench.environment(TMPDIR=directory))
    demand(os.listdir(directory) == [], f"left {os.listdir(directory)}")


TESTS = [static_child, watched_child, leaking_child, exec_fails, without_environment, command_itself, setuid_child,
         other_architecture, script_of_static, found_in_path, many, still_alive_unwatched, still_loading,
         killed_before_it_began, pids_again, run_in_run, not_followed, quiet_and_verbose, as_json, limits,
         directory_is_removed]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
