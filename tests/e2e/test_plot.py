"""Plots in a real browser, on a page that adds known numbers: what is drawn, by uPlot or without it, and what is read
off by pointer and keyboard, are these numbers."""

import re

import pytest
from chromium import Chromium
from conftest import ADDRESS, built_with, npm_package, screenshots

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>plot</title><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'self'"><link rel="icon" href="/.taphouse/favicon.svg">
<script type="module" src="plotted.js"></script></head><body><main><h1>Plots</h1><div id="plots"></div></main></body></html>
"""
SCRIPT = """import { createPlot } from '/.taphouse/plot.js';
const plots = document.getElementById('plots');
window.plot = createPlot(plots, { series: ['cwnd', 'ssthresh'], unit: 'bytes', label: 'Congestion' });
for (let i = 0; i <= 10; i++)
	plot.add(1000 + i, [1000 * i, i < 5 ? null : 4000]);
window.rolling = createPlot(plots, { series: ['srtt'], unit: 'us', label: 'Round trip', span: 60, height: 90 });
"""
SLIDER = "document.querySelector('[role=slider]')"
TOLD = f"{SLIDER}.ariaValueText"
WORDS = "[...document.querySelector('.plot').querySelectorAll('.plot-words')].map((e) => e.textContent)"


@pytest.fixture(params=["uplot", "svg"])
def page(request, serve, site, namespace, tmp_path):
    if request.param == "uplot" and not built_with("uplot"):
        pytest.skip("uPlot is not in the program: configure --install-deps brings it")
    (site / "plot.html").write_text(PAGE)
    (site / "plotted.js").write_text(SCRIPT)
    config = tmp_path / "plot.conf"
    config.write_text(f'site "e2e" {{\n\troot = "{site}"\n\tlocation "/.taphouse/" {{ status = true }}\n}}\n')
    serve("--config", config)
    browser = Chromium(namespace, tmp_path / "profile")
    if request.param == "svg":
        browser.stand_in(f"http://{ADDRESS}/.taphouse/uplot.js", "text/javascript", "export default null;")
    browser.open(f"http://{ADDRESS}/plot.html")
    browser.wait("window.rolling !== undefined")
    browser.wait(f"{WORDS}[0] === '10,000 bytes'")
    assert browser.evaluate("document.querySelectorAll('.plot canvas').length") == (2 if request.param == "uplot" else 0)
    yield browser
    browser.close()
    assert browser.messages == []


def test_read_by_keyboard(page):
    page.evaluate(f"{SLIDER}.focus()")
    for key, told in [("ArrowLeft", "at 9 s; cwnd 9,000 bytes; ssthresh 4,000 bytes"),
                      ("Home", "at 0 s; cwnd 0 bytes; ssthresh none"),
                      ("ArrowLeft", "at 0 s; cwnd 0 bytes; ssthresh none"),
                      ("ArrowRight", "at 1 s; cwnd 1,000 bytes; ssthresh none"),
                      ("End", "at 10 s; cwnd 10,000 bytes; ssthresh 4,000 bytes"),
                      ("ArrowRight", "at 10 s; cwnd 10,000 bytes; ssthresh 4,000 bytes")]:
        page.press(key)
        assert page.evaluate(TOLD) == told
    page.press("Home")
    page.evaluate("plot.add(1011, [11000, 4000])")
    page.wait(f"{SLIDER}.ariaValueMax === '10'")  # who listens hears only of what was asked for ...
    assert page.evaluate(WORDS) == ["0 bytes", "none"]
    page.press("Escape")
    assert page.evaluate(TOLD) == "at 11 s; cwnd 11,000 bytes; ssthresh 4,000 bytes"
    page.press("Home")
    page.evaluate("document.activeElement.blur()")  # ... and others see what is now
    assert page.evaluate(WORDS) == ["11,000 bytes", "4,000 bytes"]


# Where the drawing has its samples: left and width for times, bottom and height for values.
PLACE = """((slider) => {
    const over = slider.querySelector('.u-over'), { left, top, width, height, bottom } = (over ?? slider).getBoundingClientRect();
    return over ? { left, width, bottom, height } : { left: left + 60, width: width - 84, bottom: bottom - 24, height: height - 40 };
})(document.querySelector('[role=slider]'))"""


def test_read_by_pointer(page):
    place = page.evaluate(PLACE)
    for x, words in [(0.3, ["3,000 bytes", "none"]), (0.82, ["8,000 bytes", "4,000 bytes"])]:
        page.send("Input.dispatchMouseEvent", type="mouseMoved", x=place["left"] + x * place["width"],
                  y=place["bottom"] - 10)
        assert page.evaluate(WORDS) == words
    page.send("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)
    assert page.evaluate(WORDS) == ["10,000 bytes", "4,000 bytes"]


# Where a canvas has pixels in the colour of the first line, in a column.
PIXELS = """((canvas, x) => {
    const line = getComputedStyle(canvas).getPropertyValue('--plot-line-0').match(/\\w\\w/g).map((n) => parseInt(n, 16));
    const at = Math.round((x - canvas.getBoundingClientRect().left) * devicePixelRatio);
    const copy = new OffscreenCanvas(1, canvas.height).getContext('2d'), found = [];
    copy.drawImage(canvas, -at, 0);
    const { data } = copy.getImageData(0, 0, 1, canvas.height);
    for (let y = 0; y < canvas.height; y++)
        if (line.every((n, i) => Math.abs(n - data[4 * y + i]) < 40) && data[4 * y + 3] > 100)
            found.push(y / devicePixelRatio + canvas.getBoundingClientRect().top);
    return found;
})(document.querySelector('.plot canvas'), %f)"""
PATH = "document.querySelector('.plot-slider .plot-line-0').getAttribute('d')"


def test_lines_go_through_the_numbers(page):
    place = page.evaluate(PLACE)
    if page.evaluate("document.querySelector('.plot canvas') !== null"):
        for i in (2, 5, 9):
            found = page.evaluate(PIXELS % (place["left"] + i / 10 * place["width"]))
            assert (place["bottom"] - sum(found) / len(found)) / place["height"] == pytest.approx(i / 10, abs=0.03)
        return
    points = [tuple(map(float, p.split())) for p in re.split("[ML]", page.evaluate(PATH))[1:]]
    assert len(points) == 11
    for i, (x, y) in enumerate(points):
        assert (x - 60) / place["width"] == pytest.approx(i / 10, abs=0.005)
        assert (180 - 24 - y) / place["height"] == pytest.approx(i / 10, abs=0.005)


def test_memory_is_bounded(page):
    page.evaluate("plot.clear(); for (let i = 0; i < 100000; i++) plot.add(i, [i, null]);")
    page.wait(f"{SLIDER}.ariaValueText.startsWith('at 100000 s')")
    assert 1500 <= int(page.evaluate(f"{SLIDER}.ariaValueMax")) < 3000
    assert page.evaluate(WORDS) == ["99,999 bytes", "none"]
    page.evaluate(f"{SLIDER}.focus()")
    page.press("Home")
    assert int(re.match(r"at 0 s; cwnd ([\d,]+) ", page.evaluate(TOLD))[1].replace(",", "")) < 200
    # What is older than the span is of no use.
    page.evaluate("for (let i = 0; i < 5000; i++) rolling.add(i / 10, [i || null]);")
    slider = "document.querySelectorAll('[role=slider]')[1]"
    page.wait(f"{slider}.ariaValueText === 'at now; srtt 5.00 ms'")
    assert 600 <= int(page.evaluate(f"{slider}.ariaValueMax")) < 800
    page.evaluate("rolling.add(400, [7])")  # late
    page.wait(f"{slider}.ariaValueText === 'at now; srtt 7 µs'")


def test_with_less_motion_it_moves_once_a_second(page):
    page.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    changes = page.evaluate("""new Promise((done) => {
        const words = document.querySelector('.plot-words'), changes = [];
        const observer = new MutationObserver(() => changes.push(performance.now()));
        let n = 0;
        observer.observe(words, { childList: true, characterData: true, subtree: true });
        const timer = setInterval(() => plot.add(1010 + ++n, [n, null]), 10);
        setTimeout(() => { clearInterval(timer); done(changes); }, 3000);
    })""")
    assert 1 <= len(changes) <= 4
    assert all(later - earlier > 900 for earlier, later in zip(changes, changes[1:]))


def test_accessible_and_looked_at(page, tmp_path):
    page.evaluate("for (let i = 0; i <= 600; i++) rolling.add(i / 10, [20000 + 5000 * Math.sin(i / 30)]);")
    drawn_by = page.evaluate("document.querySelector('.plot canvas') ? 'uplot' : 'svg'")
    page.evaluate((npm_package("axe-core", "4.14.1") / "axe.min.js").read_text() + "; null")
    for width, scheme in [(900, "dark"), (360, "light")]:
        picture = screenshots(tmp_path) / f"plot-{drawn_by}-{width}-{scheme}.png"
        page.look(picture, width, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.wait("[...document.querySelectorAll('.plot-slider')].every((s) => Math.abs((s.querySelector('canvas')?."
                  "getBoundingClientRect().width ?? s.firstElementChild.viewBox.baseVal.width) - s.clientWidth) < 1)")
        page.look(picture, width, scheme)
        assert picture.stat().st_size > 5000
        found = page.evaluate("axe.run(document).then(({ violations }) => "
                              "violations.map((v) => [v.id, v.nodes.map((node) => node.html)]))")
        assert found == []
