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

"""Several sorted lists become one."""

import collections
from collections.abc import Callable
from collections.abc import Collection
import dataclasses
from typing import Any

from mixmatch_cinder.home import cursor
from mixmatch_cinder.home import order

RowBody = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Page:
    """A part of the list of one cloud.

    :param rows: in the order of that cloud
    :param more: whether rows may follow
    :param count: how many there are in all, if that was asked for
    :param lost: whether the cloud does not know the marker (any more)
    """

    rows: list[RowBody] = dataclasses.field(default_factory=list)
    more: bool = False
    count: int | None = None
    lost: bool = False


class Stream:
    """The rows of one cloud, from a place on.

    :param cloud: its name
    :param sort: the order of the merged list
    :param passed: the last row of the cloud before that place
    :param floor: the values of a row; rows up to it are not wanted, since
        the client is past them
    """

    def __init__(self, cloud: str, sort: order.Order,
                 passed: cursor.Row | None = None,
                 floor: list[Any] | None = None) -> None:
        self.cloud = cloud
        self.passed = passed
        self.count: int | None = None
        self.ended = False
        #: Whether the cloud did not know a marker any more.
        self.lost = False
        self.marker = passed.id if passed else None
        self._order = sort
        self._floor = sort.key(floor) if floor else None
        self._received = passed
        self._rows: collections.deque[RowBody] = collections.deque()

    @property
    def hungry(self) -> bool:
        return not self._rows and not self.ended

    @property
    def has_rows(self) -> bool:
        return bool(self._rows)

    @property
    def first_key(self) -> Any:
        return self._order.key(self._order.values(self._rows[0]))

    def add(self, page: Page, without: Collection[str] = ()) -> None:
        """Take in the rows after the marker.

        :param without: ids of rows that are not the cloud's
        """
        if self.count is None:
            self.count = page.count
        if page.lost:
            return self._restart()
        if page.rows:
            last = page.rows[-1]
            self._received = cursor.Row(last['id'], self._order.values(last))
            self.marker = last['id']
        self._rows.extend(row for row in page.rows if row['id'] not in without
                          and self._is_wanted(row))
        self.ended = not page.more or not page.rows
        return None

    def _is_wanted(self, row: RowBody) -> bool:
        return (self._floor is None
                or self._floor < self._order.key(self._order.values(row)))

    def _restart(self) -> None:
        """The marker was deleted: begin anew, and drop what was passed."""
        self.lost = True
        self.marker = None
        if self._received:
            received = self._order.key(self._received.values)
            self._floor = max(self._floor or received, received)

    def end(self) -> None:
        """There is no more of it, for whatever reason."""
        self._rows.clear()
        self.ended = True

    def pop(self) -> RowBody:
        row = self._rows.popleft()
        self.passed = cursor.Row(row['id'], self._order.values(row))
        return row


class Merge:
    """Takes the rows of all streams, one after the other.

    Each stream keeps the order that its cloud gave it, whatever that cloud
    thinks of capitals and accents: so no row is lost or comes twice.

    :param streams: in the order that decides between equals
    :param fill: gets more rows for some streams that have none left, so that
        each has rows or has ended
    """

    def __init__(self, streams: list[Stream],
                 fill: Callable[[list[Stream]], None]) -> None:
        self._streams = streams
        self._fill = fill
        self.last: cursor.Row | None = None

    def take(self, wanted: int) -> list[tuple[str, RowBody]]:
        """The next rows, each with the cloud that it is from."""
        rows: list[tuple[str, RowBody]] = []
        while len(rows) < wanted:
            hungry = [each for each in self._streams if each.hungry]
            if hungry:
                self._fill(hungry)
                continue
            full = [each for each in self._streams if each.has_rows]
            if not full:
                break
            first = min(full, key=lambda each: each.first_key)
            rows.append((first.cloud, first.pop()))
            self.last = first.passed
        return rows

    def skip_to(self, marker: str) -> bool:
        """Take rows up to one; whether it was there."""
        while row := self.take(1):
            if row[0][1]['id'] == marker:
                return True
        return False

    @property
    def cursor(self) -> cursor.Cursor | None:
        """Where it is; None at the beginning."""
        if self.last is None:
            return None
        return cursor.Cursor(self.last, {
            each.cloud: each.passed for each in self._streams if each.passed})
