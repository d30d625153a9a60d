"""Urgent data from the kernel's TCP (MSG_OOB): it stays in line, as RFC 6093 section 6 advises, and nothing is lost."""

import json

from conftest import ADDRESS

PROGRAM = f"""
import socket, sys
s = socket.create_connection(({ADDRESS!r}, 80), 10)
for part, flags in ((b'GET /', socket.MSG_OOB), (b'hello.txt HTTP/1.1\\r\\nHost: x\\r\\n', 0),
                    (b'Connection: close\\r\\n\\r', 0), (b'\\n', socket.MSG_OOB)):
    s.send(part, flags)
while b := s.recv(65536):
    sys.stdout.buffer.write(b)
"""


def test_urgent_data_stays_in_line(serve, namespace, tmp_path, site):
    file = tmp_path / "t.conf"
    file.write_text(f'site "e2e" {{\n\troot = "{site}"\n\tlocation "/.taphouse/" {{ status = true }}\n}}\n')
    serve("--config", file)
    answer = namespace.run("/usr/bin/python3", "-c", PROGRAM).stdout
    assert answer.startswith("HTTP/1.1 200 ") and answer.endswith("\nhello\n"), answer
    status = json.loads(namespace.curl("-f", f"http://{ADDRESS}/.taphouse/status.json").stdout)
    assert status["tcp"]["TCPUrgentIn"] >= 2
