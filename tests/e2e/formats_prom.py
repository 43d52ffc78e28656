#!/usr/bin/env python3
"""The format prom: metrics of the processes of a report.

  tests/e2e/formats_prom.py [--build DIR] [NAME...]
"""
import os
import re
import shutil
import sys

import harness
from harness import demand, need

FAMILY = re.compile(r"# (HELP|TYPE) (threadleak_\w+) (.+)")
SAMPLE = re.compile(r'(threadleak_\w+)\{((?:\w+="(?:[^"\\\n]|\\[\\n"])*",?)*)\} ([0-9.]+)')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
SUFFIXES = "_bucket", "_sum", "_count"


def series(text):
    """{name: [(labels, value)]} of a document, of which every line is checked."""
    found, seen, heads, family = {}, set(), [], None
    for line in text.splitlines():
        head = FAMILY.fullmatch(line)
        if head:
            demand(head.group(1, 2) not in heads, f"twice: {line}")
            heads.append(head.group(1, 2))
            family = head[2]
            continue
        sample = SAMPLE.fullmatch(line)
        demand(sample, f"no sample: {line}")
        name, labels = sample[1], dict(LABEL.findall(sample[2]))
        demand(name == family or name in [family + suffix for suffix in SUFFIXES], f"{line} is in {family}")
        key = name, tuple(sorted(labels.items()))
        demand(key not in seen and "pid" in labels and "exe" in labels, line)
        seen.add(key)
        found.setdefault(name, []).append((labels, float(sample[3])))
    return found


def by(found, name, label):
    return {labels[label]: value for labels, value in found.get(name, [])}


def checked(text):
    if text and shutil.which("promtool"):
        status, out, err = harness.call(["promtool", "check", "metrics"], input=text.encode())
        demand(status == 0, out + err)
    return series(text)


def reported(bench, pid, *options):
    status, out, err = harness.call([bench.cli, "report", "--format=prom", *options, str(pid)], env=bench.env)
    demand(status == 0 and not err, f"{status} {err}")
    return checked(out)


def live_process(bench):
    with bench.live_asleep("three_hundred") as pid:
        found = reported(bench, pid)
        exe = os.readlink(f"/proc/{pid}/exe")
    demand(by(found, "threadleak_threads", "state") == {"joinable": 260, "detached": 40, "unjoined": 0, "untracked": 0}, found)
    for name, value in ("created", 300), ("joined", 0), ("detached", 40), ("ended", 0):
        demand(found[f"threadleak_threads_{name}_total"][0][1] == value, name)
    sites = {labels["function"]: (labels["state"], value) for labels, value in found["threadleak_site_threads"]}
    demand(sites == {"start_pool": ("joinable", 200), "start_readers": ("joinable", 60), "start_sleepers": ("detached", 40)}, sites)
    demand(all(labels["file"].endswith("three_hundred.c") and labels["line"] for labels, _ in found["threadleak_site_threads"]), found)
    demand(by(found, "threadleak_thread_age_seconds_bucket", "le")["+Inf"] == 300, "ages")
    stacks = by(found, "threadleak_stack_bytes", "kind")
    demand(stacks["reserved"] >= 300 * 16384 and stacks["reserved"] >= stacks.get("resident", 1) > 0, stacks)
    demand(by(found, "threadleak_thread_limit", "limit").get("pid_max", 0) > 300, found)
    demand(all(labels["pid"] == str(pid) and labels["exe"] == exe for items in found.values() for labels, _ in items), found)
    demand(found["threadleak_build_info"][0][0]["version"], "version")


def unwatched_process(bench):
    """What is not known is not there."""
    with bench.live("three_hundred", watched=False) as pid:
        found = reported(bench, pid)
    demand(by(found, "threadleak_threads", "state") == {"untracked": 300}, found)
    demand(not any("_total" in name or "age" in name or "stack" in name for name in found), found)


def limit_of_a_user(bench):
    """RLIMIT_NPROC counts the threads of all processes of the user."""
    harness.need_root()
    with harness.live([*harness.as_nobody(), need("prlimit"), "--nproc=5000", bench.target("three_hundred")], bench.env) as pid:
        found = reported(bench, pid)
    demand(by(found, "threadleak_thread_limit", "limit")["RLIMIT_NPROC"] == 5000, found)
    demand(by(found, "threadleak_thread_limit_used", "limit")["RLIMIT_NPROC"] >= 301, found)


def finding(bench):
    with bench.live_asleep("owners", "recursive", "join") as pid:
        found = reported(bench, pid)
    demand(("deadlock", "proved", 1) in [(labels["code"], labels["level"], value) for labels, value in found["threadleak_findings"]],
           found.get("threadleak_findings"))


def run(bench):
    """Several processes are one document, in a file that is there as a whole; of ended ones there are no limits."""
    directory = bench.path("collector")
    os.mkdir(directory)
    path = os.path.join(directory, "app.prom")
    command = f"{bench.target('unjoined')}; {bench.target('unjoined')}; {bench.target('running')}; true"
    harness.call([bench.cli, "run", "--format=prom", "-o", path, "sh", "-c", command], env=bench.env)
    with open(path, encoding="utf-8") as file:
        found = checked(file.read())
    demand(os.listdir(directory) == ["app.prom"] and os.stat(path).st_mode & 0o777 == 0o666 & ~umask(), "the file")
    demand(len(found["threadleak_build_info"]) == 3 and "threadleak_thread_limit" not in found, found)
    unjoined = sorted(value for labels, value in found["threadleak_threads"] if labels["state"] == "unjoined")
    demand(unjoined[0] == 0 and unjoined[1] == unjoined[2] > 0, unjoined)


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def nothing_leaked(bench):
    status, out, err = harness.call([bench.cli, "run", "--format=prom", "-o", "-", "true"], env=bench.env)
    demand(status == 0 and not err and "threadleak_build_info{version=" in out, f"{status} {out} {err}")


def hostile_names(bench):
    program = bench.path('a"b\\c\n\x1b d')
    harness.copy(bench.target("unjoined"), program)
    _, out, err = harness.call([bench.cli, "run", "--format=prom", "-o", "-", program], env=bench.env)
    found = checked(out)
    demand(found["threadleak_build_info"][0][0]["exe"].endswith('a\\"b\\\\c\\\\x0a\\\\x1b d'), out + err)


def of_the_shim(bench):
    """Without the CLI, and as an answer to the dump signal."""
    done = harness.call([bench.target("unjoined")], env=bench.environment(LD_PRELOAD=bench.shim, THREADLEAK_OPTIONS="format=prom"))
    found = checked(done[2])
    demand(by(found, "threadleak_threads", "state")["unjoined"] > 0 and found["threadleak_site_threads"], done)


def repeated(bench):
    """The sum of several runs has no processes of its own, but the threads that leaked."""
    _, out, _ = harness.call([bench.cli, "run", "--repeat=2", "--format=prom", "-o", "-", bench.target("unjoined")], env=bench.env)
    demand(by(checked(out), "threadleak_threads", "state")["unjoined"] > 0, out)


def promtool(bench):
    need("promtool")
    _, out, _ = harness.call([bench.cli, "run", "--format=prom", "-o", "-", bench.target("unjoined")], env=bench.env)
    status, _, err = harness.call(["promtool", "check", "metrics"], input=out.replace("# TYPE", "# TIPE", 1).encode() + b"x{\n")
    demand(status != 0, f"promtool accepts everything: {err}")


TESTS = [live_process, unwatched_process, limit_of_a_user, finding, run, nothing_leaked, hostile_names, of_the_shim, repeated, promtool]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
