#!/usr/bin/env python3
"""What a program asks through <threadleak.h>: goleak's scenarios, misuse, places, statuses.

  tests/e2e/api.py [--build DIR] [NAME...]

Each runs a program of PROGRAMS with the name of a scenario; the answers are on its standard output, the reports on
standard error or in a JSON file.
"""
import json
import os
import re
import subprocess
import sys

import harness
from harness import demand

# By scenario.
PROGRAMS = {scenario: program for program, scenarios in {
    "api": """no_thread released exits_soon baseline recycled ignore_top ignore_whole_name bounds ignore_creator enumerate deep
        list_since leak leak_and_fail fail""",
    "api_places": "forked in_handler in_sandbox small_stack in_atexit together with_dumps cancelled",
    "api_settings": "misuse ignore_one set_options locked add_rules bad_rules rules_alike names",
}.items() for scenario in scenarios.split()}


class Bench(harness.Bench):
    def scenario(self, name):
        """The command."""
        return [self.target(PROGRAMS[name]), name]

    def run(self, argv, shim=None, options="", **more):
        """Status, standard output, standard error, and what came on descriptor 3."""
        env = dict(self.env, THREADLEAK_OPTIONS=options)
        if shim != "":
            env["LD_PRELOAD"] = shim or self.shim
        env.update(more)
        extra = os.path.join(self.tmp, "extra")
        with open(extra, "w+", encoding="utf-8", errors="replace") as file:
            out = subprocess.run(["sh", "-c", 'exec "$@" 3>>"$0"', extra, *argv], env=env, text=True, errors="replace",
                                 stdin=subprocess.DEVNULL, capture_output=True, timeout=harness.TIMEOUT_S, check=False)
            return out.returncode, out.stdout, out.stderr, file.read()

    def ask(self, scenario, *expected, options="", status=0, **more):
        """The answers must be these; what was printed and dumped comes back."""
        got, out, printed, extra = self.run(self.scenario(scenario), options=options, **more)
        lines = tuple(out.splitlines())
        demand(lines == expected, f"answered {lines}, not {expected}; printed: {printed[:2000]}")
        demand(got == status, f"ended with {got}, not {status}; printed: {printed[:2000]}")
        return printed, extra


def documents(text):
    decoder, at, found = json.JSONDecoder(), 0, []
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        document, at = decoder.raw_decode(text, at)
        found.append(document)
    return found


def threads_of(report):
    return harness.threads_of(report["processes"][0])


# ---- goleak's scenarios ------------------------------------------------------------------


def no_thread(bench):
    printed, _ = bench.ask("no_thread", "active 1", "since 0", "all 0")
    demand(printed == "", f"printed {printed}")


def blocked_then_released(bench):
    printed, _ = bench.ask("released", "blocked 1", "released 0")
    demand(printed.count("threadleak: ") == 1 and "since its start" in printed, printed)


def exits_1_ms_after_the_check_starts(bench):
    bench.ask("exits_soon", "leaked 0", "early 1")


def baseline_hides_old_and_shows_new(bench):
    printed, _ = bench.ask("baseline", "old 0", "new 1", "newer 0", "all 3", options="format=json")
    new, everything, _end = documents(printed)
    demand([thread["id"] for thread in threads_of(new)] == [4], "not the new one")
    demand(new["processes"][0]["checkpoint"] == 3, "not since its checkpoint")
    demand(everything["processes"][0]["checkpoint"] is None, "since a checkpoint")
    demand(sorted(thread["id"] for thread in threads_of(everything)) == [2, 3, 4], "not all")
    demand(new["summary"]["leaked_threads"] == 1 and new["processes"][0]["end"]["judged"], "not judged")


def five_recycled_handles_are_each_shown(bench):
    printed, _ = bench.ask("recycled", *["shown 1"] * 5, "same 5", "left 0", options="format=json")
    demand([threads_of(report)[0]["id"] for report in documents(printed)] == [3, 4, 5, 6, 7], printed)


def ignore_top_but_no_creator(bench):
    bench.ask("ignore_top", "creator 1", "both 2", "top 1", "any 0", "part 2", "star 1")


def ignore_creator_anywhere(bench):
    printed, _ = bench.ask("ignore_creator", "outer 1", "inner 1", "two 0", "start 0", "rule 1", "other 2")
    demand("suppressed by thread:^outer$" in printed, printed)


def ignore_name_is_no_rule(bench):
    bench.ask("ignore_whole_name", "hash 0", "another 1", "start 1", "colon 0", "line 0")


def retry_bounds(bench):
    bench.ask("bounds", "leaked 1", "whole 1", "bounded 1", "ignored 0", "early 1")


def enumerates_all(bench):
    _, dumped = bench.ask("enumerate", "alive 18", "running 17", "detached 1", "unjoined 0", "bad -1", "dump 0",
                          options="format=json:report=none")
    report, = documents(dumped)
    process = report["processes"][0]
    threads = threads_of(report) + [process["main"]]
    demand(len(threads) == 17 + 2 and not process["untracked"], f"{len(threads)} threads")
    demand(len({thread["tid"] for thread in threads}) == 17 + 2, "one of them twice")


def many_and_deep(bench):
    printed, _ = bench.ask("deep", "leaked 101", options="format=json:depth=256")
    report = documents(printed)[0]
    process = report["processes"][0]
    demand(sum(leak["count"] for leak in process["leaks"] if leak["counted"]) == 101, "not 101 threads")
    for leak in process["leaks"]:
        demand([frame["function"] for frame in leak["creation_stack"]].count("sink") == 101, "a creation stack was cut")
        for thread in leak["threads"]:
            functions = [frame["function"] for frame in thread["stack"]]
            demand(functions.count("sink") == 101, f"T{thread['id']} has {functions.count('sink')} frames")


def misuse_never_passes(bench):
    printed, _ = bench.run(bench.scenario("misuse"))[1:3], None
    lines = printed[0].splitlines()
    demand(len(lines) == 36 and lines[-1] == "errno 4711", f"{len(lines)} answers: {lines}")
    wrong = [line for line in lines[:-1] if not line.endswith(" -1")]
    demand(not wrong, f"passed: {wrong}")
    errors = printed[1].splitlines()
    demand(len(errors) == len(lines), f"{len(errors)} lines for {len(lines)} errors: {printed[1]}")
    demand(all(line.startswith(("threadleak: threadleak_", "threadleak: ")) for line in errors), printed[1])
    for part in ("unknown key 'nonsense'", "unknown key 'grace'", "grace_ms=soon is not a number", "exitcode=1 has no effect",
                 "/nonexistent", "the checkpoint is not of this process", "has no closing quote", "has no name to match",
                 "in quotes: ignore='thread:pool'"):
        demand(part in printed[1], f"not printed: {part}: {printed[1]}")


STATUSES = [
    # scenario, exitcode=, --error-exitcode=: with LD_PRELOAD, under run
    ("no_thread", None, 0, 0), ("no_thread", 42, 0, 0), ("no_thread", 0, 0, 0),
    ("leak", None, 0, 66), ("leak", 42, 42, 42), ("leak", 0, 0, 0), ("leak", 255, 255, 255),
    ("fail", None, 3, 3), ("fail", 42, 3, 3), ("fail", 0, 3, 3),
    ("leak_and_fail", None, 3, 3), ("leak_and_fail", 42, 3, 3), ("leak_and_fail", 0, 3, 3),
]


def exit_statuses(bench):
    for scenario, code, preloaded, under_run in STATUSES:
        options = "" if code is None else f"exitcode={code}"
        got = bench.run(bench.scenario(scenario), options=options)[0]
        demand(got == preloaded, f"{scenario} with {options}: {got}, not {preloaded}")
        option = [] if code is None else [f"--error-exitcode={code}"]
        got = bench.run([bench.cli, "run", *option, "--", *bench.scenario(scenario)], shim="")[0]
        demand(got == under_run, f"run {option} {scenario}: {got}, not {under_run}")


# ---- places ---------------------------------------------------------------------------------


def checkpoint_is_of_its_process(bench):
    printed, _ = bench.ask("forked", "foreign -1", "empty 0", "own 1", "parent 0")
    demand("threadleak_check_since: the checkpoint is not of this process" in printed, printed)


def not_in_a_handler(bench):
    printed, _ = bench.ask("in_handler", "handler -1")
    demand("not in a signal handler" in printed, printed)


def in_a_sandbox(bench):
    printed, _ = bench.ask("in_sandbox", "raw 1", "rule -1", "dump -1", "ignored 0", "raw 1")
    demand("threadleak: threads of" in printed and "which applies" in printed, printed)


def on_a_small_stack(bench):
    bench.ask("small_stack", "others 1")


def in_an_exit_handler(bench):
    bench.ask("in_atexit", "at exit 1")


def several_at_once(bench):
    bench.ask("together", *["leaked 2"] * 6, *["ignored 0"] * 6)


def checks_and_dumps(bench):
    bench.ask("with_dumps", "wrong 0", options="log_path=/dev/null")


def no_cancellation_point(bench):
    bench.ask("cancelled", "cancelled 1", "after 1")


def without_the_shim(bench):
    got, out, printed, _ = bench.run(bench.scenario("no_thread"), shim="")
    demand((got, out, printed) == (0, "active 0\nsince 0\nall 0\n", ""), f"{got} {out} {printed}")
    out = bench.run(bench.scenario("misuse"), shim="")[1]
    demand(all(line.endswith((" 0", " 4711")) for line in out.splitlines()), out)


def child_that_is_not_watched(bench):
    bench.ask("forked", "foreign 0", "empty 0", "own 0", "parent 0", options="follow=0")


def without_the_program(bench):
    """The shim alone, as where threadleak is not installed."""
    alone = os.path.join(bench.tmp, "libthreadleak.so")
    harness.copy(bench.shim, alone)
    printed, _ = bench.ask("released", "blocked 1", "released 0", shim=alone)
    demand("the threadleak program could not be started" in printed, printed)
    printed, _ = bench.ask("baseline", "old 0", "new 1", "newer 0", "all 3", shim=alone)
    demand(printed.split("threadleak: threads of")[1].count(" x1, the first is T4 ") == 1 and "is T2" not in
           printed.split("threadleak: threads of")[1], printed)
    answers = bench.run(bench.scenario("ignore_creator"), shim=alone)
    demand(answers[1].splitlines() == ["outer -1", "inner -1", "two -1", "start -1", "rule -1", "other -1"], answers[1])
    demand("which applies" in answers[2], answers[2])


def under_run(bench):
    report = os.path.join(bench.tmp, "report.json")
    got, out, printed, _ = bench.run([bench.cli, "run", "--format=json", "-o", report, "--", *bench.scenario("ignore_one")], shim="")
    demand(out.splitlines() == ["leaked 1", "count 3"] and got == 66, f"{got} {out}")
    demand('"leaked_threads": 1' in printed, printed)
    judge_ignored(harness.read_json(report))


# ---- what the program says ---------------------------------------------------------------------


def judge_ignored(report):
    process, = report["processes"]
    by = {leak["suppressed_by"]: leak for leak in process["leaks"]}
    demand(set(by) == {None, "program: the watchdog", "program: ignored"}, f"suppressed by {set(by)}")
    demand(by[None]["counted"] and not by["program: the watchdog"]["counted"], "counted wrongly")
    demand(report["summary"]["leaked_threads"] == 1 and report["summary"]["suppressed_threads"] == 2, report["summary"])
    demand(process["test"] == "suite/its name", process["test"])


def ignored_threads(bench):
    printed, _ = bench.ask("ignore_one", "leaked 1", "count 3", options="format=json")
    judge_ignored(documents(printed)[-1])
    printed, _ = bench.ask("ignore_one", "leaked 1", "count 3")
    demand("(suppressed by program: the watchdog)" in printed and "in test suite/its name, exit status 0" in printed, printed)


def options_set(bench):
    bench.ask("set_options", "ok 0", "none 0", "ok 0", "one 1", "ok 0", status=42)
    bench.ask("set_options", "ok 0", "none 0", "ok 0", "one 1", "ok 0", status=42, options="report=none:exitcode=7")


def locked_memory(bench):
    bench.ask("locked", "ok 0", "none 0", "ok 0", "one 1", "ok 0", "none 0")
    bench.ask("locked", "ok 0", "none 0", "ok 0", "one 1", "ok 0", "none 0", options="log_path=stderr:" * 200)


def own_options_under_run(bench):
    """Options that a program registers and sets have the same effect under run, and run prints them."""
    def judge(expected, argv, *options, environment="", printed=None, **more):
        more = {"LD_PRELOAD": "", **more}
        status, _, err, _ = bench.run([bench.cli, "run", *options, "--", *argv], shim="", options=environment, **more)
        demand(status == expected, f"{argv} {options} {more}: {status}, not {expected}: {err}")
        own = re.findall(r"was judged by the options that the program set: (.*)", err)
        demand(own == ([printed] if printed else []), f"{argv} {options} {more}: {err}")

    program = bench.target("own_options")
    for defaults, options in (("report=none", {"report": "none", "judge": "exit"}), ("", None)):
        _, _, document, _ = bench.run([bench.cli, "run", "--format=json", "--", program, "run"], shim="", LD_PRELOAD="",
                                      OWN_DEFAULTS=defaults)
        demand(json.loads(document)["processes"][0].get("options") == options, document)
    judge(66, [program, "run"])
    judge(0, [program, "run"], "--report=unjoined")
    judge(0, [program, "run"], OWN_DEFAULTS="report=unjoined", printed="report=unjoined, judge=exit")
    judge(66, [program, "run"], "--report=all", OWN_DEFAULTS="report=unjoined")
    judge(66, [program, "run"], environment="report=running,detached", OWN_DEFAULTS="report=none")
    judge(0, [program, "run", "report=none"], "--report=all", printed="report=none, judge=exit")
    judge(66, [program, "run", "report=all"], "--report=none", printed="report=running,detached,unjoined, judge=exit")
    # run waits for a thread that is about to end, whichever option counts it.
    judge(0, [program, "ends"], "--report=all", "--grace=600000", OWN_DEFAULTS="report=none")
    judge(0, [program, "ends", "report=detached"], "--report=none", "--grace=600000", printed="report=detached, judge=exit")
    # Of ends that the program does not see.
    judge(137, [program, "dies"], OWN_DEFAULTS="judge=signal", printed="report=running,detached,unjoined, judge=signal")
    # A child that has other options than run gave its parent, or none.
    lost = ["env", "-u", "THREADLEAK_OPTIONS", program, "run"]
    judge(0, lost, environment="report=unjoined")
    judge(0, lost, "--report=unjoined")
    other = ["env", "THREADLEAK_OPTIONS=report=unjoined", program, "run"]
    judge(0, other, printed="report=unjoined, judge=exit")
    judge(66, other, "--report=all")
    # The process judges its own end before run can.
    own_judge = "report=running,detached,unjoined, judge=exit"
    judge(0, ["sh", "-c", f"THREADLEAK_OPTIONS=grace_ms=0 {bench.target('end_underscore_exit')}; true"], "--judge=_exit",
          printed=own_judge)
    judge(66, ["sh", "-c", f"THREADLEAK_OPTIONS=grace_ms=0 {program} run"], "--judge=none", printed=own_judge)
    judge(0, [program, "run"], "--judge=none")


def long_options(bench):
    """As many as there is room for; more are refused whole, in words."""
    program = bench.target("own_options")
    for bytes_more, kinds in ((0, "report=unjoined"), (1, None)):
        end = ":report=unjoined"
        text = f"log_path={'x' * 400}:" * 9
        text += "log_path=" + "y" * (4095 - len(text) - len("log_path=") - len(end) + bytes_more) + end
        status, _, printed, _ = bench.run([program, "run", "grace_ms=0"], options=text)
        demand(("longer than 4095 bytes" in printed) == (kinds is None), printed[:400])
        demand(("1 leaked thread" in printed) == (kinds is None), f"{len(text)} bytes: {status}: {printed[:400]}")


def long_options_of_run(bench):
    """Where they would be ignored, no gate is opened by it."""
    argv = [bench.cli, "run", "--judge=_exit", "-o", os.path.join(bench.tmp, "report"), "--"]
    program = [bench.target("end_underscore_exit")]
    given = len("judge='_exit':")
    for size, wanted in ((4095, 7), (4096, 125)):
        text = "log_path=stderr:" * 254
        text += "log_path=" + "y" * (size - given - len(text) - len("log_path="))
        status, _, printed, _ = bench.run(argv + program, shim="", options=text)
        demand(status == wanted, f"{size} bytes: {status}: {printed[:400]}")
        demand(("4096 bytes together; at most 4095" in printed) == (size == 4096), printed[:400])


def rules_added(bench):
    printed, _ = bench.ask("add_rules", "ok 0", "one 1", "child 0", options="stacks=0")
    demand("suppressed by thread:^outer$" in printed, printed)
    report = os.path.join(bench.tmp, "report.json")
    bench.run([bench.cli, "run", "--format=json", "-o", report, "--", *bench.scenario("add_rules")], shim="")
    processes = harness.read_json(report)["processes"]
    rules = [leak["suppressed_by"] for process in processes for leak in process["leaks"]]
    demand(rules.count("thread:^outer$") == 2, f"{rules}: not in both processes")


def rules_that_are_alike(bench):
    bench.ask("rules_alike", "ok 0", "one 1", "ok 0", "none 0", "same 0")


def rules_that_are_wrong(bench):
    printed, _ = bench.ask("bad_rules", "nonsense -1", "all -1", "judged 1", "unseen 0", "judged -1")
    demand(printed.count("a rule begins with thread:") == 1 and printed.count("would match every thread") == 1, printed)
    demand(printed.count("threadleak_add_suppressions:2:1: ") == 2, f"not where it is: {printed}")
    demand("api_settings:1:9: " in printed and "none of them is used" in printed, printed)


def lines_in_place_of_a_report(bench):
    """The program gets one line for each site.  The end of such a process is judged, although it is _Exit."""
    status, out, printed, _ = bench.run(bench.scenario("list_since"))
    lines = out.splitlines()
    demand(status == 0 and lines[:3] == ["none 0", "empty 1", "leaked 2"], f"{status} {out} {printed}")
    demand(re.fullmatch(r"1 running thread, never joined, created by start \(\S*api\.h:\d+\), runs hold \(\S*api\.h:\d+\)", lines[3]), lines[3])
    demand(re.fullmatch(r"1 running thread, never joined, created by start \(\S*api\.h:\d+\), runs hold \(.*\)", lines[4]), lines[4])
    demand(lines[5:] == ["leaked 2", "whole lines 1", "leaked 2", "nothing 1", "wrong -1", "empty 1", "ignored 1"], out)
    demand("since the checkpoint" not in printed and printed.count("2 leaked threads at 2 sites") == 1, printed)
    demand(bench.run(bench.scenario("list_since"), shim="")[1].splitlines()[:3] == ["none 0", "empty 1", "leaked 0"], "without the shim")


def test_names(bench):
    _, dumped = bench.ask("names", options="format=json")
    first, second = documents(dumped)
    name = first["processes"][0]["test"]
    demand(name == "x" * 509, f"{len(name or '')} characters: {name}")
    demand(second["processes"][0]["test"] is None, "the name stays")
    _, dumped = bench.ask("names", options="format=json", PYTEST_CURRENT_TEST="test_it.py::of_python (call)")
    demand(documents(dumped)[1]["processes"][0]["test"] == "test_it.py::of_python", "not the environment's")


TESTS = [value for name, value in list(globals().items())
         if callable(value) and getattr(value, "__module__", None) == __name__ and name.islower()
         and name not in ("documents", "threads_of", "judge_ignored")]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
