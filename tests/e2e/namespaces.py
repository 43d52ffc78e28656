#!/usr/bin/env python3
"""Processes in another pid namespace are reported as those in this one.

  tests/e2e/namespaces.py [--build DIR] [NAME...]
"""
import json
import os
import re
import signal
import subprocess
import sys

import harness
from harness import child_of, demand, need, need_root, wait_until

FUTEX, READ, WAIT4 = {"x86_64": ("202", "0", "61"), "aarch64": ("98", "63", "260")}[os.uname().machine]  # system calls
INSIDE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


def need_namespaces():
    need_root()
    need("unshare")
    if harness.call([*INSIDE, "true"])[0] != 0:
        raise harness.Skip("no pid namespace can be made here")


def blocked_in(pid, number):
    """How many of its threads."""
    count = 0
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/syscall", encoding="ascii") as file:
            count += file.read().split()[0] == number
    return count


def all_blocked(pid):
    """Also the last thread of lock_and_join, which reads its input. Until it runs, the ledger has no tid for it."""
    return blocked_in(pid, FUTEX) == 2 and blocked_in(pid, READ) == 1


def report(bench, pid):
    status, out, err = harness.call([bench.cli, "report", str(pid)])
    demand(status == 0, err)
    return out


def demand_as_here(text, pid):
    demand(f"(pid {pid})" in text, text)
    demand(', held by T2 "lock_and_join"' in text and 'join of T2 "lock_and_join"' in text, text)
    demand("has ended" not in text and "untracked" not in text, text)
    demand(f"tid {pid}\n" in text and text.count(" tid ") == 4, text)
    tids = set(os.listdir(f"/proc/{pid}/task"))
    demand(all(f" tid {tid}\n" in text for tid in tids), f"{tids}: {text}")


def report_from_outside(bench):
    need_namespaces()
    target, env = bench.target("lock_and_join"), bench.environment(LD_PRELOAD=bench.shim)
    for around in [], INSIDE:
        process = subprocess.Popen([*around, target], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        try:
            demand(process.stdout.readline() == b"up\n", "it did not come up")
            pid = child_of(process.pid) if around else process.pid
            wait_until(lambda: all_blocked(pid))
            demand_as_here(report(bench, pid), pid)
        finally:
            process.communicate(b"", timeout=harness.TIMEOUT_S)


def at_a_timeout(bench):
    """The report of run names the process by its pid here."""
    need_namespaces()
    output = bench.path("report.json")
    read, write = os.pipe()

    def argv(seconds):
        return [bench.cli, "run", f"--timeout={seconds}", "--format=json", "-o", output, "--", *INSIDE, bench.target("lock_and_join")]
    status, _ = harness.limited(argv, lambda run: all_blocked(child_of(child_of(run.pid))), 1, env=bench.env, stdin=read,
                                stderr=subprocess.DEVNULL)
    os.close(read)
    os.close(write)
    demand(status == 124, status)
    found = [one for one in harness.read_json(output)["processes"] if one["exe"].endswith("lock_and_join")]
    demand(len(found) == 1 and found[0]["pid"] != 1, found)
    text = json.dumps(found[0])
    demand(text.count('"stack_source": "ptrace"') == 4, text)


def with_the_proc_of_the_namespace_outside(bench):
    """There the shim's threads have other tids, by which they are not taken for untracked ones."""
    need_namespaces()
    output = bench.path("report.json")
    around = [option for option in INSIDE if option != "--mount-proc"]
    code, _, err = harness.call([bench.cli, "run", "--format=json", "-o", output, "--", *around, bench.target("running")], env=bench.env)
    found = [one for one in harness.read_json(output)["processes"] if one["exe"].endswith("running")]
    demand(code == 66 and len(found) == 1 and found[0]["threads"]["untracked"] == 0 and not found[0]["untracked"], f"{code} {err} {found}")


def demand_symbols(bench, process, change=None):
    try:
        demand(process.stdout.readline() == b"up\n", "it did not come up")
        wait_until(lambda: all_blocked(process.pid))
        if change:
            change()
        text = report(bench, process.pid)
        demand("> want " in text and "lock_and_join.c:" in text, text)
    finally:
        process.communicate(b"", timeout=harness.TIMEOUT_S)


def start(bench, argv):
    return subprocess.Popen(argv, env=bench.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL)


def symbols_of_a_file_that_only_it_sees(bench):
    need_namespaces()
    place = bench.path("mounted")
    os.mkdir(place)
    script = 'mount -t tmpfs none "$1" && cp "$2" "$1/only_inside" && exec "$1/only_inside"'
    demand_symbols(bench, start(bench, ["unshare", "--mount", "sh", "-c", script, "sh", place, bench.target("lock_and_join")]))


def symbols_of_a_replaced_program(bench):
    need_root()
    place = bench.path("replaced")
    harness.copy(bench.target("lock_and_join"), place)

    def replace():
        os.unlink(place)
        harness.copy(bench.target("clean"), place)
    demand_symbols(bench, start(bench, [place]), replace)


SOURCE = """
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
static void *pump(void *arg) { for (;;) pause(); return arg; }
static void open_%s(void) { pthread_t thread; pthread_create(&thread, NULL, pump, NULL); }
int main(int argc, char **argv) { open_%s(); return argc > 1 ? system(argv[1]) : 0; }
"""


def build(bench, name, *flags):
    """Leaks a thread that open_NAME creates, after it has run a command."""
    source, program = bench.write(name + ".c", SOURCE % (name, name)), bench.path(name)
    subprocess.run([os.environ.get("CC", "cc"), "-g", "-O0", "-pthread", *flags, "-o", program, source], check=True)
    return program


def leaks_of_run(bench, *argv):
    """{pid: [(creator, its line)]}"""
    output = bench.path("leaks.json")
    status, _, err = harness.call([bench.cli, "run", "--format=json", "-o", output, "--", *argv])
    demand(status == 66, f"{status}: {err}")
    processes = harness.read_json(output)["processes"]
    return [[(leak["own"]["function"], leak["own"].get("line")) for leak in one["leaks"]]
            for one in processes if one["leaks"]]


def run_names_a_program_of_another_mount_namespace(bench):
    need_namespaces()
    place = bench.path("mounted_in_run")
    os.mkdir(place)
    script = 'mount -t tmpfs none "$1" && cp "$2" "$1/only_inside" && exec "$1/only_inside"'
    found = leaks_of_run(bench, "unshare", "--mount", "sh", "-c", script, "sh", place, build(bench, "hidden"))
    demand(found == [[("open_hidden", 6)]], found)


def run_tells_equal_paths_and_pids_apart(bench):
    """Two programs without a build-id, one after the other at one path, each with pid 1."""
    need_namespaces()
    place = bench.write("at", "")
    programs = [build(bench, name, "-Wl,--build-id=none") for name in ("first", "second")]
    script = f'mount --bind "$2" "$1" && exec "$1"'
    each = 'unshare --mount --pid --fork sh -c "$0" sh "$1" '
    found = leaks_of_run(bench, "sh", "-c", f'{each} "$2"; {each} "$3"', script, place, *programs)
    demand(sorted(found) == [[("open_first", 6)], [("open_second", 6)]], found)


def run_names_a_program_in_a_chroot(bench):
    need_namespaces()
    root, program = bench.path("root"), build(bench, "rooted")
    _, listed, _ = harness.call(["ldd", program, bench.shim])
    files = {word for word in listed.split() if word.startswith("/") and not word.endswith(":")}
    for file in [program, bench.shim, *files]:
        os.makedirs(root + os.path.dirname(file), exist_ok=True)
        harness.copy(file, root + file)
    script = 'for d in proc tmp dev; do mkdir -p "$1/$d" && mount --rbind /$d "$1/$d" || exit 1; done; ' \
             'exec chroot "$1" "/rooted"'
    harness.copy(program, root + "/rooted")
    found = leaks_of_run(bench, "unshare", "--mount", "sh", "-c", script, "sh", root)
    demand(found == [[("open_rooted", 6)]], found)


def demand_replaced(text, program):
    demand(f"\nreplaced or deleted while the process uses it: {program}\n" in text, text)
    demand("open_replaced_program" in text, text)


def a_replaced_program_is_named(bench):
    """By run, by the report of a live process, and without run; its symbols are those of the mapped file."""
    need_root()
    saved, text, document = build(bench, "replaced_program"), bench.path("text"), bench.path("json")
    program, other = bench.path("used"), bench.path("other")
    replace = f"cp {bench.target('clean')} {other} && mv {other} {program}"
    harness.copy(saved, program)
    status, _, err = harness.call([bench.cli, "run", "--format=text", "-o", text, "--format=json", "-o", document, "--",
                                   program, replace])
    demand(status == 66, err)
    demand_replaced(bench.read("text"), program)
    demand(harness.read_json(document)["processes"][0]["replaced"] == [program], harness.read_json(document))
    harness.copy(saved, other)
    os.rename(other, program)
    status, _, err = harness.call([program, replace], env=bench.environment(LD_PRELOAD=bench.shim))
    demand_replaced(err, program)
    harness.copy(saved, other)
    os.rename(other, program)
    status, out, err = harness.call([program, f"{replace} && {bench.cli} report $PPID"],
                                    env=bench.environment(LD_PRELOAD=bench.shim))
    demand_replaced(out, program)


def a_hidden_program_is_named(bench):
    """The path is that of another file, which was mounted there."""
    need_namespaces()
    program, text = build(bench, "replaced_program"), bench.path("text_of_hidden")
    status, _, err = harness.call([bench.cli, "run", "-o", text, "--", "unshare", "--mount", program,
                                   f"mount --bind {bench.target('clean')} {program}"])
    demand(status == 66, err)
    demand_replaced(bench.read("text_of_hidden"), program)
    status, out, _ = harness.call(["unshare", "--mount", program, f"mount --bind {program} {program} && {bench.cli} report $PPID"],
                                  env=bench.environment(LD_PRELOAD=bench.shim))
    demand(status == 0 and "(pid " in out and "replaced or deleted" not in out, f"the same file at the path: {out}")


def what_replaced_a_program_names_nothing(bench):
    """No build-id proves which file the process ran."""
    def build_unjoined(name):
        source, program = bench.write(name + ".c", SOURCE.replace("for (;;) pause(); ", "") % (name, name)), bench.path(name)
        subprocess.run([os.environ.get("CC", "cc"), "-g", "-O0", "-pthread", "-Wl,--build-id=none", "-o", program, source], check=True)
        return program
    program, other = build_unjoined("first_unjoined"), build_unjoined("other_unjoined")
    demand(leaks_of_run(bench, program) == [[("open_first_unjoined", 6)]], "the same file names it")
    found = leaks_of_run(bench, program, f"cp {other} {other}.new && mv {other}.new {program}")
    wanted = [("open_first_unjoined", 6)] if os.geteuid() == 0 else [(None, None)]  # the mapped file needs privileges
    demand(found == [wanted], found)


WAITS_FOR_CHILD = """
import os
child = os.fork()
if child == 0:
    os.execvp("sleep", ["sleep", "1000"])
print("up", flush=True)
os.waitpid(child, 0)
"""


def comm_of(pid):
    with open(f"/proc/{pid}/comm", encoding="ascii") as file:
        return file.read().strip()


def a_child_that_is_waited_for_is_named(bench):
    need_namespaces()
    for around in [], INSIDE:
        process = subprocess.Popen([*around, sys.executable, "-c", WAITS_FOR_CHILD], env=bench.env, stdout=subprocess.PIPE)
        demand(process.stdout.readline() == b"up\n", "it did not come up")
        pid = child_of(process.pid) if around else process.pid
        child = child_of(pid)
        try:
            wait_until(lambda: blocked_in(pid, WAIT4) == 1 and comm_of(child) == "sleep")
            text = report(bench, pid)
            demand(f"end of child process {child} (sleep)" in text, text)
        finally:
            os.kill(child, signal.SIGKILL)
            process.communicate(timeout=harness.TIMEOUT_S)


def memory_for_code_is_no_replaced_file(bench):
    """Generated code in a deleted file, as libffi keeps it."""
    source = bench.write("maps_code.c", CODE)
    program = bench.path("maps_code")
    subprocess.run([os.environ.get("CC", "cc"), "-pthread", "-o", program, source], check=True)
    status, out, err = harness.call([program, bench.path("code"), bench.cli], env=bench.environment())
    demand(status == 0 and "(pid " in out and "replaced" not in out, f"{status}: {out} {err}")


CODE = """
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    char command[4096];
    int fd = open(argv[1], O_RDWR | O_CREAT, 0600);
    if (argc < 3 || ftruncate(fd, 4096) != 0 || unlink(argv[1]) != 0 ||
        mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0) == MAP_FAILED)
        return 1;
    snprintf(command, sizeof(command), "%s report %d", argv[2], (int)getpid());
    return system(command) != 0;
}
"""


def symbols_of_a_path_with_a_newline(bench):
    place = bench.path("two\nlines")
    harness.copy(bench.target("lock_and_join"), place)
    demand_symbols(bench, start(bench, [place]))


def lines_of_a_path_that_is_not_utf8(bench):
    """Under run, the current stacks are saved by the process, and read later."""
    for name in (b"not \xff utf-8", b"two\nlines"):
        place = os.path.join(os.fsencode(bench.tmp), name)
        harness.copy(bench.target("running"), os.fsdecode(place))
        status, _, err = harness.call([bench.cli, "run", "--", place], env=bench.env, errors="replace")
        current = re.findall(r"^  now in .*, at\n((?:  .*\n)*)", err, re.MULTILINE)
        demand(status == 66 and current and all(re.search(r"^  > stay +\S+/target.h:\d+$", text, re.MULTILINE) for text in current), f"{name} {err}")


TESTS = [lines_of_a_path_that_is_not_utf8, symbols_of_a_path_with_a_newline, symbols_of_a_file_that_only_it_sees, symbols_of_a_replaced_program,
         report_from_outside, with_the_proc_of_the_namespace_outside, at_a_timeout, run_names_a_program_of_another_mount_namespace,
         run_tells_equal_paths_and_pids_apart, run_names_a_program_in_a_chroot, a_replaced_program_is_named,
         a_hidden_program_is_named, what_replaced_a_program_names_nothing, a_child_that_is_waited_for_is_named,
         memory_for_code_is_no_replaced_file]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
