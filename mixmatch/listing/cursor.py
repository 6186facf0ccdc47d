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

"""Position of a client in the merged list of several clouds.

Each cloud knows only markers of its own, so a position in the merged list is
one marker for each cloud. It is part of the link to the next page. Clients
that do not follow the link send the id of the last row that they have seen:
the position is then remembered, or found again (see
:mod:`mixmatch.listing.listings`).
"""

import base64
import binascii
import dataclasses
import threading
from typing import Any

import cachetools
from oslo_serialization import jsonutils

from mixmatch import api
from mixmatch import exceptions

#: Stands for home among the names of clouds.
HOME = ''


class InvalidPosition(exceptions.MixmatchException):
    msg_fmt = ('Invalid %(parameter)s: use the value in the link to the next '
               'page.')
    code = 400


@dataclasses.dataclass(frozen=True)
class Row:
    """A row that has been returned.

    :param id: the marker
    :param values: the values that the list is sorted by
    """

    id: str
    values: list[Any]


@dataclasses.dataclass(frozen=True)
class Cursor:
    """A position in the merged list.

    :param last: the row before it
    :param passed: by cloud, the last row before it; not every cloud has one
    """

    last: Row
    passed: dict[str, Row]

    def encode(self) -> str:
        """Serialize as text that is safe in a URL."""
        return base64.urlsafe_b64encode(jsonutils.dump_as_bytes(
            [_pair(self.last), {name: _pair(row) for name, row
                                in self.passed.items()}])).decode()

    @classmethod
    def decode(cls, text: str, width: int) -> 'Cursor':
        """Deserialize.

        :param width: number of values that the list is sorted by
        :raises InvalidPosition: the text is not a serialized cursor
        """
        try:
            last, passed = jsonutils.loads(base64.urlsafe_b64decode(text))
            cursor = cls(Row(*last), {
                name: Row(*pair) for name, pair in passed.items()})
        except (ValueError, TypeError, AttributeError, binascii.Error,
                RecursionError) as exc:
            raise InvalidPosition(parameter=api.POSITION) from exc
        for row in (cursor.last, *cursor.passed.values()):
            if not _is_row(row, width):
                raise InvalidPosition(parameter=api.POSITION)
        return cursor


def _pair(row: Row) -> list[Any]:
    return [row.id, row.values]


def _is_row(row: Row, width: int) -> bool:
    return (isinstance(row.id, str) and isinstance(row.values, list)
            and len(row.values) == width
            and all(value is None or isinstance(value, (str, int))
                    for value in row.values))


class Memory:
    """Positions at the ends of pages that this process has returned.

    :param size: number of positions
    :param seconds: lifetime of a position
    """

    def __init__(self, size: int = 10_000, seconds: float = 3600) -> None:
        self._lock = threading.Lock()
        self._cursors: cachetools.TTLCache = cachetools.TTLCache(
            size, seconds)

    def remember(self, listing: Any, cursor: Cursor) -> None:
        """Remember the position at the end of a page.

        :param listing: key of the list: its project, collection and filters
        """
        with self._lock:
            self._cursors[listing, cursor.last.id] = cursor

    def get(self, listing: Any, marker: str) -> Cursor | None:
        with self._lock:
            return self._cursors.get((listing, marker))
