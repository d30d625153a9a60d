"""Policy over the real wire: what a site says of its files and handlers, and its locations instead."""

import pytest
from conftest import ADDRESS, Namespace, Server

URL = f"http://{ADDRESS}"

CONFIG = """
site "default" {
	root = "site"
	cache_control = {"text/html no-cache", "* max-age=60"}
	max_body = 1K
	header = {"X-Frame-Options: DENY", "404 5xx Retry-After: 60"}
	error_page = {"400 404 413 431 /error.html"}
	location "/assets/" { cache_control = {"* max-age=31536000, immutable"}  listing = true }
	location "/docs/" { try_files = {"$uri", "$uri.html", "$uri/", "=403"}
		header += "X-Frame-Options: SAMEORIGIN" }
	location "/bare/" { header = {"-X-Content-Type-Options"}  error_page = {"404 /bare/404.html"} }
	location "/api/" { echo = true  cors_origins = {"https://app.example"}  cors_methods = {"PUT"}
		cors_headers = {"Content-Type"}  cors_expose = {"ETag"}  cors_credentials = true }
	redirect = {"301 /old/* /assets/*", "302 /away/* https://elsewhere.example/*", "308 /secure/* https://$host/*",
		"410 /gone"}
	rewrite = {"/v1/* /echo/*", "/short /docs/page"}
	location "/old/kept/" { redirect = {} }
	location "/fonts/" { cors_origins = "*" }
	location "/app" { try_files = {"$uri", "/app/index.html"} }
	location "/intern/" { allow = {"10.77.0.0/24"}  deny = {"10.77.0.1"} }
	location "/neighbours/" { allow = {"10.77.0.0/24"} }
	location "/echo" { echo = true  max_body = 8 }
	location "/wide" { echo = true  max_body = 4M }
}
"""


def write_site(root):
    for directory in ("assets", "intern", "neighbours"):
        (root / directory).mkdir(parents=True)
        (root / directory / "a.css").write_text(directory)
    (root / "index.html").write_text("<!doctype html><title>home</title>\n")
    (root / "a.css").write_text("plain")
    (root / "docs" / "sub").mkdir(parents=True)
    (root / "docs" / "page.html").write_text("a page")
    (root / "docs" / "sub" / "index.html").write_text("sub")
    (root / "error.html").write_text("the site's page")
    (root / "bare").mkdir()
    (root / "bare" / "404.html").write_text("the location's page")
    (root / "app").mkdir()
    (root / "app" / "index.html").write_text("the app")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    directory = tmp_path_factory.mktemp("policy")
    namespace = Namespace()
    write_site(directory / "site")
    config = directory / "taphouse.conf"
    config.write_text(CONFIG)
    server = Server(namespace, directory / "site", "--config", config, tmp_path=directory)
    yield server
    status = server.stop()
    namespace.remove()
    assert status == 0, server.errors.read_text()


class Answer:
    """A response's status, its fields by their lower-case names (of one that is repeated: all values), its body."""

    def __init__(self, text):
        head, _, self.body = text.partition("\r\n\r\n")
        lines = head.split("\r\n")
        self.status = int(lines[0].split()[1])
        self.fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(": ")
            known = self.fields.get(name.lower())
            self.fields[name.lower()] = value if known is None else f"{known}, {value}"


@pytest.fixture
def ask(server):
    def ask(path, *options):
        return Answer(server.namespace.curl("-i", *options, f"{URL}{path}", text=False).stdout.decode())

    return ask


def test_locations_of_files_have_cache_control_of_their_own(ask):
    assert ask("/").fields["cache-control"] == "no-cache"
    assert ask("/a.css").fields["cache-control"] == "max-age=60"
    assert ask("/assets/a.css").fields["cache-control"] == "max-age=31536000, immutable"
    assert ask("/assets/a.css").body == "assets"


def test_files_are_for_those_who_are_allowed(ask):
    assert ask("/intern/a.css").status == 403
    assert ask("/neighbours/a.css").status == 200


def test_a_body_may_be_as_large_as_its_place_says(ask, tmp_path):
    (tmp_path / "3m").write_bytes(b"x" * (3 << 20))
    assert ask("/echo", "-d", "12345678").status == 200
    assert ask("/echo", "-d", "123456789").status == 413
    assert ask("/echo", "-H", "Transfer-Encoding: chunked", "-d", "123456789").status == 413
    assert ask("/wide", "-H", "Accept: text/plain", "--data-binary", f"@{tmp_path}/3m", "-H", "Expect:").status == 200
    assert ask("/a.css", "-X", "GET", "-d", "x" * 1025).status == 413
    assert ask("/a.css", "-X", "GET", "-d", "x" * 1024).status == 200


def test_locations_try_files_of_their_own(ask):
    assert ask("/docs/page").body == "a page"
    assert ask("/docs/sub").body == "sub"
    assert ask("/docs/missing.css").status == 403
    assert ask("/page").status == 404
    assert ask("/app/some/where").body == "the app"
    assert ask("/app/some/where.js").body == "the app"
    assert ask("/assets").fields["location"] == "/assets/"


def test_a_location_lists_its_directories(ask):
    assert "a.css" in ask("/assets/").body
    assert ask("/neighbours/").status == 403


def test_headers_are_on_pages_and_errors_alike(ask):
    for path, status in ("/", 200), ("/missing", 404), ("/neighbours/", 403), ("/assets", 301), ("/%zz", 400):
        answer = ask(path)
        assert answer.status == status
        assert answer.fields["x-frame-options"] == "DENY"
        assert answer.fields["x-content-type-options"] == "nosniff"
        assert ("retry-after" in answer.fields) == (status == 404)
    assert ask("/docs/page").fields["x-frame-options"] == "SAMEORIGIN"
    assert ask("/docs/missing").fields["x-frame-options"] == "SAMEORIGIN"
    bare = ask("/bare/404.html")
    assert "x-frame-options" not in bare.fields and "x-content-type-options" not in bare.fields
    assert ask("/a.css", "-r", "0-1").fields["x-frame-options"] == "DENY"
    etag = ask("/a.css").fields["etag"]
    assert ask("/a.css", "-H", f"If-None-Match: {etag}").fields["x-frame-options"] == "DENY"


def test_error_pages_are_those_of_the_place(ask):
    for path, options, status in [
        ("/missing", [], 404),
        ("/%zz", [], 400),
        ("/echo", ["-d", "123456789"], 413),
        ("/", ["-H", "X: " + "x" * 33000], 431),
    ]:
        answer = ask(path, *options)
        assert (answer.status, answer.body) == (status, "the site's page")
        assert answer.fields["cache-control"] == "no-store"
        assert "etag" not in answer.fields and "last-modified" not in answer.fields
    assert ask("/bare/missing").body == "the location's page"
    assert "Forbidden" in ask("/intern/a.css").body


def test_pages_of_allowed_origins_may_read(ask):
    answer = ask("/api/x", "-H", "Origin: https://app.example")
    assert answer.status == 200
    assert answer.fields["access-control-allow-origin"] == "https://app.example"
    assert answer.fields["access-control-allow-credentials"] == "true"
    assert answer.fields["access-control-expose-headers"] == "ETag"
    assert answer.fields["vary"] == "Origin"
    for origin in "https://evil.example", "null", "https://app.example.evil.example":
        answer = ask("/api/x", "-H", f"Origin: {origin}")
        assert answer.status == 200
        assert not any(name.startswith("access-control") for name in answer.fields)
        assert answer.fields["vary"] == "Origin"
    assert ask("/fonts/missing").fields["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in ask("/", "-H", "Origin: https://app.example").fields


def test_a_preflight_is_answered_by_the_server(ask):
    asked = ["-X", "OPTIONS", "-H", "Access-Control-Request-Method: PUT"]
    answer = ask("/api/x", *asked, "-H", "Origin: https://app.example")
    assert (answer.status, answer.body) == (204, "")
    assert answer.fields["access-control-allow-origin"] == "https://app.example"
    assert answer.fields["access-control-allow-methods"] == "GET, HEAD, POST, PUT"
    assert answer.fields["access-control-allow-headers"] == "Content-Type"
    assert answer.fields["access-control-max-age"] == "600"
    assert "content-length" not in answer.fields
    answer = ask("/fonts/a.woff2", *asked, "-H", "Origin: https://any.example")
    assert answer.status == 204
    assert answer.fields["access-control-allow-origin"] == "*"


def test_redirects_lead_where_the_rules_say(ask):
    for path, status, location in [
        ("/old/a.css", 301, "/assets/a.css"),
        ("/old/a%20b?q=1", 301, "/assets/a%20b?q=1"),
        ("/old//evil.example", 301, "/assets/evil.example"),
        ("/away/x/y?z", 302, "https://elsewhere.example/x/y?z"),
        ("/secure/x", 308, f"https://{ADDRESS}/x"),
    ]:
        for options in [], ["-d", "x=y"], ["-I"]:
            answer = ask(path, "--path-as-is", *options)
            assert (answer.status, answer.fields["location"]) == (status, location), (path, options)
            assert answer.fields["x-frame-options"] == "DENY"
    assert ask("/gone").status == 410
    assert ask("/old/kept/x").status == 404
    assert ask("/old/a.css", "-L").body.endswith("\r\n\r\nassets")


def test_rewrites_are_not_seen(ask):
    answer = ask("/short")
    assert (answer.status, answer.body) == (200, "a page")
    assert answer.fields["x-frame-options"] == "SAMEORIGIN"
    assert ask("/v1/x?y=z", "-H", "Accept: text/plain").status == 200
    assert ask("/v1/x", "-d", "123456789").status == 413
