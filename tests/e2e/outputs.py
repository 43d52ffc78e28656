#!/usr/bin/env python3
"""Where reports go: several outputs of one run, and a file for each process.

  tests/e2e/outputs.py [--build DIR] [NAME...]
"""
import glob
import json
import os
import select
import signal
import subprocess
import sys
import time

import harness
from formats_bench import Bench
from harness import FORMATS, TIMEOUT_S, demand


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
    demand(status == 5 and "format=nosuch is an unknown format; use text json" in printed, printed[:200])
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
        "is not the name of a file": [["--format=json:"], ["--format=text", "--format=json:"]],
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


def closed_standard_error(bench):
    """As 2>/dev/null: the status is the result. A report that was asked for on a closed standard output is missed."""
    def status(*options, fds, target="running"):
        shell = f'exec "$@" {fds}'
        return harness.call(["sh", "-c", shell, "sh", bench.cli, "run", *options, "--", bench.target(target)])[0]
    for options in ([], ["-q"], ["-v"], ["--format=json"], ["--timeout=100s"]):
        demand(status(*options, fds="2>&-") == 66, options)
    demand(status(fds="0<&- 1>&- 2>&-") == 66, "all closed")
    demand(status(fds="2>&-", target="clean") == 0, "no leak")
    demand(status("-o", "-", fds="1>&-") == 125 and status("-o", "/dev/full", fds="2>&-") == 125, "a report is missing")


TESTS = [several_outputs, closed_standard_error, options_of_the_variable, unjudged_ends_are_reported, one_that_fails, bad_usage,
         report_takes_several, per_process, per_process_after_exec, per_process_of_none, given_up]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
