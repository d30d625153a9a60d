"""Closing: who goes first, TIME-WAIT, half-close

Each direction of a connection ends on its own, by a FIN and its acknowledgement."""

from stage import ADDRESS, over, put, say, wait_until

HALF_CLOSE = f"""
    import socket
    s = socket.create_connection(("{ADDRESS}", 80), 10)
    s.send(b"GET /page HTTP/1.0\\r\\n\\r\\n", socket.MSG_MORE)  # more comes:
    s.shutdown(socket.SHUT_WR)                              # the FIN
    n = 0
    while data := s.recv(65536):
        n += len(data)
    print(n, "bytes after our FIN")
"""


def time_wait(server):
    return server.status()["tcp_now"]["time_wait"]


def play(on):
    on.file("page", b"x" * 100_000)
    server = on.serve(tcp='msl = "1500ms"')

    say("""The client goes first. curl has its answer and closes: FIN. The server has nothing left to say, so
        its own FIN is on the acknowledgement, and the four-way close takes three segments. The client ends in
        TIME-WAIT, in case its last ACK is lost; the server is CLOSED at once.""")
    on.run(f"curl -s http://{ADDRESS}/hello.txt")
    server.ladder(over(1))
    on.run("ss -Htan state time-wait | sed 's/  */ /g'")

    say("""The server goes first. Asked for "Connection: close" it sends its FIN with the answer, and now
        TIME-WAIT is its own: a record of 64 bytes, kept for twice the maximum segment lifetime, msl. Here that
        is 3 s; 60 s is usual.""")
    on.run(f"curl -s -H 'Connection: close' http://{ADDRESS}/hello.txt")
    server.ladder(over(2))
    put(f"  in TIME-WAIT at the server: {time_wait(server)}")
    wait_until(lambda: time_wait(server) == 0)
    put(f"  after 2 x msl:              {time_wait(server)}")

    say("""Half-close. A client may end its direction and still read all that comes. Here its FIN is on the
        request: the server is in CLOSE-WAIT from then on, and sends the whole answer in it before it ends its
        own direction.""")
    on.program("half_close.py", HALF_CLOSE)
    server.ladder(over(3))
