"""What the tests of threadleak serve have in common: a server, its client, and what is served."""
import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import urllib.parse

import harness
from harness import demand

SHARE = os.path.join(harness.ROOT, "share", "threadleak")
RULES = os.path.join(SHARE, "prometheus-rules.yml")
STEP_S = 300  # between two samples of a series: a window of the rules, 15 minutes, has three


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=harness.TIMEOUT_S)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Server:
    """One that runs."""

    def __init__(self, process):
        self.process = process
        line = process.stdout.readline()
        found = re.fullmatch(r"threadleak: serving on (?:http://(\S+):(\d+)/|unix:(\S+))\n", line)
        demand(found, f"it printed {line!r}")
        self.address, self.unix = found.group(1), found.group(3)
        self.port = int(found.group(2) or 0)

    def connection(self):
        if self.unix:
            return Unix(self.unix)
        return http.client.HTTPConnection(self.address.strip("[]"), self.port, timeout=harness.TIMEOUT_S)

    def ask(self, path, method="GET", hosts=None, **headers):
        """Status, headers and text. hosts: all Host headers, instead of the usual one."""
        connection = self.connection()
        connection.putrequest(method, path, skip_host=hosts is not None)
        for host in hosts or []:
            connection.putheader("Host", host)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, answer.headers, text

    def get(self, path, **more):
        status, _, text = self.ask(path, **more)
        demand(status == 200, f"{path}: {status} {text}")
        return text.decode()

    def status(self, path="/healthz", **more):
        return self.ask(path, **more)[0]

    def raw(self):
        connection = socket.create_connection((self.address, self.port), timeout=harness.TIMEOUT_S)
        self.process.opened.append(connection)
        return connection

    def open_files(self):
        """{path of a descriptor: what it is}. The server also has ledgers of processes that this suite does not know."""
        files = {}
        for descriptor in os.listdir(f"/proc/{self.process.pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                path = f"/proc/{self.process.pid}/fd/{descriptor}"
                files[path] = os.readlink(path)
        return files

    def sockets(self):
        return sum(name.startswith("socket:") for name in self.open_files().values())

    def has_ledger(self, inode):
        """inode: as in /proc/PID/maps of the process."""
        for path, name in self.open_files().items():
            with contextlib.suppress(FileNotFoundError):
                if name.startswith("/memfd:threadleak") and os.stat(path).st_ino == inode:
                    return True
        return False


class Bench(harness.Bench):
    @contextlib.contextmanager
    def serve(self, *options, listen="--listen=127.0.0.1:0", prefix=()):
        argv = [*prefix, self.cli, "serve", *([listen] if listen else []), *options]
        process = subprocess.Popen(argv, env=self.env, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        process.opened = []
        try:
            yield Server(process)
        finally:
            for opened in process.opened:
                opened.close()
            process.kill()
            process.communicate()

    @contextlib.contextmanager
    def served(self, *orders, prefix=(), watched=True):
        """A target, and a function that gives it another order."""
        process = subprocess.Popen([*prefix, self.target("served")], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   env=self.environment(**({"LD_PRELOAD": self.shim} if watched else {})))

        def order(text):
            process.stdin.write(text + "\n")
            process.stdin.flush()
            demand(process.stdout.readline() == "done\n", f"the target did not do {text}")
        try:
            demand(process.stdout.readline() == "up\n", "the target did not come up")
            for text in orders:
                order(text)
            process.order = order
            yield process
        finally:
            process.kill()
            process.communicate()

    def token_file(self, text="correct horse\n", mode=0o600):
        return self.write("token", text, mode)

    def refused(self, words, *options, **more):
        """One line on standard error, and status 2."""
        code, out, err = harness.call([self.cli, "serve", *options], env=self.env, **more)
        demand(code == 2 and not out and re.fullmatch(rf"threadleak: serve: .*{words}.*\n", err), f"{options}: {code} {out} {err}")

    # ---- Prometheus ----

    @staticmethod
    def free_port():
        """Prometheus does not print which port it got."""
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            return found.getsockname()[1]

    @contextlib.contextmanager
    def background(self, argv):
        with open(self.path("log"), "wb") as log:
            process = subprocess.Popen(argv, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    @staticmethod
    def prometheus_get(listen, path):
        """The data of an answer of its API; None: it is not there yet."""
        try:
            connection = http.client.HTTPConnection(listen.split("=")[1], timeout=harness.TIMEOUT_S)
            connection.request("GET", path)
            answer = connection.getresponse()
            return json.loads(answer.read())["data"] if answer.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None

    def prometheus_value(self, listen, query):
        data = self.prometheus_get(listen, "/api/v1/query?query=" + urllib.parse.quote(query))
        return data["result"][0]["value"][1] if data and data["result"] else None


def samples(text, pid=None):
    """{(name, its labels without pid and exe): value} of one process, or of all."""
    found = {}
    for name, labels, value in re.findall(r"^(\w+)(?:{(.*)})? (\S+)$", text, re.M):
        pairs = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels))
        if pid is None or pairs.get("pid") == str(pid):
            key = (name, *(pairs[label] for label in sorted(set(pairs) - {"pid", "exe"})))
            demand(key not in found or pid is None, f"twice: {key}\n{text}")
            found[key] = float(value)
    return found


# ---- the shipped alerts, by promtool ---------------------------------------------------------

def scraped(text):
    """{a sample without its value: value}."""
    return {name: float(value) for name, value in re.findall(r"^(\w+{.*}) (\S+)$", text, re.M)}


def series(found):
    """For promtool: a value for each scrape, and _ where there was no such sample."""
    names = sorted({name for scrape in found for name in scrape})
    return [{"series": name, "values": " ".join(f"{scrape[name]:g}" if name in scrape else "_" for scrape in found)}
            for name in names]


def fires(bench, found, name, **labels):
    """Whether an alert with these labels fires at the end of what was scraped."""
    tool = harness.need("promtool")
    wanted = "".join(f", {label}={json.dumps(value)}" for label, value in labels.items())
    test = {"expr": f'count(ALERTS{{alertname="{name}", alertstate="firing"{wanted}}}) > 0',
            "eval_time": f"{(len(found) - 1) * STEP_S}s", "exp_samples": []}
    path = bench.write(f"{name}.yml", json.dumps(
        {"rule_files": [RULES], "evaluation_interval": f"{STEP_S}s",
         "tests": [{"interval": f"{STEP_S}s", "input_series": series(found), "promql_expr_test": [test]}]}))
    code, out, err = harness.call([tool, "test", "rules", path])
    demand(code == 0 or "exp:" in out + err, out + err)
    return code != 0


def firing(bench, found):
    """The alerts that fire."""
    with open(RULES, encoding="utf-8") as file:
        names = re.findall(r"- alert: (\w+)", file.read())
    return {name for name in names if fires(bench, found, name)}
