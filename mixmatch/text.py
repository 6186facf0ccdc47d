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
"""Checks and escapes for text of other clouds."""

import re
from typing import Any

#: Characters that are kept of a text, where nothing else is said.
LONGEST = 500

_ID = re.compile(r'[A-Za-z0-9_-]{1,64}')
#: What Apache takes in a header.
_TOKEN = re.compile(r'[!-~]{1,8000}')


def clean(said: str, most: int = LONGEST) -> str:
    """Shorten a text, and escape what is not printed.

    Line breaks forge logs, and terminals obey control characters.
    """
    shortened = said if len(said) <= most else said[:most] + '...'
    return shortened if shortened.isprintable() else repr(shortened)[1:-1]


def quoted(said: Any, most: int = 80) -> str:
    """Quote and shorten a value."""
    # NOTE: not repr() of the whole, which may be large.
    if isinstance(said, (dict, list)):
        return f'a {type(said).__name__}'
    shortened = said[:most] if isinstance(said, str) else str(said)[:most]
    return repr(shortened)


def identifier(said: Any) -> str:
    """Check the id of a project or a user in a Keystone.

    :raises ValueError: it is not a valid id
    """
    if not isinstance(said, str) or not _ID.fullmatch(said):
        raise ValueError('no id')
    return said


def token(said: Any) -> str:
    """Check a token, which is sent as a header.

    :raises ValueError: it is not a valid header, or too long
    """
    if not isinstance(said, str) or not _TOKEN.fullmatch(said):
        raise ValueError('no token')
    return said
