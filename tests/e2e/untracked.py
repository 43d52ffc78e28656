#!/usr/bin/env python3
"""Processes whose threads were all created without the hooks.

  tests/e2e/untracked.py [--build DIR] [NAME...]
"""
import json
import re
import sys

import harness
from harness import demand
from tree_bench import Bench


def live(bench):
    """The main thread and the untracked ones, with stacks."""
    with bench.live("untracked_alone", "+") as pid:
        code, out, err = harness.call([bench.cli, "report", str(pid)], env=bench.env)
    demand(code == 0 and "no threads" not in out, f"{code} {err} {out}")
    demand(re.match(r"threadleak: 3 threads whose creation was not seen, \S+ \(pid \d+\), alive\n", out), out)
    demand("\nuntracked ×3   creation not seen\n" in out and re.search(r"\n  > stay ", out), out)
    demand(re.search(r"\nmain   the main thread\n", out) and re.search(r"\n  > main ", out), out)


def at_an_end(bench):
    """One line, also with -v; they are no leaks."""
    said = (r"3 threads whose creation was not seen were still alive at the end of \S+ \(pid \d+\): "
            r'the first is "untracked_alone"')
    bench.demand_said([bench.target("untracked_alone")], said)
    bench.demand_said([bench.target("untracked_alone")], options=["-q"])
    bench.demand_said([bench.target("untracked_alone")], r"no leaked threads, .*", options=["-v"])
    demand("\nuntracked ×3   creation not seen\n" in bench.err and re.search(r"\n  > stay ", bench.err), bench.err)
    code, _, report = bench.json([bench.target("untracked_alone")])
    process = report["processes"][0]
    demand(code == 0 and process["threads"]["untracked"] == 3 and len(process["untracked"]) == 3, process)
    for thread in process["untracked"]:
        demand(any(frame["function"] == "stay" for frame in thread["stack"]), thread)


def beside_leaks(bench):
    bench.run([bench.target("untracked")], ["-v"])
    demand("\nuntracked ×1   creation not seen\n  \"hidden\" tid " in bench.err, bench.err)
    demand(len(re.findall(r"\n  > stay ", bench.err)) == 2, bench.err)


def without_stacks(bench):
    """With --no-stop nothing is captured: then they are in one line."""
    bench.run([bench.target("untracked_alone")], ["-v", "--no-stop"])
    demand("untracked: 3 threads whose creation was not seen: tid " in bench.err, bench.err)


def ending_ones(bench):
    """A thread that has been joined, or was detached and is about to end, is not called untracked."""
    for _ in range(20):
        for name in ("clean", "join_all_ways", "detach_when"):
            code, printed = bench.run([bench.target(name)], ["--report=unjoined"])
            demand(code == 0 and not printed, f"{name}: {code} {printed}")


def without_ledger(bench):
    """A child that is forked with follow=0 has the shim, but is not watched."""
    argv = ["bash", "-c", "(echo up; read line; true); true"]
    for follow in "01":
        env = bench.environment(LD_PRELOAD=bench.shim, THREADLEAK_OPTIONS=f"follow={follow}")
        with harness.live(argv, env) as pid:
            child = harness.call(["pgrep", "-P", str(pid)])[1].strip()
            code, out, err = harness.call([bench.cli, "report", "--format=json", child], env=bench.env)
        process = json.loads(out)["processes"][0]
        demand(code == 0 and process["watched"] == (follow == "1") and process["main"], f"follow={follow}: {code} {err} {out}")


def listed_are_counted(bench):
    """The header and the list are of one moment, while threads begin and end all the time."""
    for watched in (True, False):
        with bench.live("come_and_go", watched=watched) as pid:
            for _ in range(25):
                _, text, _ = harness.call([bench.cli, "report", str(pid)], env=bench.env)
                first = text.split(",")[0]
                header = sum(map(int, re.findall(r"(\d+) (?:live|finished|untracked|threads)", first)))
                kinds = "running|unjoined|untracked" if watched else "main|thread"
                blocks = re.findall(rf"(?m)^(?:{kinds})(?: ×(\d+))?(?=   |$)", text)
                listed = sum(int(count or 1) for count in blocks)
                demand(header == listed and header > 10, f"{header} in the header, {listed} listed\n{text}")


TESTS = [live, without_ledger, at_an_end, beside_leaks, without_stacks, ending_ones, listed_are_counted]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
