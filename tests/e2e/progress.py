#!/usr/bin/env python3
"""Progress of long work is shown on a terminal, and nowhere else.

  tests/e2e/progress.py [--build DIR] [NAME...]
"""
import contextlib
import os
import socket
import subprocess
import sys

import harness
from harness import Skip, demand
from top import Screen

WAIT_S = 20


class Bench(harness.Bench):
    @contextlib.contextmanager
    def silent_server(self):
        """It takes connections, and answers when it is closed."""
        server = socket.create_server(("127.0.0.1", 0))
        server.settimeout(WAIT_S)
        with server:
            yield server, self.environment(DEBUGINFOD_URLS=f"http://127.0.0.1:{server.getsockname()[1]}/",
                                           DEBUGINFOD_CACHE_PATH=self.path("cache"), TERM="xterm", LD_PRELOAD="")


def accept(server):
    try:
        return server.accept()[0]
    except TimeoutError:
        raise Skip("libdebuginfod asks no server") from None


def argv_of(bench):
    """A program without symbols."""
    return [bench.cli, "run", "--debuginfod", "--", bench.target("stripped")]


def on_a_terminal(bench):
    """After a second, while a server of debug information does not answer."""
    with bench.silent_server() as (server, env):
        screen = Screen(argv_of(bench), env, 24, 80)
        with accept(server):
            screen.wait_for(r"threadleak: reading \S+, and asking debuginfod for it \.\.\.")
        server.close()
        screen.wait_for(r"1 leaked thread")
        demand(screen.status() == 66, "the status")
        screen.end()


def not_elsewhere(bench):
    with bench.silent_server() as (server, env):
        process = subprocess.Popen(argv_of(bench), env=env, text=True, stderr=subprocess.PIPE)
        with accept(server):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(2)  # longer than it takes on a terminal
        server.close()
        err = process.communicate(timeout=harness.TIMEOUT_S)[1]
        demand(process.returncode == 66 and "1 leaked thread" in err and "reading" not in err, f"{process.returncode} {err!r}")


TESTS = [on_a_terminal, not_elsewhere]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
