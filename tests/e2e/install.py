#!/usr/bin/env python3
"""`make install` writes into the directories that it is given, what it wrote works there, and `make uninstall` removes that alone.

  tests/e2e/install.py [--build DIR] [NAME...]
"""
import os
import re
import shutil
import sys

import harness
from harness import ROOT, demand, need

TRIPLE = "x86_64-linux-gnu"
# What make install is given, and where the shim is then, below DESTDIR.
LAYOUTS = {
    "plain": (["PREFIX=/usr/local"], "/usr/local/lib"),
    "debian": (["PREFIX=/usr", f"LIBDIR=/usr/lib/{TRIPLE}", f"SHIMDIR=/usr/lib/{TRIPLE}/threadleak"], f"/usr/lib/{TRIPLE}/threadleak"),
    "apart": (["PREFIX=/opt/tl", "LIBDIR=/srv/own/libs", "INCLUDEDIR=/srv/own/headers", "MANDIR=/srv/own/manual"], "/srv/own/libs"),
}
BUILT = ("src", "cli", "preload", "generated", "libsrc.a", "page.html", "places", "threadleak", "libthreadleak.so")
PROJECT = """cmake_minimum_required(VERSION 3.16)
project(user C)
find_package(threadleak %s REQUIRED)
find_package(Threads REQUIRED)
add_executable(user user.c)
target_link_libraries(user threadleak::threadleak Threads::Threads)
message(STATUS "program ${threadleak_EXECUTABLE} preload ${threadleak_PRELOAD}")
"""
USER = """#include <stdio.h>
#include <threadleak.h>
int main(void) { printf("active %d\\n", threadleak_active()); return 0; }
"""


class Bench(harness.Bench):
    def copy_of_build(self):
        """Its objects: another layout changes two of them, and other tests run what is in the build directory."""
        own = self.path("build")
        os.mkdir(own)
        for name in BUILT:
            if os.path.exists(os.path.join(self.build, name)):
                status, _, err = harness.call(["cp", "-a", "--reflink=auto", os.path.join(self.build, name), own])
                demand(status == 0, err)
        return own

    def make(self, goal, layout, *more):
        argv = ["make", "-s", "--no-print-directory", "-C", ROOT, f"BUILD={self.path('build')}", f"DESTDIR={self.path('root')}",
                *LAYOUTS[layout][0], *more, goal]
        status, out, err = harness.call(argv, env=self.env)
        demand(status == 0, f"{argv}: {out}{err}")
        return out

    def installed(self, layout, *more):
        self.copy_of_build()
        out = self.make("install", layout, *more)
        return self.path("root"), out

    def files(self):
        return {os.path.join(directory, name) for directory, _, names in os.walk(self.path("root")) for name in names}


def value(layout, name, default):
    return dict(pair.split("=") for pair in LAYOUTS[layout][0]).get(name, default)


def works(bench, layout):
    """Program and shim find each other, both ways, wherever the whole is moved to; no other file is written."""
    root, _ = bench.installed(layout)
    moved = bench.path("moved")
    shutil.copytree(root, moved)
    prefix, shim = value(layout, "PREFIX", ""), f"{moved}{LAYOUTS[layout][1]}/libthreadleak.so"
    program = bench.target("running")
    status, _, err = harness.call([f"{moved}{prefix}/bin/threadleak", "run", "--", program], env=bench.env)
    demand(status == 66 and "leaked thread" in err, f"{status} {err}")
    status, _, err = harness.call([program], env=bench.environment(LD_PRELOAD=shim))
    demand(status == 0 and "created by T1 (main) at" in err, f"{status} {err}")
    hint = f"LD_PRELOAD={shim} "
    status, out, _ = harness.call([f"{moved}{prefix}/bin/threadleak", "help"], env=bench.env)
    demand(status == 0 and hint in out, f"the path of the shim: {out}")
    headers, manual = value(layout, "INCLUDEDIR", f"{prefix}/include"), value(layout, "MANDIR", f"{prefix}/share/man")
    libraries = value(layout, "LIBDIR", f"{prefix}/lib")
    allowed = (f"{prefix}/bin/", f"{prefix}/share/", headers + "/", libraries + "/", manual + "/")
    outside = [name for name in bench.files() if not name.removeprefix(root).startswith(allowed)]
    demand(not outside, f"outside of the layout: {outside}")
    for name in (f"{headers}/threadleak.h", f"{headers}/threadleak/gtest.h", f"{libraries}/pkgconfig/threadleak.pc",
                 *([f"{manual}/man1/threadleak.1"] if shutil.which("scdoc") else [])):
        demand(os.path.exists(root + name), f"no {name}")
    if shutil.which("scdoc"):
        with open(f"{root}{manual}/man1/threadleak.1", encoding="utf-8") as page:
            demand(f"LD_PRELOAD={LAYOUTS[layout][1]}/libthreadleak.so" in page.read().replace("\\&", ""), "the path of the shim in the manual")


def works_plain(bench):
    works(bench, "plain")


def works_debian(bench):
    works(bench, "debian")


def works_apart(bench):
    works(bench, "apart")


def uninstall_removes_that_alone(bench):
    root, _ = bench.installed("debian")
    written = bench.files()
    for directory in {os.path.dirname(name) for name in written if not re.search(r"threadleak(/|$)", os.path.dirname(name))}:
        open(os.path.join(directory, "another"), "w", encoding="utf-8").close()
    others = bench.files() - written
    bench.make("uninstall", "debian")
    demand(bench.files() == others, f"left or lost: {sorted(bench.files() ^ others)}")
    directories = [directory for directory, _, _ in os.walk(root) if "threadleak" in directory.removeprefix(root)]
    demand(not directories, f"left: {directories}")


def says_that_the_manual_is_missing(bench):
    _, out = bench.installed("plain", "SCDOC=no-scdoc-here")
    demand("No man pages are installed, because no-scdoc-here is not here" in out, out)
    demand(not any("/man/" in name for name in bench.files()), bench.files())


def pkg_config(bench):
    need("pkg-config")
    root, _ = bench.installed("apart")
    env = bench.environment(PKG_CONFIG_LIBDIR=f"{root}/srv/own/libs/pkgconfig")
    for question, answer in (("--cflags", "-I/srv/own/headers"), ("--variable=preload", "/srv/own/libs/libthreadleak.so"),
                             ("--variable=prefix", "/opt/tl")):
        _, out, err = harness.call(["pkg-config", question, "threadleak"], env=env)
        demand(out.strip() == answer, f"{question}: {out}{err}")


def cmake(bench):
    """find_package() in a project of a user's, which is then watched."""
    need("cmake")
    root, _ = bench.installed("apart")
    os.mkdir(bench.path("project"))
    bench.write("project/user.c", USER)
    configure = ["cmake", "-S", bench.path("project"), "-B", bench.path("made"), f"-Dthreadleak_DIR={root}/srv/own/libs/cmake/threadleak"]
    for version, is_right in (("9.9", False), ("0.1", False), ("", True), ("0.2", True)):
        bench.write("project/CMakeLists.txt", PROJECT % version)
        status, out, err = harness.call(configure, env=bench.env)
        demand((status == 0) == is_right, f"version {version}: {out}{err}")
    demand(f"program {root}/opt/tl/bin/threadleak preload {root}/srv/own/libs/libthreadleak.so" in out, out)
    status, out, err = harness.call(["cmake", "--build", bench.path("made")], env=bench.env)
    demand(status == 0, out + err)
    _, out, err = harness.call([f"{root}/opt/tl/bin/threadleak", "run", "--", bench.path("made/user")], env=bench.env)
    demand(out == "active 1\n", out + err)


TESTS = [works_plain, works_debian, works_apart, uninstall_removes_that_alone, says_that_the_manual_is_missing, pkg_config, cmake]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
