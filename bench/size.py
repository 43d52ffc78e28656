"""Bytes: of the files, and resident in a program."""
import os

from programs import Failed
from sample import Paired, by_turns
from table import Row, added_row, missing

CROWD = 10000


def resident(programs, rounds, threads):
    """Of a program that has joined so many threads."""
    argv = [programs.bench("bench"), "resident", str(threads)]
    return Paired(by_turns(rounds, lambda: programs.numbers(argv)[0], lambda: programs.numbers(argv, programs.with_shim())[0]))


def measure(table, programs, sizes):
    table.section("memory, MiB", compared="added")
    for threads in (0, 1):
        table.add(added_row(f"resident, {threads or 'no'} thread", resident(programs, sizes.few_rounds, threads), "resident-MiB",
                            scale=1024, digits=2))
    for name, path in (("libthreadleak.so", programs.shim), ("threadleak", programs.cli)):
        table.add(Row(f"file {name}", None, os.path.getsize(path) / 2 ** 20))
    try:
        bare, with_shim = (programs.numbers([programs.bench("bench"), "memory", str(CROWD)], env)
                           for env in (programs.env, programs.with_shim()))
        table.add(Row(f"each of {CROWD:,} threads, KiB", bare[0], with_shim[0], with_shim[0] - bare[0], digits=2,
                      note={"ledger_bytes": with_shim[1]}))
    except Failed as failed:
        table.add(missing(f"each of {CROWD:,} threads", str(failed)))
    first, last = programs.numbers([programs.bench("bench"), "flat", str(sizes.flat)], programs.with_shim())
    table.add(Row(f"after 10,000 pairs, and {sizes.flat:,}", first / 1024, last / 1024, (last - first) / 1024, digits=2))
