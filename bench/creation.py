"""create + join of one thread: with the shim, with `threadleak attach`, and with tools that watch threads, too."""
import subprocess

from programs import Failed, ask, missing_tool
from sample import Paired, by_turns
from table import missing, ratio_row, wall_and_cpu

CROWD = 10000
TOOLS = {"helgrind": ["valgrind", "-q", "--tool=helgrind"], "drd": ["valgrind", "-q", "--tool=drd"]}


def command(programs, depth, creators, others, pairs):
    return [programs.bench("bench"), "pairs", str(depth), str(creators), str(others), str(pairs)]


def paired(programs, rounds, argv, other=None):
    """wall, CPU: each Paired. other: a function that runs argv differently; None: with the shim."""
    other = other or (lambda: programs.numbers(argv, programs.with_shim()))
    pairs = by_turns(rounds, lambda: programs.numbers(argv), other)
    return [Paired([(bare[i], with_it[i]) for bare, with_it in pairs]) for i in (0, 1)]


def attached(programs, argv):
    """The same while `threadleak attach` watches it."""
    with programs.running(argv, {**programs.env, "BENCH_WAIT": "1"}) as process:
        watcher = subprocess.Popen([programs.cli, "attach", str(process.pid)], env=programs.env, stderr=subprocess.PIPE,
                                   text=True)
        with watcher:
            line = watcher.stderr.readline()
            if "attached to process" not in line:
                raise Failed(line.strip())
            numbers = [float(word) for word in ask(process).split()]
            process.wait()
            watcher.stderr.read()
    return numbers


def shim_rows(table, programs, sizes):
    settings = [("1 creator", 10, 1, 0, "pair"), ("1 creator, depth 30", 30, 1, 0, ""), ("8 creators", 10, 8, 0, "pairs-crowd"),
                (f"8 creators, {CROWD:,} asleep", 10, 8, CROWD, "pairs-crowd")]
    for name, depth, creators, others, budget in settings:
        argv = command(programs, depth, creators, others, sizes.pairs)
        try:
            for row in wall_and_cpu(ratio_row, name, paired(programs, sizes.rounds, argv), budget, 1000):
                table.add(row)
        except Failed as failed:
            table.add(missing(name, str(failed)))


def tool_rows(table, programs, sizes):
    few = command(programs, 10, 1, 0, sizes.pairs // 8)
    runs = {"threadleak attach": lambda: attached(programs, few),
            "TSan": lambda: programs.numbers([programs.bench("bench_tsan"), *few[1:]])}
    for name, prefix in TOOLS.items():
        runs[name] = lambda prefix=prefix: programs.numbers([*prefix, *few])
    for name, run in runs.items():
        why = missing_tool("valgrind") if name in TOOLS else None
        try:
            if why:
                raise Failed(why)
            for row in wall_and_cpu(ratio_row, name, paired(programs, sizes.few_rounds, few, run), "", 1000):
                table.add(row)
        except Failed as failed:
            table.add(missing(name, str(failed)))


def measure(table, programs, sizes):
    table.section("create + join a thread, µs", value="with it")
    shim_rows(table, programs, sizes)
    tool_rows(table, programs, sizes)
