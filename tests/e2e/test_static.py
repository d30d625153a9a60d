"""Static files over the real wire: conditional requests, ranges, precompressed siblings, clean URLs, fallback, error
pages, dotfiles, symlinks, listings."""

import email
import email.policy
import email.utils
import gzip
import json
import random
import re
import time

import pytest
from conftest import ADDRESS, Namespace, Server

URL = f"http://{ADDRESS}"
TEXT = "0123456789" * 100
SCRIPT = "let it = 'flow';\n" * 2000
BLOB = random.Random(5).randbytes(3 << 20)


CONFIG = """
http { mime_types = "mime.types" }
site "default" {
	root = "site"
	clean_urls = true
	fallback = "index.html"
	error_page = {"404 /404.html"}
	listing = true
}
"""


def write_site(root):
    root.mkdir()
    (root / "index.html").write_text("<!doctype html><title>home</title>\n")
    (root / "text.txt").write_text(TEXT)
    (root / "blob.bin").write_bytes(BLOB)
    (root / "app.js").write_text(SCRIPT)
    (root / "app.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    (root / "app.js.br").write_bytes(b"as small as it gets")
    (root / "style.css").write_text("plain")
    (root / "page.html").write_text("<p>a page\n")
    (root / "404.html").write_text("<p>nothing here\n")
    (root / ".env").write_text("secret")
    (root / ".well-known").mkdir()
    (root / ".well-known" / "security.txt").write_text("Contact: us")
    (root / "files" / "sub").mkdir(parents=True)
    (root / "files" / "a & <b>.txt").write_text("12345")
    (root / "files" / ".hidden").write_text("secret")
    (root / "files" / "out").symlink_to("/etc")
    (root / "passwd").symlink_to("/etc/passwd")
    (root / "module.wasm").write_bytes(b"\0asm")
    (root / "song.xaudio").write_text("la")
    (root / "odd.xtexty").write_text("x")
    (root / "style.css.gz").symlink_to("/etc/passwd")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for all tests here. Its files are older than the two seconds in which an ETag is weak."""
    directory = tmp_path_factory.mktemp("static")
    namespace = Namespace()
    write_site(directory / "site")
    time.sleep(3.1)
    (directory / "mime.types").write_text("# types\naudio/x-odd\txaudio\ntext/x-odd\txtexty xtext2\n")
    config = directory / "taphouse.conf"
    config.write_text(CONFIG)
    server = Server(namespace, directory / "site", "--config", config, tmp_path=directory)
    yield server
    status = server.stop()
    namespace.remove()
    assert status == 0, server.errors.read_text()


class Answer:
    def __init__(self, text):
        head, _, self.body = text.partition("\r\n\r\n")
        lines = head.split("\r\n")
        self.status = int(lines[0].split()[1])
        self.fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}


def get(server, path, *fields, method="GET"):
    options = ["-I"] if method == "HEAD" else ["-i"]
    for field in fields:
        options += ["-H", field]
    text = server.namespace.run("curl", "-sS", "--max-time", "20", "--raw", *options, URL + path, text=False).stdout
    return Answer(text.decode("latin-1"))


def test_etag_and_last_modified_answer_conditionals(server):
    first = get(server, "/text.txt")
    etag, modified = first.fields["etag"], first.fields["last-modified"]
    earlier = email.utils.formatdate(email.utils.parsedate_to_datetime(modified).timestamp() - 1, usegmt=True)
    assert re.fullmatch(r'"[0-9a-f]{16}"', etag)
    for status, *fields in [
        (200, f"If-Match: {etag}"),
        (200, "If-Match: *"),
        (412, 'If-Match: "other"'),
        (412, f"If-Match: W/{etag}"),
        (200, f"If-Unmodified-Since: {modified}"),
        (412, f"If-Unmodified-Since: {earlier}"),
        (200, f"If-Match: {etag}", f"If-Unmodified-Since: {earlier}"),
        (304, f"If-None-Match: {etag}"),
        (304, f'If-None-Match: "x", W/{etag}'),
        (304, "If-None-Match: *"),
        (200, 'If-None-Match: "x"', f"If-Modified-Since: {modified}"),
        (304, f"If-Modified-Since: {modified}"),
        (200, f"If-Modified-Since: {earlier}"),
        (412, 'If-Match: "other"', f"If-None-Match: {etag}"),
        (404, "If-Match: *"),
    ]:
        path = "/nothing.txt" if status == 404 else "/text.txt"
        for method in "GET", "HEAD":
            answer = get(server, path, *fields, method=method)
            assert answer.status == status, (fields, method)
            assert status != 304 or answer.fields["etag"] == etag
            assert answer.body == (TEXT if (status, method) == (200, "GET") else answer.body)


def test_etag_of_a_file_just_written_is_weak(server):
    (server.directory / "new.txt").write_text("new")
    etag = get(server, "/new.txt").fields["etag"]
    assert re.fullmatch(r'W/"[0-9a-f]{16}"', etag)
    assert get(server, "/new.txt", f"If-None-Match: {etag}").status == 304
    assert get(server, "/new.txt", f"If-Match: {etag}").status == 412
    time.sleep(4.2)
    assert get(server, "/new.txt").fields["etag"] == etag[2:]
    assert get(server, "/new.txt", f"If-Match: {etag[2:]}").status == 200


def curl_range(server, ranges, path="/blob.bin"):
    return server.namespace.run("curl", "-sS", "--max-time", "20", "-r", ranges, URL + path, text=False).stdout


def test_ranges_of_a_large_file(server):
    assert curl_range(server, "0-0") == BLOB[:1]
    assert curl_range(server, "1000000-2999999") == BLOB[1000000:3000000]
    assert curl_range(server, "-5") == BLOB[-5:]
    assert curl_range(server, "3000000-") == BLOB[3000000:]
    answer = get(server, "/text.txt", "Range: bytes=1000-")
    assert (answer.status, answer.fields["content-range"]) == (416, "bytes */1000")
    assert get(server, "/text.txt", "Range: bytes=0-9", method="HEAD").status == 200
    assert get(server, "/text.txt").fields["accept-ranges"] == "bytes"


def test_an_interrupted_download_is_resumed(server, tmp_path):
    partial = tmp_path / "partial"
    partial.write_bytes(BLOB[:1234567])
    server.namespace.curl("-C", "-", "-o", partial, URL + "/blob.bin")
    assert partial.read_bytes() == BLOB


def test_several_ranges_are_multipart(server):
    asked = [(0, 9), (100, 1099999), (2000000, 2000000)]
    text = server.namespace.run("curl", "-sS", "-i", "-r", ",".join(f"{a}-{b}" for a, b in asked), URL + "/blob.bin",
                                text=False).stdout
    head, body = text.split(b"\r\n\r\n", 1)
    message = email.message_from_bytes(b"Content-Type: " + re.search(rb"Content-Type: (.*)", head)[1] + b"\r\n\r\n" + body,
                                       policy=email.policy.HTTP)
    assert message.get_content_type() == "multipart/byteranges"
    parts = re.split(rb"(?:\r\n)?--part-[0-9a-f]{16}(?:--)?\r\n", body)[1:-1]
    assert len(parts) == len(asked)
    for (a, b), part in zip(asked, parts):
        fields, data = part.split(b"\r\n\r\n", 1)
        assert f"Content-Range: bytes {a}-{b}/{len(BLOB)}".encode() in fields
        assert data == BLOB[a:b + 1]


def test_many_and_overlapping_ranges_are_bounded(server):
    many = get(server, "/text.txt", "Range: bytes=" + ",".join(f"{i}-{i}" for i in range(0, 900, 2)))
    assert (many.status, many.body) == (200, TEXT)
    same = get(server, "/text.txt", "Range: bytes=" + ",".join(["0-"] * 16))
    assert (same.status, same.body) == (206, TEXT)


def test_if_range(server):
    first = get(server, "/text.txt")
    for value in first.fields["etag"], first.fields["last-modified"]:
        assert get(server, "/text.txt", "Range: bytes=0-9", f"If-Range: {value}").status == 206
    for value in '"other"', "W/" + first.fields["etag"], "Sun, 06 Nov 1994 08:49:37 GMT":
        assert get(server, "/text.txt", "Range: bytes=0-9", f"If-Range: {value}").status == 200


def test_precompressed_siblings(server):
    plain = get(server, "/app.js")
    packed = get(server, "/app.js", "Accept-Encoding: gzip, deflate")
    smallest = get(server, "/app.js", "Accept-Encoding: gzip, deflate, br, zstd")
    assert (plain.body, plain.fields["vary"], plain.fields.get("content-encoding")) == (SCRIPT, "Accept-Encoding", None)
    assert packed.fields["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body.encode("latin-1")).decode() == SCRIPT
    assert (smallest.fields["content-encoding"], smallest.body) == ("br", "as small as it gets")
    assert len({a.fields["etag"] for a in (plain, packed, smallest)}) == 3
    assert {a.fields["content-type"] for a in (plain, packed, smallest)} == {"text/javascript; charset=utf-8"}
    assert get(server, "/app.js", "Accept-Encoding: gzip;q=0.2, br;q=0.1").fields["content-encoding"] == "gzip"
    assert get(server, "/app.js", "Accept-Encoding: *;q=0").status == 406
    assert server.namespace.curl("--compressed", "-H", "Accept-Encoding: gzip", URL + "/app.js").stdout == SCRIPT
    assert get(server, "/app.js", "Accept-Encoding: gzip", f"If-None-Match: {packed.fields['etag']}").status == 304


def test_a_sibling_out_of_the_root_is_no_sibling(server):
    answer = get(server, "/style.css", "Accept-Encoding: gzip")
    assert (answer.body, answer.fields.get("content-encoding")) == ("plain", None)


def test_what_belongs_together_is_asked_for_again_each_time(server):
    assert get(server, "/").fields["cache-control"] == "no-cache"
    assert get(server, "/app.js").fields["cache-control"] == "no-cache"
    assert get(server, "/song.xaudio").fields["cache-control"] == "max-age=3600"


def test_types_are_ours_and_the_systems(server):
    for name, expected in [
        ("index.html", "text/html; charset=utf-8"),
        ("style.css", "text/css; charset=utf-8"),
        ("module.wasm", "application/wasm"),
        ("song.xaudio", "audio/x-odd"),
        ("odd.xtexty", "text/x-odd; charset=utf-8"),
        ("blob.bin", "application/octet-stream"),
    ]:
        assert get(server, f"/{name}", method="HEAD").fields["content-type"] == expected


def test_clean_urls_and_the_fallback_of_a_single_page_site(server):
    home = get(server, "/").body
    assert get(server, "/page").body == "<p>a page\n"
    for path in "/users/7", "/users/", "/deep/er/still":
        assert (get(server, path).status, get(server, path).body) == (200, home)
    missing = get(server, "/assets/app.js")
    assert (missing.status, missing.body) == (404, "<p>nothing here\n")
    assert "etag" not in missing.fields and missing.fields["content-type"] == "text/html; charset=utf-8"
    assert get(server, "/assets/app.js", method="HEAD").fields["content-length"] == "16"


def test_dotfiles_and_symlinks_out_of_the_root_are_not_there(server):
    assert get(server, "/.env").status == 404
    assert get(server, "/%2eenv").status == 404
    assert get(server, "/.well-known/security.txt").body == "Contact: us"
    assert "root:" not in get(server, "/passwd").body


def test_listings(server):
    page = get(server, "/files/")
    assert (page.status, page.fields["content-type"]) == (200, "text/html; charset=utf-8")
    assert '<a href="./a%20&amp;%20%3Cb%3E.txt">a &amp; &lt;b&gt;.txt</a>' in page.body
    answer = get(server, "/files/", "Accept: application/json")
    assert answer.fields["content-type"] == "application/json"
    listing = json.loads(answer.body)
    assert (listing["path"], listing["truncated"]) == ("/files/", False)
    assert [(e["name"], e["type"], e.get("size")) for e in listing["entries"]] == [
        ("sub", "directory", None), ("a & <b>.txt", "file", 5)]
    assert get(server, "/files").status == 301
    assert get(server, "/files/", method="HEAD").fields["content-length"] == str(len(page.body))
    assert get(server, "/").body.startswith("<!doctype html><title>home")
