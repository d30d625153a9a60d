"""The demo of congestion control: three downloads over one bottleneck, each by the control that it is said to be, from ten
segments on."""

import re

from conftest import ADDRESS
from demo import demo  # noqa: F401: a fixture
from test_capture import fields

PAGE = "demo-congestion.html"
CONTROLS = ["reno", "cubic", "bbr"]
MSS = 1448  # with timestamps
CELLS = ("Object.fromEntries([...document.querySelectorAll('[data-control]')].map((lane) => [lane.dataset.control, "
         "Object.fromEntries([...lane.querySelectorAll('[data-cell]')].map((cell) => [cell.dataset.cell, cell.textContent]))]))")


def choose(demo, **values):
    for name, value in values.items():
        demo.browser.evaluate(f"document.getElementById('{name}').value = '{value}'")


def first_flight(demo, port):
    """Bytes that the server sends before anything of its answer is acknowledged."""
    total = 0
    for source, length, ack in fields(demo.capture, f"tcp.port == {port}", "ip.src", "tcp.len", "tcp.ack"):
        if source == ADDRESS:
            total += int(length)
        elif int(ack) > 1:
            return total
    raise AssertionError("nothing was acknowledged")


def test_one_after_the_other(demo, tmp_path):
    demo.open(PAGE)
    choose(demo, rate=10, delay=40, queue=20, size=2097152)
    demo.press("race", "alone", "Each had the bottleneck to itself.", 60)
    cells = demo.browser.evaluate(CELLS)
    demo.look("demo-congestion", tmp_path)
    demo.stop()
    for control in CONTROLS:
        cell = cells[control]
        assert 2 < float(cell["rate"].removesuffix(" Mbit/s")) <= 10
        assert int(re.sub(r"\D", "", cell["most"])) >= 2 * 10 * MSS
    for control in ("reno", "cubic"):
        phases = cells[control]["phases"].split(" → ")
        assert phases[0] == "slow start" and "recovery" in phases and "congestion avoidance" in phases
        assert int(re.sub(r"\D", "", cells[control]["losses"])) > 0
    assert set(cells["bbr"]["phases"].split(" → ")) <= {"BBR’s model", "recovery", "…"}  # the dots: there were many
    requests = fields(demo.capture, 'http.request.uri contains "/demo/bytes?run="', "tcp.srcport", "http.request.uri")
    assert [re.search(r"cc=(\w+)", uri)[1] for _, uri in requests] == CONTROLS
    assert len({port for port, _ in requests}) == 3  # each a new connection ...
    assert [first_flight(demo, port) for port, _ in requests] == [10 * MSS] * 3  # ... which begins with IW10 (RFC 6928)


def test_all_at_once_share_it(demo):
    demo.open(PAGE)
    choose(demo, rate=10, delay=20, queue=40, size=2097152)
    demo.press("race", "together", "All three shared the bottleneck.", 60)
    cells = demo.browser.evaluate(CELLS)
    assert sum(float(cells[control]["rate"].removesuffix(" Mbit/s")) for control in CONTROLS) < 3 * 10
    assert max(float(cells[control]["time"].removesuffix(" s")) for control in CONTROLS) > 3 * 2097152 * 8 / 10e6 * 0.9
