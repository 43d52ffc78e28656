#!/usr/bin/env python3
"""Deadlocks by each kind of lock, initialisation and join, and programs that only look like one.

  tests/e2e/owners.py [--build DIR] [NAME...]
"""
import contextlib
import json
import os
import sys

import harness
from harness import child_of, demand, wait_until

# What the thread of tests/targets/owners.c wants, and the level of the finding.
KINDS = {"recursive": ("recursive mutex private_locks", "proved"),
         "errorcheck": ("error-checking mutex private_locks", "proved"),
         "adaptive": ("adaptive mutex private_locks", "proved"),
         "robust": ("robust mutex private_locks", "proved"),
         "inherit": ("priority-inheriting mutex private_locks", "proved"),
         "robust_inherit": ("robust priority-inheriting mutex private_locks", "proved"),
         "shared": ("shared mutex ", "likely"),
         "rwlock": ("read lock of rwlock private_locks", "proved"),
         "rwlock_shared": ("write lock of rwlock ", "likely"),
         "stdio": ("stdio lock of stdout", "proved"),
         "stream": ("stdio lock of descriptor ", "proved"),
         "loader": ("the loader's lock", "proved"),
         "once": ("once-initialisation of once", "proved"),
         "malloc": ("malloc's lock", "proved"),
         "malloc_fork": ("malloc's lock", "proved"),
         "flock": ("lock of file ", "likely")}


@contextlib.contextmanager
def started(bench, target, *args):
    """As bench.live(), but the main thread may have ended."""
    with harness.up([bench.target(target), *args], bench.environment(LD_PRELOAD=bench.shim)) as process:
        yield process.pid


def judged(bench, target, *args, of=lambda pid: pid):
    """The process in the report, when each thread is where it stays."""
    with started(bench, target, *args) as parent:
        wait_until(lambda: of(parent) and len(os.listdir(f"/proc/{of(parent)}/task")) > 1)
        pid = of(parent)
        harness.wait_until_asleep(pid)
        status, out, err = harness.call([bench.cli, "report", "--format=json", str(pid)])
        demand(status == 0, err)
        return json.loads(out)["processes"][0]


def circles(process):
    return [one for one in process["findings"] if one["code"] in ("deadlock", "dead-owner")]


def wait_of(process, number):
    threads = [thread for leak in process["leaks"] for thread in leak["threads"]] + [process["main"]]
    [text] = [thread["waiting"]["text"] for thread in threads if thread["id"] == number]
    return text


def demand_circle(process, what, level):
    found = circles(process)
    demand([one["level"] for one in found] == [level], f"{what}: {process['findings']}")
    demand(found[0]["text"].startswith(f"T1 joins T2, which waits for {what}"), found[0]["text"])
    demand(found[0]["text"].endswith(" by T1") and found[0]["threads"] == [1, 2], found[0])


def each_kind(bench):
    for kind, (what, level) in KINDS.items():
        demand_circle(judged(bench, "owners", kind, "join"), what, level)


def a_third_thread_takes_no_part(bench):
    for kind in set(KINDS) - {"flock"}:
        demand_circle(judged(bench, "owners", kind, "third"), *KINDS[kind])


def no_circle(bench):
    for kind in KINDS:
        for how in "pause", "timed", "released":
            process = judged(bench, "owners", kind, how)
            demand(not circles(process), f"{kind} {how}: {process['findings']}")


def owners_that_are_not_known(bench):
    """Readers are only counted; a file's lock belongs to a process."""
    for args in ("rwlock_read", "join"), ("rwlock_read", "third"), ("flock", "third"):
        process = judged(bench, "owners", *args)
        demand(not circles(process), f"{args}: {process['findings']}")


def locks_of_fork(bench):
    found = the_only(judged(bench, "fork_locks", "ring"), "deadlock")
    demand(found["text"] == "T1 waits for lock of fork handlers, held by T3, which waits for lock of stdio's list of streams, "
           "held by T2, which waits for stdio lock of descriptor 3, held by T1", found["text"])
    demand(found["level"] == "proved" and found["threads"] == [1, 3, 2], found)
    process = judged(bench, "fork_locks", "chain")
    demand(not circles(process), process["findings"])
    demand(wait_of(process, 4).startswith("lock of fork handlers, held by T3"), wait_of(process, 4))


def handlers_of_fork(bench):
    """Before glibc 2.36, and before distributions' updates, the lock is held while a handler runs."""
    process = judged(bench, "fork_locks", "handler")
    if wait_of(process, 1).startswith("signal wait"):
        demand(not circles(process), process["findings"])
    else:
        demand(the_only(process, "deadlock")["text"] == "T1 waits for lock of fork handlers, held by T2, which waits for "
               "mutex mutex, held by T1", process["findings"])
    found = the_only(judged(bench, "fork_locks", "circle"), "deadlock")
    demand(found["text"] == "T1 joins T2, which waits for mutex mutex, held by T1" and found["level"] == "proved", found)


def of_cxx(bench):
    for kind, what in (("mutex", "mutex mutex"), ("shared_mutex", "write lock of rwlock shared_mutex"),
                       ("jthread", "mutex mutex"), ("call_once", "once-initialisation of once"),
                       ("guard", "once-initialisation of guarded()::value"),
                       ("guard_inlined", "once-initialisation of guarded_inlined()::value"), ("boost", "mutex mutex"),
                       ("qt", "mutex mutex")):
        demand_circle(judged(bench, "owners_cxx", kind, "dead"), what, "proved")
        demand(not circles(judged(bench, "owners_cxx", kind, "near")), f"{kind} near")


def of_cxx_with_another_object(bench):
    for kind in "mutex", "shared_mutex", "call_once", "guard", "qt":
        process = judged(bench, "owners_cxx", kind, "other")
        demand(not circles(process), f"{kind}: {process['findings']}")


def an_initialisation_that_needs_itself(bench):
    [found] = circles(judged(bench, "owners_cxx", "guard_self", "dead"))
    demand(found["text"] == "T1 waits for once-initialisation of guarded()::value, begun by itself", found["text"])
    demand(found["level"] == "proved" and found["threads"] == [1], found)
    demand(not circles(judged(bench, "owners_cxx", "guard_self", "near")), "an initialisation that waits for input")


def an_initialisation_that_ends_with_a_call(bench):
    """Not watched, because our shim has frames in a join."""
    for how, threads, waiting in ("join", 2, 2), ("self", 1, 1), ("free", 0, 4):
        with harness.up([bench.target("once_tail"), how], bench.environment()) as process:
            wait_until(lambda: len(os.listdir(f"/proc/{process.pid}/task")) == 1 + waiting)
            harness.wait_until_asleep(process.pid)
            status, out, err = harness.call([bench.cli, "report", "--format=json", str(process.pid)])
        demand(status == 0, err)
        if "pthread_once_slow" not in out:
            raise harness.Skip("libc has no names of functions that it does not export")
        found = circles(json.loads(out)["processes"][0])
        demand([len(one["tids"]) for one in found] == [threads] * (threads > 0), found)
        demand(all(one["level"] == "proved" for one in found), found)
    demand(out.count("once-initialisation of once, begun by tid ") == 1, out)


def a_circle_that_the_kernel_refuses(bench):
    """libc then waits for a word on the thread's own stack, and not for the mutex."""
    what = "waits for priority-inheriting mutex"
    for how, first in ("ring", "first"), ("self", "second"):
        [found] = circles(judged(bench, "inherit_circle", how))
        demand(found["text"] in (f"T2 {what} second, held by T3, which {what}, held by T2",
                                 f"T2 {what}, held by T3, which {what} {first}, held by T2"), found["text"])
        demand(found["level"] == "likely" and found["threads"] == [2, 3], found)
    demand(not circles(judged(bench, "inherit_circle", "free")), "one thread has no lock")


def the_only(process, code):
    found = circles(process)
    demand([one["code"] for one in found] == [code], process["findings"])
    return found[0]


def an_owner_that_nobody_joined(bench):
    found = the_only(judged(bench, "circles", "dead_unjoined"), "dead-owner")
    demand(found["text"] == "T4 waits for mutex locks, held by T3, which has ended", found["text"])
    demand(found["level"] == "proved" and found["threads"] == [4], found)
    demand(any(fact.startswith("T3 was created") for fact in found["evidence"]), found)


def an_owner_of_a_stream(bench):
    found = the_only(judged(bench, "circles", "dead_stream"), "dead-owner")
    demand(found["text"].startswith("T3 waits for stdio lock of descriptor ") and
           found["text"].endswith(", held by a thread, which has ended"), found["text"])
    demand(found["level"] == "proved" and found["threads"] == [3], found)


def the_main_thread_ended_with_a_lock(bench):
    found = the_only(judged(bench, "circles", "dead_main"), "dead-owner")
    demand(found["text"] == "T3 waits for mutex locks, held by T1, which has ended", found["text"])
    demand(found["level"] == "proved", found)


def a_fork_while_a_thread_held_a_lock(bench):
    process = judged(bench, "circles", "fork", of=child_of)
    found = the_only(process, "dead-owner")
    demand(f", which exists only in the parent process {process['parent_pid']}" in found["text"], found["text"])
    demand(found["level"] == "proved" and found["threads"] == [1], found)


def an_owner_that_ended_before_the_fork(bench):
    found = the_only(judged(bench, "circles", "fork_gone", of=child_of), "dead-owner")
    demand(found["text"].endswith(", which does not exist in this process"), found["text"])


def the_thread_that_forked_holds_a_lock(bench):
    process = judged(bench, "circles", "fork_held", of=child_of)
    demand(not circles(process), process["findings"])
    process = judged(bench, "circles", "fork_held_by", of=child_of)
    demand(all(found["level"] != "proved" for found in circles(process)), process["findings"])


def a_child_that_made_its_lock_anew(bench):
    process = judged(bench, "circles", "fork_reset", of=child_of)
    demand(not circles(process), process["findings"])


def of_core(bench, how, of=lambda pid: pid):
    harness.need("gcore")
    with started(bench, "circles", how) as parent:
        wait_until(lambda: of(parent) and len(os.listdir(f"/proc/{of(parent)}/task")) > 1)
        pid = of(parent)
        harness.wait_until_asleep(pid)
        harness.call(["gcore", "-o", bench.path("core"), str(pid)])
    status, out, err = harness.call([bench.cli, "report", "--format=json", bench.path(f"core.{pid}")])
    demand(status == 0, err)
    return json.loads(out)["processes"][0]


def text_of_a_core(bench):
    """What was not read was not stopped either."""
    process = of_core(bench, "dead")
    core = bench.path(f"core.{process['pid']}")
    _, out, err = harness.call([bench.cli, "report", "-v", core])
    demand("stopped for" not in out and " 0.0 MiB" not in out, out + err)


def an_owner_that_has_ended_in_a_core(bench):
    for how, owner in ("dead_unjoined", "T3"), ("dead", "tid "):
        found = the_only(of_core(bench, how), "dead-owner")
        demand(found["level"] == "likely" and f", held by {owner}" in found["text"] and
               found["text"].endswith(", which has ended"), found)
    demand(the_only(of_core(bench, "fork", of=child_of), "dead-owner")["level"] == "likely", "the parent has it")


def no_owner_that_has_ended_in_a_core(bench):
    for how, of in ("chain", None), ("recursive", None), ("fork_reset", child_of), ("fork_held", child_of):
        process = of_core(bench, how, of or (lambda pid: pid))
        demand(not circles(process), process["findings"])


def a_lock_that_the_end_keeps(bench):
    """It is no cause of anything, and makes no verdict."""
    out = bench.path("end.json")
    read, write = os.pipe()
    status, _, err = harness.call([bench.cli, "run", "--format=json", f"--output={out}", bench.target("circles"), "end"],
                                  stdin=read)
    os.close(read), os.close(write)
    demand(status == 66, f"{status}: {err}")
    process = harness.read_json(out)["processes"][0]
    found = the_only(process, "dead-owner")
    demand(found["level"] == "note" and found["text"].endswith("held by T1, which has ended the process"), found)
    demand(process["verdict"] is None, process["verdict"])


def text_of(bench, *args):
    with started(bench, "circles", *args) as pid:
        harness.wait_until_asleep(pid)
        status, out, err = harness.call([bench.cli, "report", str(pid)])
        demand(status == 0, err)
        return out


def in_order(text, *parts):
    at = -1
    for part in parts:
        found = text.find(part, at + 1)
        demand(found >= 0, f"{part!r} is not there, or not in its place, in\n{text}")
        at = found


def a_join_loop(bench):
    """The threads whose turn has not come are not said to be never joined; what the verdict names comes first."""
    in_order(text_of(bench, "join_loop"), "STUCK: T1 joins T3, ", "waiting for these:\n  T4 waits for mutex locks",
             "\nmain ", "joinable, not joined yet\n  T3 ", "  T1 (main) is joining T3 created here\n",
             "joinable, never joined\n  T2 ")


def one_join(bench):
    in_order(text_of(bench, "join"), "\nmain ", "joinable, being joined\n  T3 ", "  it is being joined by T1 (main)\n",
             "joinable, never joined\n  T2 ")


def lines_of_threads_that_are_being_joined(bench):
    """The line of a site agrees with the long text, in a quiet report and in each format that has one."""
    with started(bench, "circles", "join_loop") as pid:
        harness.wait_until_asleep(pid)
        for options in ["-q"], ["--format=github"], ["--format=tap"], ["--format=junit"], ["--format=sarif"]:
            # Judged, so that it is a leak in all of them.
            status, out, err = harness.call([bench.cli, "report", "--check", *options, str(pid)])
            demand(status in (0, 1), err)
            demand("3 running threads, not joined yet, created by " in out, (options, out))
            demand("1 running thread, never joined, created by " in out, (options, out))
    with started(bench, "circles", "join") as pid:
        harness.wait_until_asleep(pid)
        _, out, _ = harness.call([bench.cli, "report", "-q", str(pid)])
        demand("1 running thread, being joined, created by " in out, out)


def named_threads_come_first(bench):
    in_order(text_of(bench, "ring", "3"), "running ×3 ", "running ×1 ", "  T6 ", "running ×1 ", "  T2 ", "\nmain ")


TESTS = [text_of_a_core, a_circle_that_the_kernel_refuses, an_owner_that_has_ended_in_a_core, no_owner_that_has_ended_in_a_core, each_kind, a_third_thread_takes_no_part, no_circle, owners_that_are_not_known, locks_of_fork, handlers_of_fork,
         of_cxx, of_cxx_with_another_object,
         an_initialisation_that_needs_itself, an_initialisation_that_ends_with_a_call, an_owner_that_nobody_joined, an_owner_of_a_stream, the_main_thread_ended_with_a_lock,
         a_fork_while_a_thread_held_a_lock, the_thread_that_forked_holds_a_lock, an_owner_that_ended_before_the_fork,
         a_child_that_made_its_lock_anew, a_lock_that_the_end_keeps, a_join_loop, one_join,
         lines_of_threads_that_are_being_joined, named_threads_come_first]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
