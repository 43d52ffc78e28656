#!/usr/bin/env python3
"""The shim without `threadleak run`: what it could not record is one line on standard error, and a second copy of it
records nothing.

  tests/e2e/unrecorded.py [--build DIR] [NAME...]
"""
import json
import os
import pathlib
import re
import sys

import harness
from harness import Skip, demand
from tree_bench import Bench

LOST = r"threadleak: (\d+) creations of a thread by process \d+ were not recorded: "


def shim(bench, argv, preload=None, **more):
    """Status and standard error, under LD_PRELOAD; `limit` as for ulimit."""
    limit = more.pop("limit", None)
    if limit:
        argv = ["bash", "-c", f'ulimit {limit}; LD_PRELOAD="$0" exec "$@"', preload or bench.shim, *argv]
    else:
        more["LD_PRELOAD"] = preload or bench.shim
    code, _, err = harness.call(argv, env=bench.environment(**more))
    return code, err


def two_copies(bench):
    """LD_PRELOAD has two paths, or `threadleak run` adds one: each leak is reported once."""
    other = bench.path("libother.so")
    harness.copy(bench.shim, other)
    for preload in (f"{bench.shim}:{other}", f"{other}:{bench.shim}"):
        code, err = shim(bench, [bench.target("unjoined")], preload)
        demand(code == 0 and re.findall(r"^unjoined [x×](\d)", err, re.MULTILINE) == ["3"], f"{code} {err}")
        output = bench.path("report.json")
        code, _, err = harness.call([bench.cli, "run", "--format=json", "-o", output, "--", bench.target("unjoined")],
                                    env=bench.environment(LD_PRELOAD=other))
        report = harness.read_json(output)
        demand(code == 66 and report["summary"]["leaked_threads"] == 3 and report["summary"]["processes"] == 1, f"{code} {err}")


def full_table(bench):
    if shim(bench, [bench.target("joined_at_once")], "", limit="-v 115000")[0] != 0:
        raise Skip("these threads do not fit here")
    code, err = shim(bench, [bench.target("joined_at_once")], limit="-v 115000")
    lost = re.fullmatch(LOST + "too many threads or creation sites at once for its ledger\n", err)
    demand(code == 0 and lost and int(lost[1]) > 100, f"{code} {err}")


def full_sites(bench):
    """A thread without its place is still a leak, and the report says why it has none."""
    if shim(bench, [bench.target("many_places")], "", limit="-v 115000")[0] != 0:
        raise Skip("these threads do not fit here")
    code, err = shim(bench, [bench.target("many_places")], limit="-v 115000")
    lost = re.search(r"^lost: the ledger had no room for the places of (\d+) creations; ", err, re.MULTILINE)
    demand(code == 0 and "1 leaked thread at 1 site" in err and lost and 300 < int(lost[1]) < 450, f"{code} {err}")


def no_memory(bench):
    """A limit on the address space that leaves no room for the smallest ledger, and enough for three threads."""
    found = [size for size in range(12000, 19000, 1000)
             if shim(bench, [bench.target("small_stack")], "", limit=f"-v {size}")[0] == 0]
    for size in found:
        code, err = shim(bench, [bench.target("small_stack")], limit=f"-v {size}")
        if code == 0:
            demand(re.fullmatch(LOST + "there was no memory for its ledger\n", err), err)
            return
    raise Skip("no such limit here")


def without_file(bench):
    """A limit on the size of files does not keep the shim from recording."""
    code, err = shim(bench, [bench.target("unjoined")], limit="-f 0")
    demand(code == 0 and re.search(r"^unjoined [x×]3", err, re.MULTILINE), f"{code} {err}")


def live_without_file(bench):
    argv = ["bash", "-c", 'ulimit -f 0; LD_PRELOAD="$0" exec "$@"', bench.shim, bench.target("create_fails")]
    with harness.live(argv, bench.env) as pid:
        code, out, err = harness.call([bench.cli, "report", "--format=json", str(pid)], env=bench.env)
        process = json.loads(out)["processes"][0]
        demand(code == 0 and process["watched"] and process["threads"]["created"] == 2, f"{code} {err} {out}")


def in_sandbox(bench):
    code, err = shim(bench, [bench.target("sandbox_creates")])
    if code == 77:
        raise Skip("no seccomp here")
    demand(code == 0 and err == "threadleak: 2 creations of a thread were not recorded: it was forked or started in a sandbox\n",
           f"{code} {err}")


def started_in_sandbox(bench):
    """What a filter refuses is done without; one that ends the program for a call of the shim is noticed."""
    def run(answer):
        return harness.call([bench.target("sandbox_then_exec"), answer, bench.shim, bench.target("unjoined")], env=bench.env)
    code, _, err = run("refuse")
    if code == 77:
        raise Skip("no seccomp here")
    demand(code == 0 and re.search(r"^unjoined [x×]3", err, re.MULTILINE), f"{code} {err}")
    code, _, err = run("kill")
    demand(code == 0 and err == "threadleak: 3 creations of a thread were not recorded: it was forked or started in a sandbox\n",
           f"{code} {err}")


def sandbox_leaves_no_core(bench):
    """The child that tries the calls has a copy of the program's memory."""
    pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text(encoding="utf-8").strip()
    if "/" in pattern or "|" in pattern:
        raise Skip("the kernel writes cores elsewhere")
    directory = bench.path("cores")
    os.mkdir(directory)
    limited = ["bash", "-c", 'ulimit -c unlimited; cd "$0"; "$@"', directory, bench.target("sandbox_then_exec")]
    aborts = harness.call(["bash", "-c", 'ulimit -c unlimited; cd "$0"; kill -ABRT $$', directory], env=bench.env)
    if aborts[0] == 0 or not os.listdir(directory):
        raise Skip("no cores here")
    for core in os.listdir(directory):
        os.remove(os.path.join(directory, core))
    code, _, err = harness.call([*limited, "kill", bench.shim, bench.target("unjoined")], env=bench.env)
    if code == 77:
        raise Skip("no seccomp here")
    demand(code == 0 and "sandbox" in err and not os.listdir(directory), f"{code} {err} {os.listdir(directory)}")


TESTS = [two_copies, full_table, full_sites, no_memory, without_file, live_without_file, in_sandbox,
         started_in_sandbox, sandbox_leaves_no_core]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
