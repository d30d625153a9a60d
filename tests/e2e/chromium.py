"""Chromium inside a namespace, driven over its debugging pipe: JSON messages, each ended by a zero byte, on
descriptors 3 and 4. So a page can be looked at as long as one likes, with real keys, and under its own
Content-Security-Policy."""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--hide-scrollbars", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--ignore-certificate-errors", "--remote-debugging-pipe"]

KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39,
        "ArrowDown": 40}


def high_pipe():
    """A pipe that does not take the two numbers that Chromium wants."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return high


class Chromium:
    """One browser with one page."""

    def __init__(self, namespace, profile):
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        assert program, "chromium is missing: configure --install-deps installs it"
        to_read, self._out = high_pipe()
        self._in, to_write = high_pipe()
        self.process = namespace.start(
            "bash", "-c", f"exec 3<&{to_read} 4>&{to_write}; exec \"$@\"", "bash", program, *FLAGS,
            f"--user-data-dir={profile}", "about:blank", pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self._buffer = b""
        self._number = 0
        self._session = None
        self._stand_ins = {}
        self.messages = []  # what the console said, exceptions and violations of the policy included
        page = next(t for t in self.send("Target.getTargets")["targetInfos"] if t["type"] == "page")
        attached = self.send("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self._in)
        os.close(self._out)

    def _receive(self, deadline):
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(0, deadline - time.monotonic()))
            assert ready, "Chromium does not answer"
            data = os.read(self._in, 1 << 20)
            assert data, "Chromium has ended"
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def _note(self, event):
        kind, params = event.get("method"), event.get("params")
        if kind == "Fetch.requestPaused":
            self._post("Fetch.fulfillRequest", requestId=params["requestId"], responseCode=200,
                       **self._stand_ins[params["request"]["url"]])
        if kind == "Runtime.consoleAPICalled":
            self.messages.append([a.get("value", a.get("description")) for a in params["args"]])
        elif kind == "Runtime.exceptionThrown":
            self.messages.append(params["exceptionDetails"].get("exception", {}).get("description"))
        elif kind == "Log.entryAdded":
            self.messages.append((params["entry"]["text"], params["entry"].get("url")))

    def _post(self, method, **params):
        """Sends a command, and waits for no answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")

    def send(self, method, **params):
        self._post(method, **params)
        number, deadline = self._number, time.monotonic() + 60
        while True:
            answer = self._receive(deadline)
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            self._note(answer)

    def stand_in(self, url, mime, body):
        """What is asked for at url from now on gets this answer instead of the server's."""
        self._stand_ins[url] = {"responseHeaders": [{"name": "Content-Type", "value": mime}],
                                "body": base64.b64encode(body.encode()).decode()}
        self.send("Fetch.enable", patterns=[{"urlPattern": pattern} for pattern in self._stand_ins])

    def open(self, url):
        self.send("Page.navigate", url=url)
        self.wait(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")

    def evaluate(self, expression):
        """The value of an expression of JavaScript; a promise is waited for."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, expression, seconds=20):
        """Until the expression is true; returns it."""
        deadline = time.monotonic() + seconds
        while not (value := self.evaluate(expression)):
            assert time.monotonic() < deadline, f"{expression} did not become true"
            time.sleep(0.05)
        return value

    def press(self, key):
        """One key of KEYS."""
        event = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key], "text": {"Enter": "\r"}.get(key, "")}
        self.send("Input.dispatchKeyEvent", type="keyDown", **event)
        self.send("Input.dispatchKeyEvent", type="keyUp", **event)

    def type(self, text):
        self.send("Input.insertText", text=text)

    def resize(self, width, height):
        """The window; returns when it is drawn anew."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def look(self, picture, width, scheme):
        """A screenshot of the whole page at this width, "light" or "dark"."""
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.resize(width, 900)
        height = self.evaluate("document.documentElement.scrollHeight")
        self.resize(width, height)  # what is far outside the window may not be drawn
        whole = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot = self.send("Page.captureScreenshot", captureBeyondViewport=True, clip=whole)
        picture.write_bytes(base64.b64decode(shot["data"]))
        self.resize(width, 900)
