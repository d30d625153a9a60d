"""What tests of demos share: the server of make run, one of its pages in Chromium, and the capture to hold it against."""

import re

import pytest
from chromium import Chromium
from conftest import ADDRESS, ROOT, npm_package, screenshots
from test_capture import fields

AXE = "4.14.1"
FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ECE": 64, "CWR": 128}


class Demo:
    """A page of make run's site, and what its experiments show."""

    def __init__(self, server, browser, capture):
        self.server = server
        self.browser = browser
        self.capture = capture
        self._numbers = {}  # as they were at the end

    def stop(self):
        """Ends the browser, which has had nothing to say, and then the server: the capture is whole. The page's numbers
        are kept."""
        if self.browser is None:
            return
        self._numbers = self.browser.evaluate("Object.fromEntries([...document.querySelectorAll('[data-number]')]"
                                              ".map((element) => [element.dataset.number, element.textContent]))")
        self.browser.close()
        messages, self.browser = self.browser.messages, None
        assert messages == [], messages
        assert self.server.stop() == 0

    def open(self, page, scheme="http"):
        self.browser.open(f"{scheme}://{ADDRESS}/{page}")
        self.browser.wait("document.querySelector('[data-live-state]').textContent === 'The server tells what it sees.'")

    def press(self, experiment, do, until=r".*\w.*", seconds=30):
        """Presses the button; returns what is told beside it when that is over, which must match."""
        button = f"document.querySelector('#{experiment} [data-do=\"{do}\"]')"
        status = f"document.querySelector('#{experiment} [role=status]').textContent"
        self.browser.wait(f"!{button}.disabled")
        self.browser.evaluate(f"{button}.click()")
        self.browser.wait(f"!{button}.disabled", seconds)
        told = self.browser.evaluate(status)
        assert re.fullmatch(until, told), told
        return told

    def number(self, name):
        if self.browser is None:
            return self._numbers[name]
        return self.browser.evaluate(f"document.querySelector('[data-number=\"{name}\"]').textContent")

    def arrows(self, experiment):
        """(flags, seq, ack or None, len) of the segments that the first ladder of the experiment shows."""
        rows = self.browser.evaluate(
            f"[...document.querySelectorAll('#{experiment} [data-ladder]')[0].querySelectorAll('svg.arrow')]"
            ".map(({ dataset: d }) => [d.flags, d.seq, d.ack, d.len])")
        return [(sum(FLAGS[name] for name in flags.split(",")), int(seq), int(ack) if ack else None, int(length))
                for flags, seq, ack, length in rows]

    def captured(self, port, *names):
        """Of each segment of the connection from this port, as tshark reads it: the same, or the fields named."""
        keep = f"tcp.port == {port}"
        if names:
            return fields(self.capture, keep, *names)
        rows = fields(self.capture, keep, "tcp.flags", "tcp.seq", "tcp.ack", "tcp.len")
        return [(int(flags, 16) & 255, int(seq), int(ack) if int(flags, 16) & 16 else None, int(length))
                for flags, seq, ack, length in rows]

    def look(self, name, tmp_path):
        """Pictures of the page as it is now, narrow and wide, light and dark; nothing may stand out, and axe has no word."""
        for width, scheme in ((1440, "light"), (1440, "dark"), (360, "light")):
            picture = screenshots(tmp_path) / f"{name}-{width}-{scheme}.png"
            self.browser.look(picture, width, scheme)
            assert picture.stat().st_size > 30000  # an empty page is far smaller
            assert self.browser.evaluate("document.documentElement.scrollWidth") <= width
        self.browser.evaluate((npm_package("axe-core", AXE) / "axe.min.js").read_text() + "; null")
        found = self.browser.evaluate("axe.run(document).then(({ violations }) => "
                                      "violations.map((v) => [v.id, v.nodes.map((node) => node.html)]))")
        assert found == [], found


def port_of(told):
    found = re.search(r"port (\d+)", told, re.IGNORECASE)
    assert found, told
    return int(found[1])


@pytest.fixture
def demo(serve, namespace, tmp_path):
    """The site of make run, with a capture. Nothing may have come to the console in the end."""
    (tmp_path / "uploads").mkdir()
    config = tmp_path / "demo.conf"
    text = (ROOT / "conf" / "demo" / "taphouse.conf").read_text()
    config.write_text(text.replace("../../www", str(ROOT / "www")))
    capture = tmp_path / "demo.pcapng"
    server = serve("--config", config, "--self-signed", "--pcap", capture, directory=ROOT / "www")
    browser = Chromium(namespace, tmp_path / "profile")
    shown = Demo(server, browser, capture)
    yield shown
    shown.stop()
