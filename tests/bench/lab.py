"""The ground the bench stands on: cores, network namespaces, processes. What is made here is removed here.

Everything that has to be undone goes onto one contextlib.ExitStack, which the program unwinds however it ends.
A process that this program starts dies with it, and names carry its process id: what a killed run left is swept
up by the next one.
"""

import contextlib
import functools
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

CONGESTION = os.environ.get("CONGESTION", "cubic")  # of the kernel's TCP: its own default, not this machine's
NICE = -10  # so that other work on the machine gets in between less often
PACKAGES = {  # Debian's
    "curl": "curl",
    "h2load": "nghttp2-client",
    "ip": "iproute2",
    "nginx": "nginx",
    "openssl": "openssl",
    "setpriv": "util-linux",
    "sysctl": "procps",
    "taskset": "util-linux",
    "wrk": "wrk",
}
TICKS = os.sysconf("SC_CLK_TCK")
PREFIX = "thbench"
DIRECTORIES = "/var/tmp"  # /tmp may be memory


class Problem(Exception):
    """Something that the person at the terminal can put right; its text says what."""


def make_certificate(directory):
    """A key on P-256, and the certificate for it that nobody vouches for: their paths."""
    certificate, key = (os.path.join(directory, f"bench.{kind}") for kind in ("crt", "key"))
    quietly("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=bench", "-keyout", key, "-out", certificate)
    return certificate, key


def need_tools():
    os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"
    missing = [tool for tool in PACKAGES if shutil.which(tool) is None]
    if missing:
        packages = " ".join(sorted({PACKAGES[tool] for tool in missing}))
        raise Problem(f"{', '.join(missing)} not found: apt-get install {packages} (Debian's names)")


def need_rights():
    if os.geteuid() != 0:
        raise Problem("network namespaces and TAP devices need root: sudo make bench")
    if not os.path.exists("/dev/net/tun"):
        raise Problem("there is no /dev/net/tun: modprobe tun, or give the container the device")


def two_cores():
    """The server's core and the client's."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise Problem("server and client need a core each, and this machine gives only one")
    return cores[0], cores[1]


# ---- time of cores and processes ----

def core_time(core):
    """Seconds that the core was busy since boot."""
    with open("/proc/stat") as stat:
        fields = next(line for line in stat if line.startswith(f"cpu{core} ")).split()[1:9]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields)
    return (user + nice + system + irq + softirq + steal) / TICKS


def process_time(pid):
    """Seconds of processor time, user and system, of a process. What the kernel does on the way out of its system
    calls (softirq) is in it."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def children_time():
    """The same of the processes that ended and were waited for."""
    times = os.times()
    return times.children_user + times.children_system


@functools.cache
def find_ksoftirqd(core):
    """The kernel's thread for network work that is too much to be done at once; none is seen from a container."""
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(FileNotFoundError), open(f"/proc/{entry}/comm") as comm:
            if comm.read() == f"ksoftirqd/{core}\n":
                return [int(entry)]
    return []


# ---- processes ----

def start(core, command, **options):
    """Starts a process on a core, ahead of others. It has a session of its own, because the kernel shares the
    processor out by sessions first (sched_autogroup)."""
    process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "taskset", "-c", str(core), *map(str, command)],
                               start_new_session=True, **{"stdin": subprocess.DEVNULL, **options})
    os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
    try:
        with open(f"/proc/{process.pid}/autogroup", "w") as autogroup:
            autogroup.write(str(NICE))
    except OSError:
        pass  # a kernel without it
    return process


def end(process, patience=5):
    """Ends a process that was started here: politely, then not."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(condition, seconds, process, what):
    deadline = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            raise Problem(what())
        time.sleep(0.02)


# ---- namespaces ----

class Namespace:
    """A network namespace with its loopback up."""

    def __init__(self, stack, role):
        self.role = role
        self.name = f"{PREFIX}-{os.getpid()}-{role}"
        quietly("ip", "netns", "add", self.name)
        stack.callback(remove_namespace, self.name)
        self.run("ip", "link", "set", "lo", "up")

    def command(self, *args):
        return ["ip", "netns", "exec", self.name, *map(str, args)]

    def run(self, *args):
        return quietly(*self.command(*args))

    def set(self, key, value):
        self.run("sysctl", "-qw", f"{key}={value}")


def quietly(*args):
    answer = subprocess.run(args, capture_output=True, text=True, timeout=30)
    if answer.returncode != 0:
        raise Problem(f"{' '.join(args)}: {answer.stderr.strip() or answer.returncode}")
    return answer.stdout


def pair(a, name_a, b, name_b):
    """A veth pair between two namespaces; it goes when they go."""
    quietly("ip", "link", "add", name_a, "netns", a.name, "type", "veth", "peer", "name", name_b, "netns", b.name)
    for namespace, name in ((a, name_a), (b, name_b)):
        namespace.run("ip", "link", "set", name, "up")


def give_address(namespace, device, address):
    """In a network of 256."""
    namespace.run("ip", "address", "add", f"{address}/24", "dev", device)
    set_congestion_control(namespace, device, address)


def set_congestion_control(namespace, device, address):
    """By the route, because the kernel lets a namespace choose as its default only what all may use."""
    network = address.rpartition(".")[0] + ".0/24"
    namespace.run("ip", "route", "replace", network, "dev", device, "proto", "kernel", "scope", "link",
                  "src", address, "congctl", CONGESTION)


def remove_namespace(name):
    """And whatever still runs in it."""
    for pid in quietly("ip", "netns", "pids", name).split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    quietly("ip", "netns", "del", name)


# ---- runs that were killed ----

def make_directory(stack):
    directory = tempfile.mkdtemp(prefix=f"{PREFIX}-{os.getpid()}-", dir=DIRECTORIES)
    stack.callback(shutil.rmtree, directory)
    return directory


def is_left_over(name):
    match = re.match(rf"{PREFIX}-(\d+)-", name)
    return match and not os.path.exists(f"/proc/{match[1]}")


def sweep():
    """Removes what runs left behind that could not do it themselves."""
    for line in quietly("ip", "netns", "list").splitlines():
        if is_left_over(line):
            remove_namespace(line.split()[0])
    for name in filter(is_left_over, os.listdir(DIRECTORIES)):
        shutil.rmtree(os.path.join(DIRECTORIES, name))


def trap_signals():
    """SIGTERM and SIGHUP unwind like Ctrl-C does."""
    def leave(number, _frame):
        raise SystemExit(128 + number)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
