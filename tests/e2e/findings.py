#!/usr/bin/env python3
"""What a report proves about threads that wait for each other.

  tests/e2e/findings.py [--build DIR] [NAME...]
"""
import json
import re
import sys

import harness
from harness import demand


def report(bench, pid, *options):
    status, out, err = harness.call([bench.cli, "report", *options, str(pid)])
    demand(status == 0, err)
    return out


def findings(bench, *args, watched=True):
    """The text, and the process in JSON."""
    with bench.live_asleep(*args, watched=watched) as pid:
        return report(bench, pid), json.loads(report(bench, pid, "--format=json", "-v"))["processes"][0]


def found(process, code):
    return [one for one in process["findings"] if one["code"] == code]


def a_ring_and_a_victim(bench):
    text, process = findings(bench, "circles", "ring", "3")
    demand(text.startswith("STUCK: T"), text)
    demand(re.match(r"STUCK: T3 waits for mutex \w+\S*, held by T4, which waits for mutex \S+, held by T5, "
                    r"which waits for mutex \S+, held by T3: deadlock\n", text), text)
    [finding] = found(process, "deadlock")
    demand(finding["level"] == "proved", finding)
    demand(finding["threads"] == [3, 4, 5, 6], finding)
    demand("circles.c:" in finding["evidence"][0] and "ring_member" in finding["evidence"][0], finding)
    demand(process["verdict"] == text.split("\n", maxsplit=1)[0], process["verdict"])
    [group] = [leak for leak in process["leaks"] if leak["count"] == 3]
    demand(all(thread["findings"][0]["threads"] == [thread["id"]] for thread in group["threads"]), group)


def a_process_that_is_not_watched(bench):
    text, process = findings(bench, "circles", "ring", "2", watched=False)
    [finding] = found(process, "deadlock")
    demand(finding["threads"] == [] and len(finding["tids"]) == 3, finding)
    demand(re.match(r"STUCK: tid \d+ waits for mutex ", text), text)


def all_asleep_unless_a_signal_comes(bench):
    for handler, level in ("none", "likely"), ("handler", "note"):
        with bench.live_asleep("asleep_until_signal", handler) as pid:
            [finding] = found(json.loads(report(bench, pid, "--format=json"))["processes"][0], "all-asleep")
            demand(finding["level"] == level, finding)


def main_joins_what_waits_for_main(bench):
    text, process = findings(bench, "circles", "join")
    demand(text.startswith("STUCK: T1 joins T3, which waits for mutex locks, held by T1: deadlock\n"), text)
    demand(found(process, "deadlock")[0]["threads"] == [1, 3], process["findings"])


def a_thread_that_locks_twice(bench):
    text, process = findings(bench, "circles", "self")
    demand(text.startswith("STUCK: T3 waits for mutex locks, held by itself: deadlock\n"), text)
    demand(found(process, "deadlock")[0]["level"] == "proved", process["findings"])


def an_owner_that_has_ended(bench):
    text, process = findings(bench, "circles", "dead")
    demand(re.match(r"STUCK: T4 waits for mutex locks, held by .*, which has ended: dead-owner\n", text), text)
    [finding] = found(process, "dead-owner")
    demand(finding["level"] == "proved" and finding["threads"] == [4], finding)


def near_misses(bench):
    for how in "timed", "chain", "recursive", "robust":
        text, process = findings(bench, "circles", how)
        demand(not found(process, "deadlock") and not found(process, "dead-owner"), f"{how}: {text}")


TESTS = [a_ring_and_a_victim, a_process_that_is_not_watched, all_asleep_unless_a_signal_comes, main_joins_what_waits_for_main,
         a_thread_that_locks_twice, an_owner_that_has_ended, near_misses]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
