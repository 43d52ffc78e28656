#!/usr/bin/env python3
"""The finding "lost-handle": the handle of a joinable thread is stored in one place, or nowhere.

  tests/e2e/handles.py [--build DIR] [NAME...]
"""
import json
import os
import subprocess
import sys

import harness
from harness import call, demand

LOST = ["forgotten", "overwritten", "freed", "leaked", "locks_stream", "locks_file"]
KEPT = {
    "data": "variable kept_in_data",
    "like_lock": "variable worker",
    "tagged": "variable kept_in_data",
    "heap": "the heap, 0x",
    "far": "the heap, 0x",
    "mapping": "memory of mmap, 0x",
    "shared": "shared memory, 0x",
    "tls": "a thread-local variable of T1",
    "specific": "thread-specific data of T1",
    "pipe": "the kernel: ",
    "epoll": "the kernel: ",
    "other_frame": "the frame of stay_with_handle, T2",
    "stuck_frame": "the frame of wait_with_handle, T2",
    "frame": "the frame of frame, T1",
}


def threads_with_handle(process):
    """The one thread whose handle is in question: of several the last one."""
    leaks = [leak for leak in process["leaks"] if leak["kind"] != "detached"]
    demand(len(leaks) == 1 and leaks[0]["count"] == 1, json.dumps(process["leaks"], indent=1))
    return leaks[0]["threads"][0]


def check(place, how, process):
    thread = threads_with_handle(process)
    found = [one for one in process["findings"] if one["code"] == "lost-handle"]
    if place in LOST:
        demand(thread["handle"] == {"stored": False, "where": None}, thread)
        demand([one["level"] for one in found] == ["likely" if how == "alive" else "proved"], found)
        demand(found[0]["threads"] == [thread["id"]] and f"the handle of T{thread['id']} is stored nowhere" in found[0]["text"],
               found)
    else:
        demand(not found and thread["handle"]["stored"] and thread["handle"]["where"].startswith(KEPT[place]), thread)


def live(bench, place, how):
    with subprocess.Popen([bench.target("handles"), place, how], env=bench.environment(LD_PRELOAD=bench.shim), text=True,
                          stdout=subprocess.PIPE) as program:
        try:
            demand(program.stdout.readline() == "ready\n", f"handles {place} did not come up")
            harness.wait_until_asleep(program.pid)
            status, out, err = call([bench.cli, "report", "--format=json", str(program.pid)])
        finally:
            program.kill()
    demand(status == 0, err)
    check(place, how, json.loads(out)["processes"][0])


def end(bench, place, how):
    path = bench.path("report.json")
    status, _, err = call([bench.cli, "run", "--format=json", f"--output={path}", bench.target("handles"), place, how, "end"],
                          env=bench.environment())
    demand(status == 66, f"status {status}: {err}")
    check(place, how, harness.read_json(path)["processes"][0])


def test(run, place, how):
    def one(bench):
        run(bench, place, how)

    one.__name__ = f"{place}_{how}_{run.__name__}"
    return one


def text(bench):
    status, _, err = call([bench.cli, "run", bench.target("handles"), "forgotten", "finished", "end"], env=bench.environment())
    demand(status == 66 and "\n  lost-handle   proved: its handle is stored nowhere, nobody can join it\n" in err, err)
    status, _, err = call([bench.cli, "run", "--format=tap", bench.target("handles"), "forgotten", "finished", "end"],
                          env=bench.environment())
    _, found, evidence = err.partition("\n      evidence:\n")
    demand(found and "it was created at start_in" in evidence.partition("\n  threads:")[0], err)
    demand("stored nowhere" not in evidence.partition("\n  threads:")[0], f"the message again as evidence: {err}")
    status, _, err = call([bench.cli, "run", "--find=stuck", bench.target("handles"), "forgotten", "finished", "end"],
                          env=bench.environment())
    demand(status == 66 and "handle" not in err.replace("targets/handles", ""), err)
    status, _, err = call([bench.cli, "run", bench.target("handles"), "data", "finished", "end"], env=bench.environment())
    demand("\n  handle is stored in variable kept_in_data\n" in err and "lost-handle" not in err, err)


def without_run(bench):
    """The shim alone starts the reporter, also when only finished threads leak."""
    status, _, err = call([bench.target("handles"), "forgotten", "finished", "end"],
                          env=bench.environment(LD_PRELOAD=bench.shim))
    demand(status == 0 and "\n  lost-handle   proved: " in err, err)


def other_malloc(bench):
    """What it allocates is no object of libc's malloc: an address says where a handle is."""
    source, library = bench.path("other_malloc.c"), bench.path("other_malloc.so")
    with open(source, "w", encoding="ascii") as file:
        file.write("#include <stddef.h>\nvoid *__libc_malloc(size_t);\nvoid *malloc(size_t size)\n{\n    return __libc_malloc(size);\n}\n")
    done = harness.compile_once(os.environ.get("CC", "cc"), source, library, "-shared", "-fPIC")
    if done.returncode:
        raise harness.Skip(done.stderr.decode())
    for place, where in (("data", "variable kept_in_data"), ("heap", "the heap, 0x"), ("mapping", "memory of mmap, 0x")):
        _, _, err = call([bench.target("handles"), place, "finished", "end"], env=bench.environment(LD_PRELOAD=f"{bench.shim}:{library}"))
        demand(f"\n  handle is stored in {where}" in err, err)


TESTS = [test(live, place, how) for place in [*LOST, *KEPT] for how in ("finished", "alive")] + [
    test(end, place, "finished") for place in [*LOST, *KEPT]] + [text, without_run, other_malloc]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
