"""GET against POST, as the defaults have them: where the parameters are, how many there may be, what may be kept of the
answer, and what may be asked twice."""

import json
import re

import pytest
from conftest import ADDRESS, raw

URL = f"http://{ADDRESS}"
MAX_URI, MAX_BODY = 8 << 10, 2 << 20  # the defaults of max_uri and max_body
FORM_TYPE = ("-H", "Content-Type: application/x-www-form-urlencoded")
JSON = ("-H", "Accept: application/json")


@pytest.fixture
def both(tmp_path, site, serve):
    """both(*options) serves files, an echo and a form."""

    def start(*options):
        config = tmp_path / "t.conf"
        config.write_text(f'site "e2e" {{ root = "{site}"\n\tlocation "/echo" {{ echo = true }}\n'
                          '\tlocation "/contact" { form = "contact.jsonl" } }\n')
        return serve("--config", config, *options)

    start.lines = lambda: [json.loads(line) for line in (tmp_path / "contact.jsonl").read_text().splitlines()]
    return start


def code(namespace, *args):
    return namespace.curl("-o", "/dev/null", "-w", "%{http_code}", *args).stdout


def fields(head):
    return {name.lower(): value for name, value in re.findall(r"^([\w-]+): (.*)$", head, re.M)}


def test_parameters_are_in_the_url_or_in_the_body(both, namespace):
    server = both()
    get = json.loads(namespace.curl(*JSON, "-G", "-d", "name=Ann", "--data-urlencode", "text=a b&c", f"{URL}/echo").stdout)
    post = json.loads(namespace.curl(*JSON, "-d", "name=Ann", "--data-urlencode", "text=a b&c", f"{URL}/echo").stdout)
    assert get["target"] == "/echo?name=Ann&text=a+b%26c" and get["body"] == ""
    assert get["parameters"] == [["name", "Ann"], ["text", "a b&c"]]
    assert post["target"] == "/echo" and post["body"] == "name=Ann&text=a+b%26c"
    assert post["parameters"] == []
    server.stop()
    # What is in the URL is in the log as well; what is in the body is not.
    assert '"GET /echo?name=Ann&text=a+b%26c HTTP/1.1" 200' in server.output()
    assert '"POST /echo HTTP/1.1" 200' in server.output()


def test_a_get_is_bounded_by_the_length_of_its_url(both, namespace):
    both()
    longest = "/echo?" + "x" * (MAX_URI - len("/echo?"))
    for target, status in ((longest, 200), (longest + "x", 414), (longest + "x" * (1 << 20), 414)):
        answer = raw(namespace, f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), half_close=True).stdout
        assert answer.startswith(b"HTTP/1.1 %d " % status)


def test_a_post_is_bounded_by_the_length_of_its_body(both, namespace, tmp_path):
    both()
    (tmp_path / "longest").write_bytes(b"x" * MAX_BODY)
    (tmp_path / "longer").write_bytes(b"x" * (MAX_BODY + 1))
    for chunked in ((), ("-H", "Transfer-Encoding: chunked")):
        for expect in ((), ("-H", "Expect:")):
            send = (*FORM_TYPE, *chunked, *expect, f"{URL}/echo", "--data-binary")
            assert code(namespace, *send, f"@{tmp_path}/longest") == "200"
            assert code(namespace, *send, f"@{tmp_path}/longer") == "413"


def test_an_answer_to_get_may_be_kept_and_is_asked_for_again(both, namespace):
    both()
    first = fields(namespace.curl("-D", "-", "-o", "/dev/null", f"{URL}/").stdout)
    assert first["cache-control"] == "no-cache"  # kept, and asked for again before it is used (RFC 9111 section 5.2.2.4)
    assert "etag" in first and "last-modified" in first
    for condition in (f"If-None-Match: {first['etag']}", f"If-Modified-Since: {first['last-modified']}"):
        again = namespace.curl("-i", "-H", condition, f"{URL}/").stdout
        assert again.startswith("HTTP/1.1 304 ") and again.endswith("\n\n")
        assert fields(again)["etag"] == first["etag"]
        assert fields(again)["cache-control"] == "no-cache"


def test_an_answer_to_post_is_never_kept(both, namespace):
    both()
    for path, status in (("/echo", "200"), ("/contact", "200"), ("/", "405"), ("/missing", "405")):
        answer = namespace.curl("-i", "-d", "a=b", f"{URL}{path}").stdout
        assert answer.startswith(f"HTTP/1.1 {status} ")
        assert fields(answer)["cache-control"] == "no-store"
        assert "etag" not in fields(answer) and "last-modified" not in fields(answer)
    # A condition does not turn it into a 304 (RFC 9110 section 13.1.2: these are for GET and HEAD).
    assert code(namespace, "-d", "a=b", "-H", "If-Modified-Since: Fri, 31 Dec 2038 23:59:59 GMT", f"{URL}/echo") == "200"


def test_a_post_is_done_once_over_a_wire_that_repeats_and_loses(both, namespace):
    """Segments come twice, late and not at all. TCP puts that right below, and no room above repeats a request."""
    both("--impair", "loss=8%,duplicate=20%,reorder=10%,delay=2ms,seed=5")
    one = b"POST /contact HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s"
    bodies = [b"n=%d" % i for i in range(60)]
    answer = raw(namespace, b"".join(one % (len(b), b) for b in bodies), half_close=True, timeout=60).stdout
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 60
    assert [line["fields"]["n"] for line in both.lines()] == [str(i) for i in range(60)]


def test_a_post_over_a_connection_that_is_lost_is_not_repeated(both, namespace):
    """The answer never arrives: whether to ask again is the client's to decide, for only it knows what it meant."""
    both()
    body = b"n=1"
    request = (b"POST /contact HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
               b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    program = (
        "import socket, struct, sys\n"
        f"s = socket.create_connection(({ADDRESS!r}, 80), 10)\n"
        "s.sendall(sys.stdin.buffer.read())\n"
        "s.recv(1)\n"
        "s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))\n"
        "s.close()\n"
    )
    for _ in range(3):
        namespace.run("/usr/bin/python3", "-c", program, input=request, text=False)
    assert len(both.lines()) == 3
