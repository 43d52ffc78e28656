/* The time line: one row for each thread, on a canvas. A drag moves it; wheel with Ctrl, + and - zoom. */

const LIVES = {axis: 22, chart: 64, row: 14, gap: 8, most: 420, least: 0.001};

function lifeTone(life) {
    if (life.state & LIFE.ENDED)
        return "over";
    return life.site && life.site.counted ? "leaked" : "alive";
}

/* The part after the end, in which a joinable thread keeps its stack. */
function unjoinedUntil(life) {
    if (life.ended === null || life.state & (LIFE.DETACHED | LIFE.RELEASED))
        return null;
    if (life.state & LIFE.JOINED)
        return life.joined;
    return life.moment;
}

/* How many are alive: a step function, of the threads shown. Those of a process that ended are no longer. */
function aliveSteps(rows, end) {
    const steps = [];
    for (const life of rows) {
        const over = life.ended === null && life.process.end.how !== "alive" && life.process.more.moment_s !== null ? life.moment : life.ended;
        if (over === life.created) /* shorter than a tick of the clock */
            continue;
        steps.push([life.created, 1]);
        if (over !== null)
            steps.push([over, -1]);
    }
    steps.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    while (steps.length && steps[steps.length - 1][0] >= end && steps[steps.length - 1][1] < 0)
        steps.pop();
    let alive = 0;
    return steps.map(([at, step]) => [at, alive += step]);
}

function makeTimeline(model, view) {
    const {rows, end} = model.lives;
    const canvas = el("canvas", {tabindex: "0", role: "img"});
    const line = {model, view, rows, canvas, steps: aliveSteps(rows, end), from: 0, to: end, top: 0, zoomY: 1, hover: null,
                  tip: el("div", {class: "tip", hidden: true}), colors: null, pending: false};
    line.peak = line.steps.reduce((most, step) => Math.max(most, step[1]), 1);
    canvas.setAttribute("aria-label", `Time line of ${rows.length} threads over ${duration(end)}. Arrow keys move, plus and minus zoom, Home shows all.`);
    return line;
}

function readColors(line) {
    const style = getComputedStyle(document.documentElement);
    line.colors = Object.fromEntries(["text", "muted", "line", "alive", "leaked", "over", "held", "select", "surface"].map(name =>
        [name, style.getPropertyValue("--" + name).trim()]));
}

function sizeCanvas(line) {
    const {canvas} = line, ratio = Math.min(window.devicePixelRatio || 1, 2);
    line.width = canvas.parentElement.clientWidth;
    const wanted = Math.max(60, Math.min(LIVES.most, line.rows.length * (LIVES.row + 2)));
    line.height = LIVES.axis + LIVES.chart + LIVES.gap + wanted;
    canvas.width = Math.round(line.width * ratio);
    canvas.height = Math.round(line.height * ratio);
    canvas.style.width = line.width + "px";
    canvas.style.height = line.height + "px";
    line.context = canvas.getContext("2d", {alpha: false});
    line.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    line.rowsTop = LIVES.axis + LIVES.chart + LIVES.gap;
    line.fit = (line.height - line.rowsTop) / line.rows.length;
}

function rowHeight(line) {
    return Math.min(LIVES.row + 2, line.fit) * line.zoomY;
}

function limitTimeline(line) {
    const {end} = line.model.lives, least = Math.max(end * 1e-5, 1e-5);
    const span = Math.min(Math.max(line.to - line.from, least), end);
    line.from = Math.min(Math.max(0, line.from), end - span);
    line.to = line.from + span;
    line.zoomY = Math.max(1, Math.min(line.zoomY, (LIVES.row + 2) / Math.min(LIVES.row + 2, line.fit)));
    const most = rowHeight(line) * line.rows.length - (line.height - line.rowsTop);
    line.top = Math.max(0, Math.min(line.top, most));
}

function drawSoon(line) {
    if (line.pending)
        return;
    line.pending = true;
    requestAnimationFrame(() => {
        line.pending = false;
        drawTimeline(line);
    });
}

function tickStep(span) {
    const rough = span / 8, power = 10 ** Math.floor(Math.log10(rough));
    return [1, 2, 5, 10].map(one => one * power).find(step => step >= rough);
}

function drawAxis(line, x) {
    const {context: c, colors} = line, step = tickStep(line.to - line.from);
    c.fillStyle = colors.muted;
    c.strokeStyle = colors.line;
    c.textBaseline = "middle";
    c.beginPath();
    for (let at = Math.ceil(line.from / step) * step; at <= line.to; at += step) {
        const left = Math.round(x(at)) + 0.5;
        c.moveTo(left, LIVES.axis - 4);
        c.lineTo(left, line.height);
        if (left < line.width - 40)
            c.fillText(at < step / 2 ? "0" : duration(at), left + 4, LIVES.axis / 2);
    }
    c.stroke();
}

function drawChart(line, x) {
    const {context: c, colors, steps} = line, bottom = LIVES.axis + LIVES.chart;
    const y = count => bottom - (LIVES.chart - 16) * count / line.peak;
    c.beginPath();
    c.moveTo(-1, bottom);
    let last = 0;
    for (const [at, count] of steps) {
        const here = Math.max(-1, Math.min(line.width + 1, x(at)));
        c.lineTo(here, y(last));
        c.lineTo(here, y(count));
        last = count;
    }
    c.lineTo(Math.min(line.width + 1, x(line.model.lives.end)), y(last));
    c.lineTo(Math.min(line.width + 1, x(line.model.lives.end)), bottom);
    c.globalAlpha = 0.25;
    c.fillStyle = colors.alive;
    c.fill();
    c.globalAlpha = 1;
    c.fillStyle = colors.text;
    c.fillText("alive over time, of these threads: about " + number(line.peak) + " at most", 6, LIVES.axis + 9);
}

function drawLife(line, life, top, height, x) {
    const {context: c, colors} = line, tone = lifeTone(life);
    const end = life.ended === null ? life.moment : life.ended, left = x(life.created);
    const right = Math.max(x(end), left + 2);
    if (left <= line.width && right >= 0) {
        c.fillStyle = colors[tone];
        c.fillRect(Math.max(left, 0), top, Math.min(right, line.width) - Math.max(left, 0), height);
    }
    const held = unjoinedUntil(life);
    if (held !== null && held > life.ended) {
        c.fillStyle = colors.held;
        c.fillRect(Math.max(right, 0), top, Math.max(1, Math.min(x(held), line.width) - Math.max(right, 0)), height);
    }
}

function drawRows(line, x) {
    const {context: c, rows} = line, step = rowHeight(line), height = step < 4 ? step + 0.5 : step - 2;
    c.save();
    c.beginPath();
    c.rect(0, line.rowsTop, line.width, line.height - line.rowsTop);
    c.clip();
    const first = Math.floor(line.top / step), last = Math.min(rows.length, Math.ceil((line.top + line.height - line.rowsTop) / step));
    const y = i => line.rowsTop + i * step - line.top;
    for (let i = first; i < last; i++)
        drawLife(line, rows[i], step < 1 ? Math.floor(y(i)) : y(i), Math.max(1, height), x);
    markSelected(line, first, last, y, step, x);
    if (step >= 11)
        nameRows(line, first, last, y, step, x);
    c.restore();
}

function markSelected(line, first, last, y, step) {
    const {context: c, colors, rows, view} = line;
    c.fillStyle = colors.select;
    for (let i = first; i < last; i++)
        if (view.selected && rows[i].site && rows[i].site.key === view.selected)
            c.fillRect(0, y(i), 3, Math.max(step, 1));
}

function nameRows(line, first, last, y, step, x) {
    const {context: c, colors, rows} = line;
    c.fillStyle = colors.text;
    for (let i = first; i < last; i++) {
        const life = rows[i], left = Math.max(6, Math.min(x(life.created) + 5, line.width - 120));
        c.fillStyle = lifeTone(life) === "over" ? colors.text : colors.surface;
        if (x(life.ended === null ? life.moment : life.ended) - left < 60)
            c.fillStyle = colors.text;
        c.fillText(clean(life.id ? threadName(life) : "tid " + life.tid), left, y(i) + step / 2);
    }
}

function drawTimeline(line) {
    const {context: c} = line, scale = line.width / (line.to - line.from);
    const x = at => (at - line.from) * scale;
    c.fillStyle = line.colors.surface;
    c.fillRect(0, 0, line.width, line.height);
    c.font = "12px system-ui, sans-serif";
    drawAxis(line, x);
    drawChart(line, x);
    drawRows(line, x);
    line.canvas.dataset.drawn = Number(line.canvas.dataset.drawn || 0) + 1;
    line.canvas.dataset.from = line.from;
}

/* ---- moving -------------------------------------------------------------------------------- */

function zoomTimeline(line, factor, at, down) {
    const middle = line.from + (line.to - line.from) * at;
    line.from = middle - (middle - line.from) * factor;
    line.to = middle + (line.to - middle) * factor;
    const before = line.zoomY;
    line.zoomY /= factor;
    limitTimeline(line);
    line.top = (line.top + down) * line.zoomY / before - down;
    limitTimeline(line);
    drawSoon(line);
}

function moveTimeline(line, dx, dy) {
    const shift = dx / line.width * (line.to - line.from);
    line.from += shift;
    line.to += shift;
    line.top += dy;
    limitTimeline(line);
    drawSoon(line);
}

function lifeAt(line, event) {
    const y = event.offsetY - line.rowsTop;
    return y < 0 ? null : line.rows[Math.floor((y + line.top) / rowHeight(line))] || null;
}

function lifeText(life) {
    const lines = [life.id ? threadName(life) : "tid " + life.tid];
    if (life.start)
        lines.push("runs " + functionName(life.start) + " (" + placeName(life.start) + ")");
    if (life.site && life.site.own)
        lines.push("created by " + functionName(life.site.own) + " (" + placeName(life.site.own) + ")");
    if (view.model.processes.length > 1)
        lines.push("in " + commandOf(life.process) + ", pid " + life.process.pid);
    lines.push("created at " + duration(life.created));
    if (life.state & LIFE.ENDED)
        lines.push("ended at " + duration(life.ended));
    else
        lines.push(life.process.end.how === "alive" ? "alive" : "alive at the end");
    if (life.state & LIFE.DETACHED)
        lines.push("detached");
    else if (life.state & LIFE.JOINED)
        lines.push(life.joined === null ? "joined" : "joined at " + duration(life.joined));
    else if (life.state & LIFE.RELEASED)
        lines.push("joined or detached, which was not seen");
    else if (life.id > 1)
        lines.push(life.site ? joinsText(life.site) : "never joined");
    return lines;
}

function showTip(line, event) {
    const life = lifeAt(line, event);
    line.tip.hidden = !life;
    if (!life)
        return;
    line.tip.replaceChildren(...lifeText(life).map((text, i) => el(i ? "div" : "strong", {}, text)));
    const left = Math.min(event.offsetX + 14, line.width - line.tip.offsetWidth - 4);
    line.tip.style.left = Math.max(0, left) + "px";
    line.tip.style.top = event.offsetY + 16 + "px";
}

function listenTimeline(line) {
    const {canvas} = line;
    let drag = null;
    canvas.addEventListener("pointerdown", event => {
        drag = {x: event.clientX, y: event.clientY, moved: 0};
        canvas.setPointerCapture(event.pointerId);
        line.tip.hidden = true;
    });
    canvas.addEventListener("pointermove", event => {
        if (!drag)
            return showTip(line, event);
        drag.moved += Math.abs(event.clientX - drag.x) + Math.abs(event.clientY - drag.y);
        moveTimeline(line, drag.x - event.clientX, drag.y - event.clientY);
        [drag.x, drag.y] = [event.clientX, event.clientY];
    });
    canvas.addEventListener("pointerup", event => {
        const life = drag && drag.moved < 4 ? lifeAt(line, event) : null;
        drag = null;
        if (life && life.site)
            line.view.select(life.site, true);
    });
    canvas.addEventListener("pointercancel", () => drag = null);
    canvas.addEventListener("pointerleave", () => line.tip.hidden = true);
    canvas.addEventListener("wheel", event => {
        if (!event.ctrlKey)
            return;
        event.preventDefault();
        zoomTimeline(line, event.deltaY > 0 ? 1.25 : 0.8, event.offsetX / line.width, Math.max(0, event.offsetY - line.rowsTop));
    }, {passive: false});
    canvas.addEventListener("keydown", event => {
        const moves = {ArrowLeft: [-60, 0], ArrowRight: [60, 0], ArrowUp: [0, -60], ArrowDown: [0, 60]}[event.key];
        if (moves)
            moveTimeline(line, ...moves);
        else if (event.key === "+" || event.key === "=")
            zoomTimeline(line, 0.6, 0.5, 0);
        else if (event.key === "-")
            zoomTimeline(line, 1 / 0.6, 0.5, 0);
        else if (event.key === "Home")
            wholeTimeline(line);
        else
            return;
        event.preventDefault();
    });
    new ResizeObserver(() => resizeTimeline(line)).observe(canvas.parentElement);
}

function wholeTimeline(line) {
    Object.assign(line, {from: 0, to: line.model.lives.end, top: 0, zoomY: 1});
    drawSoon(line);
}

function resizeTimeline(line) {
    if (!line.canvas.isConnected || (line.canvas.parentElement.clientWidth === line.width && line.colors))
        return;
    readColors(line);
    sizeCanvas(line);
    limitTimeline(line);
    drawTimeline(line);
}

function legend() {
    return el("p", {class: "legend"}, [["leaked", "leaked"], ["alive", "alive"], ["held", "ended, not joined: keeps its stack"], ["over", "ended"]].map(
        ([name, text]) => el("span", {}, el("i", {class: "swatch " + name}), text)));
}

/* Whether the end of a process is missing, so that lives end at the last event that is known. */
function lacksMoment(model) {
    return model.processes.some(process => process.more.moment_s === null && process.more.lives.some(life => life[3] === null));
}

function showLives(model, view) {
    const {rows, hidden, end} = model.lives, open = lacksMoment(model);
    if (!rows.length || (open && end < LIVES.least)) {
        show("lives");
        return null;
    }
    const line = makeTimeline(model, view);
    const button = (text, title, onclick) => el("button", {type: "button", title, onclick}, text);
    show("lives", el("h2", {}, "Time line"),
         el("div", {class: "tools"}, button("\u2212", "zoom out", () => zoomTimeline(line, 1 / 0.6, 0.5, 0)),
            button("+", "zoom in", () => zoomTimeline(line, 0.6, 0.5, 0)), button("All", "show all", () => wholeTimeline(line)), legend()),
         el("div", {class: "timeline"}, line.canvas, line.tip),
         open && el("p", {class: "muted small"}, "When the process ended is not known. Threads that were alive are drawn until the last event that is known."),
         hidden > 0 && el("p", {class: "muted small"}, plural(hidden, "more thread") +
            " ended and were joined or detached. Their records were used again for other threads, so they are not shown."));
    listenTimeline(line);
    resizeTimeline(line);
    return line;
}
