"""A unittest runner that writes each test's status, from a listener, to the file $TRUTH."""

import json
import os
import unittest
from pathlib import Path

ORDER = ("PASSED", "XFAIL", "XPASS", "SKIPPED", "FAILED", "ERROR")


class TruthResult(unittest.TextTestResult):
    statuses: dict[str, str] = {}

    def note(self, test, status: str) -> None:
        before = self.statuses.get(str(test), "PASSED")
        self.statuses[str(test)] = max(before, status, key=ORDER.index)
        Path(os.environ["TRUTH"]).write_text(json.dumps(self.statuses))

    def addSuccess(self, test) -> None:
        super().addSuccess(test)
        self.note(test, "PASSED")

    def addFailure(self, test, error) -> None:
        super().addFailure(test, error)
        self.note(test, "FAILED")

    def addError(self, test, error) -> None:
        super().addError(test, error)
        self.note(test, "ERROR")

    def addSkip(self, test, reason) -> None:
        super().addSkip(test, reason)
        self.note(getattr(test, "test_case", test), "SKIPPED")

    def addExpectedFailure(self, test, error) -> None:
        super().addExpectedFailure(test, error)
        self.note(test, "XFAIL")

    def addUnexpectedSuccess(self, test) -> None:
        super().addUnexpectedSuccess(test)
        self.note(test, "XPASS")

    def addSubTest(self, test, subtest, error) -> None:
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.note(test, "FAILED" if issubclass(error[0], test.failureException) else "ERROR")


if __name__ == "__main__":
    unittest.main(module=None, testRunner=unittest.TextTestRunner(resultclass=TruthResult, verbosity=2))
