#!/usr/bin/env python3
"""Measures what the shim and a report cost, against the budgets. README.md explains each row.

  bench/bench.py [--build DIR] [--json FILE] [--quick] [SECTION...]      or: make bench [QUICK=1]

SECTION: creation, start, report, service, redis, metrics, stuck, size, notify. The table is the result: a missed budget
is no failure, since other programs may run.
"""
import argparse
import os
import sys
from dataclasses import dataclass

import creation
import metrics
import notify
import redis
import report
import service
import size
import start
import stuck
from programs import Programs
from table import Table, machine

SECTIONS = {module.__name__: module.measure for module in (creation, start, report, service, redis, metrics, stuck,
                                                         size, notify)}


@dataclass(frozen=True)
class Sizes:
    """How often and how long; the odd numbers have a middle."""
    rounds: int = 31
    few_rounds: int = 7
    pairs: int = 8000
    starts: int = 1001
    scripts: int = 21
    reports: int = 5
    findings: int = 15
    threads: int = 10000
    windows: int = 15
    window: float = 3.0
    requests: int = 100000
    processes: int = 100
    scrapes: int = 31
    stuck: int = 5
    flat: int = 1000000
    notify: int = 1000000


QUICK = Sizes(rounds=7, few_rounds=3, pairs=3000, starts=201, scripts=5, reports=3, findings=5, threads=1000, windows=3,
              requests=50000, processes=20, scrapes=11, stuck=3, flat=50000, notify=50000)


def parsed():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--json", metavar="FILE", help="DIR/bench.json")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("sections", nargs="*", metavar="SECTION", choices=[*SECTIONS, []])
    return parser.parse_args()


def main():
    arguments = parsed()
    sizes = QUICK if arguments.quick else Sizes()
    table, about = Table(), machine()
    print(f"threadleak bench, {about['date']}: {about['cpus']} CPUs, {about['cpu']}\nLinux {about['kernel']}, {about['libc']}, "
          f"load {about['load']}; medians of {sizes.rounds} rounds by turns, ± 95 % interval")
    for name, measure in SECTIONS.items():
        if not arguments.sections or name in arguments.sections:
            measure(table, Programs(arguments.build), sizes)
    print("\n?: the bound is inside the interval.  (*) stops one thread after the other:\nits stacks are not of one moment.")
    table.save(arguments.json or os.path.join(arguments.build, "bench.json"), quick=arguments.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
