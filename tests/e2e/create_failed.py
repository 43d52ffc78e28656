#!/usr/bin/env python3
"""Creations of threads that failed: counted by error and place, and what the process held at the latest.

  tests/e2e/create_failed.py [--build DIR] [NAME...]
"""
import re
import sys

import harness
from harness import demand
from tree_bench import Bench


def failed_of(report):
    return [failed for process in report["processes"] for failed in process.get("failed_creations", [])]


def place(failed):
    return failed["own"]["function"], failed["own"]["line"]


def by_error_and_place(bench):
    _, _, report = bench.json([bench.target("create_eagain")], ["-q"])
    failed = failed_of(report)
    found = [(each["error"], each["count"], each["start_routine"]["function"]) for each in failed]
    demand(found == [("EAGAIN", 1, "stay"), ("EAGAIN", 1, "stay"), ("thrd_error", 1, "never")], found)
    demand(len({place(each) for each in failed}) == 3 and all(place(each)[0] == "main" for each in failed), failed)
    demand([each["latest"] is not None for each in failed] == [False, False, True], failed)
    demand(report["processes"][0]["threads"]["created"] == 1, report["processes"][0]["threads"])


def many_at_one_place(bench):
    code, _, report = bench.json([bench.target("create_einval")])
    found = [(each["error"], each["count"]) for each in failed_of(report)]
    demand(code == 0 and found == [("EINVAL", 100)], found)
    code, printed = bench.run([bench.target("create_einval")])
    demand(code == 0 and not printed, f"{code} {printed}")


def live(bench):
    with bench.live("create_fails") as pid:
        code, out, err = harness.call([bench.cli, "report", str(pid)], env=bench.env)
    wanted = (r"\nfailed creation ×3   EAGAIN\n"
              r"  the latest \d.* ago, by T1 \(main\): the process had 2 threads, and 1 finished but not joined\n"
              r"  to run stay .*\n  at\n> main .*/create_fails\.c:15\n".replace("> main", "  > main"))
    demand(code == 0 and re.search(wanted, out), f"{code} {err} {out}")
    demand("created 2, failed 3, joined 0, " in out, out)
    demand(out.index("\nfailed creation") < out.index("\nrunning ×"), out)  # not below long lists of threads


TESTS = [by_error_and_place, many_at_one_place, live]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
