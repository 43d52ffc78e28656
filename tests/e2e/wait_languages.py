#!/usr/bin/env python3
"""What a report proves about threads that wait in C++, Rust, GLib and OpenMP, whose locks often do not store an owner.

  tests/e2e/wait_languages.py [--build DIR] [NAME...]
"""
import contextlib
import json
import os
import sys

import harness
from harness import Skip, demand, need, need_built, wait_until

GLIB = r"""
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>
static GRecMutex recursive;
static GMutex mutex;
static GRWLock rwlock;
static int may_want[2];
static const char *kind, *how;
static gpointer want(gpointer data)
{
    char byte;
    if (read(may_want[0], &byte, 1) != 1) _exit(3);
    if (!strcmp(kind, "recursive")) g_rec_mutex_lock(&recursive);
    else if (!strcmp(kind, "rwlock")) g_rw_lock_reader_lock(&rwlock);
    else g_mutex_lock(&mutex);
    return data;
}
int main(int argc, char **argv)
{
    if (argc != 3 || pipe(may_want)) return 3;
    kind = argv[1], how = argv[2];
    fcntl(0, F_SETOWN, getpid());
    fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_ASYNC);
    GThread *thread = g_thread_new("want", want, NULL);
    g_rec_mutex_lock(&recursive);
    g_mutex_lock(&mutex);
    g_rw_lock_writer_lock(&rwlock);
    if (write(may_want[1], "g", 1) != 1 || write(1, "up\n", 3) != 3) return 3;
    if (!strcmp(how, "dead")) g_thread_join(thread);
    for (;;) pause();
}
"""


class Bench(harness.Bench):
    def glib(self):
        need("pkg-config")
        status, out, _ = harness.call(["pkg-config", "--cflags", "--libs", "glib-2.0"])
        if status:
            raise Skip("no glib-2.0 here")
        source, program = self.write("glib_waits.c", GLIB), self.path("glib_waits")
        harness.compile_once(need(os.environ.get("CC", "cc")), source, program, "-g", *out.split()).check_returncode()
        return program


@contextlib.contextmanager
def started(bench, *argv):
    with harness.up(argv, bench.environment(LD_PRELOAD=bench.shim)) as process:
        yield process.pid


def judged(bench, *argv, threads=2):
    """The process in the report, when each of its threads waits."""
    with started(bench, *argv) as pid:
        wait_until(lambda: len(os.listdir(f"/proc/{pid}/task")) >= threads)
        harness.wait_until_asleep(pid)
        status, out, err = harness.call([bench.cli, "report", "--format=json", str(pid)])
        demand(status == 0, err)
        return json.loads(out)["processes"][0]


def found(process):
    """The findings about waits."""
    return [(one["code"], one["level"], one["threads"]) for one in process["findings"]
            if one["code"] in ("deadlock", "dead-owner", "stuck")]


def waits(process):
    return [thread["waiting"]["on"] for leak in process["leaks"] for thread in leak["threads"]]


def of_cxx(bench):
    """An object of the heap that only the waiting thread refers to. A notification of an atomic variable is not seen."""
    program = bench.target("stuck_cxx")
    for kind, level in ("condition_variable", "proved"), ("future", "likely"):
        demand(found(judged(bench, program, kind, "dead")) == [("stuck", level, [2])], kind)


def of_cxx_by_version(bench):
    """With some versions of libstdc++ these wait for a variable of the library."""
    program = bench.target("stuck_cxx")
    for kind in "latch", "semaphore", "barrier":
        process = judged(bench, program, kind, "dead")
        demand(found(process) in ([], [("stuck", "likely", [2])]), f"{kind}: {found(process)}")


def of_cxx_near_misses(bench):
    program = bench.target("stuck_cxx")
    for kind in "condition_variable", "latch", "barrier", "future", "semaphore":
        for how in ["near", "other"] + (["timed"] if kind not in ("latch", "barrier") else []):
            process = judged(bench, program, kind, how, threads=3 if how == "other" else 2)
            demand(not found(process), f"{kind} {how}: {found(process)}")


def texts(process):
    return [thread["waiting"]["text"] for leak in process["leaks"] for thread in leak["threads"]]


def objects_of_cxx(bench):
    """The object is named, though the wait is for a futex. That of a barrier may be for one of the library."""
    program, stripped = bench.target("stuck_cxx"), bench.path("stripped")
    for kind, name in (("latch", "std::latch 0x"), ("barrier", "std::barrier"), ("future", "std::future 0x"),
                       ("semaphore", "std::counting_semaphore")):
        [text] = texts(judged(bench, program, kind, "near"))
        demand(text.startswith(name) and "__wait" not in text, text)
    harness.call(["strip", program, "-o", stripped])
    [text] = texts(judged(bench, stripped, "future", "near"))
    demand(text.startswith("std::future 0x"), text)
    [text] = texts(judged(bench, stripped, "latch", "near"))
    demand(text.startswith(("futex 0x", "futex std::", "std::latch")), text)


def of_main_first(bench):
    """The main thread waits for ever: that is why nobody stops the idle thread, which is proved."""
    process = judged(bench, bench.target("pool_of_one"), threads=3)
    demand([threads for _, _, threads in found(process)] == [[1], [2], [3]], process["findings"])
    demand([level for _, level, _ in found(process)] == ["likely", "proved", "likely"], process["findings"])
    demand(process["verdict"].startswith("STUCK: T1 waits for "), process["verdict"])


def rust(bench):
    program = bench.target("rust_waits")
    need_built(program)
    process = judged(bench, program, "join", threads=3)
    demand(found(process) == [("deadlock", "proved", [2, 3])], process["findings"])
    for how in "join_near", "mutex_near":
        demand(not found(judged(bench, program, how, threads=3)), how)


def an_owner_that_rust_does_not_store(bench):
    """Nothing says who holds such a lock. It is only known whether other threads refer to it."""
    program = bench.target("rust_waits")
    need_built(program)
    process = judged(bench, program, "mutex", threads=3)
    demand("deadlock" not in [code for code, _, _ in found(process)], process["findings"])
    demand(waits(process) == ["futex", "futex"], waits(process))
    process = judged(bench, program, "mutex_joined", threads=3)
    demand(found(process) == [("stuck", "likely", [2, 1]), ("stuck", "likely", [3])], process["findings"])


def glib(bench):
    program = bench.glib()
    for kind in "recursive", "rwlock":
        demand(found(judged(bench, program, kind, "dead")) == [("deadlock", "proved", [1, 2])], kind)
        demand(not found(judged(bench, program, kind, "near")), kind)


def an_owner_that_glib_does_not_store(bench):
    process = judged(bench, bench.glib(), "mutex", "dead")
    demand(not found(process), process["findings"])
    demand(waits(process) == ["futex"], waits(process))


def openmp(bench):
    """Critical sections and barriers do not store who is in them."""
    program = bench.target("openmp_waits")
    harness.need_libgomp(program)
    for how in "critical", "critical_near", "barrier_near":
        demand(not found(judged(bench, program, how)), how)


TESTS = [of_cxx, of_cxx_by_version, of_cxx_near_misses, objects_of_cxx, of_main_first, rust,
         an_owner_that_rust_does_not_store, glib, an_owner_that_glib_does_not_store,
         openmp]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
