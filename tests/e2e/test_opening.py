"""Opening with the kernel's TCP as the client: Fast Open, where its second request travels with the SYN; SYN cookies."""

from conftest import ADDRESS

CLIENT = """
import socket, sys
TCPI_OPT_SYN_DATA = 32
s = socket.socket()
s.sendto(b"GET /hello.txt HTTP/1.0\\r\\n\\r\\n", socket.MSG_FASTOPEN, (sys.argv[1], 80))
answer = b""
while part := s.recv(65536):
    answer += part
options = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[5]
print("with the SYN" if options & TCPI_OPT_SYN_DATA else "after the handshake")
assert answer.endswith(b"\\r\\n\\r\\nhello\\n"), answer
"""


def request(namespace):
    return namespace.run("/usr/bin/python3", "-c", CLIENT, ADDRESS).stdout.strip()


def serve_with(serve, tmp_path, tcp):
    config = tmp_path / "taphouse.conf"
    config.write_text(f"tcp {{ {tcp} }}\n")
    serve("--config", str(config))


def test_second_request_travels_with_the_syn(namespace, serve, tmp_path):
    serve_with(serve, tmp_path, "fast_open = true")
    namespace.run("sysctl", "-qw", "net.ipv4.tcp_fastopen=1")
    assert request(namespace) == "after the handshake"  # it got its cookie
    for _ in range(5):
        assert request(namespace) == "with the SYN"


def test_off_by_default(namespace, serve, tmp_path):
    serve_with(serve, tmp_path, "")
    namespace.run("sysctl", "-qw", "net.ipv4.tcp_fastopen=1")
    for _ in range(3):
        assert request(namespace) == "after the handshake"


def test_syn_cookies_always(namespace, serve, tmp_path):
    """Every connection by SYN cookie, and the kernel's TCP notices nothing."""
    serve_with(serve, tmp_path, 'syn_cookies = "always"')
    for timestamps in (1, 0):
        namespace.run("sysctl", "-qw", f"net.ipv4.tcp_timestamps={timestamps}")
        got = namespace.curl("-o", "/dev/null", "-w", "%{http_code} %{size_download}", f"http://{ADDRESS}/1m.bin")
        assert got.stdout == f"200 {1 << 20}"
