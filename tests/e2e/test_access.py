"""Who gets in, and how often: passwords, rates, connections of one address."""

import ctypes
import ctypes.util
import re
import subprocess
import time

import pytest

from conftest import ADDRESS, TAPHOUSE, wait_until

URL = f"http://{ADDRESS}"


def hash_of(setting):
    """The hash of "open sesame" by the system's crypt(3); Python's own module is gone from newer ones."""
    crypt = ctypes.CDLL(ctypes.util.find_library("crypt")).crypt
    crypt.restype = ctypes.c_char_p
    made = crypt(b"open sesame", setting.encode()).decode()
    assert made.startswith("$")
    return made


@pytest.fixture
def users(tmp_path):
    file = tmp_path / "users"
    file.write_text(
        f"Aladdin:{hash_of('$2y$12$abcdefghijklmnopqrstuu')}\n"
        f"ann:{hash_of('$6$rounds=1000$salt$')}\n"
        f"eve:{hash_of('$y$j75$abcdefghijklmnopqrstu.$')}\n"
    )
    return file


@pytest.fixture
def configure(serve, site, tmp_path):
    def start(keys):
        file = tmp_path / "access.conf"
        file.write_text(f'site "e2e" {{ root = "{site}" {keys} }}\n')
        return serve("--config", file)

    return start


def status(namespace, path, *options):
    return namespace.curl("-o", "/dev/null", "-w", "%{http_code}", *options, URL + path).stdout


def test_a_password_opens_files_and_handlers(configure, namespace, users):
    server = configure(f'auth = "Cave" users = "{users}" location "/echo" {{ echo = true }} location "/sub/" {{ auth = "" }}')
    challenge = namespace.curl("-i", URL + "/hello.txt").stdout
    assert challenge.startswith("HTTP/1.1 401 ")
    assert 'WWW-Authenticate: Basic realm="Cave", charset="UTF-8"\n' in challenge
    assert status(namespace, "/sub/") == "200"
    for user in ("Aladdin", "ann", "eve"):
        assert namespace.curl("-u", f"{user}:open sesame", URL + "/hello.txt").stdout == "hello\n"
        assert status(namespace, "/echo", "-u", f"{user}:open sesame", "-d", "x" * 100000) == "200"
        assert status(namespace, "/hello.txt", "-u", f"{user}:open") == "401"
    assert status(namespace, "/hello.txt", "-u", "nobody:open sesame") == "401"
    log = server.output()
    assert " - Aladdin [" in log and " - ann [" in log
    assert "nobody" not in log and "sesame" not in log + server.errors.read_text()


def test_others_are_answered_while_passwords_are_hashed(configure, namespace, users):
    configure(f'location "/sub/" {{ auth = "Cave" users = "{users}" auth_rate = "" }}')
    guesses = [namespace.start("curl", "-s", "-o", "/dev/null", "-u", f"Aladdin:{i}", URL + "/sub/") for i in range(12)]
    times = sorted(
        float(namespace.curl("-o", "/dev/null", "-w", "%{time_total}", URL + "/hello.txt").stdout) for _ in range(11)
    )
    assert any(guess.poll() is None for guess in guesses), "they were over too soon to tell"
    assert times[5] < 0.1  # a hash takes a quarter of a second
    for guess in guesses:
        assert guess.wait(30) == 0


def test_a_known_password_costs_nothing(configure, namespace, users):
    configure(f'auth = "Cave" users = "{users}"')
    times = namespace.curl(
        "-u", "Aladdin:open sesame", "-w", "%{time_starttransfer}\n", *["-o", "/dev/null", URL + "/hello.txt"] * 6
    ).stdout.split()
    assert float(times[0]) > 0.05
    assert max(map(float, times[1:])) < 0.05


def test_wrong_passwords_are_limited_by_address(configure, namespace, users):
    configure(f'auth = "Cave" users = "{users}" auth_rate = "1/m burst=3"')
    assert status(namespace, "/hello.txt", "-u", "ann:open sesame") == "200"
    assert [status(namespace, "/hello.txt", "-u", f"eve:{i}") for i in range(4)] == ["401"] * 3 + ["429"]
    assert "Retry-After: " in namespace.curl("-i", "-u", "eve:x", URL + "/hello.txt").stdout
    assert status(namespace, "/hello.txt", "-u", "ann:open sesame") == "200"
    namespace.run("ip", "addr", "add", "10.77.0.9/24", "dev", "taphouse0")
    assert status(namespace, "/hello.txt", "-u", "eve:open sesame", "--interface", "10.77.0.9") == "200"


def test_a_users_file_is_read_again(configure, namespace, users):
    server = configure(f'auth = "Cave" users = "{users}"')
    assert status(namespace, "/hello.txt", "-u", "zoe:open sesame") == "401"
    with open(users, "a") as file:
        file.write(f"zoe:{hash_of('$5$rounds=1000$salt$')}\n")
    time.sleep(1.1)  # it is looked at once a second; asking until it is taken would use up auth_rate
    assert status(namespace, "/hello.txt", "-u", "zoe:open sesame") == "200"
    users.write_text("zoe:sesame\n")
    told = f"{users}:1: the hash is of a kind that is not taken"

    def is_told():  # when somebody comes, who gets in as before
        assert status(namespace, "/hello.txt", "-u", "zoe:open sesame") == "200"
        return told in server.errors.read_text()

    wait_until(is_told)
    assert "sesame" not in server.errors.read_text()


def test_nobody_is_asked_for_a_password_before_the_connection_is_encrypted(configure, namespace, users):
    configure(
        f'auth = "Cave" users = "{users}" listen = {{"80"}} listen_tls = {{"443"}} '
        "self_signed = true https_redirect = true"
    )
    assert status(namespace, "/hello.txt") == "308"
    secure = ["-k", "-o", "/dev/null", "-w", "%{http_code}", f"https://{ADDRESS}/hello.txt"]
    assert namespace.curl(*secure).stdout == "401"
    assert namespace.curl("-u", "ann:open sesame", *secure).stdout == "200"


def test_weak_hashes_are_told_with_file_and_line(namespace, site, tmp_path):
    file, users = tmp_path / "weak.conf", tmp_path / "users"
    file.write_text(f'site "e2e" {{\n\troot = "{site}"\n\tauth = "Cave"\n\tusers = "users"\n}}\n')
    users.write_text("# weak\nbob:$apr1$abcdefgh$ijklmnopqrstuvwxyz0123\n")
    result = namespace.run(TAPHOUSE, "check", file, check=False)
    assert result.returncode == 1
    assert f"{users}:2: the hash is of a kind that is not taken" in result.stderr


def test_a_rate_is_429_with_retry_after(configure, namespace):
    configure('rate = "10/m burst=3" location "/sub/" { rate = "" }')
    assert [status(namespace, "/hello.txt") for _ in range(4)] == ["200"] * 3 + ["429"]
    answer = namespace.curl("-i", URL + "/hello.txt").stdout
    assert 1 <= int(re.search(r"Retry-After: (\d+)\n", answer)[1]) <= 6
    assert status(namespace, "/sub/") == "200"


def test_connections_of_one_address_are_limited(serve, namespace, site, tmp_path):
    file = tmp_path / "limit.conf"
    file.write_text(f'http {{ max_connections_per_address = 10 }}\nsite "e2e" {{ root = "{site}" }}\n')
    serve("--config", file)
    hold = namespace.start(
        "/usr/bin/python3", "-c",
        "import socket, sys\n"
        f"held = [socket.create_connection(('{ADDRESS}', 80), 5) for _ in range(10)]\n"
        "for s in held: s.sendall(b'GET /hello.txt HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'); assert s.recv(9) == b'HTTP/1.1 '\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n",
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )
    try:
        assert hold.stdout.readline() == b"ready\n"
        assert namespace.curl(URL + "/hello.txt", check=False).returncode in (7, 52, 55, 56)  # reset, sooner or later
        namespace.run("ip", "addr", "add", "10.77.0.9/24", "dev", "taphouse0")
        assert status(namespace, "/hello.txt", "--interface", "10.77.0.9") == "200"
    finally:
        hold.communicate(timeout=10)
    wait_until(lambda: namespace.curl(URL + "/hello.txt", check=False).returncode == 0)
