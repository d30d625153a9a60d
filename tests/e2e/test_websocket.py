"""WebSocket with the clients of others: Python's websockets, Chromium, curl, and a thousand sockets in one room."""

import json
import pathlib
import shutil
import signal
import subprocess
import time

import pytest
from conftest import ADDRESS, ROOT, built_with, raw, wait_until

CLIENT = pathlib.Path(__file__).with_name("websocket_client.py")
URL = f"http://{ADDRESS}"
DEFLATE = "permessage-deflate; client_max_window_bits=12" if built_with("zlib") else ""
HANDSHAKE = ["-H", "Connection: Upgrade", "-H", "Upgrade: websocket", "-H", "Sec-WebSocket-Version: 13", "-H",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]


@pytest.fixture
def websocket(tmp_path, site, serve):
    """websocket(*extra lines) starts a server with all kinds of locations; it has .status() and .results."""

    def start(extra="", tcp="", options=()):
        file = tmp_path / "t.conf"
        file.write_text(f'tcp {{ {tcp} }}\nsite "e2e" {{\n\troot = "{site}"\n'
                        f'\tlocation "/ws/echo" {{ websocket = "echo" {extra} }}\n'
                        '\tlocation "/ws/plain" { websocket = "echo" websocket_compression = "off" }\n'
                        '\tlocation "/ws/chat/" { websocket = "chat" }\n'
                        '\tlocation "/ws/strict/" { websocket = "chat" websocket_slow_reader = "close" }\n'
                        f'\tlocation "/result" {{ form = "{tmp_path}/result.jsonl" }}\n'
                        '\tlocation "/.taphouse/" { status = true }\n}\n')
        server = serve("--config", file, *options)
        server.results = tmp_path / "result.jsonl"
        return server

    return start


def client(namespace, what, path, *args, timeout=120, scheme="ws"):
    answer = namespace.run("/usr/bin/python3", CLIENT, what, f"{scheme}://{ADDRESS}{path}", *args, check=False, timeout=timeout)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout.splitlines()[-1])


def counters(namespace):
    return json.loads(namespace.curl(f"{URL}/.taphouse/status.json").stdout)["websocket"]


@pytest.mark.parametrize("path, compression, extension", [
    ("/ws/echo", "deflate", DEFLATE), ("/ws/echo", "none", ""), ("/ws/plain", "deflate", "")])
def test_pythons_websockets_hears_what_it_says(websocket, namespace, path, compression, extension):
    websocket()
    answer = client(namespace, "echo", path, compression, 2)
    assert answer == {"same": True, "n": 27, "code": 1000, "extension": extension}
    assert counters(namespace)["messages_in"] == 27
    assert (counters(namespace)["compressed_out"] > 0) == (extension != "")


@pytest.mark.parametrize("compression", ["deflate", "none"])
def test_the_same_over_tls(websocket, namespace, compression):
    websocket(options=["--self-signed"])
    answer = client(namespace, "echo", "/ws/echo", compression, 2, scheme="wss")
    assert (answer["same"], answer["n"], answer["code"]) == (True, 27, 1000)


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_close_codes(websocket, namespace, scheme):
    websocket(options=["--self-signed"])
    assert client(namespace, "close_codes", "/ws/echo", scheme=scheme) == {
        "big": 1009, "inflated": 1009, "1000": 1000, "3000": 3000, "4999": 4999}


def test_sigterm_tells_clients_that_the_server_goes_away(websocket, namespace):
    server = websocket()
    process = namespace.start("/usr/bin/python3", CLIENT, "wait_for_close", f"ws://{ADDRESS}/ws/echo", stdout=subprocess.PIPE,
                              text=True)
    assert process.stdout.readline() == "ready\n"
    assert server.stop() == 0
    out, _ = process.communicate(timeout=20)
    assert json.loads(out.splitlines()[-1]) == {"code": 1001}


@pytest.mark.parametrize("fields, status", [
    ([], 101), (["-H", "Origin: http://10.77.0.2"], 101), (["-H", "Origin: http://evil.example"], 403),
    (["-H", "Origin: null"], 403), (["-H", "Sec-WebSocket-Version: 8"], 426), (["-H", "Sec-WebSocket-Key: short"], 400),
    (["-H", "Upgrade:"], 400), (["-X", "POST"], 405)])
def test_handshakes_by_curl(websocket, namespace, fields, status):
    websocket()
    base = HANDSHAKE if not fields or fields[1].startswith("Origin") or fields[0] == "-X" else [
        field for i in range(0, len(HANDSHAKE), 2) for field in HANDSHAKE[i:i + 2]
        if not HANDSHAKE[i + 1].startswith(fields[1].split(":")[0] + ":")]
    head = namespace.run("curl", "-sS", "-i", "--http1.1", "--max-time", "2", *base, *fields, f"{URL}/ws/echo", check=False).stdout
    assert head.startswith(f"HTTP/1.1 {status} "), head
    if status == 426:
        assert "Sec-WebSocket-Version: 13\n" in head and "Upgrade: websocket\n" in head
    if status == 101:
        assert "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n" in head


@pytest.mark.parametrize("kind", ["echo", "chat", "events"])
def test_a_name_that_may_be_somebody_elses_is_no_origin_of_ours(serve, site, namespace, tmp_path, kind):
    """DNS rebinding: a page of evil.example, whose name leads here for now, has the Origin that its Host says."""
    file = tmp_path / "names.conf"
    file.write_text(f'site "e2e" {{\n\troot = "{site}"\n\thosts = {{"pub.example"}}\n'
                    f'\tlocation "/ws/own/" {{ websocket = "{kind}" }}\n'
                    f'\tlocation "/ws/any/" {{ websocket = "{kind}" websocket_origins = {{"*"}} }}\n}}\n')
    serve("--config", file)

    def status(path, host, origin=None):
        origin = ["-H", f"Origin: http://{origin}"] if origin else []
        return namespace.run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--http1.1", "--max-time", "0.5", *HANDSHAKE,
                             "-H", f"Host: {host}", *origin, f"{URL}/ws/{path}/x", check=False).stdout

    assert status("own", "evil.example", "evil.example") == "421"
    assert status("own", "evil.example", "pub.example") == "403"
    assert status("own", "evil.example") == "101"  # no page has asked
    for ours in (ADDRESS, "pub.example", "localhost"):
        assert status("own", ours, ours) == "101"
    assert status("any", "evil.example", "evil.example") == "101"


def test_an_unmasked_frame_is_answered_with_1002(websocket, namespace):
    websocket()
    request = (f"GET /ws/echo HTTP/1.1\r\nHost: {ADDRESS}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
               "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode()
    answer = raw(namespace, request + b"\x81\x05Hello", half_close=True).stdout
    head, _, frames = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert frames.startswith(b"\x88") and frames[2:4] == (1002).to_bytes(2, "big")


@pytest.mark.parametrize("path", ["/ws/chat/room", "/ws/strict/room"])
def test_a_thousand_in_a_room_do_not_wait_for_one_that_never_reads(websocket, namespace, path):
    server = websocket(tcp='send_buffer = "64K" send_buffer_max = "64K"')
    answer = client(namespace, "crowd", path, 1000, 20, 8192, timeout=200)
    assert answer["served"] == 999, answer
    counts = counters(namespace)
    assert counts["closed_slow" if "strict" in path else "dropped"] > 0
    resident = next(int(line.split()[1]) for line in open(f"/proc/{server_pid(server)}/status") if line.startswith("VmHWM"))
    assert resident < 200 << 10, f"{resident} KiB"


def server_pid(server):
    """Of taphouse itself: ip netns exec becomes the program that it is given."""
    return server.process.pid


PAGE = """<!doctype html><meta charset="utf-8"><title>e2e</title><script>
const text = "Grüße 😀 ".repeat(80659) + "123456789", bytes = new Uint8Array(1 << 20);
const base = location.origin.replace("http", "ws");
for (let i = 0; i < bytes.length; i++) bytes[i] = i * 7 + (i >> 9);
const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);
function run(path) {
	return new Promise(done => {
		const ws = new WebSocket(base + path), seen = {};
		ws.binaryType = "arraybuffer";
		ws.onopen = () => { seen.extensions = ws.extensions; ws.send(text); ws.send(bytes); };
		ws.onmessage = event => {
			if (typeof event.data === "string") { seen.text = event.data === text; return; }
			seen.binary = same(new Uint8Array(event.data), bytes);
			ws.close(4321, "enough");
		};
		ws.onclose = event => { seen.code = event.code; seen.clean = event.wasClean; done(seen); };
	});
}
function tooBig(path) {
	return new Promise(done => {
		const ws = new WebSocket(base + path);
		ws.onopen = () => ws.send(new Uint8Array((1 << 20) + 1));
		ws.onclose = event => done({code: event.code, reason: event.reason});
	});
}
(async () => {
	const result = {bytes: new TextEncoder().encode(text).length, echo: await run("/ws/echo"), plain: await run("/ws/plain"), big: await tooBig("/ws/echo")};
	await fetch("/result", {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(result)});
})();
</script>
"""


@pytest.fixture
def chromium(namespace, tmp_path):
    """chromium(url, file) opens a page, and returns what it posts to a form that is stored in the file. On the real clock:
    virtual time does not wait for WebSocket."""
    processes = []

    def run(url, results):
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        assert program, "chromium is missing: configure --install-deps installs it"
        with open(tmp_path / "chromium.log", "wb") as log:
            processes.append(namespace.start(
                "env", f"HOME={tmp_path}", program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--enable-logging=stderr",
                "--remote-debugging-port=0", f"--user-data-dir={tmp_path}/profile", url, stdout=log,
                stderr=log))
        deadline = time.monotonic() + 60
        while not results.exists() or not results.read_text().endswith("\n"):
            assert time.monotonic() < deadline, "the page told nothing:\n" + (tmp_path / "chromium.log").read_text()
            time.sleep(0.1)
        return json.loads(results.read_text())["fields"]

    yield run
    for process in processes:
        process.terminate()
        process.wait(20)


def assert_chromium_echoes(url, server, site, chromium):
    (site / "ws.html").write_text(PAGE)
    fields = chromium(f"{url}/ws.html", server.results)
    assert fields["bytes"] == 1 << 20
    for path, extensions in (("echo", DEFLATE), ("plain", "")):
        assert fields[path] == {"extensions": extensions, "text": True, "binary": True, "code": 4321, "clean": True}
    assert fields["big"] == {"code": 1009, "reason": "message too big"}


def test_chromium_with_and_without_compression(websocket, site, chromium):
    assert_chromium_echoes(URL, websocket(), site, chromium)


def test_the_same_over_tls_that_chromium_trusts(websocket, site, chromium, certificate, trusting_home):
    server = websocket(options=["--certificate", certificate[0], "--key", certificate[1]])
    assert_chromium_echoes(f"https://{ADDRESS}", server, site, chromium)


@pytest.mark.parametrize("keys, tls", [("", False), ("websocket_events_all = true", False), ("", True)], ids=["own", "all", "tls"])
def test_events_are_told_as_they_happen(serve, site, namespace, tmp_path, keys, tls):
    """Of a download, and not of the viewer's own connection, whose events would have no end."""
    config = tmp_path / "events.conf"
    config.write_text(f'site "e2e" {{\n\troot = "{site}"\n\tlocation "/ws/events" {{ websocket = "events" {keys} }}\n}}\n')
    serve("--config", config, *(["--self-signed"] if tls else []))
    script = ("import asyncio, json, ssl, subprocess, websockets\n"
              "async def main():\n"
              "    context = ssl._create_unverified_context()\n"
              f"    async with websockets.connect('{'wss' if tls else 'ws'}://{ADDRESS}/ws/events'"
              f"{', ssl=context' if tls else ''}) as ws:\n"
              f"        curl = await asyncio.create_subprocess_exec('curl', '-sk', '-o', '/dev/null', '{URL}/1m.bin')\n"
              "        told = []\n"
              "        while not any(e['event'] == 'state' and ('LAST-ACK -> CLOSED' in e['note'] or 'TIME-WAIT' in e['note'])\n"
              "                      for e in told):\n"
              "            told.append(json.loads(await asyncio.wait_for(ws.recv(), 20)))\n"
              "        await curl.wait()\n"
              "        print(json.dumps({'told': told, 'port': ws.local_address[1]}))\n"
              "asyncio.run(main())\n")
    answer = namespace.run("/usr/bin/python3", "-c", script, check=False)
    assert answer.returncode == 0, answer.stderr
    result = json.loads(answer.stdout)
    assert {e["remote_port"] for e in result["told"]} - {result["port"]}
    assert result["port"] not in {e["remote_port"] for e in result["told"]}
    assert {"state", "cwnd", "rtt"} <= {e["event"] for e in result["told"]}


DRIVE = """
const wait = (test) => new Promise((done) => {
	const timer = setInterval(() => { if (test()) { clearInterval(timer); done(); } }, 20);
});
const text = (id) => document.getElementById(id).textContent;
const button = (selector) => document.querySelector(selector);
const status = (end) => button(`[data-end="${end}"]`).closest('.act').querySelector('[role="status"]').textContent;
addEventListener('load', async () => {
	const other = new WebSocket(`ws://${location.host}/ws/chat/taproom`), heard = [];
	other.onmessage = ({ data }) => heard.push(data);
	await wait(() => text('answer').includes('101') && other.readyState === 1);
	await wait(() => ['echo', 'chat'].every((name) => button(`[data-state="${name}"]`).textContent.startsWith('connected')));
	button('#echo-form button').click();
	await wait(() => text('echo-log').includes('\u2190 two pints'));
	button('[data-hundred]').click();
	await wait(() => text('echo-log').includes('\u2190 message 100 of 100'));
	button('#chat-form [name="words"]').value = 'good evening';
	button('#chat-form button').click();
	await wait(() => text('chat-log').includes('Ann: good evening') && heard.length === 1);
	other.send('no JSON <b>');
	await wait(() => text('chat-log').includes('somebody: no JSON <b>'));
	for (const end of ['normal', 'own', 'big']) {
		button(`[data-end="${end}"]`).click();
		await wait(() => status(end).startsWith('closed'));
	}
	const told = { heard: heard[0], request: text('request'), answer: text('answer'), ends: ['normal', 'own', 'big'].map(status),
		state: button('[data-state="echo"]').textContent };
	await fetch('/contact', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(told) });
});
"""


def test_the_page_of_the_demo(namespace, serve, chromium, tmp_path):
    """Under a strict policy, with a script that presses its buttons."""
    www = tmp_path / "www"
    shutil.copytree(ROOT / "www", www)
    policy = '<meta http-equiv="Content-Security-Policy" content="default-src \'self\'">'
    page = (www / "websocket.html").read_text()
    (www / "websocket.html").write_text(page.replace("</head>", f'{policy}<script src="drive.js" defer></script></head>'))
    (www / "drive.js").write_text(DRIVE)
    (tmp_path / "uploads").mkdir()
    config = tmp_path / "demo.conf"
    config.write_text((ROOT / "conf" / "demo" / "taphouse.conf").read_text().replace("../../www", str(www)))
    serve("--config", config, directory=www)
    told = chromium(f"{URL}/websocket.html", tmp_path / "contact.jsonl")
    assert json.loads(told["heard"]) == {"name": "Ann", "words": "good evening"}
    assert told["request"].startswith("GET /ws/echo?run=")
    assert f"Host: {ADDRESS}\n" in told["request"] and f"Origin: {URL}\n" in told["request"]
    assert told["answer"].startswith("HTTP/1.1 101 Switching Protocols\n")
    assert "Sec-WebSocket-Protocol: taphouse.handshake" in told["answer"]
    assert told["state"] == ("connected, compressed" if DEFLATE else "connected")
    assert told["ends"] == ["closed: 1000", "closed: 4321", "closed: 1009 message too big"]


def test_connections_and_rooms_outlive_a_reload(websocket, namespace, tmp_path):
    server = websocket()
    script = ("import asyncio, sys, websockets\n"
              "async def main():\n"
              f"    async with websockets.connect('ws://{ADDRESS}/ws/chat/x') as old:\n"
              "        print('connected', flush=True); sys.stdin.readline()\n"
              f"        async with websockets.connect('ws://{ADDRESS}/ws/chat/x') as new:\n"
              "            await old.send('old'); print(await new.recv()); await new.send('new'); await old.recv()\n"
              "            print(await old.recv(), flush=True)\n"
              "asyncio.run(main())\n")
    process = namespace.start("/usr/bin/python3", "-c", script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "connected\n"
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: json.loads(namespace.curl(f"{URL}/.taphouse/status.json").stdout)["reload"]["done"] > 0)
    out, _ = process.communicate("\n", timeout=20)
    assert out == "old\nnew\n"
