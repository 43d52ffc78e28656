#!/usr/bin/env python3
"""Threads that language runtimes own are no leaks of their users: real programs, in `make soak`.

  SOAK=1 tests/e2e/runtimes.py [--build DIR] [NAME...]

tests/unit/check_suppressions_runtimes.c compares recorded threads of the same programs in every check.
"""
import os
import subprocess
import sys

import harness
from harness import demand, need


class Bench(harness.Bench):
    def leaks(self, *argv):
        """Functions that leaked threads run or were created by, and the labels of rules that hid others."""
        output = self.path("report.json")
        harness.call([self.cli, "run", "--format=json", "-o", output, "--", *argv], env=self.env)
        groups = [group for process in harness.read_json(output)["processes"] for group in process["leaks"]]
        hidden = {group["suppressed_by"].removeprefix("built in: ") for group in groups if group["suppressed_by"]}
        return [group for group in groups if group["counted"]], hidden

    def compiled(self, compiler, *arguments):
        """Skips where a library is missing."""
        program = self.path("program")
        done = subprocess.run([need(compiler), "-o", program, *arguments], check=False, capture_output=True,
                              text=True, timeout=harness.TIMEOUT_S)
        if done.returncode:
            raise harness.Skip(f"{compiler}: {done.stderr.strip().splitlines()[-1]}")
        return program

    def library(self, package):
        done = subprocess.run([need("pkg-config"), "--cflags", "--libs", package], check=False, capture_output=True,
                              text=True)
        if done.returncode:
            raise harness.Skip(f"no {package}")
        return done.stdout.split()


def demand_leaks(found, runtime, *mine):
    """`mine`: names of threads, or of functions that they run, of the leaks of the user."""
    leaks, hidden = found
    demand(runtime in hidden, f"no thread of {runtime}: {hidden}")
    names = [[thread["name"] for thread in leak["threads"]] + [(leak["start_routine"] or {}).get("function")]
             for leak in leaks]
    demand(len(leaks) == len(mine) and all(any(one in name for name in names) for one in mine), f"leaks: {names}")


def java_version(bench):
    demand_leaks(bench.leaks(need("java"), "-version"), "the JVM")


JAVA = """public class Leak { public static void main(String[] a) throws Exception {
    Thread thread = new Thread(() -> { try { Thread.sleep(1000000); } catch (Exception e) { } });
    thread.setName("mine"); thread.start(); System.exit(0); } }"""


def java_thread(bench):
    need("java")
    source = bench.write("Leak.java", JAVA)
    subprocess.run([need("javac"), "-d", bench.tmp, source], check=True, timeout=harness.TIMEOUT_S)
    demand_leaks(bench.leaks("java", "-cp", bench.tmp, "Leak"), "the JVM", "mine")


GO = """package main
/*
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
static void *mine(void *arg) { for (;;) pause(); return arg; }
static void leak(void) { pthread_t thread; pthread_create(&thread, 0, mine, 0); exit(0); }
*/
import "C"
func main() { C.leak() }
"""


def go_with_cgo(bench):
    bench.write("go.mod", "module leak\n")
    bench.write("leak.go", GO)
    env = {**os.environ, "GOFLAGS": "-mod=mod", "GOCACHE": bench.path("cache"), "HOME": bench.tmp}
    subprocess.run([need("go"), "build", "-o", bench.path("leak")], cwd=bench.tmp, env=env, check=True, timeout=600)
    demand_leaks(bench.leaks(bench.path("leak")), "Go", "mine")


def node_inspector(bench):
    demand_leaks(bench.leaks(need("node"), "-e", "0"), "node's inspector")


def ocaml_tick(bench):
    source = bench.write("leak.ml", "let () = ignore (Thread.create (fun () -> Thread.delay 1e6) ()); exit 0\n")
    program = bench.compiled("ocamlopt", "-I", "+threads", "unix.cmxa", "threads.cmxa", source)
    leaks, hidden = bench.leaks(program)
    demand("OCaml's tick thread" in hidden and len(leaks) == 1, f"{hidden}, {leaks}")


def erlang_beam(bench):
    demand_leaks(bench.leaks(need("erl"), "-noshell", "-eval", "init:stop()."), "Erlang's BEAM")


def sbcl_finalizer(bench):
    lisp = """(progn (sb-thread:make-thread (lambda () (sleep 1000000)) :name "mine") (gc :full t)
                     (sb-ext:exit :abort nil :timeout 0))"""
    leaks, hidden = bench.leaks(need("sbcl"), "--noinform", "--non-interactive", "--eval", lisp)
    names = [thread["name"] for leak in leaks for thread in leak["threads"]]
    demand("finalizer" not in names, f"{names}, {hidden}")


C_PROGRAM = """
#include <pthread.h>
#include <unistd.h>
%s
static void *mine(void *arg) { for (;;) pause(); return arg; }
int main(void) { pthread_t thread; %s; pthread_create(&thread, NULL, mine, NULL); return 0; }
"""


def libgc_markers(bench):
    source = bench.write("gc.c", C_PROGRAM % ("#define GC_THREADS\n#include <gc.h>", "GC_INIT(); GC_allow_register_threads()"))
    leaks, hidden = bench.leaks(bench.compiled("cc", source, "-pthread", *bench.library("bdw-gc")))
    demand("libgc's markers" in hidden and len(leaks) == 1 and leaks[0]["own"]["function"] == "main", f"{hidden}, {leaks}")


def liburcu_callbacks(bench):
    source = bench.write("urcu.c", C_PROGRAM % (
        "#include <urcu.h>\nstatic struct rcu_head head; static void done(struct rcu_head *head) { (void)head; }",
        "rcu_register_thread(); call_rcu(&head, done); rcu_unregister_thread()"))
    demand_leaks(bench.leaks(bench.compiled("cc", source, "-pthread", *bench.library("liburcu"))), "liburcu", "mine")


def dconf_worker(bench):
    demand_leaks(bench.leaks(need("dconf"), "write", "/threadleak/test", "1"), "dconf")


def webkit_scavenger(bench):
    source = bench.write("js.c", C_PROGRAM % ("#include <JavaScriptCore/JavaScript.h>", """
        JSGlobalContextRef context = JSGlobalContextCreate(NULL);
        JSStringRef script = JSStringCreateWithUTF8CString("var a = []; for (var i = 0; i < 300000; i++) a.push({x: i});");
        JSEvaluateScript(context, script, NULL, NULL, 0, NULL)"""))
    program = bench.compiled("cc", source, "-pthread", *bench.library("javascriptcoregtk-4.1"))
    demand_leaks(bench.leaks(program), "WebKit's scavenger", "mine")


TESTS = [java_version, java_thread, go_with_cgo, node_inspector, ocaml_tick, erlang_beam, sbcl_finalizer, libgc_markers,
         liburcu_callbacks, dconf_worker, webkit_scavenger] if harness.SOAK else []

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
