#!/usr/bin/env python3
"""Reports of run give each leak to the test that leaked it, by the full name that an adapter knows.

  tests/e2e/named_tests.py [--build DIR] [NAME...]

The suites are tests/adapters/many_*; one whose framework is not there is skipped.
"""
import os
import sys
import xml.etree.ElementTree

import harness
from harness import ROOT, Skip, demand

PATIENT = {"CK_TIMEOUT_MULTIPLIER": "100"}  # Check kills a test after 4 s


class Bench(harness.Bench):
    DROPS = ("CK_", "GTEST_", "CMOCKA_", "PYTEST_")

    def compile(self, source, *flags):
        compiler = os.environ.get("CXX", "c++") if source.endswith(".cpp") else os.environ.get("CC", "cc")
        program = self.path(source.split(".")[0])
        done = harness.compile_once(compiler, os.path.join(ROOT, "tests", "adapters", source), program, "-O0", "-g", "-D_GNU_SOURCE",
                                    "-I" + os.path.join(ROOT, "include"), *flags, "-pthread")
        if b"No such file" in done.stderr or b"cannot find -l" in done.stderr:
            raise Skip(done.stderr.decode().splitlines()[0])
        demand(done.returncode == 0, done.stderr.decode())
        return program

    def report(self, argv, *options, **env):
        """What the program printed, the JUnit report as {test: threads}, and the JSON report."""
        junit, json = self.path("junit.xml"), self.path("report.json")
        _, out, err = harness.call([self.cli, "run", *options, f"--format=json:{json}", f"--format=junit:{junit}", "--", *argv],
                                   env=self.environment(**env), cwd=self.tmp)
        found = {}
        for case in xml.etree.ElementTree.parse(junit).iter("testcase"):
            demand(case.get("name") not in found, f"{case.get('name')} twice")
            demand(case.get("classname") == os.path.basename(argv[0]), case.attrib)
            found[case.get("name")] = sum(int(failure.get("message").split()[0]) for failure in case.iter("failure"))
        return out + err, found, harness.read_json(json)


def tests_of(report):
    """Each leaked thread's test."""
    return sorted(str(thread.get("test")) for process in report["processes"] for leak in process["leaks"] for thread in leak["threads"])


GTEST = {"In/Numbers.Leaks/0": 1, "In/Numbers.Leaks/2": 1, "Colors/Numbers.Leaks/Red": 1, "Colors/Numbers.Leaks/Blue": 1,
         "Typed/0.Leaks": 1, "Typed/1.Leaks": 1, "Once/Helpers.CreateAThread/0": 1, "Once/Helpers.OfALeakedThread/0": 3, "Once/Helpers.LeaksLater/0": 1,
         "Last.Leaks": 1}


def gtest(bench):
    program = bench.compile("many_gtest.cpp", "-lgtest", "-lgtest_main")
    out, found, report = bench.report([program])
    # The forked child runs the test of its parent.
    demand(found == {program: 0, "Once/Helpers.ForkAChild/0": 1, **GTEST}, f"{found}\n{out}")
    demand(tests_of(report).count("Once/Helpers.ForkAChild/0") == 1, tests_of(report))
    for name in GTEST:
        demand(f"[  FAILED  ] {name}" in out, f"{name} passed: {out}")
    demand(f"{len(GTEST)} FAILED TESTS" in out, f"an earlier test's thread failed a later one: {out}")
    demand(out.count("leaked threads: 1\n") == len(GTEST), f"an earlier test's thread is in the message of a later one: {out}")


def one_site_of_many_tests(bench):
    """It stays one leak, and the text has the tests."""
    program = bench.compile("many_gtest.cpp", "-lgtest", "-lgtest_main")
    argv = [program, "--gtest_filter=*Numbers.*"]
    _, _, report = bench.report(argv)
    leaks = report["processes"][0]["leaks"]
    demand(len(leaks) == 1 and leaks[0]["count"] == 4 and leaks[0]["test"] is None, leaks)
    demand(report["summary"]["leak_sites"] == 1, report["summary"])
    _, _, err = harness.call([bench.cli, "run", "--", *argv], env=bench.environment(), cwd=bench.tmp)
    demand("in tests\n    In/Numbers.Leaks/0,\n    In/Numbers.Leaks/2,\n    Colors/Numbers.Leaks/Red,\n    Colors/Numbers.Leaks/Blue at\n" in err, err)
    rules = bench.write("rules", "test:In/Numbers.Leaks/*\n")
    _, found, _ = bench.report(argv, f"--suppressions={rules}")
    demand({name: threads for name, threads in found.items() if threads} == {"Colors/Numbers.Leaks/Red": 1, "Colors/Numbers.Leaks/Blue": 1}, found)


def gtest_without_adapter(bench):
    """The stack shows the function of the test."""
    with open(os.path.join(ROOT, "tests", "adapters", "many_gtest.cpp"), encoding="utf-8") as file:
        plain = file.read().replace("threadleak/gtest.h", "gtest/gtest.h").replace('THREADLEAK_GTEST("grace_ms=50");', "")
    program = bench.path("plain")
    done = harness.compile_once(os.environ.get("CXX", "c++"), bench.write("plain.cpp", plain), program, "-O0", "-g", "-lgtest", "-lgtest_main", "-pthread")
    if done.returncode:
        raise Skip("no GoogleTest here")
    _, found, _ = bench.report([program, "--gtest_filter=*Numbers.*"])
    demand(found == {f"{program} '--gtest_filter=*Numbers.*'": 0, "Numbers.Leaks": 4}, found)


def check(bench):
    flags = harness.call(["pkg-config", "--libs", "check"])[1].split() or ["-lcheck"]
    program = bench.compile("many_check.c", *flags)
    wanted = {"loop_leaks:0": 1, "loop_leaks:2": 1, "leaks": 1, "leaks_and_fails": 1, "leaks_unchecked": 1}
    for fork in "no", "yes":
        out, found, report = bench.report([program], "--judge=exit,_exit", CK_FORK=fork, **PATIENT)
        found = {name: threads for name, threads in found.items() if threads}
        demand(found == wanted, f"CK_FORK={fork}: {found}\n{out}")
        demand(tests_of(report) == sorted(wanted), tests_of(report))


def check_stacks(bench):
    """The function that the adapter puts before a test is not the user's."""
    flags = harness.call(["pkg-config", "--libs", "check"])[1].split() or ["-lcheck"]
    program = bench.compile("many_check.c", *flags)
    _, _, report = bench.report([program], CK_FORK="no", **PATIENT)
    for leak in report["processes"][0]["leaks"]:
        demand(leak["own"]["function"].endswith("leak"), leak["own"])


def cmocka(bench):
    program = bench.compile("many_cmocka.c", "-lcmocka")
    out, found, _ = bench.report([program])
    demand(found == {program: 1, "small pool": 1, "large pool": 1, "other pool": 1}, f"{found}\n{out}")


TESTS = [gtest, one_site_of_many_tests, gtest_without_adapter, check, check_stacks, cmocka]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
