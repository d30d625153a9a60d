"""What the live page draws of a connection is what went over the wire: the ladder of the one that brings it has the
sequence numbers of the capture, from the handshake on; another one can be watched until it is over."""

import json

import pytest
from chromium import Chromium
from conftest import ADDRESS
from test_capture import fields
from test_live import FACTS, LIVE, URL, server  # noqa: F401: fixture
from test_live_ladder import ARROWS, LIT, serve_live
from test_trace import bits

STATES = "[...document.querySelectorAll('#life tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent))"
FEED = "document.getElementById('feed').textContent"
TITLE = "document.getElementById('one-title').textContent"

ESTABLISHED = [["client", "CLOSED → SYN-SENT", "client’s SYN"], ["server", "LISTEN → SYN-RECEIVED", "client’s SYN"],
               ["client", "SYN-SENT → ESTABLISHED", "server’s SYN ACK"],
               ["server", "SYN-RECEIVED → ESTABLISHED", "client’s ACK"]]

# A client that asks as often as it is told in a line, all at once, and closes in the end. It prints its port.
CLIENT = f"""
import socket, sys
s = socket.create_connection(('{ADDRESS}', 80), 10)
print(s.getsockname()[1], flush=True)
for line in sys.stdin:
    path, size, times = line.split()
    s.sendall(f'GET {{path}} HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n'.encode() * int(times))
    left = int(size) * int(times)
    while left > 0:
        left -= len(s.recv(1 << 20))
s.close()
"""


def live_page(namespace, tmp_path, script=None):
    browser = Chromium(namespace, tmp_path / "profile")
    if script is not None:
        browser.send("Page.addScriptToEvaluateOnNewDocument", source=script)
    browser.open(URL)
    browser.wait(LIVE)
    return browser


@pytest.fixture
def client(namespace):
    """The process of CLIENT, when its connection stands."""
    process = namespace.start("/usr/bin/python3", "-c", CLIENT, stdin=-1, stdout=-1, text=True)
    process.port = int(process.stdout.readline())
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def tell(client, times, path="/hello.txt", size=6):
    client.stdin.write(f"{path} {size} {times}\n")
    client.stdin.flush()


def open_connection(page, port):
    row = f"[...document.querySelectorAll('#connections tbody tr')].find((r) => r.innerText.includes(':{port}'))"
    page.wait(row + " !== undefined")
    page.evaluate(f"{row}.querySelector('button').click()")
    page.wait(f"document.querySelector('.ladder-end.ladder-client').innerText.includes(':{port}')")
    page.wait(f"{ARROWS}.length > 0")


def captured(capture, port):
    rows = fields(capture, f"tcp.port == {port}", "ip.src", "tcp.flags", "tcp.seq", "tcp.ack", "tcp.len",
                  "tcp.window_size", "tcp.seq_raw")
    return [{"from": "server" if source == ADDRESS else "client", "flags": int(flags, 16) & 255, "seq": seq,
             "ack": ack if int(flags, 16) & 16 else "", "len": length, "window": window,
             "isn": raw if int(flags, 16) & 2 else ""} for source, flags, seq, ack, length, window, raw in rows]


def drawn(arrows):
    keys = ("from", "seq", "ack", "len", "window", "isn")
    return [{**{key: arrow[key] for key in keys}, "flags": bits(arrow["flags"].split(","))} for arrow in arrows]


def test_its_own_handshake_is_that_of_the_capture(serve, site, namespace, tmp_path):
    server = serve_live(serve, site, tmp_path, "--pcap", tmp_path / "t.pcapng")  # noqa: F811
    page = live_page(namespace, tmp_path)
    port = int(page.wait(f"{FACTS}['Client'].split(':')[1]"))
    page.wait(f"{ARROWS}.length >= 12 && document.querySelectorAll('#life tbody tr').length === 4")
    arrows, lit, states = page.evaluate(f"[{ARROWS}, {LIT}, {STATES}]")
    messages = page.messages
    page.close()
    assert server.stop() == 0 and messages == []
    wire = captured(tmp_path / "t.pcapng", port)
    ours = drawn(arrows)
    assert ours == wire[:len(ours)]
    assert [arrow["flags"] for arrow in arrows[:3]] == ["SYN", "SYN,ACK", "ACK"]
    assert all(arrow["isn"] for arrow in arrows[:2])
    assert lit == {"client": "ESTABLISHED", "server": "ESTABLISHED"}
    assert [row[1:] for row in states] == ESTABLISHED


def test_another_connection_is_watched_to_its_end(server, client, namespace, tmp_path):  # noqa: F811
    page = live_page(namespace, tmp_path)
    open_connection(page, client.port)
    page.wait(f"{ARROWS}.length === 3")
    assert page.evaluate(f"{STATES}.map((row) => row.slice(1))") == ESTABLISHED
    tell(client, 1)
    # A step stands between: what is told now is seen as it happens.
    page.wait("[...document.querySelectorAll('.ladder-step')].some((step) => "
              "step.textContent.includes('GET /hello.txt'))")
    client.stdin.close()
    page.wait(f"JSON.stringify({LIT}) === JSON.stringify({{ client: 'TIME-WAIT', server: 'CLOSED' }})")
    page.wait("document.getElementById('one-note').textContent.startsWith('It is over')")
    assert [row[1:3] for row in page.evaluate(STATES)][4:] == [
        ["client", "ESTABLISHED → FIN-WAIT-1"], ["server", "ESTABLISHED → CLOSE-WAIT"],
        ["client", "FIN-WAIT-1 → TIME-WAIT"], ["server", "CLOSE-WAIT → LAST-ACK"], ["server", "LAST-ACK → CLOSED"]]
    # Back to its own, whose beginning is still there.
    page.evaluate("document.getElementById('own').click()")
    page.wait(f"{TITLE}.includes('these numbers') && {ARROWS}[0]?.flags === 'SYN' && {STATES}.length === 4")
    assert page.evaluate(f"{ARROWS}.every((arrow) => arrow.connection === {ARROWS}[2].connection)")
    page.close()
    assert page.messages == []


def test_that_the_server_samples_is_said(server, client, namespace, tmp_path):  # noqa: F811
    page = live_page(namespace, tmp_path)
    open_connection(page, client.port)
    tell(client, 100, "/1m.bin", 1 << 20)  # more than 1,600 segments, at once
    page.wait("document.getElementById('sampling').textContent.startsWith('More happens than is told: the server samples')")
    page.wait("document.querySelector('.ladder-left-out') !== null")
    assert page.evaluate("document.querySelectorAll('.ladder-row').length") <= 248
    page.close()
    assert page.messages == []


def test_pause_stops_the_ladder(server, client, namespace, tmp_path):  # noqa: F811
    page = live_page(namespace, tmp_path, "globalThis.asked = []; const { send } = WebSocket.prototype;"
                     "WebSocket.prototype.send = function (text) { asked.push(JSON.parse(text).watch); send.call(this, text); }")
    open_connection(page, client.port)
    page.evaluate("document.getElementById('pause').click()")
    assert page.evaluate("asked.at(-1)") is None
    number = int(page.evaluate(TITLE).split()[1])
    page.evaluate("document.getElementById('pause').click()")
    assert number in page.evaluate("asked.at(-1)")
    tell(client, 1)
    page.wait("[...document.querySelectorAll('.ladder-segment')].some((row) => row.textContent.includes('GET /hello.txt'))")
    page.close()


def test_without_websocket_the_numbers_still_come(server, namespace, tmp_path):  # noqa: F811
    page = live_page(namespace, tmp_path, "delete globalThis.WebSocket")
    page.wait(f"{FEED}.startsWith('There is no WebSocket here')")
    own = json.loads(namespace.curl("-f", URL + "connections.json").stdout)["connections"]
    assert {str(row["remote_port"]) for row in own} >= {page.wait(f"{FACTS}['Client'].split(':')[1]")}
    assert page.evaluate(LIT) == {"client": None, "server": "ESTABLISHED"}
    page.close()
    assert page.messages == []


def test_over_tls_the_feed_is_secure_too(server, namespace, tmp_path):  # noqa: F811
    page = Chromium(namespace, tmp_path / "profile")
    page.open(URL.replace("http:", "https:"))
    page.wait(LIVE)
    page.wait(f"{ARROWS}.length >= 6")
    assert page.evaluate("document.querySelector('.ladder-end.ladder-server').innerText").find(f"{ADDRESS}:443") >= 0
    assert "TLS handshake" in page.evaluate("document.querySelector('.ladder-first').textContent")
    page.close()
    assert page.messages == []
