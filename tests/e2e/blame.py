#!/usr/bin/env python3
"""Which test leaked: in the report of a runner, each leak is under the process
that ran the test, with its command and, where the framework names it, the test.

  tests/e2e/blame.py [--build DIR] [NAME...]

The suites are those of tests/blame/, built in a temporary directory; one whose
framework is not there is skipped.
"""
import collections
import os
import re
import subprocess
import sys

import harness
from harness import ROOT, Skip, demand, need

SUITES = os.path.join(ROOT, "tests", "blame")
NAMES = ("PYTEST_", "BATS_", "NEXTEST", "SCRUT_", "TEST_", "CK_", "GTEST_", "GLIB_", "G_TEST_", "BOOST_", "RUST_")
# Last calls stay calls, so that optimised tests are seen as well.
FLAGS = {"plain": ["-O0", "-g"], "optimised": ["-O2", "-g", "-fno-optimize-sibling-calls"]}


def quiet(argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)


class Bench(harness.Bench):
    PREFIX = "threadleak blame "  # with spaces: they are nothing special
    DROPS = NAMES

    def __init__(self, build):
        super().__init__(build)
        self.env.update(THREADLEAK_OPTIONS="stacks=0")

    def compile(self, source, *flags, how="plain"):
        compiler = os.environ.get("CXX", "c++") if source.endswith(".cpp") else os.environ.get("CC", "cc")
        program = self.path(source.split(".")[0])
        done = harness.compile_once(compiler, os.path.join(SUITES, source), program, *FLAGS[how], *flags, "-pthread")
        if b"No such file" in done.stderr or b"cannot find -l" in done.stderr:
            raise Skip(done.stderr.decode().splitlines()[0])
        demand(done.returncode == 0, done.stderr.decode())
        return program

    def run(self, argv, env=None, options=(), status=66):
        got, out, err = harness.call([self.cli, "run", *options, "--", *argv], env=env or self.env, cwd=self.tmp)
        demand(got == status, f"{argv}: status {got}\n{out}{err}")
        return out, err

    def report(self, argv, env=None, status=66):
        file = self.path("report.json")
        out, _ = self.run(argv, env, ["--format=json", "-o", file], status)
        return harness.read_json(file), out

    def tests(self, argv, env=None):
        """Counter of the tests of all leaked threads, from their stacks; and the report."""
        report, _ = self.report(argv, env)
        counter = collections.Counter()
        for process in report["processes"]:
            for leak in process["leaks"]:
                counter[leak["test"]] += leak["count"]
        return counter, report

    def demand_tests(self, argv, wanted, env=None):
        found, report = self.tests(argv, env)
        demand(found == collections.Counter(wanted), f"found {dict(found)}, not {wanted}")
        return report


def leaking(report):
    return [process for process in report["processes"] if process["leaks"]]


# ---- a process for each test ------------------------------------------------------------

def fork_runner(bench):
    """No framework: pid and command say it, and no test is made up."""
    runner = bench.compile("fork_runner.c")
    report, out = bench.report([runner])
    pids = [int(line) for line in out.split()]
    found = {process["pid"]: sum(leak["count"] for leak in process["leaks"]) for process in leaking(report)}
    demand(len(pids) == 3 and found == {pids[0]: 1, pids[1]: 2}, f"{pids} {found}")
    for process in leaking(report):
        demand(process["command"] == [runner] and process["test"] is None, f"{process}")
        demand(all(leak["test"] is None for leak in process["leaks"]), f"{process}")
        demand(process["parent_pid"] not in found, "a child of a child")


def check(bench):
    flags = quiet(["pkg-config", "--libs", "check"]).stdout.decode().split() or ["-lcheck", "-lm", "-lrt", "-lsubunit"]
    wanted = {"first_leaks": 1, "second_leaks": 1, None: 1}
    for how in FLAGS:
        suite = bench.compile("suite_check.c", *flags, how=how)
        # Check kills a test after 4 s, which a busy machine can need.
        forked = bench.demand_tests([suite], wanted, bench.environment(CK_FORK="yes", CK_TIMEOUT_MULTIPLIER="100"))
        demand(len(leaking(forked)) == 3 and all(len(process["leaks"]) == 1 for process in leaking(forked)), f"{forked}")
        demand(len({process["pid"] for process in leaking(forked)}) == 3, "not a process each")
        demand(all(process["command"] == [suite] for process in leaking(forked)), f"{forked}")
        alone = bench.demand_tests([suite], wanted, bench.environment(CK_FORK="no"))
        demand(len(leaking(alone)) == 1, f"{alone}")


# ---- one process ---------------------------------------------------------------------------

def gtest(bench):
    suite = bench.compile("suite_gtest.cpp", "-lgtest")
    bench.demand_tests([suite], {"Pool.Leaks": 1, "Pool_Of_Threads": 1, "Fixture.Leaks": 1, "Anonymous.Leaks": 1,
                                 "Parameters.Leaks": 2, "Typed.Leaks<int>": 1, None: 1})
    bench.demand_tests([suite, "--gtest_filter=*Fixture.*"], {"Fixture.Leaks": 1})
    bench.report([suite, "--gtest_filter=*Nothing", "--gtest_filter=Pool.LeaksNothing"], status=0)
    suite = bench.compile("suite_gtest.cpp", "-lgtest", "-fno-ipa-icf", how="optimised")
    bench.demand_tests([suite, "--gtest_filter=Pool.*:*Typed*"], {"Pool.Leaks": 1, "Typed.Leaks<int>": 1})


def death_tests(bench):
    """The child of a death test is not judged, unless --judge says so; for both ways to start it."""
    suite = bench.compile("suite_gtest_death.cpp", "-lgtest", "-lgtest_main")
    for style in "fast", "threadsafe":
        argv = [suite, f"--gtest_death_test_style={style}"]
        bench.report(argv, status=0)
        for options, status in ([], 0), (["--judge=exit,death_test"], 66):
            done = subprocess.run([bench.cli, "run", *options, "--", *argv], env=bench.env, text=True, capture_output=True,
                                  stdin=subprocess.DEVNULL, timeout=harness.TIMEOUT_S, check=False)
            demand(done.returncode == status, f"{style} {options}: {done.returncode} {done.stdout}{done.stderr}")
            demand(("1 leaked thread" in done.stderr) == (status == 66), f"{style} {options}: {done.stderr}")


def cmocka(bench):
    for how in FLAGS:
        suite = bench.compile("suite_cmocka.c", "-lcmocka", how=how)
        bench.demand_tests([suite], {"test_leaks": 1, None: 2})


def glib(bench):
    flags = quiet(["pkg-config", "--cflags", "--libs", "glib-2.0"]).stdout.decode().split()
    suite = bench.compile("suite_glib.c", *flags)
    bench.demand_tests([suite], {"test_leaks": 1, None: 1})


def boost(bench):
    suite = bench.compile("suite_boost.cpp")
    bench.demand_tests([suite], {"pool/of/leaks": 1, "leaks_as_well": 1})


def rust(bench):
    need("rustc")
    for flags in (["-g"], ["-O"]):
        suite = bench.path("suite_rust")
        done = quiet(["rustc", "--test", *flags, os.path.join(SUITES, "suite_rust.rs"), "-o", suite])
        demand(done.returncode == 0, done.stderr.decode())
        found, _ = bench.tests([suite])
        wanted = {"tests::leaks": 1, "tests::inner::leaks_as_well": 1}
        # Optimised, a test's own frame may be gone; never is another function taken for it.
        gone = flags == ["-O"] and sum(found.values()) == 2 and set(found) <= {*wanted, None}
        demand(found == wanted or gone, f"{flags}: {dict(found)}")


def commands(bench):
    """Of several processes of one name, text has what they were called with."""
    leaker = bench.compile("leaker.c")
    program = os.path.basename(leaker)
    script = (f"./{program} --filter=Pool.Leaks; ./{program} 'it is' '' $(printf '\\033'); ./{program}; "
              f"./{program} short {200 * 'x'} short; exit 0")
    _, printed = bench.run(["sh", "-c", script])
    lines = [line for line in printed.splitlines() if line.startswith("command:")]
    demand(lines == [f"command: ./{program} --filter=Pool.Leaks", f"command: ./{program} 'it is' '' \\x1b",
                     f"command: ./{program} short {200 * 'x'} short"], f"{lines}\n{printed}")
    _, printed = bench.run([leaker, "--filter=Pool.Leaks"])
    demand("command:" not in printed, printed)


# ---- by the environment ------------------------------------------------------------------------

def by_environment(bench):
    leaker = bench.compile("leaker.c")
    def cut(text):
        """The part of a name that fits."""
        return text.encode()[:511].decode(errors="ignore")

    long = ["".join(("x.py::", n * "y", 600 * letter)) for n in range(4) for letter in "yü€😀"]
    cases = [
        ({}, None),
        ({"PYTEST_CURRENT_TEST": "tests/test_x.py::test_y (call)"}, "tests/test_x.py::test_y"),
        ({"PYTEST_CURRENT_TEST": "tests/test_x.py::test_y (setup)"}, "tests/test_x.py::test_y (setup)"),
        ({"PYTEST_CURRENT_TEST": "test_x.py::test_y[a b] (call)"}, "test_x.py::test_y[a b]"),
        ({"PYTEST_CURRENT_TEST": " (call)"}, " (call)"),
        ({"PYTEST_CURRENT_TEST": ""}, None),
        *[({"PYTEST_CURRENT_TEST": f"{name} (call)"}, cut(name)) for name in long],
        ({"BATS_TEST_FILENAME": "/a/pool.bats", "BATS_TEST_NAME": "test_it_leaks"}, "pool.bats: test_it_leaks"),
        ({"BATS_TEST_FILENAME": "/a/pool.bats", "BATS_TEST_NAME": "test_it", "BATS_TEST_DESCRIPTION": "it's"}, "pool.bats: it's"),
        ({"BATS_TEST_FILENAME": "/a/pool.bats", "BATS_TEST_NAME": ""}, None),
        ({"BATS_TEST_NAME": "test_it"}, None),
        ({"NEXTEST_BINARY_ID": "app::pool", "NEXTEST_TEST_NAME": "tests::leaks"}, "app::pool tests::leaks"),
        ({"NEXTEST_BINARY_ID": "app::pool"}, None),
        ({"SCRUT_TEST": "/a/pool.md:12"}, "/a/pool.md:12"),
        ({"TEST_TARGET": "//pool:leaks", "TEST_SRCDIR": "/a"}, "//pool:leaks"),
        ({"TEST_TARGET": "@pool//:leaks", "TEST_SRCDIR": "/a"}, "@pool//:leaks"),
        ({"TEST_TARGET": "//pool:leaks"}, None),
        ({"TEST_TARGET": "x86_64", "TEST_SRCDIR": "/a"}, None),
        ({"TEST_TARGET": "//pool:leaks", "TEST_SRCDIR": "/a", "PYTEST_CURRENT_TEST": "x::y (call)"}, "x::y"),
    ]
    for variables, wanted in cases:
        report, _ = bench.report([leaker], bench.environment(**variables))
        found = report["processes"][0]["test"]
        demand(found == wanted, f"{variables}: {found!r}, not {wanted!r}")


def in_children(bench):
    """Forked or started anew, a child has the test of its parent; what it was started with, not what came later."""
    leaker, runner = bench.compile("leaker.c"), bench.compile("fork_runner.c")
    env = bench.environment(PYTEST_CURRENT_TEST="x::y (call)")
    script = f'PYTEST_CURRENT_TEST="x::z (call)" "{leaker}"; "{leaker}"; unset PYTEST_CURRENT_TEST; "{leaker}"; exec "{runner}" >&2'
    report, _ = bench.report(["sh", "-c", script], env)
    found = sorted((process["test"] or "none", process["command"][0]) for process in leaking(report))
    demand(found == [("none", runner), ("none", runner), ("none", leaker), ("x::y", leaker), ("x::z", leaker)], f"{found}")
    report, _ = bench.report([runner], env)
    demand([process["test"] for process in leaking(report)] == ["x::y", "x::y"], f"{report}")


def as_text(bench):
    leaker = bench.compile("leaker.c")
    env = bench.environment(PYTEST_CURRENT_TEST="test_x.py::test_\x1b[31m (call)")
    _, printed = bench.run([leaker], env)
    head = re.escape(f"threadleak: 1 leaked thread at 1 site, {leaker} (pid PID) in test test_x.py::test_\\x1b[31m, exit status 0")
    demand(re.match(head.replace("PID", r"\d+") + "\n", printed), printed)
    # Without `run` as well.
    done = subprocess.run([leaker], env={**env, "LD_PRELOAD": bench.shim}, stderr=subprocess.PIPE, check=False)
    demand(re.match(head.replace("PID", r"\d+") + "\n", done.stderr.decode()), done.stderr.decode())
    try:
        suite = bench.compile("suite_gtest.cpp", "-lgtest")
    except Skip:
        return
    _, printed = bench.run([suite, "--gtest_filter=Pool.Leaks"])
    demand("\n  created by T1 (main) in test Pool.Leaks at\n  > leak()" in printed, printed)
    demand(re.search(r" \(pid \d+\), exit status 0\n", printed), printed)


# ---- the runners themselves ------------------------------------------------------------------------

def pytest(bench):
    """All of a session under one run: processes that tests start are reported with their test."""
    python, leaker = harness.python_with("pytest"), bench.compile("leaker.c")
    bench.write("test_pool.py", f"import pytest, subprocess\nLEAKER = {leaker!r}\n"
                "@pytest.fixture\ndef started():\n    subprocess.run([LEAKER], check=True)\n"
                "def test_clean():\n    subprocess.run([LEAKER, 'clean'], check=True)\n"
                "@pytest.mark.parametrize('n', [1, 2])\ndef test_leaks(n):\n    subprocess.run([LEAKER], check=True)\n"
                "def test_fixture(started):\n    pass\n"
                "@pytest.mark.skip\ndef test_skipped():\n    pass\n")
    argv = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    report, out = bench.report(argv)
    demand("4 passed, 1 skipped" in out, out)
    found = [process["test"] for process in leaking(report) if process["command"] == [leaker]]
    demand(found == ["test_pool.py::test_leaks[1]", "test_pool.py::test_leaks[2]", "test_pool.py::test_fixture (setup)"],
           f"{found}")
    demand(len(leaking(report)) == 3, "something else leaks")
    with open(bench.path("test_pool.py"), "a", encoding="utf-8") as file:
        file.write("def test_fails():\n    assert False\n")
    bench.report(argv, status=1)
    bench.report([*argv, "-k", "nothing"], status=5)


def bats(bench):
    need("bats")
    leaker = bench.compile("leaker.c")
    bench.write("pool.bats", f'@test "starts cleanly" {{\n  "{leaker}" clean\n}}\n'
                f'@test "leaks a thread" {{\n  run "{leaker}"\n}}\n')
    report, out = bench.report(["bats", "--tap", "pool.bats"])
    demand("ok 1 starts cleanly\nok 2 leaks a thread" in out, out)
    found = [process["test"] for process in leaking(report)]
    demand(found == ["pool.bats: test_leaks_a_thread"], f"{found}")


TESTS = [fork_runner, check, gtest, death_tests, cmocka, glib, boost, rust, commands, by_environment, in_children, as_text,
         pytest, bats]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
