#!/usr/bin/env python3
"""Servers under load, with fifty reports: no client gets an error, no request
is lost, and none waits long.

  tests/e2e/real_report.py [--build DIR] [NAME...]

THREADLEAK_REPORT: another command than "BUILD/threadleak report" to report with.
Unix sockets only, every wait is bounded, a program that is not there is skipped.
"""
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time

import harness
from harness import Skip, demand, wait_until
from real import PATH, can_connect, need

REPORTS = 50
CLIENTS = 4
LONGEST_S = 5.0  # of a request during a report; 0.3 on a quiet machine


class Client(threading.Thread):
    """One connection: asks, reads the whole answer, compares; repeats until it is stopped."""

    def __init__(self, path, number, question):
        super().__init__(daemon=True)
        self.path, self.number, self.question = path, number, question
        self.going, self.done, self.longest, self.error = True, 0, 0.0, None

    def run(self):
        try:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(harness.TIMEOUT_S)
                sock.connect(self.path)
                while self.going:
                    self.ask(sock, *self.question(self.number, self.done + 1))
                    self.done += 1
        except Exception as error:  # reported by the main thread
            self.error = f"client {self.number}, request {self.done + 1}: {type(error).__name__}: {error}"

    def ask(self, sock, question, expected):
        before = time.monotonic()
        sock.sendall(question)
        answer = b""
        while len(answer) < len(expected):
            more = sock.recv(65536)
            demand(more, "the server has hung up")
            answer += more
        self.longest = max(self.longest, time.monotonic() - before)
        demand(answer == expected, f"{answer[:100]!r} instead of {expected[:100]!r}")


class Server:
    """A server that runs, watched or not, and is ended at the end."""

    def __init__(self, bench, argv, path, watched):
        self.cli, self.path = bench.cli, path
        env = bench.environment(PATH=PATH)
        if watched:
            env.update(LD_PRELOAD=bench.shim, THREADLEAK_OPTIONS=f"signal=USR1:log_path='{bench.tmp}/end.%p.txt'")
        with open(bench.path("server.log"), "ab") as log:
            self.process = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=bench.tmp)
        self.dumps = bench.path(f"end.{self.process.pid}.txt")

    def __enter__(self):
        wait_until(lambda: self.process.poll() is not None or can_connect(self.path))
        demand(self.process.poll() is None, f"ended at once with {self.process.returncode}")
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def report(self):
        command = os.environ.get("THREADLEAK_REPORT")
        argv = shlex.split(command) if command else [self.cli, "report"]
        status, out, err = harness.call([*argv, str(self.process.pid)], "replace")
        if " is not watched" in err:
            raise Skip("this threadleak report wants a watched process")
        demand(status == 0 and out, f"report: status {status} {err[-1000:]}")

    def ask_for_dump(self):
        """By the signal; the thread that takes it is busy until the report is written."""
        def whole():
            if not os.path.exists(self.dumps):
                return 0
            with open(self.dumps, encoding="utf-8") as file:
                return file.read().count(", peak ")
        before = whole()
        self.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: whole() > before)

    def demand_running(self):
        demand(self.process.poll() is None, f"the server ended with {self.process.returncode}")
        for tid in os.listdir(f"/proc/{self.process.pid}/task"):
            with open(f"/proc/{self.process.pid}/task/{tid}/status", encoding="utf-8", errors="replace") as file:
                fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
            demand(fields["TracerPid"] == "0" and fields["State"][0] not in "tT",
                   f"thread {tid} is left as {fields['State']}, tracer {fields['TracerPid']}")


def longest_of(clients):
    longest = max(client.longest for client in clients)
    for client in clients:
        client.longest = 0.0
    return longest


def under_load(server, question, reports=REPORTS, report=None):
    """Requests in all; each client has seen an answer to each of its own, and goes on after each report.  A request does not
    wait for as long as a report takes, unless `report` is one for which the server itself waits."""
    clients = [Client(server.path, number, question) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    wait_until(lambda: all(client.done > 100 or client.error for client in clients))
    longest_of(clients)
    time.sleep(0.5)  # the measure: what this machine does without us
    usual = longest_of(clients)
    slowest = 0.0
    for _ in range(reports):
        before, began = [client.done for client in clients], time.monotonic()
        (report or server.report)()
        slowest = max(slowest, time.monotonic() - began)
        wait_until(lambda: all(client.done > done or client.error for client, done in zip(clients, before)))
    gap = longest_of(clients)
    for client in clients:
        client.going = False
    for client in clients:
        client.join(harness.TIMEOUT_S)
        demand(not client.is_alive(), f"client {client.number} waits for an answer")
        demand(not client.error, client.error)
    server.demand_running()
    demand(report or gap <= max(LONGEST_S, 5 * usual, 0.5 * slowest),
           f"a request took {gap:.3f} s, {usual:.3f} s without reports, and a report {slowest:.3f} s")
    print(f"longest request: {1000 * gap:.1f} ms, {1000 * usual:.1f} ms without reports")
    return sum(client.done for client in clients)


# ---- redis ---------------------------------------------------------------------------

def redis_argv(tmp, io_threads):
    path = os.path.join(tmp, "server.sock")
    return [need("redis-server"), "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no", "--dir", tmp,
            "--io-threads", str(io_threads)], path


def redis_question(number, count):
    value = b"%d" % count * 20
    return (b"INCR count:%d\r\nSET value:%d %s\r\nGET value:%d\r\n" % (number, number, value, number),
            b":%d\r\n+OK\r\n$%d\r\n%s\r\n" % (count, len(value), value))


def redis(bench, watched):
    argv, path = redis_argv(bench.tmp, 2)
    with Server(bench, argv, path, watched) as server:
        under_load(server, redis_question)


def redis_watched(bench):
    redis(bench, True)


def redis_unwatched(bench):
    redis(bench, False)


def redis_dumps(bench):
    """Ten reports in a row, requested by the dump signal. Redis's main thread takes it, and serves no request until the
    report is written: the longest request takes as long as a report."""
    argv, path = redis_argv(bench.tmp, 2)
    with Server(bench, argv, path, True) as server:
        under_load(server, redis_question, 10, server.ask_for_dump)
        text = bench.read(server.dumps)
        for wanted in ("bio_close_file", "now in condvar wait", "IOThreadMain", "main   alive"):
            demand(text.count(wanted) >= 10, f"{text.count(wanted)} times {wanted!r} in ten reports")


def redis_benchmark(bench):
    """The client that comes with it: ends with 0, says no error, and has had all its answers."""
    argv, path = redis_argv(bench.tmp, 1)
    load = [need("redis-benchmark"), "-s", path, "-n", "50000", "-c", "20", "-t", "incr", "-q"]
    cli = need("redis-cli")
    with Server(bench, argv, path, True) as server:
        reports = runs = 0
        while reports < REPORTS:
            with open(bench.path("load.log"), "w+b") as log:
                client = subprocess.Popen(load, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
                try:
                    while client.poll() is None and reports < REPORTS:
                        server.report()
                        reports += 1
                    client.wait(timeout=harness.TIMEOUT_S)
                finally:
                    client.kill()
                    client.wait()
                log.seek(0)
                printed = log.read()
                demand(client.returncode == 0 and b"rror" not in printed, f"status {client.returncode}: {printed[-500:]!r}")
            runs += 1
        done = subprocess.run([cli, "-s", path, "get", "counter:__rand_int__"], timeout=harness.TIMEOUT_S, stdout=subprocess.PIPE)
        demand(done.stdout.strip() == b"%d" % (50000 * runs), f"{done.stdout!r} of {50000 * runs} requests were served")
        server.demand_running()


# ---- memcached ------------------------------------------------------------------------

def memcached_question(number, count):
    value = b"%d" % count * 20
    return (b"set value:%d 0 0 %d\r\n%s\r\nget value:%d\r\n" % (number, len(value), value, number),
            b"STORED\r\nVALUE value:%d 0 %d\r\n%s\r\nEND\r\n" % (number, len(value), value))


def memcached(bench, watched):
    path = bench.path("server.sock")
    argv = [need("memcached"), "-s", path, "-t", "3"] + (["-u", "root"] if os.getuid() == 0 else [])
    with Server(bench, argv, path, watched) as server:
        count = under_load(server, memcached_question)
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(harness.TIMEOUT_S)
            sock.connect(path)
            sock.sendall(b"stats\r\nquit\r\n")
            printed = b"".join(iter(lambda: sock.recv(65536), b""))
        demand(b"STAT cmd_set %d\r\n" % count in printed and b"STAT get_hits %d\r\n" % count in printed,
               f"{count} requests, but it says {printed!r}")


def memcached_watched(bench):
    memcached(bench, True)


def memcached_unwatched(bench):
    memcached(bench, False)


TESTS = [redis_watched, redis_unwatched, redis_dumps, redis_benchmark, memcached_watched, memcached_unwatched]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench, workers=1))  # they compare times
