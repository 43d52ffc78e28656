#!/usr/bin/env python3
"""`threadleak selftest`: that it passes where all is well, says what is missing in
surroundings that lack something, and fails where leaks would go unseen.

  tests/e2e/selftest.py [--build DIR] [NAME...]
"""
import os
import re
import resource
import subprocess
import sys

import harness
from harness import Skip, as_nobody, demand, need, need_root

TIMEOUT_S = 300
PLANTS = ["running threads", "a detached thread", "an unjoined thread", "a child process", "an exit by a thread",
          "threads that are joined"]
LIVE = ["dump signal", "report PID", "LD_PRELOAD alone"]


class Bench(harness.Bench):
    """A copy of threadleak, as it is installed: away from its sources and its build."""

    def __init__(self, build):
        super().__init__(build)
        os.chmod(self.tmp, 0o755)
        self.cli, self.shim = harness.install(build, self.tmp)
        self.text = ""

    def copy_of(self, target):
        return harness.copy(self.target(target), self.path(target))

    def selftest(self, before=(), options=(), env=None, bare=False, **more):
        """Status, and what was printed of each check: {what: (mark, text)}."""
        own = {} if bare else self.env
        status, *texts = harness.call([*before, self.cli, "selftest", *options], env={**own, **(env or {})},
                                      cwd=self.tmp, timeout=TIMEOUT_S, **more)
        self.text = "".join(texts)
        lines = re.findall(r"^(ok|note|FAIL) +(\S.{27}) (.*)$", self.text, re.M)
        return status, {what.strip(): (mark, text) for mark, what, text in lines}

    def demand_all_found(self, printed, but=()):
        for what in [*PLANTS, *LIVE]:
            demand(what in printed, f"nothing is printed of '{what}'")
            demand(printed[what][0] == "ok" or what in but, f"{what}: {' '.join(printed[what])}")

    def printed(self):
        return self.text


def no_cores():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


# ---- the tests --------------------------------------------------------------------

def all_is_well(bench):
    status, printed = bench.selftest()
    demand(status == 0 and "libunwind" not in printed, f"status {status}")
    bench.demand_all_found(printed, but=["report PID"])
    demand(printed["running threads"][1] == "found; created by plant_running, run plant_waits", "words of running threads")
    demand(re.search(r"cmd_plant\.c:\d+$", printed["lines"][1]), "no line numbers")
    demand(printed["library"][1] == bench.shim, "another library")
    demand("all leaks were found" in bench.text, "no summary")


def bare_environment(bench):
    status, printed = bench.selftest(bare=True)
    demand(status == 0, f"status {status}")
    bench.demand_all_found(printed, but=["report PID"])


def within_a_run(bench):
    """In a job that is watched as a whole: what is planted is not that run's."""
    status, printed = bench.selftest(before=[bench.cli, "run", "--error-exitcode=99", "--"])
    demand(status == 0, f"status {status}")
    bench.demand_all_found(printed, but=["report PID"])


def stripped(bench):
    subprocess.run([need("strip"), bench.cli, bench.shim], check=True)
    status, printed = bench.selftest()
    demand(status == 0, f"status {status}")
    bench.demand_all_found(printed, but=["report PID"])
    demand(printed["lines"][0] == "note" and "no debug information" in printed["lines"][1], "lines of a stripped program")


def without_ptrace(bench):
    status, printed = bench.selftest(before=[bench.copy_of("deny_ptrace")])
    if status == 77:
        raise Skip("no seccomp here")
    demand(status == 0, f"status {status}")
    bench.demand_all_found(printed, but=["report PID"])
    level, words = printed["stacks at the end"]
    demand(level == "note" and "taken by signal" in words and "seccomp" in words, f"stacks at the end: {level} {words}")
    # The planted threads are blocked, and are read without a stop.
    demand(printed["report PID"][0] == "ok", f"report PID: {printed['report PID']}")


def not_root(bench):
    need_root()
    status, printed = bench.selftest(before=as_nobody())
    demand(status == 0, f"status {status}")
    bench.demand_all_found(printed, but=["report PID"])


def without_capabilities(bench):
    """Root in a container."""
    need_root()
    status, printed = bench.selftest(before=[need("setpriv"), "--bounding-set=-all", "--inh-caps=-all"])
    demand(status == 0, f"status {status}")
    bench.demand_all_found(printed, but=["report PID"])


def no_library(bench):
    os.unlink(bench.shim)
    status, printed = bench.selftest()
    demand(status == 1, f"status {status}")
    demand(printed["library"][0] == "FAIL" and "install both together" in printed["library"][1], "words of library")
    demand(not set(PLANTS) & set(printed), "the rest was tried")


def library_of_another(bench):
    """Loaded, and records nothing: every plant must be missed, and printed to be."""
    harness.copy(bench.target("libplugin.so"), bench.shim)
    status, printed = bench.selftest()
    demand(status == 1, f"status {status}")
    for what in [*PLANTS, "LD_PRELOAD alone"]:
        demand(printed[what][0] == "FAIL", f"{what}: {' '.join(printed[what])}")
    demand("was not watched" in printed["running threads"][1], "words of running threads")
    demand("leaks can be missed" in bench.text, "no summary")


def library_that_cannot_be_loaded(bench):
    with open(bench.shim, "wb") as file:
        file.write(b"not a library\n")
    status, printed = bench.selftest()
    demand(status == 1, f"status {status}")
    demand(printed["running threads"][0] == "FAIL", "running threads were found")


def no_libunwind(bench):
    """The loader finds one that cannot be loaded."""
    with open(bench.shim, "rb") as file:
        if b"libunwind.so.8" not in file.read():
            raise Skip("the shim is built without libunwind")
    os.mkdir(bench.path("libraries"))
    bench.write("libraries/libunwind.so.8", "not a library\n")
    status, printed = bench.selftest(env={"LD_LIBRARY_PATH": bench.path("libraries")})
    demand(status == 1 and printed["libunwind"][0] == "FAIL", f"status {status}\n{bench.text}")
    demand("install libunwind" in printed["libunwind"][1], printed["libunwind"][1])


def no_directory(bench):
    status, printed = bench.selftest(env={"TMPDIR": "/proc"})
    demand(status == 1, f"status {status}")
    demand(printed["directory of a run"][0] == "FAIL", "a directory could be made in /proc")
    demand("/proc" in printed["directory of a run"][1] and "TMPDIR" in printed["directory of a run"][1], "words of directory")
    for what in LIVE:
        demand(what in printed and printed[what][0] != "FAIL", f"{what} fails without a directory")


def missing_directory(bench):
    status, printed = bench.selftest(env={"TMPDIR": bench.path("missing")})
    demand(status == 1, f"status {status}")
    demand(printed["directory of a run"][0] == "FAIL", "a directory could be made where there is none")
    demand("missing" in printed["directory of a run"][1] and "TMPDIR" in printed["directory of a run"][1], "words of directory")


def directory_of_another(bench):
    """Not root's: to be read, not to be written."""
    need_root()
    os.mkdir(bench.path("closed"), 0o755)
    status, printed = bench.selftest(before=as_nobody(), env={"TMPDIR": bench.path("closed")})
    demand(status == 1 and printed["directory of a run"][0] == "FAIL", f"status {status}")
    demand("Permission denied" in printed["directory of a run"][1], "words of directory")


def not_root_without_ptrace(bench):
    need_root()
    deny = bench.copy_of("deny_ptrace")
    status, printed = bench.selftest(before=[*as_nobody(), deny])
    if status == 77:
        raise Skip("no seccomp here")
    demand(status == 0, f"status {status}")
    bench.demand_all_found(printed, but=["report PID"])
    demand(printed["stacks at the end"][0] == "note", f"stacks at the end: {printed['stacks at the end']}")


def options_that_find_nothing(bench):
    status, printed = bench.selftest(env={"THREADLEAK_OPTIONS": "judge=none"})
    demand(status == 1 and printed["THREADLEAK_OPTIONS"][0] == "FAIL", f"status {status} with judge=none")
    status, printed = bench.selftest(env={"THREADLEAK_OPTIONS": "exitcode=0"})
    demand(status == 1 and printed["THREADLEAK_OPTIONS"][0] == "FAIL", f"status {status} with exitcode=0")
    demand("exitcode=0" in printed["THREADLEAK_OPTIONS"][1], "words of exitcode=0")
    status, printed = bench.selftest(env={"THREADLEAK_OPTIONS": "exitcode=9"})
    demand(status == 0 and printed["THREADLEAK_OPTIONS"][0] == "ok", f"status {status} with exitcode=9")
    status, printed = bench.selftest(env={"THREADLEAK_OPTIONS": "report=unjoined"})
    demand(status == 0 and printed["THREADLEAK_OPTIONS"][0] == "note", f"status {status} with report=unjoined")
    bench.demand_all_found(printed, but=["report PID"])


def unknown_key(bench):
    status, printed = bench.selftest(env={"THREADLEAK_OPTIONS": "nosuch=1"})
    demand(status == 0, f"status {status}")
    demand(printed["THREADLEAK_OPTIONS"][0] == "note" and "nosuch" in printed["THREADLEAK_OPTIONS"][1], "an unknown key")


def quit_is_ignored(bench):
    status, printed = bench.selftest(before=["/bin/sh", "-c", 'trap "" QUIT; exec "$@"', "sh"])
    demand(status == 0, f"status {status}")
    demand("kill -QUIT" in printed and "USR1" in printed["kill -QUIT"][1], "nothing is printed of QUIT")


def core_files(bench):
    status, printed = bench.selftest(preexec_fn=no_cores)
    demand(status == 0, f"status {status}")
    with open("/proc/sys/kernel/core_pattern", encoding="utf-8") as file:
        piped = file.read().startswith("|")
    demand(printed["core files"][0] == ("ok" if piped else "note"), f"core files: {printed['core files']}")


def verbose(bench):
    harness.copy(bench.target("libplugin.so"), bench.shim)
    bench.selftest(options=["-v"])
    demand("      | threadleak: run:" in bench.text, "not what the run printed")


def usage(bench):
    for options in (["--nosuch"], ["argument"]):
        status, _ = bench.selftest(options=options)
        demand(status == 2, f"{options}: status {status}")
    status, _ = bench.selftest(options=["--help"])
    demand(status == 0 and bench.text.startswith("usage: threadleak selftest"), "no help")


TESTS = [all_is_well, bare_environment, within_a_run, stripped, without_ptrace, not_root,
         without_capabilities, no_library, library_of_another, library_that_cannot_be_loaded, no_libunwind, no_directory,
         missing_directory, directory_of_another, not_root_without_ptrace, options_that_find_nothing, unknown_key,
         quit_is_ignored, core_files, verbose, usage]

if __name__ == "__main__":
    # Most of the time each waits for threads that do not end.
    sys.exit(harness.main(TESTS, Bench, 2 * harness.PARALLEL))
