/* Stacks, with the lines of the sources that were there. */

function frameKey(frame) {
    return frame.file && frame.line ? frame.file + ":" + frame.line : "";
}

function sourceOf(model, frame) {
    const source = frame && frame.file && model.sources[frame.file];
    return source && source.lines[frame.line] !== undefined ? source : null;
}

function sourceLine(model, frame) {
    const source = sourceOf(model, frame);
    return source ? source.lines[frame.line].trim() : "";
}

/* The lines round the line of a frame. */
function sourceBlock(model, frame, around = 3) {
    const source = sourceOf(model, frame), lines = [];
    for (let line = Math.max(1, frame.line - around); line <= frame.line + around; line++)
        if (source.lines[line] !== undefined)
            lines.push([line, source.lines[line].replaceAll("\t", "    ")]);
    const shared = Math.min(...lines.map(([, text]) => text.trim() ? text.search(/\S/) : 99));
    return el("div", {class: "source"},
              el("pre", {tabindex: "0", "aria-label": "source of " + placeName(frame)}, lines.map(([line, text]) =>
                  el("span", {class: line === frame.line ? "line here" : "line"},
                     el("span", {class: "line-number"}, line), el("span", {class: "code"}, text.slice(shared) || " ")))),
              source.newer && el("p", {class: "muted small"}, "This file is newer than the program; its lines may have moved."));
}

function frameRow(model, frame, open) {
    const place = el("span", {class: "place", title: frame.file || frame.module}, placeName(frame));
    const name = el("span", {class: "function code", title: frame.function}, named(functionName(frame)));
    const head = [name, frame.inlined && el("span", {class: "tag"}, "inlined"), place];
    if (!sourceOf(model, frame))
        return el("li", {class: frame.runtime ? "frame runtime" : "frame"}, el("div", {class: "frame-head"}, head));
    return el("li", {class: "frame"},
              el("details", {open}, el("summary", {class: "frame-head"}, head), sourceBlock(model, frame)));
}

/* The frames of thread runtimes before and after those of the user are one line. */
function stackList(model, stack, own) {
    if (!stack.length)
        return el("p", {class: "muted"}, "no stack is known");
    const first = own && stack.includes(own) ? stack.indexOf(own) : stack.findIndex(frame => !frame.runtime);
    const last = stack.findLastIndex(frame => !frame.runtime);
    const list = el("ol", {class: "stack"});
    const fold = (frames, what) => frames.length && list.append(foldedFrames(model, frames, what));
    if (first < 0) {
        stack.forEach(frame => list.append(frameRow(model, frame)));
        return list;
    }
    fold(stack.slice(0, first), "in");
    let open = true;
    for (const frame of stack.slice(first, last + 1)) {
        list.append(frameRow(model, frame, open && sourceOf(model, frame)));
        open = open && !sourceOf(model, frame);
    }
    fold(stack.slice(last + 1), "started by");
    return list;
}

function foldedFrames(model, frames, what) {
    const name = functionName(what === "in" ? frames[frames.length - 1] : frames[0]);
    const more = frames.length > 1 ? " and " + plural(frames.length - 1, "more frame") : "";
    return el("li", {class: "frame runtime"},
              el("details", {}, el("summary", {class: "frame-head"}, el("span", {}, what + " ", el("span", {class: "code"}, name), more)),
                 el("ol", {class: "stack"}, frames.map(frame => frameRow(model, frame)))));
}
