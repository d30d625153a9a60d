"""The logs: their formats, hostile input, rotation under load, a full disk."""

import json
import re
import signal
import subprocess

import pytest
from conftest import ADDRESS, raw, wait_until

URL = f"http://{ADDRESS}"
COMBINED = r'10\.77\.0\.1 - - \[[^\]]+\] "(?:[^"]*)" \d{3} \d+ "[^"]*" "[^"]*"'

# Sends GET after GET on one connection until it is told to stop; prints how many were answered.
CLIENT = f"""
import socket, sys, threading
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
s = socket.create_connection(("{ADDRESS}", 80), 10)
f, n = s.makefile("rb"), 0
while not stop.is_set():
    s.sendall(b"GET /hello.txt?%d HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n" % n)
    length = 0
    while (line := f.readline()) != b"\\r\\n":
        if not line:
            sys.exit("the server ended the connection")
        if line.startswith(b"Content-Length:"):
            length = int(line[15:])
    f.read(length)
    n += 1
print(n)
"""


@pytest.fixture
def configure(tmp_path, site, serve):
    """configure(format) serves the site with an access log of this format; gives the server and the log's path."""

    def start(form, path=None):
        log = path or tmp_path / "access.log"
        file = tmp_path / "t.conf"
        file.write_text(f'http {{ keepalive_requests = 4000000000 }}\nlog {{ access = "{log}" format = {form} }}\n'
                        f'site "e2e" {{ root = "{site}" location "/.taphouse/" {{ status = true }} }}\n')
        return serve("--config", file), log

    return start


def wait_for_lines(path, count):
    wait_until(lambda: len(path.read_bytes().splitlines()) >= count, path.read_bytes)
    return path.read_bytes().splitlines()


def test_combined_is_combined(configure, namespace):
    log = configure("combined")[1]
    namespace.curl("-H", "Referer: http://there/", "-A", "me", f"{URL}/hello.txt")
    line = wait_for_lines(log, 1)[0].decode()
    assert re.fullmatch(r'10\.77\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET /hello\.txt HTTP/1\.1" '
                        r'200 6 "http://there/" "me"', line)


def test_combined_with_tcp(configure, namespace):
    log = configure("combined-tcp")[1]
    namespace.curl("-A", "me", f"{URL}/hello.txt", f"{URL}/nothing")
    lines = [line.decode() for line in wait_for_lines(log, 2)]
    tail = (COMBINED + r' host="10\.77\.0\.2" request_time=0\.\d{6} connection=(\d+) connection_requests=(\d) rtt=(\d+) '
            r"retransmissions=0 bytes_received=(\d+) tls=- cipher=- resumed=0")
    first, second = (re.fullmatch(tail, line) for line in lines)
    assert first and second, lines
    assert first[1] == second[1] and (first[2], second[2]) == ("1", "2")
    assert int(second[3]) > 0 and int(second[4]) > int(first[4])


def test_json(configure, namespace):
    log = configure("json")[1]
    namespace.curl("-A", "me", f"{URL}/1k.bin", f"{URL}/1k.bin", text=False)
    rows = [json.loads(line) for line in wait_for_lines(log, 2)]
    assert [row["connection_requests"] for row in rows] == [1, 2]
    row = rows[1]
    assert (row["remote_addr"], row["port"], row["method"], row["target"], row["protocol"], row["status"]) == \
        ("10.77.0.1", 80, "GET", "/1k.bin", "HTTP/1.1", 200)
    assert (row["host"], row["user_agent"], row["referer"], row["user"]) == (ADDRESS, "me", None, None)
    assert row["body_bytes_sent"] == 1024 and 0 <= row["request_time"] < 10
    connections = json.loads(namespace.curl(f"{URL}/.taphouse/connections.json").stdout)["connections"]
    assert connections[0]["id"] > row["connection"] == rows[0]["connection"]


def test_tls_and_the_user_are_told(serve, namespace, site, tmp_path):
    hashed = subprocess.run(["openssl", "passwd", "-6", "open sesame"], capture_output=True, text=True, check=True).stdout
    (tmp_path / "users").write_text(f"ann:{hashed}")
    log, file = tmp_path / "access.log", tmp_path / "t.conf"
    file.write_text(f'log {{ access = "{log}" format = json }}\n'
                    f'site "e2e" {{ root = "{site}" listen_tls = 443 self_signed = true\n'
                    f'location "/sub/" {{ auth = "Cave" users = "{tmp_path}/users" }} }}\n')
    serve("--config", file, directory=None)
    namespace.curl("-k", "-u", "ann:open sesame", f"https://{ADDRESS}/sub/", f"https://{ADDRESS}/hello.txt")
    namespace.curl("-k", "-u", "ann:wrong", f"https://{ADDRESS}/sub/")
    sub, hello, wrong = (json.loads(line) for line in wait_for_lines(log, 3))
    assert (sub["status"], sub["user"], hello["user"], wrong["status"], wrong["user"]) == (200, "ann", None, 401, None)
    assert (sub["port"], sub["tls_version"], sub["tls_resumed"]) == (443, "TLSv1.3", False)
    assert sub["tls_cipher"].startswith("TLS_")


HOSTILE = [
    b"GET /\xff\xfe\xc3\x28 HTTP/1.1\r\nHost: x\r\nUser-Agent: \xed\xa0\x80\x80\r\n\r\n",
    b'GET /"},{"status":1 HTTP/1.1\r\nHost: x\r\n\r\n',
    b'GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: " 200 1 "-" "forged"\r\nReferer: \\" \\x22\r\n\r\n',
    b"GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: a\xc2\x85b\xe2\x80\xa8c\xc2\x9bd\tq\r\n\r\n",
    b"GET /\x1b[2J HTTP/1.1\r\nHost: x\r\n\r\n",
    b"G\x00T / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /%0d%0a10.0.0.1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nReferer: " + b"\xff" * 8000 + b"\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
]


@pytest.mark.parametrize("form", ["combined", "combined-tcp", "json"])
def test_a_line_cannot_be_forged(configure, namespace, form):
    log = configure(form)[1]
    for request in HOSTILE:
        raw(namespace, request, half_close=True)
    lines = wait_for_lines(log, len(HOSTILE))
    assert len(lines) == len(HOSTILE) == log.read_bytes().count(b"\n")
    for line in lines:
        text = line.decode("utf-8")
        assert len(text.splitlines()) == 1 and text.isprintable()
        if form == "json":
            assert list(json.loads(text)) == list(json.loads(lines[0]))
        else:
            assert re.match(COMBINED + ("$" if form == "combined" else ' host="'), text), text


def test_rotation_under_load_loses_no_line(configure, namespace, tmp_path):
    server, log = configure("json")
    client = namespace.start("/usr/bin/python3", "-c", CLIENT, stdin=-1, stdout=-1, text=True)
    for i in range(10):
        wait_for_lines(log, 50)  # they come while the server is busy
        log.rename(tmp_path / f"access.log.{i}")
        server.process.send_signal(signal.SIGUSR1)
        wait_until(log.exists, "the log was not opened anew")
    answered = int(client.communicate("", timeout=20)[0])
    assert client.returncode == 0
    assert server.stop() == 0
    files = [tmp_path / f"access.log.{i}" for i in range(10)] + [log]
    rows = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert [row["target"] for row in rows] == [f"/hello.txt?{n}" for n in range(answered)]
    assert not server.errors.read_text()


def test_lines_that_nobody_takes_are_counted(configure, namespace):
    server = configure("combined", "/dev/full")[0]
    for _ in range(3):
        namespace.curl(f"{URL}/hello.txt")
    status = json.loads(namespace.curl(f"{URL}/.taphouse/status.json").stdout)["log"]
    assert status == {"lines": 3, "lost": 3}
    assert "taphouse_log_lost_total 4\n" in namespace.curl(f"{URL}/.taphouse/metrics").stdout
    complaint = server.errors.read_text()
    assert re.fullmatch(r"error \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z log: /dev/full: lines are being lost: .*\n", complaint)
