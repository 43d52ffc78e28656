"""The facts of a JSON report that e2e.py compares: a line for each process, leak and thread that waits.

Everything else in the document is only checked for its shape: keys that a consumer may rely on, hexadecimal
addresses, ages that are possible.  Frames of libc and of language runtimes differ from machine to machine, so that
only their module is a fact.
"""
import os
import re

SHAPE = {
    "report": {"schema", "version", "command", "summary", "processes"},
    "summary": {"processes", "leaked_threads", "leak_sites", "suppressed_threads"},
    "process": {"pid", "parent_pid", "exe", "command", "test", "end", "threads", "leaks", "main", "untracked",
                "lost_events", "watched", "stacks_note"},
    "end": {"how", "status", "signal", "judged"},
    "threads": {"created", "joined", "detached", "alive", "unjoined", "peak", "untracked"},
    "leak": {"kind", "count", "counted", "suppressed_by", "fingerprint", "test", "start_routine", "creation_stack",
             "creation_stack_truncated", "baseline_threads", "own", "joined_at", "threads"},
    "thread": {"id", "tid", "name", "kind", "created_by", "age_s", "ended_s", "cpu_s", "idle_s", "state", "stack",
               "stack_source", "stack_note", "waiting", "findings"},
    "waiting": {"on", "kind", "address", "symbol", "owner", "owner_tid", "fd", "mutex", "mutex_symbol", "timeout",
                "left_s", "text"},
    "frame": {"pc", "module", "build_id", "offset", "function", "file", "line", "inlined"},
}
TARGETS = "tests/targets/"
MAX_AGE_S = 300
EQUAL_FROM = 10  # so many processes are grouped by what they did


def demand_keys(kind, value):
    missing = SHAPE[kind] - set(value)
    if missing:
        raise AssertionError(f"{kind} without {', '.join(sorted(missing))}")


def frame_fact(frame, targets):
    demand_keys("frame", frame)
    for key in ("pc", "offset"):
        if frame[key] is not None and not re.fullmatch(r"0x[0-9a-f]+", frame[key]):
            raise AssertionError(f"frame with {key} {frame[key]!r}")
    if frame["file"] and TARGETS in frame["file"]:
        place = f"{frame['file'].split(TARGETS)[1]}:{frame['line']}"
        return f"{frame['function']} {place}" + (" inlined" if frame["inlined"] else "")
    module = os.path.basename(frame["module"] or "?")
    return f"{module}+offset" if frame["function"] is None and module in targets else f"… {module}"


def stack_fact(frames, targets):
    """The frames on one line.  Neighbours of one foreign module are one fact; those below our last frame are none."""
    facts = []
    for fact in (frame_fact(frame, targets) for frame in frames):
        if not (fact.startswith("… ") and facts and facts[-1] == fact):
            facts.append(fact)
    while len(facts) > 1 and facts[-1].startswith("… "):
        facts.pop()
    return " < ".join(facts)


def check_thread(thread):
    demand_keys("thread", thread)
    for key in ("age_s", "ended_s", "cpu_s"):
        if thread[key] is not None and not 0 <= thread[key] < MAX_AGE_S:
            raise AssertionError(f"{key} {thread[key]}")
    if (thread["ended_s"] is not None) != (thread["kind"] == "unjoined"):
        raise AssertionError(f"{thread['kind']} with ended_s {thread['ended_s']}")


def waiting_fact(thread, targets):
    waiting = thread["waiting"]
    if not waiting:
        return []
    demand_keys("waiting", waiting)
    words = [f"    T{thread['id']} waits: {waiting['on']}"]
    words += [f"{key} {waiting[key]}" for key in ("symbol", "mutex_symbol", "owner", "fd") if waiting[key] is not None]
    words += ["timeout"] if waiting["timeout"] else []
    return [", ".join(words) + f"; {thread['stack_source']}: {stack_fact(thread['stack'], targets)}"]


def leak_facts(leak, targets):
    demand_keys("leak", leak)
    if not re.fullmatch(r"[0-9a-f]+", leak["fingerprint"]):
        raise AssertionError(f"fingerprint {leak['fingerprint']!r}")
    if len(leak["threads"]) != leak["count"]:
        raise AssertionError(f"{len(leak['threads'])} threads, count {leak['count']}")
    for thread in leak["threads"]:
        check_thread(thread)
    words = [f"  {leak['kind']} ×{leak['count']}"]
    words += [] if leak["counted"] else ["not counted"]
    words += [f"suppressed by {leak['suppressed_by']}"] if leak["suppressed_by"] else []
    words += [f"in test {leak['test']}"] if leak["test"] else []
    words += [f"named {', '.join(sorted({thread['name'] or '?' for thread in leak['threads']}))}"]
    words += [f"created by T{creator}" for creator in sorted({thread["created_by"] or 0 for thread in leak["threads"]} - {1})]
    words += ["stack truncated"] if leak["creation_stack_truncated"] else []
    for key, shown in (("start_routine", "starts in"), ("own", "user frame"), ("joined_at", "joined at")):
        words += [f"{shown} {frame_fact(leak[key], targets)}"] if leak[key] else []
    lines = [", ".join(words), f"    {stack_fact(leak['creation_stack'], targets)}"]
    return lines + [line for thread in leak["threads"] for line in waiting_fact(thread, targets)]


def end_fact(end):
    demand_keys("end", end)
    words = [end["how"]] if end["signal"] is None else []
    words += [f"status {end['status']}"] if end["status"] is not None else []
    words += [f"signal {end['signal']}"] if end["signal"] is not None else []
    return " ".join(words) + ("" if end["judged"] else ", not judged")


def process_facts(process, parent, main_command, targets, hide, any_peak):
    demand_keys("process", process)
    demand_keys("threads", process["threads"])
    exe = hide(process["exe"] or "?")
    words = [exe + (f", a child of process {parent}" if parent else "") + f": {end_fact(process['end'])}"]
    counts = {**process["threads"], **({"peak": "N"} if any_peak else {})}
    words += [f"{name} {count}" for name, count in counts.items() if count]
    words += [f"untracked {thread['name']}" for thread in process["untracked"]]
    words += [f"test {process['test']}"] if process["test"] else []
    words += [f"main thread {process['main']['name']}"] if process["main"] else []
    words += [f"lost events {process['lost_events']}"] if process["lost_events"] else []
    words += ["not watched"] if not process["watched"] else []
    words += [f"stacks: {process['stacks_note']}"] if process["stacks_note"] else []
    words += [f"command {hide(str(process['command']))}"] if process["command"] != main_command else []
    return [", ".join(words), *(line for leak in process["leaks"] for line in leak_facts(leak, targets))]


def counted(blocks):
    """Of many equal blocks one, and how many they are."""
    counts = {}
    for block in blocks:
        counts["\n".join(block)] = counts.get("\n".join(block), 0) + 1
    return [f"{count} times: {text}" for text, count in counts.items()]


def facts_of(report, targets, hide, any_peak=False):
    """The lines of a report.  `hide` replaces directories; `targets` are names of programs of ours."""
    demand_keys("report", report)
    demand_keys("summary", report["summary"])
    summary, processes = report["summary"], report["processes"]
    if report["schema"] != "threadleak/1":
        raise AssertionError(f"schema {report['schema']}")
    words = [f"{summary['processes']} processes, {summary['leaked_threads']} leaked at {summary['leak_sites']} sites"]
    words += [f"{summary['suppressed_threads']} suppressed"] if summary["suppressed_threads"] else []
    words += [f"command {' '.join(map(hide, report['command']))}"] if report["command"] else []
    pids = {process["pid"]: n for n, process in enumerate(processes, 1)}
    many = len(processes) > EQUAL_FROM
    blocks = [process_facts(process, None if many else pids.get(process["parent_pid"]), report["command"], targets,
                            hide, any_peak)
              for process in processes]
    lines = counted(blocks) if many else [line for block in blocks for line in block]
    for rule in report.get("suppressions", []):
        lines.append(f"rule {rule['rule']}, label {rule['label']}, {hide(rule['origin'])}:{rule['line']}, "
                     f"threads {rule['threads']}")
    for program in report.get("unwatched", []):
        lines.append(f"unwatched {hide(program['exe'])}: {program['why']}")
    return [", ".join(words), *lines]
