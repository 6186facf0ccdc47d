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

"""Merged list of the volumes or snapshots of a project in all its clouds."""

from collections.abc import Callable
from collections.abc import Collection
import dataclasses
import operator
from typing import Any
from urllib import parse

from cinder.api import common
from oslo_utils import strutils
import webob
import webob.exc

from mixmatch import api
from mixmatch import federation
from mixmatch import holdings
from mixmatch.listing import cursor
from mixmatch.listing import listings
from mixmatch.listing import merge
from mixmatch.listing import partial
from mixmatch import selection as selections
from mixmatch_cinder.home import database
from mixmatch_cinder.home import order
from mixmatch_cinder.home import pages
from mixmatch_cinder.home import remote
from mixmatch_cinder.home import routes
from mixmatch_cinder.home import show
from mixmatch_cinder.home import user_request

#: The first microversion with with_count.
NEEDS_COUNT = '3.45'

#: Filters by fields of home's own, for administrators only.
_HOME_FILTERS = frozenset({'project_id', 'user_id', 'host', 'cluster_name',
                           'migration_status', 'group_id'})


@dataclasses.dataclass(frozen=True)
class Query:
    """Parameters of a list request.

    As in Cinder, the first value of a parameter of a page is the one that
    counts, and each further one is taken for a filter.

    :param filters: the other parameters, in order
    """

    request: user_request.UserRequest
    selection: selections.Selection
    order: order.Order
    marker: str | None
    limit: int
    offset: int
    filters: tuple[tuple[str, str], ...]

    @classmethod
    def from_request(cls, request: user_request.UserRequest,
                     selection: selections.Selection) -> 'Query':
        """Return the parameters of a request.

        :raises webob.exc.HTTPException: Cinder would refuse the request
        """
        http = request.http
        rest = http.GET.copy()
        marker, limit, offset = common.get_pagination_params(rest)
        # NOTE: databases find an id in capitals as well.
        return cls(request, selection, order.Order.from_request(http),
                   marker and marker.lower(), limit, offset,
                   tuple(rest.items()))

    @property
    def route(self) -> routes.Route:
        return self.request.route

    @property
    def owner(self) -> holdings.Owner:
        """Owner of the rows."""
        return self.request.owner(self.route.collection)

    @property
    def is_unfiltered(self) -> bool:
        """Return True if the list has all resources of the project."""
        return not partial.is_filtered(name for name, _ in self.filters)

    @property
    def is_by_name(self) -> bool:
        """Return True if it looks for what has a name, and for no more."""
        return {name for name, _ in self.filters
                if partial.is_filtered([name]) or name == 'with_count'
                } == {'name'}

    @property
    def listing(self) -> Any:
        """Key that all pages of the same list have in common."""
        return (self.request.project_id, self.route.collection,
                self.selection.only, tuple(sorted(
                    (each for each in self.filters if each[0] != 'with_count'),
                    key=operator.itemgetter(0))))

    @property
    def needs(self) -> str:
        counts = any(name == 'with_count' for name, _ in self.filters)
        return NEEDS_COUNT if counts else '3.0'

    def parameters(self, marker: str | None, limit: int,
                   without: str = '') -> str:
        """Return the query for a page of one cloud.

        :param without: name of a parameter to leave out
        """
        page = [('limit', str(limit))] + (
            [('marker', marker)] if marker else [])
        return parse.urlencode(page + [each for each in self.filters
                                       if each[0] != without])


def is_home_only(request: user_request.UserRequest) -> bool:
    """Return True if a list has a filter that only home can apply."""
    query = request.http.GET
    if request.context.is_admin and strutils.bool_from_string(
            query.get('all_tenants')):
        return True
    return not _HOME_FILTERS.isdisjoint(query)


class Listings(listings.Listings[Query]):
    """Merges the lists of home and of service providers.

    :param application: home's Cinder
    """

    marker_unknown = frozenset({404})

    def __init__(self, application: Callable,
                 clouds: federation.Federation) -> None:
        super().__init__(clouds)
        self._application = application
        self._remote = remote.Client(clouds)

    def answer(self, request: user_request.UserRequest,
               selection: selections.Selection, position: str | None
               ) -> webob.Response:
        """Return a page of the list.

        :param position: from the query of the link to this page
        :raises MixmatchException: see :meth:`page`
        """
        try:
            query = Query.from_request(request, selection)
        except webob.exc.HTTPException:
            return request.http.get_response(self._application)
        if not query.limit:
            return self.first_of_home(query)
        return self.page(query, position)

    def largest_page(self) -> int:
        """Return the largest number of rows that a cloud is asked for."""
        return common.CONF.osapi_max_limit

    def home(self, query: Query) -> webob.Response:
        """Return home's response to the request as it is."""
        return query.request.http.get_response(self._application)

    def first_of_home(self, query: Query) -> webob.Response:
        """Return home's response to the request without its marker."""
        return query.request.with_query({'marker': None}).get_response(
            self._application)

    def page_of_home(self, query: Query, marker: str | None, size: int
                     ) -> webob.Response:
        """Return home's response to a request for a page of its rows."""
        request = query.request.http.copy()
        request.query_string = query.parameters(marker, size)
        if query.route.kind.brief and not query.route.item:
            request.path_info = request.path_info.rstrip('/') + '/detail'
        return request.get_response(self._application)

    def read(self, query: Query, response: webob.Response, size: int
             ) -> merge.Page:
        """Return the page in a response of home."""
        return pages.read(query.route.kind, response.json, size)

    def ids_of_home(self, query: Query, ids: Collection[str]) -> set[str]:
        """Return those of some ids that home has, or had."""
        return database.ever_had(query.request.context, query.route.kind, ids)

    def page_of_provider(self, query: Query, name: str, marker: str | None,
                         size: int) -> merge.Page | None:
        """Return a page of the rows of a service provider."""
        kind = query.route.kind
        below = '/detail' if kind.brief else query.route.item and '/detail'
        reply = self._remote.send(
            name, query.request, 'GET', f'/{kind.collection}{below}?'
            + query.parameters(marker, size, without='all_tenants'),
            needs=query.needs)
        if reply.status == 404 and marker:
            return merge.Page(marker_deleted=True)
        remote.check_list(name, reply, any(
            each != 'all_tenants' for each, _ in query.filters))
        try:
            page = pages.read(kind, reply.body, size)
            pages.check(page)
        except (TypeError, ValueError, LookupError) as exc:
            raise remote.unusable(
                name, 'its Cinder answered with an invalid list of '
                f'{kind.collection}') from exc
        if query.is_unfiltered and not marker and not page.rows:
            return None
        return page

    def response(self, query: Query, response: webob.Response,
                 rows: listings.Rows, end: cursor.Cursor | None,
                 count: int | None) -> webob.Response:
        """Return the response with a merged page."""
        kind = query.route.kind
        brief = kind.brief if not query.route.item else ()
        body: dict[str, Any] = {kind.collection: [
            show.row(query.request, name, row, brief)
            for name, row in rows]}
        if rows and end and query.limit <= (count or len(rows)):
            body[kind.collection + '_links'] = [
                {'rel': 'next', 'href': _next(query, end)}]
        if count is not None:
            body['count'] = count
        response.json = body
        return response


def keep_choice(response: webob.Response, collection: str, choice: str
                ) -> webob.Response:
    """Keep a choice of clouds in the link to the next page of a list.

    Home's Cinder does not know it, and a client that follows its link would
    get another list.
    """
    query = parse.urlencode({api.ATTRIBUTE: choice})
    key = f'{collection}_links'
    if response.status_int == 200 and key.encode() in response.body:
        body = response.json
        # NOTE: it may as well be the name of a volume.
        for link in body.get(key, ()):
            if query not in link['href']:
                link['href'] += f'&{query}'
        response.json = body
    return response


def _next(query: Query, end: cursor.Cursor) -> str:
    request = query.request.with_query({
        'offset': None, api.ATTRIBUTE: query.selection.choice or None,
        api.POSITION: end.encode()})
    collection = query.route.collection + (
        f'/{query.route.item}' if query.route.item else '')
    return common.ViewBuilder()._get_next_link(request, end.last.id,
                                               collection)
