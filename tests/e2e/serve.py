#!/usr/bin/env python3
"""threadleak serve: what it answers, to whom, and what slow and hostile clients can do.

  tests/e2e/serve.py [--build DIR] [NAME...]
"""
import contextlib
import gzip
import http.client
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading

import browser
import harness
from harness import demand, need_root, wait_until
from serve_bench import Bench, samples

HOSTILE = "evil.example"


# ---- requests --------------------------------------------------------------------------

def paths(bench):
    with bench.serve() as server:
        status, headers, text = server.ask("/healthz")
        demand(status == 200 and text == b"ok\n" and headers["Content-Type"] == "text/plain; charset=utf-8", (status, text))
        demand(headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store", headers)
        demand(server.ask("/healthz", "HEAD")[2] == b"", "HEAD has a body")
        for path in ("/nothing", "/healthz/", "/debug/pprof/threads/", "/../etc/passwd", "//healthz", "/data/", "/healthz%00", "/metrics%00x", "/%00"):
            demand(server.status(path) == 404, path)
        status, headers, _ = server.ask("/healthz", "POST")
        demand(status == 405 and headers["Allow"] == "GET, HEAD", (status, headers))
        for query in ("pid=x", "pid=0", "pid=-1", "pid=1x", "pid=", "pid=99999999999", "debug=3", "debug=x", "seconds=5", "pid=1%00", "debug=2%00"):
            demand(server.status("/debug/pprof/threads?" + query) == 400, query)


def hosts(bench):
    """A name that a hostile page gave this address (DNS rebinding) is refused."""
    with bench.serve("--host=monitor.example") as server:
        for host in ("localhost", "LOCALHOST:80", "localhost.", f"127.0.0.1:{server.port}", "127.9.9.9", "[::1]:1", "x.localhost",
                     "monitor.example", "Monitor.Example:9844"):
            demand(server.status(hosts=[host]) == 200, host)
        for host in (HOSTILE, f"{HOSTILE}:{server.port}", f"localhost.{HOSTILE}", f"127.0.0.1.{HOSTILE}", "10.0.0.1", "[::2]", "",
                     ":80", "[::1", "[::1]x", "localhost:80x", "localhost@" + HOSTILE, "a.monitor.example"):
            demand(server.status(hosts=[host]) != 200, host)
        demand(server.status(hosts=[]) != 200, "no Host")
        demand(server.status(hosts=["localhost", HOSTILE]) != 200, "two Hosts")
        demand(server.status(hosts=[HOSTILE, "localhost"]) != 200, "two Hosts")
        demand(server.status("/debug/pprof/threads?debug=2", hosts=[HOSTILE]) == 403, "a path that is not /healthz")


def absolute_form(bench):
    """GET http://HOST/PATH, as through a proxy: the Host that counts is that of the request line."""
    with bench.serve() as server:
        own = f"http://127.0.0.1:{server.port}"
        demand(server.ask(own + "/healthz")[2] == b"ok\n" and server.status("HTTP://localhost/healthz") == 200, "its own name")
        demand(b"threadleak_build_info" in server.ask(own + "/metrics")[2], "metrics")
        demand(server.status(own) == 200 and server.status(own + "/debug/pprof/threads?debug=3") == 400, "the page; a parameter")
        demand(server.status(own + "/nothing") == 404 and server.status(own + "//healthz") == 404, "no path")
        demand(server.status(own + "/healthz", hosts=[HOSTILE]) == 200, "the header does not count")
        for host in (HOSTILE, f"localhost@{HOSTILE}", f"localhost.{HOSTILE}", "", "x" * 400, f"{HOSTILE}%2flocalhost"):
            demand(server.status(f"http://{host}/healthz", hosts=["localhost"]) in (403, 404), host)
        demand(server.status("https://localhost/healthz") == 404, "another scheme")


def other_sites(bench):
    """A page of another site cannot make a process stop, but a link leads here."""
    with bench.serve() as server:
        for site in ("cross-site", "same-site"):
            demand(server.status(Sec_Fetch_Site=site, Sec_Fetch_Mode="no-cors") == 403, site)
        demand(server.status(Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate") == 200, "a link")
        demand(server.status(Sec_Fetch_Site="same-origin", Sec_Fetch_Mode="cors") == 200, "its own page")
        demand(server.status(Sec_Fetch_Site="none", Sec_Fetch_Mode="navigate") == 200, "the address bar")


def token(bench):
    with bench.serve(f"--token-file={bench.token_file()}") as server:
        def status(given, path="/debug/pprof/threadcreate"):
            return server.status(path, **({"Authorization": given} if given is not None else {}))
        demand(status("Bearer correct horse") == 200 and status("bearer correct horse") == 200, "the token")
        for given in (None, "", "Bearer", "Bearer ", "Bearer correct", "Bearer correct horse ", "Bearer correct horsf",
                      "Bearer correct horsecorrect horse", "correct horse", "Basic correct horse", "Bearer \u00e9"):
            demand(status(given) == 401, given)
        demand("Bearer" in server.ask("/nothing")[1]["WWW-Authenticate"] and status(None, "/nothing") == 401, "an unknown path")
        demand(status(None, "/healthz") == 200, "/healthz")
        bench.token_file("another\n")
        demand(status("Bearer another") == 200 and status("Bearer correct horse") == 401, "a new token")
        bench.token_file("another\n", 0o644)
        demand(status("Bearer another") == 401, "a file that everybody can read now")


def refusals(bench):
    bench.refused("can be read or written by other users", f"--token-file={bench.token_file(mode=0o640)}")
    bench.refused("can be read or written by other users", f"--token-file={bench.token_file(mode=0o602)}")
    if os.geteuid() == 0:  # a file of root, for another user
        os.chmod(bench.tmp, 0o755)
        os.chown(bench.token_file(mode=0o440), 0, 65534)
        with bench.serve(f"--token-file={bench.path('token')}", prefix=harness.as_nobody()) as server:
            demand(server.status("/data", Authorization="Bearer correct horse") == 200, "a file of root")
        bench.refused("can be read or written by other users", f"--token-file={bench.path('token')}")
        os.chown(bench.token_file(), 65534, 65534)
        bench.refused("belongs to another user", f"--token-file={bench.path('token')}")
        os.remove(bench.path("token"))
    bench.refused("is empty", "--token-file=" + bench.token_file(" \n"))
    bench.refused("No such file", f"--token-file={bench.path('none')}")
    os.mkfifo(bench.path("fifo"), 0o600)
    bench.refused("not a regular file", f"--token-file={bench.path('fifo')}")
    bench.refused("other machines.*--token-file", "--listen=0.0.0.0:0")
    bench.refused("other machines.*--token-file", "--listen=:0")
    bench.refused("--all-users.*--token-file", "--all-users", "--listen=127.0.0.1:0")
    for address in ("", "x", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:1x", "::1:80", "[::1]", "[::1:80"):
        bench.refused("is not ADDR:PORT", "--listen=" + address)
    bench.refused("not both", "--listen=127.0.0.1:0", f"--unix={bench.path('s')}")
    bench.refused("1 to 107 bytes", "--unix=" + "x" * 108)
    bench.refused("No such file", f"--unix={bench.path('none/s')}")
    bench.refused("is empty", "--host=")
    bench.refused("takes no argument", "127.0.0.1:0")
    bench.refused("not a duration", "--timeout=x")


def port_in_use(bench):
    with bench.serve() as server:
        bench.refused("in use by another program", f"--listen=127.0.0.1:{server.port}")
        demand(server.status() == 200, "the first one")


def full_disk(bench):
    with open("/dev/full", "w", encoding="utf-8") as full:
        code, _, err = harness.call([bench.cli, "serve", "--listen=127.0.0.1:0"], env=bench.env, stdout=full)
    demand(code == 2 and err == "threadleak: serve: standard output could not be written: No space left on device\n", f"{code} {err}")


def unix_socket(bench):
    path = bench.path("socket")
    with bench.serve(f"--unix={path}", listen=None) as server:
        demand(stat.S_IMODE(os.stat(path).st_mode) == 0o600, "its mode")
        demand(server.get("/healthz") == "ok\n" and server.status(hosts=["a.proxy"]) == 200, "an answer")
        bench.refused("in use", f"--unix={path}")
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    with bench.serve(f"--unix={path}", listen=None) as server:
        demand(server.status() == 200, "over that of one that was killed")
        server.process.send_signal(signal.SIGTERM)
        demand(server.process.wait(harness.TIMEOUT_S) == 0 and not os.path.exists(path), "its file remains")
    bench.write("socket", "text")
    bench.refused("another file has this name", f"--unix={path}")
    demand(bench.read("socket") == "text", "a file was removed")


def all_addresses(bench):
    """With a token; by an address, but by no name."""
    with bench.serve(f"--token-file={bench.token_file()}", listen="--listen=0.0.0.0:0") as server:
        demand(server.address == "0.0.0.0", server.address)
        demand(server.status(hosts=["10.1.2.3:80"]) == 200 and server.status(hosts=[HOSTILE]) == 403, "its Host")
        demand(server.status("/debug/pprof/threadcreate") == 401, "without a token")


# ---- threads ------------------------------------------------------------------------------

def each_thread(bench):
    with bench.served("stays", "detached", "unjoined", "blocked", "joined") as target, bench.serve() as server:
        text = server.get(f"/debug/pprof/threads?debug=2&pid={target.pid}")
    demand(text.startswith(f"# process {target.pid} {os.path.realpath(bench.target('served'))}\n\nthread 1 \"served\" tid {target.pid} ["), text)
    age = r", age [\d.]+ \w+(?: \d+ s)?\]:"
    for head in (rf'thread 2 "served" tid \d+ \[sleeping, .*, joinable{age}\npause\(\.\.\.\)\n',
                 rf'thread 3 "served" tid \d+ \[sleeping, .*, detached{age}\n',
                 rf"thread 4 tid \d+ \[ended [\d.]+ \w+(?: \d+ s)? ago, unjoined{age}\ncreated by start in thread 1\n\t\S+target\.h:\d+\n\n",
                 rf'thread 5 "served" tid \d+ \[sleeping, mutex jobs_lock, held by T1 "served".*, joinable{age}\n'):
        demand(re.search(head, text), f"{head}\n{text}")
    demand(re.search(r"^want_lock\(\.\.\.\)\n\t/\S+/served\.c:\d+$", text, re.M) and "thread 6 " not in text, text)


def grouped(bench):
    with bench.served("stays 3", "unjoined 2", "blocked") as target, bench.serve() as server:
        text = server.get(f"/debug/pprof/threads?debug=1&pid={target.pid}")
        created = server.get(f"/debug/pprof/threadcreate?debug=1&pid={target.pid}")
    demand(text.startswith("threads profile: total 7\n3 @ 0x"), text)
    blocks = text.split("\n\n")
    stays = next(block for block in blocks if "\tstay\t" in block)
    demand(re.search(rf'^# labels: {{"pid":"{target.pid}","exe":"\S+","kind":"joinable","wait":".*"}}$', stays, re.M), stays)
    demand(re.search(r"^#\t0x[0-9a-f]+\tstay\t\S+target\.h:\d+$", stays, re.M), stays)
    demand(any(block.startswith("2 @ ") and '"unjoined"' in block and "\tstart_unjoined\t" in block for block in blocks), text)
    demand(created.startswith("threadcreate profile: total 6\n") and re.search(r"^3 @ .*\n.*\n(#.*\n)*#\t\S+\tstart_worker\t", created, re.M), created)


def protobuf(bench):
    """What go tool pprof reads."""
    with bench.served("stays 3", "unjoined") as target, bench.serve() as server:
        for name, function, size in (("threads", b"stay", 5), ("threadcreate", b"start_worker", 4)):
            status, headers, text = server.ask(f"/debug/pprof/{name}?pid={target.pid}")
            demand(status == 200 and headers["Content-Type"] == "application/octet-stream", headers)
            demand(f'filename="{name}.pb.gz"' in headers["Content-Disposition"], headers)
            demand(function in gzip.decompress(text) and text[:2] == b"\x1f\x8b", name)
            with open(bench.path(name), "wb") as file:
                file.write(text)
            if shutil.which("go"):
                env = bench.environment(HOME=bench.tmp, GOCACHE=bench.path("cache"), GOFLAGS="")
                code, out, err = harness.call(["go", "tool", "pprof", "-top", "-sample_index=threads", bench.path(name)], env=env)
                demand(code == 0 and f"of {size} total" in out, f"{code} {out} {err}")


def several_processes(bench):
    """Without a pid: all that are watched, and no other."""
    with bench.served("stays") as first, bench.served() as second, bench.served("stays", watched=False) as unwatched:
        second.order("detached")
        with bench.serve() as server:
            text = server.get("/debug/pprof/threads?debug=2")
            alone = server.get(f"/debug/pprof/threads?debug=2&pid={unwatched.pid}")
    processes = re.findall(r"^# process (\d+)", text, re.M)
    demand({str(first.pid), str(second.pid)} <= set(processes) and str(unwatched.pid) not in processes, text)
    demand("not watched: the creators of its threads are unknown" in alone and "untracked" in alone, alone)


def other_users(bench):
    """root does not see theirs without --all-users."""
    need_root()
    os.chmod(bench.tmp, 0o755)
    with bench.served("stays", prefix=harness.as_nobody()) as theirs:
        path = f"/debug/pprof/threadcreate?debug=1&pid={theirs.pid}"
        with bench.serve() as server:
            demand(server.status(path) == 403, "by its pid")
            demand(f'"pid":"{theirs.pid}"' not in server.get("/debug/pprof/threadcreate?debug=1"), "in the list")
        with bench.serve("--all-users", f"--unix={bench.path('s')}", listen=None) as server:
            demand("total 1\n" in server.get(path), "with --all-users")
            demand(f'"pid":"{theirs.pid}"' in server.get("/debug/pprof/threadcreate?debug=1"), "in the list of all")
        with bench.served("stays") as ours, bench.serve(prefix=harness.as_nobody()) as server:
            demand(server.status(path) == 200, "nobody's own")
            demand(server.status(f"/debug/pprof/threadcreate?debug=1&pid={ours.pid}") == 403, "root's")


def page(bench):
    """It loads nothing but its data, which are of the process that was asked for."""
    with bench.served("stays 2", "blocked") as target, bench.served() as other, bench.serve() as server:
        status, headers, text = server.ask(f"/?pid={target.pid}")
        demand(status == 200 and headers["Content-Type"] == "text/html; charset=utf-8", headers)
        demand(b"default-src 'none'" in text and f'"/data?pid={target.pid}"'.encode() in text, text[:2000])
        demand(not re.search(rb"(?:src|href)=[\"']?(?:https?:)?//", text), "it refers to another server")
        _, headers, data = server.ask(f"/data?pid={target.pid}")
        demand(headers["Content-Type"] == "application/json", headers)
        report, = json.loads(data)["report"]["processes"]
        demand(report["pid"] == target.pid and sum(leak["count"] for leak in report["leaks"]) == 3, report)
        other.order("stays")
        pids = {process["pid"] for process in json.loads(server.get("/data"))["report"]["processes"]}
        demand({target.pid, other.pid} <= pids and '"/data"' in server.get("/"), pids)
        demand(server.status("/?pid=x") == 400 and server.status("/data?pid=1x") == 400, "a wrong pid")


def page_in_a_browser(bench):
    """It shows the verdict, reads its data again, asks no other server, and its policy stops nothing of its own."""
    browser.find()
    with bench.served("deadlock") as target, bench.serve() as server:
        harness.wait_until_asleep(target.pid)
        window = browser.Browser(bench.tmp)
        try:
            origin = f"http://127.0.0.1:{server.port}/"
            window.open(f"{origin}?pid={target.pid}")
            window.wait_for("document.body.innerText.includes('first_lock')")
            wait_until(lambda: window.evaluate("1") and sum("/data?" in request for request in window.requests) > 1)
            demand(all(request.startswith(origin) for request in window.requests), window.requests)
            demand(not window.complaints, window.complaints)
        finally:
            window.close()


def ended(bench):
    with bench.served("stays") as target, bench.serve() as server:
        path = f"/debug/pprof/threads?debug=2&pid={target.pid}"
        demand(server.status(path) == 200, "alive")
        target.kill()
        target.wait()
        demand(server.status(path) == 404 and server.status("/debug/pprof/threads") == 200, "ended")


def dies_meanwhile(bench):
    """Between the list and the reading of a process, and while it is read."""
    with bench.serve() as server:
        for _ in range(10):
            with bench.served("stays 20") as target:
                statuses = []
                asking = threading.Thread(target=lambda: statuses.extend(
                    server.status(path) for path in ("/debug/pprof/threads?debug=1", "/metrics", f"/debug/pprof/threads?debug=2&pid={target.pid}")))
                asking.start()
                target.kill()
                asking.join()
            demand(statuses[:2] == [200, 200] and statuses[2] in (200, 404), statuses)
        demand(server.status() == 200, "it lives")


def two_at_once(bench):
    """Each gets every stack."""
    with bench.served("stays 10") as target, bench.serve() as server:
        texts = []
        clients = [threading.Thread(target=lambda: texts.append(server.get(f"/debug/pprof/threads?debug=2&pid={target.pid}")))
                   for _ in range(4)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    demand([text.count("\nstay(...)\n") for text in texts] == [10] * 4, texts)


# ---- metrics ------------------------------------------------------------------------------

def metrics(bench):
    with bench.served("stays 3", "detached", "unjoined 2", "joined 4") as target, bench.serve() as server:
        status, headers, text = server.ask("/metrics")
        demand(status == 200 and headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8", headers)
        found = samples(text.decode(), target.pid)
        for key, value in {("threadleak_threads", "joinable"): 3, ("threadleak_threads", "detached"): 1,
                           ("threadleak_threads", "unjoined"): 2, ("threadleak_threads", "untracked"): 0,
                           ("threadleak_threads_created_total",): 10, ("threadleak_threads_joined_total",): 4,
                           ("threadleak_threads_detached_total",): 1, ("threadleak_threads_ended_total",): 6,
                           ("threadleak_create_failures_total", "EAGAIN"): 0,
                           ("threadleak_thread_age_seconds_count",): 4}.items():
            demand(found.get(key) == value, f"{key}: {found.get(key)}\n{text.decode()}")
        sites = {key: value for key, value in found.items() if key[0] == "threadleak_site_threads"}
        demand(sorted(sites.values()) == [1, 2, 3] and all("target.h" in key[1] and key[2] == "start" for key in sites), sites)
        demand(f'exe="{os.path.realpath(bench.target("served"))}"' in text.decode(), text)
        target.order("stays")
        target.order("joined")
        later = samples(server.get("/metrics"), target.pid)
        demand(later["threadleak_threads", "joinable"] == 4 and later["threadleak_threads_created_total",] == 12, later)
        demand(samples(server.get(f"/metrics?pid={target.pid}")).keys() == later.keys(), "of one process")
        target.kill()
        target.wait()
        demand(f'pid="{target.pid}"' not in server.get("/metrics") and server.status(f"/metrics?pid={target.pid}") == 404, "it ended")


def stacks_and_limits(bench):
    with bench.served("stays 3", "unjoined") as target, bench.serve() as server:
        found = samples(server.get("/metrics"), target.pid)
        with open(f"/proc/{target.pid}/maps", encoding="utf-8") as file:
            mappings = len(file.readlines())
    reserved, resident = (found["threadleak_stack_bytes", kind] for kind in ("reserved", "resident"))
    demand(reserved >= 4 * 16384 and 4 * 4096 <= resident < reserved, found)
    with open("/proc/sys/kernel/pid_max", encoding="utf-8") as file:
        demand(found["threadleak_thread_limit", "pid_max"] == int(file.read()), found)
    used = found["threadleak_thread_limit_used", "max_map_count"]
    demand(abs(used - mappings) <= 2 and found["threadleak_thread_limit_used", "threads-max"] >= 5, (found, mappings))


def limit_of_a_user(bench):
    """RLIMIT_NPROC counts all threads of the user; it is not for root."""
    need_root()
    with bench.served("stays 2", prefix=[*harness.as_nobody(), harness.need("prlimit"), "--nproc=5000"]) as target:
        os.chmod(bench.tmp, 0o755)
        with bench.serve("--all-users", f"--unix={bench.path('s')}", listen=None) as server:
            found = samples(server.get("/metrics"), target.pid)
    demand(found["threadleak_thread_limit", "RLIMIT_NPROC"] == 5000, found)
    demand(found["threadleak_thread_limit_used", "RLIMIT_NPROC"] >= 3, found)
    with bench.served("stays") as target, bench.serve() as server:
        demand(("threadleak_thread_limit", "RLIMIT_NPROC") not in samples(server.get("/metrics"), target.pid), "root")


def found_by_a_report(bench):
    """/metrics stops nothing, so it has the findings of the latest report."""
    with bench.served("deadlock") as target, bench.serve() as server:
        harness.wait_until_asleep(target.pid)
        demand("threadleak_findings{" not in server.get(f"/metrics?pid={target.pid}"), "before a report")
        text = server.get(f"/debug/pprof/threads?debug=2&pid={target.pid}")
        demand("\n# STUCK: " in text, text)
        found = samples(server.get("/metrics"), target.pid)
    demand(found.get(("threadleak_findings", "deadlock", "proved")) == 1, found)


def found_by_itself(bench):
    """With --find-every, and not otherwise; a process that is not watched is left alone."""
    with bench.served("deadlock") as target, bench.served("deadlock", watched=False) as unwatched, \
            bench.serve("--find-every=100ms") as server:
        wait_until(lambda: ("threadleak_findings", "deadlock", "proved") in samples(server.get("/metrics"), target.pid))
        demand(f'pid="{unwatched.pid}"' not in server.get("/metrics"), "not watched")
        server.process.send_signal(signal.SIGTERM)
        out, err = server.process.communicate(timeout=harness.TIMEOUT_S)
        demand(server.process.returncode == 0 and not err, f"{server.process.returncode} {out} {err}")


def growth_is_a_finding(bench):
    """Of samples, so without a report; a process that stays has none."""
    growing = ("threadleak_findings", "growing", "likely")
    with bench.served("stays 3") as other, bench.serve() as server:
        target = subprocess.Popen([bench.target("growing"), "leak"], env=bench.environment(LD_PRELOAD=bench.shim),
                                  stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        try:
            harness.wait_until(lambda: samples(server.get("/metrics"), target.pid).get(growing) == 1, harness.TIMEOUT_S / 3)
            demand(growing not in samples(server.get("/metrics"), other.pid), "a process that does not grow")
        finally:
            target.kill()
            target.communicate()


def open_metrics(bench):
    accepts = {"application/openmetrics-text; version=1.0.0": True, "application/openmetrics-text;q=0.5,text/plain;q=0.4": True,
               "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
               "text/plain;version=0.0.4;q=0.5,*/*;q=0.1": True,
               "text/plain": False, "*/*": False, "application/openmetrics-text;q=0": False,
               "application/openmetrics-text;q=0.3,text/plain;q=0.8": False, "application/openmetrics-textual": False}
    with bench.served("stays"), bench.serve() as server:
        for accept, is_open in accepts.items():
            _, headers, text = server.ask("/metrics", Accept=accept)
            demand(headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0") == is_open, f"{accept}: {headers}")
            demand(text.endswith(b"\n# EOF\n") == is_open and (b"# TYPE threadleak_threads_created counter\n" in text) == is_open, text)


def other_program(bench):
    """A process that is not watched is only sampled when it is asked for."""
    with bench.served("stays 2", watched=False) as target, bench.serve() as server:
        demand(f'pid="{target.pid}"' not in server.get("/metrics"), "in the list")
        found = samples(server.get(f"/metrics?pid={target.pid}"), target.pid)
        demand(found["threadleak_threads", "untracked"] == 2 and ("threadleak_threads", "joinable") not in found, found)
        demand(f'pid="{target.pid}"' not in server.get("/metrics"), "in the list, after it was asked for")


def promtool(bench):
    """Debian's promtool parses and lints what is served."""
    tool = harness.need("promtool")
    with bench.served("stays 2", "unjoined", "blocked") as target, bench.serve() as server:
        server.get(f"/debug/pprof/threads?debug=1&pid={target.pid}")
        text = server.get("/metrics")
    code, out, err = harness.call([tool, "check", "metrics"], input=text.encode())
    demand(code == 0 and not err, f"{code} {out} {err}\n{text}")


# ---- clients that are slow or hostile ----------------------------------------------------------

def is_closed(connection):
    """Has the server closed it, whatever it sent before?"""
    try:
        while connection.recv(65536):
            pass
    except (ConnectionResetError, BrokenPipeError):
        pass
    return True


def answers(server):
    """A connection that is made slowly on a busy machine can be closed as well."""
    try:
        return server.status() == 200
    except (OSError, http.client.HTTPException):
        return False


def slow_client(bench):
    """A client that sends a byte now and then, and one that sends nothing, lose their connections. Others are answered."""
    with bench.serve("--timeout=300ms") as server:
        silent, dripping = server.raw(), server.raw()
        closed = threading.Event()

        def drip():
            with contextlib.suppress(OSError):
                while not closed.wait(0.02):
                    dripping.sendall(b"GET /"[:1])
        dripper = threading.Thread(target=drip)
        dripper.start()
        wait_until(lambda: answers(server))
        demand(is_closed(silent) and is_closed(dripping), "they are open")
        closed.set()
        dripper.join()
        wait_until(lambda: answers(server))


def many_connections(bench):
    """More than are allowed."""
    with bench.serve("--timeout=500ms") as server:
        for _ in range(150):
            server.raw()
        wait_until(lambda: answers(server))


def is_closed_already(connection):
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def slow_clients_keep_nobody_out(bench):
    """A new client takes the place of the one that is slow for longest. The server accepts in order: what is answered is after
    the slow ones before it."""
    with bench.serve("--timeout=1h") as server:
        for _ in range(140):
            server.raw().sendall(b"GET /healthz HTTP/1.1\r\nHost: ")
            answers(server)
        demand(is_closed_already(server.process.opened[0]), "the first slow one keeps its place")
        wait_until(lambda: answers(server))


def large_requests(bench):
    with bench.serve() as server:
        demand(server.status(X_Large="x" * 40000) in (413, 431), "a large header")
        demand(server.status("/" + "x" * 40000) in (414, 431), "a long path")
        for request in (b"\0" * 100 + b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 50000, b"x" * 200000,
                        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
                        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"a: b\r\n" * 20000 + b"\r\n"):
            connection = server.raw()
            with contextlib.suppress(OSError):
                connection.sendall(request)
                connection.shutdown(socket.SHUT_WR)
            is_closed(connection)
        body = server.raw()
        body.sendall(b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\nx")
        demand(body.recv(20).startswith(b"HTTP/1.1 405"), "a large body")
        demand(server.status() == 200, "after them")


def ledger_of(pid):
    """The inode of the memory in which the shim records."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        return next(int(line.split()[4]) for line in maps if "/memfd:threadleak" in line)


def descriptors(bench):
    """As many sockets as before, also after clients that went away, and no ledgers of targets that ended. Sockets of the last
    few connections are closed when the next one comes."""
    with bench.serve() as server:
        for number in range(12):
            if number == 1:
                before = server.sockets()
            with bench.served("stays", "unjoined") as target:
                server.get(f"/debug/pprof/threads?debug=2&pid={target.pid}")
                server.get("/metrics")
                ledger = ledger_of(target.pid)
                demand(server.has_ledger(ledger), f"{ledger}: {server.open_files()}")
                gone = server.raw()
                gone.sendall(f"GET /debug/pprof/threadcreate?pid={target.pid} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                gone.close()
                server.status("/nothing")
            server.get("/metrics")
            demand(not server.has_ledger(ledger), f"{ledger}: {server.open_files()}")
        wait_until(lambda: server.status() == 200 and server.sockets() <= before + 5)


def ends_by_signal(bench):
    """At once, also while a client holds a connection."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        with bench.serve("--timeout=1h") as server:
            server.raw().sendall(b"GET /")
            server.status()
            server.process.send_signal(number)
            out, err = server.process.communicate(timeout=harness.TIMEOUT_S)
            demand(server.process.returncode == 0 and not out and not err, f"{number}: {server.process.returncode} {out} {err}")


TESTS = [paths, hosts, absolute_form, other_sites, token, refusals, port_in_use, full_disk, unix_socket, all_addresses, each_thread, grouped,
         protobuf, several_processes, page, page_in_a_browser, other_users, ended, dies_meanwhile, two_at_once, metrics,
         stacks_and_limits, limit_of_a_user, found_by_a_report, found_by_itself, growth_is_a_finding, open_metrics,
         other_program, promtool, slow_client, many_connections, slow_clients_keep_nobody_out, large_requests, descriptors, ends_by_signal]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
