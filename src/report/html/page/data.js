/* From the data of the page (report/html/data.h) to what it shows: threads, sites, lives. */

const LIFE = {ENDED: 1, DETACHED: 2, JOINED: 4, RELEASED: 8};
const LEVELS = ["note", "likely", "proved"];

function readData(data) {
    shortWaits.clear();
    const frames = data.frames.map((frame, index) => ({...frame, index, runtime: false}));
    const model = {report: data.report, frames, sources: data.sources, processes: [], sites: [], threads: []};
    const value = ref => typeof ref === "number" ? data.shared[ref] : ref;
    const frame = ref => typeof ref === "number" ? frames[ref] : ref;
    const stacks = new Map(); /* threads with the same stack share the array */
    const stack = ref => {
        if (!stacks.has(ref))
            stacks.set(ref, (value(ref) || []).map(frame));
        return stacks.get(ref);
    };
    const runtime = new Set(data.processes.flatMap(more => more.runtime));
    for (const one of frames)
        one.runtime = runtime.has(one.pc + " " + (one.function || "")) || (one.file || "").startsWith("/usr/include/");
    data.report.processes.forEach((process, index) => {
        const more = data.processes[index];
        model.processes.push({...process, index, more, counts: process.threads, threads: [], byTid: new Map(), byId: new Map()});
    });
    const sites = new Map();
    for (const process of model.processes)
        readProcess(model, process, sites, {value, frame, stack});
    model.lives = readLives(model);
    model.sites = [...sites.values()].sort((a, b) => rank(a) - rank(b) || b.threads.length - a.threads.length);
    model.sites.forEach((site, index) => finishSite(site, index));
    return model;
}

function readProcess(model, process, sites, read) {
    const add = (site, thread, kind) => {
        const made = {...thread, process, site, kind, stack: read.stack(thread.stack), waiting: read.value(thread.waiting), findings: read.value(thread.findings) || []};
        site.threads.push(made);
        site.processes.add(process);
        site.findings.push(...made.findings);
        process.threads.push(made);
        model.threads.push(made);
        if (made.tid)
            process.byTid.set(made.tid, made);
        if (made.id)
            process.byId.set(made.id, made);
    };
    for (const leak of process.leaks) {
        const own = read.frame(leak.own);
        const site = siteOf(sites, [leak.kind, leak.fingerprint, own && own.file, own && own.line, leak.suppressed_by,
                                    leak.counted].join("|"), leak.kind);
        site.leaks.push(leak);
        if (site.leaks.length === 1)
            Object.assign(site, {counted: leak.counted, suppressed: leak.suppressed_by, fingerprint: leak.fingerprint, own,
                                 start: read.frame(leak.start_routine), creation: leak.creation_stack.map(read.frame),
                                 truncated: leak.creation_stack_truncated, test: leak.test, runsOf: leak.runs, joinedAt: read.frame(leak.joined_at)});
        for (const thread of leak.threads)
            add(site, thread, leak.kind);
    }
    if (process.main)
        add(siteOf(sites, "main", "main"), process.main, "main");
    for (const thread of process.untracked) {
        const name = (thread.name || "without a name").replace(/[0-9#]+$/, "#");
        add(siteOf(sites, "untracked|" + name, "untracked", name), thread, "untracked");
    }
}

function siteOf(sites, key, kind, name) {
    if (!sites.has(key))
        sites.set(key, {key, kind, name, leaks: [], threads: [], processes: new Set(), findings: [], creation: []});
    return sites.get(key);
}

/* What matters comes first. */
function rank(site) {
    const level = site.findings.reduce((most, one) => one.suppressed_by ? most : Math.max(most, LEVELS.indexOf(one.level)), -1);
    if (level === 2)
        return site.counted || !site.leaks.length ? 0 : 1;
    if (site.counted)
        return level === 1 ? 2 : 3;
    if (level === 1)
        return 4;
    if (site.suppressed)
        return 8;
    if (![...site.processes].some(process => process.watched))
        return 6;
    return {main: 6, untracked: 7}[site.kind] || 5;
}

/* While one of its threads is being joined, a loop may join the others later. */
function joinsText(site) {
    if (site.leaks.length && site.leaks.every(leak => leak.joining === "all"))
        return "being joined";
    return site.leaks.some(leak => leak.joining) ? "not joined yet" : "never joined";
}

function finishSite(site, index) {
    const seen = new Map(site.findings.map(one => [one.code + one.text, one]));
    site.index = index;
    if (site.kind === "untracked" && new Set(site.threads.map(thread => thread.name)).size === 1)
        site.name = site.threads[0].name || site.name;
    site.findings = [...seen.values()].sort((a, b) => LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level));
    site.runs = runsOf(site);
    site.oldest = site.threads.reduce((most, thread) => Math.max(most, thread.age_s === null ? -1 : thread.age_s), -1);
    const waits = counted(site.threads.map(waitText));
    site.does = waits[0][0];
    site.doesCount = waits[0][1];
    site.stacks = stackGroups(site.threads);
}

function waitText(thread) {
    if (thread.kind === "unjoined")
        return "has ended";
    if (!thread.waiting)
        return thread.state === "R" ? "runs" : thread.stack.length ? "in " + functionName(firstUser(thread.stack)) : "";
    return shortWait(thread.waiting.text);
}

/* What it waits for, without its time limit, mutex and holder. */
function shortWait(text) {
    if (!shortWaits.has(text))
        shortWaits.set(text, makeShortWait(text));
    return shortWaits.get(text);
}

const shortWaits = new Map();

function makeShortWait(text) {
    return shortText(text).replace(/ \(mutex [^()]*\)/, "").replace(/, no timeout| with timeout|, [^,]* left/g, "").replace(/, held by .*$/, "");
}

function firstUser(stack) {
    return stack.find(frame => !frame.runtime) || stack[0];
}

/* What the threads run: the start routine, or what the runtime's start routine calls. */
function runsOf(site) {
    if (!site.leaks.length)
        return null;
    if (site.start && !site.start.runtime && site.start.function)
        return site.start;
    const names = new Map();
    for (const thread of site.threads) {
        const frame = thread.stack.findLast(one => !one.runtime);
        names.set(frame ? frame.function : null, frame);
    }
    const only = names.size === 1 ? [...names.values()][0] : null;
    return only || (site.start && site.start.function ? site.start : null);
}

/* Threads with the same stack: [{threads, stack}], most frequent first. */
function stackGroups(threads) {
    const groups = new Map();
    for (const thread of threads) {
        const group = groups.get(thread.stack) || {stack: thread.stack, threads: []};
        groups.set(thread.stack, group);
        group.threads.push(thread);
    }
    return [...groups.values()].sort((a, b) => b.threads.length - a.threads.length);
}

/* ---- lives ------------------------------------------------------------------------------ */

/* Times are seconds after the first process began. */
function readLives(model) {
    const began = model.processes.map(process => process.more.began_ms).filter(ms => ms !== null);
    const first = began.length ? Math.min(...began) : null;
    const lives = {rows: [], end: 0, first, hidden: 0};
    for (const process of model.processes)
        addLives(lives, process, process.more.began_ms === null || first === null ? 0 : (process.more.began_ms - first) / 1000);
    lives.end = Math.max(lives.end, 1e-4);
    return lives;
}

function addLives(lives, process, shift) {
    const {more} = process;
    const moment = more.moment_s === null ? null : more.moment_s + shift;
    const add = life => {
        const {thread} = life;
        lives.rows.push({process, ...life, site: thread && thread.site});
        if (thread && thread.age_s === null && moment !== null)
            thread.age_s = life.moment - life.created;
    };
    if (moment !== null)
        add({id: 1, tid: process.pid, created: shift, ended: null, joined: null, state: 0, name: "main thread", moment, thread: process.byTid.get(process.pid)});
    for (const [id, tid, created, ended, joined, state, name, start] of more.lives) {
        const thread = id ? process.byId.get(id) : process.byTid.get(tid);
        const known = [created, ended, joined, more.moment_s].filter(at => at !== null);
        if (created === null)
            continue;
        add({id, tid, created: created + shift, ended: ended === null ? null : ended + shift, joined: joined === null ? null : joined + shift,
             state, name: name || (thread && thread.name), start: more.starts[start], thread, moment: moment === null ? Math.max(...known) + shift : moment});
        lives.end = Math.max(lives.end, ...known.map(at => at + shift));
    }
    if (moment !== null)
        lives.end = Math.max(lives.end, moment);
    lives.hidden += Math.max(0, (process.counts.created || 0) - more.lives.filter(life => life[0]).length);
}
