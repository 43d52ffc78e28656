#!/usr/bin/env python3
"""Counts instructions of the shim and of a report, and fails if there are 3 % more than were stored.

  bench/instructions.py [--build DIR] [--shim FILE] [--stored FILE] [--update] [NAME...]      or: make bench-check

NAME: pair (create + join), start (of a program without threads), first (its first thread), report (for each live thread,
without marking, whose work depends on where the loader put things).
Only instructions of our own files, of libunwind and of the loader count: those of libc depend on the processor.
instructions.json has the figures of each compiler, libc and libunwind; without figures for those here nothing is compared.
`make bench-update` stores new ones.
"""
import argparse
import hashlib
import json
import os
import platform
import re
import subprocess
import sys

import callgrind
from programs import Failed, Programs, missing_tool

STORED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "instructions.json")
MORE = 0.03
PAIRS = 500
THREADS = 100


class Counter:
    """In the build's directory, so that the paths that the loader reads are the same everywhere."""

    def __init__(self, programs, shim):
        self.programs, self.shim = programs, os.path.relpath(shim, programs.build)
        self.shim = self.shim if "/" in self.shim else "./" + self.shim

    def run(self, *argv, shim=True):
        env = {"LD_PRELOAD": self.shim, "THREADLEAK_OPTIONS": "grace_ms=0"} if shim else {}
        return callgrind.count(list(argv), self.programs.build, env)

    def pair(self):
        few, many = (self.run("bench/bench", "pairs", "10", "1", "0", str(pairs)) for pairs in (PAIRS, 3 * PAIRS))
        return {name: (callgrind.of(many, name) - callgrind.of(few, name)) / (2 * PAIRS) for name in ("libthreadleak", "libunwind")}

    def added(self, *argv, before=None):
        """What a start needs with the shim, and not without, or not `before`."""
        bare, shim = before or self.run(*argv, shim=False), self.run(*argv)
        return {name: callgrind.of(shim, name) - callgrind.of(bare, name) for name in ("libthreadleak", "libunwind", "ld-linux")}

    def start(self):
        return self.added("bench/bench", "nothing")

    def first(self):
        return self.added("bench/bench", "joined", "1", before=self.run("bench/bench", "nothing"))

    def reported(self, threads):
        argv = [self.programs.bench("report_target"), str(threads)]
        with self.programs.running(argv, self.programs.with_shim()) as process:
            return callgrind.of(self.run("./threadleak", "report", "--find=none", str(process.pid), shim=False), "threadleak")

    def report(self):
        few, many = self.reported(THREADS), self.reported(4 * THREADS)
        return {"threadleak": (many - few) / (3 * THREADS)}


NAMES = ["pair", "start", "first", "report"]


def first_line(*argv):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return done.stdout.splitlines()[0] if done.stdout else "none"


def libunwind():
    """The library is named by its content: distributions patch it."""
    found = re.search(r"libunwind\.so\.8 .*=> (\S+)", subprocess.run(["/sbin/ldconfig", "-p"], stdout=subprocess.PIPE, text=True,
                                                                     check=False).stdout)
    if not found:
        return "none"
    with open(found.group(1), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:12]


def made_with(flags):
    cc = os.environ.get("CC", "cc")
    return (f"{platform.machine()}, {first_line(cc, '--version')}, CFLAGS {flags}, glibc {platform.libc_ver()[1]}, "
            f"libunwind {libunwind()}")


def stored(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


def store(path, key, figures):
    known = stored(path)
    known[key] = {**known.get(key, {}), **figures}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(known, file, indent=1, sort_keys=True)
        file.write("\n")


def compare(figures, known):
    """Prints each figure; the number of those that are too high."""
    too_many = 0
    for name, now in figures.items():
        before = known.get(name)
        change = (now - before) / before if before else 0.0
        verdict = "not stored" if before is None else "too many" if change > MORE else "ok"
        too_many += verdict == "too many"
        print(f"  {name:<24}{now:>12,} instructions, {'' if before is None else f'{before:,} stored, {change:+.1%}'} {verdict}")
    return too_many


def parsed():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--shim", help="another shim than that in DIR")
    parser.add_argument("--stored", metavar="FILE", default=STORED)
    parser.add_argument("--update", action="store_true", help="store the figures")
    parser.add_argument("--flags", default="-O2 -g", help="how threadleak was compiled")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*NAMES, []])
    return parser.parse_args()


def counted(counter, names):
    return {f"{name} {file}": round(count) for name in names for file, count in getattr(counter, name)().items() if count}


def main():
    arguments = parsed()
    key, programs = made_with(arguments.flags), Programs(arguments.build)
    known = stored(arguments.stored).get(key)
    why_not = missing_tool("valgrind") or (None if known or arguments.update else f"no figures for {key}")
    if why_not:
        print(f"skipped: not comparable: {why_not}\n0 passed, 0 failed, 1 skipped")
        return 0
    try:
        figures = counted(Counter(programs, os.path.abspath(arguments.shim or programs.shim)), arguments.names or NAMES)
    except Failed as failed:
        print(f"FAIL bench-check: {failed}\n0 passed, 1 failed, 0 skipped")
        return 1
    if arguments.update:
        store(arguments.stored, key, figures)
        known = figures
    too_many = compare(figures, known)
    if too_many:
        print("more than 3 % above what is stored: find out why, or store it with: make bench-update")
    print(f"{len(figures) - too_many} passed, {too_many} failed, 0 skipped")
    return 1 if too_many else 0


if __name__ == "__main__":
    sys.exit(main())
