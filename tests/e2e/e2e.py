#!/usr/bin/env python3
"""Runs the cases of tests/cases.txt and of cli_cases.py, and compares what they print with tests/golden/.

  tests/e2e/e2e.py [--build DIR] [--targets DIR] [--only text|json] [NAME...]
  UPDATE=1 tests/e2e/e2e.py [NAME...]      writes the goldens anew: read each before you keep it

Under LD_PRELOAD alone, a case is compared whole (golden/NAME.txt: people read it); under `threadleak run
--format=json` by its facts (NAME in golden/facts.txt, see facts.py).
"""
import contextlib
import difflib
import json
import os
import re
import sys
import tempfile
import threading

import facts
import harness
from cases import CASES
from cli_cases import CLI_CASES
from harness import ROOT, Skip, Wrong
from texts import SKIP, Paths, clean_environment, find_library, normalise_text, run

GOLDEN = os.path.join(ROOT, "tests", "golden")
PROGRAMS = {case.target for case in CASES}
UPDATE = os.environ.get("UPDATE") == "1"


# ---- running a case --------------------------------------------------------------------

def run_text(case, paths, target):
    preload = ":".join([*map(find_library, case.preload), paths.shim])
    options = ":".join([f"stacks={int(case.stacks)}", *case.env])
    status, out, err = run([target, *case.args], clean_environment(LD_PRELOAD=preload, THREADLEAK_OPTIONS=options))
    if status == SKIP:
        raise Skip(err.strip())
    if case.status_only:
        return f"status {status}\n"
    err = normalise_text(err, paths)
    if case.any_peak:
        err = re.sub(r"peak \d+", "peak N", err)
    return f"status {status}\n--- stdout\n{out}--- stderr\n{err}"


def run_json(case, paths, target):
    """The facts of the report, after those lines of standard error that are no document."""
    output = os.path.join(paths.tmp, case.name + ".json")
    status, out, err = run([paths.cli, "run", "--format=json", "-o", output, *case.options, "--", target, *case.args],
                           clean_environment(THREADLEAK_OPTIONS=f"stacks={int(case.stacks)}"))
    if status == SKIP:
        raise Skip(err.strip())
    lines = [f"status {status}"]
    if case.status_only:
        return lines[0] + "\n"
    lines += [f"stdout: {line}" for line in out.splitlines()]
    reports = [("at the end", harness.read_json(output))] if os.path.exists(output) else []
    if err.startswith("{"):
        reports, err = [("on request", json.loads(err)), *reports], ""
    lines += [f"stderr: {line}" for line in normalise_text(err, paths).splitlines()]
    for when, report in reports:
        lines += [f"{when}: {line}" if n == 0 else line for n, line in enumerate(
            facts.facts_of(report, PROGRAMS, paths.hide, case.any_peak))]
    return "\n".join(lines) + "\n"


# ---- comparing -------------------------------------------------------------------------

class Facts:
    """golden/facts.txt: after a line "== NAME", the facts of that case."""

    PATH = os.path.join(GOLDEN, "facts.txt")

    def __init__(self):
        with open(self.PATH, encoding="utf-8") as file:
            parts = re.split(r"^== (.*)\n", file.read(), flags=re.M)
        self.cases = dict(zip(parts[1::2], parts[2::2]))
        self.lock = threading.Lock()

    def compare(self, name, got):
        if UPDATE:
            with self.lock:
                self.cases[name] = got
            return
        compare(f"{name} in facts.txt", self.cases.get(name, ""), got)

    def save(self):
        known = [case.name for case in CASES if case.json and case.name in self.cases]
        with open(self.PATH, "w", encoding="utf-8") as file:
            file.writelines(f"== {name}\n{self.cases[name]}" for name in known)


def compare(name, wanted, got):
    if got != wanted:
        lines = difflib.unified_diff(wanted.splitlines(True), got.splitlines(True), f"golden/{name}", "now")
        raise Wrong("not its golden\n" + "".join(lines))


def compare_file(name, got):
    path = os.path.join(GOLDEN, name)
    if UPDATE:
        with open(path, "w", encoding="utf-8") as file:
            file.write(got)
        return
    try:
        with open(path, encoding="utf-8") as file:
            wanted = file.read()
    except FileNotFoundError:
        raise Wrong(f"no tests/golden/{name}: UPDATE=1 tests/e2e/e2e.py {name[:-4]} writes it") from None
    compare(name, wanted, got)


# ---- jobs ------------------------------------------------------------------------------

def demand_programs(case, paths):
    for name in [case.target, *(case.args if case.target == "run_child" else [])]:
        program = os.path.join(paths.targets, name)
        (harness.need_32bit if name == "program_32bit" else harness.need_built)(program)
        if name.startswith("openmp"):
            harness.need_libgomp(program)


def case_job(case, paths, run_it, compare_it):
    demand_programs(case, paths)
    compare_it(run_it(case, paths, os.path.join(paths.targets, case.target)))


def cli_job(function, paths):
    own = Paths(paths.build, paths.targets, tempfile.mkdtemp(dir=paths.tmp))
    compare_file(f"{function.__name__}.txt", function(own))


def jobs_of(paths, facts_file, only):
    """(name, function) of each."""
    for case in CASES:
        if case.text and only != "json":
            yield case.name, lambda case=case: case_job(
                case, paths, run_text, lambda got: compare_file(f"{case.name}.txt", got))
        if case.json and only != "text":
            yield case.name, lambda case=case: case_job(
                case, paths, run_json, lambda got: facts_file.compare(case.name, got))
    for function in CLI_CASES if only != "json" else []:
        yield function.__name__, lambda function=function: cli_job(function, paths)


def main():
    parser = harness.parser()
    parser.add_argument("--targets")
    parser.add_argument("--only", choices=["text", "json"])
    arguments = parser.parse_args()
    harness.restore_signals()
    facts_file = Facts()
    with contextlib.ExitStack() as stack:
        tmp = harness.temporary("threadleak-e2e-")
        stack.callback(harness.remove, tmp)
        if UPDATE:
            stack.callback(facts_file.save)
        targets = os.path.join(ROOT, arguments.targets or os.path.join(arguments.build, "targets"))
        jobs = list(jobs_of(Paths(arguments.build, targets, tmp), facts_file, arguments.only))
        return harness.run_all(harness.chosen(jobs, arguments.names))


if __name__ == "__main__":
    sys.exit(main())
