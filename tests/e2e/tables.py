#!/usr/bin/env python3
"""tests/cases.txt, the goldens, the suites and the Makefile name the same tests.

  tests/e2e/tables.py [--build DIR] [NAME...]
"""
import glob
import os
import re
import sys

import harness
from cases import CASES, TARGETS
from cli_cases import CLI_CASES
from harness import ROOT, demand

TESTS_DIR = os.path.join(ROOT, "tests")
GOLDEN = os.path.join(TESTS_DIR, "golden")
NO_PROGRAMS = {"unwind_chain"}  # only the table's chains are built from it


def read(*parts):
    with open(os.path.join(ROOT, *parts), encoding="utf-8") as file:
        return file.read()


def source_of_suites():
    return "".join(read(path) for part in ("unit/*.[ch]", "e2e/*.py", "e2e/*.sh", "../bench/*.sh", "../Makefile")
                   for path in glob.glob(os.path.join(TESTS_DIR, part)))


def every_source_is_in_the_table(_):
    stems = {re.sub(r"^lib_(.*)", r"lib\1.so", os.path.splitext(name)[0])
             for name in os.listdir(os.path.join(TESTS_DIR, "targets")) if not name.endswith(".h")}
    lacking = stems - set(TARGETS) - NO_PROGRAMS
    demand(not lacking, f"no row in tests/cases.txt: {sorted(lacking)}")


def every_target_is_run(_):
    """By a case, or by a suite that names it."""
    words = set(re.findall(r"\w+", source_of_suites()))
    run = {case.target for case in CASES} | {word for case in CASES for word in case.args}
    unused = [name for name in TARGETS if name not in run and name.removesuffix(".so") not in words
              and name.removeprefix("lib").removesuffix(".so") not in words]
    demand(not unused, f"no test runs {unused}")


def names_are_used_once(_):
    names = [case.name for case in CASES] + [function.__name__ for function in CLI_CASES]
    demand(len(set(names)) == len(names), "two cases have one name")
    demand(len(set(TARGETS)) == len(TARGETS), "two rows have one target")


def every_golden_has_a_case(_):
    known = {f"{case.name}.txt" for case in CASES if case.text} | {f"{function.__name__}.txt" for function in CLI_CASES}
    strings = set(re.findall(r'"([\w.]+)"', source_of_suites()))
    # Unit suites name theirs without the ending, and without these beginnings.
    orphans = [name for name in os.listdir(GOLDEN) if name not in known | strings and strings.isdisjoint(
        re.sub(rf"^{start}_|\.\w+$", "", name) for start in ("report", "report_end", "format"))]
    demand(not orphans, f"no test compares with {sorted(orphans)}")
    facts = re.findall(r"^== (.*)$", read("tests", "golden", "facts.txt"), re.M)
    orphans = set(facts) - {case.name for case in CASES if case.json}
    demand(not orphans, f"facts.txt has facts of no case: {sorted(orphans)}")


def every_program_is_run_by_make(_):
    """tests/e2e/NAME.py that runs tests, and tests/unit/check_NAME.c, which the Makefile finds by itself."""
    makefile = read("Makefile").replace("\\\n", " ")
    listed = set(re.search(r"^PROGRAMS := (.*)$", makefile, re.M).group(1).split())
    listed |= set(re.findall(r"tests/e2e/(\w+)\.py", makefile)) - {"NAME"}
    programs = {os.path.basename(path)[:-3] for path in glob.glob(os.path.join(TESTS_DIR, "e2e", "*.py"))
                if "__main__" in read(path)}
    demand(programs == listed, f"not both in tests/e2e and in the Makefile: {sorted(programs ^ listed)}")


TESTS = [every_source_is_in_the_table, every_target_is_run, names_are_used_once, every_golden_has_a_case,
         every_program_is_run_by_make]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
