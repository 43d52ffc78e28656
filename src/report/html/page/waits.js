/* The wait-for graph: who waits for what, and who holds it. The cycle is red. */

const NODE = {width: 230, height: 46, gapX: 150, gapY: 30};
const GRAPH_BESIDE = 520; /* pixels: a smaller graph is beside the findings */
const NODES_SHOWN = 40;

/* Nodes by tid: {tid, thread, wait, next, count}. Equal waits of threads of one site become one node. */
function waitNodes(process) {
    const nodes = new Map();
    const node = tid => {
        if (!nodes.has(tid))
            nodes.set(tid, {tid, thread: process.byTid.get(tid), wait: null, next: null, from: 0, count: 1});
        return nodes.get(tid);
    };
    for (const wait of process.more.waits) {
        const from = node(wait.tid);
        from.wait = wait;
        from.next = wait.owner > 0 && !wait.owner_ended ? node(wait.owner) : {tid: -wait.tid, ended: wait, from: 0, count: 1, wait: null};
        if (wait.owner_ended)
            nodes.set(-wait.tid, from.next);
        from.next.from++;
        from.next.id = wait.owner_id;
    }
    return mergeEqual([...nodes.values()]);
}

function mergeEqual(nodes) {
    const kept = new Map(), out = [];
    for (const node of nodes) {
        const key = node.from || !node.wait ? null : [node.thread && node.thread.site.key, node.wait.what, node.next.tid].join("|");
        if (key !== null && kept.has(key)) {
            kept.get(key).count++;
            continue;
        }
        if (key !== null)
            kept.set(key, node);
        out.push(node);
    }
    return out;
}

function markCycles(nodes) {
    for (const start of nodes) {
        const path = [];
        let at = start;
        while (at && at.mark === undefined) {
            at.mark = start;
            path.push(at);
            at = at.wait && !at.wait.timeout ? at.next : null;
        }
        if (at && at.mark === start && path.includes(at))
            for (const member of path.slice(path.indexOf(at)))
                member.cycle = at;
    }
}

/* Columns from right to left: the cycle, or the last owner; then those that wait for it. */
function placeNodes(nodes) {
    const columns = [];
    const depthOf = node => {
        if (node.depth === undefined) {
            node.depth = 0;
            if (!node.cycle && node.next)
                node.depth = depthOf(node.next) + 1;
        }
        return node.depth;
    };
    nodes.forEach(depthOf);
    const roots = nodes.filter(node => node.depth === 0);
    const ordered = [];
    for (const root of roots)
        if (root.cycle === root || !root.cycle)
            for (let at = root, first = true; at && (first || at !== root); at = at.cycle ? at.next : null, first = false)
                ordered.push(at);
    let row = 0;
    const place = node => {
        const waiting = nodes.filter(other => other.next === node && other.depth === node.depth + 1);
        const start = row;
        waiting.forEach(place);
        if (!waiting.length)
            row++;
        node.row = waiting.length ? (waiting[0].row + waiting[waiting.length - 1].row) / 2 : start;
        (columns[node.depth] = columns[node.depth] || []).push(node);
    };
    ordered.forEach(place);
    const deepest = columns.length - 1;
    for (const node of nodes) {
        node.x = 8 + (deepest - node.depth) * (NODE.width + NODE.gapX);
        node.y = 8 + (node.row || 0) * (NODE.height + NODE.gapY);
    }
    return {width: 16 + columns.length * NODE.width + deepest * NODE.gapX + (nodes.some(node => node.cycle) ? 180 : 0),
            height: 16 + row * (NODE.height + NODE.gapY) - NODE.gapY};
}

function cut(text, length) {
    return text.length > length ? text.slice(0, length - 1) + "\u2026" : text;
}

function nodeTexts(process, node) {
    if (node.ended)
        return [node.ended.owner > 0 ? "thread that has ended" : "nobody", node.ended.owner > 0 ? "tid " + node.ended.owner : ""];
    if (node.count > 1)
        return [plural(node.count, "thread"), node.thread && node.thread.stack.length ? placeText(firstUser(node.thread.stack)) : ""];
    const thread = node.thread || {id: node.id || (node.tid === process.pid ? 1 : null), tid: node.tid};
    const user = thread.stack && firstUser(thread.stack);
    const place = user ? placeText(user) : node.tid === process.pid ? "main thread" : "";
    return [threadName(thread), place];
}

function placeText(frame) {
    const name = functionName(frame), whole = name + "  " + placeName(frame);
    return whole.length <= 31 || !frame.line ? whole : name + "  :" + frame.line;
}

function nodeBox(process, node, select) {
    const [title, place] = nodeTexts(process, node);
    const site = node.thread && node.thread.site;
    const role = site ? {tabindex: "0", role: "button", onclick: () => select(site),
                         onkeydown: event => event.key === "Enter" && select(site)} : {};
    return svg("g", {class: "node" + (node.cycle ? " cycle" : "") + (node.ended ? " gone" : ""), transform: `translate(${node.x} ${node.y})`, ...role},
               svg("title", {}, title + " " + place),
               svg("rect", {width: NODE.width, height: NODE.height, rx: 6}),
               svg("text", {x: 12, y: place ? 19 : 28, class: "title"}, cut(title, 28)),
               place && svg("text", {x: 12, y: 36, class: "code small"}, cut(place, 31)));
}

function edgeLabel(node) {
    const {wait} = node;
    const text = wait.on === "join" ? "joins" : shortWait(wait.what);
    return cut(text, node.cycle ? 25 : 21);
}

function edgeOf(node, arrow) {
    const {next} = node, middle = NODE.height / 2;
    const kind = (node.cycle && next.cycle === node.cycle ? "edge cycle" : "edge") + (node.wait.timeout ? " timed" : "");
    let path, x, y, anchor = "middle";
    if (next === node || (node.cycle && next.y <= node.y)) { /* back up on the right */
        const right = node.x + NODE.width;
        path = `M${right} ${node.y + middle} C${right + 70} ${node.y + middle} ${right + 70} ${next.y + middle - (next === node ? 14 : 0)} ${right + 4} ${next.y + middle - (next === node ? 14 : 0)}`;
        [x, y, anchor] = [right + 60, (node.y + next.y) / 2 + middle + 4, "start"];
    } else if (node.cycle) { /* down */
        const at = node.x + 40;
        path = `M${at} ${node.y + NODE.height} L${at} ${next.y - 4}`;
        [x, y, anchor] = [at + 10, (node.y + NODE.height + next.y) / 2 + 4, "start"];
    } else { /* to the right */
        const from = node.x + NODE.width, to = next.x - 4, fromY = node.y + middle, toY = next.y + middle;
        path = `M${from} ${fromY} C${from + 60} ${fromY} ${to - 60} ${toY} ${to} ${toY}`;
        [x, y, anchor] = [from + 8, fromY - 7, "start"];
    }
    return svg("g", {class: kind}, svg("path", {d: path, "marker-end": `url(#${arrow})`}),
               svg("text", {x, y, "text-anchor": anchor, class: "small"}, edgeLabel(node)));
}

function waitGraph(model, process, select) {
    const all = waitNodes(process);
    markCycles(all);
    const nodes = all.sort((a, b) => (b.cycle ? 1 : 0) - (a.cycle ? 1 : 0)).slice(0, NODES_SHOWN);
    for (const node of nodes)
        if (node.next && !nodes.includes(node.next))
            nodes.push(node.next);
    const size = placeNodes(nodes), id = "arrow" + process.index;
    const arrow = (name, kind) => svg("marker", {id: name, class: kind, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 10, markerHeight: 10, markerUnits: "userSpaceOnUse", orient: "auto"},
                              svg("path", {d: "M0 0L8 4L0 8z"}));
    const edges = nodes.filter(node => node.wait && node.next);
    const words = edges.slice(0, 20).map(node => nodeTexts(process, node)[0] + " waits for " + node.wait.what).join("; ");
    return el("figure", {class: "graph"},
              model.processes.length > 1 && el("figcaption", {}, commandOf(process) + ", pid " + process.pid),
              el("div", {class: "scroll", tabindex: "0"},
                 svg("svg", {width: size.width, height: size.height, viewBox: `0 0 ${size.width} ${size.height}`, role: "group", "aria-label": words},
                     svg("defs", {}, arrow(id, "arrow"), arrow(id + "c", "arrow cycle")),
                     edges.map(node => edgeOf(node, node.cycle && node.next.cycle === node.cycle ? id + "c" : id)),
                     nodes.map(node => nodeBox(process, node, select)))),
              all.length > nodes.length && el("p", {class: "muted small"}, "and " + plural(all.length - nodes.length, "more thread")));
}

/* Waits that are no problem come after the sites. */
function showWaits(model, select) {
    const waiting = model.processes.filter(process => process.more.waits.length);
    const graphs = waiting.slice(0, 6).map(process => waitGraph(model, process, select));
    const beside = graphs.length === 1 && graphs[0].querySelector("svg").viewBox.baseVal.width <= GRAPH_BESIDE;
    const section = document.getElementById("waits"), cause = document.getElementById("cause");
    if (graphs.some(graph => graph.querySelector(".cycle, .gone")))
        cause.append(section);
    else
        document.getElementById("sites").after(section);
    cause.classList.toggle("beside", beside && cause.contains(section) && !document.getElementById("findings").hidden);
    show("waits", waiting.length > 0 && [el("h2", {}, "Who waits for whom"),
         graphs,
         waiting.length > 6 && el("p", {class: "muted small"}, "and " + plural(waiting.length - 6, "more process", "more processes"))]);
    for (const graph of graphs)
        graph.querySelector(".scroll").scrollLeft = 1e6; /* what the others wait for is at the right */
}
