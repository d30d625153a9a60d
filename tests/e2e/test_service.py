"""The unit for systemd: well-formed, well locked in; and the program does what the unit relies on."""

import os
import re
import shutil
import signal
import socket
import subprocess

import pytest
from conftest import ADDRESS, ROOT, TAPHOUSE, Server

URL = f"http://{ADDRESS}"
WORST_EXPOSURE = 2.0  # of 10, as systemd-analyze security counts
NOBODY = 65534


@pytest.fixture
def unit(tmp_path):
    """The unit as make install writes it."""
    text = (ROOT / "conf" / "taphouse.service").read_text()
    path = tmp_path / "taphouse.service"
    path.write_text(text.replace("@bindir@", str(tmp_path)).replace("@sysconfdir@", str(tmp_path)))
    (tmp_path / "taphouse").symlink_to(TAPHOUSE)
    return path


def analyze(*args):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not there: this system has no systemd to run a unit")
    return subprocess.run(["systemd-analyze", *map(str, args)], capture_output=True, text=True, timeout=60)


def test_the_unit_is_well_formed(unit):
    answer = analyze("verify", "--man=no", unit)
    assert (answer.returncode, answer.stderr) == (0, "")


def test_the_unit_is_locked_in(unit):
    answer = analyze("security", "--offline=true", f"--threshold={round(10 * WORST_EXPOSURE)}", unit)
    exposure = re.search(r"Overall exposure level for taphouse\.service: ([\d.]+)", answer.stdout)
    assert exposure and float(exposure[1]) <= WORST_EXPOSURE and answer.returncode == 0, answer.stdout


class Unprivileged(Server):
    """taphouse as the unit starts it: nobody, with two capabilities, and somebody who listens to what it says."""

    def __init__(self, namespace, directory, *, tmp_path):
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = tmp_path / "notify"
        self.manager.bind(str(path))
        self.manager.settimeout(10)
        path.chmod(0o777)
        start = namespace.start
        capabilities = "+net_admin,+net_raw"
        if os.stat("/dev/net/tun").st_mode & 0o006 != 0o006:  # udev makes it so; a container may have no udev
            capabilities += ",+dac_override"

        def start_as_nobody(*args, **options):
            return start("env", f"NOTIFY_SOCKET={path}", "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                         f"--inh-caps={capabilities}", f"--ambient-caps={capabilities}", "--bounding-set=-all," + capabilities,
                         *args, **options)

        namespace.start = start_as_nobody
        super().__init__(namespace, directory, tmp_path=tmp_path)

    def hear(self):
        return self.manager.recv(1000).decode()


@pytest.fixture
def unprivileged(namespace, site, tmp_path):
    for directory in (tmp_path, *tmp_path.parents):  # pytest's are for their owner alone
        if directory.stat().st_uid == 0 and str(directory).startswith("/tmp/"):
            directory.chmod(0o755)
    server = Unprivileged(namespace, site, tmp_path=tmp_path)
    yield server
    server.kill()
    server.manager.close()


def test_two_capabilities_do_and_are_given_up(unprivileged, namespace):
    status = open(f"/proc/{unprivileged.process.pid}/status").read()
    assert re.search(r"^Uid:\s+65534\s+65534\s+65534", status, re.M)
    for which in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert re.search(rf"^{which}:\s+0+$", status, re.M), which
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.M)
    assert namespace.curl(f"{URL}/hello.txt").stdout == "hello\n"


def test_the_manager_is_told(unprivileged, namespace):
    assert unprivileged.hear() == "READY=1"
    unprivileged.process.send_signal(signal.SIGHUP)
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", unprivileged.hear())
    assert unprivileged.hear() == "READY=1"
    assert namespace.curl(f"{URL}/hello.txt").stdout == "hello\n"
    assert unprivileged.stop() == 0
    assert unprivileged.hear() == "STOPPING=1"


@pytest.mark.parametrize("page", ["taphouse.8", "taphouse.conf.5"])
def test_a_man_page_is_well_formed(page):
    answer = subprocess.run(["mandoc", "-T", "lint", ROOT / "man" / page], capture_output=True, text=True, timeout=20)
    # Whether the pages that it refers to are installed is no matter of the page.
    assert [line for line in answer.stdout.splitlines() if "referenced manual not found" not in line] == []
