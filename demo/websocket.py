"""WebSocket: upgrade, echo, a chat of two, ping

It begins as an HTTP request. After 101 the connection is both sides', at any time, in frames of a few bytes more."""

from stage import ADDRESS, over, say

CLIENT = f"""
    import base64, os, socket, struct

    def mask(key, data):
        return bytes(byte ^ key[i % 4] for i, byte in enumerate(data))

    class WebSocket:
        def __init__(self, path):
            self.socket = socket.create_connection(("{ADDRESS}", 80), 10)
            self.file = self.socket.makefile("rb")
            self.socket.sendall((
                f"GET {{path}} HTTP/1.1\\r\\nHost: {ADDRESS}\\r\\nConnection: Upgrade\\r\\n"
                "Upgrade: websocket\\r\\nSec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: "
                f"{{base64.b64encode(os.urandom(16)).decode()}}\\r\\n\\r\\n").encode())
            self.head = b"".join(iter(self.file.readline, b"\\r\\n")).decode()

        def send(self, opcode, data):        # RFC 6455 section 5.2; clients mask
            key = os.urandom(4)
            frame = struct.pack("!BB", 128 | opcode, 128 | len(data)) + key + mask(key, data)
            print("->", frame.hex(" "))
            self.socket.sendall(frame)

        def receive(self):
            head = self.file.read(2)
            data = self.file.read(head[1])
            print("<-", (head + data).hex(" "), " is", data)
            return data
"""

ECHO = """
    from websocket_client import WebSocket
    w = WebSocket("/ws/echo")
    print(w.head)
    w.send(1, b"hello"), w.receive()         # opcode 1: text
    w.send(9, b"ping"), w.receive()          # 9: ping; it comes back as 10: pong
    w.send(8, b"\\x03\\xe8"), w.receive()      # 8: close, with the code 1000
"""

CHAT = """
    from websocket_client import WebSocket
    ann, bob = WebSocket("/ws/chat/inn"), WebSocket("/ws/chat/inn")
    ann.send(1, b"A pint?")
    bob.receive()
    ann.receive()
"""


def play(on):
    server = on.serve(site='''location "/ws/echo" { websocket = "echo" }
                        location "/ws/chat/" { websocket = "chat" }''')

    say("""A client of thirty lines; then the upgrade (Sec-WebSocket-Accept is a digest of the key, so that no
        old server says yes by mistake), and frames as they are on the wire: two bytes of opcode and length,
        from the client four of a mask, and the text.""")
    on.keep("websocket_client.py", CLIENT)
    on.program("echo.py", ECHO)
    server.ladder(over(1), most=50)

    say("""A chat: what one sends, everybody in the room gets, without having asked. With HTTP alone they would
        have to ask again and again.""")
    on.program("chat.py", CHAT)
    server.ladder(over(3), most=50)
