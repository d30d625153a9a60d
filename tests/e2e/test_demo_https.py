"""The demo of HTTPS: the messages of TLS that it names are on the wire, and a second connection is resumed."""

import pytest
from conftest import ADDRESS, built_with
from demo import demo, port_of  # noqa: F401: a fixture

PAGE = "demo-https.html"

pytestmark = pytest.mark.skipif(not built_with("OpenSSL"), reason="built without TLS")


def test_full_and_resumed(demo, tmp_path):
    demo.open(PAGE, "https")
    full = port_of(demo.press("open", "open", r".*full handshake.*"))
    resumed = port_of(demo.press("open", "open", r".*resumed.*"))
    assert demo.number("full-messages").startswith("ClientHello, ServerHello, ")
    assert "Certificate, CertificateVerify, Finished" in demo.number("full-messages")
    assert "Certificate" not in demo.number("resumed-messages")
    assert demo.number("full-trips") == demo.number("resumed-trips") == "2"
    sent = {name: int(demo.number(f"{name}-server").replace(",", "")) for name in ("full", "resumed")}
    assert sent["resumed"] < sent["full"] - 200  # a certificate and its signature; both have a ticket
    demo.look("demo-https", tmp_path)
    demo.stop()
    # The capture has the keys: tshark opens what was said.
    certificate, pre_shared_key = "11", "41"
    for port, has_certificate in ((full, True), (resumed, False)):
        messages = ",".join(row[0] for row in demo.captured(port, "tls.handshake.type")).split(",")
        assert (certificate in messages) == has_certificate
        chosen = [row for row in demo.captured(port, "ip.src", "tls.handshake.extension.type") if row[0] == ADDRESS]
        assert any(pre_shared_key in row[1].split(",") for row in chosen) != has_certificate


def test_by_http_it_says_where_to_go(demo):
    demo.browser.open(f"http://{ADDRESS}/{PAGE}")
    demo.browser.wait("!document.querySelector('[data-plain]').hidden")
    assert demo.browser.evaluate("document.querySelector('[data-plain] a').href") == f"https://{ADDRESS}/{PAGE}"
    assert demo.browser.evaluate("document.querySelector('#open [data-do]').disabled")
