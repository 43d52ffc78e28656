#!/usr/bin/env python3
"""Findings in options, formats, rules and baselines.

  tests/e2e/findings_options.py [--build DIR] [NAME...]
"""
import json
import re
import signal
import subprocess
import sys

import harness
from harness import call, demand

TEXT = r"T\d waits for mutex (accounts|journal), held by T\d, which waits for mutex (accounts|journal), held by T\d"


def run(bench, *options, how="two", status=None):
    """Standard output and standard error."""
    got, out, err = call([bench.cli, "run", *options, "--", bench.target("deadlock_at_end"), how], env=bench.environment())
    demand(status is None or got == status, f"{options} {how}: {got}\n{out}\n{err}")
    return out, err


def document(bench, *options, how="two", form="json"):
    out, err = run(bench, f"--format={form}", "-o-", *options, how=how)
    demand(not err, err)
    return out


def process_of(bench, *options, how="two"):
    return json.loads(document(bench, *options, how=how))["processes"][0]


def known_leaks(bench, how="two"):
    """The option for a baseline that has the leaks, and no finding."""
    path = bench.path("known.json")
    run(bench, "-q", "--find=none", f"--write-baseline={path}", how=how, status=0)
    return f"--baseline={path}"


# ---- options -------------------------------------------------------------------------------

def a_finding_fails_without_a_leak(bench):
    known = known_leaks(bench)
    _, err = run(bench, known, "--fail-on=deadlock", status=66)
    demand(re.match(f"STUCK: {TEXT}: deadlock\n", err), err)
    for quiet in (), ("--fail-on=dead-owner",), ("--fail-on=deadlock", "--error-exitcode=0"):
        run(bench, known, *quiet, status=0)
    demand(run(bench, known, status=0) == ("", ""), "a finding alone is no leak")


def a_finding_fails_in_threads_that_are_not_reported(bench):
    for kinds in "none", "unjoined":
        _, err = run(bench, f"--report={kinds}", "--fail-on=deadlock", status=66)
        demand(re.match(f"STUCK: {TEXT}: deadlock\nthreadleak: no leaked threads", err), err)
        demand(run(bench, f"--report={kinds}", status=0) == ("", ""), "a finding alone is no leak")
        run(bench, f"--report={kinds}", "--fail-on=all", how="none", status=0)


def levels(bench):
    known = known_leaks(bench)
    for level in "proved", "likely", "note":
        run(bench, known, f"--fail-on=dead-owner,deadlock:{level}", status=66)
    run(bench, known, "--fail-on=all", status=66)


def no_finding_does_not_fail(bench):
    known = known_leaks(bench, how="none")
    demand(run(bench, known, "--fail-on=all:note", how="none", status=0) == ("", ""), "no finding")


def what_is_looked_for(bench):
    for options, codes in (((), ["deadlock"]), (("--find=all",), ["deadlock"]), (("--find=none",), []),
                           (("--find=dead-owner",), []), (("--find=dead-owner,deadlock",), ["deadlock"])):
        found = process_of(bench, *options)
        demand([one["code"] for one in found["findings"]] == codes, (options, found["findings"]))
        demand((found["verdict"] is not None) == bool(codes), found["verdict"])
    run(bench, "--find=none", status=66)  # the threads leak as before


def a_live_process(bench):
    with bench.live_asleep("circles", "self") as pid:
        for options, status in (((), 0), (("--fail-on=deadlock",), 1), (("--fail-on=dead-owner",), 0), (("--check",), 1)):
            got, _, err = call([bench.cli, "report", *options, str(pid)])
            demand(got == status, (options, got, err))
        _, out, _ = call([bench.cli, "report", "--find=none", str(pid)])
        demand("STUCK" not in out and "deadlock" not in out, out)


def without_the_shim_of_run(bench):
    """Under LD_PRELOAD alone: the report at the end, and the one on the dump signal."""
    status, out, err = call([bench.target("deadlock_at_end")], env=bench.environment(LD_PRELOAD=bench.shim))
    demand(status == 0 and re.match(f"STUCK: {TEXT}: deadlock\n", err), (status, out, err))
    path = bench.write("log", "")
    process = subprocess.Popen([bench.target("circles"), "self"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               env=bench.environment(LD_PRELOAD=bench.shim, THREADLEAK_OPTIONS=f"log_path={path}"))
    try:
        demand(process.stdout.readline() == b"up\n", "it did not come up")
        harness.wait_until_asleep(process.pid)
        process.send_signal(signal.SIGQUIT)
        harness.wait_until(lambda: bench.read("log"))  # one write(2)
    finally:
        process.communicate(b"")
    demand(re.match(r"STUCK: T3 waits for mutex locks, held by itself: deadlock\n", bench.read("log")), bench.read("log"))


def each_process_has_its_verdict(bench):
    program = bench.target("deadlock_at_end")
    status, _, err = call([bench.cli, "run", "-q", "--", "sh", "-c", f"{program}; {program} self; {program} none"],
                          env=bench.environment())
    lines = err.splitlines()
    demand(status == 66 and re.fullmatch(rf"STUCK: {TEXT}: deadlock, in \S+ \(pid \d+\)", lines[0]), err)
    demand(re.fullmatch(r"STUCK: T2 waits for mutex accounts, held by itself: deadlock, in \S+ \(pid \d+\)", lines[1]), err)
    demand(not lines[2].startswith("STUCK"), err)


def misspelled(bench):
    for option, message in (("--fail-on=dedlock", "unknown finding 'dedlock' (did you mean deadlock)"),
                            ("--fail-on=deadlock:proven", "unknown level 'proven' (did you mean proved)"),
                            ("--find=non", "unknown finding 'non' (did you mean none)"),
                            ("--find=", "--find= is empty"), ("--fail-on=", "--fail-on= is empty"),
                            ("--find=none --fail-on=deadlock", "--find does not search for deadlock")):
        _, err = run(bench, *option.split(), status=125)
        demand(message in err, err)
        status, _, err = call([bench.cli, "report", *option.split(), "1"])
        demand(status == 2 and message in err, err)


# ---- formats -----------------------------------------------------------------------------------

def leaks_have_it_as_their_message(bench):
    for form in "github", "gitlab", "junit", "tap", "sarif":
        text = document(bench, form=form)
        demand(len(re.findall(f"deadlock: {TEXT}; 1 running thread, never joined", text)) == 2, (form, text))


def sarif_results(text):
    tree = json.loads(text)["runs"][0]
    rules = tree["tool"]["driver"]["rules"]
    for result in tree["results"]:
        demand(rules[result["ruleIndex"]]["id"] == result["ruleId"], (rules, result))
    return {result["ruleId"]: result for result in tree["results"]}


def sarif_has_a_result(bench):
    results = sarif_results(document(bench, form="sarif"))
    found = results["thread.deadlock"]
    demand(found["level"] == "error" and len(found["relatedLocations"]) == 2, found)
    place = found["locations"][0]["physicalLocation"]
    demand(place["artifactLocation"]["uri"].endswith("deadlock_at_end.c") and place["region"]["startLine"], found)
    demand("thread.running" in results, results)


def without_a_leak_it_is_a_result(bench):
    known = known_leaks(bench)
    for form, calm, failing in (("github", "::warning file=", "::error file="), ("gitlab", '"threadleak/deadlock"', "critical"),
                                ("junit", "<system-out>deadlock: ", '<failure type="thread.deadlock"'),
                                ("tap", "\nok 1 - ", "\nnot ok 1 - ")):
        text = document(bench, known, form=form)
        demand(calm in text and re.search(f"deadlock: {TEXT}", text), (form, text))
        text = document(bench, known, "--fail-on=deadlock", form=form)
        demand(failing in text and re.search(f"deadlock: {TEXT}", text), (form, text))


def suppressed_ones_are_no_results(bench):
    rule = supp(bench, "thread:^pay$ finding:deadlock")
    for form in "github", "gitlab", "tap":
        text = document(bench, rule, form=form)
        demand("deadlock: T" not in text, (form, text))
    demand(sarif_results(document(bench, rule, form="sarif"))["thread.deadlock"]["suppressions"], "it is not suppressed")


def the_summary_of_a_job_begins_with_it(bench):
    path = bench.path("summary.md")
    call([bench.cli, "run", "--format=github", "-o", bench.path("out"), "--", bench.target("deadlock_at_end")],
         env=bench.environment(GITHUB_STEP_SUMMARY=path))
    demand(re.match(f"### threadleak\n\n<p><b>STUCK: {TEXT}: deadlock</b></p>\n", bench.read("summary.md")),
           bench.read("summary.md"))


def the_program_hangs(bench):
    """It is the message of the test that is the time limit."""
    messages = {"github": "::error title=threadleak::timed out after ", "junit": 'message="timed out after ',
                "tap": 'message: "timed out after '}
    formats = [f"--format={form}:{bench.path(form)}" for form in messages]
    status, _ = harness.limited(
        lambda seconds: [bench.cli, "run", f"--timeout={seconds}", *formats, "--", bench.target("circles"), "join"],
        lambda run: harness.is_asleep(harness.child_of(run.pid), 3), env=bench.environment(), stdin=subprocess.PIPE)
    demand(status == 124, status)
    for form, message in messages.items():
        demand(re.search(re.escape(message) + r"\S+ m?s: STUCK: T1 joins T3, .*: deadlock", bench.read(form)), bench.read(form))


# ---- rules and baselines -----------------------------------------------------------------------

def supp(bench, rule):
    return f"--suppressions={bench.write('rules.supp', rule + chr(10))}"


def a_rule_suppresses_a_finding(bench):
    for rule in "start:^pay$ finding:deadlock", "thread:^print_journal$ finding:dead-owner,deadlock":
        found = process_of(bench, supp(bench, rule))
        demand(found["verdict"] is None, found["verdict"])
        demand(found["findings"][0]["suppressed_by"] == rule, found["findings"])
        demand([leak["suppressed_by"] for leak in found["leaks"]].count(rule) == 1, found["leaks"])
        _, err = run(bench, supp(bench, rule), "--fail-on=all", status=66)  # the other thread leaks
        demand("STUCK" not in err and "proved" not in err, err)
    for rule in "start:^pay$ finding:dead-owner", "start:^pay$", "thread:^nobody$ finding:deadlock":
        found = process_of(bench, supp(bench, rule))
        demand(found["verdict"] and "suppressed_by" not in found["findings"][0], (rule, found["findings"]))


def a_finding_of_suppressed_threads_is_suppressed(bench):
    found = process_of(bench, supp(bench, "start:^pay$\nstart:^print_journal$"))
    demand(found["verdict"] is None and "suppressed_by" in found["findings"][0], found["findings"])
    run(bench, supp(bench, "start:^pay$\nstart:^print_journal$"), "--fail-on=all", status=0)


def a_rule_for_the_main_thread(bench):
    """No rule can match that thread, but the place where it waits."""
    rule = supp(bench, "thread:^make$ finding:deadlock")
    with bench.live_asleep("circles", "join") as pid:
        for options, status in ((rule, "--fail-on=deadlock"), 0), (("--fail-on=deadlock",), 1):
            got, out, err = call([bench.cli, "report", *options, str(pid)])
            demand(got == status and ("STUCK" in out) == bool(status), (options, got, out, err))
        _, out, err = call([bench.cli, "report", rule, "--warn-unused-suppressions", str(pid)])
        demand("unused" not in err, err)


def generated_rules_suppress_findings(bench):
    rules = bench.path("generated.supp")
    run(bench, "-q", f"--gen-suppressions={rules}", status=66)
    demand(bench.read("generated.supp").count(" finding:deadlock kind:") == 2, bench.read("generated.supp"))
    demand(run(bench, f"--suppressions={rules}", "--fail-on=all", status=0) == ("", ""), "not all is suppressed")
    with bench.live_asleep("circles", "join") as pid:
        call([bench.cli, "report", f"--gen-suppressions={rules}", str(pid)])
        status, _, err = call([bench.cli, "report", f"--suppressions={rules}", "--fail-on=deadlock", str(pid)])
        demand(status == 0, err)


def a_baseline_has_findings(bench):
    path = bench.path("base.json")
    _, err = run(bench, f"--write-baseline={path}", status=0)
    demand("2 threads of 2 leaks and 1 finding written" in err, err)
    document_of = harness.read_json(path)
    demand([(one["code"], one["functions"]) for one in document_of["findings"]] == [("deadlock", ["pay", "print_journal"])],
           document_of)
    demand(run(bench, f"--baseline={path}", "--fail-on=all", status=0) == ("", ""), "the finding is known")
    document_of["findings"][0]["reason"] = "ticket 4711"
    bench.write("base.json", json.dumps(document_of))
    run(bench, f"--baseline={path}", f"--write-baseline={path}", status=0)
    demand(harness.read_json(path)["findings"][0]["reason"] == "ticket 4711", harness.read_json(path))
    found = process_of(bench, f"--baseline={path}")
    demand(found["findings"][0]["suppressed_by"] == "baseline" and found["findings"][0]["baseline_reason"] == "ticket 4711",
           found["findings"])
    demand(found["verdict"] is None, found["verdict"])
    _, err = run(bench, f"--baseline={path}", how="self", status=66)
    demand("STUCK" in err, err)  # another finding


def fingerprints_are_stable(bench):
    prints = {process_of(bench)["findings"][0]["fingerprint"] for _ in range(3)}
    prints.add(process_of(bench, how="self")["findings"][0]["fingerprint"])
    demand(len(prints) == 2, prints)


def help_explains(bench):
    status, out, _ = call([bench.cli, "help", "deadlock"])
    demand(status == 0 and out.startswith("deadlock: ") and "Proved: " in out, out)
    demand(all(len(line) <= 80 for line in out.splitlines()), out)
    status, out, _ = call([bench.cli, "help", "findings"])
    demand(status == 0 and re.search("^  deadlock  +Threads wait", out, re.M), out)
    demand(all(len(line) <= 80 for line in out.splitlines()), out)
    status, _, err = call([bench.cli, "help", "dedlock"])
    demand(status == 2 and "did you mean deadlock" in err, err)


TESTS = [a_finding_fails_without_a_leak, a_finding_fails_in_threads_that_are_not_reported, levels, no_finding_does_not_fail, what_is_looked_for, a_live_process, misspelled,
         without_the_shim_of_run, each_process_has_its_verdict,
         leaks_have_it_as_their_message, sarif_has_a_result, without_a_leak_it_is_a_result, suppressed_ones_are_no_results,
         the_summary_of_a_job_begins_with_it, the_program_hangs,
         a_rule_suppresses_a_finding, a_finding_of_suppressed_threads_is_suppressed, a_rule_for_the_main_thread,
         generated_rules_suppress_findings, a_baseline_has_findings, fingerprints_are_stable, help_explains]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
