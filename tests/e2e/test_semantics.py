"""RFC 9110 and RFC 9112 as a client on raw sockets sees them: methods, statuses, framing, and how connections end."""

import base64
import json
import re

from conftest import ADDRESS, raw

HOST = b"Host: x\r\n"
CLOSE = HOST + b"Connection: close\r\n"

# Each request on a connection of its own, which the server is to end; then all that it said.
BATCH = """
import base64, json, socket, sys
for request in json.load(sys.stdin):
    s = socket.create_connection(("%s", 80), 10)
    answer, end = b"", "closed"
    try:
        s.sendall(base64.b64decode(request))
        while piece := s.recv(65536):
            answer += piece
    except OSError as e:
        end = type(e).__name__
    s.close()
    print(json.dumps([base64.b64encode(answer).decode(), end]))
""" % ADDRESS


class Answer:
    def __init__(self, head, body):
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(re.fullmatch(r"HTTP/1\.1 (\d{3}) [A-Z].*", lines[0])[1])
        self.fields = dict(line.split(": ", 1) for line in lines[1:])
        self.body = body


def take_answer(data, for_head=False):
    head, _, rest = data.partition(b"\r\n\r\n")
    answer = Answer(head, b"")
    if for_head or answer.status in (100, 204, 304):
        return answer, rest
    length = int(answer.fields["Content-Length"])
    assert len(rest) >= length
    answer.body = rest[:length]
    return answer, rest[length:]


def take_answers(data):
    answers = []
    while data:
        answer, data = take_answer(data)
        answers.append(answer)
    return answers


def one_answer(namespace, request, **options):
    answers = take_answers(raw(namespace, request, **options).stdout)
    assert len(answers) == 1
    return answers[0]


def statuses(namespace, requests):
    """For each request its status, once the server has closed by itself and without a reset."""
    text = json.dumps([base64.b64encode(r).decode() for r in requests])
    lines = namespace.run("/usr/bin/python3", "-c", BATCH, input=text, timeout=120).stdout.splitlines()
    found = []
    for request, line in zip(requests, lines, strict=True):
        answer, end = json.loads(line)
        assert end == "closed", (request, answer, end)
        answers = take_answers(base64.b64decode(answer))
        found.append([a.status for a in answers])
    return found


def assert_refused(namespace, status, requests):
    """Answered once with this status, and whatever follows is not taken for a request."""
    smuggled = b"GET /hello.txt HTTP/1.1\r\n" + HOST + b"\r\n"
    found = statuses(namespace, [r + smuggled for r in requests])
    assert [(r, f) for r, f in zip(requests, found, strict=True) if f != [status]] == []


# ---- methods ----

def test_head_has_the_fields_of_get(serve, namespace):
    serve()
    get, head = (raw(namespace, method + b" /hello.txt HTTP/1.1\r\n" + CLOSE + b"\r\n").stdout
                 for method in (b"GET", b"HEAD"))
    head, rest = take_answer(head, for_head=True)
    get, _ = take_answer(get)
    assert (get.status, get.body, head.status, rest) == (200, b"hello\n", 200, b"")
    get.fields.pop("Date"), head.fields.pop("Date")
    assert head.fields == get.fields


def test_options_and_405_say_what_is_allowed(serve, namespace):
    serve()
    for target in (b"*", b"/hello.txt"):
        answer = one_answer(namespace, b"OPTIONS " + target + b" HTTP/1.1\r\n" + CLOSE + b"\r\n")
        assert (answer.status, answer.fields["Allow"]) == (204, "GET, HEAD, OPTIONS")
    for method in (b"POST", b"PUT", b"DELETE", b"PATCH", b"TRACE"):
        answer = one_answer(namespace, method + b" /hello.txt HTTP/1.1\r\n" + CLOSE + b"\r\n")
        assert (answer.status, answer.fields["Allow"]) == (405, "GET, HEAD, OPTIONS")
    answer = one_answer(namespace, b"CONNECT x:80 HTTP/1.1\r\n" + HOST + b"\r\n")
    assert answer.status == 405


def test_unknown_methods_are_501(serve, namespace):
    serve()
    assert_refused(namespace, 501, [method + b" / HTTP/1.1\r\n" + HOST + b"\r\n" for method in (b"FOO", b"get", b"PRI")])


# ---- framing, and what must not be smuggled ----

POST = b"POST / HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def test_lengths_that_two_parties_could_read_differently_are_refused(serve, namespace):
    serve()
    assert_refused(namespace, 400, [
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        POST + b"Content-Length: 5, 5\r\n\r\nhello",
        POST + b"Content-Length: +5\r\n\r\nhello",
        POST + b"Content-Length: -1\r\n\r\n",
        POST + b"Content-Length: 0x5\r\n\r\nhello",
        POST + b"Content-Length: 5 5\r\n\r\nhello",
        POST + b"Content-Length:\r\n\r\n",
        POST + b"Content-Length: 18446744073709551616\r\n\r\n",
        POST + b"Content_Length: 5\r\nContent-Length : 5\r\n\r\nhello",
    ])


def test_odd_transfer_encodings_are_refused(serve, namespace):
    serve()
    assert_refused(namespace, 400, [POST + b"Transfer-Encoding:" + value + b"\r\n\r\n0\r\n\r\n" for value in (
        b" xchunked", b" chunked, chunked", b" chunked, identity", b" identity", b" \x0bchunked", b" \"chunked\"", b"",
        b" chunked;x=1", b" gzip", b" chunked\r\nTransfer-Encoding: chunked", b" chunked\r\nTransfer-Encoding: x")] + [
        b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"])
    assert_refused(namespace, 501, [POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"])


def test_odd_lines_and_bytes_are_refused(serve, namespace):
    serve()
    get = b"GET / HTTP/1.1\r\n"
    assert_refused(namespace, 400, [
        get + HOST + b"X: a\r\n b\r\n\r\n",
        get + HOST + b"X: a\r\n\tb\r\n\r\n",
        get + b" Host: x\r\n\r\n",
        get + b"Host : x\r\n\r\n",
        get + b"Host\t: x\r\n\r\n",
        get + HOST + b": a\r\n\r\n",
        get + HOST + b"X\r\n\r\n",
        get + HOST + b"X: a\rb\r\n\r\n",
        get + HOST + b"X: a\nb\r\n\r\n",
        get + HOST + b"X: a\nY: b\r\n\r\n",
        get + HOST + b"X: a\0b\r\n\r\n",
        get + HOST + b"X\0: a\r\n\r\n",
        get + HOST + b"X: a\x07\r\n\r\n",
        get + HOST + b"\r\rX: a\r\n\r\n",
        get + HOST + b"\rX",
        get + HOST + b"\n",
        b"GET / HTTP/1.1\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r" + HOST + b"\r\n",
        b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET\t/ HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1 \r\n" + HOST + b"\r\n",
        b"GET /\0 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /#x HTTP/1.1\r\n" + HOST + b"\r\n",
        b" GET / HTTP/1.1\r\n" + HOST + b"\r\n",
    ])


def test_odd_chunks_are_refused(serve, namespace):
    serve()
    assert_refused(namespace, 400, [CHUNKED + body for body in (
        b"5\nhello\r\n0\r\n\r\n", b"5\rhello\r\n0\r\n\r\n", b"5;x\nhello\r\n0\r\n\r\n", b"5;a\rb\r\nhello\r\n0\r\n\r\n",
        b"5 \r\nhello\r\n0\r\n\r\n", b" 5\r\nhello\r\n0\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n", b"+5\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n", b"5\r\nhelloX\r\n0\r\n\r\n", b"\r\n0\r\n\r\n", b"fffffffffffffffff\r\n",
        b"0\r\n: y\r\n\r\n", b"0\r\nX : y\r\n\r\n", b"0\r\nX: y\n\r\n", b"0\r\nX: y\r\n z\r\n\r\n",
        b"0\r\nContent-Length: 5\r\n\r\n")])


def test_a_chunked_body_with_trailers_ends_where_the_next_request_begins(serve, namespace):
    serve()
    request = (CHUNKED + b"5;name=value\r\nhello\r\nA\r\n0123456789\r\n0\r\nX-Sum: 15\r\nExpect: nothing\r\n\r\n"
               b"GET /hello.txt HTTP/1.1\r\n" + CLOSE + b"\r\n")
    post, get = take_answers(raw(namespace, request).stdout)
    assert (post.status, get.status, get.body) == (405, 200, b"hello\n")


# ---- versions, Host, targets ----

def test_versions(serve, namespace):
    serve()
    later = one_answer(namespace, b"GET /hello.txt HTTP/1.2\r\n" + CLOSE + b"\r\n")
    assert (later.status, later.body) == (200, b"hello\n")
    assert_refused(namespace, 505, [b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", b"GET / HTTP/3.0\r\n" + HOST + b"\r\n"])
    assert_refused(namespace, 400, [b"GET /\r\n\r\n", b"GET / HTTP/0.9\r\n\r\n", b"GET / http/1.1\r\n\r\n", b"GET / HTTP/1\r\n\r\n"])


def test_persistence_by_version(serve, namespace):
    serve()
    old = one_answer(namespace, b"GET /hello.txt HTTP/1.0\r\n\r\n")
    assert old.fields["Connection"] == "close"
    kept = take_answers(raw(namespace, b"GET /hello.txt HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"
                            b"GET /hello.txt HTTP/1.0\r\n\r\n").stdout)
    assert [a.fields["Connection"] for a in kept] == ["keep-alive", "close"]
    new = take_answers(raw(namespace, b"GET /hello.txt HTTP/1.1\r\n" + HOST + b"\r\n"
                           b"GET /hello.txt HTTP/1.1\r\n" + CLOSE + b"\r\n").stdout)
    assert ["Connection" in a.fields for a in new] == [False, True]


def test_host_is_needed_and_checked(serve, namespace):
    serve()
    get = b"GET / HTTP/1.1\r\n"
    assert_refused(namespace, 400, [
        get + b"\r\n", get + b"Host:\r\n\r\n", get + HOST + HOST + b"\r\n", get + b"Host: a b\r\n\r\n",
        get + b"Host: a/b\r\n\r\n", get + b"Host: u@a\r\n\r\n", get + b"Host: a:x\r\n\r\n", get + b"Host: a:99999\r\n\r\n",
        get + b"Host: [::1\r\n\r\n", get + b"Host: a, b\r\n\r\n",
        b"GET http://x/ HTTP/1.1\r\n\r\n", b"GET * HTTP/1.1\r\n" + HOST + b"\r\n", b"GET x HTTP/1.1\r\n" + HOST + b"\r\n",
    ])


def test_absolute_form_is_served_and_a_scheme_that_is_not_ours_misdirected(serve, namespace):
    serve()
    answer = one_answer(namespace, b"GET http://x:80/hello.txt?a HTTP/1.1\r\n" + CLOSE + b"\r\n")
    assert (answer.status, answer.body) == (200, b"hello\n")
    assert_refused(namespace, 421, [b"GET https://x/hello.txt HTTP/1.1\r\n" + HOST + b"\r\n"])
    assert_refused(namespace, 400, [b"GET ftp://x/hello.txt HTTP/1.1\r\n" + HOST + b"\r\n"])


def test_strict_hosts_misdirects_names_of_no_site(serve, namespace, tmp_path, site):
    file = tmp_path / "t.conf"
    file.write_text(f'http {{ strict_hosts = true }}\nsite "e2e" {{ root = "{site}" hosts = {{"{ADDRESS}"}} }}\n')
    serve("--config", file)
    assert namespace.curl(f"http://{ADDRESS}/hello.txt").stdout == "hello\n"
    assert_refused(namespace, 421, [b"GET /hello.txt HTTP/1.1\r\n" + HOST + b"\r\n"])


def test_date_and_server(serve, namespace, tmp_path, site):
    serve()
    answer = one_answer(namespace, b"GET / HTTP/1.1\r\n" + CLOSE + b"\r\n")
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", answer.fields["Date"])
    assert answer.fields["Server"] == "taphouse"


def test_server_can_be_off(serve, namespace, tmp_path, site):
    file = tmp_path / "t.conf"
    file.write_text(f'http {{ server_header = false }}\nsite "e2e" {{ root = "{site}" }}\n')
    serve("--config", file)
    for target in (b"/", b"/nothing", b"/%zz"):
        answer = one_answer(namespace, b"GET " + target + b" HTTP/1.1\r\n" + CLOSE + b"\r\n")
        assert "Server" not in answer.fields and "Date" in answer.fields


# ---- expectations ----

def test_expect_100_continue(serve, namespace):
    serve()
    head = b"GET /hello.txt HTTP/1.1\r\n" + CLOSE + b"Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n"
    program = (
        "import socket, sys\n"
        f"s = socket.create_connection(('{ADDRESS}', 80), 10)\n"
        f"s.sendall({head!r})\n"
        "answer = s.recv(65536)\n"
        "print(answer)\n"
        "s.sendall(b'hello')\n"
        "while b := s.recv(65536): answer += b\n"
        "print(answer.split(b'\\r\\n')[2])\n")
    first, final = namespace.run("/usr/bin/python3", "-c", program).stdout.splitlines()
    assert first == repr(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert final == repr(b"HTTP/1.1 200 OK")
    assert_refused(namespace, 417, [POST + b"Content-Length: 5\r\nExpect: 100-continue, more\r\n\r\nhello",
                                    POST + b"Content-Length: 5\r\nExpect: tea\r\n\r\nhello"])
    # What will be refused anyway is refused before its body is sent.
    assert_refused(namespace, 405, [POST + b"Content-Length: 100000\r\nExpect: 100-continue\r\n\r\n"])
    assert_refused(namespace, 413, [POST + b"Content-Length: 10000000000\r\nExpect: 100-continue\r\n\r\n"])


# ---- limits ----

def test_limits_have_their_statuses(serve, namespace):
    serve()
    get = b"GET / HTTP/1.1\r\n" + HOST
    assert_refused(namespace, 414, [b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
                                    b"GET /" + b"a" * 200000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"])
    assert_refused(namespace, 431, [get + b"X: " + b"a" * 40000 + b"\r\n\r\n", get + b"X: " + b" " * 40000 + b"\r\n\r\n",
                                    get + b"".join(b"X%d: y\r\n" % i for i in range(200)) + b"\r\n"])
    assert_refused(namespace, 413, [POST + b"Content-Length: 10000000000\r\n\r\n", CHUNKED + b"ffffffff\r\n"])
    found = statuses(namespace, [get + b"X: " + b"a" * 20000 + b"\r\nConnection: close\r\n\r\n",
                                 b"GET /" + b"a" * 8000 + b" HTTP/1.1\r\n" + CLOSE + b"\r\n"])
    assert found == [[200], [404]]


def test_a_request_that_does_not_come_to_its_end_is_408(serve, namespace, tmp_path, site):
    file = tmp_path / "t.conf"
    file.write_text('http { header_timeout = "500ms" body_timeout = "500ms" }\n' f'site "e2e" {{ root = "{site}" }}\n')
    serve("--config", file)
    for request in (b"GET / HTTP/1.1\r\nHos", POST + b"Content-Length: 5\r\n\r\nhel", CHUNKED + b"5\r\nhel"):
        answer = one_answer(namespace, request)
        assert (answer.status, answer.fields["Connection"]) == (408, "close")


# ---- how connections end ----

def test_pipelined_requests_are_answered_in_order(serve, namespace):
    serve()
    paths = [b"/hello.txt", b"/nothing", b"/1k.bin", b"/1m.bin", b"/"] * 20
    request = b"".join(b"GET " + p + b" HTTP/1.1\r\n" + HOST + b"\r\n" for p in paths)
    answers = take_answers(raw(namespace, request, half_close=True, timeout=30).stdout)
    assert [len(a.body) for a in answers[:5]] == [6, len(answers[1].body), 1024, 1 << 20, len(answers[4].body)]
    assert [(a.status, a.body) for a in answers] == [(a.status, a.body) for a in answers[:5]] * 20


def test_request_and_fin_at_once_get_the_whole_answer(serve, namespace):
    serve()
    answer = one_answer(namespace, b"GET /1m.bin HTTP/1.1\r\n" + HOST + b"\r\n", half_close=True)
    assert (answer.status, len(answer.body)) == (200, 1 << 20)


def test_a_refusal_arrives_though_the_client_sends_on(serve, namespace):
    """Megabytes follow the refused head. Closing at once would reset the connection, and the answer be lost."""
    serve()
    for head in (POST + b"Content-Length: 99999999\r\n\r\n", b"GET / HTTP/2.0\r\n" + HOST + b"\r\n"):
        answer = raw(namespace, head + b"x" * (4 << 20), timeout=30)
        assert answer.stderr == b""
        assert [a.status for a in take_answers(answer.stdout)] in ([413], [505])
