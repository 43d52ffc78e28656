#!/usr/bin/env python3
"""Names that users give: near ones are suggested, messages name the option, and `report NAME` finds the process.

  tests/e2e/names.py [--build DIR] [NAME...]
"""
import contextlib
import json
import os
import sys
from xml.etree import ElementTree

import harness
from harness import demand
from tree_bench import Bench


def said(bench, argv, env=None):
    status, out, err = harness.call([bench.cli, *argv], env=env or bench.env, cwd=bench.tmp)
    return status, out, err.replace(bench.tmp, "DIR")


def keys(bench):
    """A key of THREADLEAK_OPTIONS is no option, and has no message of the CLI."""
    for key, near in (("graze_ms", "grace_ms"), ("grace", "grace_ms"), ("reprot", "report"), ("supressions", "suppressions")):
        env = bench.environment(LD_PRELOAD=bench.shim, THREADLEAK_OPTIONS=f"{key}=1")
        _, _, err = harness.call(["./clean"], env=env, cwd=bench.tmp)
        demand(f"unknown key '{key}' (did you mean {near}) is ignored; help=1" in err, f"{key}: {err}")
    env = bench.environment(LD_PRELOAD=bench.shim, THREADLEAK_OPTIONS="x=1:nothing_like_it=1")
    _, _, err = harness.call(["./clean"], env=env, cwd=bench.tmp)
    demand("did you mean" not in err and err.count("unknown key") == 2, err)


def rule_types(bench):
    for rule, wanted in (("tread:foo", "unknown type 'tread:' (did you mean thread:); use"),
                         ("thread:foo kin:running", "unknown type 'kin:' (did you mean kind:); use"),
                         ("thread:foo kind:runing", "unknown kind 'runing' (did you mean running); use"),
                         ("kin:foo", "unknown type 'kin:'; use")):  # no rule begins with kind:
        bench.write("rules", rule + "\n")
        status, _, err = said(bench, ["run", "--suppressions=rules", "--", "true"])
        demand(status == 125 and wanted in err, f"{rule}: {status} {err}")


def options_in_messages(bench):
    """The option as it was given, where its file cannot be used."""
    missing = "/nonexistent/file"
    for options, wanted in ((["-o", missing], f"-o {missing}: cannot be written"),
                            ([f"--format=json:{missing}"], f"--format=json:{missing}: cannot be written"),
                            (["--format=json:"], "--format=json:'' is not the name of a file"),
                            (["-o", ""], "-o '' is not the name of a file"),
                            (["--write-baseline="], "--write-baseline='' is not the name of a file"),
                            (["--gen-suppressions="], "--gen-suppressions='' is not the name of a file"),
                            ([f"--gen-suppressions={missing}"], f"--gen-suppressions={missing}: cannot be written"),
                            (["-o", "same", "--gen-suppressions=same"], "--gen-suppressions=same is also the file of the report"),
                            (["--format=json:same", "--write-baseline=same"], "--write-baseline=same is also the file of the report"),
                            (["--no-stopp"], "unknown option '--no-stopp' (did you mean --no-stop)"),
                            (["--junit=x"], "unknown option '--junit=x' (did you mean --format=junit:x)"),
                            (["--sarif"], "unknown option '--sarif' (did you mean --format=sarif)"),
                            (["--no-"], "ambiguous option '--no-': --no-stop, --no-follow, --no-default-suppressions"),
                            (["--timeout=0x10"], "--timeout=0x10 is not a duration"),
                            (["--timeout=1e3s"], "--timeout=1e3s is not a duration"),
                            ([f"--baseline={missing}"], f"--baseline={missing}: cannot be read"),
                            ([f"--write-baseline={missing}"], f"--write-baseline={missing}: cannot be written"),
                            ([f"--suppressions={missing}"], f"--suppressions={missing}: cannot be read")):
        status, out, err = said(bench, ["run", *options, "--", "echo", "started"])
        demand(status == 125 and f"threadleak: run: {wanted}" in err and err.count("\n") == 1 and not out, f"{options}: {status} {out} {err}")
    status, _, err = said(bench, ["diff", "--json=x", "a", "b"])
    demand(status == 2 and "unknown option '--json=x' (did you mean --format=json);" in err, f"{status} {err}")
    for option in ("name", "exe"):
        status, _, err = said(bench, ["watch", "--for=1ms", f"--{option}="])
        demand(status == 2 and err == f"threadleak: watch: --{option}= is empty; see 'threadleak help watch'\n", f"{status} {err}")
    status, out, err = said(bench, ["report", f"--gen-suppressions={missing}", str(os.getpid())])
    demand(status == 2 and not out and f"report: --gen-suppressions={missing}: cannot be written" in err, f"{status} {out} {err}")


@contextlib.contextmanager
def named(bench, name, *args, env=None):
    """A process of a program of that name, which says "up"."""
    program = bench.path(name)
    if not os.path.exists(program):
        harness.copy(bench.target("wait_for_end"), program)
    with harness.live([program, *args], env or bench.env) as pid:
        yield pid


def report_by_name(bench):
    name, long = f"tl{os.getpid()}", f"threadleak_test_{os.getpid()}_longer_than_a_task"
    for given in (name, long):
        with named(bench, given) as pid:
            # The program itself is a file in the working directory, too.
            status, out, err = said(bench, ["report", given])
            demand(status == 0 and f"(pid {pid})" in out, f"{given}: {status} {out} {err}")
            status, _, err = said(bench, ["report", given[:-1]])
            demand(status == 2 and f"no process and no file is named {given[:-1]}" in err, f"a beginning: {status} {err}")
            with named(bench, given) as other:
                status, out, err = said(bench, ["report", given])
                demand(status == 2 and not out and f"2 processes are named {given[:40]}: {min(pid, other)} (" in err
                       and f"{max(pid, other)} (" in err and err.endswith("; give a PID\n") and err.count("\n") == 1, f"{status} {out} {err}")


def report_by_rewritten_name(bench):
    """What the process calls itself: its main thread, or its arguments."""
    name = f"tl{os.getpid()}re"
    script = ("import ctypes, sys\n"
              f"ctypes.CDLL(None).prctl(15, b'{name}', 0, 0, 0)\n"
              "print('up', flush=True)\nsys.stdin.read()\n")
    with harness.live([sys.executable, "-c", script], bench.env) as pid:
        status, out, err = said(bench, ["report", name])
        demand(status == 0 and f"(pid {pid})" in out, f"{status} {out} {err}")


def tests_of_a_process(bench):
    """JUnit and TAP have an item for each test that is known, after that of its process; rules name tests."""
    program = bench.target("tests_in_process")
    status, out, _ = said(bench, ["run", "--format=junit:-", "--", program])
    cases = [(case.get("classname"), case.get("name"), len(case.findall("failure"))) for case in ElementTree.fromstring(out).iter("testcase")]
    demand(status == 66 and cases == [("tests_in_process", program, 1), ("tests_in_process", "Pool.Starts", 1),
                                      ("tests_in_process", "Pool.Ends", 1)], f"{status} {cases}")
    status, out, _ = said(bench, ["run", "--format=tap:-", "--", program])
    points = [line.split(" - ")[1] for line in out.split("\n") if line.startswith("not ok")]
    demand(status == 66 and points == [program, "Pool.Starts", "Pool.Ends"], f"{status} {points}")
    for rules, left in (("test:Pool.Starts\n", 2), ("test:^Pool.\n", 1), ("thread:leave test:Ends\n", 2), ("test:None\n", 3)):
        bench.write("rules", rules)
        _, out, err = said(bench, ["run", "--suppressions=rules", "--format=json:-", "--", program])
        demand(json.loads(out)["summary"]["leaked_threads"] == left, f"{rules}: {out} {err}")


TESTS = [tests_of_a_process, keys, rule_types, options_in_messages, report_by_name, report_by_rewritten_name]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
