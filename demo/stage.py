"""What the demos stand on: a network namespace of their own, a taphouse in it whose ladder is kept, commands and text.

Nothing leaves the namespace, and nothing stays behind: what was started is ended by its id, and the namespace goes."""

import contextlib
import fcntl
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import textwrap
import threading
import time
import tty

TAPHOUSE = os.path.abspath(os.environ.get("TAPHOUSE", os.path.join(os.path.dirname(__file__), "..", "taphouse")))
ENVIRONMENT = {**os.environ, "PATH": f"{os.path.dirname(TAPHOUSE)}:{os.environ.get('PATH', os.defpath)}"}
ADDRESS = "10.77.0.2"
PATIENCE = 15  # seconds, for whatever is waited for
LONGEST = 30  # seconds, for a command

is_terminal = sys.stdout.isatty()
has_colour = is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") not in (None, "dumb")


def columns():
    return shutil.get_terminal_size((80, 24)).columns if is_terminal else 80


def coloured(text, code):
    return f"\033[{code}m{text}\033[0m" if has_colour else text


def put(text=""):
    print(text, flush=True)


def title(text):
    put(coloured(text, "1;32"))
    put(coloured("=" * len(text), "32"))


def say(text):
    """A paragraph: what to look for."""
    put()
    put(textwrap.fill(" ".join(text.split()), min(columns(), 80) - 1))
    put()


def folded(lines, most):
    """The first and the last of them, when they are more than are read."""
    if len(lines) <= most:
        return lines
    tail = most // 3
    return [*lines[:most - tail - 1], f"{'':8}… {len(lines) - most + 1} lines more …", *lines[-tail:]]


def over(number):
    """The last line of a connection in the ladder: the server is CLOSED, or in TIME-WAIT and has said so."""
    return rf"#{number} .*(-> CLOSED|<[-=].* TIME-WAIT)$"


def plain(line):
    return re.sub(r"\033\[[\d;]*m", "", line)


def end(process):
    """And whatever it has started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Server:
    """taphouse serve. The ladder is that of one port; what it counts, and a wire to be bad, are at port 81."""

    def __init__(self, stage, command):
        self.stage = stage
        self.told, self.shown = "", 0
        self.more = threading.Condition()
        ours, theirs = self._open_ladder()
        self.process = stage.start(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs, text=True)
        os.close(theirs)
        self.reader = threading.Thread(target=self._read, args=(ours,))
        self.reader.start()
        if not any("serving" in line for line in self.process.stdout):
            self.reader.join(PATIENCE)
            raise SystemExit(f"taphouse did not start:\n{self.told}")

    @staticmethod
    def _open_ladder():
        """A terminal like ours, so that the ladder has colours and is as wide; or a pipe."""
        if not is_terminal:
            return os.pipe()
        ours, theirs = pty.openpty()
        tty.setraw(theirs)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns(), 0, 0))
        return ours, theirs

    def _read(self, ours):
        try:
            while block := os.read(ours, 65536):
                with self.more:
                    self.told += block.decode(errors="replace")
                    self.more.notify_all()
        except OSError:  # a terminal whose other side is gone
            pass
        os.close(ours)

    def _next(self, until):
        """The lines that were not shown yet, up to one in which the pattern is."""
        lines = self.told[self.shown:].splitlines(keepends=True)
        for n, line in enumerate(lines, 1):
            if line.endswith("\n") and re.search(until, plain(line).rstrip("\n")):
                return lines[:n]
        return None

    def skip(self, until):
        """Waits for such a line of the ladder; it and those before it are not shown."""
        with self.more:
            found = self.more.wait_for(lambda: self._next(until), PATIENCE) or self.told[self.shown:].splitlines(True)
            self.shown += len("".join(found))
        return [line.rstrip("\n") for line in found]

    def ladder(self, until, most=40, only="."):
        """Shows what the ladder has told since the last time, up to such a line, of that lines that match `only`."""
        lines = self.skip(until)
        for line in folded([line for line in lines if re.search(only, plain(line))], most):
            put(line)

    def status(self, document="status.json"):
        """What the server counts."""
        command = ["curl", "-sf", "--max-time", str(PATIENCE), f"http://{ADDRESS}:81/{document}"]
        return json.loads(self.stage.start(command, stdout=subprocess.PIPE, text=True).communicate()[0])

    def stop(self):
        self.process.terminate()
        try:
            code = self.process.wait(PATIENCE)
        finally:
            end(self.process)
            self.reader.join(PATIENCE)
            self.process.stdout.close()
        if code != 0:
            raise SystemExit(f"taphouse ended with {code}:\n{self.told}")


class Stage:
    """A namespace and a folder, for as long as the demo plays."""

    numbers = iter(range(1, 1000))

    def __init__(self, name, captures=None):
        self.name = name
        self.captures = captures and os.path.abspath(captures)  # a folder, or None
        self.namespace = f"taphouse-demo-{os.getpid()}-{next(self.numbers)}"
        self.ending = contextlib.ExitStack()  # all of it is done, whatever fails
        self.servers = 0  # so far

    def __enter__(self):
        try:
            self._set_up()
        except BaseException:
            self.ending.close()
            raise
        return self

    def _set_up(self):
        self.folder = tempfile.mkdtemp(prefix="taphouse-demo-")
        self.ending.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.site = os.path.join(self.folder, "site")
        os.mkdir(self.site)
        self.file("hello.txt", b"hello, world\n")
        subprocess.run(["ip", "netns", "add", self.namespace], check=True)
        self.ending.callback(subprocess.run, ["ip", "netns", "del", self.namespace], check=False)
        self.quietly("sysctl -qw net.ipv6.conf.default.disable_ipv6=1; ip link set lo up")

    def __exit__(self, *_):
        self.ending.close()

    def file(self, name, data):
        """A file of the site."""
        with open(os.path.join(self.site, name), "wb") as file:
            file.write(data)

    def start(self, command, **options):
        """A process in the namespace."""
        process = subprocess.Popen(["ip", "netns", "exec", self.namespace, *command], cwd=self.folder, env=ENVIRONMENT,
                                   start_new_session=True, **options)
        self.ending.callback(end, process)
        return process

    def _shell(self, script, stderr):
        process = self.start(["bash", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr,
                             text=True)
        try:
            return process.communicate(timeout=LONGEST)[0]
        except subprocess.TimeoutExpired:
            raise SystemExit(f"not done after {LONGEST} s: {script}") from None

    def quietly(self, script):
        """Runs a line of shell in the namespace; its standard output."""
        return self._shell(script, stderr=None)

    def run(self, script, most=20):
        """Shows shell commands, runs them in the namespace, and shows what they say: also returned."""
        script = textwrap.dedent(script).strip()
        put(coloured("$ " + script.replace("\n", "\n  "), "36"))
        told = self._shell(script, stderr=subprocess.STDOUT).replace("\r", "")
        for line in folded(told.splitlines(), most):
            put(f"  {line}")
        return told

    def keep(self, name, text):
        """Writes a file beside the site; its text."""
        text = textwrap.dedent(text).strip() + "\n"
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)
        return text

    def program(self, name, text, most=20):
        """Shows a program in Python, and runs it as run() does."""
        put(coloured(f"{name}:", "36"))
        for line in self.keep(name, text).splitlines():
            put(f"  {line}")
        return self.run(f"python3 {name}", most)

    def serve(self, *options, tcp="", site="", port=80, capture=None, show=True):
        """Serves the folder of the site. tcp, site: keys for those sections; port: that the ladder is of; capture: the
        name of a file for its frames, which goes to the folder of captures if there is one."""
        self.servers += 1
        conf = os.path.join(self.folder, f"{self.servers}.conf")
        with open(conf, "w", encoding="utf-8") as file:
            file.write(f'log {{ access = "access.log" }}\ntcp {{ {tcp} }}\n'
                       f'site "demo" {{ root = "{self.site}" {site} }}\n'
                       f'site "counters" {{ root = "{self.site}" listen = 81\n'
                       '\tlocation "/" { status = true } location "/wire" { wire = true } }\n')
        command = [TAPHOUSE, "serve", "--config", conf, f"--trace={port}", *options]
        if show:
            self._show_server([*options, "--pcap", capture] if capture else options, tcp, site)
        if self.captures:
            capture = os.path.join(self.captures, f"{self.name}-{self.servers}.pcapng")
        if capture:
            command += ["--pcap", capture]
        server = Server(self, command)
        server.capture = os.path.join(self.folder, capture or "")
        self.ending.callback(server.stop)
        return server

    @staticmethod
    def _show_server(options, tcp, site):
        command = " ".join(["$ taphouse serve --config demo.conf", *options, "--trace"])
        lines = textwrap.wrap(command, 78, subsequent_indent="      ", break_long_words=False, break_on_hyphens=False)
        put(coloured(" \\\n".join(lines), "36"))
        for section, keys in (("tcp", tcp), ('site "demo"', site)):
            if keys:
                put(f"  demo.conf: {section} {{ {keys.strip()} }}")


def wait_until(condition):
    """Waits for it, and no longer than PATIENCE; whether it came."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
