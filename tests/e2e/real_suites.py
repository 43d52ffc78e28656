#!/usr/bin/env python3
"""Other people's tests and loads have the same results with and without the shim: in `make soak`.

  SOAK=1 tests/e2e/real_suites.py [--build DIR] [NAME...]

A test that fails for reasons of the machine does so now and then in each way: only one that never passes when it is
watched, and passes when it is not, is a difference.
"""
import os
import re
import signal
import subprocess
import sys

import harness
from harness import demand, need
from real import Bench, can_connect

REPEATED = 4
SUITES = ["test_threading", "test_concurrent_futures", "test_fork1", "test_signal", "test_subprocess",
          "test_multiprocessing_fork", "test_multiprocessing_spawn", "test_multiprocessing_forkserver",
          "test_multiprocessing_main_handling"]
# Not mutex: it fails when its first thread has done all operations before its creator goes on, watched or not.
STRESSORS = ["pthread", "fork", "vfork", "vforkmany", "forkheavy", "clone", "daemon", "exec", "spawn", "zombie", "kill", "wait",
             "signal", "sigabrt", "sigchld", "sigfd", "sigfpe", "sigio", "signest", "sigpending", "sigpipe", "sigq", "sigrt",
             "sigsegv", "sigsuspend", "sigtrap", "itimer", "sem", "futex"]


# ---- CPython -------------------------------------------------------------------------------

def limited(bench, way, argv, seconds):
    """(status, output); what a suite leaves running after the time is ended with it."""
    argv, env = bench.command(way, argv)
    output = bench.path(f"output.{way}")
    with open(output, "wb") as file:
        process = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, cwd=bench.tmp,
                                   start_new_session=True)
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            status = process.wait()
    with open(output, encoding="utf-8", errors="replace") as file:
        return status, file.read()


def outcomes(text):
    """ok, FAIL, ERROR or skipped, of each test; its documentation can be between its name and its outcome."""
    found = re.findall(r"^(\w+) \(([\w.]+)\)(?:\n.*)? \.\.\. (?:[^\n]*?)\b(ok|FAIL|ERROR|skipped)\b", text, re.M)
    return {f"{where.removesuffix('.' + name)}.{name}": outcome for name, where, outcome in found}


def cpython(suite):
    def test(bench):
        python = harness.python_with(f"test.{suite}")
        results = {way: outcomes(limited(bench, way, [python, "-m", "unittest", "-v", f"test.{suite}"], 1200)[1])
                   for way in ("bare", "run")}
        bare, watched = results["bare"], results["run"]
        demand(bare, f"no outcome:\n{bench.read('output.bare')[-2000:]}")
        differs = [name for name in bare if bare[name] in ("ok", "skipped") and watched.get(name) != bare[name]]
        for name in differs:
            again = [limited(bench, "run", [python, "-m", "unittest", name], 300) for _ in range(REPEATED)]
            demand(any(status == 0 for status, _ in again), f"{name}: {bare[name]}, watched {watched.get(name)}\n{again[0][1][-3000:]}")
        print(f"{suite}: {len(bare)} tests, {sum(outcome == 'ok' for outcome in bare.values())} ok, {len(differs)} "
              f"again because they differed")

    test.__name__ = suite
    return test


# ---- loads -------------------------------------------------------------------------------

def stressor(name):
    def test(bench):
        argv = [need("stress-ng"), "--" + name, "2", f"--{name}-ops", "500", "--timeout", "60", "--verify", "--temp-path", bench.tmp]
        results = {way: limited(bench, way, argv, 300) for way in bench.WAYS}
        said = {way: (status, sorted(set(re.findall(r"(?:fail|error|skipped|unsupported): .*", re.sub(r"\[\d+\]", "", text)))))
                for way, (status, text) in results.items()}
        if said["bare"][0] != 0:
            raise harness.Skip(f"stress-ng --{name}: status {said['bare'][0]}")
        demand(said["preload"] == said["bare"] and said["run"] == said["bare"], said)

    test.__name__ = "stress_" + name
    return test


REDIS_TESTS = "ping,set,get,incr,lpush,rpop,sadd,hset,zadd,mset"


def redis_benchmark(bench):
    server, client = need("redis-server"), need("redis-benchmark")
    path = bench.path("redis.sock")
    argv = [server, "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no", "--dir", bench.tmp]

    def keys():
        return subprocess.run([need("redis-cli"), "-s", path, "dbsize"], capture_output=True, check=True, timeout=60).stdout

    def talk():
        done = []
        for watched in (bench.way, "bare"):
            status, text = limited(bench, watched, [client, "-s", path, "-n", "20000", "-q", "--csv", "--threads", "3",
                                                    "-t", REDIS_TESTS], 300)
            done.append((status, re.findall(r'^"([^"]+)","[\d.]+', text, re.M)))
        return done, keys()

    printed = {}
    for bench.way in bench.WAYS:
        printed[bench.way] = bench.serve(bench.way, argv, lambda: can_connect(path), talk,
                                         lambda: subprocess.run(["redis-cli", "-s", path, "shutdown", "nosave"], check=False))
    demand(len(printed["bare"][0][0][1]) >= 10, printed["bare"])
    demand(printed["preload"] == printed["bare"] and printed["run"] == printed["bare"], printed)


TESTS = [*map(cpython, SUITES), *map(stressor, STRESSORS), redis_benchmark]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
