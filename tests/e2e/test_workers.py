"""Several workers: each serves its part, all are one server to whoever asks, reloads, stops or reads the logs."""

import json
import os
import pathlib
import random
import re
import signal
import subprocess

import pytest
from chromium import Chromium
from conftest import ADDRESS, Namespace, Server, built_with, is_sanitized, screenshots, sha256, wait_until
from test_opening import request
from test_reload import assert_no_request_was_lost, run_load

URL = f"http://{ADDRESS}"
STATUS = f"{URL}/.taphouse"

# So many connections at once, two requests on each; says what came of them.
CLIENT = f"""
import hashlib, json, selectors, socket, sys
connections, digest = int(sys.argv[1]), sys.argv[2]
request = b"GET /1k.bin HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"
def answer(s):
    got = b""
    while b"\\r\\n\\r\\n" not in got or len(got.split(b"\\r\\n\\r\\n", 1)[1]) < 1024:
        piece = s.recv(65536)
        if not piece:
            return False
        got += piece
    return hashlib.sha256(got.split(b"\\r\\n\\r\\n", 1)[1]).hexdigest() == digest
sockets, good, bad = [socket.create_connection(("{ADDRESS}", 80), 20) for _ in range(connections)], 0, 0
for _ in range(2):
    for s in sockets:
        s.sendall(request)
    for s in sockets:
        try:
            good, bad = (good + 1, bad) if answer(s) else (good, bad + 1)
        except OSError:
            bad += 1
print(json.dumps([good, bad]), flush=True)
sys.stdin.read()
"""


class Crew:
    """A server with several workers, and what it says of itself."""

    def __init__(self, namespace, site, serve, tmp_path):
        self.namespace, self.site, self.serve, self.path = namespace, site, serve, tmp_path / "t.conf"
        self.log, self.server = tmp_path / "access.log", None

    def start(self, workers, *options, more=""):
        self.path.write_text(f'workers = {workers}\nlog {{ access = "{self.log}" format = "json" }}\n{more}\n'
                             f'site "a" {{ root = "{self.site}" location "/.taphouse/" {{ status = true }}'
                             ' location "/wire" { wire = true } location "/chat/" { websocket = "chat" } }\n')
        self.server = self.serve("--config", self.path, *options, directory=None)
        return self.server

    def status(self):
        return json.loads(self.namespace.curl(f"{STATUS}/status.json").stdout)

    def connect(self, connections):
        """A client that keeps its connections until its standard input is closed."""
        client = self.namespace.start("/usr/bin/python3", "-c", CLIENT, connections, sha256(self.site / "1k.bin"),
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert json.loads(client.stdout.readline()) == [2 * connections, 0]
        return client

    def hup(self):
        """Sends SIGHUP, and waits until it is in use."""
        before = len(self.server.errors.read_text())
        self.server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "is in use" in self.server.errors.read_text()[before:])


@pytest.fixture
def crew(namespace, site, serve, tmp_path):
    (site / "large.bin").write_bytes(random.Random(3).randbytes(20 << 20))
    return Crew(namespace, site, serve, tmp_path)


def end(client):
    client.communicate(timeout=20)
    assert client.returncode == 0


def has_threads(server, n):
    """ip has become taphouse. ThreadSanitizer has a thread of its own."""
    n += b"__tsan_init" in pathlib.Path(os.environ["TAPHOUSE"]).read_bytes()
    return len(os.listdir(f"/proc/{server.process.pid}/task")) == n


def wait_until_busy(crew, downloads):
    """So many are under way, beside the question; and more of each is to come than fits into buffers."""
    wait_until(lambda: crew.status()["http"][0]["busy"] > downloads)


def all_were_taken(crew):
    """What one hands over another takes; each is asked at another moment, so it may be under way once, and not always."""
    rows = crew.status()["workers"]
    return sum(row["handed_over"] for row in rows) == sum(row["taken_over"] for row in rows)


def assert_all_served(before, after, connections):
    rows = list(zip(before["workers"], after["workers"]))
    served = [b["requests"] - a["requests"] for a, b in rows]
    assert min(served) > 2 * connections / len(rows) / 3, served
    assert sum(served) == 2 * connections + 1  # the first question, too
    assert after["http"][0]["requests"] == sum(r["requests"] for r in after["workers"])
    assert after["tcp_now"]["connections"] == sum(r["connections"] for r in after["workers"])
    assert after["tcp"]["OutRsts"] == 0 and after["tcp"]["EstabResets"] == 0
    assert all(r["handing_over_dropped"] == 0 for r in after["workers"]), after["workers"]


@pytest.mark.parametrize("workers", [2, 3])
def test_all_serve_and_the_sums_are_right(crew, workers):
    crew.start(workers)
    before = crew.status()
    client = crew.connect(500)
    after = crew.status()
    assert [r["worker"] for r in after["workers"]] == list(range(workers)) and after["steering"] == "flow"
    assert after["tcp_now"]["connections"] == 501
    assert_all_served(before, after, 500)
    wait_until(lambda: all_were_taken(crew))
    end(client)
    assert crew.server.stop() == 0


def test_connections_of_all_are_told_of(crew):
    crew.start(2)
    client = crew.connect(100)
    told = json.loads(crew.namespace.curl(f"{STATUS}/connections.json").stdout)
    assert len(told["connections"]) == 101 and not told["truncated"]
    assert len({c["id"] for c in told["connections"]}) == 101
    assert {c["id"] % 2 for c in told["connections"]} == {0, 1}  # of either worker
    assert told["you"]["remote_port"] in {c["remote_port"] for c in told["connections"]}
    metrics = crew.namespace.curl(f"{STATUS}/metrics").stdout
    now = [int(n) for n in re.findall(r'^taphouse_worker_connections\{worker="\d"\} (\d+)$', metrics, re.M)]
    assert len(now) == 2 and sum(now) == 101
    assert "\ntaphouse_tcp_connections 101\n" in metrics
    end(client)


def test_many_ask_at_once(crew):
    """Also while their clients leave before they are answered."""
    crew.start(2)
    load = crew.namespace.run("wrk", "-t1", "-c20", "-d1s", f"{STATUS}/status.json")
    assert int(re.search(r"(\d+) requests in", load.stdout)[1]) > 20, load.stdout
    status = crew.status()
    assert status["http"][0]["responses"]["2xx"] > 20
    assert len(status["workers"]) == 2


def test_downloads_stay_intact_through_reloads(crew, tmp_path):
    crew.start(2)
    downloads = [crew.namespace.start("curl", "-sS", "--max-time", "40", "--limit-rate", "400k", "-o",
                                      tmp_path / f"got-{i}", f"{URL}/1m.bin") for i in range(6)]
    load = run_load(crew.namespace, 3)
    for i in range(10):
        crew.path.write_text(crew.path.read_text() + f"# {i}\n")
        crew.hup()
    assert_no_request_was_lost(load)
    for i, download in enumerate(downloads):
        assert download.wait(30) == 0
        assert sha256(tmp_path / f"got-{i}") == sha256(crew.site / "1m.bin")
    status = crew.status()
    assert status["reload"]["done"] == 10 and status["tcp"]["OutRsts"] == 0
    assert all(r["requests"] > 0 for r in status["workers"])


def test_what_one_cannot_open_none_uses(crew, tmp_path):
    crew.start(2)
    good = crew.path.read_text()
    crew.path.write_text(good.replace("access.log", "missing/access.log").replace(str(crew.site), str(tmp_path)))
    crew.server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "in use stays" in crew.server.errors.read_text())
    client = crew.connect(50)
    end(client)
    assert crew.status()["reload"] == {"done": 0, "refused": 1, "cut_off": 0}
    crew.path.write_text(good)
    crew.hup()


def test_sigterm_drains_all(crew, tmp_path):
    crew.start(2)
    idle = crew.connect(40)
    downloads = [crew.namespace.start("curl", "-sS", "--max-time", "40", "--limit-rate", "5M", "-o",
                                      tmp_path / f"got-{i}", f"{URL}/large.bin") for i in range(6)]
    wait_until_busy(crew, 6)
    crew.server.process.send_signal(signal.SIGTERM)
    end(idle)
    assert crew.server.process.wait(20) == 0
    for i, download in enumerate(downloads):
        assert download.wait(10) == 0
        assert sha256(tmp_path / f"got-{i}") == sha256(crew.site / "large.bin")


def test_a_second_sigterm_ends_all_at_once(crew, tmp_path):
    crew.start(2, more='drain_timeout = "60s"')
    slow = [crew.namespace.start("curl", "-sS", "--max-time", "60", "--limit-rate", "10k", "-o", "/dev/null",
                                 f"{URL}/large.bin", stderr=subprocess.DEVNULL) for _ in range(4)]
    wait_until_busy(crew, 4)
    crew.server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: crew.namespace.curl("-o", "/dev/null", URL, check=False).returncode != 0)
    assert crew.server.process.poll() is None
    assert crew.server.stop() == 0
    for download in slow:  # they read what has arrived, for long
        download.kill()
        download.wait(10)


def test_log_lines_stay_whole_and_sigusr1_opens_anew(crew, tmp_path):
    crew.start(3)
    load = run_load(crew.namespace, 2)
    moved = tmp_path / "moved.log"
    wait_until(lambda: crew.log.exists() and crew.log.stat().st_size > 100000)
    crew.log.rename(moved)
    crew.server.process.send_signal(signal.SIGUSR1)
    assert_no_request_was_lost(load)
    requests = crew.status()["http"][0]["requests"] + 1
    assert crew.server.stop() == 0
    lines = [json.loads(line) for file in (moved, crew.log) for line in file.read_text().splitlines()]
    assert len(lines) == requests
    assert {line["connection"] % 3 for line in lines} == {0, 1, 2}
    assert crew.log.stat().st_size > 0


def test_tickets_of_one_are_good_at_all(crew, tmp_path):
    server = crew.start(3, "--self-signed")
    session = tmp_path / "session"
    talk = ("openssl", "s_client", "-connect", f"{ADDRESS}:443", "-tls1_2")
    first = crew.namespace.run(*talk, "-sess_out", session, stdin=subprocess.DEVNULL).stdout
    assert "New, TLSv1.2" in first
    shown = re.search(r"BEGIN CERTIFICATE.*END CERTIFICATE", first, re.S)[0]
    for _ in range(12):
        said = crew.namespace.run(*talk, "-sess_in", session, stdin=subprocess.DEVNULL).stdout
        assert "Reused, TLSv1.2" in said, said
    tls = json.loads(crew.namespace.curl("-k", f"https://{ADDRESS}/.taphouse/status.json").stdout)["tls"]
    assert tls["resumed"] == 12 and tls["full"] == 2
    for _ in range(4):
        assert shown in crew.namespace.run(*talk, stdin=subprocess.DEVNULL).stdout
    assert server.stop() == 0


def test_cookies_of_fast_open_of_one_are_good_at_all(crew):
    crew.start(3, more="tcp { fast_open = true }")
    crew.namespace.run("sysctl", "-qw", "net.ipv4.tcp_fastopen=1")
    assert request(crew.namespace) == "after the handshake"
    for _ in range(12):
        assert request(crew.namespace) == "with the SYN"


def test_one_client_stays_with_one_worker(crew):
    crew.start(2, more='device "tap:taphouse0" { steering = "address" }')
    end(crew.connect(100))
    status = crew.status()
    assert status["steering"] == "address"
    assert sorted(r["requests"] for r in status["workers"])[0] == 0
    assert "viewers see" not in crew.server.errors.read_text()


@pytest.mark.parametrize("steering, said", [("flow", "2 workers, which share the connections from here"),
                                            ("address", "2 workers; all connections from here are with number")])
def test_the_live_page_says_whose_connections_it_shows(crew, tmp_path, steering, said):
    crew.start(2, more=f'device "tap:taphouse0" {{ steering = "{steering}" }}')
    browser = Chromium(crew.namespace, tmp_path / "profile")
    try:
        browser.open(f"{STATUS}/")
        browser.wait(f"document.getElementById('server').textContent.includes({json.dumps(said)})")
        if steering == "address":
            browser.wait("document.querySelectorAll('.ladder-shaft').length > 5")
        for width, scheme in ((1280, "light"), (400, "dark")):
            browser.look(screenshots(tmp_path) / f"workers-{steering}-{width}-{scheme}.png", width, scheme)
    finally:
        browser.close()


# So many guests of one room, each of whom says its number; how many each has heard of them.
CHAT = f"""
import asyncio, websockets
async def main():
    guests = [await websockets.connect("ws://{ADDRESS}/chat/room") for _ in range(24)]
    for i, guest in enumerate(guests):
        await guest.send(str(i))
    for guest in guests:
        heard = {{await asyncio.wait_for(guest.recv(), 20) for _ in guests}}
        print(len(heard), flush=True)
    for guest in guests:
        await guest.close()
asyncio.run(main())
"""


def test_a_chat_is_one_at_all_workers(crew):
    crew.start(3)
    heard = crew.namespace.run("/usr/bin/python3", "-c", CHAT).stdout
    assert heard == "24\n" * 24
    sent = crew.status()["websocket"]
    assert sent["messages_in"] == 24 and sent["messages_out"] == 24 * 24


def connect_times(namespace):
    return [float(namespace.curl("-o", "/dev/null", "-w", "%{time_connect}", f"{URL}/1k.bin").stdout) for _ in range(12)]


def test_a_wire_of_ones_own_is_one_at_all_workers(crew):
    crew.start(2)
    crew.namespace.curl("-f", "-d", "delay_ms=60", f"{URL}/wire")
    assert min(connect_times(crew.namespace)) > 0.06
    assert all(r["requests"] > 0 for r in crew.status()["workers"])
    crew.namespace.curl("-f", "-X", "DELETE", f"{URL}/wire")
    assert sorted(connect_times(crew.namespace))[9] < 0.06


def test_viewers_are_told_what_they_do_not_see(crew):
    crew.start(2)
    assert "several workers: viewers see events of their own worker's connections" in crew.server.errors.read_text()


def test_one_worker_has_but_its_helper(crew):
    server = crew.start(1)
    wait_until(lambda: has_threads(server, 2))


def test_each_has_its_helper(crew):
    server = crew.start(3)
    wait_until(lambda: has_threads(server, 6))


@pytest.mark.parametrize("option, said", [("--pcap=x.pcapng", "pcap: a capture is of one worker"),
                                          ("--trace", "--trace tells of one worker")])
def test_what_is_of_one_is_refused(namespace, site, option, said):
    answer = namespace.run(os.environ["TAPHOUSE"], "serve", site, "--workers", 2, option, check=False)
    assert answer.returncode == 1 and said in answer.stderr, answer.stderr
    assert not pathlib.Path("x.pcapng").exists()


def test_a_device_that_cannot_be_opened_is_told_of(namespace, site):
    answer = namespace.run(os.environ["TAPHOUSE"], "serve", site, "--workers", 3, "--device", "packet:nosuch0",
                           "--address", f"{ADDRESS}/24", check=False)
    assert answer.returncode == 1 and "no interface nosuch0" in answer.stderr, answer


@pytest.mark.parametrize("device", ["packet", "xdp"])
def test_other_devices_too(site, tmp_path, device):
    if device == "xdp" and (not built_with("xdp 1") or is_sanitized()):
        pytest.skip("built without AF_XDP")
    near, far = Namespace(), Namespace()
    try:
        subprocess.run(["ip", "link", "add", "eth0", "netns", near.name, "numtxqueues", "2", "numrxqueues", "2",
                        "type", "veth", "peer", "name", "eth0", "netns", far.name, "numtxqueues", "2",
                        "numrxqueues", "2"], check=True)
        near.run("ip", "address", "add", "10.77.0.1/24", "dev", "eth0")
        for namespace in (near, far):
            namespace.run("ip", "link", "set", "eth0", "up")
        path = tmp_path / "t.conf"
        path.write_text(f'workers = 2\ndevice "{device}:eth0" {{ address = {{"{ADDRESS}/24"}} }}\n'
                        f'site "a" {{ root = "{site}" location "/.taphouse/" {{ status = true }} }}\n')
        server = Server(far, None, "--config", path, tmp_path=tmp_path)
        try:
            crew = Crew(near, site, None, tmp_path)
            before = crew.status()
            client = crew.connect(200)
            assert_all_served(before, crew.status(), 200)
            wait_until(lambda: all_were_taken(crew))
            end(client)
            assert server.stop() == 0
        finally:
            server.kill()
    finally:
        near.remove()
        far.remove()
