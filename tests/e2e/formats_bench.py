"""What the tests of report formats and of their outputs share."""
import glob
import os

import harness
from harness import ROOT, demand

GOLDEN = os.path.join(ROOT, "tests", "golden")


def goldens(form):
    found = sorted(glob.glob(os.path.join(GOLDEN, "format_*." + form)))
    demand(found, f"no tests/golden/format_*.{form}")
    return found


def output_of(*argv, **more):
    status, out, err = harness.call(argv, **more)
    demand(status == 0, f"{' '.join(argv)[:200]}: status {status}: {err[:800]}")
    return out


class Bench(harness.Bench):
    DROPS = ("GITHUB_",)
    out = ""

    def run(self, *options, command=("kinds",), env=None, cwd=ROOT):
        """Status, and the text of standard error."""
        argv = [self.cli, "run", *options, "--", self.target(command[0]), *command[1:]]
        return self.start(argv, env, cwd)

    def start(self, argv, env=None, cwd=ROOT):
        status, self.out, printed = harness.call(argv, env=self.environment(**(env or {})), cwd=cwd)
        return status, printed

    def documents(self, form):
        """Goldens, and one of a run of each sort."""
        files = goldens(form)
        runs = {"leaks": [self.target("kinds")], "clean": [self.target("clean")], "none": [self.target("no_thread")],
                "tree": ["sh", "-c", f"{self.target('kinds')}; {self.target('kinds')}; true"],
                "suppressed": ["--suppressions=" + self.rules("thread:start_and_see_finish"), self.target("kinds")],
                "timeout": ["--timeout=1s", "sleep", "500"],
                "finding": [self.target("deadlock_at_end")],
                "finding_alone": ["--report=unjoined", "--fail-on=all:note", self.target("deadlock_at_end"), "unjoined"]}
        for name, argv in runs.items():
            file = self.path(f"{name}.{form}")
            options = [item for item in argv if item.startswith("--")]
            command = [item for item in argv if not item.startswith("--")]
            status, printed = self.start([self.cli, "run", *options, f"--format={form}:{file}", "--", *command])
            demand(status != 125, printed)
            files.append(file)
        return files

    def rules(self, rule):
        return self.write("rules.supp", rule + "\n")
