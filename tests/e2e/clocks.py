#!/usr/bin/env python3
"""Clocks that jump while watch, top, serve and attach sample, and processes in another time namespace.

  tests/e2e/clocks.py [--build DIR] [NAME...]
"""
import contextlib
import datetime
import json
import os
import re
import subprocess
import sys
import threading
import time

import attach
import harness
import serve_bench
from harness import demand, need, need_root, wait_until

DAY = 24 * 3600
# CLOCK_REALTIME, and CLOCK_MONOTONIC with CLOCK_BOOTTIME. The fourth one is before the beginning, the last one after all.
BEGIN = (0, 3 * DAY)
JUMPS = (300 * DAY, 3 * DAY), (-300 * DAY, 3 * DAY), (0, 4 * DAY), (0, 1 * DAY), (0, 5 * DAY)
ALONE = ["unshare", "--time", "--fork", "--kill-child"]


class Bench(attach.Bench, serve_bench.Bench):
    @contextlib.contextmanager
    def growing(self, what, prefix=()):
        """The pid of a target that runs."""
        process = subprocess.Popen([*prefix, self.target("growing"), what], env=self.environment(LD_PRELOAD=self.shim),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            demand(process.stdout.readline() == b"up\n", f"growing {what} did not come up")
            yield harness.child_of(process.pid) if prefix else process.pid
        finally:
            process.kill()
            process.communicate()

    @contextlib.contextmanager
    def full_pool(self, prefix=()):
        with self.growing("pool", prefix) as pid:
            wait_until(lambda: len(os.listdir(f"/proc/{pid}/task")) >= 26, harness.TIMEOUT_S / 3)
            yield pid

    def jump(self, realtime, others):
        """Whole: a reader sees the times before or after."""
        path = self.write("offsets.new", f"{realtime} {others}\n")
        os.rename(path, self.path("offsets"))

    def made_clock(self):
        self.jump(*BEGIN)
        self.env = self.environment(LD_PRELOAD=self.target("libclock.so"), CLOCK_OFFSETS=self.path("offsets"))


def sample_of(watching, pid):
    """The next one."""
    while True:
        line = watching.stdout.readline()
        demand(line, "no sample came")
        sample = json.loads(line)
        if sample["pid"] == pid:
            demand(sample["error"] is None, sample)
            return sample


def watch_goes_on(bench):
    bench.made_clock()
    with bench.full_pool() as pool, bench.growing("leak") as leak:
        watching = subprocess.Popen([bench.cli, "watch", "--interval=50ms", "--format=json", str(pool), str(leak)], env=bench.env,
                                    text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        late = threading.Timer(harness.TIMEOUT_S, watching.kill)
        late.start()
        try:
            for realtime, others in JUMPS:
                before = sample_of(watching, pool)
                bench.jump(realtime, others)
                for _ in range(10):
                    after = sample_of(watching, pool)
                    demand(not after["verdict"] and after["threads"]["tasks"] == before["threads"]["tasks"], f"{realtime} {others}: {after}")
                ahead = datetime.datetime.fromisoformat(after["time"].replace("Z", "+00:00")).timestamp() - time.time()
                demand(abs(ahead - realtime) < DAY, f"the clock did not jump by {realtime}: {after['time']}")
            wait_until(lambda: sample_of(watching, leak)["verdict"], harness.TIMEOUT_S / 3)
            demand(not sample_of(watching, pool)["verdict"], "the pool grows")
        finally:
            late.cancel()
            watching.kill()
            watching.communicate()


def serve_goes_on(bench):
    bench.made_clock()
    growing = ("threadleak_findings", "growing", "likely")
    with bench.full_pool() as pool, bench.growing("leak") as leak, bench.serve() as server:
        before = serve_bench.samples(server.get("/metrics"), pool)
        for realtime, others in JUMPS:
            bench.jump(realtime, others)
            for _ in range(5):
                after = serve_bench.samples(server.get("/metrics"), pool)
                demand(growing not in after and after.keys() == before.keys(), f"{realtime} {others}: {after}")
        wait_until(lambda: serve_bench.samples(server.get("/metrics"), leak).get(growing) == 1, harness.TIMEOUT_S / 3)
        demand(growing not in serve_bench.samples(server.get("/metrics"), pool), "the pool grows")


def top_goes_on(bench):
    """Neither a rise nor an end is invented."""
    bench.made_clock()
    with bench.full_pool() as pid:
        argv = [bench.cli, "top", "--batch", "--interval=20ms", str(pid)]
        top = subprocess.Popen(argv, env=bench.env, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        late = threading.Timer(harness.TIMEOUT_S, top.kill)
        late.start()
        try:
            rows = filter(None, (re.match(r" +24 +0 +(\S+) +(\S+) ", line) for line in top.stdout))
            for realtime, others in JUMPS:
                bench.jump(realtime, others)
                for _ in range(10):
                    per_min, age = next(rows).groups()
                    demand(per_min in ("-", "0") and re.fullmatch(r"-|\d+[smhd]", age), f"{realtime} {others}: {per_min} {age}")
        finally:
            late.cancel()
            top.kill()
            top.communicate()


def attach_goes_on(bench):
    """What is created after each jump is recorded, and nothing is lost. The kernel's records have the time of CLOCK_MONOTONIC,
    which does not jump."""
    with bench.running() as target:
        bench.made_clock()
        bench.jump(0, 0)
        with bench.attached(target.pid):
            for number, realtime in enumerate((300 * DAY, -300 * DAY, 0), 1):
                bench.jump(realtime, 0)
                target.do("ruj")
                process = bench.wait_for(target.pid, attach.count(created=3 * number, alive=number, unjoined=number, joined=number))
                demand(not process["lost_events"], f"{process['lost_events']}")


def another_time_namespace(bench):
    """Its ledger has the times of its own clock."""
    need_root()
    need("unshare")
    for shift in 10 * DAY, -1000:
        prefix = [*ALONE, f"--monotonic={shift}", f"--boottime={shift}"]
        if harness.call([*prefix, "true"])[0] != 0:
            raise harness.Skip("no time namespace can be made here")
        with bench.full_pool(prefix) as pid:
            code, out, err = harness.call([bench.cli, "watch", "--waiting=10m", "--check", "--for=10ms", str(pid)], env=bench.env)
            demand(code == 0 and "WAITING" not in out, f"{shift}: {code} {out}{err}")
            code, out, err = harness.call([bench.cli, "top", "--batch", "--count=1", str(pid)], env=bench.env)
            demand(re.search(r"^ +24 +0 +- +\d{1,2}[sm] ", out, re.M), f"{shift}: {out}{err}")
            code, out, err = harness.call([bench.cli, "report", "--format=json", str(pid)], env=bench.env)
            ages = [float(age) for age in re.findall(r'"age_s": ([-\d.]+)', out)]
            demand(len(ages) >= 24 and all(0 < age < 600 for age in ages), f"{shift}: {ages}")


TESTS = [watch_goes_on, top_goes_on, serve_goes_on, attach_goes_on, another_time_namespace]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
