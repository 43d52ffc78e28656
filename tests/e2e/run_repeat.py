#!/usr/bin/env python3
"""run --repeat and --shake: several runs of a command, and pauses that provoke leaks.

  tests/e2e/run_repeat.py [--build DIR] [NAME...]
"""
import json
import sys

import harness
from harness import demand

# In its n-th run it does what the n-th argument says.
NTH = """
count=$(cat "$1" 2>/dev/null || echo 1)
echo $((count + 1)) >"$1"
shift "$count"
exec sh -c "$1"
"""


def run(bench, *argv):
    return harness.call([bench.cli, "run", *argv], env=bench.env)


def nth(bench, *commands):
    return ["--", "sh", bench.write("nth.sh", NTH), bench.path("count"), *commands]


def one_leak_of_several_runs(bench):
    clean, leaks = bench.target("clean"), bench.target("running")
    status, out, err = run(bench, "--repeat=5", *nth(bench, clean, leaks, clean, leaks, clean))
    demand(status == 66, err)
    demand("threadleak: 2 of 5 runs leaked threads\n" in err, err)
    demand(err.count("in 2 of 5 runs, first in run 2\n") == err.count("\nrunning ×") == 2, err)
    demand("in 5 runs" not in out, out)


def each_distinct_leak_once(bench):
    commands = [bench.target(name) for name in ("running", "detached", "running", "detached")]
    status, out, err = run(bench, "--repeat=4", "--format=json", "-o", bench.path("json"), *nth(bench, *commands))
    demand(status == 66, out + err)
    report = harness.read_json(bench.path("json"))
    leaks = [leak for process in report["processes"] for leak in process["leaks"]]
    demand(len(leaks) == len({leak["fingerprint"] for leak in leaks}), json.dumps(leaks))
    demand({leak["runs"]["leaked"] for leak in leaks} == {2}, leaks)
    demand({leak["runs"]["first"] for leak in leaks} == {1, 2}, leaks)
    demand(report["runs"] == {"count": 4, "leaked": 4, "shake": None}, report["runs"])
    demand(report["summary"]["leaked_threads"] == sum(leak["count"] for leak in leaks), report["summary"])


def statuses(bench):
    leaks = bench.target("running")
    for commands, expected in ((["exit 0", "exit 3", "exit 4"], 3), (["exit 3", leaks, "exit 0"], 66),
                               (["exit 0"] * 3, 0), (["exit 0", "kill -TERM $$", "touch no"], 143)):
        status, _, err = run(bench, "--repeat=3", *nth(bench, *commands))
        demand(status == expected, f"{commands}: {status} {err}")
        bench.write("count", "1")


def a_baseline_holds_for_each_run(bench):
    leaks, baseline = bench.target("running"), bench.path("baseline")
    status, _, err = run(bench, "--write-baseline=" + baseline, "--repeat=2", "--", leaks)
    demand(status == 0, err)
    status, _, err = run(bench, "--baseline=" + baseline, "--repeat=2", "--", leaks)
    demand(status == 0 and "leaked threads" not in err, err)


def a_run_that_times_out_ends_the_series(bench):
    def argv(seconds):
        bench.write("count", "1")
        return [bench.cli, "run", "--repeat=3", f"--timeout={seconds}", "-o", bench.path("text"),
                *nth(bench, bench.target("running"), "sleep 1000", "touch no")]
    status, seconds = harness.limited(argv, lambda run: harness.sleeps_below(run.pid), 1, env=bench.env)
    err = bench.read("text")
    demand(status == 66 and f"timed out after {float(seconds)} s" in err, f"{status} {err}")
    demand("in 1 of 2 runs, first in run 1" in err and "sleep of 1,000 s" in err.replace("1000", "1,000"), err)


def what_cannot_run_ends_the_series(bench):
    status, _, err = run(bench, "--repeat=3", "--", bench.path("missing"))
    demand(status == 127 and len(err.splitlines()) == 1, f"{status} {err}")


def wrong_numbers(bench):
    for option in "--repeat=0", "--repeat=x", "--shake=0", "--shake=-1":
        status, _, err = run(bench, option, "true")
        demand(status == 125 and option in err, f"{status} {err}")


RARE = ("late_worker", "stop_before_start", "hand_over_after_timeout", "post_before_init", "join_what_is_published",
        "stop_those_that_began", "start_again", "return_before_join")


def shaken(bench, mode, *options):
    """What is printed of the leak.  Each seed delays the thread with a probability of 1 : 10, so all of 50 fail in one of
    200 series, and five series in one of 10^11."""
    for _ in range(5):
        status, _, err = run(bench, "--repeat=50", "--shake", *options, "--", bench.target("rare"), mode)
        if status == 66:
            return err
    raise harness.Wrong(f"{mode}: {status} {err}")


def pauses_show_rare_leaks(bench):
    for mode in RARE if harness.SOAK else RARE[:2]:
        shaken(bench, mode, "-q")


def a_seed_can_be_used_again(bench):
    command = ["--", bench.target("rare"), "late_worker"]
    err = shaken(bench, "late_worker")
    demand(", first with --shake=" in err, err)
    seed = err.split(", first with --shake=")[1].split("\n", maxsplit=1)[0]
    for _ in range(20):  # the machine can delay also the thread that should be first
        if run(bench, f"--shake={seed}", *command)[0] == 66:
            return
    demand(False, f"--shake={seed} does not show it again")


TESTS = [pauses_show_rare_leaks, a_seed_can_be_used_again, one_leak_of_several_runs, each_distinct_leak_once, statuses,
         wrong_numbers, a_baseline_holds_for_each_run, a_run_that_times_out_ends_the_series, what_cannot_run_ends_the_series]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
