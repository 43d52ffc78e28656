#!/usr/bin/env python3
"""What CI hosts ask of our files: schemas of GitHub and of GitLab accept them, GitLab's job runs with all that GitLab does
around its lines, and shellcheck finds nothing in their scripts.

  tests/e2e/ci_hosts.py [--build DIR] [NAME...]
"""
import glob
import os
import re
import subprocess
import sys

import harness
import release
from harness import ROOT, demand, need
from projects_bench import from_npm

ACTION = "packaging/github/action.yml"
TEMPLATE = "packaging/gitlab/threadleak.yml"
PIPELINE = """include:
  - local: packaging/gitlab/threadleak.yml
threads:
  extends: .threadleak
  variables:
    THREADLEAK_ARCHIVE: file://%s
    THREADLEAK_COMMAND: %s
"""
VALIDATE = ("const text = require('fs').readFileSync(process.argv[2], 'utf8');"
            "const { errors } = require(process.argv[1]).validateAction(text);"
            "console.log(JSON.stringify(errors)); process.exit(errors.length ? 1 : 0);")
GIT = {"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "nobody",
       "GIT_CONFIG_KEY_1": "user.email", "GIT_CONFIG_VALUE_1": "nobody@example.com"}


def text_of(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


class Bench(harness.Bench):
    def run(self, argv, status=None, **more):
        got, out, _ = harness.call(argv, "replace", env=self.environment(TMPDIR=self.tmp, **GIT), stderr=subprocess.STDOUT, **more)
        demand(status is None or got == status, f"{argv}: status {got}, not {status}\n{out[-3000:]}")
        return out

    def archive(self):
        """As a release's, with this build: what an archive has in it is the matter of release.py."""
        os.makedirs(self.path("made/bin"))
        for name in ("threadleak", "libthreadleak.so"):
            harness.copy(os.path.join(self.build, name), self.path("made/bin"))
        self.run(["tar", "-czf", self.path("made.tar.gz"), "-C", self.tmp, "made"], 0)
        return self.path("made.tar.gz")

    def gitlab(self, archive, command, status, change=lambda text: text):
        """Runs the job of a project that has the template; its directory, and what was printed."""
        project = self.path(f"project{len(os.listdir(self.tmp))}")
        os.makedirs(os.path.join(project, os.path.dirname(TEMPLATE)))
        for name, text in ((TEMPLATE, change(text_of(TEMPLATE))), (".gitlab-ci.yml", PIPELINE % (archive, command))):
            with open(os.path.join(project, name), "w", encoding="utf-8") as file:
                file.write(text)
        for argv in (["init", "-q"], ["remote", "add", "origin", "https://example.com/group/project.git"], ["add", "."],
                     ["commit", "-q", "-m", "a project"]):
            self.run(["git", *argv], 0, cwd=project)
        runner = os.path.join(from_npm(self, "gitlab-ci-local", "4.52.2"), "..", ".bin", "gitlab-ci-local")
        return project, self.run([runner, "threads"], status, cwd=project)


def githubs_schema_accepts_the_action(bench):
    argv = ["node", "-e", VALIDATE, from_npm(bench, "@action-validator/core", "0.6.0")]
    bench.run([*argv, os.path.join(ROOT, ACTION)], 0)
    out = bench.run([*argv, bench.write("action.yml", text_of(ACTION).replace("using: composite", "using: compost"))], 1)
    demand("using" in out, out)  # it does check


def gitlab_runs_the_template(bench):
    need("git", "rsync", "curl")
    archive = bench.archive()
    project, out = bench.gitlab(archive, bench.target("running"), 1)
    demand("FAIL 66" in out and "created by T1 (main) at" in out, out)
    reports = re.findall(r"^      (?:codequality|junit): (\S+)$", text_of(TEMPLATE), re.M)
    kept = {name: os.path.join(directory, name) for directory, _, names in os.walk(project) for name in names}
    demand(len(reports) == 2 and all(name in kept and os.path.getsize(kept[name]) for name in reports), f"{kept} of {reports}: {out}")
    bench.gitlab(archive, bench.target("clean"), 0)


def gitlabs_schema_reads_the_template(bench):
    need("git", "rsync")
    _, out = bench.gitlab("/nothing.tar.gz", "true", 1, lambda text: text.replace("when: always", "when: whenever"))
    demand("'when' property must be one of" in out, out)


def scripts_of(path):
    """The shell lines of an action's steps, or of a job."""
    parsed = release.parsed(path)
    if "runs" in parsed:
        return [step["run"] for step in parsed["runs"]["steps"]]
    job = parsed[".threadleak"]
    return ["\n".join([*job["before_script"], *job["script"]])]


def shellcheck_finds_nothing(bench):
    need("shellcheck")
    own = [path for pattern in (".ci/*", "packaging/*/*.sh", "packaging/debian/tests/leaky-program", "packaging/alpine/APKBUILD")
           for path in sorted(glob.glob(pattern, root_dir=ROOT))]
    demand(len(own) == 5, own)
    bench.run(["shellcheck", "--severity=warning", *own], 0, cwd=ROOT)
    for path, shell in ((ACTION, "bash"), (TEMPLATE, "sh")):
        for script in scripts_of(path):
            bench.run(["shellcheck", f"--shell={shell}", "--exclude=SC2086", bench.write("script", script)], 0)
    bench.run(["shellcheck", "--shell=sh", bench.write("wrong", "cd $1\n")], 1)


TESTS = [githubs_schema_accepts_the_action, gitlab_runs_the_template, gitlabs_schema_reads_the_template, shellcheck_finds_nothing]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
