"""HTTPS: what comes after the third ACK, in full and resumed

TCP is open first. Then TLS makes keys and proves who the server is, in a handshake of its own."""

from stage import ADDRESS, over, put, say

SESSION = f"""
printf 'GET /hello.txt HTTP/1.0\\r\\n\\r\\n' |
    openssl s_client -connect {ADDRESS}:443 -ign_eof %s session 2>&1 |
    grep -a -E '^(New|Reused)'"""


def play(on):
    server = on.serve(site="listen_tls = 443 self_signed = true", port=443)

    say("""A full handshake of TLS 1.3. ClientHello has the client's half of the key exchange, ServerHello the
        server's; what follows is sealed already: the certificate, a signature that proves it is the server's
        own, Finished. One round trip after the third ACK the client can send its request.""")
    on.run(f"curl -sk https://{ADDRESS}/hello.txt")
    server.ladder(over(1), most=60)

    say("""A session may be resumed: all that the server needs to know of it was sealed into a ticket, and the
        client brings that back. Then neither certificate nor signature is sent. openssl keeps the session in a
        file, and says New or Reused; the ladder is that of the second.""")
    on.run(SESSION % "-sess_out")
    server.skip(over(2))
    on.run(SESSION % "-sess_in")
    server.ladder(over(3), most=60, only="#3 ")

    tls = server.status()["tls"]
    put(f"  the server has counted: {tls['full']} full, {tls['resumed']} resumed")
