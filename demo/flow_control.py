"""Flow control: a reader that stops

In each acknowledgement the receiver says how much room it has. The sender never sends more."""

from stage import ADDRESS, over, say

READER = f"""
    import hashlib, socket, time
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20_000)
    s.settimeout(10)
    s.connect(("{ADDRESS}", 80))
    s.sendall(b"GET /big HTTP/1.0\\r\\n\\r\\n")
    time.sleep(2.5)                            # busy with something else
    answer = s.makefile("rb").read()
    print(hashlib.sha256(answer.split(b"\\r\\n\\r\\n", 1)[1]).hexdigest())
"""


def play(on):
    on.file("big", bytes(i * i % 251 for i in range(90_000)))
    server = on.serve()

    say("""The client asks for 90,000 bytes, has room for a few of them, and does not read for two and a half
        seconds. Look at win, on the arrows from left to right: it falls to 0, and the server stops.""")
    on.run("sha256sum site/big")
    on.program("reader.py", READER)

    say("""Nobody may wait for ever: an acknowledgement that opens the window could be lost. So the server asks,
        by a window probe, after 0.2 s, and then at growing intervals; each is answered with win 0, until the
        client reads. Then the window opens and the rest flows.""")
    server.ladder(over(1), most=44)
