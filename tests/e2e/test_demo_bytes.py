"""GET bytes of a demo location: as many as asked for, the same for the same seed, with the hash that was told."""

import base64
import hashlib
import json
import re
import time

import pytest
from conftest import ADDRESS

URL = f"http://{ADDRESS}/demo/bytes"


@pytest.fixture
def get(serve, namespace, site, tmp_path):
    """get(query, options) returns status, fields in lower case, and the body."""
    config = tmp_path / "demo.conf"
    config.write_text(f'site "e2e" {{\n\troot = "{site}"\n\tlocation "/demo/" {{ demo = true }}\n'
                      '\tlocation "/.taphouse/" { status = true }\n}\n')
    serve("--config", config)

    def fetch(query, *options):
        answer = namespace.run("curl", "-sS", "-i", "--max-time", "50", *options, URL + query, text=False)
        head, _, body = answer.stdout.partition(b"\r\n\r\n")
        fields = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
        return int(head.split()[1]), {name.lower(): value for name, value in fields}, body

    return fetch


def told(fields):
    return base64.b64decode(re.fullmatch(r"sha-256=:(.*):", fields["repr-digest"])[1]).hex()


@pytest.mark.parametrize("n", [0, 1, 7, 65536, 65537, 3000000])
def test_as_many_as_asked_for_with_the_hash_that_was_told(get, n):
    status, fields, body = get(f"?digest&seed=7&n={n}")
    assert status == 200 and len(body) == int(fields["content-length"]) == n
    assert hashlib.sha256(body).hexdigest() == told(fields)
    assert get(f"?seed=7&n={n}")[2] == body
    if n > 10:
        assert get(f"?seed=8&n={n}")[2] != body


def test_by_default(get):
    status, fields, body = get("")
    assert status == 200 and len(body) == 1 << 20 and "repr-digest" not in fields
    assert fields["cache-control"] == "no-store" and fields["content-type"] == "application/octet-stream"
    assert get("?run=abc&n=5")[0] == 200


@pytest.mark.parametrize("query", ["?n=67108865", "?n=x", "?n=", "?n=-1", "?seed=1x", "?cc=vegas", "?cc=", "?pace=1000000001",
                                   "?cc=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"])
def test_what_does_not_do(get, query):
    assert get(query)[0] == 400


def test_head_and_others(get):
    status, fields, body = get("?n=1234&digest", "-I")
    assert status == 200 and fields["content-length"] == "1234" and "repr-digest" in fields and body == b""
    assert get("", "-d", "a=b")[0] == 405


def test_the_connection_ends_on_request(get):
    assert get("?close&n=10")[1]["connection"] == "close"
    assert "connection" not in get("?n=10")[1]


@pytest.mark.parametrize("name", ["reno", "cubic", "bbr"])
def test_congestion_control_is_as_asked_for(get, namespace, name):
    program = ("import http.client, json\n"
               f"c = http.client.HTTPConnection('{ADDRESS}')\n"
               "def get(path):\n"
               "    c.request('GET', path)\n"
               "    return c.getresponse().read()\n"
               f"get('/demo/bytes?n=100000&cc={name}')\n"
               "answer = json.loads(get('/.taphouse/connections.json'))\n"
               "print(json.dumps([r['congestion'] for r in answer['connections']"
               " if r['remote_port'] == answer['you']['remote_port']]))\n")
    assert json.loads(namespace.run("/usr/bin/python3", "-c", program).stdout) == [name]


def test_the_next_answer_has_the_connections_own_congestion_control_again(get, namespace):
    program = ("import http.client, json\n"
               f"c = http.client.HTTPConnection('{ADDRESS}')\n"
               "def get(path):\n"
               "    c.request('GET', path)\n"
               "    return c.getresponse().read()\n"
               "get('/demo/bytes?n=10&cc=reno')\n"
               "get('/demo/bytes?n=10')\n"
               "answer = json.loads(get('/.taphouse/connections.json'))\n"
               "print([r['congestion'] for r in answer['connections']"
               " if r['remote_port'] == answer['you']['remote_port']][0])\n")
    assert namespace.run("/usr/bin/python3", "-c", program).stdout == "cubic\n"


def test_who_does_not_read_keeps_nobody_else_waiting(get, namespace):
    """What they are sent is nobody's own memory: 80 of them take none that others need."""
    program = ("import socket, urllib.request\n"
               "waiting = []\n"
               "for i in range(80):\n"
               f"    s = socket.create_connection(('{ADDRESS}', 80))\n"
               f"    s.sendall(b'GET /demo/bytes?n=60000000 HTTP/1.1\\r\\nHost: {ADDRESS}\\r\\n\\r\\n')\n"
               "    s.recv(1)\n"
               "    waiting.append(s)\n"
               f"print(urllib.request.urlopen('http://{ADDRESS}/.taphouse/status.json').status)\n")
    assert namespace.run("/usr/bin/python3", "-c", program).stdout == "200\n"


def test_not_faster_than_the_pace(get):
    before = time.monotonic()
    assert len(get("?n=200000&pace=200000")[2]) == 200000
    assert time.monotonic() - before > 0.9


def test_who_leaves_before_the_hash_is_there_leaves_nothing_behind(get, namespace):
    for _ in range(3):
        namespace.run("curl", "-s", "--max-time", "0.01", "-o", "/dev/null", f"{URL}?digest&n=16777216", check=False)
    status, fields, body = get("?digest&n=1000")  # the helper does one after the other
    assert status == 200 and hashlib.sha256(body).hexdigest() == told(fields)
