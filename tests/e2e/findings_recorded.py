#!/usr/bin/env python3
"""Findings from what the shim recorded: joins that were left out, calls that came too late, and the end.

  tests/e2e/findings_recorded.py [--build DIR] [NAME...]
"""
import json
import sys

import harness
from harness import demand
from tree_bench import Bench


def found(process, code):
    return [one for one in process["findings"] if one["code"] == code]


def of_live(bench, *args):
    with bench.live(*args) as pid:
        status, out, err = harness.call([bench.cli, "report", "--format=json", str(pid)])
    demand(status == 0, err)
    return json.loads(out)["processes"][0]


def at_the_end(bench, *args, options=()):
    return bench.json([bench.target(args[0]), *args[1:]], options)[2]["processes"][0]


def evidence(finding):
    return " | ".join(finding["evidence"])


# ---- joins that were left out ----------------------------------------------------------------

def left_out(bench):
    process = at_the_end(bench, "joins", "skip")
    [finding] = found(process, "join-skipped")
    demand(finding["level"] == "likely" and len(finding["threads"]) == 3, finding)
    demand(finding["text"].startswith("17 of 20 threads that joins.c:") and "were joined at joins.c:" in finding["text"]
           and finding["text"].endswith("; T19, T20, T21 were not"), finding)
    demand("join_all" in evidence(finding) and "start_all" in evidence(finding), finding)
    demand(process["verdict"] is None, process)


def left_out_in_a_live_process(bench):
    [finding] = found(of_live(bench, "joins", "skip"), "join-skipped")
    demand(finding["level"] == "note" and len(finding["threads"]) == 3, finding)


def created_by_a_helper(bench):
    """All by one line: those of another caller are joined nowhere."""
    for how in "helper", "helpers":
        process = at_the_end(bench, "joins", how)
        findings = found(process, "join-skipped")
        demand([one["text"].split(" were joined")[0].split(" ")[:3] for one in findings] ==
               ([] if how == "helper" else [["9", "of", "10"]]), f"{how}: {findings}")


def joined_at_two_places(bench):
    process = at_the_end(bench, "joins", "two")
    [finding] = found(process, "join-skipped")
    demand("20 of 21 threads" in finding["text"] and "10 of them at joins.c:" in finding["text"], finding)
    demand("join_all" in evidence(finding) and "join_others" in evidence(finding), finding)


def text_of_the_group(bench):
    _, _, err = harness.call([bench.target("joins"), "two"], env={**bench.env, "LD_PRELOAD": bench.shim})
    demand("20 of the 21 threads created here were joined, 10 of them at join_" in err, err)


def turn_in_a_loop(bench):
    """Also if the thread that is being joined has another start routine."""
    for how in "turn", "table":
        with bench.live_asleep("joins", how) as pid:
            _, out, err = harness.call([bench.cli, "report", str(pid)])
            status, document, _ = harness.call([bench.cli, "report", "--format=json", str(pid)])
        demand("not joined yet: its stack is still held\n" in out and "never joined: its stack" not in out, out + err)
        demand("\n  T1 (main) is joining T5 created here\n" in out, out)
        joining = {leak["kind"]: leak.get("joining") for leak in json.loads(document)["processes"][0]["leaks"]}
        demand(status == 0 and joining["unjoined"] == "some", f"joining: {joining}")
    demand(not any("joining" in leak for leak in of_live(bench, "joins", "none")["leaks"]), "nobody joins")


def nothing_left_out(bench):
    for how in "all", "none", "elsewhere":
        process = at_the_end(bench, "joins", how)
        demand(not found(process, "join-skipped"), f"{how}: {process['findings']}")
    for how in "turn", "running":
        demand(not found(of_live(bench, "joins", how), "join-skipped"), how)


# ---- calls that came too late ------------------------------------------------------------------

def misuse(bench, how):
    with bench.live("misuses", how) as pid:
        status, out, err = harness.call([bench.cli, "report", "--format=json", str(pid)])
        demand(status == 0, err)
        return found(json.loads(out)["processes"][0], "misuse")


def joins_and_detaches(bench):
    wanted = {
        "self": ("T1 is joined at misuses.c:", "by itself", ()),
        "join_detached": ("T2 is joined at misuses.c:", "but it is detached", ("were detached, at join_detached", "join_detached")),
        "born_detached": ("T2 is joined at misuses.c:", "but it is detached", ("it was created detached", "born_detached")),
        "detach_detached": ("T2 is detached at misuses.c:", "detached already", ("were detached, at detach_detached",)),
        "join_twice": ("a thread is joined at misuses.c:", "joined or detached before", ("were joined, at join_twice", "it was created")),
    }
    for how, (begin, middle, facts) in wanted.items():
        findings = misuse(bench, how)
        demand(len(findings) == 1, f"{how}: {findings}")
        [finding] = findings
        demand(finding["level"] == "proved", finding)
        demand(finding["text"].startswith(begin) and middle in finding["text"], finding)
        demand(all(fact in evidence(finding) for fact in facts), finding)


def of_one_that_may_not_have_begun(bench):
    for how, middle in ("join_early", "but it is detached"), ("detach_early", "but it is detached already"):
        [finding] = misuse(bench, how)
        demand(finding["level"] == "proved" and middle in finding["text"], finding)


def correct_calls(bench):
    for how in "detach_self", "timed_out", "busy", "cancelled", "reused":
        findings = misuse(bench, how)
        demand(not findings, f"{how}: {findings}")


# ---- the end, and libraries -----------------------------------------------------------------------

def a_crash_in_the_end(bench):
    process = at_the_end(bench, "after_end", "fault", options=["--grace=600000"])
    [finding] = found(process, "crashed-in-end")
    demand(finding["level"] == "proved" and finding["threads"] == [2], finding)
    demand(process["verdict"] == f"CRASHED: {finding['text']}: crashed-in-end", process)
    demand(finding["text"].startswith("T2 took SIGSEGV at after_end.c:"), finding)
    demand("T2 was created" in evidence(finding), finding)


def a_fault_that_the_program_handles(bench):
    """It can be how the program works, with pages that it protects."""
    process = at_the_end(bench, "after_end", "fault_handled", options=["--grace=600000"])
    [finding] = found(process, "crashed-in-end")
    demand(finding["level"] == "note" and process["verdict"] is None, process)
    demand("after the end of the program began; the program has a handler for it" in finding["text"], finding)


def no_crash_in_the_end(bench):
    for what in "alarm", "children", "read":
        process = at_the_end(bench, "after_end", what)
        demand(not found(process, "crashed-in-end"), f"{what}: {process['findings']}")


def unloaded(bench):
    [finding] = found(of_live(bench, "pattern_dlclose", "wrong"), "unloaded-code")
    demand(finding["level"] == "proved" and finding["threads"] == [2], finding)
    demand(finding["text"] == "T2 will return to code of libpattern_plugin.so, which was unloaded", finding)
    demand("libpattern_plugin.so was unloaded, at main (" in evidence(finding), finding)
    demand(not found(of_live(bench, "pattern_dlclose", "right"), "unloaded-code"), "right")


def failed_creations(bench):
    process = at_the_end(bench, "create_eagain")
    findings = found(process, "create-failed")
    demand([one["level"] for one in findings] == ["note"] * 3, findings)
    [latest] = [one for one in findings if "then, and" in one["text"]]
    demand("1 creation of a thread failed with thrd_error at create_eagain.c:" in latest["text"], latest)
    [finding] = found(of_live(bench, "create_fails"), "create-failed")
    demand(finding["text"].startswith("3 creations of a thread failed with EAGAIN at create_fails.c:15; the process had 2 "
                                      "threads then, and 1 finished"), finding)


# ---- arguments -----------------------------------------------------------------------------------

SHARED = "T2, T3 and T4 got the same pointer as their argument, to a variable on the stack of T1 (main)"


def shared_argument(bench, *args):
    [finding] = found(of_live(bench, *args), "shared-argument")
    return finding


def until_likely(bench, *args):
    """Each thread may have begun before the next was created: then the program is not known to be wrong."""
    for _ in range(20):
        finding = shared_argument(bench, *args)
        if finding["level"] == "likely":
            break
    return finding


def variable_of_a_loop(bench):
    finding = until_likely(bench, "arguments", "loop")
    demand(finding["level"] == "likely" and finding["threads"] == [2, 3, 4], finding)
    demand(finding["text"] == "T2, T3 and T4 got the address of i, which T1 (main) changed meanwhile", finding)
    finding = until_likely(bench, "arguments", "inlined")
    demand(finding["level"] == "likely" and finding["threads"] == [3, 4, 5] and
           "the address of number, which T2 changed" in finding["text"], finding)


def variables_that_are_shared_on_purpose(bench):
    """Also the variable of a loop that waits until each thread has copied it."""
    for how in "copied", "same", "counted", "alloca", "outermost":
        finding = shared_argument(bench, "arguments", how)
        demand(finding["level"] == "note" and finding["text"] == SHARED, f"{how}: {finding}")


def variable_without_debug_information(bench):
    harness.call(["strip", "-g", bench.target("arguments"), "-o", bench.path("stripped")])
    for _ in range(3):
        finding = shared_argument(bench, bench.path("stripped"), "loop")
        demand(finding["level"] == "note" and finding["text"] == SHARED, finding)


def arguments(bench):
    [finding] = found(of_live(bench, "arguments", "struct"), "shared-argument")
    demand(finding["level"] == "note" and finding["threads"] == [2, 3, 4], finding)
    demand(finding["text"] == SHARED, finding)
    [finding] = found(of_live(bench, "arguments", "dead"), "dead-argument")
    demand(finding["text"] == "T2 got a pointer as its argument to a variable of a function that has returned, on the stack of T1 (main)", finding)
    [finding] = found(of_live(bench, "arguments", "ended"), "dead-argument")
    demand(finding["text"] == "T3 got a pointer as its argument to a variable of a thread that has ended, on the stack of T2",
           finding)


def variables_of_main_that_has_returned(bench):
    """The threads of one site make one finding, whatever their arguments are."""
    for how, shared in ("loop", 1), ("array", 0):
        process = at_the_end(bench, "arguments", how)
        demand(len(found(process, "shared-argument")) == shared, f"{how}: {process['findings']}")
        [finding] = found(process, "dead-argument")
        demand(finding["level"] == "note" and finding["threads"] == [2, 3, 4], finding)
    for how in "heap", "argv", "environ":
        process = at_the_end(bench, "arguments", how)
        demand(not found(process, "dead-argument") and not found(process, "shared-argument"), process["findings"])


def arguments_that_are_right(bench):
    for how in "array", "global", "heap", "argv", "environ", "auxv", "tls", "coroutine":
        findings = of_live(bench, "arguments", how)["findings"]
        demand(not findings, f"{how}: {findings}")


TESTS = [variable_of_a_loop, variables_that_are_shared_on_purpose, variable_without_debug_information, arguments,
         variables_of_main_that_has_returned, arguments_that_are_right, left_out, left_out_in_a_live_process, created_by_a_helper, joined_at_two_places, text_of_the_group, turn_in_a_loop, nothing_left_out, joins_and_detaches, of_one_that_may_not_have_begun,
         correct_calls, a_crash_in_the_end, a_fault_that_the_program_handles, no_crash_in_the_end, unloaded, failed_creations]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
