"""The demo of GET against POST: what it shows is what arrived, and its ladder is what the capture has."""

import urllib.parse

from conftest import ADDRESS
from demo import demo  # noqa: F401: a fixture
from test_capture import fields

PAGE = "get-post.html"
WORDS = "name=Ann&words=two+pints+%26+a+half"


def press(demo, selector):
    """Presses a button; returns what is told beside it then."""
    button = f"document.querySelector({selector!r})"
    status = f"{button}.closest('.act').querySelector('[role=status]').textContent"
    demo.browser.evaluate(f"{button}.click()")
    return demo.browser.wait(f"!{button}.disabled && {status}.replace('…', '')")


def test_both_are_shown_as_they_arrived_and_on_the_wire(demo, tmp_path):
    demo.open(PAGE)
    for method, arrived, carried in (
            ("get", f"GET /echo?{WORDS} HTTP/1.1\n\n(no body)", f"GET /echo?{WORDS}"),
            ("post", f"\n\n{WORDS}", "POST /echo")):
        assert press(demo, f"#both form[method={method}] button") == "200 OK, no-store"
        shown = demo.browser.wait(f"(({{ textContent: t }}) => t.startsWith('{method.upper()} /echo') && t)"
                                  f"(document.querySelector('#both form[method={method}] .arrived'))")
        assert arrived in shown
        ladder = "document.querySelector('#both [data-ladder]').textContent"
        demo.browser.wait(f"{ladder}.includes({f'{method.upper()} /echo'!r}) && {ladder}.includes('200 OK')")
        assert carried[:40] in demo.browser.evaluate(ladder)
    demo.look("demo-get-post", tmp_path)
    demo.stop()
    uris = fields(demo.capture, 'http.request.uri contains "/echo"', "http.request.method", "http.request.uri")
    assert uris == [["GET", f"/echo?{WORDS}"], ["POST", "/echo"]]
    (body,) = [row[0] for row in fields(demo.capture, 'http.request.method == "POST"', "http.file_data") if row[0]]
    text = bytes.fromhex(body.replace(":", "")).decode() if "=" not in body else body
    assert urllib.parse.parse_qsl(text) == [("name", "Ann"), ("words", "two pints & a half")]


def test_limits_and_kept_copies(demo):
    demo.open(PAGE)
    assert press(demo, "[data-method=GET][data-length='9000']") == "414 URI Too Long"
    assert press(demo, "[data-method=POST][data-length='9000']") == "200 OK"
    assert press(demo, "[data-method=POST][data-length='3000000']") == "413 Content Too Large"
    press(demo, "[data-again=GET]")  # the page came as the file is; now it has been compressed, and is another
    assert press(demo, "[data-again=GET]").startswith("304: ")
    assert press(demo, "[data-again=POST]").endswith(" came, the whole of it")
    # That is what the page is for.
    demo.browser.messages = [m for m in demo.browser.messages if not str(m).startswith("('Failed to load resource")]
    demo.stop()
    assert '"GET /get-post.html HTTP/1.1" 304' in demo.server.output()


def test_what_it_takes_is_kept(demo, namespace, tmp_path):
    assert "Thank you" in namespace.curl("-d", "name=Ann&message=hello&website=", f"http://{ADDRESS}/contact").stdout
    assert '"fields":{"name":"Ann","message":"hello"}' in (tmp_path / "contact.jsonl").read_text()
    assert "hello.txt" in namespace.curl("-F", f"file=@{tmp_path}/site/hello.txt", f"http://{ADDRESS}/upload").stdout
    assert (tmp_path / "uploads" / "hello.txt").read_text() == "hello\n"
