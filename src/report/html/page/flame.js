/* The flame graph: all current stacks, merged from the outermost frame. */

const FLAME = {row: 22, depth: 80, least: 0.0012};

/* Without the frames of thread runtimes outside of the user's, unless these are wanted. */
function flameStack(stack, whole) {
    const last = stack.findLastIndex(frame => !frame.runtime);
    const frames = whole || last < 0 ? stack : stack.slice(0, last + 1);
    return frames.slice().reverse();
}

function addStack(root, stack, site, count) {
    let at = root;
    at.count += count;
    for (const frame of stack.slice(0, FLAME.depth)) {
        const name = functionName(frame);
        if (!at.children.has(name))
            at.children.set(name, {name, frame, count: 0, children: new Map(), parent: at, depth: at.depth + 1, sites: new Map()});
        at = at.children.get(name);
        at.count += count;
        at.sites.set(site, (at.sites.get(site) || 0) + count);
    }
}

function flameTree(model, whole) {
    const root = {name: "all threads", count: 0, children: new Map(), depth: 0, sites: new Map()};
    for (const site of model.sites)
        for (const {stack, threads} of site.stacks)
            if (stack.length)
                addStack(root, flameStack(stack, whole), site, threads.length);
    return root;
}

function pathTo(node) {
    return node ? [...pathTo(node.parent), node] : [];
}

function flameBox(flame, node, left, width, zoomed) {
    const share = (100 * node.count / flame.root.count).toFixed(node.count * 10 < flame.root.count ? 1 : 0);
    const text = node.name + " " + number(node.count);
    const box = el("button", {type: "button", tabindex: "-1", class: "flame-box code" + (node.frame && node.frame.runtime ? " runtime" : "") +
                              (node.depth < zoomed.depth ? " above" : ""),
                              title: (node.frame && node.frame.function || node.name) + "\n" + placeName(node.frame) + "\n" +
                                     plural(node.count, "thread") + ", " + share + " %"},
                   width > 0.02 ? text : "");
    box.style.left = 100 * left + "%";
    box.style.width = `calc(${100 * width}% - 1px)`;
    box.style.top = node.depth * FLAME.row + "px";
    box.node = node;
    node.box = box;
    return box;
}

function drawFlame(flame) {
    const {zoomed, box} = flame;
    let deepest = 0;
    const boxes = [];
    const draw = (node, left, width) => {
        boxes.push(flameBox(flame, node, left, width, zoomed));
        deepest = Math.max(deepest, node.depth);
        for (const child of [...node.children.values()].sort((a, b) => b.count - a.count)) {
            const part = width * child.count / node.count;
            if (part >= FLAME.least)
                draw(child, left, part);
            left += part;
        }
    };
    for (const node of pathTo(zoomed).slice(0, -1))
        boxes.push(flameBox(flame, node, 0, 1, zoomed));
    draw(zoomed, 0, 1);
    box.replaceChildren(...boxes);
    box.style.height = (deepest + 1) * FLAME.row + "px";
    zoomed.box.tabIndex = 0;
    flame.reset.disabled = zoomed === flame.root;
}

function zoomFlame(flame, node, focus) {
    flame.zoomed = node;
    drawFlame(flame);
    if (focus)
        node.box.focus();
    const site = [...node.sites].sort((a, b) => b[1] - a[1])[0];
    flame.status.textContent = node === flame.root ? "" : clean(node.name + ": " + plural(node.count, "thread"));
    if (site && focus && node.sites.size === 1)
        flame.select(site[0], true);
}

function neighbour(node, step) {
    const row = node.parent ? [...node.parent.children.values()].sort((a, b) => b.count - a.count).filter(one => one.box && one.box.isConnected) : [node];
    return row[row.indexOf(node) + step];
}

function flameKey(flame, event) {
    const node = event.target.node;
    const first = node && [...node.children.values()].sort((a, b) => b.count - a.count)[0];
    const to = node && {ArrowUp: node.parent, ArrowDown: first, ArrowLeft: neighbour(node, -1), ArrowRight: neighbour(node, 1)}[event.key];
    if (event.key === "Escape")
        zoomFlame(flame, flame.root, true);
    else if (to && to.box && to.box.isConnected)
        to.box.focus();
    else
        return;
    event.preventDefault();
}

function showFlame(model, view) {
    const root = flameTree(model, view.wholeStacks);
    if (!root.count) {
        view.flame = null;
        show("flame");
        return;
    }
    const box = el("div", {class: "flame", role: "group", "aria-label": "flame graph"});
    const flame = view.flame = {root, zoomed: root, box, select: view.select, status: el("span", {class: "muted", role: "status"}),
                   reset: el("button", {type: "button", onclick: () => zoomFlame(flame, root)}, "Whole graph")};
    box.addEventListener("click", event => event.target.node && zoomFlame(flame, event.target.node, true));
    box.addEventListener("keydown", event => flameKey(flame, event));
    show("flame", el("h2", {}, "Where they are now"),
         el("p", {class: "tools"}, flame.reset,
            el("label", {}, el("input", {type: "checkbox", checked: view.wholeStacks, onchange: event => {
                view.wholeStacks = event.target.checked;
                showFlame(model, view);
            }}), " frames of the thread runtime"), flame.status), box);
    drawFlame(flame);
}
