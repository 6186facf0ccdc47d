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

"""Stories that a client tells with a volume of home, and with one of bu.

What the client shows must be the same, but for what is named here.
"""

import abc
from collections.abc import Iterator
import re
from typing import Any

from tests.scenario import base

#: What is not compared. Attributes that say where a volume lives, and whose it
#: is there; home's have none.
MARKS = re.compile('os-mixmatch:.*|serviceProvider')
#: A cloud may have done something with it when it answers, or not yet.
TIMES = 'updated_at'

_ID = re.compile('[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}')
_TIME = re.compile(r'\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?')


def rows(table: str) -> list[list[str]]:
    """Return the cells of a table that a command has printed."""
    return [[cell.strip() for cell in line.strip('| ').split(' | ')]
            for line in table.splitlines() if line.startswith('|')]


class Story(base.ServerScenario, abc.ABC):
    """A story about a volume in an availability zone."""

    one_login = True

    @abc.abstractmethod
    def tell(self, zone: str) -> Iterator[tuple[str, Any]]:
        """Do something with a volume of a zone.

        :returns: each step, and what the client showed
        """

    def compare(self) -> None:
        """Tell the story with a volume of each cloud, and compare."""
        own = dict(self.tell('nova'))
        foreign = dict(self.tell(self.provider))
        self.assertNotEqual({}, own)
        for step, shown in own.items():
            self.assertEqual(self.alike(shown, 'nova'),
                             self.alike(foreign[step], self.provider), step)
        self.assertEqual(list(own), list(foreign))

    @staticmethod
    def differs(key: Any) -> bool:
        """Return whether the values of an attribute are not compared."""
        return key == TIMES or bool(MARKS.fullmatch(str(key)))

    def alike(self, shown: Any, zone: str) -> Any:
        """Return what a client showed, without ids, times and places."""
        if isinstance(shown, dict):
            return {key: self.alike(value, zone)
                    for key, value in shown.items()
                    if not self.differs(key)}
        if isinstance(shown, (list, tuple)):
            return [self.alike(each, zone) for each in shown
                    if not (isinstance(each, list) and each
                            and self.differs(each[0]))]
        if isinstance(shown, str):
            text = _TIME.sub('TIME', _ID.sub('ID', shown))
            return re.sub(rf'\b{zone}\b', 'ZONE', text)
        return shown
