"""A report of all current stacks: threadleak report, eu-stack and gdb on one process, by turns. A thread of that process
that only reads the clock measures for how long it was stopped."""
import os
import re

from programs import ROOT, Failed, ask, missing_tool
from sample import Paired, by_turns, half_interval, median
from table import Row, missing, ratio_row


def tools(programs, pid):
    """Name, command, needed program."""
    return [("threadleak report", [programs.cli, "report", str(pid)], None),
            ("eu-stack (*)", ["eu-stack", "-p", str(pid)], "eu-stack"),
            ("gdb", ["gdb", "-nx", "-batch", "-ex", "thread apply all bt", "-p", str(pid)], "gdb")]


def once(programs, process, argv):
    """Seconds, and ms of the longest stop."""
    ask(process)
    seconds, text = programs.seconds(argv)
    if not text:
        raise Failed(f"{argv[0]}: it printed nothing")
    return seconds, float(ask(process)) / 1e6


def measure_tools(programs, process, sizes):
    """{name: [(seconds, ms)]}, or {name: why not}"""
    results = {}
    for turn in range(sizes.reports):
        for name, argv, needed in tools(programs, process.pid):
            why = needed and missing_tool(needed)
            if turn and (name == "gdb" or isinstance(results[name], str)):
                continue
            try:
                results[name] = why or [*results.get(name, []), once(programs, process, argv)]
            except Failed as failed:
                results[name] = str(failed)
    return results


def rows(results):
    """Both budgets are of our report."""
    ours = results["threadleak report"]
    if isinstance(ours, str):
        return [missing("threadleak report", ours)]
    made, our_ms = [], [ms for _, ms in ours]
    our_seconds = median([seconds for seconds, _ in ours])
    for name, runs in results.items():
        if isinstance(runs, str):
            made.append(missing(name, runs))
            continue
        seconds, ms = (median(column) for column in zip(*runs))
        budget = "report-speed" if name.startswith("eu-stack") else ""
        speed = [] if runs is ours else [theirs / our for (theirs, _), (our, _) in zip(runs, ours)]
        made.append(Row(name, seconds, ms, median(speed) if speed else None, half_interval(speed), budget, digits=1,
                        note={"seconds_of_ours": our_seconds}))
    made.append(Row("longest stop of ours, ms", None, None, median(our_ms), half_interval(our_ms), "report-stopped-ms", digits=0))
    return made


def plain_findings():
    """All that follow without marking memory."""
    with open(os.path.join(ROOT, "src/find/findings.def"), encoding="utf-8") as table:
        names = re.findall(r'^FINDING\(\w+, "([\w-]+)"', table.read(), re.MULTILINE)
    return ",".join(name for name in names if name not in ("stuck", "lost-handle"))


def seconds_of(programs, pid, find):
    return programs.seconds([programs.cli, "report", f"--find={find}", str(pid)])[0]


def findings_row(programs, sizes):
    """Of a watched process: it has more to judge."""
    with programs.running([programs.bench("report_target"), str(sizes.threads)], programs.with_shim()) as process:
        pairs = by_turns(sizes.findings, lambda: seconds_of(programs, process.pid, "none"),
                         lambda: seconds_of(programs, process.pid, plain_findings()))
    return ratio_row("findings, without marking", Paired(pairs), "findings")


def measure_findings(table, programs, sizes):
    table.section(f"the same, {sizes.threads:,} watched threads, s", "none", "with")
    try:
        table.add(findings_row(programs, sizes))
    except Failed as failed:
        table.add(missing("findings", str(failed)))


def measure(table, programs, sizes):
    table.section(f"report of {sizes.threads:,} threads", "s", "stop ms", "÷ ours")
    try:
        with programs.running([programs.bench("report_target"), str(sizes.threads)]) as process:
            for row in rows(measure_tools(programs, process, sizes)):
                table.add(row)
    except Failed as failed:
        table.add(missing("threadleak report", str(failed)))
    measure_findings(table, programs, sizes)
