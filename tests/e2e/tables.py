#!/usr/bin/env python3
"""What is listed in several places follows from one table: tests by tests/cases.txt, options by their rows.

  tests/e2e/tables.py [--build DIR] [NAME...]
"""
import glob
import os
import re
import subprocess
import sys
import textwrap

import harness
from cases import CASES, TARGETS
from cli_cases import CLI_CASES
from harness import ROOT, demand, need
from texts import Paths, normalise_text

TESTS_DIR = os.path.join(ROOT, "tests")
GOLDEN = os.path.join(TESTS_DIR, "golden")
NO_PROGRAMS = {"unwind_chain"}  # only the table's chains are built from it


def read(*parts):
    with open(os.path.join(ROOT, *parts), encoding="utf-8") as file:
        return file.read()


def source_of_suites():
    return "".join(read(path) for part in ("unit/*.[ch]", "e2e/*.py", "e2e/*.sh", "../bench/*.sh", "../Makefile", "../mk/*.mk")
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


def rows(bench, kind):
    """What `threadleak _options` prints of this kind, by column."""
    _, out, _ = harness.call([bench.cli, "_options"])
    return [line.split("\t")[1:] for line in out.splitlines() if line.startswith(kind + "\t")]


def every_option_is_in_the_help(bench):
    options = rows(bench, "option")
    demand({"run", "report", "selftest"} <= {option[0] for option in options}, options)
    for command, name, letter, *_ in options:
        _, out, _ = harness.call([bench.cli, "help", command])
        head = (f"-{letter}, " if letter != "-" else "") + name
        demand(re.search(rf"^  {re.escape(head)}(\[?=|\s)", out, re.M), f"{command}: no {head} in its help:\n{out}")


def help_fits_80_columns(bench):
    commands = [row[0] for row in rows(bench, "command") if row[0] != "help"]
    findings = [row[0] for row in rows(bench, "finding")]
    demand(len(commands) > 7 and len(findings) > 10, f"{commands} {findings}")
    for name in *commands, *findings, "findings", "suppressions":
        status, out, err = harness.call([bench.cli, "help", name])
        wide = [line for line in out.splitlines() if len(line) > 80]
        demand(status == 0 and out and not wide, f"help {name}: {wide} {err}")


def options_and_keys_agree(bench):
    keys = {key[0]: key[1] for key in rows(bench, "key")}
    for command, name, _, argument, key, default, _ in rows(bench, "option"):
        key, equals, value = key.partition("=")
        demand(key == "-" or key in keys, f"{command} {name}: {key} is not a key")
        demand(bool(equals) == (key != "-" and argument == "-"), f"{command} {name}: {key}={value}")


def page_of(bench, name, text=None):
    """The source of a page, with its lists filled in; as the manual is built."""
    list_of_options = bench.path("options")
    with open(list_of_options, "wb") as file:
        subprocess.run([bench.cli, "_options"], stdout=file, check=True)
    done = subprocess.run(["awk", "-f", os.path.join(ROOT, "man", "options.awk"), list_of_options, "-"], check=False,
                          input=text or read("man", name), capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None


def every_option_is_in_the_manual(bench):
    """And no other: each command has a page, which comes from the rows, and what it adds is about one of them."""
    need("awk")
    commands = [command for command, *_ in rows(bench, "command") if command != "help"]
    for command in commands:
        demand(os.path.exists(os.path.join(ROOT, "man", f"threadleak-{command}.1.scd")), f"no page man/threadleak-{command}.1.scd")
    pages = {command: page_of(bench, f"threadleak-{command}.1.scd") for command in commands}
    for command, name, *_ in rows(bench, "option"):
        options = pages[command].partition("# OPTIONS\n")[2].partition("\n# ")[0]
        demand(re.search(rf"^\*.*{name}\*", options, re.M), f"{command}: no {name} in the manual")
    main = page_of(bench, "threadleak.1.scd")
    for command in commands:
        demand(main.count(f"*threadleak-{command}*(1)") == 2, f"threadleak(1) has no {command}")
        demand(f"*threadleak {command}*" in main, f"the synopsis has no {command}")
    for key, *_ in rows(bench, "key"):
        demand("\n|  " + key.replace("_", "\\_") + "\n" in main, f"no key {key} in the manual")
    findings = page_of(bench, "threadleak-findings.7.scd")
    for code, *_ in rows(bench, "finding"):
        demand(f"\n*{code}*\n" in findings, f"no finding {code}")
    wrong = read("man", "threadleak-run.1.scd").replace("@option depth", "@option dept")
    demand(page_of(bench, "", wrong) is None, "no error for --dept")


def pages_of_the_manual_exist(_):
    """Those that another one names."""
    names = {name.removesuffix(".scd") for name in os.listdir(os.path.join(ROOT, "man")) if name.endswith(".scd")}
    for name in names:
        for other, section in re.findall(r"\*(threadleak[\w-]*)\*\((\d)\)", read("man", name + ".scd")):
            demand(f"{other}.{section}" in names, f"{name} names {other}({section})")


def every_rule_type_is_in_the_manual(bench):
    page = read("man", "threadleak.1.scd")
    _, out, _ = harness.call([bench.cli, "help", "suppressions"])
    types = re.findall(r"^  (\w+) ", out, re.M)
    demand(len(types) > 5, out)
    for name in types:
        demand(re.search(rf"^\*{name}:\*", page, re.M), f"no type {name}: in the manual")


def every_kind_of_wait_is_in_the_manual(_):
    kinds = re.findall(r'^WAIT_KIND\(\w+, "(\w+)"', read("src", "wait", "kinds.def"), re.M)
    entry = read("man", "threadleak.1.scd").partition("\n*waiting:*")[2].partition("\n\n")[0]
    lacking = [kind for kind in kinds if f"*{kind}*" not in entry]
    demand(len(kinds) > 10 and not lacking, f"not in the manual's list at waiting: {lacking or kinds}")


def readme_shows_a_report_of_today(bench):
    """The demo's, whose golden has no current stacks, and therefore no finding."""
    report = re.search(r"^    threadleak: .*? peak \d+\.$", read("README.md"), re.M | re.S)
    demand(report, "no report in README.md")
    text = normalise_text(textwrap.dedent(report.group(0)), Paths(bench.build, "build/targets", bench.tmp))
    text = re.sub(r"^  now .*\n(?:  [ >] .*\n)+", "", text, flags=re.M)
    text = re.sub(r"^[\w-]+ +proved\n(?:  .*\n)+\n", "", text, flags=re.M)
    golden = read("tests", "golden", "demo.txt").partition("--- stderr\n")[2]
    demand(text.strip() == golden.strip(), f"{text}\n--- the golden:\n{golden}")


TESTS = [every_source_is_in_the_table, every_target_is_run, names_are_used_once, every_golden_has_a_case,
         every_option_is_in_the_help, help_fits_80_columns, options_and_keys_agree,
         every_option_is_in_the_manual, pages_of_the_manual_exist, every_rule_type_is_in_the_manual, every_kind_of_wait_is_in_the_manual,
         readme_shows_a_report_of_today]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
