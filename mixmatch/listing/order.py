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

"""Sort order of a merged list."""

from collections.abc import Collection
from typing import Any
import unicodedata


class Order:
    """Sort keys and directions.

    :param keys: the names of fields
    :param descending: for each key, whether the largest value comes first
    :param exact: fields that all databases sort alike, and that rows show as
        they are sorted
    """

    def __init__(self, keys: list[str], descending: list[bool],
                 exact: Collection[str] = ()) -> None:
        self._keys = keys
        self._descending = descending
        self._exact = frozenset(exact)

    @property
    def width(self) -> int:
        """Number of sort keys."""
        return len(self._keys)

    @property
    def exact(self) -> bool:
        """Return True if all databases sort alike by these keys."""
        return self._exact.issuperset(self._keys)

    def values(self, row: dict[str, Any]) -> list[Any]:
        """Return the values of the sort keys in a row."""
        return [value if isinstance(value, (str, int)) else None
                for value in map(row.get, self._keys)]

    def key(self, values: list[Any]) -> tuple[Any, ...]:
        """Return a key that compares as the rows with these values."""
        return tuple(
            _Descending(_comparable(value)) if descending
            else _comparable(value)
            for value, descending in zip(values, self._descending))


class _Descending:
    """Reverses the order of a value."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __lt__(self, other: '_Descending') -> bool:
        return other._value < self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)


def _comparable(value: Any) -> tuple[int, Any]:
    """Return a comparable value; None first, as in MariaDB.

    The value may come from another cloud and be of any JSON type.
    """
    if value is None:
        return 0, 0
    if isinstance(value, int):
        return 1, value
    # NOTE: like most collations, ignore case, accents and trailing blanks.
    # This only decides which cloud's row comes first.
    plain = unicodedata.normalize('NFKD', value)
    return 2, ''.join(letter for letter in plain if not
                      unicodedata.combining(letter)).upper().rstrip(' ')
