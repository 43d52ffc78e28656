#!/usr/bin/env python3
"""The finding "stuck": a thread waits for a gate, and the reference to the gate is kept in one place, or nowhere.

  tests/e2e/reach.py [--build DIR] [PLACE_live | PLACE_end ...]
"""
import json
import os
import re
import socket
import subprocess
import sys

import harness
from harness import call, demand, wait_until_asleep

FORGOTTEN = {"forgotten", "freed", "joined", "zeros", "arena", "errno", "empty_sockets"}  # places that keep nothing
# What is there cannot be read, or only on some file systems.
ONLY_LIKELY = {"datagrams", "connection", "orphan", "behind_mark", "behind_empty", "raw", "under_way", "notification", "terminal",
               "own_files", "process", "file", "requeued", "interruptible"}
SPINS = {"register", "vector"}  # a thread of these is never asleep
PLACES = {place: program for program, places in {
    "kept": """forgotten freed joined zeros arena errno static tls key tagged_low tagged_high interior packed three_hops mapping read_only
        no_access shared large on_exit mangled half half_on_heap""",
    "kept_by_thread": """stack heap_of_thread timed_wait result interrupted_stack coroutine register unseen_register vector process requeued
        interruptible""",
    "kept_in_kernel": """pipe under_way notification epoll timer signal queue memfd file terminal own_files""",
    "kept_in_socket": """socketpair datagrams udp tcp connection orphan behind_mark behind_empty raw mapped empty_sockets""",
}.items() for place in places.split()}


def stuck(process):
    return [finding["level"] for finding in process["findings"] if finding["code"] == "stuck"]


# At the end of a process the shim drops its pending signals.
def check(place, process):
    levels = stuck(process)
    if place in FORGOTTEN:
        demand(levels == ["proved"], json.dumps(process, indent=1))
    elif place in ONLY_LIKELY or (place == "signal" and process["end"]["how"] != "alive"):
        demand("proved" not in levels, json.dumps(process["findings"], indent=1))
    else:
        demand(not levels, json.dumps(process["findings"], indent=1))


def remove_queue(lines):
    for line in lines:
        if line.startswith("queue "):
            call(["ipcrm", "-q", line.split()[1]])


def need_sockets(place):
    kind = {"raw": (socket.AF_INET, socket.SOCK_RAW, 253), "mapped": (socket.AF_INET6, socket.SOCK_STREAM)}.get(place)
    try:
        if kind:
            socket.socket(*kind).close()
    except OSError as error:
        raise harness.Skip(f"no such socket here: {error}") from error


def live(bench, place):
    program = subprocess.Popen([bench.target(PLACES[place]), place], env=bench.environment(LD_PRELOAD=bench.shim), text=True,
                               stdout=subprocess.PIPE)
    lines = []
    try:
        while "ready\n" not in lines:
            lines.append(program.stdout.readline())
            demand(lines[-1], f"{PLACES[place]} {place} did not come up")
        if place not in SPINS:
            wait_until_asleep(program.pid)
        status, out, err = call([bench.cli, "report", "--format=json", str(program.pid)])
        demand(status == 0, err)
    finally:
        program.kill()
        program.communicate()
        remove_queue(lines)
    check(place, json.loads(out)["processes"][0])


def end(bench, place):
    path = bench.path("report.json")
    status, out, err = call([bench.cli, "run", "--format=json", f"--output={path}", bench.target(PLACES[place]), place, "end"],
                            env=bench.environment())
    remove_queue(out.splitlines())
    demand(status == 66, f"status {status}: {err}")
    check(place, harness.read_json(path)["processes"][0])


def test(how, place):
    def one(bench):
        need_sockets(place)
        how(bench, place)

    one.__name__ = f"{place}_{how.__name__}"
    return one


def of_core(bench, place):
    """A core file that gdb writes."""
    gdb = harness.need("gdb")
    path = bench.path("core")
    program = subprocess.Popen([bench.target(PLACES[place]), place], env=bench.environment(LD_PRELOAD=bench.shim), text=True,
                               stdout=subprocess.PIPE)
    try:
        while program.stdout.readline() != "ready\n":
            demand(program.poll() is None, f"{PLACES[place]} {place} did not come up")
        wait_until_asleep(program.pid)
        status, _, err = call([gdb, "-q", "-batch", "-nx", "-ex", f"gcore {path}", "-p", str(program.pid)])
        demand(status == 0 and os.path.exists(path), err)
    finally:
        program.kill()
        program.communicate()
    status, out, err = call([bench.cli, "report", "--format=json", path])
    demand(status == 0, err)
    return json.loads(out)["processes"][0]


def forgotten_core(bench):
    process = of_core(bench, "forgotten")
    demand(stuck(process) == ["likely"], json.dumps(process, indent=1))


def zeros_core(bench):
    """Pages of zeros are not counted as memory to read."""
    process = of_core(bench, "zeros")
    demand(stuck(process) == ["likely"], json.dumps(process, indent=1))


def zeros_live(bench):
    if [int(part) for part in re.findall(r"\d+", os.uname().release)[:2]] < [6, 7]:
        raise harness.Skip("a kernel before 6.7 does not show which pages are zero")
    live(bench, "zeros")


def kept_core(bench):
    for place in "static", "interior", "large":
        process = of_core(bench, place)
        demand(not stuck(process) and "not_checked_for_stuck" not in process, json.dumps(process, indent=1))


def kept_in_kernel_core(bench):
    """The core file of a program that uses epoll, pipes, timers … does not say what is in these."""
    for place in "epoll", "pipe", "timer", "signal":
        process = of_core(bench, place)
        demand(stuck(process) == ["note"] and not process["verdict"], json.dumps(process, indent=1))
    _, out, err = call([bench.cli, "report", "-v", bench.path("core")])
    reasons = out[out.index("only a note, because"):]
    for what in "epoll is used", "timers with values", "sigqueue is used", "pipes, socket pairs":
        demand(what in reasons, out + err)
    status, out, err = call([bench.cli, "report", bench.path("core")])
    demand(status == 0 and "perhaps stuck: 1 thread; -v prints why" in out and "STUCK" not in out, out + err)


TESTS = [test(how, place) for how in (live, end) for place in PLACES if place != "zeros"]
TESTS += [forgotten_core, zeros_core, zeros_live, kept_core, kept_in_kernel_core]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
