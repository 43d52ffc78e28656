#!/usr/bin/env python3
"""Rules of what is no leak, through the command line: what they match in real programs, where they come from,
what is printed of them, and that wrong ones stop all before COMMAND starts.

  tests/e2e/suppressions.py [--build DIR] [NAME...]
"""
import json
import os
import re
import subprocess
import sys

import harness
from harness import Skip, demand, need, need_built


class Bench(harness.Bench):
    def __init__(self, build):
        super().__init__(build)
        self.env.update(OMP_NUM_THREADS="3")

    def rules(self, *lines, name="rules.supp"):
        return self.write(name, "".join(line + "\n" for line in lines))

    def call(self, *argv, **env):
        return harness.call(argv, env=self.environment(**env), cwd=self.tmp, errors="replace")

    def run(self, target, *options, cli=None, **env):
        """Status, the report as JSON, what was printed."""
        output = self.path("report.json")
        status, _, err = self.call(cli or self.cli, "run", "--format=json", "-o", output, *options, "--",
                                   self.target(target), **env)
        return status, harness.read_json(output), err


def leaks(report):
    return [leak for process in report["processes"] for leak in process["leaks"]]


def suppressed(report):
    """Threads by rule."""
    counts = {}
    for leak in leaks(report):
        if leak["suppressed_by"]:
            counts[leak["suppressed_by"]] = counts.get(leak["suppressed_by"], 0) + leak["count"]
    return counts


# ---- what they match -------------------------------------------------------------------

MATCHES = [  # of the 13 threads of tests/targets/waits.c
    ("top:^pthread_cond_wait$", 3), ("top:^wait_for_job$", 3), ("top:^work$", 0), ("any:^work$", 3),
    ("any:start_thread", 0), ("any:^clone", 0), ("name:^holder$", 1), ("name:waits", 12), ("start:^want_", 3),
    ("start:^want_ waiting:mutex", 1), ("start:^want_ waiting:mutex,rwlock", 2), ("thread:* waiting:condvar", 3),
    ("thread:* kind:detached", 1), ("start:* kind:running", 12), ("thread:^main$ name:^holder$", 1),
    ("module:^waits$ top:^pause$", 1), ("thread:^main$ process:^waits$ waiting:poll", 1),
    ("thread:^main$ process:^other$", 0), ("thread:^_start$", 0), ("thread:libc.so", 0), ("thread:__libc_start", 0),
    ("thread:waits.c waiting:epoll", 1), ("top:^sigwait$", 1),
]


def each_type_of_rule(bench):
    for rule, threads in MATCHES:
        status, report, err = bench.run("waits", "--grace=0", "--suppressions=" + bench.rules(rule))
        expected = {rule: threads} if threads else {}
        demand(suppressed(report) == expected, f"{rule}: {suppressed(report)}, {err}")
        demand(report["summary"]["leaked_threads"] == 13 - threads and status == 66, f"{rule}: {report['summary']}")
        demand(report["summary"]["suppressed_threads"] == threads, f"{rule}: {report['summary']}")
        reported = [(rule["rule"], rule["line"], rule["threads"]) for rule in report.get("suppressions", [])]
        demand(reported == ([(rule, 1, threads)] if threads else []), f"{rule}: {reported}")


def without_stacks_nothing_is_known_of_them(bench):
    rules = bench.rules("top:*cond_wait*", "any:wait", "thread:^main$ waiting:condvar", "name:^holder$")
    _, report, _ = bench.run("waits", "--no-stop", "--suppressions=" + rules)
    demand(suppressed(report) == {"name:^holder$": 1}, suppressed(report))


def all_threads_ignored_is_no_leak(bench):
    status, report, _ = bench.run("waits", "--suppressions=" + bench.rules("thread:^main$"))
    demand(status == 0 and report["summary"]["leaked_threads"] == 0, report["summary"])
    status, _, err = bench.call(bench.cli, "run", "--suppressions=" + bench.rules("thread:^main$"), "--",
                                bench.target("waits"))
    demand(status == 0 and err == "", err)


# ---- what is wrong ------------------------------------------------------------------------

BAD = [  # a file, and where in it
    (b"leak:foo\n", "1:1"), (b"# x\n\n  thread:\n", "3:10"), (b"thread:a\nthread:b^c\n", "2:9"), (b"thread:*\n", "1:1"),
    (b"any:^**$\n", "1:1"), (b"name:a waiting:never\n", "1:16"), (b"name:a kind:\n", "1:13"), (b"thread:a\0\n", "1:9"),
    (b"thread:" + 5000 * b"a", "1:4097"), (b"\x7fELF\x02\x01", "1:1"), (b"thread:ok \x1b[1m\n", "1:11"),
    (b"start:worker, kind:running\n", "1:13"), (b"start:worker,kind:running\n", "1:13"), (b"start:w kind:runing\n", "1:14"),
]


def wrong_rules_stop_all_before_the_command(bench):
    mark = bench.path("mark")
    for content, place in BAD:
        path = bench.path("bad.supp")
        with open(path, "wb") as file:
            file.write(content)
        good = bench.rules("thread:x", name="good.supp")
        for options in ([f"--suppressions={path}"], [f"--suppressions={good}", f"--suppressions={path}"]):
            status, out, err = bench.call(bench.cli, "run", *options, "--", "touch", mark)
            demand(status == 125 and not out, f"{content!r}: status {status}")
            demand(err.startswith(f"threadleak: run: {path}:{place}: ") and err.count("\n") == 1, f"{content!r}: {err}")
            demand(not os.path.exists(mark), f"{content!r}: COMMAND was started")
        status, _, err = bench.call(bench.cli, "run", "--", "touch", mark, THREADLEAK_OPTIONS=f"suppressions={path}")
        demand(status == 125 and not os.path.exists(mark), f"by the variable: {status}, {err}")
        status, _, err = bench.call(bench.cli, "report", f"--suppressions={path}", str(os.getpid()))
        demand(status == 2 and err.startswith(f"threadleak: report: {path}:{place}: "), f"report: {status}, {err}")
    for missing in (bench.path("none"), bench.tmp, ""):
        status, _, err = bench.call(bench.cli, "run", f"--suppressions={missing}", "--", "touch", mark)
        demand(status == 125 and not os.path.exists(mark) and err.count("\n") == 1, f"{missing}: {status}, {err}")


def preloaded_the_report_goes_on(bench):
    """With the shim alone: one line, none of the file's rules, and the report."""
    bad = bench.rules("name:^holder$", "nosuch:x", name="bad.supp")
    good = bench.rules("top:^pthread_cond_wait$", name="good.supp")
    status, _, err = bench.call(bench.target("waits"), LD_PRELOAD=bench.shim,
                                THREADLEAK_OPTIONS=f"suppressions={bad}:suppressions={good}")
    warnings = [line for line in err.splitlines() if bad in line]
    demand(status == 0 and len(warnings) == 1 and f"{bad}:2:1: " in warnings[0], err)
    demand("10 leaked threads" in err and '"holder" tid' in err and "suppressed: 3." in err, err)


def rules_for_every_thread(bench):
    rules = bench.rules("thread:*")
    status, report, _ = bench.run("waits", "--suppressions=" + rules, "--allow-match-all")
    demand(status == 0 and suppressed(report) == {"thread:*": 13}, suppressed(report))
    status, report, _ = bench.run("waits", "--suppressions=" + rules, THREADLEAK_OPTIONS="allow_match_all=1")
    demand(status == 0, status)
    _, _, err = bench.call(bench.target("waits"), LD_PRELOAD=bench.shim,
                           THREADLEAK_OPTIONS=f"suppressions={rules}:allow_match_all=1")
    demand(err == "", err)
    _, _, err = bench.call(bench.target("waits"), LD_PRELOAD=bench.shim, THREADLEAK_OPTIONS=f"suppressions={rules}")
    demand("would match every thread" in err and "13 leaked threads" in err, err)


# ---- where they come from ---------------------------------------------------------------------

def many_files_add_up(bench):
    names = ["^holder$", "nosuch"]
    files = [bench.rules(f"name:{name}", name=f"{n}.supp") for n, name in enumerate(names)]
    starts = ["want_lock", "want_table", "want_slot", "meet", "join_holder"]
    files += [bench.rules(f"start:^{start}$", name=f"{start}.supp") for start in starts]
    _, report, err = bench.run("waits", *[f"--suppressions={file}" for file in files])
    demand(report["summary"]["suppressed_threads"] == 6, f"{report['summary']}, {err}")
    demand(err == "", err)


def default_rules(bench):
    status, report, _ = bench.run("openmp")
    demand(status == 0 and suppressed(report) == {"built in: OpenMP's pool": 2}, suppressed(report))
    demand(report["suppressions"][0]["origin"] == "built in", report["suppressions"])
    for options, env in ((["--no-default-suppressions"], {}), ([], {"THREADLEAK_OPTIONS": "default_suppressions=0"})):
        status, report, _ = bench.run("openmp", *options, **env)
        demand(status == 66 and not suppressed(report), suppressed(report))
    status, report, _ = bench.run("openmp_user")
    demand(status == 66 and report["summary"]["leaked_threads"] == 1, report["summary"])
    rules = bench.rules("module:libgomp")  # the user's come first
    status, report, _ = bench.run("openmp", f"--suppressions={rules}")
    demand(suppressed(report) == {"module:libgomp": 2}, suppressed(report))


def rules_of_libraries(bench):
    """PREFIX/share/threadleak/suppressions.d, of an installed one."""
    prefix = bench.path("prefix")
    directory = os.path.join(prefix, "share/threadleak/suppressions.d")
    cli, shim = harness.install(bench.build, prefix)
    os.makedirs(directory)

    def ship(name, *lines):
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            file.write("\n".join(lines))

    ship("libb.supp", "name:^holder$")
    ship("liba.supp", "# of liba", "name:holder", "top:^pthread_cond_wait$")
    ship("README", "no rule at all")
    _, report, err = bench.run("waits", "--warn-unused-suppressions", cli=cli)
    demand(suppressed(report) == {"name:holder": 1, "top:^pthread_cond_wait$": 3} and err == "", suppressed(report))
    demand(report["suppressions"][0]["origin"].endswith("suppressions.d/liba.supp"), report["suppressions"])
    status, _, err = bench.call(bench.target("waits"), LD_PRELOAD=shim)
    demand("9 leaked threads" in err, err)
    ship("libc.supp", "thread:ok", "nosuch")
    mark = bench.path("mark")
    status, _, err = bench.call(cli, "run", "--", "touch", mark)
    demand(status == 125 and "suppressions.d/libc.supp:2:1: " in err and not os.path.exists(mark), err)
    _, report, _ = bench.run("waits", "--no-default-suppressions", cli=cli)
    demand(report["summary"]["leaked_threads"] == 13, report["summary"])


def a_live_process(bench):
    with bench.live("waits", "stay") as pid:
        rules = bench.rules("start:^worker$", "top:^pthread_cond_wait$")
        status, out, err = bench.call(bench.cli, "report", "--check", "--format=json", f"--suppressions={rules}",
                                      "--warn-unused-suppressions", "--gen-suppressions=" + bench.path("live.supp"),
                                      str(pid))
        demand(status == 1 and suppressed(json.loads(out)) == {"top:^pthread_cond_wait$": 3}, f"{status}, {err}")
        demand(err == f"threadleak: {rules}:1: unused: 'start:^worker$' matched no thread\n", err)
        status, out, err = bench.call(bench.cli, "report", "--check", f"--suppressions={rules}",
                                      "--suppressions=" + bench.path("live.supp"), str(pid))
        demand(status == 0, f"{status}, {out}, {err}")


# ---- what is printed of them ------------------------------------------------------------------------

def which_matched_and_which_did_not(bench):
    rules = bench.rules("# rules", "name:^holder$", "name:nosuch", "start:^work$  # the pool", name="a.supp")
    others = bench.rules("start:^work$ waiting:mutex", "start:^want_lock$", name="b.supp")
    status, _, err = bench.call(bench.cli, "run", "-q", "--print-suppressions", "--warn-unused-suppressions",
                                f"--suppressions={rules}", f"--suppressions={others}", "-o", "report", "--",
                                bench.target("waits"))
    lines = err.replace(bench.tmp + "/", "").splitlines()
    demand(status == 66 and lines[0] == "threadleak: 3 rules matched:", err)
    demand(sorted(lines[1:4]) == ["       1 thread   name:^holder$   (a.supp:2)",
                                  "       1 thread   start:^want_lock$   (b.supp:2)",
                                  "       3 threads  start:^work$   (a.supp:4)"], err)
    demand(lines[4:] == ["threadleak: a.supp:3: unused: 'name:nosuch' matched no thread",
                         "threadleak: b.supp:1: unused: 'start:^work$ waiting:mutex' matched no thread"], err)
    _, _, err = bench.call(bench.cli, "run", "--print-suppressions", "--", bench.target("clean"))
    demand(err == "threadleak: no rule matched a thread\n", err)


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


ASYNC = """
#include <chrono>
#include <cstdlib>
#include <future>
#include <thread>
struct Other { void operator()() { for (;;) std::this_thread::sleep_for(std::chrono::seconds(1)); } };
static void stay() { for (;;) std::this_thread::sleep_for(std::chrono::seconds(1)); }
int main(int argc, char **)
{
    new std::thread(stay);
    if (argc > 1)
        new std::thread(Other());
    std::exit(0);
}
"""


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


def conditions_without_facts_are_reported(bench):
    """Creation stacks end at `depth`, and thread: and module: with them."""
    line = "(further callers not recorded; thread: and module: rules cannot see them)"
    for rule, reported in (("thread:^main$", True), ("module:nosuch", True), ("thread:^main$ kind:running", True),
                       ("thread:^main$ kind:detached", False), ("name:nosuch", False), ("thread:^main$ name:no", False)):
        options = "--suppressions=" + bench.rules(rule), "-o", "report", "--", bench.target("deep")
        status, _, err = bench.call(bench.cli, "run", "--depth=5", *options)
        with open(bench.path("report"), encoding="utf-8") as file:
            text = file.read()
        demand(status == 66 and (line in text) == reported, f"{rule}: {text}{err}")
    status, _, err = bench.call(bench.cli, "run", "-o", "report", "--depth=5", "--", bench.target("deep"))
    with open(bench.path("report"), encoding="utf-8") as file:
        demand(status == 66 and line not in file.read(), "libuv's built-in rules are none of the user's")


def start_knows_what_std_thread_calls(bench):
    compiler = need(os.environ.get("CXX", "c++"))
    program = bench.path("async")
    with open(program + ".cpp", "w", encoding="ascii") as file:
        file.write(ASYNC)
    for flags in (["-g", "-O0"], ["-O1"]):
        subprocess.run([compiler, *flags, "-pthread", "-o", program, program + ".cpp"], check=True)
        for rule in ("start:^stay$", "start:^stay()$", "any:^stay$"):
            options = "--suppressions=" + bench.rules(rule), "-o", "report", "--", program
            status, _, err = bench.call(bench.cli, "run", *options)
            demand(status == 0, f"{flags} {rule}: {status}, {err}")
            status, _, err = bench.call(bench.cli, "run", *options, "more")
            demand(status == 66, f"{flags} {rule} hides what it does not name: {status}, {err}")


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


TESTS = [each_type_of_rule, without_stacks_nothing_is_known_of_them, all_threads_ignored_is_no_leak,
         wrong_rules_stop_all_before_the_command, preloaded_the_report_goes_on, rules_for_every_thread,
         many_files_add_up, default_rules, rules_of_libraries, a_live_process, which_matched_and_which_did_not,
         *map(generated_rules_silence, GENERATED), generated_rules_are_ready_to_paste,
         generated_rules_stay_true_over_rebuilds, generated_rules_are_narrow,
         generated_rules_without_names_are_of_their_module, conditions_without_facts_are_reported,
         start_knows_what_std_thread_calls, names_in_the_form_of_rules]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
