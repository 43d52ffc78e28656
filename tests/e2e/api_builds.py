#!/usr/bin/env python3
"""<threadleak.h> in every kind of program: languages, compilers, linkers; the adapters; once installed.

  tests/e2e/api_builds.py [--build DIR] [NAME...]
"""
import itertools
import json
import os
import re
import shutil
import subprocess
import sys

import harness
from harness import ROOT, TIMEOUT_S, Skip, demand

WARN = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror"]

PROGRAM = r"""
#include <stdio.h>
#include <threadleak.h>
#include <unistd.h>
extern int other_file(void);
static void *wait_here(void *arg) { pause(); return arg; }
int main(void)
{
    pthread_t thread;
    threadleak_checkpoint_t before = threadleak_checkpoint();
    if (pthread_create(&thread, NULL, wait_here, NULL) != 0)
        return 1;
    printf("%d %d %d\n", threadleak_active(), other_file(), threadleak_check_since(before, "grace_ms=0"));
    fflush(stdout);
    _exit(0);
}
"""
OTHER = r"""
#include <threadleak.h>
#ifdef __cplusplus
extern "C"
#endif
const char *__threadleak_default_options(void) { return "stacks=0:report=running"; }
extern int other_file(void);
int other_file(void) { return threadleak_active(); }
"""
RULES = r"""
const char *__threadleak_default_suppressions(void);
const char *__threadleak_default_suppressions(void) { return "start:wait_here"; }
"""
LIBRARY = r"""
#include <threadleak.h>
#include <unistd.h>
static void *wait_in_library(void *arg) { pause(); return arg; }
static int at_start = -2;
int library_leaks(void);
int library_at_start(void);
__attribute__((constructor)) static void begin(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, wait_in_library, NULL);
    at_start = threadleak_check("grace_ms=0 log_path=/dev/null");
    threadleak_ignore_thread(thread, "the library's own");
    threadleak_add_suppressions("start:wait_in_library");
}
int library_leaks(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, wait_in_library, NULL);
    return threadleak_check("grace_ms=0 log_path=/dev/null");
}
int library_at_start(void) { return at_start; }
"""
USES_LIBRARY = r"""
#include <stdio.h>
extern int library_leaks(void);
extern int library_at_start(void);
int main(void) { printf("%d %d\n", library_at_start(), library_leaks()); return 0; }
"""


class Bench(harness.Bench):
    DROPS = ("PKG_CONFIG_PATH",)

    def path(self, name, text=None):
        return super().path(name) if text is None else self.write(name, text)

    def do(self, *argv, **env):
        return subprocess.run([*argv], env=self.environment(**env), cwd=self.tmp, text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=TIMEOUT_S, check=False)

    def make(self, *argv):
        done = self.do(*argv)
        demand(done.returncode == 0 and not done.stderr, f"{' '.join(argv)}: {done.stderr}")

    def compile(self, compiler, *argv, out="program"):
        self.make(compiler, "-pthread", "-I", os.path.join(ROOT, "include"), *WARN, *argv, "-o", self.path(out))
        return self.path(out)

    def can(self, *argv):
        """Not all compilers have all linkers and libraries."""
        probe = self.path("probe.c", "int main(void) { return 0; }\n")
        return shutil.which(argv[0]) and self.do(*argv, probe, "-o", self.path("probe")).returncode == 0


def judge(bench, program, name, watched="1 1 1"):
    """Watched it counts its thread; without the shim nothing happens at all."""
    done = bench.do(program, LD_PRELOAD=bench.shim)
    demand(done.stdout.strip() == watched, f"{name}: with the shim {done.stdout} {done.stderr}")
    demand(("leaked thread" in done.stderr) == (watched == "1 1 1"), f"{name}: printed {done.stderr}")
    done = bench.do(program)
    demand((done.stdout.strip(), done.stderr) == ("0 0 0", ""), f"{name}: without it {done.stdout} {done.stderr}")


def languages(bench):
    tried = 0
    for compiler, suffix, standards in (("gcc", "c", ("c99", "c11", "gnu17")), ("clang", "c", ("c99", "c11", "gnu17")),
                                        ("g++", "cpp", ("c++11", "c++17", "c++20")),
                                        ("clang++", "cpp", ("c++11", "c++17", "c++20"))):
        if not shutil.which(compiler):
            continue
        for standard in standards:
            other, program = OTHER, PROGRAM
            if suffix == "cpp":
                other = OTHER.replace("extern int", 'extern "C" int').replace("int other_file(void) {", 'extern "C" int other_file(void) {')
                program = PROGRAM.replace("extern int", 'extern "C" int')
            files = [bench.path(f"program.{suffix}", program), bench.path(f"other.{suffix}", other)]
            more = ["-D_DEFAULT_SOURCE"] + (["-Wstrict-prototypes", "-Wmissing-prototypes"] if suffix == "c" else [])
            judge(bench, bench.compile(compiler, f"-std={standard}", *more, *files), f"{compiler} {standard}")
            tried += 1
    demand(tried >= 3, "no compiler here")


# In all modes; other combinations as most programs are built, and the rest in `make soak`.
USUAL = {("-O2", "bfd", "gcc"), ("-O2", "lld", "clang")}


def link_modes(bench):
    """If the linker resolved the weak reference to 0, a check would never find anything."""
    files = [bench.path("program.c", PROGRAM), bench.path("other.c", OTHER)]
    tried = 0
    for compiler, linker, level in itertools.product(("gcc", "clang"), ("bfd", "gold", "lld"), ("-O0", "-O2", "-O2 -flto")):
        for mode, watched in (("-fPIE -pie", "1 1 1"), ("-fno-pie -no-pie", "1 1 1"), ("-fPIC -fno-plt -Wl,-z,now", "1 1 1"),
                              ("-static", "0 0 0"), ("-static-pie -fPIE", "0 0 0")):
            if not harness.SOAK and (level, linker, compiler) not in USUAL and (mode != "-fPIE -pie" or level == "-O0"):
                continue
            flags = [f"-fuse-ld={linker}", *level.split(), *mode.split()]
            if not bench.can(compiler, *flags):
                continue
            judge(bench, bench.compile(compiler, *flags, *files), f"{compiler} {' '.join(flags)}", watched)
            tried += 1
    demand(tried >= 9, f"only {tried} ways to link here")


def shared_library(bench):
    hidden = LIBRARY.replace("#include <threadleak.h>", '#include <pthread.h>\n#pragma GCC visibility push(hidden)\n#include <threadleak.h>\n#pragma GCC visibility pop')
    exported = LIBRARY.replace("int library_leaks(void)\n{", '__attribute__((visibility("default"))) int library_leaks(void)\n{').replace(
        "int library_at_start(void) {", '__attribute__((visibility("default"))) int library_at_start(void) {')
    for flags, text in (([], LIBRARY), (["-Wl,-Bsymbolic", "-O2"], LIBRARY), (["-fvisibility=hidden"], exported), (["-O2"], hidden)):
        library = bench.compile("cc", "-shared", "-fPIC", *flags, bench.path("library.c", text), out="libleaks.so")
        for position in ["-fPIE", "-pie"], ["-fno-pie", "-no-pie"]:
            program = bench.compile("cc", *position, bench.path("uses.c", USES_LIBRARY), library, f"-Wl,-rpath,{bench.tmp}")
            done = bench.do(program, LD_PRELOAD=bench.shim)
            demand((done.stdout, done.stderr) == ("1 0\n", ""), f"{flags}: {done.stdout} {done.stderr}")
            done = bench.do(program)
            demand((done.stdout, done.stderr) == ("0 0\n", ""), f"{flags}: {done.stdout} {done.stderr}")


def registered_without_the_header(bench):
    """A program that exports its rules, and does not know <threadleak.h> otherwise."""
    source = PROGRAM.replace("int main", "int helper(void); int helper(void) { return 1; }\nint main")
    files = [bench.path("program.c", source), bench.path("other.c", OTHER), bench.path("rules.c", RULES)]
    judge_ignored = [bench.compile("cc", *files), bench.compile("cc", "-rdynamic", *files)]
    library = bench.compile("cc", "-shared", "-fPIC", bench.path("rules.c", RULES), out="librules.so")
    plain = bench.path("plain.c", PROGRAM.replace("#include <threadleak.h>", "#include <pthread.h>")
                       .replace("threadleak_checkpoint_t before = threadleak_checkpoint();", "")
                       .replace("threadleak_active(), other_file(), threadleak_check_since(before, \"grace_ms=0\")", "1, 1, 0")
                       .replace("_exit(0)", "return 0").replace("extern int other_file(void);", ""))
    judge_ignored.append(bench.compile("cc", plain, "-Wl,--no-as-needed", library, f"-Wl,-rpath,{bench.tmp}", out="plain"))
    for program in judge_ignored:
        done = bench.do(program, LD_PRELOAD=bench.shim)
        demand((done.stdout, done.stderr) == ("1 1 0\n", ""), f"{done.stdout} {done.stderr}")
    report = bench.do(bench.cli, "run", "-v", "--format=json", "--", bench.path("plain"))
    demand('"suppressed_by": "start:wait_here"' in report.stderr, report.stderr)


def options_under_the_environment(bench):
    files = [bench.path("program.c", PROGRAM), bench.path("other.c", OTHER)]
    program = bench.compile("cc", *files)
    empty = bench.compile("cc", "-rdynamic", files[0], bench.path("empty.c", OTHER.replace("stacks=0:report=running", "")),
                          bench.path("rules.c", RULES.replace("start:wait_here", "")), out="empty")
    done = bench.do(empty, LD_PRELOAD=bench.shim)
    demand(done.stdout == "1 1 1\n", f"brings nothing: {done.stdout} {done.stderr}")
    done = bench.do(program, LD_PRELOAD=bench.shim, THREADLEAK_OPTIONS="report=detached")
    demand((done.stdout, done.stderr) == ("1 1 0\n", ""), f"{done.stdout} {done.stderr}")
    wrong = OTHER.replace("stacks=0", "nonsense=0")
    done = bench.do(bench.compile("cc", files[0], bench.path("wrong.c", wrong)), LD_PRELOAD=bench.shim)
    demand("__threadleak_default_options: unknown key 'nonsense'" in done.stderr and done.stdout == "1 1 1\n", done.stderr)


# ---- adapters ----------------------------------------------------------------------------


def framework(bench, name, compiler, source, *libraries):
    if not bench.can("cc", "-Wl,--no-as-needed", *libraries):
        raise Skip(f"no {name} here")
    return bench.compile(compiler, "-D_GNU_SOURCE", "-g", os.path.join(ROOT, "tests", "adapters", source), *libraries)


def judge_suite(done, failed, passed, what):
    """The message of the failed test has the leak; the check prints no report of its own."""
    text = done.stdout + done.stderr
    demand(done.returncode not in (0, 66), f"{what}: ended with {done.returncode}: {text}")
    for pattern in *failed, *passed:
        demand(re.search(pattern, text), f"{what}: no {pattern}: {text}")
    demand("since the checkpoint" not in text and "not loaded" not in text, f"{what}: {text}")


def line_of(source, text):
    with open(os.path.join(ROOT, "tests", "adapters", source), encoding="utf-8") as file:
        found = [number for number, line in enumerate(file, 1) if text in line]
    demand(len(found) == 1, f"{source}: {found} have {text}")
    return found[0]


def message_of(source, kind, start):
    """What the failed test says: one line with kind, creator, file and line."""
    line = line_of(source, start)
    return rf"leaked threads: 1\n  1 {kind}, created by leave_one(\(\))? \(\S*{source}:{line}\), runs .*\n"


def reports_of(bench, program, *options, **env):
    """One report at the end has each leak, with its test."""
    done = bench.do(bench.cli, "run", *options, "--format=json:report.json", "--", program, **env)
    with open(bench.path("report.json"), encoding="utf-8") as file:
        processes = json.load(file)["processes"]
    leaks = [leak for process in processes for leak in process["leaks"] if leak["counted"]]
    demand(len(leaks) == 2 and {leak["count"] for leak in leaks} == {1}, f"{leaks}\n{done.stdout}{done.stderr}")
    demand(all(leak["threads"][0]["stack"] for leak in leaks), leaks)
    return done


def without_shim(bench, program):
    done = bench.do(program)
    demand(done.returncode == 0, f"it fails without the shim: {done.stdout}{done.stderr}")
    demand(done.stderr.count("libthreadleak.so is not loaded") == 1, done.stderr)


NOT_INSTALLED = "is included, but no test was checked for leaked threads: "


def not_installed(bench, compiler, source, install, libraries, instead=""):
    """The header alone checks nothing, and says so once."""
    with open(os.path.join(ROOT, "tests", "adapters", source), encoding="utf-8") as file:
        text = file.read()
    demand(install in text, f"no {install}")
    path = bench.path(f"not_{source}", text.replace(install, instead))
    program = bench.compile(compiler, "-D_GNU_SOURCE", "-g", path, *libraries, out="not_installed")
    for env in {}, {"LD_PRELOAD": bench.shim}:
        done = bench.do(program, **env)
        demand(done.stderr.count(NOT_INSTALLED) == 1 and done.returncode == 0, f"{source}: {done.returncode} {done.stdout}{done.stderr}")


PATIENT = {"CK_TIMEOUT_MULTIPLIER": "100"}  # Check kills a test after 4 s, which a busy machine needs for a report


def adapter_check(bench):
    libraries = bench.do("pkg-config", "--libs", "check").stdout.split() or ["-lcheck"]
    program = framework(bench, "Check", "cc", "with_check.c", *libraries)
    message = message_of("with_check.c", "running thread, never joined", "pause_forever, NULL")
    place = rf"with_check\.c:{line_of('with_check.c', 'START_TEST(leaks)')}:[SF]:threads:leaks:0: "
    for fork in "yes", "no":
        done = bench.do(program, CK_FORK=fork, LD_PRELOAD=bench.shim, **PATIENT)
        judge_suite(done, [place + message, "Checks: 4, Failures: 1, Errors: 0"],
                    [f"P:threads:{name}:" for name in ("clean_before", "ignores", "clean_after")], f"CK_FORK={fork}")
        done = reports_of(bench, program, CK_FORK=fork, **PATIENT)
        demand(done.returncode == 1, done.stderr)
    without_shim(bench, program)
    not_installed(bench, "cc", "with_check.c", "THREADLEAK_TCASE(tcase);", libraries)


def adapter_cmocka(bench):
    program = framework(bench, "cmocka", "cc", "with_cmocka.c", "-lcmocka")
    done = bench.do(program, LD_PRELOAD=bench.shim)
    message = message_of("with_cmocka.c", "running thread, never joined", "pause_forever, NULL")
    line = line_of("with_cmocka.c", "static void leaks(")
    judge_suite(done, [r"\[  ERROR   \] leaks", rf"with_cmocka\.c:({line}|{line + 1}): error: " + message],
                [rf"\[       OK \] {name}\n" for name in ("clean_before", "ignores", "clean_after")], "cmocka")
    reports_of(bench, program)
    without_shim(bench, program)
    not_installed(bench, "cc", "with_cmocka.c", "threadleak_run_group_tests", ["-lcmocka"], "cmocka_run_group_tests")


def adapter_gtest(bench):
    program = framework(bench, "GoogleTest", "c++", "with_gtest.cpp", "-lgtest")
    done = bench.do(program, LD_PRELOAD=bench.shim)
    message = message_of("with_gtest.cpp", "detached thread, still alive", "std::thread([] {")
    place = rf"with_gtest\.cpp:{line_of('with_gtest.cpp', 'TEST(Threads, Leaks)')}: Failure\nFailed\n"
    judge_suite(done, [r"\[  FAILED  \] Threads\.Leaks", place + message, " 1 FAILED TEST"],
                [rf"\[       OK \] {name} " for name in ("Pool.CleanBefore", "Threads.Ignores", "Threads.CleanAfter")],
                "GoogleTest")
    reports_of(bench, program)
    without_shim(bench, program)
    not_installed(bench, "c++", "with_gtest.cpp", 'threadleak::InstallGoogleTest("grace_ms=50");', ["-lgtest"])


GTEST_MAIN = r"""
#include <thread>
#include <threadleak/gtest.h>
#include <unistd.h>
class Numbers : public testing::TestWithParam<int> {};
TEST_P(Numbers, Leaks)
{
    if (GetParam() == 2)
        std::thread([] { for (;;) pause(); }).detach();
}
INSTANTIATE_TEST_SUITE_P(Few, Numbers, testing::Values(1, 2));
TEST(Clean, Passes) {}
THREADLEAK_GTEST("grace_ms=50");
"""
OTHER_GTEST = r"""
#include <threadleak/gtest.h>
TEST(Other, Passes) {}
"""


def adapter_gtest_main(bench):
    """One macro is enough, and a test with parameters keeps its full name."""
    if not bench.can("cc", "-Wl,--no-as-needed", "-lgtest"):
        raise Skip("no GoogleTest here")
    program = bench.compile("c++", "-g", bench.path("main.cpp", GTEST_MAIN), bench.path("other.cpp", OTHER_GTEST), "-lgtest", "-lgtest_main")
    done = bench.do(bench.cli, "run", "--format=json:report.json", "--", program)
    demand(done.returncode == 1 and re.search(r"main\.cpp:6: Failure\nFailed\nleaked threads: 1\n.*main\.cpp:9\)", done.stdout), done.stdout)
    demand("[  PASSED  ] 3 tests." in done.stdout and NOT_INSTALLED not in done.stderr, f"{done.stdout}{done.stderr}")
    done = bench.do(bench.cli, "run", "-q", "--", program)
    demand(done.stdout.count("leaked threads: 1\n") == 1 and not done.stderr, f"-q prints more: {done.stderr}")
    without_shim(bench, program)


DEATH_TESTS = r"""
#include <cstdlib>
#include <threadleak/gtest.h>
TEST(DeathTest, PrintsNothing) { EXPECT_EXIT(exit(3), testing::ExitedWithCode(3), "^$"); }
"""


def adapter_gtest_death_tests(bench):
    """GoogleTest compares what the child of a death test prints."""
    if not bench.can("cc", "-Wl,--no-as-needed", "-lgtest"):
        raise Skip("no GoogleTest here")
    for text, line in ((DEATH_TESTS + "THREADLEAK_GTEST();\n", "libthreadleak.so is not loaded"), (DEATH_TESTS, NOT_INSTALLED)):
        program = bench.compile("c++", bench.path("death.cpp", text), "-lgtest", "-lgtest_main")
        for style in "fast", "threadsafe":
            done = bench.do(program, f"--gtest_death_test_style={style}")
            demand(done.returncode == 0 and done.stderr.count(line) == 1, f"{style}: {done.stdout}{done.stderr}")
            done = bench.do(program, f"--gtest_death_test_style={style}", LD_PRELOAD=bench.shim)
            demand(done.returncode == 0, f"{style}: {done.stdout}{done.stderr}")


# ---- installed -----------------------------------------------------------------------------


def installed(bench):
    prefix = bench.path("prefix")
    done = bench.do("make", "-s", "-C", ROOT, f"BUILD={os.path.relpath(bench.build, ROOT)}", f"PREFIX={prefix}", "install")
    demand(done.returncode == 0, done.stderr)
    files = [bench.path("program.c", PROGRAM), bench.path("other.c", OTHER)]
    found = {"PKG_CONFIG_PATH": f"{prefix}/lib/pkgconfig"}
    flags = bench.do("pkg-config", "--cflags", "--libs", "threadleak", **found).stdout.split()
    demand(flags == [f"-I{prefix}/include"], flags)
    shim = bench.do("pkg-config", "--variable=preload", "threadleak", **found).stdout.strip()
    bench.make("cc", "-pthread", *flags, *files, "-o", bench.path("program"))
    done = bench.do(bench.path("program"), LD_PRELOAD=shim)
    demand(done.stdout == "1 1 1\n" and "leaked thread" in done.stderr, f"{done.stdout} {done.stderr}")
    for header in ("threadleak/abi.h", "threadleak/check.h", "threadleak/cmocka.h", "threadleak/gtest.h",
                   "threadleak/adapter.h"):
        demand(os.path.exists(f"{prefix}/include/{header}"), f"no {header}")
    bench.do("make", "-s", "-C", ROOT, f"BUILD={os.path.relpath(bench.build, ROOT)}", f"PREFIX={prefix}", "uninstall")
    left = [os.path.join(directory, name) for directory, _, names in os.walk(prefix) for name in names]
    demand(not left, f"not removed: {left}")


def manual_example(bench):
    with open(os.path.join(ROOT, "man", "threadleak.1.scd"), encoding="utf-8") as file:
        found = re.search(r"```\n(#include <threadleak\.h>\n.*?)```\n", file.read(), re.S)
    demand(found, "no example")
    program = bench.compile("cc", bench.path("example.c", found.group(1)))
    demand(bench.do(program).returncode == 0, "it fails without the shim")
    done = bench.do(bench.cli, "run", "--", program)
    demand(done.returncode == 1 and "since the checkpoint" in done.stderr, f"{done.returncode} {done.stderr}")


TESTS = [languages, link_modes, shared_library, registered_without_the_header, options_under_the_environment,
         adapter_check, adapter_cmocka, adapter_gtest, adapter_gtest_main, adapter_gtest_death_tests,
         installed, manual_example]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
