#!/usr/bin/env python3
"""Threads whose library was unloaded: alive, at the end, killed, in a core file; and threads that only look like them.

  tests/e2e/unloaded.py [--build DIR] [NAME...]
"""
import json
import os
import sys

import harness
from harness import Skip, call, demand
from tree_bench import Bench


def found(process):
    return [one for one in process["findings"] if one["code"] == "unloaded-code"]


def of_run(bench, *args, options=()):
    status, _, report = bench.json([bench.target("unloaded"), *args], options)
    if status == 77:
        raise Skip("the loader used another address")
    return report["processes"][0]


def of_report(bench, what):
    status, out, err = call([bench.cli, "report", "--format=json", str(what)])
    demand(status == 0, err)
    return json.loads(out)["processes"][0]


def evidence(finding):
    return " | ".join(finding["evidence"])


# ---- a process that died -------------------------------------------------------------------------

def demand_accused(process, library, threads):
    [finding] = found(process)
    subject = f"T{threads[0]}" + (f" and {len(threads) - 1} more thread" if len(threads) > 1 else "")
    demand(finding["text"] == f"SIGSEGV ended the process, and {subject} ran in an unloaded library, {library}", finding)
    demand(finding["level"] == "likely" and finding["threads"] == threads, finding)
    demand(process["verdict"] == f"CRASHED: {finding['text']}: likely unloaded-code", process)
    return finding


def woken(bench):
    """The thread returns to where its library was."""
    process = of_run(bench, "under", "wake")
    finding = demand_accused(process, "libunloaded.so", [2])
    for fact in "T2 began, at inner_work (", "T2 was created, at inner_call (", "libunloaded.so was unloaded, at unload (":
        demand(fact in evidence(finding), finding)
    [leak] = process["leaks"]
    creator = leak["creation_stack"][0]
    demand(creator["function"] == "inner_call" and creator["build_id"], creator)


def first_lines(bench):
    status, _, err = call([bench.cli, "run", bench.target("unloaded"), "under", "wake"], env=bench.env)
    demand(status == 128 + 11, err)
    first = err.split("\n")[0]
    demand(first == "CRASHED: SIGSEGV ended the process, and T2 ran in an unloaded library, libunloaded.so: likely "
                    "unloaded-code", err)


def by_another_signal(bench):
    process = of_run(bench, "under", "term")
    [finding] = found(process)
    demand(finding["text"] == "T2 runs in an unloaded library, libunloaded.so" and finding["level"] == "likely", finding)
    demand(process["verdict"] is None, process)
    status, _, err = call([bench.cli, "run", bench.target("unloaded"), "under", "term"], env=bench.env)
    demand(status == 128 + 15 and len(err.splitlines()) == 1, err)


def several(bench):
    """One unloads the other in its destructor."""
    process = of_run(bench, "two", "segv")
    libraries = [(one["threads"], one["text"].rsplit(", ", 1)[1]) for one in found(process)]
    demand(libraries == [([2], "libunloaded_outer.so"), ([3, 4], "libunloaded.so")], process["findings"])


def by_itself(bench):
    process = of_run(bench, "itself")
    [finding] = found(process)
    demand(finding["text"] == "SIGSEGV ended the process, and libunloaded.so had unloaded itself", finding)
    demand("libunloaded.so was unloaded, at inner_unload (" in evidence(finding), finding)
    demand(process["verdict"] == f"CRASHED: {finding['text']}: likely unloaded-code", process)


def thread_of_cpp(bench):
    """Its start routine is libstdc++'s."""
    demand_accused(of_run(bench, "cpp", "segv"), "libunloaded_cpp.so", [2])
    demand(not found(of_run(bench, "cpp", "term")), "cpp term")


def loaded_elsewhere(bench):
    """The thread of the library that is loaded now is not accused."""
    demand_accused(of_run(bench, "elsewhere", "segv"), "libunloaded.so", [2])


def not_accused(bench):
    for which in "after", "again", "nodelete", "twice", "callback":
        for how in "segv", "end":
            process = of_run(bench, which, how)
            demand(not found(process), f"{which} {how}: {process['findings']}")


# ---- a process that lives, ends, or is in a core file --------------------------------------------

def demand_proved(process, threads):
    findings = found(process)
    demand([one["threads"] for one in findings] == [[thread] for thread in threads], findings)
    for finding in findings:
        demand(finding["level"] == "proved" and " will return to code of libunloaded" in finding["text"], finding)
        demand(" was unloaded, at unload (" in evidence(finding), finding)


def at_an_end(bench):
    demand_proved(of_run(bench, "under", "end"), [2])
    demand_proved(of_run(bench, "two", "end"), [2, 3, 4])
    demand_proved(of_run(bench, "cpp", "end"), [2])


def alive(bench):
    for which, threads in ("under", [2]), ("two", [2, 3, 4]), ("cpp", [2]):
        with bench.live("unloaded", which) as pid:
            demand_proved(of_report(bench, pid), threads)
    for which in "after", "again", "nodelete", "twice", "callback":
        with bench.live("unloaded", which) as pid:
            demand(not found(of_report(bench, pid)), which)


def alive_and_loaded_elsewhere(bench):
    with bench.live("unloaded", "elsewhere") as pid:
        findings = found(of_report(bench, pid))
    demand([one["threads"] for one in findings] == [[2]], findings)


def timed_out(bench):
    def argv_of(seconds):
        return [bench.cli, "run", f"--timeout={seconds}s", "--format=json", "-o", bench.path("report.json"), "--",
                bench.target("unloaded"), "under", "stay"]
    status, _ = harness.limited(argv_of, lambda process: harness.is_asleep(harness.child_of(process.pid), 2), env=bench.env)
    demand(status == 124, status)
    demand_proved(harness.read_json(bench.path("report.json"))["processes"][0], [2])


def core_file(bench):
    gdb = harness.need("gdb")
    with bench.live("unloaded", "under") as pid:
        status, _, err = call([gdb, "-q", "-batch", "-nx", "-ex", f"gcore {bench.path('core')}", "-p", str(pid)])
        demand(status == 0 and os.path.exists(bench.path("core")), err)
    demand_proved(of_report(bench, bench.path("core")), [2])


TESTS = [woken, first_lines, by_another_signal, several, by_itself, thread_of_cpp, loaded_elsewhere, not_accused, at_an_end, alive,
         alive_and_loaded_elsewhere, timed_out, core_file]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
