"""Every example of a configuration, in docs/, man/, README.md and conf/, is in order; every mistake shown is told so."""

import re
import subprocess

import pytest
from conftest import ROOT, TAPHOUSE

SECTION = re.compile(r"^\s*(site|tcp|http|log|device|location)\b[^\n]*\{", re.M)


def blocks():
    """The texts set apart in documents: where each is from, and what it says."""
    for path in sorted([*ROOT.glob("docs/*.md"), ROOT / "README.md", *ROOT.glob("man/*")]):
        text = path.read_text()
        fence = r"^```\w*\n(.*?)^```" if path.suffix == ".md" else r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed"
        for number, match in enumerate(re.finditer(fence, text, re.M | re.S), 1):
            yield f"{path.relative_to(ROOT)}#{number}", match[1]


EXAMPLES = [(where, text) for where, text in blocks() if SECTION.search(text)]
EXAMPLES += [(str(path.relative_to(ROOT)), path.read_text()) for path in sorted(ROOT.glob("conf/*/*.conf"))]
SHIPPED = sorted(ROOT.glob("conf/*.conf"))


def check(path):
    return subprocess.run([TAPHOUSE, "check", path], capture_output=True, text=True, timeout=20)


def move(text, place):
    """The example with the files and directories that it names below place, where they exist."""
    place.mkdir(exist_ok=True)

    def put(match):
        key, path = match[1], place / match[2].lstrip("./")
        (path if key in ("root", "upload") else path.parent).mkdir(parents=True, exist_ok=True)
        if key in ("password_file", "users", "certificate", "key"):
            path.touch()
        return f'{key} = "{path}"'

    return re.sub(r'\b(root|upload|form|access|error|pcap|password_file|users|certificate|key) = "(\.{0,2}/[^"]+|[\w/.]+)"',
                  put, text)


def test_there_are_examples():
    assert len(EXAMPLES) >= 5 and SHIPPED


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_what_is_shipped_is_in_order(path):
    answer = check(path)
    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.parametrize("where, text", EXAMPLES, ids=[where for where, _ in EXAMPLES])
def test_an_example_is_in_order(where, text, tmp_path):
    path = tmp_path / "example.conf"
    text = move(text, tmp_path / "place")
    if re.match(r"\s*location\b", text):
        text = f'site "x" {{ root = "{tmp_path}"\n{text}\n}}\n'
    path.write_text(text)
    answer = check(path)
    assert (answer.returncode, answer.stderr) == (0, ""), f"{where}: {answer.stderr}"


def test_the_mistake_that_the_manual_shows_is_told_so(tmp_path):
    manual = (ROOT / "docs" / "configuration.md").read_text()
    shown = re.search(r"^\$ taphouse check web\.conf\n(web\.conf:(\d+): .*\"(\w+)\"; did you mean \"(\w+)\".*)$", manual, re.M)
    path = tmp_path / "web.conf"
    path.write_text("\n" * (int(shown[2]) - 1) + f"http {{ {shown[3]} = 1s }}\n")
    answer = subprocess.run([TAPHOUSE, "check", "web.conf"], capture_output=True, text=True, cwd=tmp_path, timeout=20)
    assert (answer.returncode, answer.stderr) == (1, shown[1] + "\n")
