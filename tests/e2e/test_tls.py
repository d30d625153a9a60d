"""HTTPS over our own TCP, as curl, openssl and tshark see it."""

import json
import re
import socket
import subprocess
import threading
import time

import pytest
from conftest import ADDRESS, raw, sha256

URL = f"https://{ADDRESS}"


def make_authority(directory):
    """A test authority: ca.pem and ca.key."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "30", "-subj", "/CN=test authority", "-addext", "keyUsage=critical,keyCertSign",
                    "-keyout", directory / "ca.key", "-out", directory / "ca.pem"], check=True, capture_output=True)


def make_certificate(directory, name, *, key="ec", alt=f"IP:{ADDRESS},DNS:site.example", days=30,
                     usage="serverAuth"):
    """NAME.pem and NAME.key, signed by the authority of make_authority()."""
    new_key = {"ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["-newkey", "rsa:2048"]}[key]
    request, extensions = directory / f"{name}.csr", directory / f"{name}.ext"
    extensions.write_text(f"subjectAltName={alt}\nextendedKeyUsage={usage}\nbasicConstraints=CA:FALSE\n")
    subprocess.run(["openssl", "req", "-new", *new_key, "-nodes", "-subj", f"/CN={name}",
                    "-keyout", directory / f"{name}.key", "-out", request], check=True, capture_output=True)
    subprocess.run(["openssl", "x509", "-req", "-in", request, "-CA", directory / "ca.pem",
                    "-CAkey", directory / "ca.key", "-CAcreateserial", "-days", str(days), "-extfile", extensions,
                    "-out", directory / f"{name}.pem"], check=True, capture_output=True)
    return directory / f"{name}.pem", directory / f"{name}.key"


@pytest.fixture
def authority(tmp_path):
    make_authority(tmp_path)
    return tmp_path / "ca.pem"


@pytest.fixture
def certificate(authority, tmp_path):
    return make_certificate(tmp_path, "server")


@pytest.fixture
def serve_tls(serve, certificate):
    """serve_tls(*options) serves the site over TLS as well, with a certificate of the authority."""
    def start(*options, **others):
        return serve("--certificate", certificate[0], "--key", certificate[1], *options, **others)
    return start


@pytest.fixture
def curl(namespace, authority):
    def run(*args, **options):
        return namespace.curl("--cacert", authority, *args, **options)
    return run


def s_client(namespace, authority, *options, stdin="", check=False):
    return namespace.run("openssl", "s_client", "-connect", f"{ADDRESS}:443", "-CAfile", authority, *options,
                         input=stdin, check=check)


def test_ready_line_names_both_addresses(serve_tls, site):
    server = serve_tls()
    assert f"taphouse: serving {site} at http://{ADDRESS}/ and https://{ADDRESS}/\n" in server.output()


@pytest.mark.parametrize("version,name", [("--tlsv1.3", "TLSv1.3"), ("--tls-max=1.2", "TLSv1.2")])
def test_curl_gets_a_page(serve_tls, curl, version, name):
    serve_tls()
    version = version.split("=")
    answer = curl("-v", *version, f"{URL}/hello.txt", f"{URL}/hello.txt")
    assert answer.stdout == "hello\nhello\n"
    assert f"SSL connection using {name}" in answer.stderr
    assert "ALPN: server accepted http/1.1" in answer.stderr
    assert "SSL certificate verify ok" in answer.stderr
    assert "Re-using existing connection" in answer.stderr


def test_http_is_as_it_was(serve_tls, namespace):
    serve_tls()
    assert namespace.curl(f"http://{ADDRESS}/hello.txt").stdout == "hello\n"


def test_large_files_arrive_whole(serve_tls, curl, site, tmp_path):
    serve_tls()
    target = tmp_path / "got"
    curl("-o", target, f"{URL}/1m.bin")
    assert sha256(target) == sha256(site / "1m.bin")


@pytest.mark.parametrize("version", ["-tls1_3", "-tls1_2"])
def test_sessions_are_resumed(serve_tls, namespace, authority, tmp_path, version):
    serve_tls()
    first = s_client(namespace, authority, version, "-sess_out", tmp_path / "session", "-ign_eof",
                     stdin="GET / HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n")
    assert "New, " in first.stdout and "Verify return code: 0 (ok)" in first.stdout
    second = s_client(namespace, authority, version, "-sess_in", tmp_path / "session", stdin="Q")
    assert "Reused, " in second.stdout


def test_reconnect_resumes(serve_tls, namespace, authority):
    serve_tls()
    answer = s_client(namespace, authority, "-tls1_2", "-reconnect", stdin="Q")
    assert answer.stdout.count("Reused, TLSv1.2") == 5


def test_self_signed_says_how_to_trust_it(serve, namespace):
    server = serve("--self-signed")
    told = server.output()
    command = re.search(r"to trust it: curl (--cacert \S+ https://\S+)", told)
    assert command and "hello" in namespace.curl(*(command[1] + "hello.txt").split()).stdout
    fingerprint = re.search(r"SHA-256 ([0-9A-F:]{95})\n", told)[1]
    shown = namespace.run("sh", "-c", f"openssl s_client -connect {ADDRESS}:443 </dev/null 2>/dev/null | "
                                      "openssl x509 -noout -fingerprint -sha256").stdout
    assert shown.strip().upper().endswith(fingerprint)


def test_plain_http_to_the_tls_port_is_told_so(serve_tls, namespace):
    serve_tls()
    answer = namespace.curl("-i", f"http://{ADDRESS}:443/")
    assert answer.stdout.startswith("HTTP/1.1 400 ") and "HTTPS" in answer.stdout


def test_a_capture_is_decrypted_with_nothing_but_the_file(serve_tls, namespace, curl, tmp_path):
    capture = tmp_path / "capture.pcapng"
    server = serve_tls("--pcap", capture)
    for version in ("--tlsv1.3", "--tls-max"):
        curl(version, *(["1.2"] if version == "--tls-max" else []), f"{URL}/hello.txt")
    assert server.stop() == 0
    assert capture.stat().st_mode & 0o777 == 0o600  # whoever reads it reads what was said
    http = subprocess.run(["tshark", "-r", capture, "-Y", "http", "-T", "fields", "-e", "http.request.uri",
                           "-e", "http.response.code", "-e", "tls.handshake.version"], capture_output=True, text=True,
                          check=True).stdout
    assert http.count("/hello.txt") == 2 and http.count("200") == 2
    comments = subprocess.run(["tshark", "-r", capture, "-T", "fields", "-e", "frame.comment"], capture_output=True,
                              text=True, check=True).stdout
    for step in ("TLS ClientHello", "TLS ServerHello", "TLS Certificate", "TLS Finished", "TLS NewSessionTicket",
                 "TLS ClientKeyExchange", "TLS alert: close notify"):
        assert step in comments, step


def test_secrets_stay_out_of_a_capture_if_they_are_to(serve, certificate, namespace, curl, site, tmp_path):
    capture, key_log = tmp_path / "capture.pcapng", tmp_path / "keys"
    config = tmp_path / "taphouse.conf"
    config.write_text(f'tls {{ capture_secrets = false  key_log = "{key_log}" }}\n'
                      f'site "s" {{ root = "{site}"  listen_tls = 443  certificate = "server.pem"  key = "server.key" }}\n')
    server = serve("--config", config, "--pcap", capture)
    curl(f"{URL}/hello.txt")
    assert server.stop() == 0
    read = ["tshark", "-r", capture, "-Y", "http.response.code == 200", "-T", "fields", "-e", "http.response.code"]
    assert subprocess.run(read, capture_output=True, text=True, check=True).stdout == ""
    assert key_log.stat().st_mode & 0o777 == 0o600
    read[1:1] = ["-o", f"tls.keylog_file:{key_log}"]
    assert subprocess.run(read, capture_output=True, text=True, check=True).stdout == "200\n"
