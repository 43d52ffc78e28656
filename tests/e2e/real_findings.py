#!/usr/bin/env python3
"""Programs of other projects, idle and under load: no finding about their threads is proved.

  tests/e2e/real_findings.py [--build DIR] [NAME...]

Three snapshots of each, SOAK=1: twenty. Unix sockets only; a program that is not there is skipped.
"""
import contextlib
import json
import os
import subprocess
import sys
import textwrap

import harness
from harness import call, demand, wait_until
from real import PATH, need
from real_report import CLIENTS, Client, Server, memcached_question, redis_argv, redis_question

SNAPSHOTS = 20 if harness.SOAK else 3
PYTHON = textwrap.dedent("""
    import queue, sys, threading
    from concurrent.futures import ThreadPoolExecutor
    jobs, never = queue.Queue(), threading.Event()
    for wait in jobs.get, jobs.get, never.wait:
        threading.Thread(target=wait, daemon=True).start()
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(abs, range(100)))
        print("up", flush=True)
        while sys.argv[1:] or sys.stdin.read(1):
            list(pool.map(abs, range(100)))
    """)


# A thread pool, a thread in a monitor that nobody notifies, and those of the JVM itself.
JAVA = textwrap.dedent("""
    import java.util.concurrent.*;
    public class Idle {
        public static void main(String[] arguments) throws Exception {
            ExecutorService pool = Executors.newFixedThreadPool(3);
            for (int i = 0; i < 10; i++)
                pool.submit(() -> 1).get();
            Object monitor = new Object();
            new Thread(() -> { synchronized (monitor) { try { monitor.wait(); } catch (InterruptedException e) { } } }).start();
            System.out.println("up");
            System.in.read();
        }
    }
    """)
# Without these, a thread of the JVM runs each 50 ms, perhaps while memory is copied: then nothing is checked.
STILL = ["-XX:-UsePerfData", "-XX:+UseSerialGC", "-Xint", "-Xmx32m"]


def snapshot(bench, pid):
    """Was it checked which threads are stuck?"""
    status, out, err = call([bench.cli, "report", "--find=all", "--format=json", str(pid)])
    demand(status == 0, err)
    processes = json.loads(out)["processes"]
    for process in processes:
        proved = [finding for finding in process["findings"] if finding["level"] == "proved"]
        demand(not proved, json.dumps(proved, indent=1))
    return not any("not_checked_for_stuck" in process for process in processes)


def check(bench, pid):
    for _ in range(SNAPSHOTS):
        snapshot(bench, pid)


@contextlib.contextmanager
def clients(path, question):
    """They have all seen answers."""
    all_of_them = [Client(path, number, question) for number in range(CLIENTS)]
    for client in all_of_them:
        client.start()
    try:
        wait_until(lambda: all(client.done > 10 or client.error for client in all_of_them))
        yield
    finally:
        for client in all_of_them:
            client.going = False
        for client in all_of_them:
            client.join(60)
    demand(not any(client.error for client in all_of_them), [client.error for client in all_of_them])


def server(bench, argv, path, question):
    with Server(bench, argv, path, True) as running:
        check(bench, running.process.pid)
        with clients(path, question):
            check(bench, running.process.pid)


def redis(bench):
    argv, path = redis_argv(bench.tmp, 3)
    server(bench, argv, path, redis_question)


def memcached(bench):
    path = bench.path("server.sock")
    argv = [need("memcached"), "-s", path, "-t", "3"] + (["-u", "root"] if os.getuid() == 0 else [])
    server(bench, argv, path, memcached_question)


def python(bench):
    for arguments in [], ["busy"]:
        with harness.up([sys.executable, "-c", PYTHON, *arguments], bench.environment(LD_PRELOAD=bench.shim)) as process:
            check(bench, process.pid)


def java(bench):
    """A JVM that has nothing to do: some of its snapshots are checked."""
    source = bench.write("Idle.java", JAVA)
    subprocess.run([need("javac"), "-d", bench.tmp, source], check=True, timeout=harness.TIMEOUT_S)
    with harness.up([need("java"), *STILL, "-cp", bench.tmp, "Idle"], bench.environment(LD_PRELOAD=bench.shim)) as process:
        for _ in range(SNAPSHOTS):
            wait_until(lambda: snapshot(bench, process.pid), harness.TIMEOUT_S)


TESTS = [redis, memcached, python, java]

if __name__ == "__main__":
    os.environ["PATH"] = PATH
    sys.exit(harness.main(TESTS, harness.Bench))
