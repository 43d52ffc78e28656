"""tests/projects/ in a directory of a test's own, and the commands that README.md and the manual show."""
import os
import re
import shlex
import shutil
import subprocess
import tempfile

import harness
from harness import ROOT, Skip, demand, need

PROJECT = os.path.join(ROOT, "tests", "projects")
RUN = "threadleak run --"
BARE = {"passes": 0, "leaks": 0, "fails": 3, "skips": 77, "errors": 99}
WATCHED = {**BARE, "leaks": 66}

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
