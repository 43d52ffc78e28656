#!/usr/bin/env python3
"""Programs that nobody here wrote, idle and under load: nothing is proved of their threads.

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


def check(bench, pid):
    for _ in range(SNAPSHOTS):
        status, out, err = call([bench.cli, "report", "--find=all", "--format=json", str(pid)])
        demand(status == 0, err)
        for process in json.loads(out)["processes"]:
            proved = [finding for finding in process["findings"] if finding["level"] == "proved"]
            demand(not proved, json.dumps(proved, indent=1))


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
        process = subprocess.Popen([sys.executable, "-c", PYTHON, *arguments], env=bench.environment(LD_PRELOAD=bench.shim),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            demand(process.stdout.readline() == b"up\n", "python did not come up")
            check(bench, process.pid)
        finally:
            process.kill()
            process.communicate()


TESTS = [redis, memcached, python]

if __name__ == "__main__":
    os.environ["PATH"] = PATH
    sys.exit(harness.main(TESTS, harness.Bench))
