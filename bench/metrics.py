"""/metrics of threadleak serve: many processes, each with many creation sites."""
import contextlib
import http.client
import os
import re
import subprocess
import time

from programs import Failed
from table import Row, missing
from sample import half_interval, median

SITES, ALIVE = 1000, 60


@contextlib.contextmanager
def serving(programs):
    argv = [programs.cli, "serve", "--listen=127.0.0.1:0"]
    with subprocess.Popen(argv, env=programs.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        found = re.search(r"http://([\d.]+):(\d+)/", process.stdout.readline())
        try:
            if not found:
                raise Failed("threadleak serve: it could not start")
            yield process, http.client.HTTPConnection(found[1], int(found[2]), timeout=600)
        finally:
            process.kill()


def cpu_of(process):
    with open(f"/proc/{process.pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def scrape(connection):
    """How long it takes, ms, and how long its text is."""
    began = time.perf_counter()
    connection.request("GET", "/metrics")
    text = connection.getresponse().read()
    connection.close()
    return (time.perf_counter() - began) * 1000, text


def scrapes(programs, sizes):
    """The first one, the others, the CPU time of one of these (ms), and the text."""
    with serving(programs) as (process, connection):
        first, text = scrape(connection)
        before, times = cpu_of(process), []
        for _ in range(sizes.scrapes):
            took, text = scrape(connection)
            times.append(took)
        return first, times, (cpu_of(process) - before) * 1000 / len(times), text


def measure(table, programs, sizes):
    table.section(f"metrics of {sizes.processes} processes, ms", "first", "each", "each")
    name = f"{SITES:,} sites in each process"
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(sizes.processes):
                stack.enter_context(programs.running([programs.bench("sites"), str(SITES), str(ALIVE)], programs.with_shim()))
            first, times, cpu, text = scrapes(programs, sizes)
        served = len(re.findall(rb"^threadleak_build_info", text, re.M))
        if served < sizes.processes:  # others of this user may run, too
            raise Failed(f"threadleak serve: it served {served} of {sizes.processes} processes")
        note = {"cpu_ms": cpu, "bytes": len(text)}
        table.add(Row(name, first, median(times), median(times), half_interval(times), "metrics-ms", digits=1, note=note))
        table.add(Row("the same, CPU time", None, cpu, cpu, digits=1))
    except Failed as failed:
        table.add(missing(name, str(failed)))
