#!/usr/bin/env python3
"""A server that leaks two kinds of threads under load is found in each way, and each names the line that creates them.

  tests/e2e/leaky_server.py [--build DIR] [NAME...]    SOAK=1: also for two minutes under wrk; prints times
"""
import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import harness
import html_report
import serve_bench
from attach import Bench as AttachBench
from harness import ROOT, call, demand, need, wait_until

with open(os.path.join(ROOT, "tests", "targets", "leaky_server.cpp"), encoding="utf-8") as file:
    LINES = file.read().split("\n")
LOAD = 'delay = function() return 40 end\n'  # ms after each answer: the server keeps a stack of 8 MiB for each third request


def line_of(comment):
    return next(number for number, line in enumerate(LINES, 1) if line.endswith("// " + comment))


def place_of(comment):
    return f"leaky_server.cpp:{line_of(comment)}"


HANDLERS, LOGS = place_of("creates handlers"), place_of("creates logs")


class Bench(serve_bench.Bench, AttachBench):
    @contextlib.contextmanager
    def server(self, watched=True, load=None):
        """One that runs, under load."""
        env = self.environment(**({"LD_PRELOAD": self.shim} if watched else {}))
        process = subprocess.Popen([self.target("leaky_server")], env=env, text=True, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE)
        try:
            port = int(process.stdout.readline())
            with (load or requests)(self, port):
                yield process
        finally:
            process.kill()
            process.communicate()


# ---- load --------------------------------------------------------------------------------

def ask(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=harness.TIMEOUT_S)
    connection.request("GET", path)
    return connection


@contextlib.contextmanager
def requests(_, port, fast=4):
    """One that is never answered after some that are, again and again."""
    ended = threading.Event()
    waiting = []

    def send():
        while not ended.wait(0.02):
            try:
                for _ in range(fast):
                    ask(port, "/").getresponse().read()
                waiting.append(ask(port, "/slow"))
            except (OSError, http.client.HTTPException):
                return  # the server has ended
    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        for connection in waiting:
            connection.close()


@contextlib.contextmanager
def wrk(bench, port):
    """It does not give up a request that is not answered, so the slow ones come from us."""
    argv = [need("wrk"), "-t1", "-c4", "-d600", "-s", bench.write("load.lua", LOAD), f"http://127.0.0.1:{port}/"]
    with bench.background(argv), requests(bench, port, fast=0):
        yield


# ---- each way ------------------------------------------------------------------------------

def by_watch(bench, target):
    """It prints both, and exits with 66 then."""
    argv = [bench.cli, "watch", "--check", "--interval=200ms", f"--for={harness.TIMEOUT_S}s", str(target.pid)]
    wanted = [rf"LEAK GROWS: \d+ threads created at {HANDLERS} by serve", rf"LEAK GROWS: \d+ unjoined threads created at {LOGS} by serve"]
    lines = []
    with subprocess.Popen(argv, env=bench.env, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as watching:
        for line in watching.stdout:
            lines.append(line)
            wanted = [one for one in wanted if not re.match(one, line)]
            if not wanted:
                watching.send_signal(signal.SIGINT)
                break
        watching.stdout.read()
    demand(not wanted and watching.returncode == 66, f"{watching.returncode}: {''.join(lines)}")


def by_top(bench, target):
    """A row of each is alive or unjoined, and rises, as soon as requests came between two samples."""
    wanted = [re.compile(rf" *[1-9]\d* +\d+ +\+[\d.]+ .*{re.escape(HANDLERS)}"), re.compile(rf" *\d+ +[1-9]\d* +\+[\d.]+ .*{re.escape(LOGS)}")]
    lines = []
    with subprocess.Popen([bench.cli, "top", "--batch", "--interval=200ms", f"--count={5 * harness.TIMEOUT_S}", str(target.pid)],
                          env=bench.env, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as top:
        for line in top.stdout:
            lines.append(line)
            wanted = [one for one in wanted if not one.match(line)]
            if not wanted:
                break
        top.kill()
    demand(not wanted, "".join(lines))


def scrapes(bench, target, count=16):
    """More threads of both sites in each."""
    found = []
    with bench.serve() as server:
        while len(found) < count:
            scrape = serve_bench.scraped(server.get(f"/metrics?pid={target.pid}"))
            if not found or min(number_of(scrape, *one) - number_of(found[-1], *one)
                                for one in (("creates handlers", "detached"), ("creates logs", "unjoined"))) > 0:
                found.append(scrape)
    return found


def number_of(scrape, comment, state):
    wanted = re.compile(rf'threadleak_site_threads{{.*line="{line_of(comment)}",state="{state}"')
    return sum(value for name, value in scrape.items() if wanted.match(name))


def by_the_alert(bench, target):
    """The shipped rules, with what was scraped as if it came every five minutes."""
    need("promtool")
    found = scrapes(bench, target)
    for name, comment in (("ThreadleakThreadsGrow", "creates handlers"), ("ThreadleakUnjoinedGrow", "creates logs")):
        demand(serve_bench.fires(bench, found, name, line=str(line_of(comment))), f"{name}: {found[-1]}")
        demand(not serve_bench.fires(bench, found, name, line="1"), "it fires for any line")


def by_the_tree(bench, target):
    """What the handlers wait for and who leaves the logs; and, by creation, who creates the handlers."""
    for option, places in (("--stacks=current", (place_of("handlers wait here"), LOGS)), ("--stacks=creation", (HANDLERS, LOGS))):
        status, out, err = call([bench.cli, "report", "--format=tree", option, str(target.pid)], env=bench.env)
        demand(status == 0 and all(place in out for place in places), out + err)


def by_the_page(bench, target):
    """What `serve` gives to its page, and the file that `report` writes."""
    with bench.serve() as server:
        datas = [json.loads(server.get(f"/data?pid={target.pid}"))]
    status, out, err = call([bench.cli, "report", "--format=html", str(target.pid)], env=bench.env)
    demand(status == 0, err)
    for data in [*datas, html_report.data_of(out)]:
        places = {(os.path.basename(frame["file"] or ""), frame["line"]) for frame in data["frames"]}
        for comment in ("creates handlers", "creates logs", "handlers wait here"):
            demand(("leaky_server.cpp", line_of(comment)) in places, f"{comment}: {places}")


WAYS = (by_watch, by_top, by_the_alert, by_the_tree, by_the_page)


# ---- tests -----------------------------------------------------------------------------------

def short(way):
    def test(bench):
        with bench.server() as target:
            wait_until(lambda: len(os.listdir(f"/proc/{target.pid}/task")) > 8)
            way(bench, target)
    test.__name__ = way.__name__
    return test


def by_attach(bench):
    """Without the shim, from a moment when it runs already."""
    with bench.server(watched=False) as target, bench.attached(target.pid):
        by_watch(bench, target)
        status, out, err = call([bench.cli, "report", str(target.pid)], env=bench.env)
        demand(status == 0 and HANDLERS in out and LOGS in out, out + err)


def two_minutes_under_wrk(bench):
    if not harness.SOAK:
        raise harness.Skip("only with SOAK=1")
    need("wrk")
    begin = time.monotonic()
    with bench.server(load=wrk) as target, bench.server(watched=False, load=wrk) as other, bench.attached(other.pid):
        while time.monotonic() - begin < 120:
            for way in WAYS:
                way(bench, target)
                print(f"{way.__name__}: {time.monotonic() - begin:.1f} s, {len(os.listdir(f'/proc/{target.pid}/task'))} threads")
            by_watch(bench, other)
            print(f"by_attach: {time.monotonic() - begin:.1f} s")


TESTS = [*map(short, WAYS), by_attach, two_minutes_under_wrk]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
