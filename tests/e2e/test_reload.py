"""SIGHUP: the configuration is read again under load, and no request is lost; what is wrong with it changes nothing.

SIGTERM under load: what is being answered is answered whole.
"""

import os
import re
import signal
import subprocess
import time

import pytest
from conftest import ADDRESS, TAPHOUSE, is_sanitized, sha256, wait_until

URL = f"http://{ADDRESS}"

# A client that is driven: each line on standard input is bytes to send (repr); what comes within a moment is printed.
TALK = f"""
import ast, socket, ssl, sys
s = socket.create_connection(("{ADDRESS}", int(sys.argv[1])), 10)
if sys.argv[1] == "443":
    s = ssl._create_unverified_context().wrap_socket(s)
print("connected", flush=True)
for line in sys.stdin:
    s.sendall(ast.literal_eval(line))
    got = b""
    s.settimeout(10)
    while not got.endswith(b"\\n"):
        piece = s.recv(65536)
        if not piece:
            break
        got += piece
    print(repr(got), flush=True)
"""


class Talk:
    """One connection that stays open; what is asked for ends with a line end."""

    def __init__(self, namespace, port=80):
        self.process = namespace.start("/usr/bin/python3", "-c", TALK, port, stdin=-1, stdout=-1, text=True)
        assert self.process.stdout.readline() == "connected\n"

    def ask(self, data):
        self.process.stdin.write(repr(data) + "\n")
        self.process.stdin.flush()
        return eval(self.process.stdout.readline())

    def close(self):
        self.process.communicate(timeout=10)


def get(path, more=b""):
    return b"GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n" % (path, more)


class Config:
    """A configuration file that is rewritten, and the server that reads it."""

    def __init__(self, tmp_path, site, serve):
        self.path, self.root, self.errors_before = tmp_path / "t.conf", site, 0
        self.write()
        self.server = None
        self.start = lambda *options: setattr(self, "server", serve("--config", self.path, *options, directory=None)) or self.server

    def write(self, text=None, *, root=None, listen="80", tls="", more=""):
        tls = f"listen_tls = {tls} self_signed = true" if tls else ""
        self.path.write_text(text or f'site "a" {{ root = "{root or self.root}" listen = {{{listen}}} {tls} }}\n{more}')

    def errors(self):
        return self.server.errors.read_text()

    def hup(self, expect="is in use"):
        """Sends SIGHUP and waits for what the error log says of it."""
        before = len(self.errors())
        self.server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: re.search(r"SIGHUP: .*\n", self.errors()[before:]), self.errors)
        said = self.errors()[before:]
        assert expect in said, said
        return said


@pytest.fixture
def config(tmp_path, site, serve):
    return Config(tmp_path, site, serve)


@pytest.fixture
def other(tmp_path):
    """Another root."""
    root = tmp_path / "other"
    root.mkdir()
    (root / "hello.txt").write_text("other\n")
    return root


def test_another_root_reaches_idle_connections_too(config, namespace, other):
    config.start()
    talk = Talk(namespace)
    assert talk.ask(get(b"/hello.txt")).endswith(b"\r\n\r\nhello\n")
    config.write(root=other)
    config.hup()
    assert namespace.curl(f"{URL}/hello.txt").stdout == "other\n"
    answer = talk.ask(get(b"/hello.txt"))
    assert answer.endswith(b"\r\n\r\nother\n") and b"Connection: close" not in answer
    talk.close()


def test_a_request_under_way_is_answered_by_the_old(config, namespace, other):
    config.start()
    talk = Talk(namespace)
    assert talk.ask(get(b"/hello.txt")).endswith(b"hello\n")
    first = get(b"/hello.txt") + get(b"/hello.txt")[:-10]
    assert talk.ask(first).endswith(b"hello\n")
    config.write(root=other)
    config.hup()
    assert talk.ask(get(b"/hello.txt")[-10:]).endswith(b"hello\n")
    assert talk.ask(get(b"/hello.txt")).endswith(b"other\n")
    talk.close()


def test_listeners_come_and_go(config, namespace):
    config.start()
    assert namespace.curl(f"{URL}:8080/", check=False).returncode == 7
    config.write(listen="80, 8080")
    config.hup()
    assert namespace.curl(f"{URL}:8080/hello.txt").stdout == "hello\n"
    talk = Talk(namespace, 8080)
    assert talk.ask(get(b"/hello.txt")).endswith(b"hello\n")
    config.write()
    config.hup()
    assert namespace.curl(f"{URL}:8080/", check=False).returncode == 7
    answer = talk.ask(get(b"/hello.txt"))  # what is open is not cut off, but ends
    assert answer.endswith(b"hello\n") and b"Connection: close" in answer
    talk.close()
    assert namespace.curl(f"{URL}/hello.txt").stdout == "hello\n"


@pytest.mark.parametrize("text, complaint", [
    ('site "a" {\n\troot = "@"\n\tlisten = {80, 99999}\n}\n', r't\.conf:3: listen: "99999" is not a port'),
    ('site "a" {\n\troot = "/nowhere"\n}\n', r't\.conf:2: root: directory "/nowhere": No such file'),
    ('site "a" { root = "@"\n', r"t\.conf:1: this brace never ends"),
    ('site "a" { root = "@" }\nlog { access = "/nowhere/a.log" }\n', r"t\.conf:2: access: "),
    ('site "a" { root = "@" location "/f" { form = "/proc/f" } }\n', r"form file /proc/f: cannot be opened"),
    ('site "a" { root = "@" listen = {80, 8080} }\nlog { access = "/proc/a.log" }\n', r"log file /proc/a\.log"),
    (None, r"t\.conf: cannot be opened: No such file"),
])
def test_a_bad_configuration_changes_nothing(config, namespace, text, complaint):
    config.start()
    talk = Talk(namespace)
    if text is None:
        config.path.unlink()
    else:
        config.write(text.replace("@", str(config.root)))
    said = config.hup(expect="the configuration in use stays")
    assert re.search("^error .*server: SIGHUP: .*" + complaint, said, re.M), said
    assert talk.ask(get(b"/hello.txt")).endswith(b"hello\n")
    talk.close()
    assert namespace.curl(f"{URL}:8080/", check=False).returncode == 7
    assert namespace.curl(f"{URL}/hello.txt").stdout == "hello\n"
    config.write()
    config.hup()
    assert namespace.curl(f"{URL}/hello.txt").stdout == "hello\n"


def test_what_needs_a_restart_is_told_and_kept(config, namespace):
    config.start()
    config.write(more='workers = 1 user = "nobody"\ntcp { msl = "1s" keepalive = true }\n'
                 'device "tap:other" { address = {"192.0.2.7/24"} pcap = "x.pcap" }\n')
    said = config.hup()
    for name in ("user", "tcp msl", "device address", "device pcap"):
        assert f"server: {name} has changed: that needs a restart" in said, said
    assert "tap:other: that needs a restart" in said and "keepalive" not in said
    assert namespace.curl(f"{URL}/hello.txt").stdout == "hello\n"
    config.write()
    assert "restart" not in config.hup()


def test_logs_change(config, namespace, tmp_path):
    config.start()
    namespace.curl(f"{URL}/hello.txt")
    config.write(more=f'log {{ access = "{tmp_path}/a.log" format = "json" error = "{tmp_path}/e.log" }}\n')
    config.server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: (tmp_path / "e.log").exists() and "is in use" in (tmp_path / "e.log").read_text())
    namespace.curl(f"{URL}/1k.bin", text=False)
    assert config.server.stop() == 0
    assert (tmp_path / "a.log").read_text().startswith('{"time":')
    assert "/1k.bin" not in config.server.output() and "/hello.txt" in config.server.output()


def test_who_gave_up_root_is_told_what_it_may_not_read(config, namespace, other, tmp_path):
    for directory in (tmp_path, *tmp_path.parents):  # pytest's are for their owner alone
        if directory.stat().st_uid == 0 and str(directory).startswith("/tmp/"):
            directory.chmod(0o755)
    config.start("--user", "nobody")
    other.chmod(0o700)
    config.write(root=other)
    said = config.hup(expect="the configuration in use stays")
    assert f'cannot open the root "{other}" of site "a": Permission denied' in said and 'read as user "nobody"' in said
    assert namespace.curl(f"{URL}/hello.txt").stdout == "hello\n"
    other.chmod(0o755)
    config.hup()
    assert namespace.curl(f"{URL}/hello.txt").stdout == "other\n"


def test_who_gave_up_root_does_not_start_with_a_root_it_may_not_enter(namespace, other):
    other.chmod(0o700)
    answer = namespace.run(TAPHOUSE, "serve", other, "--user", "nobody", check=False)
    assert answer.returncode == 1
    assert answer.stderr == ('taphouse: as user "nobody": the root of site "default" cannot be entered: '
                             "Permission denied\n")


def run_load(namespace, seconds, *options, url=URL):
    return namespace.start("wrk", "-t1", "-c50", f"-d{seconds}s", "--timeout", "10s", *options, f"{url}/hello.txt",
                           stdout=subprocess.PIPE, text=True)


def assert_no_request_was_lost(load):
    said = load.communicate(timeout=30)[0]
    assert load.returncode == 0
    assert "Socket errors" not in said and "Non-2xx" not in said, said
    assert int(re.search(r"(\d+) requests in", said)[1]) > 1000, said


def test_twenty_reloads_under_load_lose_no_request(config, namespace, other, tmp_path, site):
    (tmp_path / "a.log").touch()
    quiet = f'log {{ access = "{tmp_path}/a.log" }}\nhttp {{ keepalive_requests = 4000000000 }}\n'
    config.write(more=quiet)
    config.start()
    kept = run_load(namespace, 6)
    short = run_load(namespace, 6, "-H", "Connection: close")
    target = tmp_path / "got"
    slow = namespace.start("curl", "-sS", "--max-time", "30", "--limit-rate", "200k", "-o", target, f"{URL}/1m.bin")
    wait_until(target.exists)
    for i in range(20):
        config.write(root=other if i % 2 == 0 else site, listen="80, 8080" if i % 3 == 0 else "80",
                     more=quiet if i % 5 != 4 else quiet + "nonsense = 1\n")
        config.hup(expect="SIGHUP")
        time.sleep(0.2)
    for load in (kept, short):
        assert_no_request_was_lost(load)
    assert slow.wait(30) == 0
    assert sha256(target) == sha256(site / "1m.bin")
    assert config.server.stop() == 0
    statuses = {line.rsplit('" ', 3)[1].split()[0] for line in (tmp_path / "a.log").read_text().splitlines()}
    assert statuses <= {"200", "499"}, statuses  # wrk leaves in the middle of its last requests


def test_tls_connections_go_over_too(config, namespace, other, site):
    config.write(tls="443")
    config.start()
    talk = Talk(namespace, 443)
    assert talk.ask(get(b"/hello.txt")).endswith(b"\r\n\r\nhello\n")
    load = run_load(namespace, 3, url=f"https://{ADDRESS}")
    for i in range(8):
        config.write(tls="443", root=site if i % 2 else other)
        config.hup()
        answer = talk.ask(get(b"/hello.txt"))
        assert answer.endswith(b"hello\n" if i % 2 else b"other\n") and b"Connection: close" not in answer
        time.sleep(0.2)
    assert_no_request_was_lost(load)
    talk.close()


def test_reloads_leave_nothing_behind(config, namespace):
    config.start()

    def descriptors():
        return len(os.listdir(f"/proc/{config.server.process.pid}/fd"))

    def memory():
        return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{config.server.process.pid}/status").read())[1])

    def reload_and_ask(times):
        for _ in range(times):
            talk = Talk(namespace)
            talk.ask(get(b"/hello.txt"))
            config.hup()
            talk.ask(get(b"/1k.bin", b"Connection: close\r\n") + get(b"/hello.txt"))
            talk.close()

    reload_and_ask(5)
    open_before, kib_before = descriptors(), memory()
    reload_and_ask(30)
    # The last generation is freed when its last connection has left.
    wait_until(lambda: descriptors() <= open_before, lambda: (descriptors(), open_before))
    if not is_sanitized():
        assert memory() < kib_before + 2048  # a generation takes up more than 30th of that


# Reads a long response slowly, until the connection is reset.
READER = f"""
import socket, time
s = socket.create_connection(("{ADDRESS}", 80), 10)
s.sendall(b"GET /32m.bin HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
s.recv(100)
print("begun", flush=True)
try:
    while s.recv(10000):
        time.sleep(0.01)
except ConnectionResetError:
    print("reset")
"""


def test_old_configurations_in_use_are_bounded(config, namespace, site):
    with open(site / "32m.bin", "wb") as file:
        file.truncate(32 << 20)  # more than send buffers hold: the response stays under way
    config.start()
    readers = []
    for i in range(9):
        readers.append(namespace.start("/usr/bin/python3", "-c", READER, stdout=-1, text=True))
        assert readers[i].stdout.readline() == "begun\n"
        said = config.hup()
        assert ("more than 8 old configurations are in use: connections cut off that the oldest had: 1" in said) == (i == 8)
    assert readers[0].communicate(timeout=10)[0] == "reset\n"
    assert all(reader.poll() is None for reader in readers[1:])
    assert namespace.curl(f"{URL}/hello.txt").stdout == "hello\n"
    for reader in readers[1:]:
        reader.kill()
        reader.communicate()
    config.hup()


CLIENTS = f"""
import socket, sys, threading

def run():
    whole = 0
    try:
        while True:
            s = socket.create_connection(("{ADDRESS}", 80), 10)
            f = s.makefile("rb")
            for _ in range(20):
                s.sendall(b"GET /1m.bin HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
                line = f.readline()
                if not line:
                    break  # it ended between two requests
                while line != b"\\r\\n":
                    assert line, "torn in the head"
                    line = f.readline()
                got = len(f.read(1 << 20))
                assert got == 1 << 20, "torn at %d" % got
                whole += 1
    except OSError:
        pass  # no more connections, or none that answers; or a request that crossed the end of its connection
    counts.append(whole)

counts = []
threads = [threading.Thread(target=run) for _ in range(20)]
for t in threads:
    t.start()
print("running", flush=True)
for t in threads:
    t.join()
print(len(counts), sum(counts))
"""


def test_sigterm_under_load_tears_no_answer(serve, namespace):
    server = serve()
    clients = namespace.start("/usr/bin/python3", "-c", CLIENTS, stdout=-1, stderr=-1, text=True)
    assert clients.stdout.readline() == "running\n"
    time.sleep(1)
    assert server.stop(timeout=15) == 0
    said, complaints = clients.communicate(timeout=20)
    finished, whole = map(int, said.split())
    assert not complaints and finished == 20 and whole > 20, (said, complaints)
    assert "cut off" not in server.errors.read_text()
