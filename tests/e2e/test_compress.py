"""Compression into the cache: the real program, its thread, and clients that decode what they get."""

import gzip
import json
import random
import time

import pytest
from conftest import ADDRESS, Namespace, Server, built_with

URL = f"http://{ADDRESS}"
WORDS = ["tap", "house", "window", "segment", "acknowledge", "<p>", "stream", "\n"]
TEXT = " ".join(random.Random(9).choices(WORDS, k=40000)).encode()
CODINGS = {"gzip": "zlib", "br": "brotli"}

CONFIG = """
http { cache_max_file = "512K" }
site "default" {
	root = "site"
	location "/raw/" { compress = false }
	location "/.taphouse/" { status = true }
}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    directory = tmp_path_factory.mktemp("compress")
    root = directory / "site"
    (root / "raw").mkdir(parents=True)
    for name in "a.html", "b.txt", "c.css", "raw/d.txt", "e.png":
        (root / name).write_bytes(TEXT)
    (root / "small.txt").write_bytes(TEXT[:511])
    (root / "large.txt").write_bytes(TEXT * 3)
    time.sleep(3.1)  # until then the files may still change without a sign
    namespace = Namespace()
    config = directory / "taphouse.conf"
    config.write_text(CONFIG)
    server = Server(namespace, root, "--config", config, tmp_path=directory)
    yield server
    status = server.stop()
    namespace.remove()
    assert status == 0, server.errors.read_text()


def get(server, path, *options):
    """Status, fields, and body as it was sent."""
    text = server.namespace.run("curl", "-sS", "-i", "--raw", "--max-time", "20", *options, URL + path, text=False).stdout
    head, _, body = text.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
    return int(lines[0].split()[1]), fields, body


def takes(coding):
    return "-H", f"Accept-Encoding: {coding}"


def get_encoded(server, path, coding):
    """Asks until the compressed one is there."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        status, fields, body = get(server, path, *takes(coding))
        assert status == 200
        if "content-encoding" in fields:
            assert fields["content-encoding"] == coding
            return fields, body
        assert body == TEXT
    pytest.fail(f"{path} was never sent as {coding}")


@pytest.mark.parametrize("coding", CODINGS)
def test_a_file_is_compressed_for_who_takes_it(server, coding):
    if not built_with(CODINGS[coding]):
        pytest.skip(f"built without {CODINGS[coding]}")
    fields, body = get_encoded(server, "/a.html", coding)
    assert len(body) == int(fields["content-length"]) < len(TEXT) / 2
    assert fields["vary"] == "Accept-Encoding" and fields["etag"].startswith('"')
    # curl decodes what it says it takes.
    assert server.namespace.run("curl", "-sS", "--compressed", *takes(coding), URL + "/a.html", text=False).stdout == TEXT
    _, plain, body = get(server, "/a.html")
    assert body == TEXT and "content-encoding" not in plain
    assert plain["etag"] != fields["etag"] and plain["last-modified"] == fields["last-modified"]
    assert get(server, "/a.html", *takes(coding), "-H", f"If-None-Match: {fields['etag']}")[0] == 304
    assert get(server, "/a.html", *takes(coding), "-H", f"If-None-Match: {plain['etag']}")[0] == 304
    assert get(server, "/a.html", "-H", f"If-None-Match: {fields['etag']}")[0] == 200


def test_ranges_are_of_the_compressed_file(server):
    if not built_with("zlib"):
        pytest.skip("built without zlib")
    fields, whole = get_encoded(server, "/b.txt", "gzip")
    pieces = b""
    for first in range(0, len(whole), 5000):
        status, piece, body = get(server, "/b.txt", *takes("gzip"), "-H", f"Range: bytes={first}-{first + 4999}",
                                  "-H", f"If-Range: {fields['etag']}")
        assert status == 206 and piece["content-encoding"] == "gzip"
        assert piece["content-range"].endswith(f"/{len(whole)}")
        pieces += body
    assert gzip.decompress(pieces) == TEXT
    # A piece of the plain file does not fit to it.
    assert get(server, "/b.txt", "-H", "Range: bytes=0-9", "-H", f"If-Range: {fields['etag']}")[0] == 200
    status, several, body = get(server, "/b.txt", *takes("gzip"), "-H", "Range: bytes=0-9,-10")
    assert status == 206 and several["content-type"].startswith("multipart/byteranges; boundary=")
    assert "content-encoding" not in several
    boundary = several["content-type"].split("boundary=")[1].encode()
    parts = body.split(b"--" + boundary)[1:-1]
    for part, content in zip(parts, [whole[:10], whole[-10:]], strict=True):
        head, _, data = part.partition(b"\r\n\r\n")
        assert b"Content-Encoding: gzip" in head and data == content + b"\r\n"


def test_what_stays_as_it_is(server):
    for path in "/raw/d.txt", "/e.png", "/small.txt", "/large.txt":
        for _ in range(3):
            assert "content-encoding" not in get(server, path, *takes("gzip, br"))[1]
    assert "vary" not in get(server, "/e.png")[1]


def test_it_is_counted(server):
    if not built_with("zlib"):
        pytest.skip("built without zlib")
    def port():
        return json.loads(get(server, "/.taphouse/status.json")[2])["http"][0]

    before = port()
    body = get_encoded(server, "/c.css", "gzip")[1]
    after = port()
    assert after["cache_compressed"] == before["cache_compressed"] + 1
    assert after["cache_compressed_saved"] == before["cache_compressed_saved"] + len(TEXT) - len(body)
    assert b"taphouse_http_cache_compressed_saved_bytes_total" in get(server, "/.taphouse/metrics")[2]


def test_a_large_file_that_is_asked_for_again_is_read_into_memory(server):
    deadline = time.monotonic() + 20
    while not any(port["cache_warmed"] for port in json.loads(get(server, "/.taphouse/status.json")[2])["http"]):
        assert time.monotonic() < deadline
        assert get(server, "/large.txt")[2] == TEXT * 3
    assert get(server, "/large.txt")[2] == TEXT * 3
