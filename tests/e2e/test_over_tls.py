"""What HTTP does it does over TLS as well: the tests of other files once more, with every request encrypted."""

import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
LEFT_OUT = {  # most shut half of a connection and read on, which Python's TLS cannot
    "form": ["test_pipelined_posts_are_each_a_line_in_order", "test_a_submission_cut_short_is_not_written"],
    "semantics": ["test_absolute_form_is_served_and_a_scheme_that_is_not_ours_misdirected",  # here it is ours
                  "test_pipelined_requests_are_answered_in_order", "test_request_and_fin_at_once_get_the_whole_answer"],
    "upload": ["test_a_body_cut_anywhere_leaves_nothing"],
    "compress": ["test_it_is_counted"],  # by port, and looks at the first one
}


@pytest.mark.parametrize("name", ["echo", "form", "policy", "semantics", "static", "upload", "compress"])
def test_over_tls(name):
    file = HERE / f"test_{name}.py"
    left_out = [f"--deselect={file.relative_to(HERE.parents[1])}::{test}" for test in LEFT_OUT.get(name, [])]
    answer = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *left_out, file], text=True,
                            cwd=HERE.parents[1], env={**os.environ, "OVER_TLS": "1"}, capture_output=True, timeout=300)
    assert answer.returncode == 0, answer.stdout
