"""List fields of datasets: JSON lists, and strings that hold a JSON, Python or numpy list."""

from __future__ import annotations

import ast
import io
import json
import threading
import tokenize

from velora_tui.domain.spreadsheet import is_cut

# CPython before 3.13 counts the depth of all threads' syntax trees together, and takes the sum for an error.
_PARSING = threading.Lock()


def parse_names(value: object) -> tuple[str, ...]:
    """Return the test names in `value`; None and "" are empty lists. Raises ValueError."""
    if value is None:
        return ()
    if isinstance(value, str):
        value = _from_text(value.strip())
    if not isinstance(value, list | tuple):
        raise ValueError(f"expected a list of names, got {type(value).__name__}")
    for name in value:
        if not isinstance(name, str) or not name:
            raise ValueError(f"expected a list of names, found {name!r} in it")
    return tuple(value)


def parse_patches(value: object) -> tuple[str, ...]:
    """Return the diffs in `value`: one diff, a list of diffs, or a string that holds a list. Raises ValueError."""
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return ()
        value = _from_text(text) if text.startswith("[") else [value]
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise ValueError(f"expected a diff or a list of diffs, got {type(value).__name__}")
    for patch in value:
        if not isinstance(patch, str):
            raise ValueError(f"expected a list of diffs, found a {type(patch).__name__} in it")
    return tuple(patch for patch in value if patch.strip())


def _from_text(text: str) -> object:
    if not text:
        return []
    if not text.startswith("["):
        raise ValueError(f"expected a list, got the text {text[:60]!r}")
    if not text.endswith("]"):
        by = ", as by a spreadsheet" if is_cut(text) else ""
        raise ValueError(f"the list is cut off{by}, after {len(text):,} characters: …{text[-40:]!r}")
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return _python_list(text)


def _python_list(text: str) -> list[str]:
    """Read a Python list of strings; as in numpy's repr, commas may be missing between them.

    `ast.literal_eval` would silently join strings that stand side by side into one name.
    """
    names: list[str] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.STRING:
                with _PARSING:
                    names.append(ast.literal_eval(token.string))
            elif token.type not in _PUNCTUATION or (token.type == tokenize.OP and token.string not in "[],"):
                raise ValueError(f"unexpected {token.string[:40]!r} in a list of names")
    except (tokenize.TokenError, SyntaxError) as error:
        raise ValueError(f"not a JSON or Python list (cut off?): {text[:60]!r}…") from error
    return names


_PUNCTUATION = {tokenize.OP, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER, tokenize.INDENT, tokenize.DEDENT}
