#!/usr/bin/env python3
"""Ends by abort(): nothing changes for the program, and the report has the stacks of all threads.

  tests/e2e/aborts.py [--build DIR] [NAME...]
"""
import contextlib
import os
import re
import resource
import signal
import socket
import subprocess
import sys

import harness
import tree_bench
from harness import demand, need

PROGRAMS = "aborts", "aborts_handled", "aborts_confined"

# Without a thread, and in children without one, nothing is reported; nor is a signal.
SILENT = {"fault_in_atexit", "no_thread", "joined", "in_child", "in_vfork_child"}
SURVIVED = {"handler_jumps", "handler_jumps_then_leaves", "handler_jumps_then_exit", "handler_jumps_then_dies"}
LOADER = {"no_descriptors"}  # the loader says that it cannot load the reporter


class Bench(tree_bench.Bench):
    def __init__(self, build):
        super().__init__(build)
        self.commands = {way: [self.target(name), way] for name in PROGRAMS
                         for way in harness.call([self.target(name), "list"])[1].split()}


# ---- the program ------------------------------------------------------------------------------

def raw_status(bench, argv, error, **more):
    """As wait(2) has it, with the flag of a core dump."""
    with open(error, "wb") as file:
        child = subprocess.Popen(argv, env=bench.environment(**more), cwd=bench.tmp, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=file)
        status = os.waitpid(child.pid, 0)[1]
        child.returncode = 0
    return status


def same_end(bench):
    """Status, flag of a core dump, and standard error."""
    for way, argv in bench.commands.items():
        log = bench.path("log." + way)
        bare = raw_status(bench, argv, log + ".bare")
        if os.WIFEXITED(bare) and os.WEXITSTATUS(bare) == 77:
            continue
        shim = raw_status(bench, argv, log + ".shim", LD_PRELOAD=bench.shim, THREADLEAK_OPTIONS=f"log_path={log}")
        run = raw_status(bench, [bench.cli, "run", "-o", log + ".run", *argv], "/dev/null")
        code = os.WEXITSTATUS(bare) if os.WIFEXITED(bare) else 128 + os.WTERMSIG(bare)
        demand(bare == shim, f"{way}: {bare:#x}, with the shim {shim:#x}: {bench.read(f'log.{way}.shim')}")
        demand(os.WEXITSTATUS(run) == code, f"{way}: {code}, under run {run:#x}")
        sandboxed = "without lines" in bench.read(f"log.{way}.shim")
        demand(way in LOADER or sandboxed or bench.read(f"log.{way}.bare") == bench.read(f"log.{way}.shim"),
               f"{way}: {bench.read(f'log.{way}.shim')}")
        demand(os.path.exists(log) != (way in SILENT or way in LOADER or sandboxed), f"{way}: a report, or none")


def nobody_reads(bench):
    """A full pipe, and a socket: the program is not kept for ever."""
    pipe, sockets = os.pipe(), socket.socketpair()
    os.set_blocking(pipe[1], False)
    sockets[1].setblocking(False)
    fill(lambda: os.write(pipe[1], bytes(4096)))
    fill(lambda: sockets[1].send(bytes(4096)))
    os.set_blocking(pipe[1], True)
    sockets[1].setblocking(True)
    started = [subprocess.Popen(bench.commands["in_thread"], env=bench.environment(LD_PRELOAD=bench.shim), stderr=fd)
               for fd in (pipe[1], sockets[1].fileno())]
    for process in started:
        demand(process.wait(100) == -signal.SIGABRT, process.returncode)
    os.close(pipe[0]), os.close(pipe[1]), sockets[0].close(), sockets[1].close()


def fill(write):
    with contextlib.suppress(BlockingIOError):
        while True:
            write()


def handle_in_a_frame_of_the_shim(bench):
    """It was in a register of the caller."""
    for way in "finished_thread", "in_thread":
        _, _, err = harness.call([bench.cli, "run", *bench.commands[way]], env=bench.environment())
        demand(not re.search(r"frame of (\w*abort|pause)", err), err)


def left_by_a_jump(bench):
    """In a sandbox signals are not blocked meanwhile. The end does not wait for such a report."""
    for more in {}, {"LD_PRELOAD": bench.shim}:
        status, _, _ = harness.call([bench.target("abort_left")], env=bench.environment(**more))
        if status == 77:
            raise harness.Skip("no seccomp here")
        demand(status == 3, f"{more}: {status}")


def same_core_dump(bench):
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    if hard == 0:
        raise harness.Skip("no core dumps here")
    limit = [need("prlimit"), "--core=1048576:"]
    for way in "in_main", "assertion":
        argv = [*limit, *bench.commands[way]]
        statuses = [raw_status(bench, argv, bench.path("error"), **more) for more in
                    ({}, {"LD_PRELOAD": bench.shim, "THREADLEAK_OPTIONS": "log_path=/dev/null"})]
        demand(statuses[0] == statuses[1], f"{way}: {statuses}")


def report_comes_first(bench):
    """Then the message of libc."""
    _, _, err = harness.call(bench.commands["assertion"], env=bench.environment(LD_PRELOAD=bench.shim))
    message = re.search(r"^aborts: .*aborts\.c:\d+: assertion: Assertion `.*a message.*' failed\.$", err, re.M)
    demand(message and "threadleak: 2 live threads" in err[:message.start()] and not err[message.end():].strip(), err)


# ---- the report --------------------------------------------------------------------------------

def all_stacks(bench):
    for way, call, by in (("in_main", "abort", 1), ("in_thread", "abort", 4), ("assertion", "assert", 1),
                          ("small_stack", "abort", 4), ("in_handler", "abort", 1)):
        code, _, report = bench.json(bench.commands[way])
        process, = report["processes"]
        demand(code == 134 and process["end"]["signal"] == 6 and not process["end"]["judged"], (way, process["end"]))
        demand(report["summary"]["leaked_threads"] == 0 and process["verdict"] is None, (way, report["summary"]))
        abort = process["abort"]
        demand((abort["call"], abort["thread"]) == (call, by), (way, abort))
        place = "assertion" if way == "assertion" else "give_up"
        demand(abort["at"]["function"] == place, (way, abort))
        threads = {thread["id"]: thread for thread in harness.threads_of(process)} | {1: process["main"]}
        demand(len(threads) == max(by, 3), (way, list(threads)))
        for number, thread in threads.items():
            functions = [frame["function"] for frame in thread["stack"]]
            demand((place if number == by else "pause") in functions and "main" in functions or number > 1, (way, functions))


def text(bench):
    argv = bench.commands["in_thread"]
    _, _, err = harness.call([bench.cli, "run", *argv], env=bench.env)
    demand(re.search(r"^threadleak: 3 live threads at 3 sites, .*, killed by signal 6 \(Aborted\), not counted as leaks\n"
                     r"T4 called abort at give_up +.*aborts\.h:\d+\n\nrunning ×1 .*\n  T4 ", err, re.M), err)
    demand(err.count("\n  now ") + err.count("\n  now in") >= 4 and "the main thread" in err, err)
    _, _, err = harness.call(argv, env=bench.environment(LD_PRELOAD=bench.shim))
    demand(re.search(r"^threadleak: 3 live threads at 3 sites, .*, aborting\nT4 called abort", err, re.M), err)


def judged_if_asked(bench):
    code, _, report = bench.json(bench.commands["in_main"], ["--judge=signal"])
    process, = report["processes"]
    demand(code == 134 and process["end"]["judged"] and report["summary"]["leaked_threads"] == 2, report["summary"])
    demand(process["abort"]["thread"] == 1, process)


def a_handler_that_leaves(bench):
    """It ends the process by _exit() with a status of its own. The report is complete before it runs."""
    argv = [bench.target("aborts_handled"), "handler_leaves"]
    status, _, err = harness.call(argv, env=bench.environment(LD_PRELOAD=bench.shim))
    demand(status == 7, status)
    demand(re.search(r"^T1 \(main\) called abort at give_up .*^created 2, joined 0, .*^in the handler$", err, re.M | re.S), err)
    for way, how, judged in ("handler_leaves", "_exit", False), ("handler_exits", "exit", True):
        code, _, report = bench.json(bench.commands[way])
        process, = report["processes"]
        demand(code == 7 and process["end"]["how"] == how and process["end"]["judged"] == judged, (way, process["end"]))
        demand(report["summary"]["leaked_threads"] == (2 if judged else 0), (way, report["summary"]))
        demand(process["abort"]["thread"] == 1 and process["abort"]["at"]["function"] == "give_up", (way, process))
        functions = [[frame["function"] for frame in thread["stack"]] for thread in harness.threads_of(process)]
        demand(len(functions) == 2 and all("pause" in stack for stack in functions), (way, functions))
        demand("give_up" in [frame["function"] for frame in process["main"]["stack"]], (way, process["main"]))
    _, _, err = harness.call([bench.cli, "run", *argv], env=bench.env)
    demand(re.search(r"exit status 7 by _exit, not counted as leaks\nT1 \(main\) called abort at give_up ", err), err)


def survived(bench):
    """A handler continued, so the end is another one, and the stacks of that moment are not shown."""
    for way in SURVIVED:
        process = bench.json(bench.commands[way])[2]["processes"][0]
        demand("abort" not in process, (way, process))
        demand(all(not thread["stack"] for thread in harness.threads_of(process)), (way, process))


def silent(bench):
    for way in SILENT:
        err = harness.call(bench.commands[way], env=bench.environment(LD_PRELOAD=bench.shim))[2]
        demand("threadleak" not in err, (way, err))


def in_a_child(bench):
    report = bench.json(bench.commands["in_child_with_threads"])[2]
    child = [process for process in report["processes"] if "abort" in process]
    demand(len(child) == 1 and child[0]["abort"]["thread"] == 1 and child[0]["parent_pid"], report)
    _, _, err = harness.call([bench.cli, "run", *bench.commands["in_child_with_threads"]], env=bench.env)
    demand(err.count(" called abort at give_up") == 1, err)


def death_test(bench):
    """It aborts on purpose."""
    argv = [bench.target("joinable"), "early_return"]
    for more in [], ["--gtest_internal_run_death_test=a.cc|7|1|4"]:
        code, _, err = harness.call([bench.cli, "run", *argv, *more], env=bench.env)
        demand(code == 134 and ("ABORTED" in err) == ("called abort" in err) == (not more), f"{more}: {err}")
        process, = bench.json([*argv, *more])[2]["processes"]
        demand(("abort" in process) == bool(process["findings"]) == bool(process["verdict"]) == (not more), process)


def in_the_end(bench):
    for way in "in_atexit", "in_atexit_of_main":
        process = bench.json(bench.commands[way])[2]["processes"][0]
        finding, = [one for one in process["findings"] if one["code"] == "crashed-in-end"]
        demand(finding["level"] == "proved" and finding["threads"] == [1], finding)
        demand(re.fullmatch(r"T1 called abort at aborts\.h:\d+ after the end of the program began", finding["text"]), finding)
        demand(process["verdict"] == f"CRASHED: {finding['text']}: crashed-in-end", process)
    process = bench.json(bench.commands["fault_in_atexit"])[2]["processes"][0]
    finding, = process["findings"]
    demand((finding["level"], finding["threads"]) == ("likely", []), finding)
    demand(process["verdict"] == "CRASHED: SIGSEGV ended the process after the end of the program began: likely crashed-in-end", process)
    err = harness.call([bench.cli, "run", *bench.commands["fault_in_atexit"]], env=bench.env)[2]
    demand(err.startswith("CRASHED: SIGSEGV ended the process"), err)
    process = bench.json(bench.commands["in_main"])[2]["processes"][0]
    demand(not [one for one in process["findings"] if one["code"] == "crashed-in-end"], process)


# ---- std::terminate ---------------------------------------------------------------------------------

def compiled(bench, flags):
    program = bench.path("joinable" + "".join(flags))
    source = os.path.join(harness.ROOT, "tests", "targets", "joinable.cpp")
    done = harness.compile_once(need(os.environ.get("CXX", "c++")), source, program, "-std=c++17", "-pthread", *flags)
    demand(done.returncode == 0, done.stderr)
    return program


def of_terminate(bench, program, way):
    code, _, report = bench.json([program, way])
    process, = report["processes"]
    demand(code == 134 and process["abort"]["call"] == "abort", (way, code, process))
    return process, [one for one in process["findings"] if one["code"] == "joinable-destroyed"]


# What happened, the level, and which threads it can be.
DESTROYED = {
    "early_return": ("T1 destroyed a joinable std::thread at joinable.cpp:{n}: T2, created at joinable.cpp:{n}", "proved", [2]),
    "assignment": ("T1 replaced a joinable std::thread at joinable.cpp:{n}: T2, created at joinable.cpp:{n}", "proved", [2]),
    "member": ("T1 destroyed a joinable std::thread at joinable.cpp:{n}: T2, created at joinable.cpp:{n}", "proved", [2]),
    "vector": ("T1 destroyed a joinable std::thread at joinable.cpp:{n}: one of T2, T3, T4, T5 and 2 more, created at "
               "joinable.cpp:{n}", "likely", [2, 3, 4, 5, 6, 7]),
    "exception": ("T1 destroyed a joinable std::thread at joinable.cpp:{n}: T2, created at joinable.cpp:{n}", "proved", [2]),
    "finished": ("T1 destroyed a joinable std::thread at joinable.cpp:{n}: T2, created at joinable.cpp:{n}", "proved", [2]),
    "at_exit": ("T1 destroyed a joinable std::thread, a static object, when the program exited: T2, created at joinable.cpp:{n}",
                "proved", [2]),
    "other_is_detached": ("T1 destroyed a joinable std::thread at joinable.cpp:{n}: T3, created at joinable.cpp:{n}", "proved", [3]),
    "other_is_no_object": ("T1 destroyed a joinable std::thread at joinable.cpp:{n}: T3, created at joinable.cpp:{n}", "proved", [3]),
    "other_is_of_future": ("T1 destroyed a joinable std::thread at joinable.cpp:{n}: T3, created at joinable.cpp:{n}", "proved", [3]),
    "its_own": ("T2 destroyed a joinable std::thread at joinable.cpp:{n}: T2, created at joinable.cpp:{n}", "proved", [2]),
}


def joinable_destroyed(bench):
    for way, (wanted, level, threads) in DESTROYED.items():
        process, findings = of_terminate(bench, bench.target("joinable"), way)
        demand(len(findings) == 1, f"{way}: {findings}")
        [finding] = findings
        demand(re.fullmatch(re.escape(wanted).replace(r"\{n\}", r"\d+"), finding["text"]), f"{way}: {finding['text']}")
        demand((finding["level"], finding["threads"]) == (level, threads), f"{way}: {finding}")
        likely = "" if level == "proved" else "likely "
        demand(process["verdict"] == f"ABORTED: {finding['text']}: {likely}joinable-destroyed", process["verdict"])
        demand("created, at" in " ".join(finding["evidence"]), finding)


def joinable_destroyed_in_optimised_code(bench):
    """Where calls are inlined, debug information has them."""
    program = compiled(bench, ["-O2", "-g"])
    for way, (_, level, threads) in DESTROYED.items():
        [finding] = of_terminate(bench, program, way)[1]
        demand((finding["level"], finding["threads"]) == (level, threads), f"{way}: {finding}")
        demand("joinable std::thread" in finding["text"], finding)


def joinable_destroyed_of_several(bench):
    """The function that destroyed it created it. Its frame shows which it is, if no older copy of the handle is found first."""
    for program in bench.target("joinable"), compiled(bench, ["-O2", "-g"]):
        for way, wanted in ("beside_a_pool", "T7, created at X|one of T7, T2, T3, T4 and 2 more"), ("two_places", "T3, created at X|one of T2, T3"):
            [finding] = of_terminate(bench, program, way)[1]
            text = re.sub(r"joinable\.cpp:\d+", "X", finding["text"])
            demand(re.fullmatch(f"T1 destroyed( or replaced)? a joinable std::thread at X: ({wanted})", text), f"{way}: {finding}")
            demand(finding["level"] == "likely", f"{way}: {finding}")


def joinable_destroyed_without_debug_information(bench):
    """The object in the frame of the caller shows which thread it is. A compiler may also not inline the destructor."""
    for flags in ["-O1"], ["-O2"]:
        program = compiled(bench, flags)
        for way, thread in ("early_return", 2), ("assignment", 2), ("finished", 2), ("two_places", 3):
            [finding] = of_terminate(bench, program, way)[1]
            demand((finding["level"], finding["threads"]) == ("likely", [thread]) or "called std::terminate" not in finding["text"],
                   f"{flags} {way}: {finding}")
            demand(re.match(r"T1 (called std::terminate at \w+\(\), which has|destroyed|replaced) a joinable", finding["text"]),
                   f"{flags} {way}: {finding}")
        for way in "member", "vector", "terminate":
            process, findings = of_terminate(bench, program, way)
            demand(all(one["level"] == "note" or "called std::terminate" not in one["text"] for one in findings), findings)
            demand(way != "terminate" or process["verdict"] is None, process["verdict"])
        for way in "uncaught", "uncaught_in_thread", "not_caught_by_noexcept", "aborted":
            demand(not of_terminate(bench, program, way)[1], f"{flags} {way}")


def other_ends(bench):
    programs = [bench.target("joinable"), compiled(bench, ["-O2", "-g"])]
    for way in "uncaught", "uncaught_in_thread", "not_caught_by_noexcept", "terminate", "aborted":
        for program in programs:
            process, findings = of_terminate(bench, program, way)
            demand(not findings and process["verdict"] is None, f"{program} {way}: {findings}")
    for program in programs:
        code, printed, report = bench.json([program, "joined"])
        demand(code == 134 and not printed, printed)
        demand(all("abort" not in process and not process["findings"] for process in report["processes"]), report)


def joinable_destroyed_at_once(bench):
    """Without `run`: before the end, on standard error."""
    argv = [bench.target("joinable"), "early_return"]
    status, _, err = harness.call(argv, env=bench.environment(LD_PRELOAD=bench.shim))
    demand(status == -6 and "terminate called without an active exception\nABORTED: T1 destroyed a joinable" in err, err)
    demand(re.search(r"^joinable-destroyed   proved\n  T1 destroyed a joinable std::thread, at\n    > early_return", err, re.M), err)


def other_formats(bench):
    for form, wanted in (("github", "title=joinable-destroyed (proved)::joinable-destroyed: T1 destroyed a joinable std::thread"),
                         ("sarif", '"ruleId": "thread.joinable-destroyed"'), ("gitlab", "T1 destroyed a joinable std::thread"),
                         ("junit", "T1 destroyed a joinable std::thread")):
        output = bench.path(form)
        harness.call([bench.cli, "run", f"--format={form}", "-o", output, bench.target("joinable"), "early_return"], env=bench.env)
        demand(wanted in bench.read(form), f"{form}: {bench.read(form)}")


TESTS = [nobody_reads, same_end, handle_in_a_frame_of_the_shim, left_by_a_jump, same_core_dump, report_comes_first, all_stacks, text, judged_if_asked, a_handler_that_leaves, survived, silent, in_a_child, death_test,
         in_the_end, joinable_destroyed, joinable_destroyed_in_optimised_code, joinable_destroyed_of_several, joinable_destroyed_without_debug_information, other_ends, joinable_destroyed_at_once,
         other_formats]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
