"""taphouse get: our stack as the client, the kernel's TCP as the server."""

import subprocess

import pytest
from conftest import TAPHOUSE, sha256


def start_kernel_server(namespace, site, wrap=""):
    """Python's HTTP server on the kernel's side of the TAP that taphouse get makes."""
    program = (
        "import functools, http.server, socket, ssl\n"
        "class S(http.server.ThreadingHTTPServer):\n"
        "    def server_bind(self):\n"
        "        self.socket.setsockopt(socket.IPPROTO_IP, 15, 1)\n"  # IP_FREEBIND: the address comes later
        "        super().server_bind()\n"
        f"h = functools.partial(http.server.SimpleHTTPRequestHandler, directory={str(site)!r})\n"
        "s = S(('10.78.0.1', 8000), h)\n"
        f"{wrap}\n"
        "print('ready', flush=True)\n"
        "s.serve_forever()\n")
    process = namespace.start("/usr/bin/python3", "-c", program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True)
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.fixture
def kernel_server(namespace, site):
    process = start_kernel_server(namespace, site)
    yield "http://10.78.0.1:8000"
    process.kill()
    process.wait()


@pytest.fixture
def kernel_https_server(namespace, site, tmp_path):
    certificate = tmp_path / "server.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=kernel",
                    "-addext", "subjectAltName=IP:10.78.0.1", "-keyout", certificate, "-out", tmp_path / "only.pem"],
                   check=True, capture_output=True)
    certificate.write_text(certificate.read_text() + (tmp_path / "only.pem").read_text())
    process = start_kernel_server(
        namespace, site,
        "c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
        f"c.load_cert_chain({str(certificate)!r})\n"
        "s.socket = c.wrap_socket(s.socket, server_side=True)\n")
    yield "https://10.78.0.1:8000", tmp_path / "only.pem"
    process.kill()
    process.wait()


def test_get_a_page(namespace, kernel_server):
    answer = namespace.run(TAPHOUSE, "get", f"{kernel_server}/hello.txt")
    assert answer.stdout == "hello\n"


def test_get_a_megabyte_into_a_file(namespace, kernel_server, tmp_path, site):
    target = tmp_path / "got"
    namespace.run(TAPHOUSE, "get", "-o", target, f"{kernel_server}/1m.bin")
    assert sha256(target) == sha256(site / "1m.bin")


def test_get_over_a_bad_wire(namespace, kernel_server, tmp_path, site):
    target = tmp_path / "got"
    namespace.run(TAPHOUSE, "get", "-o", target, "--impair", "loss=5%,seed=2", f"{kernel_server}/1m.bin")
    assert sha256(target) == sha256(site / "1m.bin")


def test_get_refused(namespace, kernel_server):
    answer = namespace.run(TAPHOUSE, "get", "http://10.78.0.1:8001/", check=False)
    assert answer.returncode == 1
    assert len(answer.stderr.splitlines()) == 1 and "refused" in answer.stderr


def test_get_nobody_there(namespace, kernel_server):
    answer = namespace.run(TAPHOUSE, "get", "--max-time", "2", "http://10.78.0.9/", check=False)
    assert answer.returncode == 1
    assert len(answer.stderr.splitlines()) == 1


def test_get_over_https(namespace, kernel_https_server, tmp_path, site):
    url, authority = kernel_https_server
    target = tmp_path / "got"
    namespace.run(TAPHOUSE, "get", "--ca", authority, "-o", target, f"{url}/1m.bin")
    assert sha256(target) == sha256(site / "1m.bin")


def test_get_over_https_and_a_bad_wire(namespace, kernel_https_server, tmp_path, site):
    url, authority = kernel_https_server
    target = tmp_path / "got"
    namespace.run(TAPHOUSE, "get", "--ca", authority, "-o", target, "--impair", "loss=5%,seed=2", f"{url}/1m.bin")
    assert sha256(target) == sha256(site / "1m.bin")


def test_get_verifies_the_server(namespace, kernel_https_server):
    url, authority = kernel_https_server
    answer = namespace.run(TAPHOUSE, "get", f"{url}/hello.txt", check=False)
    assert answer.returncode == 1 and answer.stdout == ""
    assert len(answer.stderr.splitlines()) == 1 and "certificate: self-signed certificate" in answer.stderr
    answer = namespace.run(TAPHOUSE, "get", "--insecure", f"{url}/hello.txt")
    assert answer.stdout == "hello\n"
