def test_numbers_go_right(lines):
    assert lines([["pear", 3], ["fig", 12]], headers=["fruit", "n"]) == [
        "fruit |  n",
        "------+---",
        "pear  |  3",
        "fig   | 12",
    ]


def test_no_rows_and_no_headers_is_nothing(lines):
    assert lines([]) == [""]


def test_headers_alone(lines):
    assert lines([], headers=["a", "b"]) == ["a | b", "--+--"]


def test_short_rows_are_filled_up(lines):
    assert lines([["a"], ["b", "c"]]) == ["a |", "b | c"]


def test_none_is_blank_and_keeps_numbers_right(lines):
    assert lines([["x", None], ["y", 10]]) == ["x |", "y | 10"]


def test_max_width_cuts_cells(lines):
    assert lines([["strawberry", "x"]], max_width=6) == ["straw… | x"]
