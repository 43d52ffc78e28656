#!/usr/bin/env python3
"""Variables that a packager sets: flags reach each compiler and linker that may get them, and BUILD, STRIP and -j work.

  tests/e2e/make_flags.py [--build DIR] [NAME...]
"""
import filecmp
import os
import shlex
import subprocess
import sys

import harness
from harness import ROOT, SOAK, demand, need

FLAGS = {"CPPFLAGS": "-DOF_CPPFLAGS -D_FORTIFY_SOURCE=2 -Wdate-time", "LDFLAGS": "-Wl,-z,relro -Wl,-z,now -L/of_ldflags",
         "CFLAGS": "-O3 -DOF_CFLAGS -ffile-prefix-map=/here=there -fstack-protector-strong -fcf-protection -flto"}
TAKEN = {"-Wdate-time", "-ffile-prefix-map=/here=there", "-fcf-protection"}
TAKEN_BY_LINK = {"-fcf-protection", "-Wl,-z,relro", "-L/of_ldflags"}
LEFT = {"-O3", "-DOF_CPPFLAGS", "-DOF_CFLAGS", "-D_FORTIFY_SOURCE=2", "-fstack-protector-strong", "-flto", "-Wl,-z,now"}


def make(bench, *arguments, cwd=ROOT, **variables):
    """What make prints, and its errors."""
    argv = ["make", "--no-print-directory", "-C", cwd, *arguments]
    status, out, err = harness.call(argv, env=bench.environment(**variables), timeout=1800)
    demand(status == 0, f"{argv}: {err}")
    return out


def commands(bench, *goals):
    """The compiler's command lines that make would run in a directory with nothing built, as lists of words."""
    new = bench.path("new")
    out = make(bench, "-n", "CC=cc", f"BUILD={new}", *(f"{name}={value}" for name, value in FLAGS.items()),
               *(goal.replace("BUILD", new) for goal in goals))
    found = [line.split() for line in out.replace("\\\n", " ").splitlines() if line.startswith("cc ")]
    demand(len(found) > 20, out)
    return found


def sources(words):
    return [word for word in words if word.endswith(".c")]


def flags_reach_program_and_suites(bench):
    for words in commands(bench, "BUILD/threadleak", "BUILD/asan/tests/unit/check_guard"):
        names = ("CPPFLAGS", "CFLAGS") if sources(words) else ("CFLAGS", "LDFLAGS")
        lacking = {word for name in names for word in FLAGS[name].split()} - set(words)
        demand(not lacking, f"without {lacking}: {' '.join(words)}")


def the_shim_takes_what_marks_its_file(bench):
    for words in commands(bench, "BUILD/libthreadleak.so"):
        taken, unwanted = TAKEN if sources(words) else TAKEN_BY_LINK, LEFT & set(words)
        demand(taken <= set(words) and not unwanted, f"without {taken - set(words)} or with {unwanted}: {' '.join(words)}")


def build_of_the_environment_does_not_count(bench):
    for name in ("kept", "removed"):
        os.mkdir(bench.path(name))
    out = make(bench, "-n", "clean", BUILD=bench.path("kept"))
    demand(out.split() == ["rm", "-rf", "build"], out)
    make(bench, "clean", f"BUILD={bench.path('removed')}", BUILD=bench.path("kept"))
    demand(os.listdir(bench.tmp) == ["kept"], os.listdir(bench.tmp))


def spaces_in_directories(bench):
    """The sources and DESTDIR may have them. What is preloaded may not, and make says so."""
    own = bench.path("with a space")
    os.mkdir(own)
    subprocess.run(["cp", "-r", *(os.path.join(ROOT, name) for name in ("Makefile", "mk", "src", "preload", "man", "include", "cli", "share")), own],
                   check=True)
    make(bench, "-s", "build/preload/shim/say.o", "build/src/base/error.o", cwd=own)
    out = make(bench, "-n", "DESTDIR=/a place", "build/threadleak.pc", cwd=own)
    demand("sed" in out, out)
    os.makedirs(os.path.join(own, "tests"))
    for goal in ("check-quick", "demo"):
        status, _, err = harness.call(["make", "-n", "-C", own, goal], env=bench.env)
        demand(status == 2 and "has a space, so nothing below it can be preloaded" in err, err)
    for name in ("PREFIX", "SHIMDIR"):
        status, _, err = harness.call(["make", "-n", "-C", ROOT, f"{name}=/a place", "install"], env=bench.env)
        demand(status == 2 and f"{name} has a space" in err, err)


def jobs_are_as_set(bench):
    """-jN is added where nobody has chosen: neither the command line nor the make above."""
    show = bench.write("show.mk", "include Makefile\nshow: ; @echo jobs: $(filter -j%,$(MAKEFLAGS))\n")
    for argument, variable, wanted in (("-k", "", f"-j{len(os.sched_getaffinity(0))}"), ("-j1", "", "-j1"), ("-j7", "", "-j7"),
                                       ("-k", "-j7", "-j7"), ("-k", "kj7", "-j7"), ("-k", "--jobs=7", "-j7"), ("-k", "-j", "-j")):
        out = make(bench, argument, "-f", show, "show", **({"MAKEFLAGS": variable} if variable else {}))
        demand(out == f"jobs: {wanted}\n", f"make {argument}, MAKEFLAGS={variable}: {out}")


def suites_do_not_see_where_a_packager_installs(bench):
    """They install for themselves."""
    suite = "sh -c 'echo at ${SHIMDIR-none} ${DESTDIR-none} ${MAKEFLAGS-none}; echo 1 passed, 0 failed, 0 skipped'"
    show = bench.write("show.mk", f"include Makefile\nshow: ; @tests/all.py {shlex.quote(suite.replace('$', '$$'))}\n")
    out = make(bench, "-f", show, "PREFIX=/usr", "SHIMDIR=/usr/lib/threadleak", "DESTDIR=/there", "show")
    demand("at none none none\n" in out, out)


def strip_is_the_chosen_one(bench):
    out = make(bench, "-n", "-B", "STRIP=another-strip", "build/targets/unwind_stripped")
    demand("another-strip -o build/targets/unwind_stripped" in out, out)


def gold_gets_what_it_knows(bench):
    for linker, wanted in (("gold", False), ("lld", True)):
        out = make(bench, "-n", "-B", f"LDFLAGS=-fuse-ld={linker}", "build/libthreadleak.so")
        demand(f"-fuse-ld={linker}" in out and ("-z,noseparate-code" in out) == wanted, out[-2000:])


def rustc_without_a_toolchain(bench):
    """As rustup's is where HOME is another one: in dpkg-buildpackage.  Its targets are left out."""
    os.mkdir(bench.path("bin"))
    bench.write("bin/rustc", "#!/bin/sh\nexit 1\n", 0o755)
    make(bench, f"BUILD={bench.path('new')}", bench.path("new/targets/rust_thread"), PATH=f"{bench.path('bin')}:{os.environ['PATH']}")
    demand(not os.path.exists(bench.path("new/targets/rust_thread")), "built by what?")


def clang_builds_targets(bench):
    """Their attributes are macros, which clang knows, and the waits of what it builds are the golden's."""
    need("clang")
    users = harness.call(["grep", "-lEr", "noclone|noipa", os.path.join(ROOT, "tests", "targets"), os.path.join(ROOT, "bench")])[1]
    demand(users.split() == [os.path.join(ROOT, "tests", "targets", "attributes.h")], users)
    source = os.path.join(ROOT, "tests", "targets", "signal_capture.c")
    status, _, err = harness.call(["clang", "-fsyntax-only", "-D_GNU_SOURCE", "-Werror", source])
    demand(status == 0, err)
    make(bench, "CC=clang", f"BUILD={bench.path('clang')}", bench.path("clang/targets/waits"))
    status, out, err = harness.call([os.path.join(ROOT, "tests", "e2e", "e2e.py"), "--build", bench.build, "--targets",
                                     bench.path("clang/targets"), "waits"], env=bench.env)
    demand(status == 0 and out.startswith("2 passed"), out + err)


def copies(bench):
    """Of the sources, in two directories."""
    names = [name for name in subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, stdout=subprocess.PIPE,
                                             text=True).stdout.split()
             if os.path.exists(os.path.join(ROOT, name))]
    for copy in (bench.path("one"), bench.path("the_other_directory")):
        os.mkdir(copy)
        subprocess.run(["cp", "--parents", "--target-directory", copy, *names], cwd=ROOT, check=True)
        yield copy


def builds_are_reproducible(bench):
    """The same bytes from two directories: of some objects, and in soak of all that is installed."""
    need("git")
    built = ["build/page.html", "build/generated/profile.pb-c.o", "build/src/report/html/html.o", "build/src/base/error.o",
             "build/preload/shim/say.o", "build/cli/main.o"]
    if SOAK:
        built += ["build/threadleak", "build/libthreadleak.so"]
    one, other = copies(bench)
    for copy in (one, other):
        make(bench, "-s", *built, cwd=copy)
    different = [name for name in built if not filecmp.cmp(os.path.join(one, name), os.path.join(other, name), shallow=False)]
    demand(not different, f"differ: {different}")


TESTS = [flags_reach_program_and_suites, the_shim_takes_what_marks_its_file, build_of_the_environment_does_not_count,
         spaces_in_directories, jobs_are_as_set, suites_do_not_see_where_a_packager_installs, strip_is_the_chosen_one,
         gold_gets_what_it_knows, rustc_without_a_toolchain, clang_builds_targets, builds_are_reproducible]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
