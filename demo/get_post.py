"""GET against POST: where the words travel, how many there may be, what is kept

Both go over the same TCP, and neither is more secret on the way than the other: that takes HTTPS."""

from stage import ADDRESS, over, say

URL = f"http://{ADDRESS}"
STATUS = "curl -s -o answer -w '%{http_code}\\n'"


def play(on):
    server = on.serve(site='location "/echo" { echo = true }')

    say("""The server answers with the request as it arrived. By GET the words are in the URL, behind the
        question mark; by POST they are the body, and the URL does not show them.""")
    on.run(f"curl -s -G -d name=Ann -d words=two+pints {URL}/echo")
    on.run(f"curl -s -d name=Ann -d words=two+pints {URL}/echo")
    say("The same two in the ladder: one segment each way, whichever it is.")
    server.ladder(over(2))

    say("In the server's log, as in the history of a browser, are only the words of the GET:")
    on.run("cut -d '\"' -f 2 access.log")

    say("""Neither has a limit in HTTP; servers have. 9,000 characters are too many for a URL here (max_uri, 8K:
        414), and few for a body (200); 3 MB are too many for a body, too (max_body, 2M: 413).""")
    on.run("for n in 9000 3M; do head -c $n /dev/zero | tr '\\0' x >$n; done")
    for command in (f"-G -d @9000 {URL}/echo", f"-d @9000 {URL}/echo", f"-d @3M {URL}/echo"):
        on.run(f"{STATUS} {command}")

    say("""What a GET brought may be kept: asked again with its ETag, the server says 304, and no body follows.
        The answer to a POST says that it is not to be kept, and a file takes no POST at all.""")
    on.run(f"curl -s -D - -o copy --etag-save tag {URL}/hello.txt")
    on.run(f"curl -s -D - --etag-compare tag {URL}/hello.txt")
    on.run(f"curl -s -D - -o answer -d a=b {URL}/echo")
    on.run(f"curl -s -D - -o answer -d a=b {URL}/hello.txt")
