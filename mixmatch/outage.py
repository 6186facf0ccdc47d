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


"""Detection of an outage: calls of all projects fail."""

import time

import cachetools

#: Seconds without any answer, since a second project began to fail.
LASTS = 10
#: Seconds after which the failures of a project count no longer.
FORGOTTEN = 60
#: How many calls, of how many projects; more than so many of one say no more.
CALLS, PROJECTS, OF_ONE = 4, 2, 2


class Outage:
    """Record of calls that failed since the last one that was answered.

    One user's stream of failures, or one project's, is never an outage,
    however long: to the others nothing has happened.
    """

    def __init__(self) -> None:
        self._calls: cachetools.TTLCache = cachetools.TTLCache(
            1000, FORGOTTEN)
        self._since = 0.0

    def __bool__(self) -> bool:
        return bool(self._calls)

    def __str__(self) -> str:
        return (f'as are all calls of {len(self._calls)} projects since '
                f'{time.monotonic() - self._since:.0f} s')

    def failed(self, project: str | None) -> None:
        """Note a call that was not answered.

        :param project: None if unknown
        """
        self._calls[project] = min(self._calls.get(project, 0) + 1, OF_ONE)
        if len(self._calls) < PROJECTS:
            self._since = time.monotonic()

    def lasts(self, again: bool = False) -> bool:
        """Return whether there is one.

        :param again: there was one a moment ago, so time proves nothing more
        """
        return (len(self._calls) >= PROJECTS
                and sum(self._calls.values()) >= CALLS
                and (again or time.monotonic() - self._since >= LASTS))

    def ended(self) -> None:
        """Note that a call was answered."""
        self._calls.clear()
