"""The servers that are measured. Each serves the same directory, at an address of its own that the client's
namespace reaches, from the same core. Another one is a class with name, address, and pids(), and a line in
all_servers().
"""

import os
import subprocess

import lab

TAPHOUSE_CONFIG = """\
device "tap:taphouse0" {{ address = {{"10.77.0.2/24"}} host_address = "10.77.0.1/24" }}
http {{ keepalive_requests = 1000000000 }}
log {{ access = "off" }}
site "bench" {{ listen = {{"80"}} root = "{site}" }}
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

    def __init__(self, stack, place, namespace, *command):
        os.makedirs(os.path.join(place.directory, self.name))
        self.errors = os.path.join(place.directory, self.name, "output")
        with open(self.errors, "wb") as errors:
            self.process = lab.start(place.server_core, namespace.command(*command), stdout=errors, stderr=errors)
        stack.callback(lab.end, self.process)
        lab.wait_for(lambda: self.answers(place.client), 20, self.process,
                     lambda: f"{self.name} does not answer:\n{self.last_words()}")

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
    """taphouse on a TAP in the client's namespace: the client uses the kernel's side of it."""
    name = "taphouse"
    address = "10.77.0.2"

    def __init__(self, stack, place):
        config = os.path.join(place.directory, "taphouse.conf")
        with open(config, "w") as file:
            file.write(TAPHOUSE_CONFIG.format(site=place.site))
        super().__init__(stack, place, place.client, place.taphouse, "serve", "--config", config)
        lab.set_congestion_control(place.client, "taphouse0", "10.77.0.1")


class Nginx(Server):
    """nginx on the kernel's TCP, in a namespace of its own behind a veth pair."""
    name = "nginx"
    address = "10.78.0.2"

    def __init__(self, stack, place):
        namespace = lab.Namespace(stack, "nginx")
        lab.join(place.client, "to-nginx", "10.78.0.1", namespace, "eth0", self.address)
        directory = os.path.join(place.directory, self.name)
        config = os.path.join(place.directory, "nginx.conf")
        with open(config, "w") as file:
            file.write(NGINX_CONFIG.format(site=place.site, directory=directory))
        super().__init__(stack, place, namespace, "nginx", "-p", directory, "-c", config,
                         "-e", f"{directory}/error.log")

    def pids(self):
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children") as children:
            return [int(child) for child in children.read().split()]


def all_servers(stack, place):
    """Ours first: the others are its peers."""
    return [kind(stack, place) for kind in (Taphouse, Nginx)]
