import pytest

from tomlette import ConfigError, loads

SERVER = """
# the server
[server]
host = "localhost"     # where to listen
port = 8080
debug = false # never in production

[limits]
ratio = 0.75
bytes = 1_000_000
"""


def test_sections_and_types():
    assert loads(SERVER) == {
        "server": {"host": "localhost", "port": 8080, "debug": False},
        "limits": {"ratio": 0.75, "bytes": 1000000},
    }


def test_empty_text_has_no_sections():
    assert loads("") == {}


@pytest.mark.parametrize("line", ["# only a comment", "   # indented", "#", ""])
def test_lines_without_content(line):
    assert loads(f"[a]\n{line}\nx = 1") == {"a": {"x": 1}}


@pytest.mark.parametrize("comment", ["# comment", "#comment", "# a # b", '# say "hi"'])
def test_comment_after_a_value(comment):
    assert loads(f"[a]\nx = 1 {comment}") == {"a": {"x": 1}}


def test_comment_after_a_section():
    assert loads("[a] # first\nx = 1") == {"a": {"x": 1}}


@pytest.mark.parametrize(
    ("text", "line"),
    [("x = 1", 1), ("[a]\n[a]", 2), ("[a]\nx = 1\nx = 2", 3), ("[a]\n\njust words", 3), ("[a]\nx =", 2)],
)
def test_errors_name_the_line(text, line):
    with pytest.raises(ConfigError) as caught:
        loads(text)
    assert caught.value.line == line
