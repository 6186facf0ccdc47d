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

"""Pages of lists as Cinders send them."""

import re
from typing import Any

from mixmatch.listing import merge
from mixmatch_cinder.home import routes

_TIME = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?')


def read(kind: routes.Kind, body: dict[str, Any], size: int) -> merge.Page:
    """Return the page in the body of a list.

    :param size: the number of rows that were asked for
    """
    rows = body[kind.collection]
    return merge.Page(rows[:size] if size else [],
                      bool(body.get(f'{kind.collection}_links')
                           or len(rows) > size),
                      body.get('count'))


def check(page: merge.Page) -> None:
    """Check a page of another cloud, which is not trusted.

    :raises TypeError, ValueError, LookupError: the page is not valid
    """
    ids = [row['id'] for row in page.rows]
    if len(ids) != len(set(ids)):
        raise ValueError('duplicate id')
    for row in page.rows:
        if routes.canonical(row['id']) != row['id']:
            raise ValueError('invalid id')
        at = row.get('created_at')
        if at is not None and not _TIME.fullmatch(at):
            raise ValueError('invalid time')
    if page.count is not None and not isinstance(page.count, int):
        raise TypeError('invalid count')
