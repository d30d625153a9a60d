"""The fastcgi location, with an application of our own (fastcgi_app.py): large bodies both ways, slow sides, and an
application that dies or says what it must not."""

import json
import re
import signal
import subprocess
import time

import pytest
from conftest import ADDRESS, raw, sha256, wait_until
from fastcgi_app import App

URL = f"http://{ADDRESS}/app"


@pytest.fixture
def app(tmp_path):
    application = App(tmp_path / "app.sock")
    yield application
    application.close()


@pytest.fixture
def start(tmp_path, site, serve):
    """start(keys, prefix, http): serves the application at /app/ or the prefix."""

    def start_(keys="", prefix="/app/", http="", address=None):
        config = tmp_path / "t.conf"
        config.write_text(f'http {{ {http} }}\nsite "e2e" {{ root = "{site}" max_body = "1G"\n'
                          f'  location "{prefix}" {{ fastcgi = "{address or f"unix:{tmp_path}/app.sock"}" {keys} }} }}\n')
        return serve("--config", config)

    return start_


def code(namespace, *args):
    return namespace.curl("-o", "/dev/null", "-w", "%{http_code}", *args, check=False).stdout


# ---- what is told ----


def test_a_request_becomes_variables(start, app, namespace):
    start('fastcgi_params = {"APP_ENV production", "EMPTY "}')
    got = json.loads(namespace.curl(
        "-H", "X-Own: a", "-H", "x-own: b", "-H", "X_Own: forged", "-H", "Proxy: evil", "-H", "Cookie: c=1",
        "-H", "Content-Type: text/x", "-d", "hello", f"{URL}/a%20b/env?x=1&y=%2f").stdout)
    params = got["params"]
    assert got["body"] == "hello"
    expected = {
        "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "POST", "QUERY_STRING": "x=1&y=%2f",
        "REQUEST_URI": "/app/a%20b/env?x=1&y=%2f", "SCRIPT_NAME": "/app", "PATH_INFO": "/a b/env",
        "SERVER_PROTOCOL": "HTTP/1.1", "SERVER_NAME": ADDRESS, "SERVER_ADDR": ADDRESS, "SERVER_PORT": "80",
        "REMOTE_ADDR": "10.77.0.1", "REQUEST_SCHEME": "http", "CONTENT_LENGTH": "5", "CONTENT_TYPE": "text/x",
        "HTTP_HOST": ADDRESS, "HTTP_X_OWN": "a, b", "HTTP_COOKIE": "c=1", "HTTP_ACCEPT": "*/*",
        "REDIRECT_STATUS": "200", "APP_ENV": "production", "EMPTY": "",
    }
    assert {name: params.get(name) for name in expected} == expected
    assert params["SERVER_SOFTWARE"].startswith("taphouse/") and params["REMOTE_PORT"].isdigit()
    for absent in ("HTTP_PROXY", "HTTPS", "SCRIPT_FILENAME", "HTTP_CONNECTION", "HTTP_CONTENT_LENGTH", "HTTP_EXPECT"):
        assert absent not in params


def test_who_has_given_a_password_is_told(start, app, namespace, tmp_path):
    hashed = subprocess.run(["openssl", "passwd", "-5", "secret"], check=True, capture_output=True, text=True).stdout
    (tmp_path / "users").write_text(f"ann:{hashed}")
    start(f'auth = "Team" users = "{tmp_path}/users"')
    params = json.loads(namespace.curl("-u", "ann:secret", f"{URL}/env").stdout)["params"]
    assert params["REMOTE_USER"] == "ann" and params["AUTH_TYPE"] == "Basic"
    assert "HTTP_AUTHORIZATION" not in params
    assert code(namespace, "-u", "ann:wrong", f"{URL}/env") == "401"
    assert len(app.requests) == 1


def test_large_heads_are_told_whole(start, app, namespace):
    start(http='max_headers = "300K"')
    fields = "".join(f"X-Long-{i}: {'v' * 60000}{i}\r\n" for i in range(4))
    got = raw(namespace, f"GET /app/env HTTP/1.0\r\n{fields}\r\n".encode()).stdout
    params = json.loads(got.partition(b"\r\n\r\n")[2])["params"]
    assert [params[f"HTTP_X_LONG_{i}"] for i in range(4)] == ["v" * 60000 + str(i) for i in range(4)]


def test_one_script_or_those_of_a_directory(start, app, namespace, tmp_path):
    scripts = tmp_path / "scripts"
    (scripts / "sub").mkdir(parents=True)
    for name in ("index.php", "sub/a.php", "photo.jpg", ".hidden.php"):
        (scripts / name).write_text("")
    start(f'fastcgi_root = "{scripts}"')

    def told(path):
        params = json.loads(namespace.curl(f"{URL}/{path}").stdout)["params"]
        return [params.get(name) for name in ("SCRIPT_NAME", "PATH_INFO", "SCRIPT_FILENAME", "DOCUMENT_ROOT")]

    assert told("") == ["/app/index.php", None, f"{scripts}/index.php", str(scripts)]
    assert told("sub/a.php") == ["/app/sub/a.php", None, f"{scripts}/sub/a.php", str(scripts)]
    assert told("sub/a.php/x/env") == ["/app/sub/a.php", "/x/env", f"{scripts}/sub/a.php", str(scripts)]
    for path in ("photo.jpg/x.php", "photo.jpg", "none.php", "sub/", ".hidden.php", "sub/../../t.conf/x.php"):
        assert code(namespace, "--path-as-is", f"{URL}/{path}") == "404", path


# ---- bodies ----


def test_a_large_upload_arrives(start, app, namespace, tmp_path):
    start()
    file = tmp_path / "up"
    file.write_bytes(b"0123456789abcdef" * (4 << 20))
    expected = f"{64 << 20} {sha256(file)}\n"
    assert namespace.curl("--data-binary", f"@{file}", f"{URL}/digest").stdout == expected
    assert namespace.curl("-T", file, f"{URL}/digest").stdout == expected
    small = tmp_path / "small"
    small.write_bytes(b"x" * 300000)
    assert namespace.curl("-H", "Transfer-Encoding: chunked", "-T", small, f"{URL}/digest").stdout == \
        f"300000 {sha256(small)}\n"
    assert app.requests[-1]["CONTENT_LENGTH"] == "300000"


def test_an_application_that_does_not_read_holds_the_client_up(start, app, namespace, tmp_path):
    server = start()
    file = tmp_path / "up"
    file.write_bytes(b"x" * (32 << 20))
    client = namespace.start("curl", "-sS", "--data-binary", f"@{file}", f"{URL}/slow_digest", stdout=-1)
    wait_until(lambda: app.requests)
    time.sleep(0.5)
    resident = int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{server.process.pid}/status").read())[1])
    assert resident < 24 << 10  # KiB: the file is not in there
    app.may_go_on.set()
    assert client.communicate(timeout=30)[0].decode() == f"{32 << 20} {sha256(file)}\n"


def test_a_large_download_arrives(start, app, namespace, tmp_path):
    start()
    expected = sha256(bytes(range(256)) * (256 << 10))
    for version in ("--http1.1", "--http1.0"):
        namespace.curl(version, "-o", tmp_path / "down", f"{URL}/big?{64 << 20}")
        assert sha256(tmp_path / "down") == expected


def test_a_slow_client_holds_the_application_up(start, app, namespace, tmp_path):
    start()
    client = namespace.start("curl", "-sS", "--limit-rate", "20M", "-o", tmp_path / "down", f"{URL}/big?{64 << 20}")
    wait_until(lambda: app.requests)
    time.sleep(0.5)
    assert app.done == 0
    assert client.wait(30) == 0
    assert (tmp_path / "down").stat().st_size == 64 << 20


def test_pieces_are_passed_on_as_they_come(start, app, namespace):
    start()
    got = raw(namespace, b"GET /app/pieces HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").stdout
    assert b"Transfer-Encoding: chunked\r\n" in got
    assert got.endswith(b"2\r\n0\n\r\n2\r\n1\n\r\n2\r\n2\n\r\n2\r\n3\n\r\n2\r\n4\n\r\n0\r\n\r\n")


def test_head_has_no_body(start, app, namespace):
    start()
    got = raw(namespace, b"HEAD /app/sized?10,10 HTTP/1.1\r\nHost: a\r\n\r\n"
              b"HEAD /app/big?1000000 HTTP/1.1\r\nHost: a\r\n\r\n"
              b"GET /hello.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").stdout
    assert got.count(b"HTTP/1.1 200 OK") == 3
    assert b"Content-Length: 10\r\n" in got and b"xxx" not in got and got.endswith(b"\r\n\r\nhello\n")


def test_an_early_answer_is_given_when_the_body_is_over(start, app, namespace, tmp_path):
    start()
    file = tmp_path / "up"
    file.write_bytes(b"x" * (8 << 20))
    got = namespace.curl("-i", "-H", "Expect:", "--data-binary", f"@{file}", f"{URL}/early").stdout
    assert got.startswith("HTTP/1.1 403 Forbidden") and got.endswith("\n\nno\n")


# ---- heads ----


def head(namespace, text, *args):
    return namespace.curl("-i", *args, f"{URL}/head?{text.encode('latin-1').hex()}").stdout


def test_heads_are_passed_on(start, app, namespace):
    start()
    got = head(namespace, "Status: 418 I'm a teapot\nContent-Type: a/b\nSet-Cookie: a\nSet-Cookie: b\n")
    assert got.startswith("HTTP/1.1 418 \n") and got.endswith("\n\nbody\n")
    assert "Content-Type: a/b\n" in got and "Set-Cookie: a\nSet-Cookie: b\n" in got
    assert head(namespace, "Status: 206\nContent-Range: bytes 0-4/9\n").startswith("HTTP/1.1 206 ")
    assert head(namespace, "Location: http://x/\n").startswith("HTTP/1.1 302 ")
    assert head(namespace, "Location: /x\nStatus: 307\n").startswith("HTTP/1.1 307 ")
    got = head(namespace, "Content-Type: a/b\r\nConnection: close\r\nKeep-Alive: x\r\nServer: x\r\nDate: x\r\n")
    assert "Connection" not in got and "Keep-Alive" not in got and "Server: x" not in got and "Date: x" not in got
    assert "no-store" not in got
    assert "Cache-Control: no-store\n" in head(namespace, "X: y\n", "-d", "a")
    assert "no-store" not in head(namespace, "Cache-Control: max-age=5\n", "-d", "a")
    got = raw(namespace, b"GET /app/head?" + b"Status: 204\n".hex().encode() + b" HTTP/1.1\r\nHost: a\r\n"
              b"Connection: close\r\n\r\n").stdout
    assert got.startswith(b"HTTP/1.1 204 No Content\r\n") and got.endswith(b"\r\n\r\n") and b"Length" not in got


@pytest.mark.parametrize("bad", [
    "X: a\rSet-Cookie: b\n", "X: a\x00b\n", "X : a\n", "X\n", ": a\n", "X: a\n folded\n", "Status: 99\n", "Status: 101\n",
    "Status: x\n", "Status: 200\nStatus: 200\n", "Content-Length: 1\nContent-Length: 1\n", "Content-Length: -1\n",
    "Content-Length: 99999999999999999999\n", "Transfer-Encoding: chunked\n", "", "X: " + "a" * 17000 + "\n",
    "".join(f"X-{i}: {i}\n" for i in range(201)),
])
def test_heads_that_are_not_sound_are_502(start, app, namespace, bad):
    server = start(http='max_uri = "64K" max_headers = "64K"')
    got = head(namespace, bad)
    assert got.startswith("HTTP/1.1 502 Bad Gateway\n"), got
    assert "Set-Cookie" not in got
    assert "error " in server.errors.read_text() and "fastcgi: unix:" in server.errors.read_text()


# ---- an application that does not do what it should ----


def test_an_application_that_is_not_there_is_502(start, namespace):
    server = start()
    assert code(namespace, f"{URL}/env") == "502"
    assert code(namespace, f"{URL}/env") == "502"
    assert server.errors.read_text().count("cannot be connected to: No such file") == 1
    assert code(namespace, f"http://{ADDRESS}/hello.txt") == "200"


def test_an_application_by_tcp(start, namespace, serve, tmp_path):
    server = start(address="127.0.0.1:9999")
    assert code(namespace, f"{URL}/env") == "502"
    assert "127.0.0.1:9999: cannot be connected to: Connection refused" in server.errors.read_text()
    server.stop()
    program = ("import sys; sys.path.insert(0, sys.argv[1])\n"
               "from fastcgi_app import App\napp = App(('127.0.0.1', 9999))\nprint(flush=True)\nsys.stdin.read()\n")
    process = namespace.start("/usr/bin/python3", "-c", program, __file__.rsplit("/", 1)[0], stdin=-1, stdout=-1)
    try:
        process.stdout.readline()
        start(address="127.0.0.1:9999")
        for _ in range(3):
            assert code(namespace, "-d", "x", f"{URL}/env") == "200"
    finally:
        process.communicate(timeout=10)


def test_an_application_that_dies_is_502_or_breaks_off(start, app, namespace):
    start()
    assert code(namespace, f"{URL}/die") == "502"
    assert code(namespace, f"{URL}/die?head") == "502"
    assert code(namespace, "-d", "x" * 1000, f"{URL}/die") == "502"
    assert namespace.curl(f"{URL}/die?body", check=False).returncode in (18, 56)  # partial, reset
    assert namespace.curl(f"{URL}/sized?100,50", check=False).returncode in (18, 56)
    assert namespace.curl(f"{URL}/sized?50,100").stdout == "x" * 50
    assert code(namespace, f"{URL}/silent") == "502"
    assert code(namespace, f"{URL}/silent?1") == "502"
    assert code(namespace, f"{URL}/silent?2") == "503"
    assert code(namespace, f"{URL}/env") == "200"


@pytest.mark.parametrize("garbage", [
    b"HTTP/1.1 200 OK\r\n\r\nhello", b"\x01\x06\x00\x02\x00\x05\x00\x00hello", b"\x01\x09\x00\x01\x00\x00\x00\x00",
    b"\x01\x03\x00\x01\x00\x07\x00\x00" + b"\x00" * 8, b"\x00" * 100,
])
def test_garbage_is_502(start, app, namespace, garbage):
    server = start()
    assert code(namespace, f"{URL}/raw?{garbage.hex()}") == "502"
    assert "what it answers is not FastCGI" in server.errors.read_text()


def test_an_application_that_does_not_answer_is_504(start, app, namespace):
    start(http='answer_timeout = "500ms"')
    assert code(namespace, f"{URL}/wait") == "504"
    app.may_go_on.set()
    wait_until(lambda: app.done == 1)
    assert code(namespace, f"{URL}/env") == "200"


def test_a_client_that_leaves_is_noticed(start, app, namespace):
    start()
    client = namespace.start("curl", "-sS", f"{URL}/wait")
    wait_until(lambda: app.requests)
    client.kill()
    client.wait()
    wait_until(lambda: code(namespace, f"{URL}/env") == "200")
    app.may_go_on.set()
    wait_until(lambda: app.lost == 1)


def test_a_request_under_way_outlives_a_reload(start, app, namespace):
    server = start()
    client = namespace.start("curl", "-sS", f"{URL}/wait", stdout=-1)
    wait_until(lambda: app.requests)
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: code(namespace, f"{URL}/env") == "200" and app.connections == 2)
    app.may_go_on.set()
    assert client.communicate(timeout=20)[0] == b"at last\n"
    assert server.stop() == 0
    wait_until(lambda: app.lost == 2)


def test_stderr_goes_to_the_error_log(start, app, namespace):
    server = start()
    assert namespace.curl(f"{URL}/errors?50").stdout == "ok\n"
    lines = [line for line in server.errors.read_text().splitlines() if "stderr" in line]
    assert 0 < len(lines) <= 20
    assert "stderr: PHP Warning: number 0\\x0aerror 2026-01-01 forged: line" in lines[0]


# ---- connections ----


def test_connections_are_used_again(start, app, namespace):
    start()
    for _ in range(5):
        assert namespace.curl("-d", "x", f"{URL}/digest").stdout.startswith("1 ")
        assert namespace.curl(f"{URL}/sized?9,9").stdout == "x" * 9
        assert namespace.curl("-I", f"{URL}/sized?9,9").stdout.startswith("HTTP/1.1 200")
    assert app.connections == 1 and len(app.requests) == 15


def test_the_end_of_one_request_is_not_taken_for_that_of_the_next(start, app, namespace):
    start("fastcgi_queue = 0")
    got = namespace.curl(*[f"{URL}/late_end?9,9"] * 5).stdout
    assert got == "x" * 45


def test_so_many_at_once_and_so_many_wait(start, app, namespace):
    start('fastcgi_connections = 2 fastcgi_queue = 3 fastcgi_connect_timeout = "20s" }\n'
          'location "/status/" { status = true')
    clients = [namespace.start("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", f"{URL}/wait", stdout=-1)
               for _ in range(5)]
    status = f"http://{ADDRESS}/status/status.json"
    wait_until(lambda: json.loads(namespace.curl(status).stdout)["http"][0]["busy"] == 5)
    assert code(namespace, f"{URL}/wait") == "503"
    assert app.connections == 2 and len(app.requests) == 2
    app.may_go_on.set()
    assert [client.communicate(timeout=20)[0] for client in clients] == [b"200"] * 5


def test_who_waits_too_long_for_one_is_503(start, app, namespace):
    start('fastcgi_connections = 1 fastcgi_connect_timeout = "300ms"')
    client = namespace.start("curl", "-sS", f"{URL}/wait", stdout=-1)
    wait_until(lambda: app.requests)
    assert code(namespace, f"{URL}/env") == "503"
    app.may_go_on.set()
    assert client.communicate(timeout=20)[0] == b"at last\n"


def test_an_unused_connection_is_closed(start, app, namespace):
    start('fastcgi_idle_timeout = "100ms"')
    assert code(namespace, f"{URL}/env") == "200"
    wait_until(lambda: app.lost == 1)
    assert code(namespace, f"{URL}/env") == "200"
    assert app.connections == 2


def test_one_that_the_application_closed_is_not_used(start, app, namespace):
    start()
    for _ in range(5):
        assert namespace.curl("-d", "x", f"{URL}/once").stdout == "once\n"
    assert app.connections == 5


def test_only_what_may_be_repeated_is(start, app, namespace):
    start()
    assert namespace.curl(f"{URL}/tired").stdout == "fresh\n"
    assert namespace.curl(f"{URL}/tired").stdout == "fresh\n"  # closed under its hands, and sent once more
    assert [params["REQUEST_METHOD"] for params in app.requests] == ["GET"] * 3
    assert code(namespace, "-d", "x", f"{URL}/tired") == "502"
    assert [params["REQUEST_METHOD"] for params in app.requests].count("POST") == 1
    assert code(namespace, f"{URL}/die") == "502"
    assert [params["PATH_INFO"] for params in app.requests].count("/die") == 1  # not on a fresh connection
