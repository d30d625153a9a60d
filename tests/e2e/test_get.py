"""taphouse get: our stack as the client, the kernel's TCP as the server."""

import pytest
from conftest import TAPHOUSE, sha256


@pytest.fixture
def kernel_server(namespace, site):
    """Python's HTTP server on the kernel's side of the TAP that taphouse get makes."""
    program = (
        "import functools, http.server, socket\n"
        "socket.socket.IP_FREEBIND = 15\n"
        "class S(http.server.ThreadingHTTPServer):\n"
        "    def server_bind(self):\n"
        "        self.socket.setsockopt(socket.IPPROTO_IP, 15, 1)\n"
        "        super().server_bind()\n"
        f"h = functools.partial(http.server.SimpleHTTPRequestHandler, directory={str(site)!r})\n"
        "s = S(('10.78.0.1', 8000), h)\n"
        "print('ready', flush=True)\n"
        "s.serve_forever()\n")
    import subprocess
    process = namespace.start("/usr/bin/python3", "-c", program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True)
    assert process.stdout.readline() == "ready\n"
    yield "http://10.78.0.1:8000"
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
