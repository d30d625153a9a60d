"""The file cache under change: noticed at once, and never two versions in one answer."""

import hashlib
import json
import os
import random
import subprocess
import textwrap
import time

import pytest
from conftest import ADDRESS, built_with, wait_until

URL = f"http://{ADDRESS}"
LARGE = random.Random(3).randbytes(24 << 20)  # from its descriptor; more than both ends buffer
SMALL = LARGE[: 1 << 20]  # sent from the cache


@pytest.fixture
def configure(tmp_path, site, serve):
    def start(http=""):
        file = tmp_path / "t.conf"
        location = 'location "/.taphouse/" { status = true }'
        file.write_text(f'http {{ {http} }}\nsite "e2e" {{ root = "{site}"\n\t{location} }}\n')
        return serve("--config", file)

    return start


def get(namespace, path):
    return namespace.curl(URL + path, text=False).stdout


def status_of(namespace, path):
    return namespace.curl("-o", "/dev/null", "-w", "%{http_code}", URL + path).stdout


def port(namespace):
    return json.loads(get(namespace, "/.taphouse/status.json"))["http"][0]


def test_changes_are_noticed_at_once(configure, namespace, site):
    configure('cache_revalidate = "1h"')  # by time they would not be
    time.sleep(3.1)
    text = site / "hello.txt"
    assert get(namespace, "/hello.txt") == b"hello\n" and get(namespace, "/sub/") == b"<p>sub\n"
    assert port(namespace)["cache_watches"] == 2
    for round in range(5):
        text.write_text(f"round {round}")
        assert get(namespace, "/hello.txt") == f"round {round}".encode()
        (site / "new").write_text(f"moved here in {round}")
        (site / "new").rename(text)
        assert get(namespace, "/hello.txt") == f"moved here in {round}".encode()
    text.unlink()
    assert status_of(namespace, "/hello.txt") == "404"
    text.write_text("here again")
    assert get(namespace, "/hello.txt") == b"here again"
    (site / "sub").rename(site / "other")
    assert status_of(namespace, "/sub/") == "404"
    assert get(namespace, "/other/") == b"<p>sub\n"
    (site / "sub").mkdir()
    (site / "sub" / "index.html").write_text("another")
    assert get(namespace, "/sub/") == b"another"
    assert port(namespace)["cache_watch_events"] > 0


def test_by_time_where_nothing_is_watched(configure, namespace, site):
    configure('cache_watches = 0  cache_revalidate = "300ms"')
    text = site / "hello.txt"
    assert get(namespace, "/hello.txt") == b"hello\n"
    text.write_text("other\n")
    wait_until(lambda: get(namespace, "/hello.txt") == b"other\n")
    assert port(namespace)["cache_watches"] == 0


def test_misses_are_remembered_and_push_nothing_out(configure, namespace, site):
    configure('cache_entries = 4 cache_revalidate = "1m"')  # however slow the machine is
    assert get(namespace, "/hello.txt") == b"hello\n"
    before = port(namespace)
    namespace.curl("-o", "/dev/null", f"{URL}/no/[1-200]", f"{URL}/no/[1-200]")
    after = port(namespace)
    assert after["cache_negative_hits"] - before["cache_negative_hits"] > 150
    assert get(namespace, "/hello.txt") == b"hello\n"
    assert port(namespace)["cache_misses"] == before["cache_misses"]


# ---- a file that changes while it is sent ----


def truncate(path):
    os.truncate(path, 1000)


def grow(path):
    with open(path, "ab") as file:
        file.write(b"more")


def rewrite(path):
    with open(path, "r+b") as file:
        file.write(bytes(len(LARGE)))


def replace(path):
    other = path.with_name("other")
    other.write_bytes(bytes(1000))
    other.rename(path)


def remove(path):
    path.unlink()


@pytest.mark.parametrize("change", [truncate, grow, rewrite, replace, remove])
@pytest.mark.parametrize("contents", [LARGE, SMALL], ids=["large", "small"])
def test_what_is_under_way_is_of_one_version(configure, namespace, site, tmp_path, change, contents):
    configure('compress_min = "1"')
    path = site / "file.txt"
    path.write_bytes(contents)
    if contents is SMALL:
        time.sleep(3.1)  # it has settled: its tag is strong, and it is compressed
    out = tmp_path / "out"
    client = namespace.start("curl", "-sS", "--max-time", "60", "--limit-rate", "8M",
                             "-H", "Accept-Encoding: gzip", "-o", out, f"{URL}/file.txt")
    deadline = time.monotonic() + 20
    while not out.exists() or out.stat().st_size < 100000:
        assert time.monotonic() < deadline and client.poll() is None
        time.sleep(0.01)
    change(path)
    if change is not remove:
        now = path.read_bytes()
        assert get(namespace, "/file.txt") == now
    status = client.wait(60)
    got = out.read_bytes()
    if contents is SMALL or change in (replace, remove):
        assert status == 0 and got == contents
    else:  # what was sent cannot be taken back, and the rest of it is no more
        assert status != 0 and got == contents[: len(got)] and len(got) < len(contents)
    assert status_of(namespace, "/hello.txt") == "200"


CLIENT = textwrap.dedent(
    """
    import gzip, http.client, json, re, sys, time
    address, seconds = sys.argv[1], float(sys.argv[2])
    seen, encoded, mixed, ended = {}, 0, 0, time.monotonic() + seconds
    conn = http.client.HTTPConnection(address, timeout=20)
    n = 0
    while time.monotonic() < ended:
        n += 1
        conn.request("GET", "/file.txt", headers={"Accept-Encoding": ["gzip", "identity", "br, gzip"][n % 3]})
        answer = conn.getresponse()
        body = answer.read()
        coding = answer.headers["Content-Encoding"]
        if coding == "br":
            continue
        if coding == "gzip":
            encoded += 1
            body = gzip.decompress(body)
        versions = set(body.split())
        mixed += len(versions) != 1 or len(body) != 300000
        mixed += seen.setdefault((coding, answer.headers["ETag"]), versions) != versions
    print(json.dumps({"requests": n, "versions": len(seen), "encoded": encoded, "mixed": mixed}))
    """
)


def test_a_file_replaced_again_and_again_is_never_mixed(configure, namespace, site):
    """With compression under way: the file rests long enough, now and then, to be compressed."""
    server = configure()
    path, new = site / "file.txt", site / "new"

    def write(version):
        new.write_bytes(b"%07d\n" % version * 37500)
        new.rename(path)

    write(0)
    client = namespace.start("/usr/bin/python3", "-c", CLIENT, ADDRESS, "12", stdout=subprocess.PIPE, text=True)
    version = 1
    while client.poll() is None:
        for _ in range(200):
            write(version)
            version += 1
            time.sleep(0.002)
        for _ in range(32):  # until it is compressed, and a little longer
            if client.poll() is not None:
                break
            time.sleep(0.1)
        write(version)  # while that is under way, or right after
        version += 1
    result = json.loads(client.stdout.read())
    assert result["mixed"] == 0 and result["requests"] > 100 and result["versions"] > 20, result
    assert result["encoded"] > 0 or not built_with("zlib")
    assert server.process.poll() is None


WRITER = textwrap.dedent(
    """
    import sys
    file = open(sys.argv[1], "r+b", 0)
    while True:
        file.seek(0)
        file.write(b"y" * 100000)
        file.truncate(50000)
        file.truncate(100000)
    """
)


def test_a_file_written_to_all_the_time_does_no_harm(configure, namespace, site):
    configure()
    path = site / "log.txt"
    path.write_bytes(b"x" * 100000)
    writer = subprocess.Popen(["/usr/bin/python3", "-c", WRITER, path])
    try:
        for _ in range(100):
            assert status_of(namespace, "/log.txt") in ("200", "503")
            assert status_of(namespace, "/hello.txt") == "200"
    finally:
        writer.kill()
        writer.wait()
    assert hashlib.sha256(get(namespace, "/log.txt")).digest() == hashlib.sha256(path.read_bytes()).digest()
