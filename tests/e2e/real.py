#!/usr/bin/env python3
"""Programs of other projects: each prints and returns the same with and
without the shim, and what it leaves behind is counted and named.

  tests/e2e/real.py [--build DIR] [NAME...]

Loopback and Unix sockets only, every wait is bounded, a program that is not
there is skipped.
"""
import collections
import os
import re
import shutil
import socket
import subprocess
import sys

import harness
from harness import Skip, demand, wait_until

PATH = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"


def need(program):
    return harness.need(program, path=PATH)


class Bench(harness.Bench):
    """Three ways to run a program."""

    WAYS = ("bare", "preload", "run")

    def __init__(self, build):
        super().__init__(build)
        self.env.update(PATH=PATH)

    def command(self, way, argv):
        """argv and environment; the reports go into files."""
        if way == "preload":
            log = f"wakes=1:log_path='{self.tmp}/preload.%p.txt'"
            return argv, self.environment(LD_PRELOAD=self.shim, THREADLEAK_OPTIONS=log)
        if way == "run":
            argv = [self.cli, "run", "--error-exitcode=0", "--format=json", "-o", self.path("report.json"), "--", *argv]
        return argv, self.env

    def run(self, way, argv, stdin=b""):
        argv, env = self.command(way, argv)
        done = subprocess.run(argv, env=env, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=harness.TIMEOUT_S, cwd=self.tmp)
        return done.returncode, done.stdout, done.stderr

    def same(self, argv, stdin=b"", hide=None, status=0, stderr=False):
        """Runs it in each way; (status, stdout) must be those of the bare program."""
        results = {}
        for way in self.WAYS:
            code, out, err = self.run(way, argv, stdin)
            demand(code == status, f"{way}: status {code}, not {status}\n{err.decode(errors='replace')[-2000:]}")
            if stderr:
                out += err
            results[way] = re.sub(hide, b"", out) if hide else out
        for way in self.WAYS[1:]:
            demand(results[way] == results["bare"],
                   f"{way}: another output\n{results['bare'][:1000]!r}\n{results[way][:1000]!r}")
        return results["bare"]

    def report(self):
        return harness.read_json(self.path("report.json"))

    def left(self, exe=None):
        """Counter of (kind, thread name) over all counted leaks of the last run."""
        counter = collections.Counter()
        for process in self.report()["processes"]:
            if exe and not re.search(exe, process["exe"] or ""):
                continue
            for leak in process["leaks"]:
                if leak["counted"]:
                    counter.update((leak["kind"], thread["name"]) for thread in leak["threads"])
        return counter

    def demand_left(self, wanted, exe=None):
        left = self.left(exe)
        demand(left == collections.Counter(wanted), f"left: {dict(left)}\nnot: {wanted}")

    def demand_balance(self):
        """Created is joined, detached or left; nothing was lost."""
        for process in self.report()["processes"]:
            threads = process["threads"]
            demand(process["lost_events"] == 0, f"lost {process['lost_events']}")
            demand(threads["created"] >= threads["joined"] + threads["unjoined"], f"counters {threads}")
            listed = sum(leak["count"] for leak in process["leaks"])
            demand(listed == threads["alive"] + threads["unjoined"], f"{listed} listed, counters {threads}")

    def serve(self, way, argv, ready, talk, stop, status=0):
        """A server: waits until ready(), talks to it, stops it; what talk() returned."""
        argv, env = self.command(way, argv)
        with open(self.path("server.log"), "ab") as log:
            server = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.tmp)
            try:
                wait_until(lambda: server.poll() is not None or ready())
                demand(server.poll() is None, f"{way}: ended at once with {server.returncode}\n{self.log()}")
                printed = talk()
                stop()
                code = server.wait(timeout=harness.TIMEOUT_S)
            finally:
                if server.poll() is None:
                    server.kill()
                    server.wait()
        demand(code == status, f"{way}: status {code}, not {status}\n{self.log()}")
        return printed

    def log(self):
        with open(self.path("server.log"), "rb") as log:
            return log.read().decode(errors="replace")[-2000:]


def can_connect(path):
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(path)
        return True
    except OSError:
        return False


def ask(path, text, until):
    """Sends text, reads until the answer ends with `until`, or there is no more."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(harness.TIMEOUT_S)
        sock.connect(path)
        sock.sendall(text)
        answer = b""
        while not answer.endswith(until):
            try:
                more = sock.recv(65536)
            except ConnectionResetError:
                break
            if not more:
                break
            answer += more
        return answer


def some_data(megabytes):
    """Compressible a little, and the same each time."""
    line = b"".join(b"%d threads, %d joined\n" % (n * 7919 % 10007, n) for n in range(50000))
    return (line * (megabytes * 1048576 // len(line) + 1))[:megabytes * 1048576]


# ---- servers ----------------------------------------------------------------------

def redis(bench):
    server = need("redis-server")
    path = bench.path("redis.sock")
    argv = [server, "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no", "--dir", bench.tmp]

    def talk():
        printed = ask(path, b"PING\r\n", b"\r\n") + ask(path, b"SET name value\r\nGET name\r\n", b"value\r\n")
        for n in range(500):
            ask(path, b"SET key:%d %s\r\n" % (n, b"x" * 1000), b"\r\n")
        return printed + ask(path, b"FLUSHALL ASYNC\r\nDBSIZE\r\n", b":0\r\n")

    def stop():
        ask(path, b"SHUTDOWN NOSAVE\r\n", b"never")

    printed = {way: bench.serve(way, argv, lambda: can_connect(path), talk, stop) for way in bench.WAYS}
    demand(len(set(printed.values())) == 1 and b"+PONG" in printed["bare"] and b"value" in printed["bare"], f"printed: {printed}")
    left = bench.left()
    names = sorted(name for _, name in left)
    demand(set(left.values()) == {1} and {kind for kind, _ in left} == {"running"}, f"left: {dict(left)}")
    demand(len(names) == 3 and all(name.startswith("bio_") for name in names), f"left: {names}")
    sites = [leak for process in bench.report()["processes"] for leak in process["leaks"]]
    demand(len(sites) == 1 and sites[0]["count"] == 3, "the three are of one site")
    bench.demand_balance()


def redis_io_threads(bench):
    server = need("redis-server")
    path = bench.path("redis.sock")
    argv = [server, "--port", "0", "--unixsocket", path, "--save", "", "--dir", bench.tmp, "--io-threads", "4"]
    printed = bench.serve("run", argv, lambda: can_connect(path), lambda: ask(path, b"PING\r\n", b"\r\n"),
                       lambda: ask(path, b"SHUTDOWN NOSAVE\r\n", b"never"))
    demand(printed == b"+PONG\r\n", f"printed {printed}")
    names = collections.Counter(name.rsplit("_", 1)[0] for _, name in bench.left().elements())
    demand(names["io_thd"] == 3 and sum(names.values()) == 6, f"left: {dict(names)}")


def memcached(bench):
    server = need("memcached")
    path = bench.path("memcached.sock")
    argv = [server, "-s", path, "-A", "-t", "3"] + (["-u", "root"] if os.getuid() == 0 else [])

    def talk():
        return ask(path, b"set name 0 0 5\r\nvalue\r\nget name\r\n", b"END\r\n") + ask(path, b"get none\r\n", b"END\r\n")

    def stop():
        ask(path, b"shutdown\r\n", b"never")

    printed = {way: bench.serve(way, argv, lambda: can_connect(path), talk, stop) for way in bench.WAYS}
    demand(len(set(printed.values())) == 1 and b"STORED\r\nVALUE name 0 5\r\nvalue" in printed["bare"], f"printed: {printed}")
    left = bench.left()
    workers = sum(count for (_, name), count in left.items() if name == "mc-worker")
    demand({kind for kind, _ in left} == {"running"}, f"left: {dict(left)}")
    demand(workers == 3, f"{workers} workers, not 3: {dict(left)}")
    bench.demand_balance()


def nginx(bench):
    server = need("nginx")
    path = bench.path("nginx.sock")
    bench.write("index.html", "hello from nginx\n")
    config = bench.write(
        "nginx.conf", f"daemon off; pid {bench.tmp}/nginx.pid; error_log {bench.tmp}/error.log; worker_processes 2;\n"
        + ("user root;\n" if os.getuid() == 0 else "") + "thread_pool default threads=2;\n"
        f"events {{ }}\nhttp {{ access_log off; client_body_temp_path {bench.tmp}/a; proxy_temp_path {bench.tmp}/b;"
        f" fastcgi_temp_path {bench.tmp}/c; uwsgi_temp_path {bench.tmp}/d; scgi_temp_path {bench.tmp}/e;\n"
        f"server {{ listen unix:{path}; location / {{ aio threads=default; root {bench.tmp}; }} }} }}\n")
    argv = [server, "-p", bench.tmp, "-c", config]

    def talk():
        answer = ask(path, b"GET / HTTP/1.0\r\n\r\n", b"from nginx\n")
        return answer.split(b"\r\n")[0] + answer.split(b"\r\n\r\n", 1)[1]

    def stop():
        # Gracefully, by SIGQUIT, which is nginx's own and must stay so.
        subprocess.run([*argv, "-s", "quit"], check=True, timeout=harness.TIMEOUT_S, stderr=subprocess.DEVNULL)
        wait_until(lambda: not os.path.exists(f"{bench.tmp}/nginx.pid"))

    printed = {}
    for way in bench.WAYS:
        if os.path.exists(path):
            os.unlink(path)
        printed[way] = bench.serve(way, argv, lambda: can_connect(path), talk, stop)
    demand(len(set(printed.values())) == 1 and b"200 OKhello from nginx" in printed["bare"], f"printed: {printed}")
    bench.demand_balance()


# ---- tools --------------------------------------------------------------------------

def compressor(bench, pack, unpack, left):
    need(pack[0])
    data = some_data(12)
    packed = bench.same(pack, stdin=data)
    bench.demand_balance()
    bench.demand_left(left)
    demand(bench.run("run", unpack, stdin=packed)[1] == data, "what comes out again is something else")


def xz(bench):
    # It does not free its coder when it ends, unless built for debugging: two workers stay.
    compressor(bench, ["xz", "-T2", "-1", "--block-size=2MiB", "-c"], ["xz", "-T2", "-dc"], {("running", "xz"): 2})


def zstd(bench):
    compressor(bench, ["zstd", "-T2", "-q", "-c"], ["zstd", "-dqc"], {})


def pigz(bench):
    compressor(bench, ["pigz", "-p2", "-n", "-c"], ["pigz", "-dc"], {})


def sevenzip(bench):
    tool = next((path for path in (shutil.which(name) for name in ("7z", "7zz", "7za")) if path), None)
    if not tool:
        raise Skip("no 7z here")
    with open(bench.path("data"), "wb") as file:
        file.write(some_data(8))
    packed = {}
    for way in bench.WAYS:
        archive = bench.path(f"{way}.7z")
        code, _, err = bench.run(way, [tool, "a", "-mmt2", "-mx1", "-mtm-", "-bso0", "-bsp0", archive, "data"])
        demand(code == 0, f"{way}: status {code} {err!r}")
        with open(archive, "rb") as file:
            packed[way] = file.read()
    demand(len(set(packed.values())) == 1, "the archives differ")
    bench.demand_left({})


def sysbench(bench):
    argv = [need("sysbench"), "threads", "--threads=4", "--events=200", "--thread-yields=100", "--time=0", "run"]
    out = bench.same(argv, hide=rb"\s*[\d./]+(s|ms|us)?")
    demand(b"total number of events" in out, f"printed: {out!r}")
    bench.demand_balance()
    bench.demand_left({})


def gdb(bench):
    argv = [need("gdb"), "-nx", "-batch", "-ex", "print 6 * 7", "-ex", "info functions main", bench.cli]
    out = bench.same(argv)
    demand(b"$1 = 42" in out, f"printed: {out!r}")
    left = bench.left()
    demand(all(kind == "detached" for kind, _ in left), f"left: {dict(left)}")
    bench.demand_balance()


def gdb_runs_program(bench):
    """A debugger and what it debugs, both under the shim."""
    script = bench.write("script.py", "import threading\nthread = threading.Thread(target=print)\n"
                         "thread.start()\nthread.join()\n")
    argv = [need("gdb"), "-nx", "-batch", "-ex", "set startup-with-shell off", "-ex", "run", "-ex", "print $_exitcode",
            "--args", sys.executable, script]
    code, out, err = bench.run("bare", argv)
    if b"$1 = 0" not in out:
        raise Skip(f"gdb may not debug here: {err[-200:]!r}")
    for way in bench.WAYS[1:]:
        code, out, err = bench.run(way, argv)
        demand(code == 0 and b"$1 = 0" in out, f"{way}: {out!r} {err!r}")


# ---- runtimes ---------------------------------------------------------------------------

def python_daemon_thread(bench):
    script = ("import threading\n"
              "started = threading.Event()\n"
              "def stay():\n started.set()\n threading.Event().wait()\n"
              "threading.Thread(target=stay, daemon=True).start()\n"
              "threading.Thread(target=stay, daemon=True).start()\n"
              "threads = [threading.Thread(target=print, args=(n,)) for n in range(3)]\n"
              "for thread in threads:\n thread.start()\n thread.join()\n"
              "started.wait()\n")
    out = bench.same([sys.executable, "-c", script], stderr=True)
    demand(out == b"0\n1\n2\n", f"printed: {out!r}")
    left = bench.left()
    demand(sum(left.values()) == 2 and {kind for kind, _ in left} == {"detached"}, f"left: {dict(left)}")
    bench.demand_balance()


def python_pool(bench):
    """concurrent.futures and multiprocessing: threads, forks and a resource tracker."""
    script = ("import concurrent.futures, multiprocessing\n"
              "def square(n):\n return n * n\n"
              "if __name__ == '__main__':\n"
              " with concurrent.futures.ThreadPoolExecutor(4) as pool:\n  print(sum(pool.map(square, range(100))))\n"
              " with multiprocessing.get_context('fork').Pool(2) as pool:\n  print(sum(pool.map(square, range(100))))\n"
              "  pool.close()\n  pool.join()\n"
              " with multiprocessing.get_context('spawn').Pool(2) as pool:\n  print(sum(pool.map(square, range(100))))\n"
              "  pool.close()\n  pool.join()\n")
    out = bench.same([sys.executable, bench.write("pool.py", script)], stderr=True)
    demand(out == b"328350\n" * 3, f"printed: {out!r}")
    bench.demand_balance()


def python_test_threading(bench):
    """CPython's own suite for threads."""
    argv = [harness.python_with("test.test_threading"), "-m", "test", "test_threading"]
    # Those of timeouts fail where a thread gets no CPU for a second.
    argv += [] if harness.SOAK else ["-i", "*timeout*"]
    # One of its tests may fail for reasons of the machine: then it must fail in both ways.
    verdict = {}
    for way in ("bare", "run"):
        code, out, err = bench.run(way, argv)
        total = re.search(rb"Total tests: .*|Ran \d+ tests.*", out)
        verdict[way] = code, total and total.group(), sorted(set(re.findall(rb"^(?:FAIL|ERROR): .*", out + err, re.M)))
    demand(verdict["bare"] == verdict["run"], f"{verdict}")


def node(bench):
    script = ("const { Worker } = require('worker_threads'), crypto = require('crypto');"
              "crypto.pbkdf2('a', 'b', 1000, 20, 'sha1', (error, key) => {"
              " console.log(key.toString('hex'));"
              " new Worker(\"require('worker_threads').parentPort.postMessage(6 * 7)\", { eval: true })"
              "  .on('message', console.log).on('exit', code => console.log('exit', code)); });")
    out = bench.same([need("node"), "-e", script], stderr=True)
    demand(b"42\nexit 0" in out, f"printed: {out!r}")
    bench.demand_balance()


def java(bench):
    source = bench.write("Hello.java", "public class Hello { public static void main(String[] args) throws Exception {"
                         " Thread a = new Thread(() -> System.out.println(\"joined\")); a.start(); a.join();"
                         " java.util.concurrent.CountDownLatch runs = new java.util.concurrent.CountDownLatch(1);"
                         " Thread b = new Thread(() -> { runs.countDown();"
                         "  while (true) java.util.concurrent.locks.LockSupport.park(); });"
                         # It takes its name as it begins to run.
                         " b.setDaemon(true); b.setName(\"stays\"); b.start(); runs.await();"
                         " System.out.println(\"hello\"); } }\n")
    out = bench.same([need("java"), "-Xshare:auto", source])
    demand(out == b"joined\nhello\n", f"printed: {out!r}")
    left = bench.left()
    demand({kind for kind, _ in left} <= {"detached", "running"}, f"left: {dict(left)}")
    demand(sum(count for (_, name), count in left.items() if name == "stays") == 1, f"left: {dict(left)}")
    bench.demand_balance()


TESTS = [python_test_threading, java, redis, redis_io_threads, memcached, nginx, xz, zstd, pigz, sevenzip, sysbench,
         gdb, gdb_runs_program, python_daemon_thread, python_pool, node]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
