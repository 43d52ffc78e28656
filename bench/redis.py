"""redis-benchmark against redis-server: bare, with the shim, and with the shim and sampled once a second, by turns."""
import contextlib
import os
import signal
import subprocess
import tempfile

from programs import Failed, missing_tool
from sample import Paired
from table import missing, ratio_row, wall_and_cpu

BARE, SHIM, SAMPLED = range(3)


@contextlib.contextmanager
def serving(path, env):
    argv = ["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no"]
    with subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            if not any("ready to accept connections" in line.lower() for line in iter(process.stdout.readline, "")):
                raise Failed("redis-server: it could not start")
            yield process, path
        finally:
            process.kill()


@contextlib.contextmanager
def sampling(programs, pid):
    argv = [programs.cli, "watch", "--interval=1s", "--format=json", str(pid)]
    with subprocess.Popen(argv, env=programs.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as watcher:
        if not watcher.stdout.readline():
            raise Failed("threadleak watch: it ended")
        try:
            yield
        finally:
            watcher.send_signal(signal.SIGINT)
            watcher.stdout.read()


def cpu_us(pid):
    """On a CPU, of all threads that live: schedstat is exact, and the process's times are of ticks."""
    tasks = f"/proc/{pid}/task"
    total = 0
    for tid in os.listdir(tasks):
        with open(f"{tasks}/{tid}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1000


def requests(programs, server, count):
    """Time and the server's CPU time of a request, µs."""
    process, path = server
    before = cpu_us(process.pid)
    text = programs.output(["redis-benchmark", "-s", path, "-t", "set,get", "-n", str(count), "--csv"])
    used = cpu_us(process.pid) - before
    rates = [float(line.split('","')[1]) for line in text.splitlines() if line.startswith(('"SET', '"GET'))]
    if len(rates) != 2:
        raise Failed(f"redis-benchmark: {text.strip()[-100:]}")
    return sum(1e6 / rate for rate in rates) / 2, used / count / 2


def measured(programs, bare, watched, sizes):
    """[(time, CPU time)] of each way, by round. The order changes, and the first round is not counted."""
    rounds = []
    for turn in range(sizes.windows + 1):
        row = {}
        for way in [(turn + n) % 3 for n in range(3)]:
            with sampling(programs, watched[0].pid) if way == SAMPLED else contextlib.nullcontext():
                row[way] = requests(programs, bare if way == BARE else watched, sizes.requests)
        rounds.append(row)
    return rounds[1:]


def paired(rounds, base, other):
    return [Paired([(row[base][index], row[other][index]) for row in rounds]) for index in range(2)]


def measure(table, programs, sizes):
    table.section("redis, µs", "without", "with")
    try:
        why_not = missing_tool("redis-server") or missing_tool("redis-benchmark")
        if why_not:
            raise Failed(why_not)
        with (tempfile.TemporaryDirectory() as directory,
              serving(os.path.join(directory, "bare"), programs.env) as bare,
              serving(os.path.join(directory, "watched"), programs.with_shim()) as watched):
            rounds = measured(programs, bare, watched, sizes)
    except Failed as failed:
        table.add(missing("a request", str(failed)))
        return
    for name, base, other, budget in (("a request, shim", BARE, SHIM, ""), ("a request, sampled", SHIM, SAMPLED, "service")):
        for row in wall_and_cpu(ratio_row, name, paired(rounds, base, other), budget, 1.0):
            table.add(row)
