#!/usr/bin/env python3
"""The page that --format=html prints: what is in it, and what headless Chromium makes of it.

  tests/e2e/html_report.py [--build DIR] [NAME...]      SOAK=1: also a process with 10,000 threads; prints times
"""
import base64
import contextlib
import hashlib
import html.parser
import http.server
import json
import os
import re
import sys
import threading
import time

import harness
from browser import Browser
from harness import ROOT, Skip, Wrong, demand

MEGABYTE = 1 << 20


class Bench(harness.Bench):
    def page(self, *command, options=(), name="page"):
        """Path, text and data of the page of a run, and the JSON report of the same run."""
        page, document = self.path(name + ".html"), self.path(name + ".json")
        argv = [self.cli, "run", *options, f"--format=html:{page}", f"--format=json:{document}", "--", *command]
        status, _, printed = harness.call(argv, env=self.environment())
        demand(status not in (3, 124, 125, 126, 127), f"status {status}: {printed}")
        text = self.read(name + ".html")
        return page, text, data_of(text), harness.read_json(document)

    @contextlib.contextmanager
    def browser(self, url, **size):
        browser = Browser(self.tmp, **size)
        try:
            browser.open(url if ":" in url else "file://" + url)
            yield browser
            demand(not browser.complaints, f"the console: {browser.complaints}")
            outside = [one for one in browser.requests if not one.startswith(("file:", "data:", "about:", url.rsplit("/", 1)[0]))]
            demand(not outside, f"requests: {outside}")
        finally:
            browser.close()


class Elements(html.parser.HTMLParser):
    """[tag, attributes, the text up to the next tag]"""

    def __init__(self):
        super().__init__()
        self.found, self.is_open = [], False

    def handle_starttag(self, tag, attrs):
        self.found.append([tag, dict(attrs), ""])
        self.is_open = True

    def handle_endtag(self, tag):
        self.is_open = False

    def handle_data(self, data):
        if self.is_open:
            self.found[-1][2] += data


def elements(text):
    parser = Elements()
    parser.feed(text)
    parser.close()
    return parser.found


def data_of(text):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S).group(1))


def restored(data):
    """The report, with the values that the page has only once."""
    report, shared, frames = data["report"], data["shared"], data["frames"]

    def value(one):
        return shared[one] if isinstance(one, int) else one

    def stack(one):
        return [frames[index] for index in value(one)]

    def thread(one):
        named = {"threads": [one["id"]] if one["id"] else [], "tids": [one["tid"]]}
        one.update(stack=stack(one["stack"]), waiting=value(one["waiting"]), findings=[{**finding, **named} for finding in value(one["findings"])])

    for process in report["processes"]:
        for leak in process["leaks"]:
            for key in ("start_routine", "own", "joined_at"):
                leak[key] = leak[key] if leak[key] is None else frames[leak[key]]
            leak["creation_stack"] = stack(leak["creation_stack"])
            for one in leak["threads"]:
                thread(one)
        for one in [process["main"]] * bool(process["main"]) + process["untracked"]:
            thread(one)
    return report


# ---- without a browser -----------------------------------------------------------------


def it_is_self_contained(bench):
    _, text, _, _ = bench.page(bench.target("deadlock_at_end"))
    found = elements(text)
    shell = re.sub(r'id="data">.*?</script>', "", text, flags=re.S)
    demand(not re.search(r"https?:|//[a-z]|@import|url\((?!#)|fetch\((?!source)|<link|<base", re.sub(r"/\*.*?\*/", "", shell, flags=re.S)),
           "it refers to something outside")
    for _, attrs, _ in found:
        for name in set(attrs) & {"src", "srcset", "href", "action", "data", "poster", "style", "ping"}:
            demand(name == "href" and attrs[name].startswith("#"), f"{name}={attrs[name]}")
        demand(not any(name.startswith("on") for name in attrs), f"{attrs}")
    [policy] = [attrs["content"] for tag, attrs, _ in found if attrs.get("http-equiv") == "Content-Security-Policy"]
    demand("default-src 'none'" in policy and "unsafe" not in policy and "connect" not in policy, policy)
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        [content] = [content for name, attrs, content in found if name == tag and "type" not in attrs]
        hashed = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        demand(f"{directive} 'sha256-{hashed}'" in policy, f"{directive}: {policy}, but it is {hashed}")


def it_has_the_json_report(bench):
    for name, command in (("kinds", [bench.target("kinds")]), ("deadlock", [bench.target("deadlock_at_end")]),
                          ("clean", [bench.target("clean")]), ("nothing", ["true"]),
                          ("tree", ["sh", "-c", f"{bench.target('kinds')}; {bench.target('unjoined')}"])):
        _, _, data, document = bench.page(*command, name=name)
        demand(restored(data) == document, f"{name}: the report in the page is not the JSON report")
        demand(len(data["processes"]) == len(document["processes"]), name)


def it_has_the_lives(bench):
    _, _, data, document = bench.page(bench.target("lives"))
    [process], [more] = document["processes"], data["processes"]
    lives = {row[0]: row for row in more["lives"]}
    demand(len(lives) == len(more["lives"]), "a thread has one life")
    alive = {thread["id"] for thread in harness.threads_of(process) if thread["kind"] != "unjoined"}
    unjoined = {thread["id"] for thread in harness.threads_of(process) if thread["kind"] == "unjoined"}
    demand(len(alive) == 9 and len(unjoined) == 1, f"{alive} {unjoined}")
    for number, _, created, ended, joined, state, *_ in lives.values():
        order = [at for at in (0, created, ended, joined, more["moment_s"]) if at is not None]
        demand(order == sorted(order), f"T{number}: {order}")
        demand((ended is not None) == bool(state & 1), f"T{number}: ended {ended}, state {state}")
        demand((joined is not None) == bool(state & 4), f"T{number}: joined {joined}, state {state}")
        demand((number in alive) == (state & 1 == 0), f"T{number}: state {state}")
    demand(all(not lives[number][5] & ~1 for number in unjoined), "unjoined")
    joined = [number for number, row in lives.items() if row[5] & 4]
    demand(joined and not set(joined) & (alive | unjoined), f"joined: {joined}")
    demand(more["began_ms"] and abs(more["began_ms"] / 1000 - time.time()) < 3600, f"began {more['began_ms']}")


def it_has_the_lives_of_a_process_that_is_not_watched(bench):
    with bench.live("come_and_go", watched=False) as pid:
        page = bench.path("page.html")
        status, _, printed = harness.call([bench.cli, "report", f"--format=html:{page}", str(pid)], env=bench.environment())
        demand(status == 0, printed)
    [more] = data_of(bench.read("page.html"))["processes"]
    known = [row for row in more["lives"] if row[2] is not None]  # a thread may end while it is read
    demand(len(known) >= 13 and more["moment_s"] >= 0, f"{more}"[:300])
    for number, tid, created, *_ in known:
        demand(number == 0 and tid != pid and 0 <= created <= more["moment_s"] + 0.02, f"tid {tid}: {created}, {more['moment_s']}")


def it_has_the_sources(bench):
    directories = [ROOT[:match.start()] or "/" for match in re.finditer("/", ROOT + "/")]
    if os.geteuid() == 0 and not all(os.stat(directory).st_mode & 0o001 for directory in directories):
        raise harness.Skip("these sources are in a private directory of root")
    _, _, data, document = bench.page(bench.target("deadlock_at_end"))
    path = os.path.join(ROOT, "tests", "targets", "deadlock_at_end.c")
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    kept = data["sources"][path]["lines"]
    for number, text in kept.items():
        demand(lines[int(number) - 1] == text, f"line {number}: {text}")
    waits = next(one for leak in document["processes"][0]["leaks"] for one in leak["threads"][0]["stack"] if one["file"] == path)
    demand(str(waits["line"]) in kept and str(waits["line"] + 2) in kept, f"{waits['line']} is not in {sorted(kept)}")
    demand(len(kept) < 30, "only lines near those of the report")


def only_regular_files_are_sources(bench):
    """The debug information of a program can name any file."""
    os.chmod(bench.tmp, 0o755)
    os.mkfifo(bench.path("fifo.c"))
    secret = bench.write("secret.c", "root:secret\n" * 40, mode=0o640)
    open_to_all = bench.write("open.c", "int open_to_all;\n" * 40)
    routines = "".join(f'#line 7 "{bench.path(name)}"\nvoid *in_{name[:-2]}(void *arg) {{ sem_post(&begun); for (;;) pause(); return arg; }}\n'
                       for name in ("fifo.c", "secret.c", "open.c", "gone.c"))
    starts = "".join(f"    pthread_create(&thread, 0, in_{name}, 0);\n    sem_wait(&begun);\n" for name in ("fifo", "secret", "open", "gone"))
    source = bench.write("main.c", f"#include <pthread.h>\n#include <semaphore.h>\n#include <unistd.h>\nstatic sem_t begun;\n{routines}\n"
                                   f"int main(void) {{\n    pthread_t thread;\n{starts}    return 0; }}\n")
    done = harness.compile_once(os.environ.get("CC", "cc"), source, bench.path("main"), "-g", "-pthread")
    demand(done.returncode == 0, done.stderr.decode())
    _, text, data, _ = bench.page(bench.path("main"))
    demand(bench.path("fifo.c") not in data["sources"] and bench.path("gone.c") not in data["sources"], "no regular files")
    demand(open_to_all in data["sources"], f"{sorted(data['sources'])}")
    demand((secret in data["sources"]) == (os.geteuid() != 0), "root shows only what everybody may read")
    demand(("root:secret" in text) == (os.geteuid() != 0), "root shows only what everybody may read")


def equal_findings_are_written_once(bench):
    """Else the page of 10,000 threads is larger than 5 MB."""
    _, _, data, document = bench.page(bench.target("thousand"), "100")
    found = document["processes"][0]["findings"]
    demand(any(len(finding["threads"]) > 50 for finding in found), f"{found}")
    demand(len(data["shared"]) < 20, f"{len(data['shared'])} different values of 100 equal threads")
    demand(restored(data) == document, "the report in the page is not the JSON report")


def hostile_names_are_text(bench):
    _, text, data, document = bench.page(bench.target("lives"))
    names = {thread["name"] for thread in harness.threads_of(document["processes"][0])}
    demand({"</script><svg>", "<img src=x>", "<!--<script>"} <= names, f"{names}")
    demand(restored(data) == document, "the report in the page is not the JSON report")
    tags = [tag for tag, _, _ in elements(text)]
    demand(tags.count("script") == 2 and tags.count("svg") == 1 and "img" not in tags, f"{tags}")
    data_text = re.search(r'id="data">(.*?)</script>', text, re.S).group(1)
    demand("<" not in data_text and data_text.isascii(), "the data ends the element")


# ---- with a browser ----------------------------------------------------------------------


def pixels(browser):
    """Of the time line, the different colours."""
    return browser.evaluate("""(() => { const canvas = document.querySelector("canvas");
        const bytes = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        const seen = new Set(); for (let i = 0; i < bytes.length; i += 4) seen.add(bytes[i] << 16 | bytes[i + 1] << 8 | bytes[i + 2]);
        return seen.size; })()""")


def drag(browser, dx):
    x, y = browser.place_of("canvas")
    browser.mouse("mousePressed", x, y)
    for step in range(1, 6):
        browser.mouse("mouseMoved", x + dx * step / 5, y)
    browser.mouse("mouseReleased", x + dx, y)


def a_browser_shows_a_deadlock(bench):
    page, *_ = bench.page(bench.target("deadlock_at_end"))
    with bench.browser(page) as browser:
        demand("STUCK" in browser.evaluate("document.querySelector('h1').textContent"), "the verdict")
        fold = browser.evaluate("""[...document.querySelectorAll("h1, .evidence li, .node.cycle, tr.site")].map(
            one => one.getBoundingClientRect().bottom)""")
        demand(len(fold) >= 7 and max(fold) < 800, f"the cause is not in the first screen: {fold}")
        demand(browser.evaluate("document.querySelectorAll('.edge.cycle').length") == 2, "the cycle has two edges")
        before = browser.evaluate("document.getElementById('details').textContent")
        browser.click("tr[data-site='1'] button")
        browser.wait_for(f"document.getElementById('details').textContent !== {json.dumps(before)}")
        demand(browser.evaluate("document.querySelector('.source .here').textContent").strip()[:2].isdigit(), "source lines")
        browser.key("k")
        browser.wait_for(f"document.getElementById('details').textContent === {json.dumps(before)}")


def a_browser_shows_joins(bench):
    """A loop joins one thread after the other."""
    page = bench.path("joins.html")
    with bench.live_asleep("joins", "turn") as pid:
        status, _, err = harness.call([bench.cli, "report", f"--format=html:{page}", str(pid)])
        demand(status == 0, err)
    with bench.browser(page) as browser:
        states = browser.evaluate("[...document.querySelectorAll('.state')].map(one => one.textContent).join('; ')")
        demand("ended, not joined yet" in states, states)


def a_browser_shows_a_crash(bench):
    page, *_ = bench.page(bench.target("end_signal"), "SEGV")
    with bench.browser(page) as browser:
        verdict = browser.evaluate("document.querySelector('h1').textContent")
        demand("CRASHED" in verdict and "signal 11 (SIGSEGV) with 1 thread " in verdict, verdict)
        demand(browser.evaluate("document.querySelector('tr.site td:last-child').textContent") == "", "an age that nobody knows")


def a_browser_zooms_and_drags(bench):
    page, *_ = bench.page(bench.target("lives"))
    with bench.browser(page) as browser:
        demand(pixels(browser) > 4, "the time line is drawn")
        browser.click(".timeline canvas")
        browser.key("+")
        browser.wait_for("view.line.to - view.line.from < view.model.lives.end * 0.9 && !view.line.pending")
        before = browser.evaluate("view.line.from")
        drag(browser, -150)
        browser.wait_for(f"view.line.from > {before} && !view.line.pending && document.querySelector('canvas').dataset.from > {before}")
        browser.key("Home")
        browser.wait_for("view.line.from === 0 && !view.line.pending")
        wide = "document.querySelectorAll('.flame-box').length"
        whole = browser.evaluate(wide)
        browser.evaluate("[...document.querySelectorAll('.flame-box')].find(one => one.node.depth === 1).dataset.test = 1")
        browser.click("[data-test]")
        browser.wait_for(f"{wide} < {whole}")
        browser.key("Escape")
        browser.wait_for(f"{wide} === {whole}")
        for theme in ("light", "dark", "auto"):
            browser.click("#theme")
            browser.wait_for(f"document.documentElement.dataset.theme === '{theme}'")


def a_browser_runs_no_hostile_name(bench):
    page, *_ = bench.page(bench.target("lives"))
    with bench.browser(page) as browser:
        shown = ""
        for site in range(browser.evaluate("view.model.sites.length")):
            browser.evaluate(f"view.select(view.model.sites[{site}])")
            browser.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            shown += browser.evaluate("document.getElementById('details').textContent")
        browser.click(".timeline canvas")
        demand(browser.evaluate("document.querySelectorAll('img, svg svg, [onload], [onerror]').length") == 0, "an element of the program")
        demand("</script><svg>" in shown and "\\u001b[31m" in shown, "names are shown as text")
        demand(browser.evaluate("document.title").startswith("LEAK"), "the title")


# Of each text, the contrast with what is behind it: WCAG 2.1, 1.4.3.
CONTRASTS = """(() => {
    const numbers = color => color.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = node => { for (; node; node = node.parentElement) {
        const color = numbers(getComputedStyle(node).backgroundColor); if (color.length < 4 || color[3] === 1) return color; }
        return [255, 255, 255]; };
    const poor = new Set();
    for (const node of document.querySelectorAll("body *")) {
        const own = [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim());
        if (!own || node.closest("script, svg, noscript, :disabled") || !node.checkVisibility()) continue;
        const style = getComputedStyle(node), a = light(numbers(style.color)), b = light(behind(node));
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
        if (ratio < (large ? 3 : 4.5)) poor.add(node.className + " " + node.textContent.slice(0, 30) + " " + ratio.toFixed(2));
    }
    return [...poor]; })()"""


def texts_have_contrast(bench):
    page, *_ = bench.page(bench.target("demo"))
    with bench.browser(page) as browser:
        for scheme in ("light", "dark"):
            browser.scheme(scheme)
            browser.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            poor = browser.evaluate(CONTRASTS)
            demand(not poor, f"{scheme}: {poor}")


def the_tab_key_reaches_everything(bench):
    page, *_ = bench.page(bench.target("deadlock_at_end"))
    with bench.browser(page, width=400) as browser:
        seen = []
        for _ in range(60):
            browser.key("Tab")
            seen.append(browser.evaluate("(one => one.id || one.className.baseVal || one.className || one.tagName)(document.activeElement)"))
            if seen[-1] == "BODY":
                break
        for wanted in ("skip", "keys", "theme", "row-button", "node cycle", "CANVAS", "flame-box"):
            demand(any(wanted in one for one in seen), f"{wanted} is not in {seen}")
        wide = browser.evaluate("document.documentElement.scrollWidth - innerWidth")
        demand(wide <= 0, f"the page is {wide} pixels wider than a narrow window")


def the_sites_fit(bench):
    """No column is cut, whatever the width: where two columns are too narrow, there is one."""
    page, *_ = bench.page(bench.target("deadlock_at_end"))
    for width in (800, 1000, 1200):
        with bench.browser(page, width=width) as browser:
            more = browser.evaluate("(box => box.scrollWidth - box.clientWidth)(document.querySelector('table.sites').closest('.table-box'))")
            demand(more <= 0, f"the table of sites is {more} pixels wider than its box in a window of {width}")


def many_threads(data, count):
    """The same page with that many threads at one site."""
    leak = data["report"]["processes"][0]["leaks"][0]
    [more] = data["processes"]
    thread, life = leak["threads"][0], more["lives"][-1]
    end = more["moment_s"] = 100.0
    leak["threads"] = [{**thread, "id": i + 2, "tid": 100000 + i, "age_s": end - i * end / count} for i in range(count)]
    leak["count"] = count
    more["lives"] = [[i + 2, 100000 + i, i * end / count, end * (0.5 + i / count / 2) if i % 3 else None, None, i % 3 and 1, *life[6:]]
                     for i in range(count)]
    return data


def check_many(bench, page):
    demand(os.path.getsize(page) < 5 * MEGABYTE, f"{os.path.getsize(page)} bytes")
    with bench.browser(page) as browser:
        demand(browser.evaluate("view.line.rows.length") >= 10000, "all threads")
        demand(pixels(browser) > 3, "the time line is drawn")
        browser.click(".timeline canvas")
        browser.key("+")
        browser.wait_for("view.line.from > 0 && !view.line.pending")
        before = browser.evaluate("view.line.from")
        drag(browser, -200)
        browser.wait_for(f"view.line.from > {before} && !view.line.pending")
        # The quickest of ten: other processes may take the CPU meanwhile.
        took = browser.evaluate("""[...Array(10).keys()].map(i => { const began = performance.now();
            moveTimeline(view.line, i % 2 ? 40 : -40, 0); drawTimeline(view.line);
            document.querySelector("canvas").getContext("2d").getImageData(0, 0, 1, 1); return performance.now() - began; })""")
        demand(min(took) < 100, f"a drag takes {took} ms")
        painted = browser.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        return f"{os.path.getsize(page) / MEGABYTE:.1f} MiB, first paint after {painted:.0f} ms, a drag takes {min(took):.0f} to {max(took):.0f} ms"


def a_drag_of_10000_threads_is_quick(bench):
    _, text, data, _ = bench.page(bench.target("thousand"), "20", options=["--find=none"])
    data = json.dumps(many_threads(data, 10000), separators=(",", ":")).replace("<", "\\u003c")
    text = re.sub(r'(id="data">).*?(</script>)', lambda found: found.group(1) + data + found.group(2), text, flags=re.S)
    check_many(bench, bench.write("many.html", text))


def a_process_with_10000_threads(bench):
    try:
        page, _, _, document = bench.page(bench.target("thousand"), "10000")
    except Wrong as wrong:
        if "errno 11" in str(wrong):
            raise Skip("10,000 threads cannot be created here") from wrong
        raise
    demand(document["summary"]["leaked_threads"] == 10000, f"{document['summary']}")
    print("a page of 10,000 threads:", check_many(bench, page))


class Answers(http.server.BaseHTTPRequestHandler):
    """The page that fetches its data, and the data."""

    def do_GET(self):
        kind, body = self.server.files.get(self.path, (None, b""))
        self.server.asked.append(self.path)
        self.send_response(200 if kind else 404)
        self.send_header("Content-Type", kind or "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served(files):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.files, server.asked = files, []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def a_live_page_keeps_the_selection(bench):
    _, text, data, _ = bench.page(bench.target("lives"))
    text = text.replace("form-action 'none'", "form-action 'none'; connect-src 'self'")
    text = re.sub(r'id="data">.*?</script>', 'id="data" data-source="/data"></script>', text, flags=re.S)
    files = {"/": ("text/html", text.encode()), "/data": ("application/json", json.dumps(data).encode()), "/favicon.ico": ("image/png", b"")}
    with served(files) as server, bench.browser(f"http://127.0.0.1:{server.server_port}/") as browser:
        browser.evaluate("view.select(view.model.sites[1])")
        browser.evaluate("document.querySelector('#details details:last-of-type').open = true")
        browser.evaluate("zoomFlame(view.flame, [...view.flame.root.children.values()][0])")
        key = browser.evaluate("view.selected")
        del data["report"]["processes"][0]["leaks"][-1]["threads"][1:]
        data["report"]["summary"]["leaked_threads"] = 4321
        server.files["/data"] = ("application/json", json.dumps(data).encode())
        browser.wait_for("document.querySelector('.numbers').textContent.includes('4\\u2009321')")
        demand(browser.evaluate("view.selected") == key and browser.evaluate("document.querySelectorAll('tr.selected').length") == 1,
               "the selected site")
        demand(browser.evaluate("document.querySelector('#details details:last-of-type').open"), "what is open")
        demand(browser.evaluate("view.flame.zoomed.depth") == 1, "the zoom of the flame graph")


TESTS = [it_is_self_contained, it_has_the_json_report, it_has_the_lives, it_has_the_lives_of_a_process_that_is_not_watched,
         it_has_the_sources, only_regular_files_are_sources,
         hostile_names_are_text, equal_findings_are_written_once, a_browser_shows_a_deadlock, a_browser_shows_joins, a_browser_shows_a_crash, a_browser_zooms_and_drags, a_browser_runs_no_hostile_name,
         texts_have_contrast, the_tab_key_reaches_everything, the_sites_fit, a_drag_of_10000_threads_is_quick, a_live_page_keeps_the_selection]
SOAK_TESTS = [a_process_with_10000_threads]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS + SOAK_TESTS * (os.environ.get("SOAK") == "1"), Bench, workers=2))
