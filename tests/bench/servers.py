"""The servers that are measured. Each serves the same directory, at an address of its own that the client's
namespace reaches, from the same core. Another one is a class with name and pids(), and its place in all_servers().
"""

import json
import os
import shutil
import subprocess
import tempfile

import lab

TAPHOUSE_CONFIG = """\
device "{device}" {{ address = {{"{address}/24"}} {more} }}
http {{ keepalive_requests = 1000000000 }}
log {{ access = "off" }}
site "bench" {{ listen = {{"80"}} root = "{site}" location "/ws" {{ websocket = "echo" }} }}
"""

NGINX_CONFIG = """\
user root;
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 4096; }}
http {{
	access_log off;
	default_type application/octet-stream;
	sendfile on;
	tcp_nopush on;
	tcp_nodelay on;
	keepalive_requests 1000000000;
	keepalive_timeout 75s;
	open_file_cache max=1000 inactive=1h;
	open_file_cache_valid 1h;
	client_body_temp_path {directory}/body;
	proxy_temp_path {directory}/proxy;
	fastcgi_temp_path {directory}/fastcgi;
	uwsgi_temp_path {directory}/uwsgi;
	scgi_temp_path {directory}/scgi;
	server {{ listen 80 backlog=4096; root {site}; }}
}}
"""


class Server:
    """A server process, and where its output goes."""

    def __init__(self, stack, place, namespace, address):
        self.address = address
        self.directory = tempfile.mkdtemp(prefix=f"{self.name}-", dir=place.directory)
        self.errors = os.path.join(self.directory, "output")
        command = self.command(place)
        with open(self.errors, "wb") as errors:
            self.process = lab.start(place.server_core, namespace.command(*command), stdout=errors, stderr=errors)
        stack.callback(lab.end, self.process)
        lab.wait_for(lambda: self.answers(place.client), 20, self.process,
                     lambda: f"{self.name} does not answer:\n{self.last_words()}")

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def answers(self, client):
        return subprocess.run(client.command("curl", "-sfo", "/dev/null", "-m", "2", self.url("1k.bin")),
                              check=False).returncode == 0

    def url(self, file):
        return f"http://{self.address}/{file}"

    def is_alive(self):
        return self.process.poll() is None

    def last_words(self):
        with open(self.errors, errors="replace") as file:
            return file.read()[-2000:].strip()

    def pids(self):
        """The processes that do the work."""
        return [self.process.pid]


class Taphouse(Server):
    name = "taphouse"

    def __init__(self, stack, place, namespace, device, address, more=""):
        self.device, self.more = device, more
        super().__init__(stack, place, namespace, address)

    def command(self, place):
        text = TAPHOUSE_CONFIG.format(device=self.device, address=self.address, more=self.more, site=place.site)
        return [place.taphouse, "serve", "--config", self.write("taphouse.conf", text)]


class Nginx(Server):
    name = "nginx"

    def command(self, place):
        config = self.write("nginx.conf", NGINX_CONFIG.format(site=place.site, directory=self.directory))
        return ["nginx", "-p", self.directory, "-c", config, "-e", f"{self.directory}/error.log"]

    def pids(self):
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children") as children:
            return [int(child) for child in children.read().split()]


class Ws(Server):
    """npm's ws, as Debian packages it (node-ws) or npm has it, on Node.js."""
    name = "ws"

    def __init__(self, stack, place, namespace, address, modules):
        self.modules = modules
        super().__init__(stack, place, namespace, address)

    def command(self, place):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ws_echo.js")
        return ["env", f"NODE_PATH={self.modules}", "node", script, "80"]

    def answers(self, client):
        """426, because curl asks for no upgrade."""
        return subprocess.run(client.command("curl", "-so", "/dev/null", "-m", "2", f"http://{self.address}/"),
                              check=False).returncode == 0


def find_ws(place):
    """The folder that has npm's ws, and its version; None, and why it is not to be had."""
    if shutil.which("node") is None:
        return None, "node is not there: apt-get install nodejs (Debian's name)"
    debian, own = "/usr/share/nodejs", os.path.join(place.directory, "node_modules")
    if not os.path.exists(os.path.join(debian, "ws")) and shutil.which("npm") is not None:
        subprocess.run(["npm", "install", "--silent", "--prefix", place.directory, "ws"], capture_output=True, timeout=60,
                       check=False)
    for modules in (debian, own):
        package = os.path.join(modules, "ws", "package.json")
        if os.path.exists(package):
            with open(package) as file:
                return modules, json.load(file)["version"]
    return None, "npm's ws is not there: apt-get install node-ws (Debian's name), or npm install"


def add_taphouse(stack, place):
    """On a TAP in the client's namespace: the client uses the kernel's side of it."""
    server = Taphouse(stack, place, place.client, "tap:taphouse0", "10.77.0.2", 'host_address = "10.77.0.1/24"')
    lab.set_congestion_control(place.client, "taphouse0", "10.77.0.1")
    return server


def add_nginx(stack, place):
    """In a namespace of its own behind a veth pair."""
    namespace = lab.Namespace(stack, "nginx")
    lab.pair(place.client, "to-nginx", namespace, "eth0")
    lab.give_address(place.client, "to-nginx", "10.78.0.1")
    lab.give_address(namespace, "eth0", "10.78.0.2")
    return Nginx(stack, place, namespace, "10.78.0.2")


def websocket_servers(stack, place, say):
    """Ours, and npm's ws if it is to be had."""
    ours = add_taphouse(stack, place)
    modules, word = find_ws(place)
    if modules is None:
        say(f"  beside nobody: {word}")
        return [ours]
    say(f"  beside npm's ws {word}")
    namespace = lab.Namespace(stack, "ws")
    lab.pair(place.client, "to-ws", namespace, "eth0")
    lab.give_address(place.client, "to-ws", "10.79.0.1")
    lab.give_address(namespace, "eth0", "10.79.0.2")
    return [ours, Ws(stack, place, namespace, "10.79.0.2", modules)]


def all_servers(stack, place):
    """Ours first: the others are its peers."""
    return [add_taphouse(stack, place), add_nginx(stack, place)]
