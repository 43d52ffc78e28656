#!/usr/bin/env python3
"""`threadleak selftest`: that it passes where all is well, says what is missing in
surroundings that lack something, and fails where leaks would go unseen.

  tests/selftest.py [--build DIR] [NAME...]
"""
import argparse
import concurrent.futures
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TIMEOUT_S = 300
PLANTS = ["running threads", "a detached thread", "an unjoined thread", "a child process", "an exit by a thread",
          "threads that are joined"]
LIVE = ["dump signal", "report PID", "LD_PRELOAD alone"]


class Skip(Exception):
    pass


class Wrong(Exception):
    pass


def demand(is_so, text):
    if not is_so:
        raise Wrong(text)


def need(program):
    path = shutil.which(program)
    if not path:
        raise Skip(f"no {program} here")
    return path


class Bench:
    """A copy of threadleak, as it is installed: away from its sources and its build."""

    def __init__(self, build):
        self.build = build
        self.tmp = tempfile.mkdtemp(prefix="threadleak-selftest-")
        os.chmod(self.tmp, 0o755)
        os.mkdir(self.path("bin"))
        os.mkdir(self.path("lib"))
        self.cli, self.shim = self.path("bin/threadleak"), self.path("lib/libthreadleak.so")
        shutil.copy(os.path.join(build, "threadleak"), self.cli)
        shutil.copy(os.path.join(build, "libthreadleak.so"), self.shim)

    def path(self, name):
        return os.path.join(self.tmp, name)

    def target(self, name):
        path = self.path(name)
        shutil.copy(os.path.join(self.build, "targets", name), path)
        return path

    def selftest(self, before=(), options=(), env=None, bare=False, **more):
        """Status, and what was said of each check: {what: (mark, text)}."""
        own = {} if bare else {key: value for key, value in os.environ.items()
                               if not key.startswith(("THREADLEAK", "LD_", "MAKE"))}
        done = subprocess.run([*before, self.cli, "selftest", *options], env={**own, **(env or {})}, cwd=self.tmp,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=TIMEOUT_S, **more)
        self.text = done.stdout.decode() + done.stderr.decode()
        lines = re.findall(r"^(ok|note|FAIL) +(\S.{27}) (.*)$", self.text, re.M)
        return done.returncode, {what.strip(): (mark, text) for mark, what, text in lines}

    def demand_all_found(self, said, but=()):
        for what in [*PLANTS, *LIVE]:
            demand(what in said, f"nothing is said of '{what}'")
            demand(said[what][0] == "ok" or what in but, f"{what}: {' '.join(said[what])}")

    def close(self):
        shutil.rmtree(self.tmp, ignore_errors=True)


def no_cores():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


# ---- the tests --------------------------------------------------------------------

def test_all_is_well(bench):
    status, said = bench.selftest()
    demand(status == 0, f"status {status}")
    bench.demand_all_found(said, but=["report PID"])
    demand(said["running threads"][1] == "found; created by plant_running, run plant_waits", "words of running threads")
    demand(re.search(r"cmd_plant\.c:\d+$", said["lines"][1]), "no line numbers")
    demand(said["library"][1] == bench.shim, "another library")
    demand("all leaks were found" in bench.text, "no summary")


def test_bare_environment(bench):
    status, said = bench.selftest(bare=True)
    demand(status == 0, f"status {status}")
    bench.demand_all_found(said, but=["report PID"])


def test_within_a_run(bench):
    """In a job that is watched as a whole: what is planted is not that run's."""
    status, said = bench.selftest(before=[bench.cli, "run", "--error-exitcode=99", "--"])
    demand(status == 0, f"status {status}")
    bench.demand_all_found(said, but=["report PID"])


def test_stripped(bench):
    subprocess.run([need("strip"), bench.cli, bench.shim], check=True)
    status, said = bench.selftest()
    demand(status == 0, f"status {status}")
    bench.demand_all_found(said, but=["report PID"])
    demand(said["lines"][0] == "note" and "no debug information" in said["lines"][1], "lines of a stripped program")


def test_without_ptrace(bench):
    status, said = bench.selftest(before=[bench.target("deny_ptrace")])
    if status == 77:
        raise Skip("no seccomp here")
    demand(status == 0, f"status {status}")
    bench.demand_all_found(said, but=["report PID"])
    for what in ("stacks at the end", "report PID"):
        demand(said[what][0] == "note", f"{what} is {said[what][0]}")
        demand("taken by the threads themselves" in said[what][1] and "seccomp" in said[what][1], f"words of {what}")


def test_not_root(bench):
    if os.geteuid() != 0:
        raise Skip("not root")
    status, said = bench.selftest(before=[need("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups"])
    demand(status == 0, f"status {status}")
    bench.demand_all_found(said, but=["report PID"])


def test_without_capabilities(bench):
    """Root in a container."""
    if os.geteuid() != 0:
        raise Skip("not root")
    status, said = bench.selftest(before=[need("setpriv"), "--bounding-set=-all", "--inh-caps=-all"])
    demand(status == 0, f"status {status}")
    bench.demand_all_found(said, but=["report PID"])


def test_no_library(bench):
    os.unlink(bench.shim)
    status, said = bench.selftest()
    demand(status == 1, f"status {status}")
    demand(said["library"][0] == "FAIL" and "install both together" in said["library"][1], "words of library")
    demand(not set(PLANTS) & set(said), "the rest was tried")


def test_library_of_another(bench):
    """Loaded, and records nothing: every plant must be missed, and said to be."""
    shutil.copy(os.path.join(bench.build, "targets", "libplugin.so"), bench.shim)
    status, said = bench.selftest()
    demand(status == 1, f"status {status}")
    for what in [*PLANTS, "LD_PRELOAD alone"]:
        demand(said[what][0] == "FAIL", f"{what}: {' '.join(said[what])}")
    demand("was not watched" in said["running threads"][1], "words of running threads")
    demand("leaks can go unseen" in bench.text, "no summary")


def test_library_that_cannot_be_loaded(bench):
    with open(bench.shim, "wb") as file:
        file.write(b"not a library\n")
    status, said = bench.selftest()
    demand(status == 1, f"status {status}")
    demand(said["running threads"][0] == "FAIL", "running threads were found")


def test_no_folder(bench):
    status, said = bench.selftest(env={"TMPDIR": "/proc"})
    demand(status == 1, f"status {status}")
    demand(said["folder of a run"][0] == "FAIL", "a folder could be made in /proc")
    demand("/proc" in said["folder of a run"][1] and "TMPDIR" in said["folder of a run"][1], "words of folder")
    for what in LIVE:
        demand(what in said and said[what][0] != "FAIL", f"{what} fails without a folder")


def test_missing_folder(bench):
    status, said = bench.selftest(env={"TMPDIR": bench.path("missing")})
    demand(status == 1, f"status {status}")
    demand(said["folder of a run"][0] == "FAIL", "a folder could be made where there is none")
    demand("missing" in said["folder of a run"][1] and "TMPDIR" in said["folder of a run"][1], "words of folder")


def test_folder_of_another(bench):
    """Not root's: to be read, not to be written."""
    if os.geteuid() != 0:
        raise Skip("not root")
    os.mkdir(bench.path("closed"), 0o755)
    status, said = bench.selftest(before=[need("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups"],
                                  env={"TMPDIR": bench.path("closed")})
    demand(status == 1 and said["folder of a run"][0] == "FAIL", f"status {status}")
    demand("Permission denied" in said["folder of a run"][1], "words of folder")


def test_not_root_without_ptrace(bench):
    if os.geteuid() != 0:
        raise Skip("not root")
    deny = bench.target("deny_ptrace")
    status, said = bench.selftest(before=[need("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups", deny])
    if status == 77:
        raise Skip("no seccomp here")
    demand(status == 0, f"status {status}")
    bench.demand_all_found(said, but=["report PID"])
    demand(said["stacks at the end"][0] == "note", f"stacks at the end: {said['stacks at the end']}")


def test_options_that_find_nothing(bench):
    status, said = bench.selftest(env={"THREADLEAK_OPTIONS": "judge=none"})
    demand(status == 1 and said["THREADLEAK_OPTIONS"][0] == "FAIL", f"status {status} with judge=none")
    status, said = bench.selftest(env={"THREADLEAK_OPTIONS": "exitcode=0"})
    demand(status == 1 and said["THREADLEAK_OPTIONS"][0] == "FAIL", f"status {status} with exitcode=0")
    demand("exitcode=0" in said["THREADLEAK_OPTIONS"][1], "words of exitcode=0")
    status, said = bench.selftest(env={"THREADLEAK_OPTIONS": "exitcode=9"})
    demand(status == 0 and said["THREADLEAK_OPTIONS"][0] == "ok", f"status {status} with exitcode=9")
    status, said = bench.selftest(env={"THREADLEAK_OPTIONS": "report=unjoined"})
    demand(status == 0 and said["THREADLEAK_OPTIONS"][0] == "note", f"status {status} with report=unjoined")
    bench.demand_all_found(said, but=["report PID"])


def test_unknown_key(bench):
    status, said = bench.selftest(env={"THREADLEAK_OPTIONS": "nosuch=1"})
    demand(status == 0, f"status {status}")
    demand(said["THREADLEAK_OPTIONS"][0] == "note" and "nosuch" in said["THREADLEAK_OPTIONS"][1], "an unknown key")


def test_quit_is_ignored(bench):
    status, said = bench.selftest(before=["/bin/sh", "-c", 'trap "" QUIT; exec "$@"', "sh"])
    demand(status == 0, f"status {status}")
    demand("kill -QUIT" in said and "USR1" in said["kill -QUIT"][1], "nothing is said of QUIT")


def test_core_files(bench):
    status, said = bench.selftest(preexec_fn=no_cores)
    demand(status == 0, f"status {status}")
    with open("/proc/sys/kernel/core_pattern", encoding="utf-8") as file:
        piped = file.read().startswith("|")
    demand(said["core files"][0] == ("ok" if piped else "note"), f"core files: {said['core files']}")


def test_verbose(bench):
    shutil.copy(os.path.join(bench.build, "targets", "libplugin.so"), bench.shim)
    bench.selftest(options=["-v"])
    demand("      | threadleak: run:" in bench.text, "not what the run said")


def test_usage(bench):
    for options in (["--nosuch"], ["argument"]):
        status, _ = bench.selftest(options=options)
        demand(status == 2, f"{options}: status {status}")
    status, _ = bench.selftest(options=["--help"])
    demand(status == 0 and bench.text.startswith("usage: threadleak selftest"), "no help")


def run_one(name, test, build):
    bench = Bench(build)
    try:
        test(bench)
        print(f"ok   selftest {name}", flush=True)
        return True
    except Skip as why:
        print(f"skip selftest {name}: {why}", flush=True)
        return None
    except (Wrong, subprocess.SubprocessError, OSError, KeyError) as wrong:
        print(f"FAIL selftest {name}: {wrong}\n{getattr(bench, 'text', '')}", flush=True)
        return False
    finally:
        bench.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    tests = {name[5:]: test for name, test in globals().items() if name.startswith("test_")}
    unknown = set(args.names) - set(tests)
    if unknown:
        sys.exit(f"no test {', '.join(sorted(unknown))}")
    chosen = args.names or list(tests)
    # Most of the time each waits for threads that do not end.
    with concurrent.futures.ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        done = list(pool.map(lambda name: run_one(name, tests[name], os.path.abspath(args.build)), chosen))
    print(f"{done.count(True)} passed, {done.count(False)} failed, {done.count(None)} skipped")
    sys.exit(1 if False in done else 0)


main()
