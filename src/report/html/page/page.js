/* The whole page: sections, keys, theme, and new data while a process is watched. */

const view = {selected: null, allSites: false, wholeStacks: false, model: null, line: null, flame: null};

view.select = (site, stay) => {
    view.selected = site.key;
    if (site.index >= 12 && !view.allSites)
        view.showAllSites();
    showDetails(view.model, site);
    if (view.line)
        drawSoon(view.line);
    if (!stay && matchMedia("(max-width: 60rem)").matches)
        document.getElementById("details").scrollIntoView({block: "nearest"});
};

view.showAllSites = () => {
    view.allSites = true;
    showSites(view.model, view);
    showDetails(view.model, selectedSite());
};

function selectedSite() {
    return view.model.sites.find(site => site.key === view.selected) || view.model.sites[0];
}

/* ---- processes and notes -------------------------------------------------------------- */

function endText(process) {
    const {how, status, signal} = process.end;
    if (how === "alive")
        return "runs";
    if (how === "signal")
        return "killed by signal " + (signal || "?");
    return how + (status === null ? "" : ", status " + status);
}

function processRow(model, process) {
    const leaked = process.leaks.filter(leak => leak.counted).reduce((sum, leak) => sum + leak.count, 0);
    const {counts} = process;
    return el("tr", {class: leaked ? "counted" : ""},
              el("td", {class: "count"}, process.pid), el("td", {class: "code clip", title: (process.command || [process.exe]).join(" ")},
                 (process.command || [process.exe || "?"]).map((word, i) => i ? word : baseName(word)).join(" ")),
              el("td", {}, endText(process)), el("td", {class: "count"}, process.watched ? number(counts.created) : "?"),
              el("td", {class: "count strong"}, number(leaked)), el("td", {}, process.watched ? process.verdict || (process.test ? "test " + process.test : "") : "not watched"));
}

function showProcesses(model) {
    if (model.processes.length < 2) {
        show("processes");
        return;
    }
    const head = ["pid", "command", "end", "created", "leaked", ""].map((name, i) => el("th", {scope: "col", class: [0, 3, 4].includes(i) ? "count" : ""}, name));
    show("processes", el("h2", {}, "Processes"), el("div", {class: "table-box"}, el("table", {},
         el("thead", {}, el("tr", {}, head)), el("tbody", {}, model.processes.map(process => processRow(model, process))))));
}

function showNotes(model) {
    const notes = [];
    for (const process of model.processes) {
        const where = model.processes.length > 1 ? commandOf(process) + ", pid " + process.pid + ": " : "";
        const add = text => text && notes.push(where + text);
        add(process.stacks_note && "stacks: " + process.stacks_note);
        add(process.not_checked_for_stuck && "not checked for stuck: " + process.not_checked_for_stuck);
        (process.not_seen || []).forEach(add);
        (process.replaced || []).forEach(path => add("replaced while it ran: " + path));
        add(process.suppressions_note);
    }
    for (const rule of model.report.suppressions || [])
        notes.push("suppression " + rule.label + " (" + rule.origin + "): " + plural(rule.threads, "thread"));
    const unique = [...new Set(notes)];
    show("notes", unique.length > 0 && [el("h2", {}, "What this report does not see"), el("ul", {}, unique.map(note => el("li", {}, note)))],
         el("footer", {class: "muted small"}, "threadleak " + model.report.version));
}

/* ---- all ---------------------------------------------------------------------------------- */

function showAll(model) {
    view.model = model;
    showVerdict(model);
    showFindings(model);
    showSites(model, view);
    showDetails(model, selectedSite());
    showWaits(model, view.select);
    view.line = showLives(model, view);
    showFlame(model, view);
    showProcesses(model);
    showNotes(model);
    const {first} = model.lives;
    document.getElementById("when").textContent = first === null ? "" : "began " + new Date(first).toLocaleString();
    document.documentElement.dataset.ready = "true";
}

/* ---- theme ---------------------------------------------------------------------------------- */

const THEMES = ["auto", "light", "dark"];

/* In a sandbox there is no storage. */
function stored(action) {
    try {
        return action(localStorage);
    } catch {
        return null;
    }
}

function setTheme(theme) {
    document.documentElement.dataset.theme = theme;
    document.getElementById("theme").textContent = "Theme: " + theme;
    if (view.line) {
        readColors(view.line);
        drawSoon(view.line);
    }
}

function listenTheme() {
    const known = stored(storage => storage.getItem("threadleak-theme"));
    setTheme(THEMES.includes(known) ? known : "auto");
    document.getElementById("theme").addEventListener("click", () => {
        const next = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length];
        stored(storage => storage.setItem("threadleak-theme", next));
        setTheme(next);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTheme(document.documentElement.dataset.theme));
}

/* ---- keys ------------------------------------------------------------------------------------- */

const KEYS = [["j, k", "next, previous site"], ["1 \u2026 5", "sites, waits, time line, flame graph, processes"], ["t", "theme"],
              ["arrows", "move in the time line and the flame graph"], ["+, \u2212, Home", "zoom the time line"],
              ["Enter, Esc", "zoom into a frame, back to the whole graph"], ["?", "this list"]];

function toggleHelp() {
    const help = document.getElementById("help"), button = document.getElementById("keys");
    help.hidden = !help.hidden;
    button.setAttribute("aria-expanded", String(!help.hidden));
    help.replaceChildren(el("dl", {class: "keys"}, KEYS.map(([key, text]) => el("div", {}, el("dt", {}, key), el("dd", {}, text)))));
}

function moveSelection(step) {
    const {sites} = view.model, at = sites.indexOf(selectedSite());
    const next = sites[Math.max(0, Math.min(sites.length - 1, at + step))];
    if (!next)
        return;
    view.select(next);
    document.querySelector("tr.selected")?.scrollIntoView({block: "nearest"});
}

function goTo(id) {
    const section = document.getElementById(id);
    if (section.hidden)
        return;
    section.tabIndex = -1;
    section.focus({preventScroll: true});
    section.scrollIntoView();
}

function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input") || !view.model)
        return;
    const sections = {1: "sites", 2: "waits", 3: "lives", 4: "flame", 5: "processes"};
    if (event.key === "j" || event.key === "k")
        moveSelection(event.key === "j" ? 1 : -1);
    else if (event.key === "?")
        toggleHelp();
    else if (event.key === "t")
        document.getElementById("theme").click();
    else if (sections[event.key])
        goTo(sections[event.key]);
    else
        return;
    event.preventDefault();
}

/* ---- live data ---------------------------------------------------------------------------------- */

const POLL_MS = 2000;
const live = {paused: false, pressed: false};

async function poll(source) {
    const state = document.getElementById("live");
    try {
        const answer = await fetch(source, {cache: "no-store", credentials: "same-origin"});
        if (!answer.ok)
            throw new Error("status " + answer.status);
        const data = await answer.json();
        if (!live.paused && !isBusy())
            keepPlace(() => showAll(readData(data)));
        state.textContent = "updated " + new Date().toLocaleTimeString();
        state.classList.remove("stale");
    } catch (error) {
        state.textContent = clean("no new data: " + error.message);
        state.classList.add("stale");
    }
    setTimeout(() => live.paused ? live.resume = () => poll(source) : poll(source), POLL_MS);
}

/* New data must not take away what somebody drags or selects. */
function isBusy() {
    return live.pressed || !getSelection().isCollapsed;
}

function flamePath(flame) {
    return flame ? pathTo(flame.zoomed).slice(1).map(node => node.name) : [];
}

function zoomByPath(flame, names) {
    let node = flame.root;
    for (const name of names)
        node = node.children.get(name) || node;
    if (node !== flame.root)
        zoomFlame(flame, node);
}

/* The open parts of the details, by their order: stacks of one site keep theirs. */
function openParts() {
    return [...document.querySelectorAll("#details details")].map(one => one.open);
}

/* New data keeps the selection, what is open, the zoom, the focus and the place on the page. */
function keepPlace(draw) {
    const top = window.scrollY, old = view.line, whole = !old || (old.from === 0 && old.to === old.model.lives.end);
    const open = openParts(), names = flamePath(view.flame), focused = document.activeElement;
    const focus = focused.closest("tr.site") ? "tr.selected button" : focused.matches("canvas") ? "canvas" : null;
    draw();
    if (view.line && !whole) {
        Object.assign(view.line, {from: old.from, to: old.to, top: old.top, zoomY: old.zoomY});
        limitTimeline(view.line);
        drawSoon(view.line);
    }
    const parts = document.querySelectorAll("#details details");
    if (parts.length === open.length)
        parts.forEach((one, i) => one.open = open[i]);
    if (view.flame)
        zoomByPath(view.flame, names);
    if (focus)
        document.querySelector(focus)?.focus({preventScroll: true});
    window.scrollTo({top});
}

function listenPause(button) {
    document.getElementById("live").hidden = button.hidden = false;
    addEventListener("pointerdown", () => live.pressed = true);
    addEventListener("pointerup", () => live.pressed = false);
    addEventListener("pointercancel", () => live.pressed = false);
    button.addEventListener("click", () => {
        live.paused = !live.paused;
        button.textContent = live.paused ? "Resume" : "Pause";
        if (!live.paused && live.resume)
            live.resume();
        live.resume = null;
    });
}

const SITES_PRINTED = 20;

/* Printed pages have the stacks of the first sites, not only of the selected one. */
function printAll() {
    const sites = view.model.sites.slice(0, SITES_PRINTED);
    document.getElementById("sites").append(el("div", {class: "printed"}, sites.map(site => el("div", {}, siteDetails(view.model, site, 2)))));
    for (const details of document.querySelectorAll(".printed .frame details:not([open])"))
        details.open = !details.querySelector("ol");
}

function start() {
    const holder = document.getElementById("data");
    listenTheme();
    document.addEventListener("keydown", onKey);
    document.getElementById("keys").addEventListener("click", toggleHelp);
    window.addEventListener("beforeprint", printAll);
    window.addEventListener("afterprint", () => document.querySelector(".printed").remove());
    if (holder.dataset.source) {
        listenPause(document.getElementById("pause"));
        poll(holder.dataset.source);
    } else
        showAll(readData(JSON.parse(holder.textContent)));
}

start();
