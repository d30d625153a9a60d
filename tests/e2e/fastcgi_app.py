"""A small FastCGI application for the tests: what it does is the last part of PATH_INFO, as the methods below have it.

It runs on threads of the test, so that the test can look into it. Only what FastCGI 1.0 needs of a responder.
"""

import hashlib
import json
import os
import socket
import struct
import threading
import time

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = range(1, 8)
KEEP_CONN = 1


class Closed(Exception):
    """The server has closed the connection."""


def pairs(data):
    """The parameters of a stream (section 3.4)."""
    found, at = {}, 0
    while at < len(data):
        lengths = []
        for _ in range(2):
            length = data[at]
            if length & 0x80:
                length = struct.unpack_from(">I", data, at)[0] & 0x7FFFFFFF
                at += 3
            at += 1
            lengths.append(length)
        name, value = data[at:at + lengths[0]], data[at + lengths[0]:at + sum(lengths)]
        assert name.decode() not in found, f"{name} is told twice"
        found[name.decode()] = value.decode("utf-8", "surrogateescape")
        at += sum(lengths)
    return found


class Request:
    def __init__(self, connection):
        self.connection = connection
        self.params = {}
        self.is_whole = False

    def stdin(self):
        """The pieces of the body, as they come."""
        while not self.is_whole:
            kind, content = self.connection.record()
            assert kind == STDIN, kind
            self.is_whole = not content
            if content:
                yield content

    def body(self):
        return b"".join(self.stdin())

    def write(self, data, kind=STDOUT, padding=0):
        if isinstance(data, str):
            data = data.encode()
        for at in range(0, len(data), 65535):
            self.connection.send(kind, data[at:at + 65535], padding)

    def end(self, protocol_status=0):
        self.connection.send(STDOUT, b"")
        self.connection.send(END, struct.pack(">IB3x", 0, protocol_status))


class Connection:
    def __init__(self, app, sock):
        self.app, self.sock = app, sock
        self.buffer = b""

    def take(self, n):
        while len(self.buffer) < n:
            data = self.sock.recv(1 << 16)
            if not data:
                raise Closed
            self.buffer += data
        taken, self.buffer = self.buffer[:n], self.buffer[n:]
        return taken

    def record(self):
        version, kind, number, length, padding = struct.unpack(">BBHHBx", self.take(8))
        assert version == 1 and number == 1
        content = self.take(length)
        self.take(padding)
        return kind, content

    def send(self, kind, content, padding=0):
        self.sock.sendall(struct.pack(">BBHHBx", 1, kind, 1, len(content), padding) + content + b"x" * padding)

    def request(self):
        kind, content = self.record()
        assert kind == BEGIN
        role, flags = struct.unpack(">HB5x", content)
        assert role == 1 and flags == KEEP_CONN
        request, params = Request(self), b""
        while True:
            kind, content = self.record()
            assert kind == PARAMS
            if not content:
                break
            params += content
        request.params = pairs(params)
        return request

    def serve(self):
        try:
            while not self.app.is_closing:
                request = self.request()
                with self.app.lock:
                    self.app.requests.append(request.params)
                name = request.params.get("PATH_INFO", "").rsplit("/", 1)[-1] or "env"
                try:
                    if getattr(self.app, f"do_{name}")(request, request.params["QUERY_STRING"]) is False:
                        return
                    request.body()
                finally:
                    with self.app.lock:
                        self.app.done += 1
        except (Closed, ConnectionError, OSError):
            with self.app.lock:
                self.app.lost += 1
        finally:
            self.sock.close()


class App:
    """Listens at address until close(); requests has the parameters of each request, connections their number."""

    def __init__(self, address):
        self.requests, self.connections, self.done, self.lost = [], 0, 0, 0
        self.lock = threading.Lock()
        self.is_closing = False
        self.may_go_on = threading.Event()
        self.sockets = []
        if isinstance(address, tuple):
            self.listener = socket.create_server(address)
        else:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(os.fspath(address))
            self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                self.sockets.append(sock)
            threading.Thread(target=Connection(self, sock).serve, daemon=True).start()

    def hang_up(self):
        """Closes the connections that there are."""
        with self.lock:
            for sock in self.sockets:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            self.sockets.clear()

    def close(self):
        self.is_closing = True
        self.may_go_on.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.hang_up()

    # ---- what it can do ----

    def do_env(self, request, _):
        body = request.body()
        text = json.dumps({"params": request.params, "body": body.decode("latin-1")}, sort_keys=True)
        request.write(f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}", padding=3)
        request.end()

    def do_digest(self, request, _):
        digest, size = hashlib.sha256(), 0
        for piece in request.stdin():
            digest.update(piece)
            size += len(piece)
        request.write(f"Content-Type: text/plain\n\n{size} {digest.hexdigest()}\n")
        request.end()

    def do_slow_digest(self, request, query):
        """Reads nothing until it may."""
        self.may_go_on.wait(30)
        self.do_digest(request, query)

    def do_big(self, request, query):
        request.write("Content-Type: application/octet-stream\n\n")
        block = bytes(range(256)) * 128
        for _ in range(int(query) // len(block)):
            request.write(block)
        request.end()

    def do_sized(self, request, query, delay=0):
        announced, given = map(int, query.split(","))
        request.write(f"Content-Length: {announced}\nContent-Type: text/plain\n\n")
        request.write(b"x" * given)
        time.sleep(delay)
        request.end()

    def do_late_end(self, request, query):
        """A body of known length, and only a moment later its end."""
        self.do_sized(request, query, 0.05)

    def do_pieces(self, request, _):
        request.write("Content-Type: text/plain\n\n")
        for number in range(5):
            request.write(f"{number}\n")
            time.sleep(0.05)
        request.end()

    def do_head(self, request, query):
        """The head that the query says, in hexadecimal, and a short body."""
        request.write(bytes.fromhex(query) + b"\r\nbody\n")
        request.end()

    def do_raw(self, request, query):
        """Bytes instead of records."""
        request.connection.sock.sendall(bytes.fromhex(query))
        return False

    def do_die(self, request, query):
        """Closes: at once, or with something said."""
        if query == "head":
            request.write("Content-Type: text/plain\n")
        if query == "body":
            request.write("Content-Type: text/plain\n\nthe beginning")
        return False

    def do_silent(self, request, query):
        request.end(int(query or "0"))

    def do_wait(self, request, _):
        self.may_go_on.wait(30)
        request.write("Content-Type: text/plain\n\nat last\n")
        request.end()

    def do_early(self, request, _):
        """Answers without reading the body, and leaves it to the end of the connection."""
        request.write("Status: 403 Forbidden\nContent-Type: text/plain\n\nno\n")
        time.sleep(0.2)  # the end comes by itself
        request.end()
        self.may_go_on.wait(30)
        return False

    def do_errors(self, request, query):
        for number in range(int(query)):
            request.write(f"PHP Warning: number {number}\nerror 2026-01-01 forged: line\n", STDERR)
        request.write("Content-Type: text/plain\n\nok\n")
        request.end()

    def do_once(self, request, _):
        """Answers, and closes the connection a moment later, as an application does that is tired of it."""
        request.write("Content-Type: text/plain\n\nonce\n")
        request.end()
        return False

    def do_tired(self, request, _):
        """The first request of a connection is answered; the next ones find it closed without a word."""
        count = getattr(request.connection, "count", 0)
        request.connection.count = count + 1
        if count > 0:
            return False
        request.write("Content-Type: text/plain\n\nfresh\n")
        request.end()
