#!/usr/bin/env python3
"""threadleak diff: reports, ledgers, live processes, and files that are none of these.

  tests/e2e/diff.py [--build DIR] [NAME...]
"""
import copy
import json
import os
import re
import subprocess
import sys

import harness
from harness import demand, wait_until

HEAD = r"              A      B  change  created at\n"


class Bench(harness.Bench):
    def diff(self, *arguments):
        return harness.call([self.cli, "diff", *map(str, arguments)], env=self.env)

    def growing(self):
        return harness.up([self.target("growing"), "leak"], self.environment(LD_PRELOAD=self.shim), stderr=subprocess.DEVNULL)

    def report(self, pid, name="a.json"):
        path = self.path(name)
        status, _, err = harness.call([self.cli, "report", "--no-stop", "--format=json", "-o", path, str(pid)], env=self.env)
        demand(status == 0, err)
        return path

    def made(self, name, *processes, **more):
        """A report of these programs: (exe, [(fingerprint, count, line)])."""
        made = [{"exe": exe, "watched": True,
                 "leaks": [{"kind": "detached", "count": count, "fingerprint": f"{number:016x}", "start_routine": None,
                            "own": {"function": f"create_{number}", "file": "/src/pool.c", "line": line}, "creation_stack": []}
                           for number, count, line in leaks]} for exe, leaks in processes]
        return self.write(name, json.dumps({"schema": "threadleak/1", "processes": made, **more}))


def report_and_live_process(bench):
    with bench.growing() as target:
        before = bench.report(target.pid)
        first = harness.read_json(before)["processes"][0]["threads"]["alive"]
        wait_until(lambda: len(os.listdir(f"/proc/{target.pid}/task")) > first + 20)
        status, out, err = bench.diff("--check", before, target.pid)
        demand(status == 1, f"{status}: {out}{err}")
        demand(re.match(rf"{HEAD}(new|grown) +\d+ +\d+ +\+\d+  growing.c:18 handle_request\n", out), out)
        demand(bench.diff("--check", before, before)[0] == 0, "it differs from itself")


def ledger_file(bench):
    """That a run left, because it was killed."""
    with subprocess.Popen([bench.cli, "run", "-q", "--", bench.target("growing"), "leak"], env=bench.environment(TMPDIR=bench.tmp),
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as run:
        demand(run.stdout.readline() == b"up\n", "did not come up")
        run.kill()
        run.communicate()
    (directory,) = (entry.path for entry in os.scandir(bench.tmp) if entry.is_dir())
    (ledger,) = (entry.path for entry in os.scandir(directory) if entry.name.startswith("ledger."))
    with bench.growing() as target:
        before = bench.report(target.pid)
    for path in (ledger, directory):
        status, out, err = bench.diff("--format=json", before, path)
        demand(status == 0, err)
        demand("start" in {site["function"] for site in json.loads(out)["sites"] if site["b"]}, out)


def what_matters_comes_first(bench):
    a = bench.made("a", ("/bin/app", [(1, 5, 10), (2, 5, 20), (3, 5, 30), (4, 5, 40), (5, 9, 50)]))
    b = bench.made("b", ("/opt/app", [(2, 90, 20), (3, 5, 30), (4, 2, 40), (6, 3, 60), (7, 30, 70), (5, 9, 50), (5, 1, 51)]))
    status, out, err = bench.diff(a, b)
    demand((status, err) == (0, ""), f"{status}: {err}")
    rows = [(line[:8].strip(), *re.findall(r"create_(\d)", line)) for line in out.splitlines()[1:-2:2]]
    demand(rows == [("new", "7"), ("new", "6"), ("grown", "2"), ("grown", "5"), ("gone", "1")], out)
    demand(out.endswith("\n\n2 new, 2 grown, 1 gone, 1 fewer, 1 same\n"), out)
    demand("pool.c:50 create_5 and 1 more\n" in out, out)
    demand(all(len(line) <= 80 for line in out.splitlines()), out)
    _, out, _ = bench.diff("--all", a, b)
    demand(re.search(r"^fewer +5 +2 +-3  pool.c:40 create_4$", out, re.M) and re.search(r"^same +5 +5 +\+0  pool", out, re.M), out)


def sites_of_one_line(bench):
    """They differ by kind and start routine."""
    def sites(name, *kinds):
        made = [{"kind": kind, "count": 2, "fingerprint": f"{number:016x}", "start_routine": {"function": start, "file": None, "line": None},
                 "own": {"function": "begin", "file": "/src/pool.c", "line": 10}, "creation_stack": []}
                for number, (kind, start) in enumerate(kinds)]
        return bench.write(name, json.dumps({"schema": "threadleak/1", "processes": [{"exe": "/bin/app", "watched": True, "leaks": made}]}))
    status, out, err = bench.diff("--all", sites("a", ("running", "serve")), sites("b", ("unjoined", "serve"), ("detached", "f" * 30)))
    demand(status == 0 and not err, err)
    demand("+2  pool.c:10 begin\n" + 32 * " " + "detached, runs fff" in out, out)
    demand("+0  pool.c:10 begin\n" + 32 * " " + "unjoined (was running), runs serve\n" in out, out)
    demand(all(len(line) <= 80 for line in out.splitlines()), out)


def site_of_several_kinds(bench):
    """A site has running threads and unjoined ones: each kind has its number."""
    def report(name, *groups):
        made = [{"kind": kind, "count": count, "fingerprint": f"{1:016x}", "start_routine": {"function": "serve", "file": None, "line": None},
                 "own": {"function": "begin", "file": "/src/pool.c", "line": 10}, "creation_stack": []} for kind, count in groups]
        return bench.write(name, json.dumps({"schema": "threadleak/1", "processes": [{"exe": "/bin/app", "watched": True, "leaks": made}]}))
    a, b = report("a", ("running", 5)), report("b", ("unjoined", 6), ("running", 4))
    _, out, err = bench.diff(a, b)
    demand("grown         5     10      +5  pool.c:10 begin\n" + 32 * " " + "4 running, 6 unjoined, runs serve\n" in out, out + err)
    _, out, _ = bench.diff("--all", b, a)
    demand("\n" + 32 * " " + "running, runs serve\n" in out, out)
    (site,) = json.loads(bench.diff("--format=json", a, b)[1])["sites"]
    demand(site["a"]["kinds"] == {"running": 5, "detached": 0, "unjoined": 0}, site)
    demand(site["b"]["kinds"] == {"running": 4, "detached": 0, "unjoined": 6} and site["b"]["kind"] == "unjoined", site)


def json_has_every_site(bench):
    a = bench.made("a", ("/bin/app", [(1, 5, 10), (3, 5, 30)]))
    b = bench.made("b", ("/bin/app", [(1, 6, 11)]))
    status, out, _ = bench.diff("--format=json", "--check", a, b)
    found = json.loads(out)
    demand(status == 1 and (found["schema"], found["type"]) == ("threadleak/1", "diff"), out)
    demand(found["summary"] == {"new": 0, "grown": 1, "gone": 1, "fewer": 0, "same": 0}, out)
    demand([(site["change"], site["fingerprint"], site["line"]) for site in found["sites"]] ==
           [("grown", f"{1:016x}", 11), ("gone", f"{3:016x}", 30)], out)
    demand(found["sites"][0]["a"]["threads"] == 5 and found["sites"][0]["b"]["threads"] == 6, out)
    demand(found["sites"][1]["b"] is None and found["a"]["programs"] == ["app"], out)


def several_processes_of_a_report(bench):
    """Workers of one program are one; each program has its own sites."""
    a = bench.made("a", ("/bin/app", [(1, 2, 10)]), ("/bin/app", [(1, 3, 10)]), ("/bin/helper", [(1, 1, 10)]))
    b = bench.made("b", ("/bin/app", [(1, 5, 10)]), ("/bin/helper", [(1, 4, 10)]))
    _, out, _ = bench.diff(a, b)
    demand(out.endswith("0 new, 1 grown, 0 gone, 0 fewer, 1 same\n") and "  in helper:\n" in out, out)


def different_programs(bench):
    a, b = bench.made("a", ("/bin/app", [(1, 2, 10)])), bench.made("b", ("/bin/other", [(1, 2, 10)]))
    status, out, err = bench.diff(a, b)
    demand(status == 0 and re.search(r"a is of app, and \S+b of other: different programs", err), err)
    demand(out.endswith("1 new, 0 grown, 1 gone, 0 fewer, 0 same\n"), out)


def hostile_names(bench):
    path = bench.made("a", ("/bin/\x1b[31mapp\n", [(1, 2, 10)]))
    document = harness.read_json(path)
    document["processes"][0]["leaks"][0]["own"]["function"] = "f\x1b[2J\n" + "<" * 5000
    document["processes"].append(copy.deepcopy(document["processes"][0]))
    document["processes"][1]["exe"] = "/bin/\u202ey"
    path = bench.write("hostile", json.dumps(document))
    status, out, err = bench.diff(bench.made("b", ("/x", [])), path)
    demand(status == 0 and "\x1b" not in out + err and out.count("\n") < 10, out[:500] + err)


def report_of_a_report(bench):
    """A report in JSON is for diff. What only begins like JSON is no report."""
    report = bench.made("monday.json", ("/bin/app", [(1, 5, 10)]))
    for target in (report, "monday.json"):
        status, out, err = harness.call([bench.cli, "report", target], env=bench.env, cwd=bench.tmp)
        demand((status, out) == (2, "") and err == f"threadleak: report: {target} is a JSON report; compare it with 'threadleak diff'\n", err)
    _, _, err = harness.call([bench.cli, "report", bench.write("other", '{"schema": "other/1"}')], env=bench.env)
    demand("is neither a core file, nor a ledger, nor the directory of a run" in err, err)


def wrong_input(bench):
    good = bench.made("good", ("/bin/app", [(1, 5, 10)]))
    text = bench.read("good")
    for name, content, message in [("truncated", text[:len(text) // 2], "is no JSON, or truncated: line 1, column"),
                                   ("schema", '{"schema": "threadleak-baseline/1"}', 'its "schema" is "threadleak-baseline/1"'),
                                   ("none", "{}", 'its "schema" is missing'),
                                   ("sample", '{"schema": "threadleak/1", "type": "sample"}', 'it has no "processes"'),
                                   ("types", text.replace('"count": 5', '"count": "5"'), "process 1 has no"),
                                   ("negative", text.replace('"count": 5', '"count": -5'), "process 1 has no"),
                                   ("print", text.replace(f"{1:016x}", "../../../../etc/"), "process 1 has no"),
                                   ("array", '{"schema": "threadleak/1", "processes": [[]]}', "process 1 has no"),
                                   ("empty", "", "is empty"),
                                   ("deep", '{"a":' * 100000, "is no JSON, or truncated"),
                                   ("text", "hello", "is neither a core file, nor a ledger")]:
        path = bench.write(name, content)
        for pair in ((good, path), (path, good)):
            status, out, err = bench.diff(*pair)
            demand((status, out) == (2, "") and err.startswith("threadleak: diff: ") and message in err and err.count("\n") == 1,
                   f"{name}: {status}: {out}{err}")
    for pair, message in [((good,), "give two reports"), ((good, "/nonexistent"), "/nonexistent: No such file"),
                          ((good, "999999999"), "no process 999999999"), (("--format=x", good, good), "unknown format")]:
        status, out, err = bench.diff(*pair)
        demand((status, out) == (2, "") and message in err and err.count("\n") == 1, f"{pair}: {status}: {out}{err}")


def unwatched_process(bench):
    with bench.live("come_and_go", watched=False) as pid:
        status, out, err = bench.diff(pid, pid)
        demand((status, out) == (2, "") and "is not watched" in err and err.count("\n") == 1, f"{status}: {out}{err}")


TESTS = [report_and_live_process, ledger_file, what_matters_comes_first, sites_of_one_line, site_of_several_kinds, json_has_every_site,
         several_processes_of_a_report, different_programs, hostile_names, report_of_a_report, wrong_input, unwatched_process]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
