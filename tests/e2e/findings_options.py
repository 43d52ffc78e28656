#!/usr/bin/env python3
"""Findings in options, formats, rules and baselines.

  tests/e2e/findings_options.py [--build DIR] [NAME...]
"""
import json
import re
import sys

import harness
from harness import call, demand

TEXT = r"T\d waits for mutex (accounts|journal), held by T\d, which waits for mutex (accounts|journal), held by T\d"


def run(bench, *options, how="two", status=None):
    """Standard output and standard error."""
    got, out, err = call([bench.cli, "run", *options, "--", bench.target("deadlock_at_end"), how], env=bench.environment())
    demand(status is None or got == status, f"{options} {how}: {got}\n{out}\n{err}")
    return out, err


def document(bench, *options, how="two", form="json"):
    out, err = run(bench, f"--format={form}", "-o-", *options, how=how)
    demand(not err, err)
    return out


def process(bench, *options, how="two"):
    return json.loads(document(bench, *options, how=how))["processes"][0]


def known_leaks(bench, how="two"):
    """The option for a baseline that has the leaks, and no finding."""
    path = bench.path("known.json")
    run(bench, "-q", "--find=none", f"--write-baseline={path}", how=how, status=0)
    return f"--baseline={path}"


# ---- options -------------------------------------------------------------------------------

def a_finding_fails_without_a_leak(bench):
    known = known_leaks(bench)
    _, err = run(bench, known, "--fail-on=deadlock", status=66)
    demand(re.match(f"STUCK: {TEXT}: deadlock\n", err), err)
    for quiet in (), ("--fail-on=dead-owner",), ("--fail-on=deadlock", "--error-exitcode=0"):
        run(bench, known, *quiet, status=0)
    demand(run(bench, known, status=0) == ("", ""), "a finding alone is no leak")


def levels(bench):
    known = known_leaks(bench)
    for level in "proved", "likely", "note":
        run(bench, known, f"--fail-on=dead-owner,deadlock:{level}", status=66)
    run(bench, known, "--fail-on=all", status=66)


def no_finding_does_not_fail(bench):
    known = known_leaks(bench, how="none")
    demand(run(bench, known, "--fail-on=all:note", how="none", status=0) == ("", ""), "no finding")


def what_is_looked_for(bench):
    for options, codes in (((), ["deadlock"]), (("--find=all",), ["deadlock"]), (("--find=none",), []),
                           (("--find=dead-owner",), []), (("--find=dead-owner,deadlock",), ["deadlock"])):
        found = process(bench, *options)
        demand([one["code"] for one in found["findings"]] == codes, (options, found["findings"]))
        demand((found["verdict"] is not None) == bool(codes), found["verdict"])
    run(bench, "--find=none", status=66)  # the threads leak as before


def a_live_process(bench):
    with bench.live_asleep("circles", "self") as pid:
        for options, status in (((), 0), (("--fail-on=deadlock",), 1), (("--fail-on=dead-owner",), 0), (("--check",), 1)):
            got, _, err = call([bench.cli, "report", *options, str(pid)])
            demand(got == status, (options, got, err))
        _, out, _ = call([bench.cli, "report", "--find=none", str(pid)])
        demand("STUCK" not in out and "deadlock" not in out, out)


def misspelled(bench):
    for option, message in (("--fail-on=dedlock", "unknown finding 'dedlock' (did you mean deadlock)"),
                            ("--fail-on=deadlock:proven", "unknown level 'proven' (did you mean proved)"),
                            ("--find=non", "unknown finding 'non' (did you mean none)"),
                            ("--find=", "--find= is empty"), ("--fail-on=", "--fail-on= is empty"),
                            ("--find=none --fail-on=deadlock", "--find does not look for deadlock")):
        _, err = run(bench, *option.split(), status=125)
        demand(message in err, err)
        status, _, err = call([bench.cli, "report", *option.split(), "1"])
        demand(status == 2 and message in err, err)


def help_explains(bench):
    status, out, _ = call([bench.cli, "help", "deadlock"])
    demand(status == 0 and out.startswith("deadlock: ") and "Proved: " in out, out)
    demand(all(len(line) <= 80 for line in out.splitlines()), out)
    status, _, err = call([bench.cli, "help", "dedlock"])
    demand(status == 2 and "did you mean deadlock" in err, err)


TESTS = [a_finding_fails_without_a_leak, levels, no_finding_does_not_fail, what_is_looked_for, a_live_process, misspelled, help_explains]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
