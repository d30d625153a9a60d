"""The real binary on a real TAP, in a network namespace of the test's own, against the kernel's TCP.

Needs root. TAPHOUSE names the binary (make check sets it). Nothing leaves the namespace; processes are ended by
their id, and the namespace is removed whatever happens.
"""

import contextlib
import hashlib
import itertools
import os
import pathlib
import random
import re
import select
import shutil
import signal
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TAPHOUSE = os.environ.get("TAPHOUSE", str(ROOT / "taphouse"))
ADDRESS = "10.77.0.2"

_numbers = itertools.count()


def pytest_configure(config):
    if os.geteuid() != 0:
        pytest.exit("the e2e tests make network namespaces and TAP devices: run them as root", returncode=1)
    if not os.access(TAPHOUSE, os.X_OK):
        pytest.exit(f"{TAPHOUSE} is not there: build it with make, or set TAPHOUSE", returncode=1)


def built_with(library):
    """Whether the program has this optional library."""
    return library in subprocess.run([TAPHOUSE, "version"], capture_output=True, text=True, check=True).stdout


def is_sanitized():
    """Built with AddressSanitizer, which keeps what was freed for a while: its memory tells nothing of ours."""
    return b"__asan_init" in pathlib.Path(TAPHOUSE).read_bytes()


def npm_package(name, version):
    """The folder of a package of npm's, under obj/ of the build. It comes when it is first asked for; without npm,
    or where npm reaches no registry, the test is skipped."""
    place = pathlib.Path(TAPHOUSE).resolve().parent / "obj" / name
    package = place / "node_modules" / name
    if package.exists():
        return package
    if shutil.which("npm") is None:
        pytest.skip("npm is not there: configure --install-deps installs it")
    command = ["npm", "install", "--prefix", place, "--no-audit", "--no-fund", "--fetch-retries=1",
               "--fetch-timeout=20000", f"{name}@{version}"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if answer.returncode != 0:
        pytest.skip(f"npm cannot install {name}@{version} here: {answer.stderr.strip().splitlines()[:1]}")
    return package


class Namespace:
    """A network namespace with its loopback up. Interfaces that come have no IPv6: frames would appear that no test
    has caused, and an address, a second after its interface, at which Chromium closes its connections."""

    def __init__(self):
        self.name = f"th{os.getpid()}-{next(_numbers)}"
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        self.run("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1", check=False)  # some kernels have none
        self.run("ip", "link", "set", "lo", "up")

    def command(self, *args):
        return ["ip", "netns", "exec", self.name, *map(str, args)]

    def run(self, *args, check=True, **options):
        """Runs a command in here; its standard output and error are kept as text."""
        options.setdefault("timeout", 60)
        options.setdefault("text", True)
        return subprocess.run(self.command(*args), check=check, capture_output=True, **options)

    def start(self, *args, **options):
        return subprocess.Popen(self.command(*args), **options)

    def curl(self, *args, check=True, **options):
        return self.run("curl", "-sS", "--max-time", "50", *args, check=check, **options)

    def remove(self):
        subprocess.run(["ip", "netns", "del", self.name], check=False)


class Server:
    """taphouse serve in a namespace, ready when the constructor returns."""

    def __init__(self, namespace, directory, *options, tmp_path):
        self.namespace = namespace
        self.directory = directory
        self.errors = tmp_path / f"stderr-{next(_numbers)}"
        self.log = tmp_path / f"stdout-{next(_numbers)}"
        with open(self.errors, "wb") as errors, open(self.log, "wb") as out:
            operand = [] if directory is None else [directory]
            self.process = namespace.start(TAPHOUSE, "serve", *operand, *options, stdout=out, stderr=errors)
        self._wait_until_ready()

    def _wait_until_ready(self):
        deadline = time.monotonic() + 20
        while "taphouse: serving" not in self.output():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                pytest.fail(f"taphouse did not get ready:\n{self.output()}{self.errors.read_text()}")
            time.sleep(0.02)

    def output(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def stop(self, sig=signal.SIGTERM, timeout=20):
        """Ends the server; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(sig)
        return self.process.wait(timeout)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class TlsNamespace(Namespace):
    """Who speaks to port 80 in here, curl or a program in Python, speaks TLS to port 443."""

    def command(self, *args):
        plain = rf"socket\.create_connection\(\((['\"]){re.escape(ADDRESS)}\1, 80\), (\d+)\)"
        tls = ("__import__('ssl')._create_unverified_context().wrap_socket("
               f"socket.create_connection(('{ADDRESS}', 443), \\2))")
        args = [re.sub(plain, tls, str(a)).replace(f"http://{ADDRESS}/", f"https://{ADDRESS}/") for a in args]
        return super().command(*(["curl", "--insecure", *args[1:]] if args[0] == "curl" else args))


class TlsServer(Server):
    """Nobody listens on port 80."""

    def __init__(self, namespace, directory, *options, tmp_path):
        super().__init__(namespace, directory, "--self-signed", "--http", "8080", *options, tmp_path=tmp_path)


if "OVER_TLS" in os.environ:  # test_over_tls.py runs files of tests so
    Namespace, Server = TlsNamespace, TlsServer


@pytest.fixture
def namespace():
    ns = Namespace()
    yield ns
    ns.remove()


@pytest.fixture
def site(tmp_path):
    """A small site whose files have known contents."""
    root = tmp_path / "site"
    (root / "sub").mkdir(parents=True)
    (root / "index.html").write_text("<!doctype html><title>e2e</title><p>It came over our own TCP.\n")
    (root / "hello.txt").write_text("hello\n")
    (root / "sub" / "index.html").write_text("<p>sub\n")
    (root / "1k.bin").write_bytes(random.Random(1).randbytes(1024))
    (root / "1m.bin").write_bytes(random.Random(2).randbytes(1 << 20))
    (tmp_path / "secret.txt").write_text("secret\n")
    (root / "escape").symlink_to(tmp_path / "secret.txt")
    return root


@pytest.fixture
def serve(namespace, site, tmp_path):
    """serve(*options, directory=site) starts a server; all are ended after the test, and must not have crashed.

    directory=None: the configuration file says what is served.
    """
    servers = []

    def start(*options, directory=site):
        server = Server(namespace, directory, *options, tmp_path=tmp_path)
        servers.append(server)
        return server

    yield start
    for server in servers:
        crashed = server.process.poll()
        server.kill()
        complaints = server.errors.read_text(errors="replace")
        assert crashed in (None, 0, -signal.SIGKILL), f"the server ended with {crashed}:\n{complaints}"
        assert "Sanitizer" not in complaints and "runtime error" not in complaints, complaints


def wait_until(condition, what="what was waited for", seconds=30):
    """Until it gives something that is true, which is returned."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} seconds: {what() if callable(what) else what}"
        time.sleep(0.02)
    return value


@contextlib.contextmanager
def sniffed(namespace, path, *words):
    """What crosses taphouse0 meanwhile is in the file: tcpdump is there when this is entered, and has written when it
    is left."""
    process = namespace.start("tcpdump", "-U", "--immediate-mode", "-ni", "taphouse0", "-w", path, *words, stderr=subprocess.PIPE)
    try:
        assert any(b"listening on" in line for line in iter(process.stderr.readline, b""))
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def sha256(path_or_bytes):
    digest = hashlib.sha256()
    if isinstance(path_or_bytes, bytes):
        digest.update(path_or_bytes)
    else:
        with open(path_or_bytes, "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
    return digest.hexdigest()


def screenshots(tmp_path):
    """Where screenshots go: SCREENSHOTS names a folder to keep them."""
    folder = pathlib.Path(os.environ.get("SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def raw(namespace, data, *, half_close=False, timeout=10, address=ADDRESS, port=80):
    """Sends bytes over the kernel's TCP from inside the namespace, and returns all that comes back until the end."""
    program = (
        "import socket, sys\n"
        f"s = socket.create_connection(({address!r}, {port}), {timeout})\n"
        "s.sendall(sys.stdin.buffer.read())\n"
        + ("s.shutdown(socket.SHUT_WR)\n" if half_close else "")
        + "try:\n"
        "    while b := s.recv(65536):\n"
        "        sys.stdout.buffer.write(b)\n"
        "except (TimeoutError, ConnectionResetError) as e:\n"
        "    sys.stderr.write(type(e).__name__)\n"
    )
    return namespace.run("/usr/bin/python3", "-c", program, input=data, text=False, timeout=timeout + 20)


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
def trusting_home(authority, tmp_path):
    """A home directory in which browsers trust the authority."""
    store = tmp_path / ".pki" / "nssdb"
    store.mkdir(parents=True)
    subprocess.run(["certutil", "-d", f"sql:{store}", "-N", "--empty-password"], check=True)
    subprocess.run(["certutil", "-d", f"sql:{store}", "-A", "-t", "C,,", "-n", "test", "-i", authority], check=True)
    return tmp_path
