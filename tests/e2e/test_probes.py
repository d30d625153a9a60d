"""One raw request each, as six other servers were asked it too: what comes back, and whether the connection goes on.

The rows are those of a matrix over nginx, Caddy, h2o, lighttpd, darkhttpd and mongoose. Where they disagree we do what
RFC 9110 and 9112 say, and else what protects a site; docs/configuration.md tells of the surprises.
"""

import base64
import json
import re

import pytest
from conftest import ADDRESS, Namespace, Server

# Sends each request on a connection of its own, all at once, and reads until the end or a second of silence.
PROBER = f"""
import base64, json, socket, sys, threading

def probe(data):
    s = socket.create_connection(("{ADDRESS}", 80), 10)
    s.settimeout(1)
    got, end = b"", "closed"
    try:
        s.sendall(data)
    except (ConnectionError, TimeoutError):
        pass
    try:
        while piece := s.recv(65536):
            got += piece
    except TimeoutError:
        end = "open"
    except ConnectionError:
        end = "reset"
    return base64.b64encode(got).decode(), end

def work(name, data):
    answers[name] = probe(base64.b64decode(data))

answers = {{}}
threads = [threading.Thread(target=work, args=item) for item in json.load(sys.stdin).items()]
for t in threads:
    t.start()
for t in threads:
    t.join()
json.dump(answers, sys.stdout)
"""


def ask(line, *fields, body=b"", host="Host: x"):
    return "\r\n".join([line, *([host] if host else []), *fields, "", ""]).encode("latin-1") + body


def get(path, *fields, **options):
    return ask(f"GET {path} HTTP/1.1", *fields, **options)


def post(path, *fields, body=b"", **options):
    return ask(f"POST {path} HTTP/1.1", *fields, body=body, **options)


MANY = [f"X-{i}: y" for i in range(5000)]

# Name: the request; the statuses that come back; fields of the first answer, by regular expression; the end.
PROBES = {
    "GET /": (get("/"), "200", {}, "open"),
    "HEAD /": (ask("HEAD / HTTP/1.1"), "200", {"Content-Length": "[1-9].*"}, "open"),
    "OPTIONS /": (ask("OPTIONS / HTTP/1.1"), "204", {"Allow": "GET, HEAD, OPTIONS"}, "open"),
    "OPTIONS *": (ask("OPTIONS * HTTP/1.1"), "204", {"Allow": ".*GET.*"}, "open"),
    "POST file": (post("/hello.txt", "Content-Length: 3", body=b"a=b"), "405", {"Allow": "GET, HEAD, OPTIONS"}, "open"),
    "PUT": (ask("PUT /hello.txt HTTP/1.1", "Content-Length: 0"), "405", {"Allow": "GET, HEAD, OPTIONS"}, "open"),
    "DELETE": (ask("DELETE /hello.txt HTTP/1.1"), "405", {"Allow": "GET, HEAD, OPTIONS"}, "open"),
    "TRACE": (ask("TRACE / HTTP/1.1"), "405", {"Allow": "GET, HEAD, OPTIONS"}, "open"),
    "FOO": (ask("FOO / HTTP/1.1"), "501", {}, "closed"),
    "404": (get("/nothing"), "404", {"Content-Type": "text/html; charset=utf-8"}, "open"),
    "dir no slash": (get("/sub"), "301", {"Location": "/sub/"}, "open"),
    "dir index": (get("/sub/"), "200", {}, "open"),
    "dir no index": (get("/bare/"), "403", {}, "open"),
    "dotfile": (get("/.secret"), "404", {}, "open"),
    ".well-known": (get("/.well-known/a.txt"), "200", {}, "open"),
    "symlink out of root": (get("/escape"), "404", {}, "open"),
    "traversal ..": (get("/../secret.txt"), "400", {}, "closed"),
    "traversal %2e%2e/": (get("/%2e%2e/secret.txt"), "400", {}, "closed"),
    "traversal %2e%2e%2f": (get("/%2e%2e%2fsecret.txt"), "404", {}, "open"),
    "NUL %00": (get("/hello.txt%00.html"), "400", {}, "closed"),
    "bad %zz": (get("/%zz"), "400", {}, "closed"),
    "clean url /page": (get("/page"), "404", {}, "open"),
    "If-None-Match hit": (get("/hello.txt", "If-None-Match: @ETAG@"), "304", {"ETag": '(W/)?".*"'}, "open"),
    "If-Match miss": (get("/hello.txt", 'If-Match: "no"'), "412", {}, "open"),
    "If-None-Match *": (get("/hello.txt", "If-None-Match: *"), "304", {}, "open"),
    "If-Modified-Since hit": (get("/hello.txt", "If-Modified-Since: @MODIFIED@"), "304", {}, "open"),
    "If-Unmodified-Since miss": (get("/hello.txt", "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:01 GMT"), "412", {}, "open"),
    "Range 0-9": (get("/1k.bin", "Range: bytes=0-9"), "206",
                  {"Content-Range": "bytes 0-9/1024", "Content-Length": "10"}, "open"),
    "Range suffix -5": (get("/1k.bin", "Range: bytes=-5"), "206", {"Content-Range": "bytes 1019-1023/1024"}, "open"),
    "Range multi": (get("/1k.bin", "Range: bytes=0-1,500-501"), "206",
                    {"Content-Type": "multipart/byteranges; boundary=.*"}, "open"),
    "Range unsat": (get("/1k.bin", "Range: bytes=5000-"), "416", {"Content-Range": r"bytes \*/1024"}, "open"),
    "Range bad unit": (get("/1k.bin", "Range: lines=0-9"), "200", {}, "open"),
    "If-Range stale": (get("/1k.bin", "Range: bytes=0-9", 'If-Range: "old"'), "200", {}, "open"),
    "HEAD Range": (ask("HEAD /1k.bin HTTP/1.1", "Range: bytes=0-9"), "200", {"Content-Length": "1024"}, "open"),
    "gzip pre.txt": (get("/pre.txt", "Accept-Encoding: gzip"), "200",
                     {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}, "open"),
    "no gzip pre.txt": (get("/pre.txt"), "200", {"Vary": "Accept-Encoding"}, "open"),
    "Vary of a small text": (get("/hello.txt"), "200", {"Vary": "Accept-Encoding"}, "open"),
    "URI 9k": (get("/" + "a" * 9000), "414", {}, "closed"),
    "URI 70k": (get("/" + "a" * 70000), "414", {}, "closed"),
    "one header 20k": (get("/", "X: " + "a" * 20000), "200", {}, "open"),
    "one header 200k": (get("/", "X: " + "a" * 200000), "431", {}, "closed"),
    "200 headers": (get("/", *MANY[:200]), "431", {}, "closed"),
    "100 headers": (get("/", *MANY[:99]), "200", {}, "open"),
    "5000 headers": (get("/", *MANY), "431", {}, "closed"),
    "CL 10 GB": (post("/echo", "Content-Length: 10000000000"), "413", {}, "closed"),
    "chunked POST": (post("/echo", "Transfer-Encoding: chunked", body=b"3\r\na=b\r\n0\r\n\r\n"), "200", {}, "open"),
    "chunked + trailer": (post("/echo", "Transfer-Encoding: chunked", body=b"3\r\na=b\r\n0\r\nX: y\r\n\r\n"), "200", {}, "open"),
    "Expect 100": (post("/echo", "Content-Length: 3", "Expect: 100-continue"), "100", {}, "open"),
    "Expect 100, file": (post("/hello.txt", "Content-Length: 3", "Expect: 100-continue"), "405", {}, "closed"),
    "Expect bad": (get("/", "Expect: 200-ok"), "417", {}, "closed"),
    "pipelined x3": (3 * get("/"), "200 200 200", {}, "open"),
    "POST then GET pipelined": (post("/hello.txt", "Content-Length: 3", body=b"a=b") + get("/"), "405 200", {}, "open"),
    "no Host": (get("/", host=None), "400", {}, "closed"),
    "two Hosts": (get("/", "Host: y"), "400", {}, "closed"),
    "bad Host": (get("/", host="Host: a b"), "400", {}, "closed"),
    "empty Host": (get("/", host="Host:"), "400", {}, "closed"),
    "absolute-form": (get("http://x/hello.txt"), "200", {}, "open"),
    "authority CONNECT": (ask("CONNECT x:80 HTTP/1.1"), "405", {}, "closed"),
    "CL+TE": (post("/echo", "Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), "400", {}, "closed"),
    "CL,CL differ": (post("/echo", "Content-Length: 3", "Content-Length: 4", body=b"abcd"), "400", {}, "closed"),
    "TE: xchunked": (post("/echo", "Transfer-Encoding: xchunked", body=b"0\r\n\r\n"), "400", {}, "closed"),
    "TE: gzip, chunked": (post("/echo", "Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), "501", {}, "closed"),
    "TE: chunked, gzip": (post("/echo", "Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n"), "400", {}, "closed"),
    "TE in HTTP/1.0": (ask("POST /echo HTTP/1.0", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"), "400", {}, "closed"),
    "space before colon": (get("/", "X : y"), "400", {}, "closed"),
    "obs-fold": (get("/", "X: y", " z"), "400", {}, "closed"),
    "bare LF lines": (b"GET / HTTP/1.1\nHost: x\n\n", "400", {}, "closed"),
    "bare CR in value": (get("/", "X: a\rb"), "400", {}, "closed"),
    "NUL in value": (get("/", "X: a\0b"), "400", {}, "closed"),
    "HTTP/1.0 keep-alive": (ask("GET / HTTP/1.0", "Connection: keep-alive"), "200", {"Connection": "keep-alive"}, "open"),
    "HTTP/1.0": (ask("GET / HTTP/1.0"), "200", {"Connection": "close"}, "closed"),
    "HTTP/0.9": (b"GET /\r\n", "400", {}, "closed"),
    "HTTP/2.0 ver": (ask("GET / HTTP/2.0"), "505", {}, "closed"),
    "HTTP/1.2": (ask("GET / HTTP/1.2"), "200", {}, "open"),
    "Connection: close": (get("/", "Connection: close"), "200", {"Connection": "close"}, "closed"),
    "upgrade ws": (get("/", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), "200", {}, "open"),
    "lowercase method": (ask("get / HTTP/1.1"), "501", {}, "closed"),
    "fragment in target": (get("/hello.txt#x"), "400", {}, "closed"),
    "leading CRLF": (b"\r\n" + get("/"), "200", {}, "open"),
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What came back: by probe, the octets and the end."""
    place = tmp_path_factory.mktemp("probes")
    root = place / "site"
    for name, content in [("index.html", "<p>index\n"), ("hello.txt", "hello\n"), ("sub/index.html", "<p>sub\n"),
                          ("bare/x.txt", "x\n"), (".secret", "secret\n"), (".well-known/a.txt", "known\n"),
                          ("page.html", "<p>page\n"), ("pre.txt", "text\n" * 100), ("pre.txt.gz", "not really\n"),
                          ("1k.bin", "k" * 1024), ("../secret.txt", "secret\n")]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    (root / "escape").symlink_to(place / "secret.txt")
    file = place / "t.conf"
    file.write_text(f'site "probes" {{ root = "{root}" location "/echo" {{ echo = true }} }}\n')
    namespace = Namespace()
    server = Server(namespace, None, "--config", file, tmp_path=place)
    try:
        head = namespace.curl("-I", f"http://{ADDRESS}/hello.txt").stdout
        known = {name: re.search(rf"^{field}: (.*)$", head, re.M)[1].strip().encode()
                 for name, field in ((b"@ETAG@", "ETag"), (b"@MODIFIED@", "Last-Modified"))}
        requests = {}
        for name, (request, *_) in PROBES.items():
            for placeholder, value in known.items():
                request = request.replace(placeholder, value)
            requests[name] = base64.b64encode(request).decode()
        said = namespace.run("/usr/bin/python3", "-c", PROBER, input=json.dumps(requests))
        yield {name: (base64.b64decode(got), end) for name, (got, end) in json.loads(said.stdout).items()}
    finally:
        server.kill()
        namespace.remove()


@pytest.mark.parametrize("name", PROBES)
def test_probe(answers, name):
    _, statuses, fields, end = PROBES[name]
    got, ended = answers[name]
    assert re.findall(rb"(?:^|(?<=\n)|(?<=.))HTTP/1\.1 (\d{3}) ", got) == [s.encode() for s in statuses.split()], got[:500]
    head = got.split(b"\r\n\r\n", 1)[0].decode("latin-1")
    for field, value in fields.items():
        assert re.search(rf"^{field}: {value}\r?$", head, re.M), head
    assert ended == end, got[:500]
    if name.startswith("HEAD"):
        assert got.endswith(b"\r\n\r\n") and got.count(b"\r\n\r\n") == 1
