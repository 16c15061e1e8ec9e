"""The tests' own output: why nothing in it could be graded. Looked for only there."""

from __future__ import annotations

from velora_tui.domain.failure import FailureClass
from velora_tui.grading.signatures.signature import Signature, Source, Table

_AGENT, _TASK, _INFRA = FailureClass.AGENT, FailureClass.TASK, FailureClass.INFRASTRUCTURE
_tests = Table(_AGENT, sources=(Source.TESTS,))
_RUNNER = (
    r"(?:pytest|py\.test|python[\d.]*|tox|nox|npm|npx|yarn|pnpm|node|go|cargo|mvn|gradle|\./gradlew|\./mvnw|bundle|rspec"
    r"|phpunit|vendor/bin/phpunit|ctest|make|ruby|php|java|uv|poetry|jest|vitest|mocha|karma|ava|tsc|react-scripts)"
)
_GOLD = "a valid result of the model, unless the gold patch shows the same: then mend the image"

TESTS: tuple[Signature, ...] = (
    _tests.row(
        "tests-no-repository",
        r"cd: (?:can't cd to )?/app/repo\b",
        "the image has no repository at /app/repo: no test ran",
        "rebuild the image, or use the one that the dataset names, then retry from evaluation",
        kind=_TASK,
    ),
    _tests.row(
        "tests-no-runner",
        rf"(?:\S*sh: )?(?:line )?(?:\d+: )?{_RUNNER}: (?:command not found|not found|No such file or directory)"
        rf"|(?:\S*/)?(?:env: |timeout: failed to run command )['‘`]{_RUNNER}['’]: No such file or directory"
        rf'|.{{0,200}}\bexec: "{_RUNNER}": executable file not found in \$PATH'
        r"|\S*python[\d.]*: No module named '?(?:pytest|tox|nose|django)'?$",
        "the program that runs the tests is not there: the environment was not entered, or the image lacks it",
        "mend test_command or the image, then retry from evaluation",
        kind=_TASK,
    ),
    _tests.row(
        "tests-no-environment",
        r"(?:source: |\.: )?/saved/\S+: No such file or directory|\.: cannot open /saved/\S+: No such file$"
        r"|conda: command not found|EnvironmentNameNotFound: ",
        "the image has no such environment",
        "rebuild the image, then retry from evaluation",
        kind=_TASK,
    ),
    _tests.row(
        "tests-arguments",
        r"(?:pytest|__main__\.py|py\.test): error: |error: (?:unrecognized arguments|unexpected argument '--)"
        r"|usage: pytest \[|npm (?:error|ERR!) Missing script: |make: \*\*\* No rule to make target "
        r"|\[ERROR\] The goal you specified requires a project",
        "the test command asks for what the runner does not know",
        "mend test_command in the dataset, then retry from evaluation",
        kind=_TASK,
    ),
    _tests.row(
        "tests-not-found",
        r"ERROR: (?:not found: |file or directory not found: |found no collectors for )",
        "the test command names tests that do not exist",
        "mend test_command or test_patches in the dataset, unless the model removed the files",
        kind=_TASK,
    ),
    _tests.row(
        "tests-killed",
        r"^Killed(?:$| {2,})|.{0,200}\bline \d+: +\d+ Killed {2,}|FATAL ERROR: .*JavaScript heap out of memory"
        r"|java\.lang\.OutOfMemoryError",
        "the tests were ended for lack of memory",
        "use a larger instance or fewer workers, then retry from evaluation",
        kind=_INFRA,
    ),
    _tests.row(
        "tests-disk-full",
        r"\s*(?:[^:;]{1,120}: ?){0,5}(?:"
        r"(?:\[Errno 28\] )?[Nn]o space left on device(?: \(os error 28\)|, \w+)?(?:: ?['\"‘].{0,200})?\W{0,3}$"
        r"|(?:\w+, )?database or disk is full(?: \(13\))?$)",
        "the disk was full while the tests ran",
        "free disk space, then retry from evaluation",
        kind=_INFRA,
        repair="free-disk",
    ),
    _tests.row(
        "tests-proxy",
        r"(?:E +)?(?:[\w.]+\.)?(?:ProxyError[:(]|Tunnel connection failed: |Cannot connect to proxy)"
        r"|WARNING: Retrying .{0,200}'ProxyError\(|.{0,300}: proxyconnect tcp: ",
        "the tests went through a proxy that is baked into the image",
        "unset http_proxy and https_proxy before the tests, then retry from evaluation",
        kind=_INFRA,
        repair="unset-variable",
    ),
    _tests.row(
        "tests-network",
        r"npm (?:error|ERR!) (?:network |FetchError: |code E(?:CONNREFUSED|NOTFOUND|AI_AGAIN|TIMEDOUT))"
        r"|error: (?:failed to get `|no matching package named `)|ERROR: No matching distribution found for "
        r"|\[ERROR\] (?:Plugin|Failed to execute goal) .*(?:could not be resolved|Could not resolve dependencies)",
        "the test command fetches packages that the image lacks, and cannot reach where they are",
        "rebuild the image with what the tests need, unless the patch added it, then retry from evaluation",
        kind=_TASK,
    ),
    _tests.row(
        "tests-time-limit",
        r"(?:timeout: sending signal (?:TERM|KILL)|[Tt]ests? (?:timed out|timeout) after \d+|\+{5,} Timeout \+{5,}$)",
        "the tests did not end in time",
        "look whether the model's patch hangs; else raise timeouts.evaluation, then retry from evaluation",
    ),
    _tests.row(
        "tests-crash",
        r"(?:\S+: )?(?:line \d+: +\d+ )?(?:Segmentation fault|Aborted)\b.*$"
        r"|(?:\S{1,200} [.FEsxX]{0,200})?Fatal Python error: |INTERNALERROR> ",
        "the test runner itself crashed",
        _GOLD,
    ),
    _tests.row(
        "tests-syntax",
        r"E {2,}(?:SyntaxError|IndentationError|TabError): |(?:SyntaxError|IndentationError|TabError): ",
        "the code could not be parsed: the patch broke a file",
        "a valid result of the model",
    ),
    _tests.row(
        "tests-conftest",
        r"ImportError while loading conftest '",
        "conftest could not be imported: the patch broke imports, or a dependency is missing",
        _GOLD,
    ),
    _tests.row(
        "tests-module",
        r"(?:E {2,})?(?:\w+\.)?(?:ModuleNotFoundError|ImportError): |(?:Error: )?Cannot find module '"
        r"|.{0,200}: (?:cannot find module providing|no required module provides) package ",
        "a module could not be imported: the patch broke imports, or a dependency is missing",
        _GOLD,
    ),
    _tests.row(
        "tests-build",
        r"\[INFO\] BUILD FAILURE|\[ERROR\] COMPILATION ERROR|error: could not compile `|FAIL\t\S+ \[build failed\]"
        r"|\S+\.tsx?(?:\(|:)\d+.{0,20}error TS\d+|FAILURE: Build failed with an exception"
        r"|g?make(?:\[\d+\])?: \*\*\* .*Error \d+"
        r"|\S+\.(?:c|cc|cpp|h|hpp):\d+:\d+: (?:fatal )?error: ",
        "the code could not be built: the patch broke it, or the image lacks something",
        _GOLD,
    ),
    _tests.row(
        "tests-collection",
        r"={5,} ERRORS ={5,}$|ERROR collecting |!{5,} (?:Interrupted|stopping)|_{5,} ERROR collecting ",
        "the runner could not collect the tests",
        _GOLD,
    ),
    _tests.row(
        "tests-none",
        r"={3,} no tests ran in |collected 0 items$|No tests found, exiting"
        r"|Ran 0 tests in |No tests were found!!!|collected \d+ items? / .*\b0 selected$"
        r"|testing: warning: no tests to run$|(?:ok|\?) .*\[no test(?:s to run| files)\]$",
        "the runner found no test",
        "mend test_command or test_patches in the dataset, then retry from evaluation",
        kind=_TASK,
    ),
)
