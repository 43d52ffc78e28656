"use strict";
/* Elements, texts and numbers. All text comes to the page through clean(), and never as HTML. */

/* Characters that cannot be seen, or that change the direction of the text round them. */
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff0-\uffff]/g;

function clean(text) {
    return String(text).replace(UNSEEN, c => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}

function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
        if (name.startsWith("on"))
            node.addEventListener(name.slice(2), value);
        else if (value === true)
            node.setAttribute(name, "");
        else if (value !== false && value !== null && value !== undefined)
            node.setAttribute(name, clean(value));
    }
    for (const child of children.flat(9))
        if (child !== null && child !== undefined && child !== false)
            node.append(child instanceof Node ? child : clean(child));
    return node;
}

/* el("p", {class: "note", onclick: f}, "text", element, [more]) */
function el(tag, attributes, ...children) {
    return fill(document.createElement(tag), attributes, children);
}

const SVG = document.getElementById("svg").namespaceURI;

function svg(tag, attributes, ...children) {
    return fill(document.createElementNS(SVG, tag), attributes, children);
}

function show(id, ...children) {
    const node = document.getElementById(id);
    node.replaceChildren(...children.flat(9).filter(child => child));
    node.hidden = !node.firstChild;
    return node;
}

function number(value) {
    return value === null || value === undefined ? "?" : Number(value).toLocaleString("en").replaceAll(",", "\u2009");
}

function plural(count, one, many) {
    return number(count) + " " + (count === 1 ? one : many || one + "s");
}

function duration(seconds) {
    if (seconds === null || seconds === undefined)
        return "?";
    if (!seconds)
        return "0 s";
    if (seconds < 0.001)
        return Math.round(seconds * 1e6) + " \u00b5s";
    if (seconds < 1)
        return (seconds * 1000).toPrecision(seconds < 0.1 ? 2 : 3) * 1 + " ms";
    if (seconds < 60)
        return (seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)) + " s";
    if (seconds < 3600)
        return Math.floor(seconds / 60) + " min " + Math.floor(seconds % 60) + " s";
    if (seconds < 86400)
        return Math.floor(seconds / 3600) + " h " + Math.floor(seconds % 3600 / 60) + " min";
    return Math.floor(seconds / 86400) + " d " + Math.floor(seconds % 86400 / 3600) + " h";
}

function baseName(path) {
    return path ? path.slice(path.lastIndexOf("/") + 1) : "";
}

/* What is in a pair of brackets, and in those within it, becomes `instead`. */
function fold(text, open, close, instead, keep) {
    let depth = 0, out = "", inside = "";
    for (const c of text) {
        if (c === open && !(open === "<" && /(operator<?|[\s(,&])$/.test(out + inside)))
            depth++;
        if (depth)
            inside += c;
        else
            out += c;
        if (c === close && depth && !--depth) {
            out += keep(inside) ? inside : instead;
            inside = "";
        }
    }
    return out + inside;
}

/* Text with C++ names: without what is in long template arguments. */
function shortText(text) {
    return fold(text, "<", ">", "<\u2026>", inside => inside.length < 12);
}

/* The name of a function without arguments and template arguments. */
function shortName(name) {
    const short = fold(name.replace(/^(.*)::operator\(\)\(/, "$1::("), "<", ">", "<\u2026>", inside => inside.length < 12);
    return fold(short.replace(/^(?:static |virtual )*(?:void|bool|int|auto) /, ""), "(", ")", "", inside => inside === "(anonymous namespace)")
        .replace(/( const)?( \[clone [^\]]*\])*$/, "").replace(/::$/, "") || name;
}

function functionName(frame) {
    if (!frame)
        return "?";
    if (frame.function)
        return frame.short = frame.short || shortName(frame.function);
    return frame.module ? baseName(frame.module) + "+" + (frame.offset || "?") : frame.pc || "?";
}

/* file:line, else the module */
function placeName(frame) {
    if (!frame)
        return "";
    if (frame.file)
        return baseName(frame.file) + (frame.line ? ":" + frame.line : "");
    return frame.function ? baseName(frame.module) : "";
}

function threadName(thread) {
    const name = thread.id ? "T" + thread.id : thread.tid ? "tid " + thread.tid : "thread";
    return thread.name ? name + " \u201c" + thread.name + "\u201d" : name;
}

/* A name that can be broken into lines between its parts. */
function named(name) {
    return clean(name).split("::").flatMap((part, i) => i ? ["::", el("wbr", {}), part] : [part]);
}

/* [[value, count]], most frequent first */
function counted(values) {
    const counts = new Map();
    for (const value of values)
        counts.set(value, (counts.get(value) || 0) + 1);
    return [...counts].sort((a, b) => b[1] - a[1]);
}
