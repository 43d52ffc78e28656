#!/usr/bin/env python3
"""tests/projects/, a small project as its users have it, built and tested by each
build system with threadleak around its tests: the test that leaks fails, and
what fails, is skipped or breaks by itself comes through as it was.

  tests/e2e/projects.py [--build DIR] [NAME...]

It is built in a copy, in a temporary directory with a space in its name where the
build system allows that.  The commands are those of the manual.
"""
import contextlib
import json
import os
import re
import shutil
import sys

import harness
from harness import ROOT, Skip, demand, need
from projects_bench import BARE, RUN, WATCHED, Bench, demand_report, recipe


# ---- meson ----------------------------------------------------------------------------------

# What a test that speaks TAP ends with is beside that protocol: an error.
MESON_BARE, MESON_WATCHED = {**BARE, "tap": 0}, {**WATCHED, "tap": 66}
MESON_RESULTS = {0: "OK", 77: "SKIP", 99: "ERROR"}


def meson_set_up(bench):
    need("meson", "ninja")
    bench.run(["meson", "setup", "out of tree"], 0)


def meson_test(bench, words, wanted, status, closed=False):
    """Runs `meson test`, whose status is how many failed; what the log has for each test."""
    name = "testlog-threadleak.json" if len(words) > 2 else "testlog.json"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(bench.path("out of tree", "meson-logs", name))  # another test's
    out = bench.run([*words[:2], "-C", "out of tree", "--print-errorlogs", *words[2:]], status, closed=closed)
    tests = [json.loads(line) for line in bench.read("out of tree", "meson-logs", name).splitlines()]
    for test in tests:
        case = re.sub(r"^pool:|^pool / ", "", test["name"]).strip()
        result = "ERROR" if (case, wanted[case]) == ("tap", 66) else MESON_RESULTS.get(wanted[case], "FAIL")
        demand((test["returncode"], test["result"]) == (wanted[case], result), f"{test}\n{out}")
    demand(len(tests) == len(wanted), f"{len(tests)} tests")
    if wanted is MESON_WATCHED:
        demand_report(out)
        bench.demand_tidy()


def meson(bench):
    with bench.set_up_once(meson_set_up):
        meson_test(bench, ["meson", "test"], MESON_BARE, 2)
        meson_test(bench, recipe(f"meson test --wrap='{RUN}'"), MESON_WATCHED, 4)
        meson_test(bench, recipe("meson test --setup=threadleak"), MESON_WATCHED, 4)


def meson_many_at_once(bench):
    """Side by side, and without a standard input."""
    words = recipe(f"meson test --wrap='{RUN}'")
    with bench.set_up_once(meson_set_up):
        meson_test(bench, words, MESON_WATCHED, 4, closed=True)
        out = bench.run([*words, "-C", "out of tree", "--repeat=20", "--num-processes=8", "passes"], 0)
    demand(re.search(r"Ok: +20 *\n", out), out)
    bench.demand_tidy()


# ---- automake, make ------------------------------------------------------------------------------

AUTOMAKE_RESULTS = {0: "PASS", 77: "SKIP", 99: "ERROR"}


def automake_check(bench, words, wanted):
    out = bench.run([*words, "-j4"], 2, cwd=bench.path("objects"))
    for name, status in wanted.items():
        log = bench.read("objects", f"test_{name}.log")
        result = AUTOMAKE_RESULTS.get(status, "FAIL")
        demand(f"{result} test_{name} (exit status: {status})" in log, f"{name}: {log}")
        demand(f":test-result: {result}\n" in bench.read("objects", f"test_{name}.trs"), f"{name}")
    failed = 2 if wanted is WATCHED else 1
    for line in ("# TOTAL: 5", f"# PASS:  {3 - failed}", "# SKIP:  1", f"# FAIL:  {failed}", "# ERROR: 1"):
        demand(line in out, f"no {line}\n{out}")
    if wanted is WATCHED:
        demand_report(bench.read("objects", "test_leaks.log"))
        bench.demand_tidy()


def automake(bench):
    need("autoreconf", "automake")
    bench.without_spaces()  # which configure refuses
    bench.run(["autoreconf", "-i"], 0)
    os.mkdir(bench.path("objects"))
    configure = ["../configure", "CFLAGS=-g", "--cache-file=../config.cache"]  # the second run knows what the first found
    bench.run(configure, 0, cwd=bench.path("objects"))
    automake_check(bench, ["make", "check"], BARE)
    automake_check(bench, recipe("make check LOG_COMPILER=threadleak AM_LOG_FLAGS='run --'"), WATCHED)
    shutil.rmtree(bench.path("objects"))
    os.mkdir(bench.path("objects"))
    bench.run([*configure, "--enable-threadleak"], 0, cwd=bench.path("objects"))
    automake_check(bench, ["make", "check"], WATCHED)


def make_errors(out):
    return {name: int(status) for name, status in re.findall(r"\*\*\* \[\S+ test_(\w+)\.run\] Error (\d+)", out)}


def plain_make(bench):
    need("make")
    words = recipe(f"make check RUN='{RUN}'")
    plain = ["-f", "plain.mk", "-k", "-j4"]
    out = bench.run(["make", "check", *plain], 2)
    demand(make_errors(out) == {name: status for name, status in BARE.items() if status}, out)
    out = bench.run([*words, *plain], 2)
    demand(make_errors(out) == {name: status for name, status in WATCHED.items() if status}, out)
    demand_report(out)
    bench.demand_tidy()


def make_many_at_once(bench):
    """Runs side by side have nothing in common."""
    need("make")
    bench.write("many.mk", "NUMBERS := $(shell seq 24)\nall: $(NUMBERS)\n$(NUMBERS): test_leaks\n"
                f"\t{RUN[:-2]} -o report.$@ -- ./test_leaks\ninclude plain.mk\n")
    out = bench.run(["make", "-f", "many.mk", "-k", "-j8", "all"], 2)
    demand(sorted(re.findall(r"many\.mk:\d+: (\d+)\] Error 66", out)) == sorted(str(n) for n in range(1, 25)), out)
    for number in range(1, 25):
        demand_report(bench.read(f"report.{number}"))
    bench.demand_tidy()


def make_as_a_whole(bench):
    need("make")
    words = recipe("threadleak run -- make check")
    out = bench.run([*words, "-f", "plain.mk", "-k", "-j4"], 2)
    demand_report(out)
    demand("leaked threads at " in out and make_errors(out) == {name: status for name, status in BARE.items() if status}, out)
    out = bench.run([*words, "-f", "plain.mk", "TESTS=test_passes test_leaks"], 66)
    demand_report(out)
    bench.run([*words, "-f", "plain.mk", "TESTS=test_passes"], 0)
    bench.demand_tidy()


# ---- pytest ------------------------------------------------------------------------------------------

def find_pytest(bench):
    need("make")
    bench.run(["make", "-f", "plain.mk", "test_passes", "test_leaks", "test_fails", "test_skips", "test_errors"], 0)
    python = harness.python_with("pytest")
    # A `pytest` of that python, as a user has it.
    os.mkdir(bench.path("bin"))
    bench.write("bin/pytest", f'#!/bin/sh\nexec "{python}" -m pytest -p no:cacheprovider "$@"\n', 0o755)
    return {"PATH": os.pathsep.join((bench.path("bin"), bench.build, os.environ["PATH"])),
            "POOL_TESTS": bench.source, "PYTHONDONTWRITEBYTECODE": "1"}


def pytest(bench):
    env = find_pytest(bench)
    demand("4 passed, 1 skipped" in bench.run(["pytest"], 0, **env), "it fails by itself")
    # Around each program: its test fails.
    out = bench.run(["pytest", f"--run-with={RUN}"], 1, **env)
    demand("1 failed, 3 passed, 1 skipped" in out and "66 == 0" in out and "FAILED test_pool.py::test_leaks" in out, out)
    demand_report(out)
    # Around all of it: one report, which names the tests.
    out = bench.run(recipe("threadleak run -- pytest"), 66, **env)
    demand("4 passed, 1 skipped" in out, out)
    named = dict(re.findall(r"test_(\w+) \(pid \d+\) in test test_pool\.py::(\w+), exit status \d+\n", out))
    demand(named == {name: f"test_{name}" for name in BARE if name != "passes"}, f"{named}\n{out}")
    bench.run([*recipe("threadleak run -- pytest"), "-k", "passes"], 0, **env)
    bench.demand_tidy()


IN_ITSELF = """import threading, time
import pytest

def test_joins():
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()

@pytest.mark.parametrize("name", ["a", "b"])
def test_leaks(name):
    threading.Thread(target=time.sleep, args=(100000,), daemon=True).start()
"""


def pytest_plugin(bench):
    """Threads of the process of pytest itself."""
    env = {**find_pytest(bench), "PYTHONPATH": os.path.join(ROOT, "share", "threadleak")}
    bench.write("test_itself.py", IN_ITSELF)
    words = ["pytest", "-p", "pytest_threadleak", "test_itself.py"]
    demand("3 passed" in bench.run(words, 0, **env), "without threadleak")
    out = bench.run(["threadleak", "run", "--format=json:itself.json", "--grace=0", "--", *words], 66, **env)
    [process] = [one for one in json.loads(bench.read("itself.json"))["processes"] if one["leaks"]]
    tests = sorted({str(thread.get("test")) for thread in harness.threads_of(process)})
    demand(tests == ["test_itself.py::test_leaks[a]", "test_itself.py::test_leaks[b]"], f"{tests} {out}")


# ---- cargo -------------------------------------------------------------------------------------------

def cargo(bench):
    need("cargo")
    if os.uname().machine != "x86_64":
        raise Skip("the manual names x86_64's runner")
    variable, *words = recipe(f"CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER='{RUN}' cargo test")
    name, runner = variable.split("=")
    os.mkdir(bench.path("src"))
    harness.copy(os.path.join(ROOT, "tests", "blame", "suite_rust.rs"), bench.path("src", "lib.rs"))
    bench.write("Cargo.toml", '[package]\nname = "pool"\nversion = "0.1.0"\nedition = "2021"\n')
    bench.run([*words, "--offline"], 0)
    out = bench.run([*words, "--offline"], **{name: runner})
    demand("(exit status: 66)" in out and "in test tests::leaks at\n" in out, out)
    bench.run([*words, "--offline", "nothing"], 0, **{name: runner})


TESTS = [automake, meson, plain_make, make_many_at_once, make_as_a_whole, pytest, pytest_plugin, cargo, meson_many_at_once]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
