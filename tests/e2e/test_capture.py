"""--pcap: tshark and tcpdump read what we wrote, and it tells the truth."""

import random
import subprocess

from conftest import ADDRESS

URL = f"http://{ADDRESS}"


def fields(capture, display_filter, *names):
    command = ["tshark", "-r", str(capture), "-Y", display_filter, "-T", "fields", "-E", "separator=|"]
    for name in names:
        command += ["-e", name]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [line.split("|") for line in out.splitlines()]


def test_capture_of_a_short_connection(serve, namespace, tmp_path):
    capture = tmp_path / "short.pcapng"
    server = serve("--pcap", capture)
    namespace.curl("-H", "Connection: close", f"{URL}/hello.txt")
    assert server.stop() == 0
    flags = [row[0] for row in fields(capture, "tcp", "tcp.flags.str")]
    text = [f.replace("·", "") for f in flags]
    assert text[0] == "S" and text[1] in ("AS", "SA")
    assert any("F" in f for f in text)
    requests = fields(capture, "http.request", "http.request.uri", "ip.dst")
    assert requests == [["/hello.txt", ADDRESS]]
    assert fields(capture, "http.response", "http.response.code") == [["200"]]
    comments = " ".join(row[0] for row in fields(capture, "frame.comment", "frame.comment"))
    assert "SYN-RECEIVED -> ESTABLISHED" in comments


def test_tcpdump_reads_it(serve, namespace, tmp_path):
    capture = tmp_path / "t.pcapng"
    server = serve("--pcap", capture)
    namespace.curl("-o", "/dev/null", f"{URL}/1m.bin")
    server.stop()
    answer = subprocess.run(["tcpdump", "-nr", capture, "tcp"], capture_output=True, text=True, check=True)
    assert f"{ADDRESS}.80" in answer.stdout and "Flags [S.]" in answer.stdout


def test_clean_transfers_have_no_expert_warnings(serve, namespace, site, tmp_path):
    """A few MB, kept-alive and short connections, closing from both sides: Wireshark finds nothing to object to, not
    even with the checks that it leaves off because network cards compute checksums after the capture."""
    capture = tmp_path / "clean.pcapng"
    (site / "8m.bin").write_bytes(random.Random(3).randbytes(8 << 20))
    server = serve("--pcap", capture)
    to_nowhere = ["-o", "/dev/null"]
    namespace.curl(*(to_nowhere + [f"{URL}/8m.bin"]) * 2)
    namespace.curl(*(to_nowhere + [f"{URL}/hello.txt"]) * 10)
    for name in ["hello.txt"] * 10 + ["8m.bin"]:
        namespace.curl(*to_nowhere, "-H", "Connection: close", f"{URL}/{name}")
    server.stop()
    expert = subprocess.run(
        ["tshark", "-q", "-r", capture, "-z", "expert", "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"],
        capture_output=True, text=True, check=True).stdout
    assert "Connection establish request" in expert
    assert "Errors" not in expert and "Warns" not in expert, expert


def test_drops_and_retransmissions_are_commented(serve, namespace, tmp_path):
    capture = tmp_path / "bad.pcapng"
    server = serve("--pcap", capture, "--impair", "loss=3%,corrupt=3%,seed=11")
    namespace.curl("-o", "/dev/null", f"{URL}/1m.bin")
    server.stop()
    comments = " ".join(row[0] for row in fields(capture, "frame.comment", "frame.comment"))
    assert "retransmission" in comments
    assert "dropped:" in comments


def test_loss_recovery_is_commented(serve, namespace, site, tmp_path):
    capture = tmp_path / "loss.pcapng"
    (site / "8m.bin").write_bytes(bytes(8 << 20))
    server = serve("--pcap", capture, "--impair", "loss=1%,delay=2ms,seed=5")
    namespace.curl("-o", "/dev/null", f"{URL}/8m.bin")
    server.stop()
    comments = " ".join(row[0] for row in fields(capture, "frame.comment", "frame.comment"))
    assert "loss: RACK, cwnd" in comments
    assert "recovered, cwnd" in comments


def test_a_full_disk_does_not_end_the_server(serve, namespace, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], check=True)
    try:
        server = serve("--pcap", small / "full.pcapng")
        for _ in range(3):
            assert len(namespace.curl("-o", "-", f"{URL}/1m.bin", text=False).stdout) == 1 << 20
        assert server.stop() == 0
        assert "No space left" in server.errors.read_text()
    finally:
        subprocess.run(["umount", small], check=False)
