#!/usr/bin/env python3
"""The shim and programs are built with musl; the threadleak that reports them is built with glibc.

  tests/e2e/musl.py [--build DIR] [NAME...]
"""
import glob
import os
import re
import signal
import subprocess
import sys

import harness
from harness import ROOT, demand, need

HEADERS = "linux", "asm-generic", "asm"  # of the kernel, which musl-gcc does not search
FLAGS = "-std=gnu11", "-D_GNU_SOURCE", "-g", "-pthread", "-Wall"

PRINTS = """
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void *hang(void *arg) { pause(); return arg; }
static void handler(void) { printf("handler "); }
__attribute__((destructor)) static void destructor(void) { printf("destructor "); }
__attribute__((noinline)) static void start(void) { pthread_t thread; pthread_create(&thread, 0, hang, 0); }
static void *end(void *arg) { exit(7); return arg; }
int main(int argc, char **argv)
{
    pthread_t thread;
    atexit(handler);
    if (argc > 2)
        start();
    printf("main ");
    if (!strcmp(argv[1], "thread") && !pthread_create(&thread, 0, end, 0))
        pthread_join(thread, 0);
    if (!strcmp(argv[1], "exit"))
        exit(7);
    if (!strcmp(argv[1], "_exit"))
        _exit(7);
    return 7;
}
"""


class Bench(harness.Bench):
    def __init__(self, build):
        super().__init__(build)
        self.output = os.path.join(self.build, "musl")
        self.headers = os.path.join(self.output, "headers")
        self.musl_shim = os.path.join(self.output, "libthreadleak.so")

    def make(self):
        """BUILD/musl/libthreadleak.so, and the program threadleak beside it."""
        need("musl-gcc")
        os.makedirs(self.headers, exist_ok=True)
        for name in HEADERS:
            found = [place for place in (f"/usr/include/{name}", *glob.glob(f"/usr/include/*-linux-gnu/{name}")) if os.path.isdir(place)]
            if found and not os.path.islink(os.path.join(self.headers, name)):
                os.symlink(found[0], os.path.join(self.headers, name))
        done = subprocess.run(["make", "-s", "-j2", "-C", ROOT, f"BUILD={self.output}", "CC=musl-gcc", f"CPPFLAGS=-I{self.headers}", self.musl_shim],
                              env=harness.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        demand(done.returncode == 0 and "warning" not in done.stderr, done.stderr)
        if not os.path.lexists(os.path.join(self.output, "threadleak")):
            os.symlink(os.path.abspath(os.path.join(self.build, "threadleak")), os.path.join(self.output, "threadleak"))

    def program(self, name, *flags, text=None):
        """Built with musl from tests/targets, or from a text."""
        source = self.write(name + ".c", text) if text else os.path.join(ROOT, "tests", "targets", name + ".c")
        program = self.path(name)
        subprocess.run(["musl-gcc", *FLAGS, *(flags or ["-O0"]), f"-I{self.headers}", "-o", program, source], check=True, timeout=harness.TIMEOUT_S)
        return program

    def preloaded(self, *argv, **options):
        """env sets LD_PRELOAD: this Python is a program of glibc."""
        more = {"THREADLEAK_OPTIONS": ":".join(f"{key}={value}" for key, value in options.items())} if options else {}
        return ["env", f"LD_PRELOAD={self.musl_shim}", *(f"{key}={value}" for key, value in more.items()), *argv]

    def watched(self, *argv, **options):
        return harness.call(self.preloaded(*argv, **options), env=self.env)


def creation_stacks(text):
    """Kind to the functions of a group's creation stack, of a text report."""
    groups = re.findall(r"^(\w+) ×1 .*?\n  created by T1 \(main\) at\n((?:  > |    ).*?\n)(?=  now|\n|    \()", text, re.MULTILINE | re.DOTALL)
    return {kind: re.findall(r"^  [> ] (\w+)", stack, re.MULTILINE) for kind, stack in groups}


# ---- the tests --------------------------------------------------------------------------------

def reports_have_creation_stacks(bench):
    bench.make()
    status, out, err = bench.watched(bench.program("kinds"))
    demand(status == 5 and out == "", err)
    demand(creation_stacks(err) == {"running": ["start", "main"], "detached": ["start", "main"],
                                    "unjoined": ["start", "start_and_see_finish", "main"]}, err)
    demand("created 3, joined 0, detached 1, peak 3." in err, err)
    demand("memset" not in err, "a symbol without a size is no name for what follows: " + err)


def callers_without_frame_pointers_are_not_invented(bench):
    """The caller of pthread_create is known. What follows can have gaps, and the report says so."""
    bench.make()
    program = bench.program("prints", "-O2", "-fomit-frame-pointer", text=PRINTS)
    _, _, err = bench.watched(program, "return", "leak")
    names = creation_stacks(err).get("running", [])
    demand(names and names[0] == "start" and set(names) <= {"start", "main"}, err)
    demand("further callers not recorded" in err, err)


def the_raw_report_has_them_too(bench):
    bench.make()
    program = bench.program("kinds")
    alone = bench.path("libthreadleak.so")
    harness.copy(bench.musl_shim, alone)
    _, _, err = harness.call(["env", f"LD_PRELOAD={alone}", program], env=bench.env)
    demand("without lines: the threadleak program could not be started" in err, err)
    stacks = re.findall(r"  created at\n((?:    \S.*\n)+)", err)
    demand(len(stacks) == 3 and all(stack.count(program + "+") == stack.count("\n") >= 2 for stack in stacks), err)


def ends_are_as_without_the_shim(bench):
    """Status and output, however the process ends, with leaks and without."""
    bench.make()
    program = bench.program("prints", text=PRINTS)
    for how in "return", "exit", "_exit", "thread":
        for leak in [], ["leak"]:
            bare = harness.call([program, how, *leak], env=bench.env)
            status, out, err = bench.watched(program, how, *leak)
            demand((status, out) == bare[:2], f"{how} {leak}: {(status, out)}, not {bare[:2]}: {err}")
            demand(("leaked" in err) == bool(leak and how != "_exit"), f"{how} {leak}: {err}")
    status, out, err = bench.watched(program, "_exit", "leak", judge="_exit")
    demand(status == 7 and "1 leaked thread" in err, err)


def a_sandbox_allows_what_it_needs(bench):
    """The shim makes no system call for a thread's id, nor to read memory."""
    bench.make()
    program = bench.program("seccomp_filter")
    status, _, err = bench.watched(program)
    demand(status == 0 and "running x1" in err and program + "+" in err, f"{status}: {err}")


def exitcode_replaces_success_alone(bench):
    bench.make()
    program = bench.program("running")
    status, _, err = bench.watched(program, exitcode=9)
    demand(status == 9 and "leaked" in err, err)
    status, _, err = bench.watched(bench.program("prints", text=PRINTS), "return", "leak", exitcode=9)
    demand(status == 7 and "leaked" in err, err)


def a_run_of_glibc_explains_its_ledgers(bench):
    """Also of forked children, and of one that was killed."""
    bench.make()
    report_file = bench.path("report.json")

    def processes(*argv):
        harness.call([bench.cli, "run", f"--format=json:{report_file}", "--judge=exit,signal", "--", *bench.preloaded(*argv)], env=bench.env)
        return harness.read_json(report_file)["processes"]
    found = processes(bench.program("fork_child"))
    demand([len(process["leaks"]) for process in found] == [1, 1], found)
    demand({process["leaks"][0]["creation_stack"][1]["function"] for process in found} == {"leak_in_parent", "leak_in_child"}, found)
    killed = bench.program("killed", text=PRINTS.replace("return 7;", "raise(9);").replace("<stdio.h>", "<stdio.h>\n#include <signal.h>"))
    end = processes(killed, "return", "leak")[0]
    demand(end["end"]["how"] == "signal" and end["leaks"][0]["creation_stack"][0]["function"] == "start", end)


def a_live_process_is_reported(bench):
    """What glibc has in its descriptors is unknown, and no wait is named after a lock of glibc."""
    bench.make()
    program = bench.program("prints", text=PRINTS.replace("return 7;", "printf(\"\\n\"); fflush(stdout); pause();"))
    with subprocess.Popen(bench.preloaded(program, "return", "leak"), env=bench.env, stdout=subprocess.PIPE, text=True) as process:
        try:
            process.stdout.readline()
            harness.wait_until_asleep(process.pid)
            status, out, err = harness.call([bench.cli, "report", "--format=json", str(process.pid)], env=bench.env)
            demand(status == 0, err)
            found = harness.read_json(bench.write("live.json", out))["processes"][0]
            thread = found["leaks"][0]["threads"][0]
            demand(found["watched"] and found["leaks"][0]["creation_stack"][0]["function"] == "start", found["leaks"][0])
            demand(thread["waiting"]["on"] == "signal" and not found["findings"], (thread["waiting"], found["findings"]))
        finally:
            process.send_signal(signal.SIGKILL)


def the_program_of_another_libc_is_named(bench):
    need("musl-gcc")
    program = bench.program("no_thread")
    status, _, err = harness.call([bench.cli, "run", "--", program], env=bench.env)
    demand(status == 125 and "uses another C library (loader /lib/ld-musl" in err, err)


def every_source_compiles(bench):
    """Those of the program, too, with headers of libraries that are there for glibc."""
    if not harness.SOAK:
        raise harness.Skip("only with SOAK=1")
    bench.make()
    libraries = bench.path("libraries")
    os.mkdir(libraries)
    for name in "elfutils", "gelf.h", "libelf.h", "dwarf.h", "jansson.h", "jansson_config.h", "libiberty", "protobuf-c", "zlib.h", "zconf.h", \
            "microhttpd.h", "curses.h", "ncurses_dll.h", "unctrl.h":
        for place in (f"/usr/include/{name}", *glob.glob(f"/usr/include/*-linux-gnu/{name}")):
            if os.path.exists(place):
                os.symlink(place, os.path.join(libraries, name))
                break
    sources = [path for kind in ("src/*/*.c", "src/*/*/*.c", "cli/*.c", "cli/*/*.c") for path in glob.glob(kind, root_dir=ROOT)]
    status, _, err = harness.call(["musl-gcc", *FLAGS, "-Werror", "-I.", "-Isrc", f"-I{bench.build}/generated", f"-I{bench.headers}", "-idirafter", libraries,
                                   "-DTHREADLEAK_VERSION=\"\"", f"-DPAGE_FILE=\"{bench.build}/page.html\"", "-fsyntax-only", *sources], cwd=ROOT)
    demand(status == 0, err)


TESTS = [reports_have_creation_stacks, callers_without_frame_pointers_are_not_invented, the_raw_report_has_them_too,
         ends_are_as_without_the_shim, a_sandbox_allows_what_it_needs, exitcode_replaces_success_alone, a_run_of_glibc_explains_its_ledgers,
         a_live_process_is_reported, the_program_of_another_libc_is_named, every_source_compiles]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench, workers=1))
