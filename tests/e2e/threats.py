#!/usr/bin/env python3
"""Claims of threadleak-security(7) that no other test attacks, and that each claim of it has a test.

  tests/e2e/threats.py [--build DIR] [NAME...]
"""
import contextlib
import gzip
import os
import re
import signal
import socket
import subprocess
import sys
import threading

import harness
from harness import FORMATS, ROOT, demand, need, need_root

PAGE = os.path.join(ROOT, "man", "threadleak-security.7.scd")
CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]")  # of C0 without tab and newline, DEL, C1
EVIL = "\x1b]0;evil\x07\n\u009b31m"

# The file's line and names of functions have what terminals obey: gcc takes the first, and the others replace text of
# the same length in the file of the program.
HOSTILE = r"""
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>
#line 7 "dir\033]0;source\007\nline.c"
static void *hang_Q0QxxxQ(void *arg) { prctl(PR_SET_NAME, "t\033]0;n\007\n\233"); pause(); return arg; }
void start_Q2JQQ(void) { pthread_t thread; pthread_create(&thread, 0, hang_Q0QxxxQ, 0); }
int main(int argc, char **argv)
{
    start_Q2JQQ();
    while (argc > 1) { printf("%s\n", argv[0] ? "up" : ""); fflush(stdout); pause(); }
    return 0;
}
"""


class Bench(harness.Bench):
    def call(self, *args, **more):
        return harness.call([self.cli, *args], **{"env": self.env, **more})

    def compiled(self, name, text, *flags):
        source = self.write("source.c", text)
        program = self.path(name)
        subprocess.run([need("cc"), "-g", "-O0", "-pthread", "-o", program, source, *flags], check=True, timeout=harness.TIMEOUT_S)
        return program

    def hostile(self):
        program = self.compiled("evil" + EVIL, HOSTILE)
        with open(program, "rb") as file:
            bytes_of_it = file.read().replace(b"hang_Q0QxxxQ", b"hang_\x1b]0;x\n\x07").replace(b"start_Q2JQQ", b"start_\x1b[J\xc2\x9b"[:11])
        with open(program, "wb") as file:
            file.write(bytes_of_it)
        return program

    def alive(self, *argv, **more):
        """A watched process that prints "up"."""
        return harness.up(argv, **{"env": {**self.env, "LD_PRELOAD": self.shim}, "stderr": subprocess.PIPE, **more})


# ---- the page -----------------------------------------------------------------------------------

def every_claim_has_a_test(_):
    """Each list of the page follows a comment line for each of its items: FILE TEST..."""
    with open(PAGE, encoding="utf-8") as file:
        lines = file.read().splitlines()
    tests, items = [line[2:] for line in lines if line.startswith("; ")], [line for line in lines if line.startswith("- ")]
    demand(len(tests) == len(items) >= 15, f"{len(tests)} comments, {len(items)} claims")
    blocks = re.findall(r"((?:; .*\n)+)\n?((?:- .*\n(?:  .*\n)*)+)", "\n".join(lines) + "\n")
    for names, claims in blocks:
        demand(names.count("\n") == len(re.findall("^- ", claims, re.MULTILINE)), names + claims)
    demand(sum(names.count("\n") for names, _ in blocks) == len(items), "a claim without a comment before its list")
    for test in tests:
        name, *functions = test.split()
        with open(os.path.join(ROOT, "tests", name), encoding="utf-8") as file:
            text = file.read()
        for function in functions:
            is_there = (f"START_TEST({function})" in text and f", {function}" in text) or re.search(rf"^(case|target) {function}\b", text, re.MULTILINE) or \
                (f"\ndef {function}(" in text and re.search(rf"^TESTS = (?s:.*)\b{function}\b", text, re.MULTILINE))
            demand(functions and is_there, f"{name} has no test {function}")


# ---- who may read what -----------------------------------------------------------------------------

def another_user_sees_nothing(bench):
    need_root()
    os.chmod(bench.tmp, 0o755)
    cli = bench.path("threadleak")
    harness.copy(bench.cli, cli)
    os.chmod(cli, 0o755)
    with bench.alive(bench.hostile(), "alive") as process:
        for command in ["report", str(process.pid)], ["watch", "--for=1s", str(process.pid)]:
            status, out, err = harness.call([*harness.as_nobody(), cli, *command], env=bench.env)
            demand(status == 2 and "hang" not in out + err and "line.c" not in out + err, out + err)


def files_of_a_run_are_private(bench):
    """Whatever the umask is."""
    script = "umask 0; {0}; stat -c '%a %F' $THREADLEAK_RUN_DIR $THREADLEAK_RUN_DIR/*".format(bench.target("running"))
    status, out, err = bench.call("run", "--", "sh", "-c", script)
    modes = [line.split(maxsplit=1) for line in out.splitlines()]
    demand(status == 66 and modes[0] == ["700", "directory"] and len(modes) > 2, out + err)
    demand(all(mode in ("600", "700") or kind == "symbolic link" for mode, kind in modes[1:]), out)


def no_content_of_memory(bench):
    """No report has the environment, or what a pointer leads to."""
    secret = "c0ffee-secret"
    text = ('#include <pthread.h>\n#include <unistd.h>\nstatic void *hang(void *arg) { pause(); return arg; }\n'
            'int main(void) { pthread_t thread; static char kept[] = SECRET; return pthread_create(&thread, 0, hang, kept); }\n')
    program = bench.compiled("keeps", text, f'-DSECRET="{secret}"')
    env = {**bench.env, "PASSWORD": secret}
    for name in FORMATS:
        written = bench.path(name)
        bench.call("run", f"--format={name}:{written}", "--", program, env=env)
        with open(written, "rb") as file:
            report = file.read()
        report = gzip.decompress(report) if name == "pprof" else report
        demand((b"main" in report or b"hang" in report) and secret.encode() not in report, f"{name}: {report!r}")


def no_lines_of_private_files(bench):
    """Line information names a file that everybody may read, in a directory of root, and one in an open directory."""
    need_root()
    os.chmod(bench.tmp, 0o755)
    for mode, is_shown in (0o700, False), (0o755, True):
        directory = bench.path(f"files{mode:o}")
        os.mkdir(directory, mode)
        os.chmod(directory, mode)
        bench.write(os.path.basename(directory) + "/notes", "c0ffee-secret\n" * 9, 0o644)
        program = bench.compiled("names", HOSTILE.replace('"dir\\033]0;source\\007\\nline.c"', f'"{directory}/notes"').replace("#line 7", "#line 3"))
        page = bench.path("page")
        bench.call("run", f"--format=html:{page}", "--", program)
        with open(page, encoding="utf-8") as file:
            demand(("c0ffee-secret" in file.read()) == is_shown, f"mode {mode:o}")


def no_network(bench):
    """No server is asked for debug information, unless --debuginfod says so."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        asked = []

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    client, _ = server.accept()
                    asked.append(client.recv(100))
                    client.close()
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        env = {**bench.env, "DEBUGINFOD_URLS": f"http://127.0.0.1:{server.getsockname()[1]}", "HOME": bench.tmp}
        stripped = bench.target("stripped")
        status, _, err = bench.call("run", "--", stripped, env=env)
        demand(status == 66 and not asked, f"{asked} {err}")


# ---- a hostile process -------------------------------------------------------------------------------

def its_files_are_no_files(bench):
    """A FIFO, a device and a link to one are in the place of a library: a report neither waits nor reads them."""
    text = ('#include <pthread.h>\n#include <stdio.h>\n#include <unistd.h>\nvoid in_library(void (*)(void));\n'
            'static void *hang(void *arg) { pause(); return arg; }\n'
            'static void start(void) { pthread_t thread; pthread_create(&thread, 0, hang, 0); }\n'
            'int main(void) { in_library(start); puts("up"); fflush(stdout); pause(); }\n')
    library = bench.path("libnext.so")
    with open(bench.path("library.c"), "w", encoding="ascii") as file:
        file.write("void in_library(void (*call)(void)) { call(); }\n")
    subprocess.run([need("cc"), "-g", "-O0", "-shared", "-fPIC", "-o", library, bench.path("library.c")], check=True, timeout=harness.TIMEOUT_S)
    program = bench.compiled("user", text, library, "-Wl,-rpath," + bench.tmp)
    with bench.alive(program) as process:
        for make in (os.mkfifo, lambda path: os.symlink("/dev/zero", path), lambda path: os.symlink("/proc/self/mem", path), os.mkdir):
            os.rmdir(library) if os.path.isdir(library) else os.unlink(library)
            make(library)
            status, out, err = bench.call("report", "--no-stop", str(process.pid))
            demand(status == 0 and "start" in out and "main" in out, out + err)


def nothing_is_executed(bench):
    """Neither what PATH and the working directory of the process have, nor what its files name."""
    os.mkdir(bench.path("bin"))
    for name in "threadleak", "addr2line", "eu-stack", "gdb", "sh", "c++filt":
        bench.write(f"bin/{name}", f"#!/bin/sh\necho ran >{bench.path('ran')}\n", 0o755)
        os.link(bench.path(f"bin/{name}"), bench.path(name))
    env = {**bench.env, "PATH": bench.path("bin") + ":" + os.environ["PATH"]}
    with bench.alive(bench.hostile(), "alive", cwd=bench.tmp, env={**env, "LD_PRELOAD": bench.shim}) as process:
        status, out, err = bench.call("report", str(process.pid), cwd=bench.tmp, env=env)
        demand(status == 0 and "hang" in out, out + err)
        process.send_signal(signal.SIGQUIT)  # the shim starts its reporter
        lines = iter(process.stderr.readline, b"")
        demand(any(b"created 1, joined 0" in line for line in lines), "no report")
    demand(not os.path.exists(bench.path("ran")), "it was run")


# ---- a run ---------------------------------------------------------------------------------------------

def a_replaced_directory_is_not_emptied(bench):
    """COMMAND puts a link to another directory in the place of the run's."""
    os.mkdir(bench.path("victim"))
    kept = bench.write("victim/kept", "")
    script = f"mv $THREADLEAK_RUN_DIR {bench.path('moved')} && ln -s {bench.path('victim')} $THREADLEAK_RUN_DIR"
    status, _, err = bench.call("run", "--", "sh", "-c", script, env={**bench.env, "TMPDIR": bench.tmp})
    demand(status in (0, 125) and os.path.exists(kept), f"{status}: {err}")
    demand(os.path.isdir(bench.path("moved")), "it was not the directory of the run")


# ---- LD_PRELOAD ------------------------------------------------------------------------------------------

def reporter_beside_the_shim(bench):
    """Another directory's program is never started, even if the shim's own has none."""
    harness.copy(bench.shim, bench.path("libthreadleak.so"))
    os.mkdir(bench.path("bin"))
    bench.write("bin/threadleak", f"#!/bin/sh\necho ran >{bench.path('ran')}\n", 0o755)
    env = {**bench.env, "PATH": bench.path("bin") + ":" + os.environ["PATH"], "LD_PRELOAD": bench.path("libthreadleak.so")}
    _, _, err = harness.call([bench.target("running")], env=env, cwd=bench.path("bin"))
    demand("the threadleak program could not be started" in err and not os.path.exists(bench.path("ran")), err)


# ---- terminals -----------------------------------------------------------------------------------------------

def demand_plain(what, *texts):
    for text in texts:
        found = CONTROL.search(text)
        demand(not found, f"{what}: {text[max(0, found.start() - 60):found.end() + 30] if found else ''!r}")


def terminal_escapes(bench):
    """Names of a program, its thread, functions, files and arguments, in every format and message."""
    program = bench.hostile()

    def printed(*args, **more):
        done = subprocess.run(args, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=harness.TIMEOUT_S, **{"env": bench.env, **more})
        demand_plain(args, done.stdout, done.stderr)
        return done.stdout + done.stderr
    for name in FORMATS:
        if name != "pprof":  # it is no text
            text = printed(bench.cli, "run", f"--format={name}", "--", program)
            demand(text, name)
    demand(b"evil" in printed(bench.cli, "run", "-v", "--", program), "the name is missing")
    with bench.alive(program, "alive" + EVIL) as process:
        pid = str(process.pid)
        for command in ["report", pid], ["report", "-v", "--no-stop", pid], ["watch", "--for=1s", "--interval=300ms", pid], \
                ["report", "evil" + EVIL], ["diff", pid, EVIL], ["watch", "--format=json", "--for=1s", "--interval=300ms", pid]:
            printed(bench.cli, *command)
        process.send_signal(signal.SIGQUIT)
        report = []
        for line in iter(process.stderr.readline, b""):
            report.append(line)
            if line.startswith(b"created 1, joined 0"):
                break
        demand_plain("dump signal", b"".join(report))
    harness.copy(bench.shim, bench.path("libthreadleak.so"))
    text = printed(program, env={**bench.env, "LD_PRELOAD": bench.path("libthreadleak.so")})
    demand(b"created at" in text, text)
    printed(program, env={**bench.env, "LD_PRELOAD": bench.shim, "THREADLEAK_OPTIONS": "x\x1b[31m=1"})
    for command in [EVIL], ["run", "--" + EVIL], ["run", "--", "/" + EVIL], ["run", f"--suppressions={EVIL}", "true"], ["report", EVIL], \
            ["report", "/" + EVIL], ["help", EVIL], ["serve", f"--listen={EVIL}"]:
        demand(b"threadleak" in printed(bench.cli, *command), command)


MARKS = re.compile("[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def direction_of_text(bench):
    """Names with marks that turn a line around, or begin a new one: U+202E, U+2028, U+2066, U+061C."""
    program = bench.compiled("evil\u202e\u2028\u2066\u061c", HOSTILE)
    with bench.alive(program, "alive") as process:
        pid = str(process.pid)
        for command in ["report", pid], ["report", "--format=tree", pid], ["watch", "--for=1ms", pid], ["top", "--batch", "--count=1", pid], \
                ["report", program]:
            status, out, err = bench.call(*command)
            demand("evil" in out + err and not MARKS.search(out + err), f"{command}: {status} {out}{err!r}")
    status, out, err = bench.call("run", "--", program)
    demand(status == 66 and "evil\\xe2\\x80\\xae" in err and not MARKS.search(out + err), f"{err!r}")


def program_that_is_a_fifo(bench):
    """What opens it waits for ever."""
    program = bench.hostile()
    with bench.alive(program, "alive") as process:
        os.unlink(program)
        os.mkfifo(program)
        for command in ["report", str(process.pid)], ["report", program], ["watch", "--for=1ms", str(process.pid)], \
                ["top", "--batch", "--count=1", str(process.pid)]:
            status, out, err = bench.call(*command)
            demand(status in (0, 2), f"{command}: {status} {out}{err}")
        status, out, _ = bench.call("report", str(process.pid))
        demand(status == 0 and "created 1, joined 0" in out, out)


TESTS = [direction_of_text, program_that_is_a_fifo, every_claim_has_a_test, another_user_sees_nothing, no_lines_of_private_files, files_of_a_run_are_private, no_content_of_memory, no_network,
         its_files_are_no_files, nothing_is_executed, a_replaced_directory_is_not_emptied, reporter_beside_the_shim,
         terminal_escapes]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
