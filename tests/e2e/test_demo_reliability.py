"""The demo of reliability: over a wire that loses, damages, doubles and reorders the file arrives with its hash, and what
the page counts is what the capture has."""

import json
import re
import time

from conftest import ADDRESS, built_with
from demo import demo  # noqa: F401: a fixture
from test_capture import fields

PAGE = "demo-reliability.html"
HASHES = built_with("js-sha256")
ARRIVED = "The same hash: every byte arrived." if HASHES else "The same bytes: all arrived."
NUMBERS = ("lost", "damaged", "acks", "again", "fast", "tail", "timeouts")


def set_wire(demo, size="262144", **shares):
    values = {"loss": 0, "corrupt": 0, "duplicate": 0, "reorder": 0} | shares
    demo.browser.evaluate(
        "(([size, values]) => { document.getElementById('size').value = size; for (const [name, value] of Object.entries(values)) {"
        " const slider = document.querySelector(`input[name=${name}]`); slider.value = value;"
        f" slider.dispatchEvent(new Event('input', {{ bubbles: true }})); }} }})({json.dumps([size, values])})")


def numbers(demo):
    return {name: int(demo.number(name).replace(",", "")) for name in NUMBERS}


def comments(demo):
    """(from the server, comment) of the frames of the download, from its request to the next. Requests may be lost, too."""
    (port, first), *_ = fields(demo.capture, 'frame contains "GET /demo/bytes?seed="', "tcp.srcport", "frame.number")
    rows = fields(demo.capture, f"tcp.port == {port} && frame.number >= {first} && frame.comment",
                  "ip.src", "frame.comment", "tcp.payload")
    ends = [i for i, (_, _, payload) in enumerate(rows) if b" /.taphouse/wire" in bytes.fromhex(payload[:4000])]
    return [(source == ADDRESS, comment) for source, comment, _ in rows[:ends[0] if ends else None]]


def wire(namespace):
    return json.loads(namespace.curl("-f", f"http://{ADDRESS}/.taphouse/wire").stdout)


def test_a_bad_wire_and_the_right_hash(demo, namespace, tmp_path):
    demo.open(PAGE)
    set_wire(demo, loss=5, corrupt=3, duplicate=3, reorder=5)
    demo.press("fetch", "fetch", ARRIVED, 60)
    assert re.fullmatch(r"[\da-f]{64}", demo.number("told"))
    assert demo.number("got") == demo.number("told") or not HASHES
    assert demo.number("arrived") == "262,144 of 262,144 bytes"
    assert wire(namespace)["loss"] == 0  # it is mended
    told = numbers(demo)
    assert told["lost"] > 0 and told["again"] > 0 and told["acks"] > 0
    assert re.fullmatch(r"\d+ lost, \d+ damaged, \d+ doubled, \d+ out of order", demo.number("wire"))
    demo.look("demo-reliability", tmp_path)
    demo.stop()
    seen = comments(demo)

    def having(text, ours=None):
        return sum(text in comment for is_ours, comment in seen if ours in (None, is_ours))

    assert told["fast"] == having("fast retransmission", ours=True)
    assert told["tail"] == having("tail loss probe", ours=True)
    assert told["timeouts"] == having("retransmission (RTO)", ours=True)
    # Of what came in damaged, the page knows what still says which connection it is of.
    out, into = having("damaged on the wire"), having("checksum is wrong", ours=False)
    assert out <= told["damaged"] <= out + into
    assert told["lost"] == having("impaired wire") - out


def test_without_loss_nothing_is_sent_again(demo):
    demo.open(PAGE)
    set_wire(demo, "65536")
    demo.press("fetch", "fetch", ARRIVED)
    told = numbers(demo)
    assert told["lost"] == told["damaged"] == told["fast"] == told["timeouts"] == 0


def test_the_wire_is_put_right_when_the_page_is_left(demo, namespace):
    demo.open(PAGE)
    set_wire(demo, "4194304", loss=2)
    demo.browser.evaluate("document.querySelector('#fetch [data-do=fetch]').click()")
    demo.browser.wait("document.querySelector('[data-number=arrived]').textContent.includes('of 4,194,304')")
    assert wire(namespace)["loss"] == 0.02
    demo.browser.send("Page.navigate", url=f"http://{ADDRESS}/")
    demo.browser.wait("location.pathname === '/' && document.readyState === 'complete'")
    deadline = time.monotonic() + 20  # it is asked for over that wire, by a page that has gone
    while wire(namespace)["loss"] != 0:
        assert time.monotonic() < deadline


def test_stopped_by_hand(demo, namespace):
    demo.open(PAGE)
    set_wire(demo, "4194304", loss=2)
    demo.browser.evaluate("document.querySelector('#fetch [data-do=fetch]').click()")
    demo.browser.wait("document.querySelector('[data-number=arrived]').textContent.includes('of 4,194,304')")
    demo.browser.evaluate("document.querySelector('[data-stop]').click()")
    demo.browser.wait("document.querySelector('#fetch [data-do=fetch]').closest('.act').innerText.includes('Stopped.')")
    demo.browser.wait("!document.querySelector('#fetch [data-do=fetch]').disabled")
    assert wire(namespace)["loss"] == 0
