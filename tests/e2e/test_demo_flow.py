"""The demo of flow control: the window that a reader who stops closes, and the probes, are those that tshark finds."""

import json
import re

from conftest import ADDRESS
from demo import demo  # noqa: F401: a fixture
from test_capture import fields

PAGE = "demo-flow.html"
STATUS = "document.querySelector('#{} [role=status]').textContent"


def number(demo, name):
    return int(re.sub(r"[,\D]", "", demo.number(name).partition(" of ")[0]))


def port_of(demo, path):
    return fields(demo.capture, f'http.request.uri contains "{path}"', "tcp.srcport")[0][0]


def found(demo, port, what):
    return fields(demo.capture, f"tcp.port == {port} && {what}", "frame.time_relative")


def test_a_reader_that_stops_and_goes_on(demo, namespace, tmp_path):
    demo.open(PAGE)
    browser = demo.browser
    browser.evaluate("document.querySelector('#stop [data-do]').click()")
    browser.wait("Number(document.querySelector('[data-number=probes]').textContent) >= 2", 30)
    browser.wait("document.querySelector('[data-number=window]').textContent === '0 bytes'")
    assert browser.evaluate("document.getElementById('go').textContent") == "Read on"
    rows = json.loads(namespace.curl("-f", f"http://{ADDRESS}/.taphouse/connections.json").stdout)["connections"]
    (row,) = [row for row in rows if row["unsent"] > 0 and row["snd.wnd"] == 0]
    held = number(demo, "held")
    # What is acknowledged has arrived; what is not taken of it is held: but for the head, and earlier answers.
    assert 0 < row["bytes_acked"] - held - number(demo, "taken") < 100000
    demo.look("demo-flow", tmp_path)
    browser.evaluate("document.getElementById('go').click()")
    browser.wait(f"{STATUS.format('stop')}.startsWith('All read')", 40)
    assert number(demo, "taken") == 24 << 20 and number(demo, "held") == 0
    demo.stop()
    port = port_of(demo, "/demo/bytes?run=")
    assert port == str(row["remote_port"])
    probes = [float(time) for time, in found(demo, port, 'frame.comment contains "window probe"')]
    assert len(probes) == number(demo, "probes") >= 2
    assert len(found(demo, port, "tcp.analysis.zero_window_probe")) >= 1
    assert len(found(demo, port, f"tcp.window_size == 0 && ip.dst == {ADDRESS}")) == number(demo, "zero") >= 2
    waits = [float(wait.removesuffix(" s")) for wait in demo.number("waits").split(", ")]
    expected = [b - a for a, b in zip(probes, probes[1:])][-6:]
    assert all(abs(a - b) < 0.1 for a, b in zip(waits, expected)) and len(waits) == len(expected)
    assert sorted(waits) == waits and waits[-1] > 1.5 * waits[0]  # each twice the last, but for a timer that is late


def test_a_server_that_takes_slowly_closes_its_window(demo):
    demo.open(PAGE)
    demo.browser.evaluate("document.getElementById('rate').value = '1048576'")
    told = demo.press("slow", "slow", seconds=40)
    assert told == "200 OK: all 2,097,152 bytes were taken."
    assert number(demo, "received") >= 2 << 20
    demo.stop()
    port = port_of(demo, "/demo/sink?run=")
    closed = found(demo, port, f"tcp.window_size == 0 && ip.src == {ADDRESS}")
    assert len(closed) >= number(demo, "server-zero") > 0
