#!/usr/bin/env python3
"""Libraries that make threads for the user, GLib and libuv: reports show what is the user's and not the library's,
what the library keeps for itself is no leak, and rules that are made of a leak hide no other.

  tests/e2e/thread_makers.py [--build DIR] [NAME...]

Where a library or its compiler is not there, its tests are skipped.
"""
import os
import re
import subprocess
import sys

import harness
from harness import Skip, demand, need

GLIB = r"""
#ifdef WITHOUT_GIO
#include <glib.h>
#else
#include <gio/gio.h>
#endif
#include <string.h>
static GAsyncQueue *queue, *begun;
static GMutex mutex;
static GCond cond;
static void nothing(gpointer task, gpointer data) { g_async_queue_push(begun, task); (void)data; }
static void sleeps(gpointer task, gpointer data) { nothing(task, data); for (;;) g_usleep(G_USEC_PER_SEC); }
static void waits(gpointer task, gpointer data)
{
    nothing(task, data);
    g_mutex_lock(&mutex);
    for (;;) g_cond_wait_until(&cond, &mutex, g_get_monotonic_time() + 1000 * G_TIME_SPAN_SECOND);
}
static void pops(gpointer task, gpointer data)
{
    nothing(task, data);
    for (;;) g_async_queue_timeout_pop(queue, 1000 * G_TIME_SPAN_SECOND);
}
static gpointer stays(gpointer data)
{
    pops(data, NULL);
    return data;
}
static gpointer stays_too(gpointer data)
{
    sleeps(data, NULL);
    return data;
}
static gpointer jumps(gpointer data) { return g_async_queue_timeout_pop(data, 1000 * G_TIME_SPAN_SECOND); }
void vendor_start(void) { g_thread_new("vendor", stays, queue); g_async_queue_pop(begun); }
void my_new_bug(void) { g_thread_new("mine", stays_too, queue); g_async_queue_pop(begun); }
#ifdef WITHOUT_GIO
static void run_task(void) {}
#else
static void task_runs(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
    g_task_return_int(task, 1);
    (void)source, (void)data, (void)cancellable;
}
static void task_done(GObject *source, GAsyncResult *result, gpointer loop)
{
    g_main_loop_quit(loop);
    (void)source, (void)result;
}
static void run_task(void)
{
    GMainLoop *loop = g_main_loop_new(NULL, FALSE);
    GTask *task = g_task_new(NULL, NULL, task_done, loop);
    g_task_run_in_thread(task, task_runs);
    g_object_unref(task);
    g_main_loop_run(loop);
    g_main_loop_unref(loop);
}
#endif
static void run_pool(GFunc function, gboolean exclusive, gboolean freed)
{
    GThreadPool *pool = g_thread_pool_new(function, NULL, 2, exclusive, NULL);
    g_thread_pool_push(pool, queue, NULL);
    g_async_queue_pop(begun);
    if (!freed)
        return;
    g_thread_pool_free(pool, FALSE, TRUE);
    while (g_thread_pool_get_num_unused_threads() == 0)
        g_usleep(1000);
}
int main(int argc, char **argv)
{
    queue = g_async_queue_new();
    begun = g_async_queue_new();
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "task")) run_task();
        if (!strcmp(argv[i], "shared")) run_pool(nothing, FALSE, TRUE);
        if (!strcmp(argv[i], "exclusive")) run_pool(nothing, TRUE, TRUE);
        if (!strcmp(argv[i], "unfreed")) run_pool(nothing, TRUE, FALSE);
        if (!strcmp(argv[i], "idle")) run_pool(nothing, FALSE, FALSE);
        if (!strcmp(argv[i], "sleeps")) run_pool(sleeps, FALSE, FALSE);
        if (!strcmp(argv[i], "waits")) run_pool(waits, FALSE, FALSE);
        if (!strcmp(argv[i], "pops")) run_pool(pops, FALSE, FALSE);
        if (!strcmp(argv[i], "jumps")) g_thread_new("pool", jumps, queue);
        if (!strcmp(argv[i], "vendor")) vendor_start();
        if (!strcmp(argv[i], "bug")) my_new_bug();
    }
    return 0;
}
"""

UV = """
#include <string.h>
#include <unistd.h>
#include <uv.h>
static void stay(void *arg) { for (;;) pause(); (void)arg; }
void vendor_start(void) { uv_thread_t thread; uv_thread_create(&thread, stay, 0); }
void my_new_bug(void) { uv_thread_t thread; uv_thread_create(&thread, stay, 0); }
int main(int argc, char **argv)
{
    vendor_start();
    if (argc > 1) my_new_bug();
    return 0;
}
"""

CXX = """
#include <chrono>
#include <cstdlib>
#include <thread>
static void stay() { for (;;) std::this_thread::sleep_for(std::chrono::seconds(1)); }
__attribute__((noinline)) void vendor_start() { new std::thread(stay); }
__attribute__((noinline)) void my_new_bug() { new std::thread(stay); }
int main(int argc, char **)
{
    vendor_start();
    if (argc > 1)
        my_new_bug();
    std::exit(0);
}
"""

WRAPPER = """
#include <pthread.h>
struct start { void (*function)(void); };
static void *trampoline(void *arg) { ((struct start *)arg)->function(); return arg; }
static __attribute__((noinline)) int begin(struct start *start)
{
    pthread_t thread;
    return pthread_create(&thread, 0, trampoline, start) + (thread == 0);
}
int (*volatile wrapper_hidden)(struct start *) = begin;
"""

WRAPPED = """
#include <pthread.h>
#include <unistd.h>
struct start { void (*function)(void); };
extern int (*volatile wrapper_hidden)(struct start *);
static void stay(void) { for (;;) pause(); }
static struct start start = {stay};
int vendor_start(void) { return wrapper_hidden(&start) + 1; }
int my_new_bug(void) { return wrapper_hidden(&start) + 1; }
int main(int argc, char **argv)
{
    (void)argv;
    return vendor_start() - 1 + (argc > 1 ? my_new_bug() - 1 : 0);
}
"""


class Bench(harness.Bench):
    def compile(self, name, text, *flags, compiler="cc"):
        program = self.path(name)
        source = self.write(name + (".cpp" if compiler == "c++" else ".c"), text)
        compiler = need(os.environ.get({"cc": "CC", "c++": "CXX"}[compiler], compiler))
        harness.compile_once(compiler, source, program, "-Wno-unused", *flags).check_returncode()
        return program

    def with_package(self, name, text, package, *flags):
        need("pkg-config")
        status, out, _ = harness.call(["pkg-config", "--cflags", "--libs", package])
        if status:
            raise Skip(f"no {package} here")
        return self.compile(name, text, *flags, *out.split())

    def glib(self, *flags):
        return self.with_package("glib_program", GLIB, "gio-2.0", *flags)

    def call(self, program, *args, options=()):
        """Status, counted leaks, all rules that hid something."""
        output = self.path("report.json")
        argv = [self.cli, "run", "--format=json", "-o", output, *options, "--", program, *args]
        status, _, err = harness.call(argv, env=self.env, cwd=self.tmp)
        leaks = [leak for process in harness.read_json(output)["processes"] for leak in process["leaks"]]
        demand(err == "", err)
        return status, [leak for leak in leaks if leak["counted"]], {leak["suppressed_by"] for leak in leaks} - {None}

    def text(self, program, *args, options=()):
        argv = [self.cli, "run", "--color=never", *options, "--", program, *args]
        return harness.call(argv, env=self.env, cwd=self.tmp)[2]


# ---- what a library keeps for itself --------------------------------------------------------

def glibs_idle_threads_are_no_leak(bench):
    program = bench.glib("-O2", "-g")
    for args in (["task"], ["idle"], ["shared"], ["exclusive"], ["shared", "exclusive", "task"]):
        status, leaks, rules = bench.call(program, *args)
        demand(status == 0 and not leaks and "built in: GLib's pool" in rules, f"{args}: {status}, {leaks}, {rules}")
        status, leaks, rules = bench.call(program, *args, options=["--no-default-suppressions"])
        demand(status == 66 and not rules, f"{args}, without rules: {status}, {rules}")


def user_work_in_glibs_threads_is_reported(bench):
    """A worker in the user's function, a pool that was not freed, a thread that waits as GLib's own do."""
    for flags in (["-O0", "-g"], ["-O2", "-g"], ["-O2", "-s"]):
        program = bench.glib(*flags)
        for kind in ("sleeps", "waits", "pops", "unfreed", "jumps", "vendor"):
            status, leaks, rules = bench.call(program, kind)
            demand(status == 66 and leaks and not rules, f"{flags} {kind}: {status}, {leaks}, {rules}")


def with_symbols_it_is_the_same(bench):
    """GLib in the program itself, where all of its functions have names."""
    linked = ["-Wl,-Bstatic", "-lglib-2.0", "-lpcre2-8", "-Wl,-Bdynamic", "-lm", "-pthread"]
    flags = harness.call([need("pkg-config"), "--cflags", "glib-2.0"])[1].split()
    try:
        program = bench.compile("with_symbols", GLIB, "-O2", "-g", "-DWITHOUT_GIO", *flags, *linked)
    except subprocess.CalledProcessError as error:
        raise Skip("no libglib-2.0.a here") from error
    for kind in ("idle", "shared", "exclusive"):
        status, leaks, rules = bench.call(program, kind)
        demand(status == 0 and not leaks and rules == {"built in: GLib's pool"}, f"{kind}: {status}, {leaks}, {rules}")
    for kind, own, runs in (("sleeps", "run_pool", "sleeps"), ("waits", "run_pool", "waits"), ("pops", "run_pool", "pops"),
                            ("vendor", "vendor_start", "stays"), ("unfreed", "run_pool", None), ("jumps", "main", None)):
        status, leaks, rules = bench.call(program, kind)
        demand(status == 66 and [leak["own"]["function"] for leak in leaks] == [own] and not rules, f"{kind}: {leaks}")
        text = bench.text(program, kind)
        demand(runs is None or f"  runs {runs} " in text, text)


# ---- what is marked, and what is printed to run ------------------------------------------------

def frames_marked(text):
    """Functions behind a '>', of creation stacks."""
    return re.findall(r"created by .*\n(?:    .*\n)*  > (\w+)", text)


def glibs_frames_are_not_the_users(bench):
    program = bench.glib("-O0", "-g")
    text = bench.text(program, "vendor", "bug", "sleeps")
    demand(sorted(frames_marked(text)) == ["my_new_bug", "run_pool", "vendor_start"], text)
    demand(sorted(re.findall(r"runs (\w+) ", text)) == ["sleeps", "stays", "stays_too"], text)
    text = bench.text(program, "vendor", options=["--format=github"])
    demand("glib_program.c,line=" in text and "created by vendor_start (" in text and ", runs stays (" in text, text)
    _, leaks, _ = bench.call(program, "vendor")
    demand([leak["own"]["function"] for leak in leaks] == ["vendor_start"], leaks)


def libuvs_frames_are_not_the_users(bench):
    text = bench.text(bench.with_package("uv_program", UV, "libuv", "-O0", "-g"), "bug")
    demand(sorted(frames_marked(text)) == ["my_new_bug", "vendor_start"], text)


# ---- rules that are made of a leak ------------------------------------------------------------

def demand_narrow(bench, program, one, both, must=r""):
    """The rule made of `one` hides that, and no other; of both, each its own."""
    made = bench.path("made.supp")
    status, _, _ = bench.call(program, *one, options=[f"--gen-suppressions={made}"])
    rules = [line for line in bench.read("made.supp").splitlines() if not line.startswith("#")]
    demand(status == 66 and len(rules) == 1 and re.search(must, rules[0]), f"{program}: {status}, {rules}")
    options = [f"--suppressions={made}", "--warn-unused-suppressions"]
    status, leaks, _ = bench.call(program, *one, options=options)
    demand(status == 0 and not leaks, f"{program}: {rules} hides not what it was made of: {leaks}")
    status, leaks, _ = bench.call(program, *both, options=options)
    demand(status == 66 and len(leaks) == 1, f"{program}: {rules} hides others: {status}")
    status, _, _ = bench.call(program, *both, options=[f"--gen-suppressions={made}"])
    rules = [line for line in bench.read("made.supp").splitlines() if not line.startswith("#")]
    demand(status == 66 and len(set(rules)) == 2, f"{program}: {rules}")
    status, leaks, _ = bench.call(program, *both, options=options)
    demand(status == 0 and not leaks, f"{program}: {rules}: {leaks}")
    for rule in rules:
        status, leaks, _ = bench.call(program, *both, options=["--suppressions=" + bench.write("rule", rule + "\n")])
        demand(status == 66 and len(leaks) == 1, f"{program}: {rule} hides others of {rules}")


def rules_name_who_called_glib(bench):
    demand_narrow(bench, bench.glib("-O0", "-g"), ["vendor"], ["vendor", "bug"], r"^thread:\^vendor_start\$ kind:running,unjoined$")
    demand_narrow(bench, bench.glib("-O2", "-s"), ["vendor"], ["vendor", "bug"], r"process:\^glib_program\$")


def rules_name_who_called_libuv(bench):
    program = bench.with_package("uv_program", UV, "libuv", "-O0", "-g")
    demand_narrow(bench, program, [], ["bug"], r"thread:\^vendor_start\$")


def rules_name_who_called_an_unknown_wrapper(bench):
    """One that has no symbols: its offsets are of all threads that go through it."""
    bench.compile("libwrapper.so", WRAPPER, "-O1", "-fno-optimize-sibling-calls", "-shared", "-fPIC", "-s", "-pthread")
    program = bench.compile("wrapped", WRAPPED, "-O0", "-g", bench.path("libwrapper.so"), "-Wl,-rpath," + bench.tmp)
    demand_narrow(bench, program, [], ["bug"], r"thread:\^vendor_start\$")


def rules_for_stripped_cxx_are_of_one_place(bench):
    program = bench.compile("stripped", CXX, "-O2", "-s", "-pthread", compiler="c++")
    demand_narrow(bench, program, [], ["bug"], r"^thread:\^stripped\+0x[0-9a-f]+\$ (?!.*_M_start_thread).*process:\^stripped\$")
    other = bench.compile("other", CXX, "-O2", "-s", "-pthread", compiler="c++")
    bench.call(program, options=["--gen-suppressions=" + bench.path("made.supp")])
    status, _, _ = bench.call(other, options=["--suppressions=" + bench.path("made.supp")])
    demand(status == 66, "hides another program's")


TESTS = [glibs_idle_threads_are_no_leak, user_work_in_glibs_threads_is_reported, with_symbols_it_is_the_same,
         glibs_frames_are_not_the_users, libuvs_frames_are_not_the_users, rules_name_who_called_glib, rules_name_who_called_libuv,
         rules_name_who_called_an_unknown_wrapper, rules_for_stripped_cxx_are_of_one_place]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
