"""The demo of the seven layers: the frame that it opens is one of the capture, and each field has the value that tshark reads
in the same place."""

import json
import re
import subprocess

from demo import demo  # noqa: F401: a fixture

PAGE = "demo-layers.html"
FIELDS = ("[...document.querySelectorAll('#layers button[data-field]')]"
          ".map(({ dataset: d }) => [d.field, d.value, Number(d.start), Number(d.end)])")
BYTES = "[...document.querySelectorAll('#bytes .byte')].map((cell) => cell.firstChild.data).join('')"
SIZES = "Object.fromEntries([...document.querySelectorAll('[data-size]')].map((cell) => [cell.dataset.size, cell.textContent]))"
UNKNOWN = re.compile(r"http\.(pragma|accept_ranges|etag|vary|sec_.*|origin|x_.*|cross_.*|content_security.*|referrer_.*|priority)")


def opened(demo, do, scheme="http"):
    """The bytes that the page shows, its fields, and the captured frame of these bytes as tshark has it."""
    demo.open(PAGE, scheme)
    demo.press("open", do, "Opened below.")
    data, shown = demo.browser.evaluate(BYTES), demo.browser.evaluate(FIELDS)
    demo.stop()
    dump = json.loads(subprocess.run(["tshark", "-r", demo.capture, "-T", "json", "-x"], capture_output=True,
                                     text=True, check=True).stdout)
    (layers,) = [f["_source"]["layers"] for f in dump if f["_source"]["layers"]["frame_raw"][0] == data]
    return data, shown, layers


def read(layers):
    """Every value that tshark has, by the field's name: (value, position, length)."""
    found = {}

    def walk(tree):
        for name, value in tree.items():
            if isinstance(value, dict):
                walk(value)
            elif isinstance(value, str) and isinstance(tree.get(f"{name}_raw"), list):
                found.setdefault(name, (value, *tree[f"{name}_raw"][1:3]))

    walk(layers)
    return found


def assert_as_tshark_reads(shown, layers):
    known = read(layers)
    checked = 0
    for name, value, start, end in shown:
        if name not in known:
            assert UNKNOWN.fullmatch(name), f"tshark has no {name}"
            continue
        expected, at, length = known[name]
        assert value == {"True": "1", "False": "0"}.get(expected, expected), name
        assert at == start, name
        checked += 1
    return checked


def test_a_request_by_get(demo, tmp_path):
    demo.open(PAGE)
    demo.press("open", "get", "Opened below.")
    sizes = demo.browser.evaluate(SIZES)
    demo.look("demo-layers", tmp_path)
    data, shown, layers = opened(demo, "get")
    assert assert_as_tshark_reads(shown, layers) >= 40
    assert {"eth.dst", "ip.ttl", "tcp.seq_raw", "tcp.options.timestamp.tsval", "http.request.method",
            "http.host"} <= {name for name, *_ in shown}
    assert sizes["2"] == "14 bytes" and sizes["3"] == "20 bytes" and sizes["4"] == "32 bytes" and sizes["6"] == "no TLS: http://"
    assert shown[-1][3] <= len(data) // 2


def test_a_request_by_post_has_a_body(demo):
    _, shown, layers = opened(demo, "post")
    values = {name: value for name, value, *_ in shown}
    assert values["http.request.method"] == "POST" and values["http.request.uri"] == "/echo"
    assert "name=Ann&words=two+pints" in bytes.fromhex(layers["frame_raw"][0]).decode("latin1")
    assert assert_as_tshark_reads(shown, layers) >= 40


def test_over_tls_the_record_is_all_that_can_be_read(demo):
    _, shown, layers = opened(demo, "get", "https")
    names = {name for name, *_ in shown}
    assert {"tls.record.content_type", "tls.record.length"} <= names and "http.request.method" not in names
    values = {name: value for name, value, *_ in shown}
    assert values["tls.record.content_type"] == "23"
    assert assert_as_tshark_reads([field for field in shown if not field[0].startswith("tls")], layers) >= 25


def test_each_field_is_explained_by_keyboard_and_pointer(demo):
    demo.open(PAGE)
    demo.press("open", "get", "Opened below.")
    browser = demo.browser
    browser.send("Emulation.setFocusEmulationEnabled", enabled=True)
    browser.evaluate("document.querySelector('#layers button').focus()")
    names = []
    for _ in range(browser.evaluate("document.querySelectorAll('#layers button').length")):
        browser.wait("document.activeElement === document.querySelector('#layers .chosen')")
        name, place, text = browser.evaluate("['name', 'place', 'text'].map((what) => "
                                             "document.getElementById(`told-${what}`).textContent)")
        assert name and text and re.fullmatch(r"bytes? \d+( to \d+)?(, bits? [\d–]+)?; .+", place), place
        lit = browser.evaluate("[...document.querySelectorAll('#bytes .chosen')].map(({ dataset }) => Number(dataset.at))")
        first, last = re.match(r"bytes? (\d+)(?: to (\d+))?", place).groups()
        assert lit == list(range(int(first), int(last or first) + 1))
        names.append(name)
        browser.send("Input.dispatchKeyEvent", type="keyDown", key="ArrowDown", code="ArrowDown",
                     windowsVirtualKeyCode=40)
    assert {"Time to live", "Sequence number", "Window", "Method", "Host"} <= set(names)
    browser.evaluate("document.querySelector('#bytes').children[22].scrollIntoView({ block: 'center' })")
    x, y = browser.evaluate("(({ x, y, width, height }) => [x + width / 2, y + height / 2])"
                            "(document.querySelector('#bytes').children[22].getBoundingClientRect())")
    browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    browser.wait("document.getElementById('told-name').textContent === 'Time to live'")
