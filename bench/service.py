"""A service that is sampled once a second, and one that only runs with the shim: requests in equal times, by turns."""
import signal
import subprocess
import time

from programs import Failed, ask
from sample import Paired, by_turns
from table import missing, ratio_row


def answered_in(process, seconds):
    before, began = int(ask(process)), time.perf_counter()
    time.sleep(seconds)
    return (int(ask(process)) - before) / (time.perf_counter() - began)


def answered_while_sampled(programs, process, seconds):
    argv = [programs.cli, "watch", "--interval=1s", "--format=json", str(process.pid)]
    with subprocess.Popen(argv, env=programs.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as watcher:
        if not watcher.stdout.readline():
            raise Failed("threadleak watch: it ended")
        rate = answered_in(process, seconds)
        watcher.send_signal(signal.SIGINT)
        watcher.stdout.read()
    return rate


def sampled(programs, process, sizes):
    """Times for a request: a ratio above 1 is throughput lost."""
    pairs = by_turns(sizes.windows, lambda: answered_in(process, sizes.window),
                     lambda: answered_while_sampled(programs, process, sizes.window))
    return Paired([(1e6 / bare, 1e6 / with_it) for bare, with_it in pairs])


def measure(table, programs, sizes):
    table.section("service, sampled each second, µs", "without", "sampled")
    try:
        with programs.running([programs.bench("service"), "4"], programs.with_shim()) as process:
            table.add(ratio_row("a request, threadleak watch", sampled(programs, process, sizes), "service"))
    except Failed as failed:
        table.add(missing("a request", str(failed)))
