"""A headless Chromium that a test drives through its DevTools protocol, over two pipes and without any network."""
import collections
import json
import os
import select
import shutil
import subprocess
import time

from harness import TIMEOUT_S, Skip, Wrong, demand

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless=new", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-extensions", "--disable-sync", "--no-default-browser-check", "--disable-dev-shm-usage", "--remote-debugging-pipe")


def find():
    for name in NAMES:
        if shutil.which(name):
            return shutil.which(name)
    raise Skip("no chromium here")


class Browser:
    """One page.  `complaints`: errors of its console, and exceptions; `requests`: what it asked for."""

    def __init__(self, directory, width=1280, height=800):
        program = find()
        ours, theirs = os.pipe(), os.pipe()  # (read, write): commands to it, answers from it

        def place():
            for number, fd in ((3, ours[0]), (4, theirs[1])):
                os.dup2(fd, number)

        argv = [program, *FLAGS, f"--window-size={width},{height}", f"--user-data-dir={directory}/profile", "about:blank"]
        argv += ["--no-sandbox"] if os.geteuid() == 0 else []
        # Descriptors 3 and 4 may be ends of these pipes: the others are moved up before.
        ours, theirs = [tuple(move_up(fd) for fd in pair) for pair in (ours, theirs)]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={**os.environ, "HOME": directory, "TMPDIR": directory}, pass_fds=(3, 4), preexec_fn=place)
        os.close(ours[0])
        os.close(theirs[1])
        self.write, self.read, self.buffer, self.number, self.session = ours[1], theirs[0], b"", 0, None
        self.events, self.complaints, self.requests = collections.deque(), [], []
        target = next(one for one in self.call("Target.getTargets")["targetInfos"] if one["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def receive(self, end):
        """The next message."""
        while b"\0" not in self.buffer:
            demand(select.select([self.read], [], [], max(0, end - time.monotonic()))[0], "chromium does not answer")
            more = os.read(self.read, 1 << 20)
            demand(more, "chromium ended")
            self.buffer += more
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def note(self, event):
        name, about = event.get("method"), event.get("params", {})
        if name == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])
        elif name == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(about["exceptionDetails"])[:600])
        elif name == "Log.entryAdded" and about["entry"]["level"] == "error":
            self.complaints.append(about["entry"]["text"])
        elif name == "Runtime.consoleAPICalled" and about["type"] in ("error", "assert"):
            self.complaints.append(json.dumps(about["args"])[:600])

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + TIMEOUT_S
        while True:
            answer = self.receive(end)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise Wrong(f"{method}: {answer['error']}")
                return answer["result"]
            self.note(answer)

    def evaluate(self, expression):
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in done:
            raise Wrong(f"{expression}: {json.dumps(done['exceptionDetails'])[:600]}")
        return done["result"].get("value")

    def wait_for(self, expression):
        """Waits until it is true."""
        end = time.monotonic() + TIMEOUT_S
        while not self.evaluate(expression):
            demand(time.monotonic() < end, f"never true: {expression}; {self.complaints}")
            time.sleep(0.02)

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.wait_for('document.documentElement?.dataset.ready === "true"')

    def place_of(self, selector):
        """Its middle, after it was scrolled into view."""
        return self.evaluate(f"""(() => {{ const node = document.querySelector({json.dumps(selector)});
            node.scrollIntoView({{block: "center", behavior: "instant"}}); const box = node.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2]; }})()""")

    def mouse(self, kind, x, y, button="left"):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, buttons=0 if kind == "mouseReleased" else 1,
                  clickCount=1)

    def click(self, selector):
        x, y = self.place_of(selector)
        self.mouse("mousePressed", x, y)
        self.mouse("mouseReleased", x, y)

    def scheme(self, scheme):
        """What the user prefers: light, dark."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def key(self, key):
        text = {"text": key} if len(key) == 1 else {"windowsVirtualKeyCode": 9} if key == "Tab" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.write)
        os.close(self.read)


def move_up(fd):
    """The same descriptor, above those that chromium wants."""
    moved = os.dup(fd)
    while moved < 10:
        moved = os.dup(moved)
    os.close(fd)
    return moved
