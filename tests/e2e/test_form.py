"""The form location: what curl submits in each of the ways that forms have, and the lines that come of it."""

import json
import re
import signal

import pytest
from conftest import ADDRESS, raw, wait_until

URL = f"http://{ADDRESS}/contact"


@pytest.fixture
def form(tmp_path, site, serve):
    """form(keys) serves a form; its file is form.file."""

    def start(keys=""):
        config = tmp_path / "t.conf"
        config.write_text(f'site "e2e" {{ root = "{site}"\n\tlocation "/contact" {{ form = "contact.jsonl" {keys} }}\n}}\n')
        return serve("--config", config)

    start.file = tmp_path / "contact.jsonl"
    start.lines = lambda: [json.loads(line) for line in start.file.read_text().splitlines()]
    return start


def code(namespace, *args):
    return namespace.curl("-o", "/dev/null", "-w", "%{http_code}", *args).stdout


def test_each_way_to_submit_is_a_line(form, namespace):
    form()
    assert code(namespace, "-d", "name=Ann", "--data-urlencode", "text=two\nlines & ü", URL) == "200"
    assert code(namespace, "-F", "name=Ann", "-F", "text=two\nlines & ü", "-F", "tag=a", "-F", "tag=b", URL) == "200"
    assert code(namespace, "--json", '{"name": "Ann",\n "tags": [1, {"a": null}]}', URL) == "200"
    urlencoded, multipart, sent_json = form.lines()
    assert urlencoded["fields"] == {"name": "Ann", "text": "two\nlines & ü"}
    assert multipart["fields"] == {"name": "Ann", "text": "two\nlines & ü", "tag": ["a", "b"]}
    assert sent_json["fields"] == {"name": "Ann", "tags": [1, {"a": None}]}
    for line in (urlencoded, multipart, sent_json):
        assert line["client"] == "10.77.0.1"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])


def test_browsers_are_sent_on_and_programs_told(form, namespace):
    form('form_redirect = "/hello.txt"')
    head = namespace.curl("-i", "-H", "Accept: text/html,*/*;q=0.8", "-d", "a=b", URL).stdout
    assert head.startswith("HTTP/1.1 303 See Other\n")
    assert "Location: /hello.txt\n" in head and "Cache-Control: no-store\n" in head
    assert namespace.curl("-L", "-d", "a=b", URL).stdout == "hello\n"
    assert json.loads(namespace.curl("-H", "Accept: application/json", "-d", "a=b", URL).stdout) == {"ok": True}
    assert len(form.lines()) == 3


def test_what_is_no_form_is_refused(form, namespace, tmp_path):
    form('form_max_body = "1K" form_honeypot = "website"')
    (tmp_path / "photo").write_bytes(b"x" * 10)
    assert code(namespace, URL) == "405"
    assert code(namespace, "-H", "Content-Type: text/plain", "-d", "a=b", URL) == "415"
    assert code(namespace, "-F", f"file=@{tmp_path}/photo", URL) == "415"
    assert code(namespace, "--json", "[1]", URL) == "400"
    assert code(namespace, "-d", "a=" + "x" * 2000, URL) == "413"
    assert code(namespace, "-H", "Transfer-Encoding: chunked", "-d", "a=" + "x" * 2000, URL) == "413"
    assert code(namespace, "-d", "a=b&website=http://spam.example", URL) == "200"
    assert form.lines() == []
    assert code(namespace, "-d", "a=b&website=", URL) == "200"
    assert [line["fields"] for line in form.lines()] == [{"a": "b"}]


def test_a_client_that_submits_too_often_waits(form, namespace):
    form('rate = "3/h"')
    assert [code(namespace, "-d", f"n={i}", URL) for i in range(5)] == ["200"] * 3 + ["429"] * 2
    assert "\nRetry-After: " in namespace.curl("-i", "-d", "n=6", URL).stdout
    assert [line["fields"]["n"] for line in form.lines()] == ["0", "1", "2"]
    # Files of the site are not counted with it.
    assert code(namespace, f"http://{ADDRESS}/hello.txt") == "200"


def test_the_file_is_opened_anew_on_sigusr1(form, namespace, tmp_path):
    server = form('form_fsync = true')
    code(namespace, "-d", "n=1", URL)
    form.file.rename(tmp_path / "old.jsonl")
    server.process.send_signal(signal.SIGUSR1)
    wait_until(form.file.exists)
    code(namespace, "-d", "n=2", URL)
    assert [line["fields"] for line in form.lines()] == [{"n": "2"}]


def test_pipelined_posts_are_each_a_line_in_order(form, namespace):
    form()
    one = b"POST /contact HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s"
    bodies = [b"n=%d" % i for i in range(200)]
    answer = raw(namespace, b"".join(one % (len(b), b) for b in bodies), half_close=True).stdout
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 200
    assert [line["fields"]["n"] for line in form.lines()] == [str(i) for i in range(200)]


def test_a_submission_cut_short_is_not_written(form, namespace):
    form()
    head = b"POST /contact HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\na=b"
    assert raw(namespace, head, half_close=True).stdout.startswith(b"HTTP/1.1 400 ")
    assert form.file.read_text() == ""
