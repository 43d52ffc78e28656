/* The verdict, the findings, the table of sites, and the details of one. */

const KIND = {
    running: ["alive", "running"],
    detached: ["alive, detached", "detached"],
    unjoined: ["ended", "unjoined"],
    main: ["main thread", "main"],
    untracked: ["creation was not seen", "untracked"],
};

/* "alive, never joined" */
function kindText(site) {
    return KIND[site.kind][0] + (site.kind === "running" || site.kind === "unjoined" ? ", " + joinsText(site) : "");
}

/* ---- the verdict ---------------------------------------------------------------------- */

function stuckVerdict(model) {
    const stuck = model.processes.filter(process => process.verdict);
    if (!stuck.length)
        return null;
    const [, word, text] = stuck[0].verdict.match(/^([A-Z ]+): (.*)$/s) || [null, "", stuck[0].verdict];
    const where = model.processes.length > 1 ? " In " + commandOf(stuck[0]) + ", pid " + stuck[0].pid + "." : "";
    const timedOut = model.report.timed_out ? " The run timed out." : "";
    const others = stuck.length > 1 ? " " + plural(stuck.length - 1, "more process", "more processes") + " also." : "";
    return {tone: "bad", word: word || "FOUND", text: shortText(text.charAt(0).toUpperCase() + text.slice(1)) + "." + where + others + timedOut};
}

/* Rows of the table are by kind, too. */
function countSites(sites) {
    return new Set(sites.map(site => site.fingerprint + placeName(site.own))).size;
}

/* " Most (30) were created by start (pool.c:42)." */
function mostText(sites, total) {
    const most = sites.filter(site => site.own).sort((a, b) => b.threads.length - a.threads.length)[0];
    if (!most || (most.threads.length < 2 && total > 1))
        return "";
    const who = most.threads.length === total ? "Created" : `Most (${number(most.threads.length)}) were created`;
    return ` ${who} by ${functionName(most.own)} (${placeName(most.own)}).`;
}

function leakVerdict(model) {
    const {leaked_threads: threads, processes} = model.report.summary;
    const sites = model.sites.filter(site => site.counted);
    if (!threads)
        return null;
    const within = new Set(sites.flatMap(site => [...site.processes]));
    const inProcesses = processes > 1 && !model.report.runs ? ", in " + within.size + " of " + plural(processes, "process", "processes") : "";
    return {tone: "bad", word: "LEAK", text: plural(threads, "leaked thread") + " at " + plural(countSites(sites), "site") + inProcesses + "." +
        mostText(sites, threads)};
}

/* Those that a program gets by mistake are a crash. The numbers are those of Linux, but for MIPS, SPARC and Alpha. */
const SIGNALS = {1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL",
                 11: "SIGSEGV", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM", 31: "SIGSYS"};
const CRASHES = [4, 5, 6, 7, 8, 11, 31];

/* Of one signal: the verdict must not be of one process and the number of threads of another. */
function killedVerdict(ended, left, by) {
    const signals = [...new Set(ended.map(process => process.end.how === "signal" ? process.end.signal : 0))];
    if (signals.length !== 1 || !signals[0])
        return null;
    const [signal] = signals, name = SIGNALS[signal];
    return {tone: "warn", word: CRASHES.includes(signal) ? "CRASHED" : "KILLED", text: "Killed by signal " + signal + (name ? " (" + name + ")" : "") +
        " with " + plural(left.length, "thread") + " alive or not joined; not counted as leaks." + by};
}

function otherVerdict(model) {
    const {processes, threads, report} = model;
    const alive = processes.filter(process => process.end.how === "alive");
    const left = threads.filter(thread => thread.site.leaks.length && !thread.site.suppressed);
    const by = mostText(model.sites.filter(site => site.leaks.length && !site.suppressed), left.length);
    if (processes.length && processes.every(process => !process.watched))
        return {tone: "neutral", word: "NOT WATCHED", text: plural(threads.length, "thread") +
            " now. The process was started without threadleak, so who created them is not known."};
    if (report.timed_out)
        return {tone: "warn", word: "TIMED OUT", text: plural(left.length, "thread") + " alive or not joined when the time was over." + by};
    if (alive.length)
        return {tone: "neutral", word: "RUNNING", text: plural(threads.filter(one => one.kind !== "unjoined").length, "thread") + " alive now." + by};
    const ended = left.length ? [...new Set(left.map(thread => thread.process))] : processes.length === 1 ? processes : [];
    const killed = killedVerdict(ended, left, by);
    if (killed)
        return killed;
    if (left.length)
        return {tone: "warn", word: "NOT JUDGED", text: plural(left.length, "thread") + " alive or not joined at an end that is not judged (" +
            [...new Set(left.map(thread => thread.process.end.how))].join(", ") + ")." + by};
    return {tone: "good", word: "NO LEAK", text: "No leaked threads" + (lostCount(model) ? " among those that were recorded."
        : !processes.length ? ". No thread was created." : report.summary.processes > 1 ? " in " + number(report.summary.processes) + " processes." : ".")};
}

function lostCount(model) {
    return model.processes.reduce((sum, process) => sum + process.lost_events, 0);
}

function commandOf(process) {
    return baseName(process.command && process.command[0] || process.exe || "?");
}

function sumOf(model, name) {
    const known = model.processes.map(process => process.counts[name]).filter(count => count !== null);
    return known.length ? known.reduce((sum, count) => sum + count, 0) : null;
}

function bigNumbers(model) {
    const {summary} = model.report;
    const one = model.processes.length === 1;
    const judged = model.processes.some(process => process.end.judged);
    const rows = [
        ["leaked threads", judged || summary.leaked_threads ? summary.leaked_threads : null, summary.leaked_threads ? "bad" : ""],
        ["leak sites", countSites(model.sites.filter(site => site.counted)) || null, ""],
        ["alive", sumOf(model, "alive"), ""],
        ["ended, not joined", sumOf(model, "unjoined"), ""],
        ["created", sumOf(model, "created"), ""],
        ["joined", sumOf(model, "joined"), ""],
        one ? ["most at once", sumOf(model, "peak"), ""] : [summary.processes === 1 ? "process" : "processes", summary.processes, ""],
        ["suppressed", summary.suppressed_threads || null, ""],
        [model.processes.some(process => process.watched) ? "untracked" : "threads besides main", sumOf(model, "untracked") || null, ""],
    ].filter(([, value]) => value !== null);
    return el("dl", {class: "numbers"}, rows.map(([name, value, tone]) =>
        el("div", {class: tone}, el("dt", {}, name), el("dd", {}, number(value)))));
}

function showVerdict(model) {
    const verdict = stuckVerdict(model) || leakVerdict(model) || otherVerdict(model);
    const leak = verdict.word !== "LEAK" && leakVerdict(model);
    document.title = verdict.word + " - threadleak";
    const command = model.report.command || (model.processes.length === 1 ? model.processes[0].command : [plural(model.processes.length, "process", "processes")]);
    document.getElementById("command").textContent = clean((command || []).join(" "));
    show("verdict", el("h1", {class: "verdict " + verdict.tone}, el("span", {class: "word"}, verdict.word),
                       el("span", {}, verdict.text)),
         leak && el("p", {class: "also"}, "Also: " + leak.text), repeated(model), bigNumbers(model), warnings(model));
}

function repeated(model) {
    const {runs} = model.report;
    return runs && el("p", {class: "also"}, `${number(runs.leaked)} of ${plural(runs.count, "run")} leaked.`);
}

/* What makes the verdict less sure. */
function warnings(model) {
    const lost = lostCount(model), unwatched = model.report.unwatched || [];
    return [
        lost > 0 && el("p", {class: "warning"}, plural(lost, "creation") + " could not be recorded: these threads are not in this report."),
        unwatched.length > 0 && el("p", {class: "warning"}, plural(unwatched.length, "program") + " could not be watched: " +
            unwatched.slice(0, 4).map(one => baseName(one.exe || "?") + " (" + one.why + ")").join(", ") +
            (unwatched.length > 4 ? ", ..." : "") + "."),
    ];
}

/* ---- findings -------------------------------------------------------------------------- */

function evidenceItem(model, [text, frame]) {
    const code = sourceLine(model, frame);
    return el("li", {}, shortText(text), frame && el("span", {class: "at"}, el("span", {class: "code strong", title: frame.function}, functionName(frame)), " ",
                                 el("span", {class: "place", title: frame.file}, placeName(frame))),
              code && el("pre", {class: "one-line", title: code}, code));
}

/* Threads that do the same at the same place are one line. */
function mergeFacts(facts) {
    const kept = new Map();
    for (const [text, frame] of facts) {
        const [, who, what] = text.match(/^(T\d+|tid \d+) (.*)$/s) || [null, "", text];
        const key = what + (frame ? frame.file + ":" + frame.line + frame.function : "");
        if (kept.has(key) && who)
            kept.get(key).who.push(who);
        else
            kept.set(key, {who: [who], what, frame});
    }
    return [...kept.values()].map(({who, what, frame}) => [(who[0] ? who[0] + " " : "") + what +
        (who.length > 1 ? "; so do " + who.slice(1, 4).join(", ") + (who.length > 4 ? " and " + (who.length - 4) + " others" : "") : ""), frame]);
}

const FACTS_SHOWN = 4;

function findingCard(model, {finding, facts: all, process}) {
    const facts = mergeFacts(all);
    return el("article", {class: "finding " + finding.level},
              el("h3", {}, el("span", {class: "code"}, finding.code), " ", el("span", {class: "chip " + finding.level}, finding.level),
                 model.processes.length > 1 && el("span", {class: "muted small"}, " " + commandOf(process) + ", pid " + process.pid)),
              facts.length ? el("ul", {class: "evidence"}, facts.slice(0, FACTS_SHOWN).map(fact => evidenceItem(model, fact)))
                           : el("p", {}, shortText(finding.text)),
              facts.length > FACTS_SHOWN && el("details", {}, el("summary", {class: "muted small"}, "and " + plural(facts.length - FACTS_SHOWN, "more line")),
                 el("ul", {class: "evidence"}, facts.slice(FACTS_SHOWN, 100).map(fact => evidenceItem(model, fact)))),
              finding.pattern && el("p", {class: "muted small"}, "See threadleak-patterns(7): " + finding.pattern));
}

/* A creation that failed has a site, but no thread. */
function failedCard(model, failed, process) {
    const frame = failed.own || failed.creation_stack[0], code = sourceLine(model, frame), {latest} = failed;
    const when = latest && [latest.threads && "the process had " + plural(latest.threads, "thread"), latest.unjoined && number(latest.unjoined) + " not joined",
                            latest.ago_s !== null && duration(latest.ago_s) + " ago"].filter(part => part).join(", ");
    return el("article", {class: "finding"},
              el("h3", {}, plural(failed.count, "failed creation"), " ", el("span", {class: "chip likely"}, failed.error || "?"),
                 model.processes.length > 1 && el("span", {class: "muted small"}, " " + commandOf(process) + ", pid " + process.pid)),
              frame && el("p", {}, el("span", {class: "code strong", title: frame.function}, functionName(frame)), el("span", {class: "place", title: frame.file}, placeName(frame))),
              code && el("pre", {class: "one-line", title: code}, code),
              when && el("p", {class: "muted small"}, "The latest: " + when));
}

const FINDINGS_SHOWN = 4, FINDINGS_MAX = 60;

/* Cards of different heights leave fewer gaps in columns. One or two fill the width. */
function cards(list) {
    return el("div", {class: list.length > 2 ? "cards columns" : "cards"}, list);
}

function showFindings(model) {
    const all = model.processes.flatMap(process => process.findings.map((finding, i) => ({finding, process, facts: process.more.evidence[i]})))
        .filter(({finding}) => !finding.suppressed_by)
        .sort((a, b) => LEVELS.indexOf(b.finding.level) - LEVELS.indexOf(a.finding.level));
    const strong = all.filter(({finding}) => finding.level !== "note");
    const failed = model.processes.flatMap(process => (process.failed_creations || []).map(one => failedCard(model, one, process)));
    const card = one => findingCard(model, one);
    const first = [...strong.slice(0, FINDINGS_SHOWN).map(card), ...failed.slice(0, 2)];
    const rest = [...all.slice(Math.min(strong.length, FINDINGS_SHOWN), FINDINGS_MAX).map(card), ...failed.slice(2, FINDINGS_MAX)];
    const more = rest.length > 0 && el("details", {class: "more"}, el("summary", {}, plural(rest.length, strong.length ? "more finding" : "note", strong.length ? undefined : "notes")),
                                       cards(rest));
    const title = strong.length ? "Why" : failed.length ? "What failed" : "";
    show("findings", (first.length > 0 || more) && [title && el("h2", {}, title), first.length > 0 && cards(first), more]);
}

/* ---- the table ---------------------------------------------------------------------------- */

function siteTitle(site) {
    if (site.kind === "main")
        return "main thread";
    if (site.kind === "untracked")
        return site.name;
    return functionName(site.own || site.creation[0]);
}

function siteChips(site) {
    const strong = site.findings.filter(one => one.level !== "note" && !one.suppressed_by).slice(0, 2);
    return [...new Set(strong.map(one => one.code + " " + one.level))].map(text =>
        el("span", {class: "chip " + text.split(" ")[1], title: text}, text.split(" ")[0]));
}

function siteRow(model, site, select) {
    const frame = site.own || site.creation[0];
    const several = model.processes.length > 1, watched = model.processes.some(process => process.watched);
    const name = siteTitle(site);
    return el("tr", {class: "site " + (site.counted ? "counted" : site.suppressed ? "suppressed" : ""), "data-site": site.index,
                     onclick: () => select(site)},
              el("td", {class: "count"}, number(site.threads.length)),
              el("td", {}, el("button", {type: "button", class: "row-button code" + (name.length < 26 ? " short" : ""), "aria-pressed": "false",
                            title: frame && frame.function}, named(name)),
                 el("span", {class: "sub"}, frame && el("span", {class: "place", title: frame.file}, placeName(frame)), siteChips(site))),
              el("td", {}, site.kind === "untracked" && !watched ? null : el("span", {class: "state " + site.kind}, kindText(site)),
                 el("span", {class: "sub does"}, site.runs && [el("span", {class: "code", title: site.runs.function}, named(functionName(site.runs))), site.does && ": "],
                    site.does + (site.doesCount < site.threads.length ? ", and others" : ""))),
              several && el("td", {class: "count"}, number(site.processes.size)),
              el("td", {class: "count"}, site.oldest < 0 ? "" : duration(site.oldest)));
}

const SITES_SHOWN = 12;

function showSites(model, view) {
    const several = model.processes.length > 1;
    const body = el("tbody", {});
    const all = view.allSites || model.sites.length <= SITES_SHOWN + 2;
    for (const site of all ? model.sites : model.sites.slice(0, SITES_SHOWN))
        body.append(siteRow(model, site, view.select));
    const table = el("table", {class: "sites"},
                     el("thead", {}, el("tr", {}, el("th", {scope: "col", class: "count"}, "threads"), el("th", {scope: "col"}, model.processes.some(process => process.watched) ? "created by" : "name"),
                        el("th", {scope: "col"}, "state, and what they do"),
                        several && el("th", {scope: "col", class: "count"}, "processes"), el("th", {scope: "col", class: "count"}, "oldest"))), body);
    const more = !all && el("button", {type: "button", class: "wide", onclick: view.showAllSites},
                            "Show all " + plural(model.sites.length, "site"));
    show("sites", model.sites.length > 0 && [el("h2", {}, "Sites"),
         el("div", {class: "pair"}, el("div", {class: "table-box"}, table, more), el("div", {id: "details", tabindex: "-1"}))]);
}

/* ---- one site ------------------------------------------------------------------------------- */

function siteHeading(site) {
    const count = plural(site.threads.length, "thread");
    const what = {running: "alive, " + joinsText(site), detached: "alive, detached", unjoined: "ended, but " + joinsText(site) + ": each still holds its stack",
                  main: "", untracked: "whose creation was not seen"}[site.kind];
    return site.kind === "main" ? plural(site.threads.length, "main thread") : count + (what ? ", " + what : "");
}

function siteFacts(model, site) {
    const facts = [];
    if (site.suppressed)
        facts.push("Suppressed by: " + site.suppressed);
    else if (site.leaks.length && !site.counted)
        facts.push("Not counted as a leak" + ([...site.processes].some(one => one.end.how === "alive") ? ": the process still runs." : "."));
    if (site.joinedAt)
        facts.push("Other threads of this site were joined in " + functionName(site.joinedAt) + " (" + placeName(site.joinedAt) + ").");
    if (site.test)
        facts.push("Created in test " + site.test);
    if (site.runsOf)
        facts.push(`Leaked in ${number(site.runsOf.leaked)} of ${plural(model.report.runs.count, "run")}`);
    if (site.fingerprint)
        facts.push("Fingerprint " + site.fingerprint);
    return facts.map(text => el("p", {class: "muted small"}, text));
}

function stackGroup(model, group, total, open) {
    const waits = counted(group.threads.map(waitText))[0][0];
    const who = group.threads.length === 1 ? threadName(group.threads[0]) : plural(group.threads.length, "thread");
    return el("details", {class: "group", open},
              el("summary", {}, el("strong", {}, who), total > 1 ? " " : "", el("span", {class: "does"}, waits)),
              group.stack.length ? stackList(model, group.stack) : el("p", {class: "muted"}, group.threads[0].stack_note || "no stack is known"));
}

function siteDetails(model, site, most) {
    const groups = site.kind === "unjoined" ? [] : site.stacks;
    const notes = site.findings.map(one => el("li", {}, el("span", {class: "chip " + one.level}, one.code), " ", shortText(one.text)));
    return [
        el("h3", {}, siteHeading(site)),
        notes.length > 0 && el("ul", {class: "plain"}, notes.slice(0, 4)),
        site.creation.length > 0 && [el("h4", {}, "Created by"), stackList(model, site.creation, site.own)],
        groups.length > 0 && [el("h4", {}, "Now"), groups.slice(0, most).map((group, i) => stackGroup(model, group, groups.length, i < 1))],
        groups.length > most && el("p", {class: "muted"}, "and " + plural(groups.length - most, "other stack")),
        threadTable(site), siteFacts(model, site)].flat(3).filter(one => one);
}

function showDetails(model, site) {
    const box = document.getElementById("details");
    if (!box)
        return;
    for (const row of document.querySelectorAll("tr.site")) {
        const is = site && Number(row.dataset.site) === site.index;
        row.classList.toggle("selected", is);
        row.querySelector("button").setAttribute("aria-pressed", String(is));
    }
    box.replaceChildren();
    if (!site)
        return;
    box.append(...siteDetails(model, site, 5));
}

/* ---- threads -------------------------------------------------------------------------------- */

const THREADS_SHOWN = 100;

function threadTable(site) {
    const row = thread => el("tr", {}, el("td", {class: "count"}, thread.id ? "T" + thread.id : ""), el("td", {class: "count"}, thread.tid || ""),
                             el("td", {class: "code"}, thread.name || ""), el("td", {class: "count"}, duration(thread.age_s)),
                             el("td", {class: "count"}, thread.cpu_s === null ? "" : duration(thread.cpu_s)), el("td", {}, waitText(thread)));
    const body = el("tbody", {}, site.threads.slice(0, THREADS_SHOWN).map(row));
    const rest = site.threads.length - THREADS_SHOWN;
    const more = rest > 0 && el("button", {type: "button", class: "wide", onclick: event => {
        body.append(...site.threads.slice(THREADS_SHOWN).map(row));
        event.target.remove();
    }}, "Show " + number(rest) + " more");
    return el("details", {class: "group"}, el("summary", {}, el("strong", {}, "Threads"), " " + number(site.threads.length)),
              el("div", {class: "table-box"}, el("table", {class: "threads"},
                 el("thead", {}, el("tr", {}, ["id", "tid", "name", "age", "CPU", "does"].map((name, i) =>
                     el("th", {scope: "col", class: i === 2 || i === 5 ? "" : "count"}, name)))), body), more));
}
