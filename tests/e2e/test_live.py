"""The live page in a real browser, over our own TCP: what it shows is what connections.json and status.json say,
it can be worked with by keyboard alone, and neither console nor Content-Security-Policy have anything to say."""

import hashlib
import json
import pathlib
import re
import shutil
import subprocess

import pytest
from chromium import Chromium
from conftest import ADDRESS, ROOT, TAPHOUSE, built_with, npm_package, screenshots

URL = f"http://{ADDRESS}/.taphouse/"
AXE = "4.14.1"

ROWS = """[...document.querySelectorAll('#connections tbody tr')].map((row) => ({
    ...Object.fromEntries([...row.cells].map((cell, i) => [
        document.querySelectorAll('#connections thead th')[i].textContent, cell.textContent])),
    own: row.classList.contains('own') }))"""
FACTS = """Object.fromEntries([...document.querySelectorAll('#one div')].map((div) =>
    [div.querySelector('dt').textContent, div.querySelector('dd').textContent]))"""
LIVE = "document.getElementById('state').textContent === 'Live.'"


@pytest.fixture
def server(serve, site, tmp_path):
    config = tmp_path / "live.conf"
    config.write_text(f'site "e2e" {{\n\troot = "{site}"\n\tlocation "/.taphouse/" {{ status = true }}\n}}\n')
    return serve("--config", config, "--http", "80", "--self-signed")


@pytest.fixture
def page(server, namespace, tmp_path):
    """The live page, when it has its first numbers. Nothing may have come to the console in the end."""
    browser = Chromium(namespace, tmp_path / "profile")
    browser.open(URL)
    browser.wait(LIVE)
    yield browser
    browser.close()
    assert browser.messages == []


@pytest.fixture
def holder(server, namespace):
    """Holds twelve connections open, half of them with a request that was answered; prints their ports."""
    program = (f"import socket, time\n"
               f"held = [socket.create_connection(('{ADDRESS}', 80), 10) for _ in range(12)]\n"
               "for s in held[:6]:\n"
               "    s.sendall(b'GET /1k.bin HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n')\n"
               "    s.recv(65536)\n"
               "print(*(s.getsockname()[1] for s in held), flush=True)\n"
               "time.sleep(120)\n")
    process = namespace.start("/usr/bin/python3", "-c", program, stdout=-1, text=True)
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture
def held(holder):
    """Their ports."""
    return {int(port) for port in holder.stdout.readline().split()}


def fetch(namespace, name):
    return json.loads(namespace.curl("-f", URL + name).stdout)


def number(text):
    return int(text.replace(",", ""))


def test_its_files_come_from_the_program(server, namespace):
    page = namespace.curl("-f", URL).stdout
    files = set(re.findall(r'(?:src|href)="([^"#]+)"', page)) - {"status.json", "connections.json", "metrics"}
    imported, left = set(), ["live.js"]
    while left:
        found = set(re.findall(r"from '\./([^']+)'", namespace.curl("-f", URL + left.pop()).stdout))
        left += found - imported
        imported |= found
    # All are named at once, so that a browser need not find them one behind the other.
    assert set(re.findall(r'rel="modulepreload" href="([^"]+)"', page)) == imported
    assert files == {"favicon.svg", "live.css", "ladder.css", "states.css", "plot.css", "live.js", *imported}
    assert not re.search(r"<style|<script(?! type=\"module\" src)|\sstyle=|\son\w+=", page)
    for name in ["", *files]:
        head = namespace.curl("-I", URL + name).stdout
        assert head.startswith("HTTP/1.1 200 ")
        assert "Content-Security-Policy: default-src 'self';" in head
        assert "X-Content-Type-Options: nosniff\n" in head


def test_its_files_are_compressed_and_kept_until_they_change(server, namespace):
    plain = namespace.curl("-f", URL + "live.css").stdout
    assert namespace.curl("-f", "--compressed", URL + "live.css").stdout == plain
    head = dict(line.split(": ", 1) for line in namespace.curl("-I", "--compressed", URL + "live.css").stdout.splitlines()[1:-1])
    assert head["Content-Encoding"] == "gzip" and int(head["Content-Length"]) < len(plain) / 2
    assert head["Cache-Control"] == "no-cache" and head["Vary"] == "Accept-Encoding"
    again = namespace.curl("-i", "--compressed", "-H", f"If-None-Match: {head['ETag']}", URL + "live.css").stdout
    assert again.startswith("HTTP/1.1 304 ") and f"ETag: {head['ETag']}\n" in again and "no-store" not in again
    assert "Content-Encoding" not in again and again.endswith("\n\n")
    assert namespace.curl("-I", "-H", f"If-None-Match: {head['ETag']}", URL + "live.css").stdout.startswith("HTTP/1.1 200 ")


def test_the_libraries_of_pages_are_modules_with_their_licences(page):
    page.evaluate("Promise.all(['uplot.js', 'sha256.js'].map((name) => import(`./${name}`)))"
                  ".then(([a, b]) => { window.uPlot = a.default; window.sha256 = b.sha256; })")
    assert page.evaluate("[window.uPlot !== null, window.sha256 !== null]") == \
        [built_with("uplot"), built_with("js-sha256")]
    if built_with("js-sha256"):
        assert page.evaluate("sha256('abc')") == hashlib.sha256(b"abc").hexdigest()
    for name, library in [("uplot.js", "uplot"), ("uplot.css", "uplot"), ("sha256.js", "js-sha256")]:
        text = page.evaluate(f"fetch('{name}').then((answer) => answer.text())")
        assert text.startswith("/*!") and "MIT License" in text and "Copyright (c)" in text or not built_with(library)


def test_libraries_with_other_contents_are_not_brought(tmp_path):
    npm_package("uplot", "1.6.32")  # npm reaches its registry, or this is skipped
    tools = tmp_path / "tools"
    shutil.copytree(ROOT / "tools" / "npm", tools / "npm")
    shutil.copy(ROOT / "tools" / "install-modules", tools)
    lock = tools / "npm" / "package-lock.json"
    right = lock.read_text()
    bring = [tools / "install-modules"]
    lock.write_text(re.sub(r"sha512-..", "sha512-AA", right))
    wrong = subprocess.run(bring, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "the pages do without" in wrong.stderr and not (tmp_path / "npm" / "node_modules").exists()
    lock.write_text(right)
    assert subprocess.run(bring, cwd=tmp_path, capture_output=True, text=True, check=True).stderr == ""
    assert (tmp_path / "npm" / "node_modules" / "uplot" / "LICENSE").exists()
    assert "everything is installed" in subprocess.run(bring, cwd=tmp_path, capture_output=True, text=True).stdout


def test_connections_are_those_of_connections_json(page, namespace, held):
    page.wait(f"{ROWS}.length >= 13")
    told = {row["remote_port"]: row for row in fetch(namespace, "connections.json")["connections"]}
    shown = {int(row["Client"].rpartition(":")[2]): row for row in page.evaluate(ROWS)}
    assert held <= shown.keys()
    for port in held:
        row, text = told[port], shown[port]
        assert text["Client"] == f"10.77.0.1:{port}"
        for title, key in [("No.", "id"), ("State", "state"), ("Control", "congestion")]:
            assert text[title] == str(row[key])
        for title, key in [("Port", "local_port"), ("cwnd", "cwnd"), ("In flight", "in_flight"),
                           ("snd.wnd", "snd.wnd"), ("rcv.wnd", "rcv.wnd"), ("Bytes out", "bytes_acked"),
                           ("Bytes in", "bytes_received"), ("Retrans.", "retransmissions"),
                           ("Requests", "requests")]:
            assert number(text[title]) == row[key], (port, title)


def test_its_own_connection_is_marked_and_opened(page, namespace, held):
    page.wait(f"{ROWS}.length >= 13 && {ROWS}.some((row) => row.own)")
    rows, facts = page.evaluate(f"[{ROWS}, {FACTS}]")
    (own,) = [row for row in rows if row["own"]]
    port = int(own["Client"].rpartition(":")[2])
    assert port not in held
    rows = fetch(namespace, "connections.json")["connections"]
    (told,) = [row for row in rows if row["remote_port"] == port]
    assert facts["Client"] == f"10.77.0.1:{port}" and facts["Server"] == f"{ADDRESS}:80"
    assert facts["State"] == told["state"] == "ESTABLISHED"
    assert 1 <= number(facts["Requests"]) <= told["requests"]
    assert facts["Segment size (mss)"] == f"{told['mss']:,} bytes"


CURVES = """Object.fromEntries([...document.querySelectorAll('#charts .plot-slider')].map((slider) =>
    [slider.ariaLabel, slider.ariaValueText]))"""


def test_curves_have_the_numbers(page, held):
    """Of a connection at rest, whose numbers stay. How they are drawn is tested in test_plot.py."""
    page.wait(f"{ROWS}.length >= 13")
    page.evaluate("[...document.querySelectorAll('#connections tbody tr')]"
                  f".find((row) => row.cells[1].textContent.endsWith(':{min(held)}')).querySelector('button').click()")
    page.wait("document.querySelector('#charts .plot-slider').ariaValueMax > 1")
    facts = page.evaluate(FACTS)
    expected = {
        "Congestion, over time": f"at now; cwnd {facts['cwnd']}; ssthresh none; in flight {facts['In flight']}",
        "Windows, over time": f"at now; the client’s {facts['Client’s window']}; ours {facts['Our window']}",
        "Round trip, over time": f"at now; srtt {facts['Round trip (srtt)']}",
    }
    page.wait(f"Object.entries({json.dumps(expected)}).every(([label, text]) => {CURVES}[label] === text)")


def test_one_connection_is_opened_by_keyboard_until_it_is_over(page, holder, held):
    page.wait(f"{ROWS}.length >= 13")
    title = "document.getElementById('one-title').textContent"
    row = ("[...document.querySelectorAll('#connections tbody tr')]"
           f".find((r) => r.innerText.includes(':{min(held)}'))")
    page.evaluate(f"{row}.querySelector('button').focus()")
    chosen = page.evaluate("document.activeElement.textContent")
    page.press("Enter")
    page.wait(f"{title} === 'Connection {chosen}'")
    assert page.evaluate("document.activeElement.id") == "one-title"
    holder.kill()
    page.wait("document.getElementById('one-note').textContent.startsWith('It is over')")
    page.press("Tab")
    assert page.evaluate("document.activeElement.id") == "own"
    page.press("Enter")
    page.wait(f"{title}.includes('these numbers')")


def test_sorted_by_keyboard_and_focus_stays(page, held):
    page.wait(f"{ROWS}.length >= 13")
    page.evaluate("document.querySelectorAll('#connections thead button')[11].focus()")
    page.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.getAttribute('aria-sort')") == "descending"
    amounts = [number(row["Bytes out"]) for row in page.evaluate(ROWS)]
    assert amounts == sorted(amounts, reverse=True) and len(set(amounts)) > 2
    page.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.getAttribute('aria-sort')") == "ascending"
    amounts = [number(row["Bytes out"]) for row in page.evaluate(ROWS)]
    assert amounts == sorted(amounts)
    # Rows change their places; whoever stands on one keeps standing there.
    row = "document.activeElement.closest('tr')"
    page.evaluate("document.querySelector('#connections tbody tr:last-child button').focus()")
    last = page.evaluate(f"{row}.cells[1].textContent")
    page.evaluate("document.querySelectorAll('#connections thead button')[11].click()")
    assert page.evaluate(f"{row}.rowIndex") < 6
    assert page.evaluate(f"{row}.cells[1].textContent") == last


def test_filtered_by_keyboard(page, held):
    page.wait(f"{ROWS}.length >= 13")
    port = min(held)
    page.evaluate("document.getElementById('filter').focus()")
    page.type(f"10.77 :{port} established")
    page.wait(f"{ROWS}.length === 1")
    assert page.evaluate(ROWS)[0]["Client"] == f"10.77.0.1:{port}"
    assert re.fullmatch(r"1 of \d+", page.evaluate("document.getElementById('shown').textContent"))
    page.press("Enter")  # which sends no form
    page.type(" nothing has this")
    page.wait(f"{ROWS}.length === 0")
    assert page.evaluate("location.href") == URL


@pytest.fixture
def many(server, namespace):
    """Holds 950 connections open."""
    program = ("import socket, time\n"
               f"held = [socket.create_connection(('{ADDRESS}', 80), 10) for _ in range(950)]\n"
               "print(held[-1].getsockname()[1], flush=True)\n"
               "time.sleep(120)\n")
    process = namespace.start("/usr/bin/python3", "-c", program, stdout=-1, text=True)
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_many_connections_are_shown_page_by_page(page, many):
    port = many.stdout.readline().strip()
    shown = "document.getElementById('shown').textContent"
    numbers = f"{ROWS}.map((row) => Number(row['No.']))"
    page.wait(f"/^1 to 100 of 9[5-9]\\d of 9[5-9]\\d$/.test({shown})")
    first = page.evaluate(numbers)
    assert len(first) == 100 and first == sorted(first)
    page.evaluate("document.getElementById('on').focus()")
    page.press("Enter")
    assert page.evaluate(shown).startswith("101 to 200 of 9")
    second = page.evaluate(numbers)
    assert len(second) == 100 and min(second) > max(first) and second == sorted(second)
    for _ in range(20):  # the last page is the last
        page.press("Enter")
    assert re.fullmatch(r"901 to (9[5-9]\d) of \1 of \1", page.evaluate(shown))
    assert page.evaluate("document.activeElement.id") == "on"
    page.evaluate("document.querySelectorAll('#connections thead button')[0].click()")
    assert page.evaluate(shown).startswith("1 to 100 of 9")
    assert min(page.evaluate(numbers)) > max(second)
    page.evaluate("document.getElementById('filter').focus()")
    page.type(f":{port}")
    page.wait(f"{ROWS}.length === 1")
    assert page.evaluate(ROWS)[0]["Client"] == f"10.77.0.1:{port}"
    assert page.evaluate("document.getElementById('pages').hidden && document.getElementById('cut').hidden")


def test_that_the_server_left_some_out_is_said(page, namespace):
    answer = fetch(namespace, "connections.json")
    answer["truncated"] = True
    page.stand_in(URL + "connections.json", "application/json", json.dumps(answer))
    page.wait("!document.getElementById('cut').hidden")
    assert page.evaluate("document.getElementById('cut').textContent") == \
        f"The server has more than these {len(answer['connections'])} connections, and left the others out."


def test_counters_and_queues(page, namespace):
    for _ in range(3):  # we close first
        namespace.curl("-0", "-o", "/dev/null", f"http://{ADDRESS}/1k.bin")
    namespace.curl("-o", "/dev/null", f"http://{ADDRESS}:81/", check=False)  # nobody listens
    counters = ("(id) => Object.fromEntries([...document.querySelectorAll(`#${id} tbody tr`)].map((r) => "
                "[r.cells[0].textContent, r.cells[1].textContent]))")
    page.wait(f"({counters})('drops')['tcp no connection'] === '1'")
    page.evaluate("document.getElementById('pause').click()")
    status = fetch(namespace, "status.json")
    shown = page.evaluate(f"({counters})('totals')")
    assert number(shown["Handshakes (PassiveOpens)"]) == status["tcp"]["PassiveOpens"] - 1
    assert number(shown["Resets sent"]) == status["tcp"]["OutRsts"] == 1
    assert number(shown["Retransmissions"]) == status["tcp"]["RetransSegs"]
    drops = page.evaluate(f"({counters})('drops')")
    assert {name.replace(" ", "_") for name in drops} == {name for name, n in status["drops"].items() if n}
    assert page.evaluate("document.getElementById('time_wait').textContent") == \
        f"{status['tcp_now']['time_wait']} of {status['limits']['tcp']['max_time_wait']:,}"
    assert status["tcp_now"]["time_wait"] >= 3
    assert page.evaluate("document.getElementById('time_wait-meter').value") == status["tcp_now"]["time_wait"]
    page.wait("document.querySelector('#time_wait-plot [role=slider]').ariaValueText === "
              f"'at now; TIME-WAIT {status['tcp_now']['time_wait']} in TIME-WAIT'")


def test_queues_are_seen_to_fill_and_empty(serve, site, namespace, tmp_path):
    config = tmp_path / "queues.conf"
    config.write_text('device "tap:taphouse0" { gateway = {"10.77.0.1"} }\n'
                      'tcp { synack_retries = 2  msl = "2s" }\n'
                      f'site "e2e" {{\n\troot = "{site}"\n\tlocation "/.taphouse/" {{ status = true }}\n}}\n')
    serve("--config", config)
    namespace.run("ip", "route", "add", "blackhole", "198.18.0.0/15")
    browser = Chromium(namespace, tmp_path / "profile")
    browser.open(URL)
    said = {queue: f"document.querySelector('#{queue}-plot [role=slider]').ariaValueText" for queue in ("half_open", "time_wait")}
    for words in said.values():
        browser.wait(f"/^at now; .* 0 /.test({words})")
    mac = json.loads(namespace.run("ip", "-j", "neigh", "show", ADDRESS).stdout)[0]["lladdr"]
    flooder = pathlib.Path(TAPHOUSE).resolve().parent / "obj/tests/e2e/syn_flood"
    namespace.run(flooder, "taphouse0", mac, ADDRESS, "80", "100", "1")
    for _ in range(3):  # we close first
        namespace.curl("-0", "-o", "/dev/null", f"http://{ADDRESS}/1k.bin")
    for words in said.values():
        browser.wait(f"/ [1-9]/.test({words})")
    for words in said.values():
        browser.wait(f"/^at now; .* 0 /.test({words})")
    for queue, words in said.items():  # what was stays to be read
        browser.evaluate(f"document.querySelector('#{queue}-plot [role=slider]').focus()")
        browser.press("Home")
        seen = [browser.evaluate(words)]
        for _ in range(int(browser.evaluate("document.activeElement.ariaValueMax"))):
            browser.press("ArrowRight")
            seen.append(browser.evaluate(words))
        counts = [number(re.search(r" ([\d,]+) (?:half-open|in TIME-WAIT)$", text)[1]) for text in seen]
        assert counts[0] == counts[-1] == 0 and max(counts) >= 3
    browser.close()
    assert browser.messages == []


def test_pause(page):
    page.evaluate("document.getElementById('pause').focus()")
    page.press("Enter")
    page.wait("document.getElementById('state').textContent === 'Paused.'")
    asked = "performance.getEntriesByType('resource').length"
    before = page.evaluate(asked)
    page.evaluate("new Promise((done) => setTimeout(done, 2500))")
    assert page.evaluate(asked) <= before + 1  # one was under way
    page.press("Enter")
    page.wait(LIVE)


def test_a_server_that_is_gone_is_told(server, namespace, tmp_path):
    browser = Chromium(namespace, tmp_path / "profile")
    browser.open(URL)
    browser.wait(LIVE)
    server.stop()
    browser.wait("document.getElementById('state').textContent.startsWith('No answer')")
    browser.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1600, 800, 360])
def test_accessible_and_looked_at(page, held, tmp_path, width, scheme):
    page.wait(f"{ROWS}.length >= 13")
    picture = screenshots(tmp_path) / f"live-{width}-{scheme}.png"
    page.wait("document.querySelector('#charts .plot-slider').ariaValueMax > 1")
    page.look(picture, width, scheme)
    assert picture.stat().st_size > 30000  # an empty page is far smaller
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.evaluate((npm_package("axe-core", AXE) / "axe.min.js").read_text() + "; null")
    found = page.evaluate("axe.run(document).then(({ violations }) => "
                          "violations.map((v) => [v.id, v.nodes.map((node) => node.html)]))")
    assert found == []
