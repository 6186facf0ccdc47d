# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""Outcome of the tests of an environment, read from its output."""

import collections
import dataclasses
import re

#: How stestr begins the line of a test that failed.
FAILED = re.compile(r'^\{\d+\} (.+?) \[.*\] \.\.\. FAILED$')
TOTAL = re.compile(
    r'^ - (Passed|Skipped|Expected Fail|Unexpected Success|Failed): (\d+)$'
)
#: How much is shown again at the end: of a traceback, and of an environment
#: that failed without one. In lines.
TRACEBACK = 20
TAIL = 40


class Failures:
    """Failures, repeated at the end when their lines have scrolled off."""

    def __init__(self):
        self._tests = []
        self._traceback = None
        self._tail: collections.deque[str] = collections.deque(maxlen=TAIL)

    def add(self, line):
        """One line that was printed."""
        self._tail.append(line)
        found = FAILED.match(line)
        if found:
            self._tests.append((found[1], collections.deque(maxlen=TRACEBACK)))
        if found or line.startswith(('{', '=====')):
            self._traceback = None
        elif line.startswith('Captured '):
            is_one = self._tests and line.startswith('Captured traceback')
            self._traceback = self._tests[-1][1] if is_one else None
        elif self._traceback is not None and line.strip('~ '):
            self._traceback.append(line)

    def lines(self):
        """Each test with its error, or the last that was printed."""
        if not self._tests:
            return list(self._tail)
        return [
            line
            for test, traceback in self._tests
            for line in (test, *traceback)
        ]

    def each(self):
        """Each test in one line, with the last line of its traceback."""
        return [
            f'{test}: {traceback[-1].strip()[:200]}' if traceback else test
            for test, traceback in self._tests
        ]


@dataclasses.dataclass
class Outcome:
    """Outcome of one environment.

    :param wants_tests: whether it is there to run some
    """

    env: str
    wants_tests: bool
    seconds: float = 0.0
    code: int = 0
    ran_tests: bool = False
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    note: str = ''
    failures: Failures = dataclasses.field(default_factory=Failures)

    def add(self, line):
        """One line that was printed."""
        self.failures.add(line)
        found = TOTAL.match(line.rstrip())
        if not found:
            return
        name, number = found[1], int(found[2])
        self.ran_tests = True
        if name in ('Passed', 'Expected Fail'):
            self.passed += number
        elif name == 'Skipped':
            self.skipped += number
        else:
            self.failed += number

    def close(self):
        """Add a failure if the environment failed without a failed test."""
        nothing = self.wants_tests and not self.passed + self.failed
        if nothing:
            self.note = self.note or 'no test ran'
        if not self.failed and (self.code or nothing):
            self.failed = 1

    @property
    def verdict(self):
        return 'FAILED' if self.failed else 'ok'

    def __str__(self):
        tests = ''
        if self.ran_tests:
            tests = f'{self.passed} passed, {self.failed} failed'
            tests += f', {self.skipped} skipped' if self.skipped else ''
        if self.note:
            tests = f'{tests} ({self.note})'.strip()
        return (
            f'{self.env:<18} {self.verdict:<8} {self.seconds:>6.0f} s  {tests}'
        )
