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

"""Parameters of a request for the list of images, as Glance reads them."""

import dataclasses
import functools
from typing import Any
from urllib import parse

from glance.api.v2 import images
import webob

from mixmatch import holdings
from mixmatch.listing import order
from mixmatch import selection as selections
from mixmatch_glance import user_request

#: What is visible only to users of the cloud itself. Those of others see it
#: as shared.
OWN = frozenset({'public', 'community'})

Pairs = list[tuple[str, str]]


@functools.cache
def _deserializer() -> images.RequestDeserializer:
    return images.RequestDeserializer()


@dataclasses.dataclass(frozen=True)
class Query:
    """Parameters of a list request.

    :param pairs: the parameters but for those of a page, in order
    :param filters: those of them that are filters, as Glance reads them
    """

    request: user_request.ListRequest
    selection: selections.Selection
    order: order.Order
    marker: str | None
    limit: int
    pairs: tuple[tuple[str, str], ...]
    filters: dict[str, Any]
    member_status: str

    #: Glance has none.
    offset = 0

    @classmethod
    def from_request(cls, request: user_request.ListRequest,
                     selection: selections.Selection) -> 'Query':
        """Return the parameters of a request.

        :raises webob.exc.HTTPException: Glance would refuse the request
        """
        http = request.http
        found = _deserializer().index(http)
        limit = found.get('limit', images.CONF.limit_param_default)
        marker = found.get('marker')
        return cls(request, selection,
                   _order(found['sort_key'], found['sort_dir']),
                   # NOTE: databases find an id in capitals as well.
                   marker and marker.lower(),
                   min(images.CONF.api_limit_max, limit),
                   tuple(_rest(http)), dict(found['filters']),
                   found['member_status'])

    @property
    def visibility(self) -> str:
        """The one that is filtered by; empty if it is not."""
        return self.filters.get('visibility') or ''

    @property
    def owner(self) -> holdings.Owner:
        """Owner of the rows."""
        return self.request.owner('images')

    @property
    def is_unfiltered(self) -> bool:
        """Return whether the list has all images that are listed at all."""
        return not self.filters and self.member_status == 'accepted'

    @property
    def is_by_name(self) -> bool:
        """Return whether it looks for what has a name, and for no more."""
        return (set(self.filters) == {'name'}
                and not self.filters['name'].startswith('in:')
                and self.member_status == 'accepted')

    @property
    def listing(self) -> Any:
        """Key that all pages of the same list have in common."""
        return (self.request.project_id, self.selection.only,
                tuple(sorted(self.pairs)))

    def of_home(self, marker: str | None, size: int) -> str:
        """Return the query for a page of home."""
        return _encode(marker, size, self.pairs)

    def of_provider(self, marker: str | None, size: int, project_id: str
                    ) -> str:
        """Return the query for a page of a service provider.

        :param project_id: the project of the user there
        """
        return _encode(marker, size, tuple(
            (key, project_id if key == 'owner'
             and value == self.request.project_id else value)
            for key, value in self.pairs
            # NOTE: public images are no offers.
            if key != 'visibility' or self.visibility != 'shared'
            or self.member_status not in ('accepted', 'all')))

    def has_visibility(self, visibility: str) -> bool:
        """Return whether images that are shown with this are wanted."""
        return self.visibility in ('', 'all', visibility)


def _rest(http: webob.Request) -> Pairs:
    """Return the parameters without those of a page.

    The first value of a parameter of a page is the one that counts, and each
    further one is taken for a filter.
    """
    rest = http.GET.copy()
    for key in ('limit', 'marker'):
        rest.pop(key, None)
    return list(rest.items())


def _encode(marker: str | None, size: int, pairs: tuple[tuple[str, str], ...]
            ) -> str:
    return parse.urlencode([('limit', str(size)), *(
        [('marker', marker)] if marker else []), *pairs])


def _order(keys: list[str], directions: list[str]) -> order.Order:
    """Return the order of rows; Glance's database appends two keys."""
    descending = [each == 'desc' for each in directions]
    rest = True
    if len(descending) == 1:
        rest = descending[0]
        descending *= len(keys)
    more = [key for key in ('created_at', 'id') if key not in keys]
    # NOTE: no key is exact, as Glance shows whole seconds, and not all
    # databases sort by them.
    return order.Order([*keys, *more], descending + [rest] * len(more))
