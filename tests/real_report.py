#!/usr/bin/env python3
"""Servers under load, looked at fifty times: no client sees an error, no request
is lost, and none waits long.

  tests/real_report.py [--build DIR] [NAME...]

THREADLEAK_REPORT: another command than "BUILD/threadleak report" to look with.
Unix sockets only, every wait is bounded, a program that is not there is skipped.
"""
import argparse
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests"))
from real import PATH, Skip, can_connect, demand, need, wait_until  # noqa: E402

LOOKS = 50
CLIENTS = 4
LONGEST_S = 1.0  # that a request may take while the server is looked at


class Client(threading.Thread):
    """One connection: asks, reads the whole answer, compares; again until told to stop."""

    def __init__(self, path, number, question):
        super().__init__(daemon=True)
        self.path, self.number, self.question = path, number, question
        self.going, self.done, self.longest, self.error = True, 0, 0.0, None

    def run(self):
        try:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(30)
                sock.connect(self.path)
                while self.going:
                    self.ask(sock, *self.question(self.number, self.done + 1))
                    self.done += 1
        except Exception as error:  # told by the main thread
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

    def __init__(self, build, argv, path, watched):
        self.build, self.path = build, path
        self.tmp = os.path.dirname(path)
        env = {key: value for key, value in os.environ.items() if not key.startswith(("THREADLEAK", "LD_", "MAKE"))}
        env.update(LC_ALL="C", PATH=PATH)
        if watched:
            env["LD_PRELOAD"] = os.path.join(build, "libthreadleak.so")
            env["THREADLEAK_OPTIONS"] = f"signal=USR1:log_path='{self.tmp}/end.%p.txt'"
        with open(os.path.join(self.tmp, "server.log"), "ab") as log:
            self.process = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.tmp)

    def __enter__(self):
        wait_until(lambda: self.process.poll() is not None or can_connect(self.path))
        demand(self.process.poll() is None, f"ended at once with {self.process.returncode}")
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def look(self):
        command = os.environ.get("THREADLEAK_REPORT")
        argv = shlex.split(command) if command else [os.path.join(self.build, "threadleak"), "report"]
        done = subprocess.run([*argv, str(self.process.pid)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60)
        if b" is not watched" in done.stderr:
            raise Skip("this threadleak report wants a watched process")
        demand(done.returncode == 0 and done.stdout, f"report: status {done.returncode} {done.stderr[-1000:]!r}")

    def ask_for_dump(self):
        """By the signal; the thread that takes it is busy until the report is written."""
        path = os.path.join(self.tmp, f"end.{self.process.pid}.txt")
        whole = lambda: open(path, encoding="utf-8").read().count(", peak ") if os.path.exists(path) else 0
        before = whole()
        self.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: whole() == before + 1)

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


def under_load(server, question, looks=LOOKS, look=None):
    """Requests in all; each client has seen an answer to each of its own."""
    clients = [Client(server.path, number, question) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    wait_until(lambda: all(client.done > 100 or client.error for client in clients))
    longest_of(clients)
    time.sleep(0.5)  # the measure: what this machine does without us
    usual = longest_of(clients)
    for _ in range(looks):
        before = sum(client.done for client in clients)
        (look or server.look)()
        wait_until(lambda: sum(client.done for client in clients) > before or any(client.error for client in clients))
    gap = longest_of(clients)
    for client in clients:
        client.going = False
    for client in clients:
        client.join(60)
        demand(not client.is_alive(), f"client {client.number} waits for an answer")
        demand(not client.error, client.error)
    server.demand_running()
    demand(gap <= max(LONGEST_S, 5 * usual), f"a request took {gap:.3f} s, {usual:.3f} s without reports")
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


def redis(build, tmp, watched):
    argv, path = redis_argv(tmp, 2)
    with Server(build, argv, path, watched) as server:
        under_load(server, redis_question)


def redis_watched(build, tmp):
    redis(build, tmp, True)


def redis_unwatched(build, tmp):
    redis(build, tmp, False)


def redis_dumps(build, tmp):
    """Ten reports in a row that the server was asked for by the signal."""
    argv, path = redis_argv(tmp, 2)
    with Server(build, argv, path, True) as server:
        under_load(server, redis_question, 10, server.ask_for_dump)
        with open(os.path.join(tmp, f"end.{server.process.pid}.txt"), encoding="utf-8") as file:
            text = file.read()
        for wanted in ("bio_close_file", "now in condvar wait", "IOThreadMain", "main   alive"):
            demand(text.count(wanted) >= 10, f"{text.count(wanted)} times {wanted!r} in ten reports")


def redis_benchmark(build, tmp):
    """The client that comes with it: ends with 0, says no error, and has had all its answers."""
    argv, path = redis_argv(tmp, 1)
    load = [need("redis-benchmark"), "-s", path, "-n", "50000", "-c", "20", "-t", "incr", "-q"]
    cli = need("redis-cli")
    with Server(build, argv, path, True) as server:
        looks = runs = 0
        while looks < LOOKS:
            with open(os.path.join(tmp, "load.log"), "w+b") as log:
                client = subprocess.Popen(load, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
                try:
                    while client.poll() is None and looks < LOOKS:
                        server.look()
                        looks += 1
                    client.wait(timeout=120)
                finally:
                    client.kill()
                    client.wait()
                log.seek(0)
                said = log.read()
                demand(client.returncode == 0 and b"rror" not in said, f"status {client.returncode}: {said[-500:]!r}")
            runs += 1
        done = subprocess.run([cli, "-s", path, "get", "counter:__rand_int__"], timeout=30, stdout=subprocess.PIPE)
        demand(done.stdout.strip() == b"%d" % (50000 * runs), f"{done.stdout!r} of {50000 * runs} requests were served")
        server.demand_running()


# ---- memcached ------------------------------------------------------------------------

def memcached_question(number, count):
    value = b"%d" % count * 20
    return (b"set value:%d 0 0 %d\r\n%s\r\nget value:%d\r\n" % (number, len(value), value, number),
            b"STORED\r\nVALUE value:%d 0 %d\r\n%s\r\nEND\r\n" % (number, len(value), value))


def memcached(build, tmp, watched):
    path = os.path.join(tmp, "server.sock")
    argv = [need("memcached"), "-s", path, "-t", "3"] + (["-u", "root"] if os.getuid() == 0 else [])
    with Server(build, argv, path, watched) as server:
        count = under_load(server, memcached_question)
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(30)
            sock.connect(path)
            sock.sendall(b"stats\r\nquit\r\n")
            said = b"".join(iter(lambda: sock.recv(65536), b""))
        demand(b"STAT cmd_set %d\r\n" % count in said and b"STAT get_hits %d\r\n" % count in said,
               f"{count} requests, but it says {said!r}")


def memcached_watched(build, tmp):
    memcached(build, tmp, True)


def memcached_unwatched(build, tmp):
    memcached(build, tmp, False)


TESTS = [redis_watched, redis_unwatched, redis_dumps, redis_benchmark, memcached_watched, memcached_unwatched]


def run_one(test, build):
    tmp = tempfile.mkdtemp(prefix="threadleak-report-")
    try:
        test(build, tmp)
        return "passed", ""
    except Skip as reason:
        return "skipped", str(reason)
    except subprocess.TimeoutExpired as error:
        return "failed", f"still running after {error.timeout} s: {error.cmd}"
    except Exception as error:  # whatever it was, the others still run
        return "failed", f"{type(error).__name__}: {error}"
    finally:
        shutil.rmtree(tmp, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    build = os.path.join(ROOT, arguments.build)
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for test in TESTS:
        if arguments.names and test.__name__ not in arguments.names:
            continue
        verdict, text = run_one(test, build)
        counts[verdict] += 1
        if text:
            print(f"{'skip' if verdict == 'skipped' else 'FAIL'} {test.__name__}: {text}")
    print(", ".join(f"{count} {word}" for word, count in counts.items()))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
