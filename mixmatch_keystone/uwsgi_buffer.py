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

"""Check of uWSGI's buffer for the headers and environment of a request.

A login carries the whole assertion there, including the groups of a user at
home. uWSGI answers 500 if it does not fit, and Keystone never sees it.
"""

import importlib
import re
from typing import Any

from oslo_log import log as logging

LOG = logging.getLogger(__name__)

#: Bytes: what uWSGI has by default, what is enough, and the most it can have.
DEFAULT, ENOUGH, MOST = 4096, 32768, 65535

_LINE = re.compile(r'(?m)^[ \t]*buffer-size[ \t]*=[ \t]*(\S+)')


def problem(size: int | None) -> str | None:
    """Return the problem of a size; None if there is none."""
    if (size or DEFAULT) >= ENOUGH:
        return None
    return (f'uWSGI accepts requests of at most {size or DEFAULT} bytes, and '
            'a login of a user with many groups is longer: set buffer-size '
            f'= {MOST}')


def from_file(text: str) -> int | None:
    """Find the size in a configuration of uWSGI (ini)."""
    found = _LINE.findall(text)
    return _number(found[-1]) if found else None


def warn() -> None:
    """Log the problem if uWSGI runs this process with a small buffer."""
    try:
        # NOTE: it exists in such processes only.
        options = importlib.import_module('uwsgi').opt
    except (ImportError, AttributeError):
        return
    found = problem(_number(options.get('buffer-size')))
    if found:
        LOG.warning('%s', found)


def _number(value: Any) -> int | None:
    if isinstance(value, (list, tuple)):
        value = value[-1] if value else None
    if isinstance(value, bytes):
        value = value.decode('latin-1')
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
