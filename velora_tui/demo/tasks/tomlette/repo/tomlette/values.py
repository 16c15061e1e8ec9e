"""Text into typed values."""

_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}
_WORDS = {"true": True, "false": False}


def read_value(text):
    """Return the string, number, truth value or list that `text` stands for."""
    if not text:
        raise ValueError("no value")
    if text in _WORDS:
        return _WORDS[text]
    if text.startswith('"'):
        return _read_string(text)
    if text.startswith("["):
        return _read_list(text)
    return _read_number(text)


def _read_string(text):
    if len(text) < 2 or not text.endswith('"'):
        raise ValueError(f"string without an end: {text}")
    result = []
    characters = iter(text[1:-1])
    for character in characters:
        if character == "\\":
            escape = next(characters, "")
            if escape not in _ESCAPES:
                raise ValueError(f"unknown escape: \\{escape}")
            character = _ESCAPES[escape]
        result.append(character)
    return "".join(result)


def _read_list(text):
    if not text.endswith("]"):
        raise ValueError(f"list without an end: {text}")
    return [read_value(item.strip()) for item in split_items(text[1:-1]) if item.strip()]


def split_items(text):
    """Return the items of a list's inner text."""
    return text.split(",")


def _read_number(text):
    try:
        return int(text.replace("_", ""))
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"not a value: {text}") from None
