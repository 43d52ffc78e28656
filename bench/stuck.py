"""Threads that nothing can wake: how long it takes to find them, by the size of the process."""
import re

from programs import Failed
from sample import half_interval, median
from table import Row, missing

FIGURES = re.compile(r"([\d.]+) MiB, stopped for the copy ([\d.]+) ms, marked in ([\d.]+) ms, in all ([\d.]+) ms")


def once(programs, pid):
    """Seconds in all, ms stopped."""
    found = FIGURES.search(programs.output([programs.bench("stuck"), str(pid), "x"]))
    if not found:
        raise Failed("stuck: not checked")
    _, stopped, _, whole = map(float, found.groups())
    return whole / 1e3, stopped


def rows(name, runs, bounded):
    seconds, stopped = zip(*runs)
    return [Row(f"{name}, s", None, None, median(seconds), half_interval(seconds), "stuck-s" if bounded else "", digits=2),
            Row(f"{name}, stopped, ms", None, None, median(stopped), half_interval(stopped),
                "stuck-stopped-ms" if bounded else "", digits=0)]


def measure(table, programs, sizes):
    table.section("threads that nothing can wake", "", "", "median")
    for mib, threads in ((1024, 100), (10, 10000)):
        name = f"{mib} MiB, {threads:,} threads"
        try:
            with programs.running([programs.bench("stuck_target"), str(mib), str(threads)]) as process:
                for row in rows(name, [once(programs, process.pid) for _ in range(sizes.stuck)], bounded=mib == 1024):
                    table.add(row)
        except Failed as failed:
            table.add(missing(name, str(failed)))
