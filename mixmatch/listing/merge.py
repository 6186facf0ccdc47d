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

"""Merge of several sorted lists."""

import collections
from collections.abc import Callable
from collections.abc import Collection
import dataclasses
from typing import Any

from mixmatch.listing import cursor
from mixmatch.listing import order

RowBody = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Page:
    """A page of the list of one cloud.

    :param rows: in the order of that cloud
    :param more: whether rows may follow
    :param count: total number of rows, if requested
    :param marker_deleted: whether the cloud does not know the marker
    :param dropped: ids of rows that are not shown
    """

    rows: list[RowBody] = dataclasses.field(default_factory=list)
    more: bool = False
    count: int | None = None
    marker_deleted: bool = False
    dropped: frozenset[str] = frozenset()


class Stream:
    """The rows of one cloud after a position.

    :param cloud: its name
    :param sort: the order of the merged list
    :param passed: the last row of the cloud before that position
    :param floor: values of a row; rows up to it are skipped, since the client
        is past them
    """

    def __init__(self, cloud: str, sort: order.Order,
                 passed: cursor.Row | None = None,
                 floor: list[Any] | None = None) -> None:
        self.cloud = cloud
        self.passed = passed
        self.count: int | None = None
        self.ended = False
        #: Whether the row of a marker has been deleted.
        self.marker_deleted = False
        self.marker = passed.id if passed else None
        self._order = sort
        self._floor = sort.key(floor) if floor else None
        self._received = passed
        self._rows: collections.deque[RowBody] = collections.deque()

    @property
    def needs_rows(self) -> bool:
        return not self._rows and not self.ended

    @property
    def has_rows(self) -> bool:
        return bool(self._rows)

    @property
    def first_key(self) -> Any:
        return self._order.key(self._order.values(self._rows[0]))

    def add(self, page: Page, without: Collection[str] = ()) -> None:
        """Add the rows after the marker.

        :param without: ids of rows to skip
        """
        if self.count is None:
            self.count = page.count
        if page.marker_deleted:
            return self._restart()
        if page.rows:
            last = page.rows[-1]
            self._received = cursor.Row(last['id'], self._order.values(last))
            self.marker = last['id']
        self._rows.extend(
            row for row in page.rows if row['id'] not in without
            and row['id'] not in page.dropped and self._is_wanted(row))
        self.ended = not page.more or not page.rows
        return None

    def _is_wanted(self, row: RowBody) -> bool:
        return (self._floor is None
                or self._floor < self._order.key(self._order.values(row)))

    def _restart(self) -> None:
        """Start over after a deleted marker, and skip the received rows."""
        self.marker_deleted = True
        self.marker = None
        if self._received:
            received = self._order.key(self._received.values)
            self._floor = max(self._floor or received, received)

    def end(self) -> None:
        """Drop all rows, and expect no more."""
        self._rows.clear()
        self.ended = True

    def pop(self) -> RowBody:
        row = self._rows.popleft()
        self.passed = cursor.Row(row['id'], self._order.values(row))
        return row


class Merge:
    """Merges the rows of several streams.

    Each stream keeps the order of its cloud, whatever the collation of its
    database, so that no row is lost or returned twice.

    :param streams: of equal rows the one of the first stream comes first
    :param fill: called with the streams that need rows; afterwards each of
        them has rows or has ended
    """

    def __init__(self, streams: list[Stream],
                 fill: Callable[[list[Stream]], None]) -> None:
        self._streams = streams
        self._fill = fill
        self.last: cursor.Row | None = None

    def take(self, wanted: int) -> list[tuple[str, RowBody]]:
        """Return the next rows, each with the name of its cloud."""
        rows: list[tuple[str, RowBody]] = []
        while len(rows) < wanted:
            empty = [each for each in self._streams if each.needs_rows]
            if empty:
                self._fill(empty)
                continue
            full = [each for each in self._streams if each.has_rows]
            if not full:
                break
            first = min(full, key=lambda each: each.first_key)
            rows.append((first.cloud, first.pop()))
            self.last = first.passed
        return rows

    def skip_to(self, marker: str) -> bool:
        """Take rows up to the marker; return False if it was not found."""
        while row := self.take(1):
            if row[0][1]['id'] == marker:
                return True
        return False

    @property
    def cursor(self) -> cursor.Cursor | None:
        """Current position; None at the beginning."""
        if self.last is None:
            return None
        return cursor.Cursor(self.last, {
            each.cloud: each.passed for each in self._streams if each.passed})
