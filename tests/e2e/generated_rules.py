#!/usr/bin/env python3
"""Rules that --gen-suppressions writes: each suppresses its own leak and nothing else, also in later runs.

  tests/e2e/generated_rules.py [--build DIR] [NAME...]
"""
import json
import os
import re
import subprocess
import sys

import harness
from harness import demand, need, need_built
from rules_bench import ASYNC, Bench, leaks

GENERATED = ["waits", "kinds", "demo", "running", "same_place", "tree", "std_thread", "std_async", "ignored_partly",
             "stripped", "thrd", "setname", "rust_thread", "deep"]


def generated_rules_silence(target):
    """A test that the rules made of a target's leaks hide these, each its own."""
    def silence(bench):
        need_built(bench.target(target))
        path = bench.path("generated.supp")
        status, report, err = bench.run(target, f"--gen-suppressions={path}")
        counted = {leak["fingerprint"] for leak in leaks(report) if leak["counted"]}
        demand(status and counted and err == "", f"{target}: {status}, {err}")
        status, report, err = bench.run(target, f"--suppressions={path}", "--warn-unused-suppressions")
        demand(status != 66 and not report["summary"]["leaked_threads"] and err == "", f"{target}: {status}, {err}")
        alone_they_silence_one(bench, target, path, counted)
    silence.__name__ = f"generated_rules_silence_{target}"
    return silence


def alone_they_silence_one(bench, target, path, counted):
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    silenced = set()
    for comment, rule in zip(lines, lines[1:]):
        if rule.startswith("#"):
            continue
        _, report, _ = bench.run(target, "--grace=9", "--suppressions=" + bench.rules(rule))
        by_rule = {leak["fingerprint"] for leak in leaks(report) if leak["suppressed_by"] == rule}
        demand(len(by_rule) == 1 or "(and others" in comment, f"{target}: {comment} {rule}: {by_rule}")
        silenced |= by_rule
    demand(silenced == counted, f"{target}: {silenced} and {counted}")


def generated_rules_are_ready_to_paste(bench):
    status, _, err = bench.call(bench.cli, "run", "-o", "report", "--gen-suppressions", "--", bench.target("running"))
    rules = [line for line in err.splitlines() if not line.startswith("#")]
    demand(status == 66 and rules and all(re.match(r"(thread|start):\^", line) for line in rules), err)
    demand(all(line.endswith(" kind:running,unjoined") for line in rules), err)  # timing decides which
    demand(all("0x" not in line and ".c" not in line and "/" not in line for line in rules), err)
    status, _, err = bench.call(bench.cli, "run", "--gen-suppressions=nothing", "--", bench.target("clean"))
    demand(status == 0 and os.path.getsize(bench.path("nothing")) == 0, err)
    status, _, err = bench.call(bench.cli, "run", "--gen-suppressions=" + bench.path("no/where"), "-o", "report",
                                "--", bench.target("running"))
    demand(status == 125 and bench.path("no/where") in err, f"{status}, {err}")


PROGRAM = """
#include <pthread.h>
#include <unistd.h>
static void *wait_for_ever(void *arg) { for (;;) pause(); return arg; }
__attribute__((noinline)) void start_one(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, wait_for_ever, NULL);
}
int main(void) { start_one(); return 0; }
"""


def generated_rules_stay_true_over_rebuilds(bench):
    compiler = need(os.environ.get("CC", "cc"))
    program, path = bench.path("program"), bench.path("generated.supp")
    for number, (more, flags) in enumerate((("", ["-O0", "-g"]), ("\nint added[100];\nvoid more(void) {}\n\n", ["-O1"]),
                                            ("", ["-O0", "-static-libgcc", "-no-pie"]))):
        with open(bench.path("program.c"), "w", encoding="ascii") as file:
            file.write(more + PROGRAM)
        subprocess.run([compiler, *flags, "-fno-optimize-sibling-calls", "-pthread", "-o", program,
                        bench.path("program.c")], check=True)
        options = [f"--gen-suppressions={path}"] if number == 0 else [f"--suppressions={path}"]
        status, _, err = bench.call(bench.cli, "run", *options, "-o", "report", "--", program)
        demand(status == (66 if number == 0 else 0), f"{flags}: {status}, {err}")


def generated_rules_are_narrow(bench):
    """A rule for a std::thread of main's is not one for all of them."""
    compiler = need(os.environ.get("CXX", "c++"))
    program, path = bench.path("async"), bench.path("generated.supp")
    with open(program + ".cpp", "w", encoding="ascii") as file:
        file.write(ASYNC)
    subprocess.run([compiler, "-g", "-O0", "-pthread", "-o", program, program + ".cpp"], check=True)
    status, _, err = bench.call(bench.cli, "run", f"--gen-suppressions={path}", "-o", "report", "--", program)
    demand(status == 66, err)
    status, _, err = bench.call(bench.cli, "run", f"--suppressions={path}", "-o", "report", "--", program)
    demand(status == 0, f"{status}: {err}")
    status, _, err = bench.call(bench.cli, "run", f"--suppressions={path}", "-o", "report", "--", program, "more")
    demand(status == 66, f"hides what it was not made of: {open(path, encoding='utf-8').read()}")


def generated_rules_without_names_are_of_their_module(bench):
    """Of a stripped std::thread only the runtime's functions have names: every program has these."""
    compiler = need(os.environ.get("CXX", "c++"))
    programs, path = [bench.path("async"), bench.path("another")], bench.path("generated.supp")
    with open(bench.path("async.cpp"), "w", encoding="ascii") as file:
        file.write(ASYNC)
    for program in programs:
        subprocess.run([compiler, "-O2", "-s", "-pthread", "-o", program, bench.path("async.cpp")], check=True)
    status, _, err = bench.call(bench.cli, "run", f"--gen-suppressions={path}", "-o", "report", "--", programs[0])
    demand(status == 66, err)
    for program, expected in zip(programs, (0, 66)):
        status, _, err = bench.call(bench.cli, "run", f"--suppressions={path}", "-o", "report", "--", program)
        demand(status == expected, f"{program}: {status}: {err}{open(path, encoding='utf-8').read()}")
    with open(path, encoding="utf-8") as file:
        demand("its creator has no name" in file.read(), "it is not printed that the rule is wide")


def names_in_the_form_of_rules(bench):
    """Thread names with what means something in a rule: each is silenced by its own rule."""
    compiler = need(os.environ.get("CC", "cc"))
    names = ["kind:x", "a kind:running", "x # y", "^a$b", " lead", "trail ", "c*d", "name:", "\x01\x1b[1m", "\xffz",
             "a::b c: d", "q,kind:r", "q, name=s", "x,"]
    with open(bench.path("names.c"), "w", encoding="ascii") as file:
        file.write("#define _GNU_SOURCE\n#include <pthread.h>\n#include <semaphore.h>\n#include <unistd.h>\n"
                   "static sem_t up;\nstatic void *stay(void *name) { pthread_setname_np(pthread_self(), name);"
                   " sem_post(&up); for (;;) pause(); return 0; }\n")
        names_c = [json.dumps(name).replace("\\u00", "\\x") for name in names]
        names_c = [re.sub(r"(\\x..)", r'\1""', name) for name in names_c]
        for n, name in enumerate(names_c):
            file.write(f"static void f{n}(void) {{ pthread_t t; pthread_create(&t, 0, stay, {name}); sem_wait(&up); }}\n")
        file.write("int main(void) { " + " ".join(f"f{n}();" for n in range(len(names))) + " return 0; }\n")
    program, path = bench.path("names"), bench.path("generated.supp")
    subprocess.run([compiler, "-s", "-O0", "-pthread", "-o", program, bench.path("names.c")], check=True)
    bench.target = lambda name: name
    status, report, err = bench.run(program, f"--gen-suppressions={path}")
    demand(status == 66 and report["summary"]["leak_sites"] == len(names), f"{report['summary']}, {err}")
    status, report, err = bench.run(program, f"--suppressions={path}", "--warn-unused-suppressions")
    demand(status == 0 and err == "", f"{status}, {err}")
    alone_they_silence_one(bench, program, path, {leak["fingerprint"] for leak in leaks(report)})


TESTS = [*map(generated_rules_silence, GENERATED), generated_rules_are_ready_to_paste,
         generated_rules_stay_true_over_rebuilds, generated_rules_are_narrow,
         generated_rules_without_names_are_of_their_module, names_in_the_form_of_rules]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
