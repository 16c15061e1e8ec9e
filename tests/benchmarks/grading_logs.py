"""Large logs as the frameworks print them, each test with a name of its own."""

from __future__ import annotations

from collections.abc import Iterator

TESTS = 40_000
_RULE = "=" * 27


def _name(number: int) -> str:
    return f"tests/pkg/test_mod_{number // 50}.py::TestThing::test_case_{number}[value-{number}]"


def _pytest_start() -> str:
    return f"{_RULE} test session starts {_RULE}\ncollected {TESTS} items\n\n"


def _pytest_end() -> str:
    return f"\n{_RULE} {TESTS} passed in 0.01s {_RULE}\n"


def pytest_verbose() -> str:
    """Return `pytest -v`."""
    lines = (f"{_name(number)} PASSED{'':20}[{number * 100 // TESTS:3}%]\n" for number in range(TESTS))
    return _pytest_start() + "".join(lines) + _pytest_end()


def pytest_summary() -> str:
    """Return `pytest -rA`, one test of ten failing."""
    lines = (
        f"PASSED {_name(number)}\n" if number % 10 else f"FAILED {_name(number)} - AssertionError: assert 1 == 2\n"
        for number in range(TESTS)
    )
    return f"{_pytest_start()}{_RULE} short test summary info {_RULE}\n" + "".join(lines) + _pytest_end()


def pytest_output() -> str:
    """Return `pytest -rA` with far more output of the tests than results."""
    output = (f"E       assert {number} == 2 some traceback text here that is long\n" for number in range(2 * TESTS))
    lines = (f"PASSED {_name(number)}\n" for number in range(TESTS // 4))
    opening = f"{_pytest_start()}{_RULE} FAILURES {_RULE}\n"
    return f"{opening}{''.join(output)}{_RULE} short test summary info {_RULE}\n{''.join(lines)}{_pytest_end()}"


def django() -> str:
    """Return Django's test runner, verbose."""
    lines = (
        f"test_case_{number} (app.tests.test_{number // 50}.TestThing.test_case_{number}) ... ok\n"
        for number in range(TESTS)
    )
    return "".join(lines) + f"\n{'-' * 70}\nRan {TESTS} tests in 0.1s\n\nOK\n"


def cargo() -> str:
    """Return one binary of `cargo test`."""
    lines = (f"test module_{number // 50}::tests::test_case_{number} ... ok\n" for number in range(TESTS))
    counts = f"{TESTS} passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s"
    return f"running {TESTS} tests\n{''.join(lines)}\ntest result: ok. {counts}\n"


def go() -> str:
    """Return one package of `go test -v`, every test with a line of output."""
    lines = (
        f"=== RUN   TestCase{number}\n    some_test.go:12: log line\n--- PASS: TestCase{number} (0.00s)\n"
        for number in range(TESTS)
    )
    return "".join(lines) + "PASS\nok  \tx/y\t0.1s\n"


def jest() -> str:
    """Return `jest --verbose` of one file, twenty tests to a suite."""
    return "".join(("PASS src/a.test.js\n", *_jest_tree(), f"\nTests:       {TESTS} passed, {TESTS} total\n"))


def _jest_tree() -> Iterator[str]:
    for number in range(TESTS):
        if number % 20 == 0:
            yield f"  describe {number}\n"
        yield f"    ✓ does thing number {number} (3 ms)\n"
