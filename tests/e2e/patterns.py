#!/usr/bin/env python3
"""The examples of threadleak-patterns(7): the wrong version leaks or hangs as the page says, the right one does not.

  tests/e2e/patterns.py [--build DIR] [PATTERN...]
  UPDATE=1 tests/e2e/patterns.py [PATTERN...]     writes tests/golden/pattern_*.txt anew, which are part of the page
"""
import contextlib
import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import harness
from harness import ROOT, call, demand, need, threads_of

PAGE = os.path.join(ROOT, "man", "threadleak-patterns.7.scd")
GOLDEN = os.path.join(ROOT, "tests", "golden")
TRIES = 10
WIDTH = 68  # with the page's indentation, less than 80


@dataclasses.dataclass
class Pattern:
    """What the wrong version does.  `threads`: how many it leaks, by start routine, or how many of the living main waits
    for.  `findings`: what is found.  `hangs`: main does not come to its end.  `child`: the process that hangs is one."""
    name: str
    threads: dict
    findings: tuple = ()
    hangs: bool = False
    child: bool = False


PATTERNS = [
    Pattern("pattern_handover", {"answer": 1}, ("stuck proved",)),
    Pattern("pattern_first_of_n", {"ask_replica": 2}, ("stuck proved",)),
    Pattern("pattern_double_send", {"copy_file": 1}, ("stuck proved",)),
    Pattern("pattern_no_broadcast", {"work": 2}, ("all-asleep likely",), hangs=True),
    Pattern("pattern_forgotten_pool", {"work": 3}, ("stuck proved",)),
    Pattern("pattern_endless_worker", {"write_lines": 1}, ("stuck proved",)),
    Pattern("pattern_start_without_stop", {"serve": 1}, ("stuck proved",)),
    Pattern("pattern_missing_unlock", {}, ("dead-owner proved",), hangs=True),
    Pattern("pattern_barrier_count", {"compute": 3}, ("stuck proved",), hangs=True),
    Pattern("pattern_lock_and_queue", {"consume": 1}, ("all-asleep likely",), hangs=True),
    Pattern("pattern_join_under_lock", {"clean": 1}, ("deadlock proved",), hangs=True),
    Pattern("pattern_lock_order", {"transfer": 2}, ("deadlock proved",), hangs=True),
    Pattern("pattern_early_return", {"nothing": 1}, ("lost-handle proved",)),
    Pattern("pattern_fire_and_forget", {"send_report": 3}, ("lost-handle proved",)),
    Pattern("pattern_ticker", {"tick": 1}),
    Pattern("pattern_flag_without_wake", {"work": 1}, ("all-asleep likely",), hangs=True),
    Pattern("pattern_close_fd", {"receive": 1}, hangs=True),
    Pattern("pattern_fork_with_pool", {}, hangs=True, child=True),
    # libpattern_plugin.so is their library.
    Pattern("pattern_dlclose", {"work": 1}, ("stuck proved", "unloaded-code proved")),
    Pattern("pattern_static_destructor", {"work": 1}, ("deadlock proved",), hangs=True),
    Pattern("pattern_fan_out", {"download": 6}, ("stuck proved",)),
    Pattern("pattern_context", {"handle": 1}, ("stuck proved",)),
]


# A report cannot distinguish them from the pattern of another section, and names that one.
LIKE = {
    "pattern_double_send": "HAND-OVER AFTER A TIMEOUT",
    "pattern_context": "WORKER LOOP WITHOUT A WAY OUT",
    "pattern_dlclose": "WORKER LOOP WITHOUT A WAY OUT",
}


# ---- the wrong version, while it lives ---------------------------------------------------

@contextlib.contextmanager
def started(bench, pattern):
    """The wrong version, whose process is watched, and the pid of the process that hangs or leaks."""
    process = subprocess.Popen([bench.target(pattern.name), "wrong"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, env=bench.environment(LD_PRELOAD=bench.shim), text=True)
    pid = process.pid
    try:
        if pattern.child:
            pid = int(re.fullmatch(r"child (\d+)\n", process.stdout.readline()).group(1))
        elif not pattern.hangs:
            demand(process.stdout.readline() == "up\n", "it did not come up")
        yield pid
    finally:
        for each in {pid, process.pid}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        process.communicate()


def report(bench, pid):
    status, out, err = call([bench.cli, "report", "--format=json", str(pid)])
    demand(status == 0, err)
    return json.loads(out)["processes"][0]


def routines(process, kinds=("running", "detached", "unjoined")):
    """How many threads of each start routine its leaks have."""
    counts = {}
    for leak in process["leaks"]:
        if leak["kind"] not in kinds:
            continue
        name = leak["start_routine"]["function"]
        counts[name] = counts.get(name, 0) + leak["count"]
    return counts


def awaited(bench, pid, is_so):
    """The first report for which that is so; only a hang that has come is there to stay."""
    end = time.monotonic() + harness.TIMEOUT_S / 3
    while True:
        process = report(bench, pid)
        if is_so(process):
            return process
        demand(time.monotonic() < end, json.dumps(process, indent=1))
        time.sleep(0.02)


def is_as_expected(pattern, process):
    found = {f"{finding['code']} {finding['level']}" for finding in process["findings"]}
    threads = routines(process, ["running"]) if pattern.hangs else routines(process)
    return threads == pattern.threads and set(pattern.findings) <= found


def section_of(pattern):
    """Of the page: the last title before its report."""
    with open(PAGE, encoding="utf-8") as file:
        text = file.read().partition(f"\n@report {pattern.name.removeprefix('pattern_')}\n")[0]
    return re.findall(r"^# (.*)$", text, re.M)[-1]


def names_section(pattern, process):
    """Every finding that is expected refers to the pattern's section."""
    named = [finding["pattern"] for finding in process["findings"]
             if f"{finding['code']} {finding['level']}" in pattern.findings]
    wanted = {section_of(pattern), LIKE.get(pattern.name)} - {None}
    demand(set(named) <= wanted, f"{named}, not {wanted}: {json.dumps(process, indent=1)}")


def live(bench, pattern):
    with started(bench, pattern) as pid:
        if not pattern.hangs:
            awaited(bench, pid, lambda process: routines(process) == pattern.threads)
            return
        harness.wait_until_asleep(pid)
        names_section(pattern, awaited(bench, pid, lambda process: is_as_expected(pattern, process)))
        compare(pattern.name, call([bench.cli, "report", str(pid)])[1])


# ---- what the page shows -----------------------------------------------------------------

def without_chance(text):
    """Without what differs from run to run: addresses, tids, times."""
    known = {}
    text = re.sub(r"\b0x[0-9a-f]+", lambda match: known.setdefault(match[0], f"0x{0x55d0a2c0 + 64 * len(known):x}"), text)
    text = re.sub(r"\btid \d+", "tid 4712", text)
    text = re.sub(r", at\n +> (?!.*tests/targets/)[^\n]*", "", text)  # no code of the program is on the stack
    text = re.sub(r"\S*tests/targets/", "", text)
    text = re.sub(r", for at least \d[\d.]* [^,()\n]*(?=, at$)", "", text, flags=re.M)
    text = re.sub(r"[\d.]+ \w+ left", "58 s left", text)
    text = re.sub(r"^(\w+ \u00d7\d+|main)   (alive|finished) .*?(?=   )", r"\1   \2", text, flags=re.M)
    return re.sub(r"(?<=\S) {3,}(?=[\w.]+:\d+$)", "   ", text, flags=re.M)


def lines_of_leak(paragraph):
    """Its first line, what one thread runs, whether it can be joined, and where it waits."""
    lines = paragraph.split("\n")
    yield lines[0]
    yield from (line for line in lines if line.startswith("  runs ") or re.match("  (lost-handle|see threadleak)", line))
    for n, line in enumerate(lines):
        if line.startswith("  now in "):
            wide = not line.endswith(", at")  # which depends on the addresses
            yield line + wide * f" {lines[n + 1].strip()}"
            yield from [line for line in lines[n:] if line.startswith("  > ")][:1]
            return


def renumbered(text):
    """Which of several equal threads wins a race differs, so threads other than main are numbered as they appear."""
    known = {"T1": "T1"}
    return re.sub(r"\bT\d+\b", lambda match: known.setdefault(match[0], f"T{len(known) + 1}"), text)


def shown(text):
    """Of a report, the verdict and the findings; without any, where the leaked threads wait, or else main."""
    head, *paragraphs = without_chance(text).split("\n\n")
    verdict = [line for line in head.split("\n") if re.match(r"[A-Z]+: ", line)]
    found = [part for part in paragraphs if re.match(r"[\w-]+   (proved|likely|note)\n", part)]
    leaks = [part for part in paragraphs if " \u00d7" in part.split("\n")[0]]
    living = [part for part in leaks if not part.startswith("unjoined ")]
    leaks = ["\n".join(lines_of_leak(part)) for part in living or leaks]
    main = ["\n".join(lines_of_leak(part)) for part in paragraphs if part.startswith("main ")]
    lines = renumbered("\n\n".join(["\n".join(verdict)] * bool(verdict) + (found or leaks or main))).split("\n")
    return "\n".join(textwrap.fill(line, WIDTH, subsequent_indent="      ", break_long_words=False, drop_whitespace=True,
                                   replace_whitespace=False, break_on_hyphens=False) for line in lines) + "\n"


def compare(name, text):
    path = os.path.join(GOLDEN, f"{name}.txt")
    if os.environ.get("UPDATE") == "1":
        with open(path, "w", encoding="utf-8") as file:
            file.write(shown(text))
    with open(path, encoding="utf-8") as file:
        wanted = file.read()
    demand(shown(text) == wanted, f"not as in {path}; if it is right, UPDATE=1 tests/e2e/patterns.py writes it:\n{shown(text)}"
                                  f"\n--- of\n{text}")


def page(_):
    """Every pattern has a section with its report, and no line is too long for 80 columns."""
    need("awk")
    names = [pattern.name for pattern in PATTERNS] + ["pattern_sigterm"]
    status, text, err = call(["awk", "-v", f"golden={GOLDEN}", "-f", os.path.join(ROOT, "man", "reports.awk"), PAGE])
    demand(status == 0, err)
    for name in names:
        with open(os.path.join(GOLDEN, f"{name}.txt"), encoding="utf-8") as file:
            demand(text.count(f"```\n{file.read()}```") == 1, f"{name} has no section of its own")
    blocks = "".join(re.findall(r"^```\n(.*?)^```$", text, re.M | re.S))
    long = [line for line in blocks.split("\n") if len(line.expandtabs(8)) > WIDTH]
    demand(len(blocks) > 1000 and not long, long)
    if shutil.which("scdoc"):
        status, _, err = call(["scdoc"], input=text.encode())
        demand(status == 0, err)


# ---- under `run` -------------------------------------------------------------------------

def run(bench, pattern, which, form="json"):
    """The threads of the right version end, however slowly."""
    grace = ["--grace=600000"] if which == "right" else []
    status, out, err = call([bench.cli, "run", *grace, f"--format={form}", f"--output={bench.path(which)}", "--",
                             bench.target(pattern.name), which])
    if form == "text":
        return status, [], bench.read(which)
    return status, harness.read_json(bench.path(which))["processes"] if status == 66 else [], out + err


def at_the_end(bench, pattern):
    """The leak is in every run.  An old word on a stack that can be a reference hides what is stuck in a few of them."""
    for attempt in range(TRIES):
        status, processes, printed = run(bench, pattern, "wrong")
        demand(status == 66 and len(processes) == 1, f"{status} {printed} {processes}")
        demand(routines(processes[0]) == pattern.threads, json.dumps(processes, indent=1))
        if is_as_expected(pattern, processes[0]) or attempt == TRIES - 1:
            break
    demand(is_as_expected(pattern, processes[0]), json.dumps(processes, indent=1))
    names_section(pattern, processes[0])
    for attempt in range(TRIES):
        text = run(bench, pattern, "wrong", "text")[2]
        if all(re.search(rf"^ *{finding.replace(' ', '   ')}\b", text, re.M) for finding in pattern.findings):
            break
    compare(pattern.name, text)


def silent(bench, pattern):
    """No leak, and no finding."""
    status, _, printed = run(bench, pattern, "right")
    demand(status == 0 and printed.replace("up\n", "") in ("", *re.findall(r"child \d+\n", printed)), f"{status} {printed}")


# ---- SIGTERM -----------------------------------------------------------------------------

def terminated(bench, which, form="json"):
    """Status of a run that got SIGTERM when its worker slept."""
    process = subprocess.Popen([bench.cli, "run", f"--format={form}", f"--output={bench.path(which)}", "--",
                                bench.target("pattern_sigterm"), which], stdout=subprocess.PIPE,
                               stdin=subprocess.DEVNULL, env=bench.env, text=True)
    try:
        demand(process.stdout.readline() == "up\n", "it did not come up")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=harness.TIMEOUT_S)
    finally:
        process.kill()
        process.wait()
    return process.returncode


def sigterm(bench):
    status = terminated(bench, "wrong")
    demand(status == 66, status)
    document = harness.read_json(bench.path("wrong"))
    demand(routines(document["processes"][0]) == {"serve": 1}, json.dumps(document, indent=1))
    demand(len(threads_of(document["processes"][0])) == 1, json.dumps(document, indent=1))
    terminated(bench, "wrong", "text")
    compare("pattern_sigterm", bench.read("wrong"))
    status = terminated(bench, "right")
    demand(status == 0, status)


def one(pattern):
    """What is tested of a pattern, as a test of its name."""
    def test(bench):
        live(bench, pattern)
        if not pattern.hangs:
            at_the_end(bench, pattern)
        silent(bench, pattern)

    test.__name__ = pattern.name.removeprefix("pattern_")
    return test


TESTS = [*map(one, PATTERNS), sigterm, page]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
