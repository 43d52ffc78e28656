#!/usr/bin/env python3
"""What `make install` puts into share/threadleak for many machines: alerts, a dashboard, a unit, a sidecar.

  tests/e2e/fleet.py [--build DIR] [NAME...]
"""
import glob
import json
import os
import re
import sys

import harness
from harness import ROOT, call, demand, need
from serve_bench import SHARE, Bench, firing, samples, scraped

METRIC = re.compile(r"\bthreadleak_\w+")


def read(name):
    with open(os.path.join(SHARE, name), encoding="utf-8") as file:
        return file.read()


def yaml_documents(name):
    """By the distribution's Python, which has the module."""
    python = harness.python_with("yaml")
    program = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin))))"
    code, out, err = call([python, "-c", program], input=read(name).encode())
    demand(code == 0, err)
    return json.loads(out)


def exported(bench):
    """Names of all samples that /metrics can have."""
    with bench.served("stays", "unjoined") as target, bench.serve() as server:
        text = server.get(f"/metrics?pid={target.pid}")
    families = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M))
    names = set(families)
    for name, kind in families.items():
        names |= {name + suffix for suffix in ("_bucket", "_sum", "_count")} if kind == "histogram" else set()
    demand({name for name, *_ in samples(text)} <= names, text)
    return names


# ---- the files ---------------------------------------------------------------------------

def metrics_exist(bench):
    names = exported(bench)
    demand(len(names) > 10, names)
    for file in ("prometheus-rules.yml", "grafana-dashboard.json"):
        used = set(METRIC.findall(read(file)))
        demand(used and used <= names, f"{file}: {sorted(used - names)} are not exported")
    for file in ("threadleak-serve.1.scd", "threadleak-fleet.7.scd"):
        with open(os.path.join(ROOT, "man", file), encoding="utf-8") as page:
            used = set(METRIC.findall(page.read().replace("\\", ""))) - api()
        demand(used and used <= names, f"{file}: {sorted(used - names)} are not exported")


def api():
    """What the manual calls by such a name, too: functions of the headers."""
    names = set()
    for path in glob.glob(os.path.join(ROOT, "include", "**", "*.h"), recursive=True):
        with open(path, encoding="utf-8") as file:
            names |= set(METRIC.findall(file.read()))
    return names


def alerts_are_parsed(_):
    groups = yaml_documents("prometheus-rules.yml")[0]["groups"]
    names = [rule["alert"] for group in groups for rule in group["rules"]]
    demand(len(names) == len(set(names)) >= 5, names)
    code, out, err = call([need("promtool"), "check", "rules", os.path.join(SHARE, "prometheus-rules.yml")])
    demand(code == 0 and "SUCCESS" in out, out + err)


def dashboard_is_parsed(_):
    dashboard = json.loads(read("grafana-dashboard.json"))
    panels = dashboard["panels"]
    demand(len({panel["id"] for panel in panels}) == len(panels) >= 8, "ids")
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    demand(len(places) == len(panels) and all(panel["title"] and panel["description"] for panel in panels), places)


def dashboard_queries_are_promql(bench):
    """promtool reads them as the expressions of rules."""
    tool = need("promtool")
    queries = [target["expr"] for panel in json.loads(read("grafana-dashboard.json"))["panels"] for target in panel["targets"]]
    rules = [{"record": f"panel:query{number}", "expr": query} for number, query in enumerate(queries)]
    path = bench.write("panels.yml", json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    code, out, err = call([tool, "check", "rules", path])
    demand(code == 0 and f"{len(queries)} rules found" in out, out + err)


def unit_is_valid(bench):
    text = read("threadleak-serve.service.in").replace("@PREFIX@/bin", bench.build)
    need("systemd-analyze")
    unit = bench.write("threadleak-serve.service", text)
    code, out, err = call(["systemd-analyze", "verify", "--man=no", unit], env=bench.environment(SYSTEMD_LOG_LEVEL="warning"))
    demand(code == 0 and not out and not err, f"{code} {out} {err}")
    options = re.search(r"^ExecStart=\S+ serve (.*)$", text, re.M).group(1).split()
    known = call([bench.cli, "help", "serve"])[1]
    demand(options and all(f"{option.split('=')[0]}" in known for option in options), options)


def sidecar_is_valid(bench):
    pod, monitor = yaml_documents("kubernetes-sidecar.yml")
    demand(pod["kind"] == "Pod" and pod["spec"]["shareProcessNamespace"] is True, pod)
    sidecar = next(container for container in pod["spec"]["containers"] if container["name"] == "threadleak")
    demand(sidecar["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["SYS_PTRACE"]}, sidecar)
    mounts = {mount["name"] for container in pod["spec"]["containers"] + pod["spec"]["initContainers"]
              for mount in container["volumeMounts"]}
    demand(mounts == {volume["name"] for volume in pod["spec"]["volumes"]}, mounts)
    demand(monitor["spec"]["selector"]["matchLabels"] == pod["metadata"]["labels"], monitor)
    # Its command begins here, but for the place of the token.
    token = bench.token_file()
    options = [option.replace("/run/threadleak/token", token).replace(":9844", ":0") for option in sidecar["args"][2:]]
    with bench.serve(*options, listen=None) as server:
        demand(server.status(sidecar["livenessProbe"]["httpGet"]["path"], hosts=["10.1.2.3:9844"]) == 200, "its probe")


def install_has_them(bench):
    code, out, err = call(["make", "-s", "-C", ROOT, "-n", "install", f"BUILD={bench.build}", "DESTDIR=/nowhere"], env=bench.env)
    demand(code == 0, err)
    for name in ("prometheus-rules.yml", "grafana-dashboard.json", "kubernetes-sidecar.yml", "threadleak-serve.service"):
        demand(f"/share/threadleak/{name}" in out, f"{name} is not installed: {out}")


# ---- the rules fire ----------------------------------------------------------------------------

def scrapes(bench, rounds):
    """Lists of all samples, {line without value: value}, of a target to which orders are given before each."""
    with bench.served("joined") as target, bench.serve() as server:
        found = []
        for orders, query in rounds:
            for order in orders:
                target.order(order)
            if query:
                harness.wait_until_asleep(target.pid)
                server.get(f"{query}&pid={target.pid}")
            found.append(scraped(server.get(f"/metrics?pid={target.pid}")))
    return found


def growth(bench):
    """A thread more at each scrape; a finished thread more at each scrape."""
    alerts = firing(bench, scrapes(bench, [(["stays"], None)] * 16))
    demand(alerts == {"ThreadleakThreadsGrow"}, alerts)
    alerts = firing(bench, scrapes(bench, [(["unjoined"], None)] * 16))
    demand(alerts == {"ThreadleakUnjoinedGrow"}, alerts)


def slow_growth(bench):
    """A thread an hour."""
    alerts = firing(bench, scrapes(bench, [(["stays"] if number % 12 == 0 else [], None) for number in range(150)]))
    demand(alerts == {"ThreadleakThreadsGrowSlowly"}, alerts)


def healthy(bench):
    """A pool that begins and stays, joined threads all the time, and one that grew only at first."""
    rounds = [(["stays 8"], None)] + [(["joined 20"], None)] * 40
    demand(not firing(bench, scrapes(bench, rounds)), "a pool")
    rounds = [(["stays"], None)] * 6 + [([], None)] * 40
    demand(not firing(bench, scrapes(bench, rounds)), "a slow start")


def a_proved_finding(bench):
    rounds = [([], None), (["deadlock"], "/debug/pprof/threads?debug=1"), ([], None)]
    alerts = firing(bench, scrapes(bench, rounds))
    demand(alerts == {"ThreadleakFindingProved"}, alerts)


def growth_that_serve_found(bench):
    """What was scraped, as if serve had found growth in each of the last three scrapes, or only in the last one."""
    found = scrapes(bench, [([], None)] * 4)
    build = next(name for name in found[0] if name.startswith("threadleak_build_info"))
    growing = re.sub(r'^threadleak_build_info{version="[^"]*"', 'threadleak_findings{code="growing",level="likely"', build)
    for first, alerts in ((1, {"ThreadleakLeakGrows"}), (3, set())):
        changed = [{**scrape, growing: 1} if number >= first else scrape for number, scrape in enumerate(found)]
        demand(firing(bench, changed) == alerts, growing)


def near_a_limit(bench):
    """What was scraped, as if it used more of each limit."""
    found = scrapes(bench, [([], None)] * 4)
    limits = {name: value for name, value in found[0].items() if name.startswith("threadleak_thread_limit{")}
    demand(limits, found)
    for name, value in limits.items():
        used = name.replace("threadleak_thread_limit{", "threadleak_thread_limit_used{")
        for share, fires in ((0.79, set()), (0.81, {"ThreadleakNearLimit"})):
            changed = [{**scrape, used: value * share} for scrape in found]
            demand(firing(bench, changed) == fires, f"{used} {share}")


def failing_creations(bench):
    found = scrapes(bench, [([], None)] * 4)
    name = next(name for name in found[0] if name.startswith('threadleak_create_failures_total{error="EAGAIN"'))
    changed = [{**scrape, name: number // 2} for number, scrape in enumerate(found)]
    demand(firing(bench, changed) == {"ThreadleakCreateFails"}, "it does not fire")


# ---- Prometheus itself ---------------------------------------------------------------------------

def prometheus(bench):
    """Debian's scrapes it, as OpenMetrics, and with the token."""
    program = need("prometheus")
    with bench.served("stays 2") as target, bench.serve(f"--token-file={bench.token_file()}") as server:
        config = {"global": {"scrape_interval": "1s"}, "rule_files": [os.path.join(SHARE, "prometheus-rules.yml")],
                  "scrape_configs": [{"job_name": "threadleak", "authorization": {"credentials_file": bench.path("token")},
                                      "static_configs": [{"targets": [f"localhost:{server.port}"]}]}]}
        argv = [program, f"--config.file={bench.write('prometheus.yml', json.dumps(config))}",
                f"--storage.tsdb.path={bench.path('data')}", f"--web.listen-address=127.0.0.1:{bench.free_port()}"]
        with bench.background(argv) as process:
            query = f'threadleak_threads{{state="joinable",pid="{target.pid}",job="threadleak"}}'
            harness.wait_until(lambda: bench.prometheus_value(argv[-1], query) == "2", harness.TIMEOUT_S / 3)
            demand(process.poll() is None, "it ended")
            rules = bench.prometheus_get(argv[-1], "/api/v1/rules")["groups"]
            demand(all(rule["health"] in ("ok", "unknown") for group in rules for rule in group["rules"]), rules)


TESTS = [metrics_exist, alerts_are_parsed, dashboard_is_parsed, dashboard_queries_are_promql, unit_is_valid, sidecar_is_valid,
         install_has_them, growth, slow_growth, healthy, a_proved_finding, growth_that_serve_found, near_a_limit, failing_creations, prometheus]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
