"""An agent that does nothing but print, so many lines a second, ten times a second, until a file appears.

Each line tells when it was printed, in nanoseconds of the machine's steady clock.
Run: python chatty_agent.py LINES_PER_SECOND END_FILE [AS_FAST_AS_POSSIBLE]; the third argument is how many lines come
first without a pause.
"""

import os
import sys
import time
from pathlib import Path

BURSTS_PER_SECOND = 10
LIFE_SECONDS = 240  # for the case that the benchmark was killed and nobody makes the file
LINE = "{clock} @{stamp:017}@ tests/test_requests.py::TestRequests::test_{number:07}[param-1] PASSED\n"


def main() -> None:
    rate, end_file = float(sys.argv[1]), Path(sys.argv[2])
    flood = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    for number in range(flood):
        sys.stdout.write(f"{number:07} tests/test_requests.py::TestRequests::test_it[param-1] PASSED\n")
    began, printed, step = time.monotonic(), 0, 0
    time.sleep(os.getpid() % 97 / 970)  # so that not all print at the same moment
    while not end_file.exists() and time.monotonic() - began < LIFE_SECONDS:
        clock = time.strftime("%H:%M:%S")
        due = int((time.monotonic() - began) * rate)
        stamp = time.monotonic_ns()
        lines = (LINE.format(clock=clock, stamp=stamp, number=number) for number in range(printed, due))
        sys.stdout.write("".join(lines))
        if due // max(1, int(rate)) > step:
            step += 1
            sys.stdout.write(f"{clock} step {step}/100000 edit src/requests/models.py\n")
        sys.stdout.flush()
        printed = due
        time.sleep(1 / BURSTS_PER_SECOND)


main()
