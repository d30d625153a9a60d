"""GET against POST, made visible: the echo location, asked by curl."""

import json
import random

import pytest
from conftest import ADDRESS

URL = f"http://{ADDRESS}"


@pytest.fixture
def echo(tmp_path, site, serve):
    file = tmp_path / "t.conf"
    file.write_text(f'site "e2e" {{\n\troot = "{site}"\n'
                    '\tlocation "/echo" { echo = true }\n\tlocation "/octet" { echo = "octet" }\n}\n')
    return serve("--config", file)


def in_json(namespace, *args):
    return json.loads(namespace.curl("-f", "-H", "Accept: application/json", *args).stdout)


def test_get_has_its_parameters_in_the_url_and_post_in_the_body(echo, namespace):
    get = in_json(namespace, "-G", "-d", "name=Ann", "--data-urlencode", "word=a&b", f"{URL}/echo")
    assert (get["method"], get["parameters"], get["body"]) == ("GET", [["name", "Ann"], ["word", "a&b"]], "")
    post = in_json(namespace, "-d", "name=Ann", "--data-urlencode", "word=a&b", f"{URL}/echo")
    assert (post["method"], post["parameters"], post["body"]) == ("POST", [], "name=Ann&word=a%26b")
    assert dict(post["fields"])["Content-Type"] == "application/x-www-form-urlencoded"
    assert post["client"] == "10.77.0.1"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_any_method_is_shown(echo, namespace, method):
    assert in_json(namespace, "-X", method, f"{URL}/echo/deeper?x")["method"] == method


def test_accept_decides_on_the_form(echo, namespace):
    for accept, media in [("*/*", "text/plain; charset=utf-8"), ("text/html,*/*;q=0.8", "text/html; charset=utf-8"),
                          ("text/plain;q=0.1, application/json", "application/json")]:
        head = namespace.curl("-i", "-H", f"Accept: {accept}", f"{URL}/echo?<script>").stdout
        assert f"Content-Type: {media}\n" in head and "Cache-Control: no-store\n" in head
        if "html" in media:
            assert "<script>" not in head and "&lt;script&gt;" in head


@pytest.mark.parametrize("encoding", [[], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"]],
                         ids=["length", "chunked", "expect"])
def test_octets_come_back_as_they_came(echo, namespace, tmp_path, encoding):
    body = tmp_path / "body"
    body.write_bytes(random.Random(3).randbytes((2 << 20) - 1))
    namespace.curl("-f", "--data-binary", f"@{body}", *encoding, "-o", tmp_path / "back", f"{URL}/octet")
    assert (tmp_path / "back").read_bytes() == body.read_bytes()


def test_more_than_max_body_is_413(echo, namespace, tmp_path):
    body = tmp_path / "body"
    body.write_bytes(bytes((2 << 20) + 1))
    for encoding in ([], ["-H", "Transfer-Encoding: chunked"]):
        code = namespace.curl("--data-binary", f"@{body}", *encoding, "-o", "/dev/null", "-w", "%{http_code}", f"{URL}/octet")
        assert code.stdout == "413"


def test_a_body_survives_a_bad_wire(tmp_path, site, serve, namespace):
    file = tmp_path / "t.conf"
    file.write_text(f'site "e2e" {{ root = "{site}" location "/octet" {{ echo = "octet" }} }}\n')
    serve("--config", file, "--impair", "loss=3%,delay=5ms,reorder=5%,duplicate=2%")
    body = tmp_path / "body"
    body.write_bytes(random.Random(4).randbytes(500000))
    namespace.curl("-f", "--data-binary", f"@{body}", "-o", tmp_path / "back", f"{URL}/octet")
    assert (tmp_path / "back").read_bytes() == body.read_bytes()
