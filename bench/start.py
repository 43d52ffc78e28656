"""Start + exit of programs."""
import os
import tempfile

from programs import Failed, missing_tool
from sample import Paired, by_turns
from table import added_row, missing, ratio_row, wall_and_cpu

COMMANDS = 300


def starts(programs, rounds, *command):
    """wall, CPU: each Paired."""
    numbers = programs.numbers([programs.bench("starts"), str(rounds), programs.shim, *command])
    return [Paired(list(zip(numbers[at::4], numbers[at + 2::4]))) for at in (0, 1)]


def add(table, make, name, measured, budget):
    for row in wall_and_cpu(make, name, measured, budget, 1e6):
        table.add(row)


def script(directory):
    path = os.path.join(directory, "script")
    with open(path, "w", encoding="utf-8") as file:
        file.write("/bin/true\n" * COMMANDS)
    return path


def timed(programs, argv, **more):
    return lambda: programs.seconds(argv, **more)[0]


def heaptrack_row(programs, sizes, directory):
    """It writes its raw record into the current directory."""
    nothing = [programs.bench("bench"), "nothing"]
    traced = timed(programs, ["heaptrack", "-r", *nothing], cwd=directory)
    return ratio_row("heaptrack", Paired(by_turns(sizes.few_rounds, timed(programs, nothing), traced)), scale=1e-3)


def measure(table, programs, sizes):
    table.section("start + exit, ms")
    with tempfile.TemporaryDirectory() as directory:
        path = script(directory)
        bare, run = ["/bin/sh", path], [programs.cli, "run", "--", "/bin/sh", path]
        add(table, ratio_row, "no thread", starts(programs, sizes.starts, programs.bench("bench"), "nothing"), "start")
        add(table, ratio_row, f"script of {COMMANDS} commands", starts(programs, sizes.scripts, *bare), "script")
        table.add(ratio_row("the same, threadleak run", Paired(by_turns(sizes.scripts, timed(programs, bare), timed(programs, run))),
                            "script", 1e-3))
        why = missing_tool("heaptrack")
        try:
            table.add(missing("heaptrack", why) if why else heaptrack_row(programs, sizes, directory))
        except Failed as failed:
            table.add(missing("heaptrack", str(failed)))
    table.section("start + exit with threads, ms", compared="added")
    for count in (1, 32):
        name = f"{count} thread{'s' if count > 1 else ''}, joined"
        joined = starts(programs, sizes.starts, programs.bench("bench"), "joined", str(count))
        add(table, added_row, name, joined, "joined-ms")
