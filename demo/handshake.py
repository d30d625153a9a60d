"""The three-way handshake, and what may go wrong with it

Each side tells the number of its first byte, and hears that the other has it: SYN, SYN and ACK, ACK."""

from stage import ADDRESS, over, put, say

NOBODY = f"""
    import socket, sys
    opening = []
    for host in (50, 51):
        s = socket.socket()
        s.setsockopt(socket.SOL_IP, 19, 1)      # IP_TRANSPARENT: not our address
        s.bind((f"10.77.0.{{host}}", 0))
        s.setblocking(False)
        s.connect_ex(("{ADDRESS}", 80))         # a SYN; nobody gets the SYN-ACK
        opening.append(s)
"""


def data_on_the_third_ack(on):
    say("""Our own client, taphouse get, has its request ready when the SYN-ACK comes, and sends it with the
        third ACK: the answer is there after two round trips. (A kernel sends the ACK alone: no program could
        write before.)""")
    server = on.serve("--gateway", "10.77.0.1")
    on.quietly("sysctl -qw net.ipv4.ip_forward=1")
    on.run(f"taphouse get http://{ADDRESS}/hello.txt")
    server.ladder(over(1))
    put(f"  the server has counted with data on the third ACK: {server.status()['tcp']['TCPDataOnThirdAck']}")
    server.stop()


def lost_syn_ack(on):
    say("""A SYN-ACK is lost: the server's wire swallows the next one, if a client asks for it. The server waits
        for the third ACK, and sends it again after initial_rto, then after twice as long, up to synack_retries
        times; a record of 64 bytes in the SYN queue is all that it keeps meanwhile. (The client would send its
        SYN again after a second. Half of that shows who does what.)""")
    server = on.serve(tcp='initial_rto = "500ms"')
    on.run(f"curl -s -o answer -d drop_next=synack:1 http://{ADDRESS}:81/wire")
    on.run(f"curl -s http://{ADDRESS}/hello.txt")
    server.ladder(over(1))
    put(f"  the server has counted SYN-ACKs sent again: {server.status()['tcp']['TCPSynAckRetrans']}")
    server.stop()


def full_syn_queue(on):
    say("""A full SYN queue. Two SYNs from addresses that nobody has fill one of two places: their third ACK
        never comes. The next SYN is dropped. Its sender is told nothing, and sends it again after a second, and
        so on.""")
    server = on.serve(tcp='syn_backlog = 2 syn_cookies = "never"')
    on.program("nobody.py", NOBODY)
    on.run(f"curl -sS -m 0.5 http://{ADDRESS}/hello.txt")
    server.ladder("dropped: ")
    server.stop()

    say("""A SYN cookie needs no place: what the record would have held is in the number of the SYN-ACK, and
        comes back with the third ACK. The same two SYNs, and then (one cookie more is that of the question for
        the counters):""")
    server = on.serve(tcp='syn_backlog = 2 syn_cookies = "auto"')
    on.quietly("python3 nobody.py")
    on.run(f"curl -s http://{ADDRESS}/hello.txt")
    server.ladder(over(3), only="#3 ")
    tcp = server.status()["tcp"]
    put(f"  cookies sent: {tcp['SyncookiesSent']}, that came back: {tcp['SyncookiesRecv']}")


def play(on):
    data_on_the_third_ack(on)
    lost_syn_ack(on)
    full_syn_queue(on)
