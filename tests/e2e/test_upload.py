"""The upload location: what curl sends is stored, whole or not at all, whoever leaves and whatever is full."""

import json
import os
import pathlib
import random
import signal
import subprocess

import pytest
from conftest import ADDRESS, is_sanitized, raw, sha256, wait_until

URL = f"http://{ADDRESS}/upload"
JSON = ("-H", "Accept: application/json")


@pytest.fixture
def upload(tmp_path, site, serve):
    """upload(keys) serves an upload location; its directory is upload.directory."""

    def start(keys="", top=""):
        config = tmp_path / "t.conf"
        config.write_text(f'{top}\nsite "e2e" {{ root = "{site}"\n\tlocation "/upload" {{ upload = "up/" {keys} }}\n}}\n')
        return serve("--config", config)

    start.directory = tmp_path / "up"
    start.directory.mkdir()
    start.names = lambda: sorted(os.listdir(start.directory))
    return start


@pytest.fixture
def small_disk(upload):
    """The directory on a disk of 1 MiB."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", upload.directory], check=True)
    yield
    subprocess.run(["umount", upload.directory], check=True)


@pytest.fixture
def photo(tmp_path):
    """A file of 1 MB."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(random.Random(3).randbytes(1000000))
    return path


def code(namespace, *args):
    return namespace.curl("-o", "/dev/null", "-w", "%{http_code}", *args).stdout


def multipart(*files, boundary="B"):
    parts = "".join(f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="{name}"\r\n\r\n{content}\r\n'
                    for name, content in files)
    return f"{parts}--{boundary}--\r\n".encode()


def request(body, length=None):
    head = ("POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=B\r\n"
            f"Content-Length: {len(body) if length is None else length}\r\n\r\n")
    return head.encode() + body


def memory_of(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) << 10


def open_files_of(server):
    return [os.readlink(fd) for fd in pathlib.Path(f"/proc/{server.process.pid}/fd").iterdir() if fd.is_symlink()]


def test_files_arrive_as_they_are(upload, namespace, photo):
    upload()
    (photo.parent / "empty").touch()
    answer = namespace.curl(*JSON, "-F", f"a=@{photo}", "-F", "comment=dropped", "-F", f"b=@{photo.parent}/empty", URL).stdout
    assert json.loads(answer) == {"files": [{"name": "photo.jpg", "bytes": 1000000}, {"name": "empty", "bytes": 0}]}
    assert upload.names() == ["empty", "photo.jpg"]
    assert sha256(upload.directory / "photo.jpg") == sha256(photo)
    assert (upload.directory / "photo.jpg").stat().st_mode & 0o137 == 0
    page = namespace.curl("-i", "-H", "Accept: text/html", "-F", f"a=@{photo}", URL).stdout
    assert "Cache-Control: no-store\n" in page and "<li>photo-2.jpg, bytes: 1000000\n" in page
    assert code(namespace, "-H", "Transfer-Encoding: chunked", "-F", f"a=@{photo}", URL) == "200"
    assert sha256(upload.directory / "photo-3.jpg") == sha256(photo)


def test_names_stay_in_the_directory(upload, namespace, photo):
    upload()
    for name in ("../../evil", "/etc/passwd", "..", ".htaccess", "C:\\\\x\\\\y.txt", "a\tb", "größe €.txt"):
        assert code(namespace, "-F", f'a=@{photo};filename="{name}"', URL) == "200"
    assert upload.names() == sorted(["evil", "passwd", "file", "_htaccess", "y.txt", "a_b", "größe €.txt"])
    assert not (upload.directory.parent / "evil").exists()


def test_a_large_file_takes_no_memory(upload, namespace, tmp_path):
    server = upload()
    large = tmp_path / "large"
    large.write_bytes(random.Random(4).randbytes(1 << 20) * 60)
    assert code(namespace, "-F", f"a=@{tmp_path}/site/hello.txt", URL) == "200"
    before = memory_of(server)
    assert code(namespace, "-F", f"a=@{large}", URL) == "200"
    assert is_sanitized() or memory_of(server) - before < 16 << 20
    assert sha256(upload.directory / "large") == sha256(large)


def test_limits(upload, namespace, photo):
    upload('upload_max_body = "600K" upload_max_file = "500K" upload_max_files = 2')
    small = photo.parent / "small"
    small.write_bytes(b"x" * 550000)
    assert code(namespace, "-F", f"a=@{photo}", URL) == "413"
    assert code(namespace, "-H", "Transfer-Encoding: chunked", "-F", f"a=@{photo}", URL) == "413"
    assert code(namespace, "-F", f"a=@{small}", URL) == "413"
    hello = photo.parent / "site" / "hello.txt"
    assert code(namespace, "-F", f"a=@{hello}", "-F", f"a=@{hello}", "-F", f"a=@{hello}", URL) == "413"
    assert code(namespace, "-d", "a=b", URL) == "415"
    assert code(namespace, "-F", "a=b", URL) == "400"
    assert code(namespace, URL) == "405"
    assert upload.names() == []
    # A client that asks before it sends is told before it has sent (RFC 9110 section 10.1.1).
    head = request(b"", length=10 << 20).replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
    assert raw(namespace, head).stdout.startswith(b"HTTP/1.1 413 ")


def test_a_taken_name_is_a_conflict_by_choice(upload, namespace, photo):
    upload("upload_numbers = false")
    assert code(namespace, "-F", f"a=@{photo}", URL) == "200"
    assert code(namespace, "-F", f"a=@{photo}", URL) == "409"
    assert upload.names() == ["photo.jpg"]


def test_a_quota_and_what_is_freed_of_it(upload, namespace, photo):
    server = upload('upload_max_total = "2500K"')
    assert [code(namespace, "-F", f"a=@{photo}", URL) for _ in range(3)] == ["200", "200", "507"]
    assert "upload_max_total is reached" in server.errors.read_text()
    (upload.directory / "photo.jpg").unlink()
    assert code(namespace, "-F", f"a=@{photo}", URL) == "200"


def test_a_full_disk(upload, small_disk, namespace, photo):
    server = upload()
    assert code(namespace, "-F", f"a=@{photo}", URL) == "200"
    assert code(namespace, "-F", f"a=@{photo}", URL) == "507"
    assert "No space left on device" in server.errors.read_text()
    assert upload.names() == ["photo.jpg"]
    (upload.directory / "photo.jpg").unlink()
    wait_until(lambda: code(namespace, "-F", f"a=@{photo}", URL) == "200", "what was refused still takes up room")
    server.stop()


def test_a_body_cut_anywhere_leaves_nothing(upload, namespace):
    server = upload()
    whole = request(multipart(("a", "one"), ("b", "two")))
    program = (
        "import socket, sys\n"
        "whole = sys.stdin.buffer.read()\n"
        "for cut in range(len(whole)):\n"
        f"    s = socket.create_connection(({ADDRESS!r}, 80), 10)\n"
        "    s.sendall(whole[:cut])\n"
        "    s.shutdown(socket.SHUT_WR)\n"
        "    while s.recv(65536):\n"
        "        pass\n"
        "    s.close()\n"
    )
    namespace.run("/usr/bin/python3", "-c", program, input=whole, text=False)
    assert upload.names() == []
    assert raw(namespace, whole, half_close=True).stdout.startswith(b"HTTP/1.1 200 ")
    assert upload.names() == ["a", "b"]
    wait_until(lambda: not [f for f in open_files_of(server) if "(deleted)" in f], "files without a name are still open")


def test_many_slow_uploads(upload, namespace, tmp_path):
    """100 that have sent 900 KB each and then pause: they take up no more than buffers, and all come to an end."""
    server = upload("upload_fsync = false", top='tcp { receive_buffer_max = "256K" }')
    code(namespace, f"http://{ADDRESS}/hello.txt")
    before = memory_of(server)
    body = multipart(("slow.bin", "x" * 1000000))
    program = (
        "import socket, sys\n"
        "whole = sys.stdin.buffer.read()\n"
        f"all = [socket.create_connection(({ADDRESS!r}, 80), 30) for _ in range(100)]\n"
        "for s in all: s.sendall(whole[:900000])\n"
        "print('paused', flush=True)\n"
        f"open({str(tmp_path / 'go')!r}).read()\n"
        "for s in all: s.sendall(whole[900000:])\n"
        "print(sum(s.recv(12) == b'HTTP/1.1 200' for s in all), flush=True)\n"
    )
    os.mkfifo(tmp_path / "go")
    (tmp_path / "whole").write_bytes(request(body))
    with open(tmp_path / "whole", "rb") as whole:
        slow = namespace.start("/usr/bin/python3", "-c", program, stdin=whole, stdout=subprocess.PIPE, text=True)
    try:
        assert slow.stdout.readline() == "paused\n"
        wait_until(lambda: len([f for f in open_files_of(server) if "(deleted)" in f]) == 100, "not all have arrived")
        assert is_sanitized() or memory_of(server) - before < 100 * (256 + 2 * 32 + 64) << 10
        assert upload.names() == []
        assert namespace.curl("--max-time", "5", f"http://{ADDRESS}/hello.txt").stdout == "hello\n"
        (tmp_path / "go").write_text("")
        assert slow.stdout.readline() == "100\n"
    finally:
        slow.kill()
        slow.wait()
    assert len(upload.names()) == 100
    assert {(upload.directory / name).stat().st_size for name in upload.names()} == {1000000}


def test_a_server_that_is_killed_leaves_nothing(upload, namespace, tmp_path):
    server = upload()
    half = request(multipart(("a", "x" * 100000)), length=200000)
    program = f"import socket, sys\ns = socket.create_connection(({ADDRESS!r}, 80), 30)\ns.sendall(sys.stdin.buffer.read())\ns.recv(1)\n"
    (tmp_path / "half").write_bytes(half)
    with open(tmp_path / "half", "rb") as file:
        client = namespace.start("/usr/bin/python3", "-c", program, stdin=file, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: [f for f in open_files_of(server) if "(deleted)" in f], "it has not arrived")
        server.kill()
    finally:
        client.kill()
        client.wait()
    assert upload.names() == []


def test_an_upload_under_way_is_finished_by_a_drain(upload, namespace, photo, tmp_path):
    server = upload()
    client = namespace.start("curl", "-sS", "--max-time", "40", "--limit-rate", "700K", "-o", "/dev/null", "-w", "%{http_code}",
                             "-F", f"a=@{photo}", URL, stdout=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: [f for f in open_files_of(server) if "(deleted)" in f], "it has not arrived")
        assert server.stop() == 0
        assert client.communicate(timeout=20)[0] == "200"
    finally:
        client.kill()
        client.wait()
    assert sha256(upload.directory / "photo.jpg") == sha256(photo)


def test_an_upload_under_way_outlives_a_reload(upload, namespace, photo):
    server = upload()
    client = namespace.start("curl", "-sS", "--max-time", "40", "--limit-rate", "700K", "-o", "/dev/null", "-w", "%{http_code}",
                             "-F", f"a=@{photo}", URL, stdout=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: [f for f in open_files_of(server) if "(deleted)" in f], "it has not arrived")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "reload" in server.errors.read_text() or "SIGHUP" in server.errors.read_text(), "it did not reload")
        assert client.communicate(timeout=20)[0] == "200"
    finally:
        client.kill()
        client.wait()
    assert sha256(upload.directory / "photo.jpg") == sha256(photo)
    assert code(namespace, "-F", f"a=@{photo}", URL) == "200"
    wait_until(lambda: open_files_of(server).count(str(upload.directory)) == 1, "the directory is open twice")


def test_files_belong_to_the_user(upload, namespace, photo):
    os.chmod(upload.directory.parent, 0o755)
    os.chown(upload.directory, 65534, 65534)
    server = upload(top='user = "nobody"')
    assert code(namespace, "-F", f"a=@{photo}", URL) == "200"
    assert (upload.directory / "photo.jpg").stat().st_uid == 65534
    server.stop(signal.SIGTERM)
