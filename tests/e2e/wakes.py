#!/usr/bin/env python3
"""Who notified what a thread waits for (wakes=1), and which notifications came too early.

  tests/e2e/wakes.py [--build DIR] [NAME...]
"""
import json
import re
import sys

import harness
from harness import demand

WAKES = "wakes=1:grace_ms=0"


class Bench(harness.Bench):
    options = WAKES

    def environment(self, **more):
        return super().environment(**{"THREADLEAK_OPTIONS": self.options, **more})

    def read(self, how):
        """The report of the process, as text and JSON."""
        with self.live_asleep("wakes", how) as pid:
            return self.report(pid), json.loads(self.report(pid, "--format=json", "-v"))["processes"][0]

    def report(self, pid, *options):
        status, out, err = harness.call([self.cli, "report", *options, str(pid)])
        demand(status == 0, err)
        return out


def found(process):
    return [one for one in process["findings"] if one["code"] == "lost-wakeup"]


def notified(process, thread):
    """Of the wait of a thread."""
    [one] = [one for one in [process["main"], *harness.threads_of(process)] if one["id"] == thread]
    return one["waiting"]["notified"]


def is_lost(bench, how, function, text="T1 joins T2", notifier=1, waiter=2):
    printed, process = bench.read(how)
    [finding] = found(process)
    demand(finding["level"] == "likely", finding)
    demand(finding["threads"] == [thread for thread in (waiter, notifier) if thread == 1 or text.endswith("T2")], finding)
    demand(finding["text"].endswith(f", and {text}"), finding)
    demand(f", last notified by T{notifier} in {function} (wakes." in finding["text"], finding)
    demand(finding["text"] in printed.replace("\n", " ") and printed.startswith(f"STUCK: T{waiter} waits for "), printed)
    return printed, process


def a_lost_signal(bench):
    printed, process = is_lost(bench, "signal", "notify")
    demand(re.search(r"now in condvar wait on own_changed, no timeout.*\n +last notified by T1 in notify "
                     r"\(wakes\.c:\d+\), .* before this wait began", printed), printed)
    one = notified(process, 2)
    demand(one["state"] == "by" and one["by"] == 1 and one["before_wait_s"] > 0, one)
    demand([frame["function"] for frame in one["frames"]][:2] == ["notify", "signal_lost"], one)


def others_that_are_lost(bench):
    is_lost(bench, "broadcast", "broadcast_lost")
    is_lost(bench, "cnd", "cnd_lost")
    is_lost(bench, "semaphore", "semaphore_taken")
    is_lost(bench, "ended", "notify", "T2 has ended", notifier=2, waiter=1)


def posted_by_a_handler(bench):
    """It can run again."""
    _, process = bench.read("handler")
    [finding] = found(process)
    demand(finding["level"] == "note" and "last notified by T1 in post_in_handler" in finding["text"], finding)
    demand("lost-wakeup" not in (process["verdict"] or ""), process)


def a_destructor_in_cxx(bench):
    """What is recorded are no references: the object is found to be unreachable, too."""
    with bench.live_asleep("wakes_cxx") as pid:
        printed = bench.report(pid)
    demand(re.search(r"last notified by T1 in task_pool::~task_pool \(wakes_cxx\.cpp:\d+\), .* before this wait began, at\n",
                     printed), printed)
    demand("\nstuck   proved\n" in printed and "\nlost-wakeup   likely\n" in printed, printed)


def pauses_lose_a_wake(bench):
    """Where the pauses do that depends on what else runs, so there are many seeds."""
    for seed in range(41, 641, 12):
        status, out, err = harness.call([bench.cli, "run", "--wakes", f"--shake={seed}", "--repeat=12", "--grace=0",
                                         bench.target("wakes"), "race"], env=bench.environment())
        if status == 66:
            break
    demand(status == 66 and re.search(r"\d+ of 12 runs", err), f"{status} {out}{err}")


def near_misses(bench):
    for how, text in (("runs", "before this wait began"), ("later", "after this wait began"), ("timed", "before this wait began"),
                      ("other", "before this wait began"), ("again", "never notified"), ("never", "never notified"),
                      ("futex", "notifications of a futex are not recorded")):
        printed, process = bench.read(how)
        demand(not found(process), f"{how}: {printed}")
        demand(text in printed, f"{how}: {printed}")


def other_processes(bench):
    printed, process = bench.read("shared")
    demand(not found(process) and "notified" not in printed and notified(process, 2) is None, printed)
    with bench.live_asleep("wakes", "child") as pid:
        child = harness.child_of(pid)
        harness.wait_until_asleep(child)
        printed = bench.report(child)
        demand("never notified" in printed, printed)


def nothing_without_the_option(bench):
    bench.options = "grace_ms=0"
    printed, process = bench.read("signal")
    demand(not found(process) and "notified" not in printed and notified(process, 2) is None, printed)


def an_idle_worker_at_the_end(bench):
    _, _, err = harness.call([bench.cli, "run", "--wakes", "--grace=0", "--format=json", "-v", bench.target("wakes"), "idle"],
                             env=bench.environment())
    [process] = json.loads(err)["processes"]
    [finding] = found(process)
    demand(finding["level"] == "note" and finding["text"].endswith("T1 has ended the process"), finding)
    demand(process["verdict"] is None, process["verdict"])


def runs_as_before(bench, how):
    for options in "wakes=0", WAKES:
        status, out, err = harness.call([bench.target("wakes_recorded"), how],
                                        env=bench.environment(LD_PRELOAD=bench.shim, THREADLEAK_OPTIONS=options))
        if status == 77:
            raise harness.Skip(err)
        demand((status, out, err) == (0, "", ""), f"{options}: {status} {out}{err}")


def both_versions_of_the_functions(bench):
    runs_as_before(bench, "version")


def a_stack_that_ends_soon(bench):
    runs_as_before(bench, "coroutine")


def handlers_that_post_while_it_forks(bench):
    runs_as_before(bench, "storm")


TESTS = [a_lost_signal, others_that_are_lost, posted_by_a_handler, a_destructor_in_cxx, pauses_lose_a_wake, near_misses, other_processes,
         nothing_without_the_option, an_idle_worker_at_the_end, both_versions_of_the_functions, a_stack_that_ends_soon,
         handlers_that_post_while_it_forks]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
