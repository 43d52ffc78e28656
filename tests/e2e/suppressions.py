#!/usr/bin/env python3
"""Suppression rules through the command line: what they match in real programs, where they come from,
what is printed about them, and that wrong ones stop all before COMMAND starts.

  tests/e2e/suppressions.py [--build DIR] [NAME...]
"""
import json
import os
import subprocess
import sys

import harness
from harness import demand, need
from rules_bench import ASYNC, Bench, suppressed


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


def suppressed_threads_come_last(bench):
    """A report of a live process has them in one line each; the larger group would come first."""
    rule = "--suppressions=" + bench.rules("start:^work$")
    with harness.up([bench.target("waits"), "stay"], bench.environment(LD_PRELOAD=bench.shim)) as process:
        harness.wait_until_asleep(process.pid)
        for options, lines in ([], 1), (["-v"], 0), (["--all"], 0):
            status, out, err = harness.call([bench.cli, "report", rule, *options, str(process.pid)])
            groups = [at for at, line in enumerate(out.splitlines()) if line.startswith(("running ×", "detached ×"))]
            short = [at for at, line in enumerate(out.splitlines()) if line.startswith("suppressed: running ×3 from start ")]
            last = out.splitlines()[groups[-1]]
            demand(status == 0 and len(short) == lines and len(groups) == 10 + (not lines), (status, out, err))
            demand(short > groups[-1:] if lines else last.startswith("running ×3 "), out)
            demand(out.count("by start:^work$") == 1, out)


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
    harness.need_libgomp(bench.target("openmp"))
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


# ---- what is printed about them ------------------------------------------------------------------------

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


TESTS = [each_type_of_rule, without_stacks_nothing_is_known_of_them, all_threads_ignored_is_no_leak,
         wrong_rules_stop_all_before_the_command, preloaded_the_report_goes_on, rules_for_every_thread,
         many_files_add_up, default_rules, rules_of_libraries, a_live_process, suppressed_threads_come_last, which_matched_and_which_did_not,
         conditions_without_facts_are_reported, start_knows_what_std_thread_calls]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
