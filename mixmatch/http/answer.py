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
"""Answers of other clouds, and safe parsing of their JSON."""

import json
import math
import re
from typing import Any

import requests

from mixmatch.http import download
from mixmatch import text

#: How deep an answer may be nested. Cinder's and Keystone's have 7 levels.
DEEPEST = 32

#: Digits of a number. No API has one that does not fit into 64 bits.
_DIGITS = 20
_SURROGATE = re.compile(r'\\u[dD][89a-fA-F]')


class Answer(requests.Response):
    """HTTP response with a JSON body that is safe to work with.

    Its body is in ``pieces`` instead, not read yet, if that was asked for
    by ``stream=True`` and the request succeeded.
    """

    pieces: download.Download | None = None

    def json(self, **kwargs: Any) -> Any:
        """Parse the body.

        The client libraries call this and expect a ValueError for invalid
        JSON. Values that Python accepts beyond the standard (NaN), and values
        that break other code (deep nesting, long numbers, lone surrogates),
        are invalid. The last one of duplicate keys counts, as anywhere in
        Python: nothing else parses these bytes.

        :raises ValueError: the body is not valid JSON
        """
        try:
            data = parse(self.content)
        except (RecursionError, ValueError) as exc:
            # NOTE: not the text, which is another cloud's.
            raise requests.JSONDecodeError(
                f'no JSON ({type(exc).__name__})', '', 0) from None
        # NOTE: the texts of errors go to users, logs and databases.
        return _cleaned(data) if self.status_code >= 400 else data


def parse(body: bytes) -> Any:
    """Parse JSON of another cloud.

    :raises ValueError: it is invalid, or has values that are not allowed
    :raises RecursionError: it is nested too deep
    """
    said = body.decode()
    data = json.loads(said, parse_int=_integer, parse_float=_float,
                      parse_constant=_constant)
    _check_depth(data)
    if _SURROGATE.search(said):
        json.dumps(data, ensure_ascii=False).encode()
    return data


def _integer(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise ValueError('a number out of range')
    return int(digits)


def _float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError('a number out of range')
    return value


def _constant(name: str) -> Any:
    raise ValueError('not in JSON')


def _check_depth(data: Any) -> None:
    level = [data]
    for _ in range(DEEPEST):
        level = [child for each in level
                 for child in _children(each)
                 if isinstance(child, (dict, list))]
        if not level:
            return
    raise ValueError('nested too deep')


def _children(each: Any) -> Any:
    if isinstance(each, dict):
        return each.values()
    return each if isinstance(each, list) else ()


def _cleaned(data: Any) -> Any:
    if isinstance(data, str):
        return text.clean(data)
    if isinstance(data, dict):
        return {key: _cleaned(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_cleaned(each) for each in data]
    return data
