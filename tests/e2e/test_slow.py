"""Clients that are slow on purpose, thousands at once: others are answered all the same."""

import random
import re
import shutil
import subprocess
import time

import pytest

from conftest import ADDRESS, Namespace, Server

# Sockets that ask for a large file and take 512 bytes of it now and then.
SLOW_READERS = """
import socket, time
readers = []
for _ in range(400):
    s = socket.create_connection(("%s", 80), 10)
    s.sendall(b"GET /8m.bin HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    s.setblocking(False)
    readers.append(s)
print("ready", flush=True)
while True:
    for s in readers:
        try:
            s.recv(512)
        except BlockingIOError:
            pass
    time.sleep(0.05)
""" % ADDRESS


@pytest.fixture
def large_site(site):
    (site / "8m.bin").write_bytes(random.Random(3).randbytes(8 << 20))
    return site


def time_of(namespace, path):
    """Seconds that a whole request takes."""
    out = namespace.curl("-o", "/dev/null", "-w", "%{http_code} %{time_total}", f"http://{ADDRESS}{path}").stdout
    status, seconds = out.split()
    assert status == "200"
    return float(seconds)


def test_slow_readers_of_a_large_file_starve_nobody(serve, namespace, large_site):
    serve(directory=large_site)
    attack = namespace.start("/usr/bin/python3", "-c", SLOW_READERS, stdout=subprocess.PIPE)
    try:
        assert attack.stdout.readline() == b"ready\n"
        for _ in range(5):
            assert time_of(namespace, "/hello.txt") < 1
            assert time_of(namespace, "/8m.bin") < 1
            time.sleep(0.3)
    finally:
        attack.kill()
        attack.wait()


# slowhttptest's modes, with options that make them bite: data within our time limits, and a large file to be read.
MODES = {
    "slow-headers": ["-H", "-i", "2", "-x", "24", "-u", f"http://{ADDRESS}/"],
    "slow-body": ["-B", "-i", "2", "-s", "8192", "-x", "10", "-u", f"http://{ADDRESS}/echo"],
    "range": ["-R", "-a", "10", "-b", "3000", "-t", "HEAD", "-u", f"http://{ADDRESS}/8m.bin"],
    "slow-read": ["-X", "-w", "512", "-y", "1024", "-n", "2", "-z", "32", "-k", "3", "-u", f"http://{ADDRESS}/8m.bin"],
}
CONNECTIONS = 2000


class Attack:
    """slowhttptest against a server of its own."""

    def __init__(self, mode, site, tmp_path):
        self.namespace = Namespace()
        config = tmp_path / f"{mode}.conf"
        config.write_text(f'''site "e2e" {{ root = "{site}" location "/echo" {{ echo = true }} }}\n''')
        self.report = tmp_path / f"{mode}.txt"
        self.server = Server(self.namespace, "--config", config, tmp_path=tmp_path)
        with open(self.report, "wb") as report:
            self.process = self.namespace.start(
                "slowhttptest", "-c", CONNECTIONS, "-r", "1000", "-l", "12", "-p", "3", *MODES[mode],
                stdout=report, stderr=subprocess.STDOUT,
            )

    def connections(self):
        """Most that it had at once, by its own account, or finished, by ours: those of the range attack are over
        when they are answered."""
        text = re.sub(r"\x1b\[[\d;]*[A-Za-z]", "", self.report.read_text(errors="replace"))
        at_once = max(map(int, re.findall(r"connected:\s*(\d+)", text)), default=0)
        return max(at_once, self.server.output().count("HEAD /8m.bin"))

    def end(self):
        self.process.kill()
        self.process.wait()
        self.server.kill()
        self.namespace.remove()


@pytest.fixture
def attacks(large_site, tmp_path):
    """All four modes at once."""
    under_way = {}
    try:
        for mode in MODES:
            under_way[mode] = Attack(mode, large_site, tmp_path)
        yield under_way
    finally:
        for attack in under_way.values():
            attack.end()


@pytest.mark.skipif(shutil.which("slowhttptest") is None, reason="slowhttptest is not installed")
def test_slowhttptest(attacks):
    slowest = dict.fromkeys(attacks, 0)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for mode, attack in attacks.items():
            for path in ("/hello.txt", "/8m.bin"):
                slowest[mode] = max(slowest[mode], time_of(attack.namespace, path))
        time.sleep(0.3)
    assert all(seconds < 1 for seconds in slowest.values()), slowest
    for mode, attack in attacks.items():
        attack.process.wait(timeout=20)
        assert attack.connections() > 0.9 * CONNECTIONS, mode


def limits(tmp_path, site, keys):
    file = tmp_path / "limits.conf"
    file.write_text(f'http {{ {keys} }}\nsite "e2e" {{ root = "{site}" location "/echo" {{ echo = "octet" }} }}\n')
    return file


# Sends a body of 2,400 bytes in pieces, ten a second; says what came back, and after how long.
BODY = """
import socket, sys, time
piece = int(sys.argv[1])
s = socket.create_connection(("%s", 80), 10)
s.sendall(b"POST /echo HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 2400\\r\\n\\r\\n")
begun, left = time.monotonic(), 2400
s.settimeout(0.1)
answer = b""
while not answer and time.monotonic() < begun + 20:
    if left > 0:
        s.sendall(b"x" * min(piece, left))
        left -= piece
    try:
        answer = s.recv(100)
    except TimeoutError:
        pass
print(answer[:12].decode(), time.monotonic() - begun)
""" % ADDRESS


def test_a_body_must_keep_a_rate(serve, namespace, large_site, tmp_path):
    serve("--config", limits(tmp_path, large_site, 'body_timeout = "2s" min_body_rate = 400'))
    protocol, status, seconds = namespace.run("/usr/bin/python3", "-c", BODY, 20).stdout.split()
    assert status == "408" and 1.9 < float(seconds) < 4
    protocol, status, seconds = namespace.run("/usr/bin/python3", "-c", BODY, 60).stdout.split()
    assert status == "200" and float(seconds) > 3.5  # longer than the timeout


# Reads a large file at so many bytes ten times a second, and says when it was cut off.
READER = """
import socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
s.settimeout(10)
s.connect(("%s", 80))
s.sendall(b"GET /8m.bin HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
begun = time.monotonic()
while time.monotonic() < begun + 8:
    time.sleep(0.1)
    try:
        if not s.recv(int(sys.argv[1])):
            break
    except ConnectionResetError:
        break
print(time.monotonic() - begun)
""" % ADDRESS


def test_a_reader_must_keep_a_rate(serve, namespace, large_site, tmp_path):
    serve("--config", limits(tmp_path, large_site, 'send_timeout = "2s" min_send_rate = 4000'))
    assert float(namespace.run("/usr/bin/python3", "-c", READER, 100).stdout) < 7
    assert float(namespace.run("/usr/bin/python3", "-c", READER, 4000).stdout) >= 8


# Fills the table with connections that are idle, then wants one more; says which were closed.
CROWD = """
import socket, time
def connect():
    s = socket.create_connection(("%s", 80), 5)
    s.sendall(b"GET /hello.txt HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    while b"hello" not in s.recv(4096):
        pass
    return s
idle = [connect() for _ in range(20)]
connect()
idle[0].settimeout(5)
assert idle[0].recv(1) == b""
for s in idle[1:]:
    s.setblocking(False)
    try:
        assert not s.recv(1)
        print("closed")
    except BlockingIOError:
        print("open")
""" % ADDRESS


def test_the_longest_idle_makes_room(serve, namespace, site, tmp_path):
    serve("--config", limits(tmp_path, site, "max_connections = 20"))
    assert namespace.run("/usr/bin/python3", "-c", CROWD).stdout.split() == ["open"] * 19
