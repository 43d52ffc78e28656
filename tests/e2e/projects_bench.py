"""tests/projects/ in a directory of a test's own, and the commands that README.md and the manual show."""
import contextlib
import os
import re
import shlex
import shutil
import subprocess
import threading

import harness
from harness import ROOT, Skip, demand, need

PROJECT = os.path.join(ROOT, "tests", "projects")
RUN = "threadleak run --"
BARE = {"passes": 0, "leaks": 0, "fails": 3, "skips": 77, "errors": 99}
WATCHED = {**BARE, "leaks": 66}
SET_UP = threading.Lock()  # for the project that is set up once

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
            try:
                bench.run(["npm", "install", "--no-audit", "--no-fund", "--fetch-retries=1",
                           "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000", "--fetch-timeout=60000",
                           "--prefix", coming, f"{package}@{version}"])
            except subprocess.TimeoutExpired:  # the registry does not answer
                shutil.rmtree(coming)
            if not os.path.exists(os.path.join(coming, "node_modules", package)):
                shutil.rmtree(coming, ignore_errors=True)
                raise Skip(f"npm has no {package} here")
            try:
                os.rename(coming, prefix)
            except OSError:  # another suite was faster
                shutil.rmtree(coming)
    return os.path.join(prefix, "node_modules", package)


def recipe(command):
    """A command as the manual has it, as words."""
    demand(f"\n{command}\n" in MANUAL, f"man/threadleak.1.scd has no {command}")
    return shlex.split(command)


def copy_sources(directory):
    shutil.copytree(PROJECT, directory, ignore=shutil.ignore_patterns("__pycache__"))


class Bench(harness.Bench):
    PREFIX = "threadleak my projects "
    DROPS = ("MFLAGS", "PYTEST", "CTEST", "CMAKE", "DESTDIR", "MESON", "CFLAGS", "LDFLAGS")

    def __init__(self, build):
        super().__init__(build)
        self.copy_project("a project")

    def copy_project(self, name):
        self.source = os.path.join(self.tmp, name)
        copy_sources(self.source)
        os.mkdir(os.path.join(self.tmp, "runs"))
        self.env.update(PATH=self.build + os.pathsep + os.environ["PATH"], TMPDIR=os.path.join(self.tmp, "runs"))

    def without_spaces(self):
        """The project again, for tools that do not accept them in the name of a directory."""
        self.end()
        self.tmp = harness.temporary("threadleak-projects-")
        self.copy_project("project")

    @contextlib.contextmanager
    def set_up_once(self, set_up):
        """The project as set_up(bench) left it for the first test.  A configured directory contains its own path,
        so it cannot be copied: the tests use it one after the other."""
        directory = os.path.join(harness.built_directory(), "a project")
        with SET_UP:
            is_new = not os.path.exists(directory)
            if is_new:
                copy_sources(directory)
            self.source = directory
            try:
                if is_new:
                    set_up(self)
            except BaseException:
                shutil.rmtree(directory)
                raise
            yield

    def run(self, argv, status=None, cwd=None, closed=False, **more):
        if closed:  # no standard input at all
            argv = ["sh", "-c", 'exec "$@" <&-', "sh", *argv]
        got, out, _ = harness.call(argv, "replace", env=self.environment(**more), cwd=cwd or self.source,
                                   stderr=subprocess.STDOUT)
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
