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
site "bench" {{
	listen = {{"80"}}
	listen_tls = {{"443"}}
	certificate = {{"{certificate}"}}
	key = {{"{key}"}}
	root = "{site}"
	location "/ws" {{ websocket = "echo" }}
}}
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
	ssl_certificate {certificate};
	ssl_certificate_key {key};
	ssl_protocols TLSv1.2 TLSv1.3;
	ssl_session_cache shared:bench:10m;
	server {{ listen 80 backlog=4096; listen 443 ssl backlog=4096; root {site}; }}
}}
"""

H2O_CONFIG = """\
user: root
num-threads: 1
max-connections: 4096
pid-file: {directory}/h2o.pid
error-log: {directory}/error.log
file.send-gzip: OFF
listen: 80
listen:
  port: 443
  ssl: {{ certificate-file: {certificate}, key-file: {key}, minimum-version: TLSv1.2 }}
hosts:
  default:
    paths:
      /: {{ file.dir: {site} }}
"""

LIGHTTPD_CONFIG = """\
server.modules = ( "mod_openssl" )
server.document-root = "{site}"
server.port = 80
server.max-connections = 4096
server.max-fds = 16384
server.max-keep-alive-requests = 65535
server.max-keep-alive-idle = 75
server.listen-backlog = 4096
server.errorlog = "{directory}/error.log"
$SERVER["socket"] == ":443" {{ ssl.engine = "enable" ssl.pemfile = "{certificate}" ssl.privkey = "{key}" }}
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

    def url(self, file, scheme="http"):
        return f"{scheme}://{self.address}/{file}"

    def config(self, name, text, place, **more):
        return self.write(name, text.format(site=place.site, directory=self.directory, certificate=place.certificate,
                                            key=place.key, **more))

    def is_alive(self):
        return self.process.poll() is None

    def last_words(self):
        with open(self.errors, errors="replace") as file:
            return file.read()[-2000:].strip()

    def pids(self):
        """The processes that do the work."""
        return [self.process.pid]


class Taphouse(Server):
    """On a TAP, a packet socket or AF_XDP."""

    def __init__(self, stack, place, namespace, device, address, more=""):
        self.name = "taphouse " + device.partition(":")[0]
        self.device, self.more = device, more
        super().__init__(stack, place, namespace, address)

    def command(self, place):
        config = self.config("taphouse.conf", TAPHOUSE_CONFIG, place, device=self.device, address=self.address,
                             more=self.more)
        return [place.taphouse, "serve", "--config", config]


class Bare(Server):
    """reflector.c: what the device and the client leave possible, for rows that it can answer."""

    def __init__(self, stack, place, namespace, device, address, host="-"):
        self.name = "bare " + device.partition(":")[0]
        self.device, self.host = device, host
        super().__init__(stack, place, namespace, address)

    def command(self, place):
        return [place.reflector, self.device, f"{self.address}/24", self.host,
                *(os.path.join(place.site, name) for name in ("1k.bin", "100k.bin", "10m.bin", "1g.bin"))]


class Nginx(Server):
    name = "nginx"

    def command(self, place):
        config = self.config("nginx.conf", NGINX_CONFIG, place)
        return ["nginx", "-p", self.directory, "-c", config, "-e", f"{self.directory}/error.log"]

    def pids(self):
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children") as children:
            return [int(child) for child in children.read().split()]


class H2o(Server):
    name = "h2o"

    def command(self, place):
        return ["h2o", "-m", "worker", "-c", self.config("h2o.conf", H2O_CONFIG, place)]


class Lighttpd(Server):
    name = "lighttpd"

    def command(self, place):
        return ["lighttpd", "-D", "-f", self.config("lighttpd.conf", LIGHTTPD_CONFIG, place)]


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


def behind_veth(stack, place, name, number):
    """A namespace with an eth0, whose other end is the client's, and the address in it that a server has."""
    namespace = lab.Namespace(stack, name)
    lab.pair(place.client, f"to-{name}", namespace, "eth0")
    lab.give_address(place.client, f"to-{name}", f"10.{number}.0.1")
    return namespace, f"10.{number}.0.2"


def add_tap(stack, place, kind, name, number):
    """In the client's namespace: the client uses the kernel's side of it."""
    ours, host = f"10.{number}.0.2", f"10.{number}.0.1"
    if kind is Bare:
        server = Bare(stack, place, place.client, f"tap:{name}", ours, f"{host}/24")
    else:
        server = Taphouse(stack, place, place.client, f"tap:{name}", ours, f'host_address = "{host}/24"')
    lab.set_congestion_control(place.client, name, host)
    return server


def add_taken_over(stack, place, kind, device, name, number):
    """On the far end of a veth pair."""
    namespace, address = behind_veth(stack, place, name, number)
    return kind(stack, place, namespace, f"{device}:eth0", address)


def add_peer(stack, place, kind, number):
    namespace, address = behind_veth(stack, place, kind.name, number)
    lab.give_address(namespace, "eth0", address)
    return kind(stack, place, namespace, address)


def websocket_servers(stack, place, say):
    """Ours, and npm's ws if it is to be had."""
    ours = add_tap(stack, place, Taphouse, "taphouse0", 77)
    modules, word = find_ws(place)
    if modules is None:
        say(f"  beside nobody: {word}")
        return [ours]
    say(f"  beside npm's ws {word}")
    namespace, address = behind_veth(stack, place, "ws", 79)
    lab.give_address(namespace, "eth0", address)
    return [ours, Ws(stack, place, namespace, address, modules)]


def has_xdp(place):
    return "xdp" in subprocess.run([place.taphouse, "version"], capture_output=True, text=True, check=True).stdout


# The first of ours and nginx are what the others are compared with.
SERVERS = {
    "tap": lambda stack, place: add_tap(stack, place, Taphouse, "taphouse0", 77),
    "packet": lambda stack, place: add_taken_over(stack, place, Taphouse, "packet", "packet", 80),
    "xdp": lambda stack, place: add_taken_over(stack, place, Taphouse, "xdp", "xdp", 81),
    "bare-tap": lambda stack, place: add_tap(stack, place, Bare, "bare0", 82),
    "bare-packet": lambda stack, place: add_taken_over(stack, place, Bare, "packet", "barepacket", 83),
    "bare-xdp": lambda stack, place: add_taken_over(stack, place, Bare, "xdp", "barexdp", 84),
    "nginx": lambda stack, place: add_peer(stack, place, Nginx, 78),
    "h2o": lambda stack, place: add_peer(stack, place, H2o, 85),
    "lighttpd": lambda stack, place: add_peer(stack, place, Lighttpd, 86),
}


def wanted_servers(place, say):
    """Their keys: those that SERVERS in the environment names, and nginx; or all that can be had."""
    wanted = os.environ.get("SERVERS", "").split() or list(SERVERS)
    unknown = [key for key in wanted if key not in SERVERS]
    if unknown:
        raise lab.Problem(f"there is no server '{unknown[0]}': choose from {' '.join(SERVERS)}")
    keys = [key for key in SERVERS if key in wanted or key == "nginx"]
    if not has_xdp(place):
        keys = [key for key in keys if "xdp" not in key]
        say("  without xdp: taphouse was built without it")
    for key in ("h2o", "lighttpd"):
        if key in keys and shutil.which(key) is None:
            keys.remove(key)
            say(f"  without {key}: apt-get install {key} (Debian's name)")
    return keys


def start_servers(stack, place, say):
    return [SERVERS[key](stack, place) for key in wanted_servers(place, say)]
