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

"""Merged list of the volumes or snapshots of a project in all its clouds.

Each cloud is asked for a page after a marker of its own (see
:mod:`mixmatch_cinder.home.cursor`): by one request to each service provider,
and a second one only if the row of its marker has been deleted. If the
position of the client's marker is not known any more, the list is merged again
from its beginning up to that row.
"""

from collections.abc import Callable
import dataclasses
import functools
import re
import time
from typing import Any
from urllib import parse

from cinder.api import common
from oslo_utils import strutils
import webob
import webob.exc

from mixmatch import api
from mixmatch import federation
from mixmatch_cinder.home import cursor
from mixmatch_cinder.home import database
from mixmatch_cinder.home import merge
from mixmatch_cinder.home import order
from mixmatch_cinder.home import partial
from mixmatch_cinder.home import remote
from mixmatch_cinder.home import routes
from mixmatch_cinder.home import selection as selections
from mixmatch_cinder.home import show
from mixmatch_cinder.home import user_request

#: The first microversion with with_count.
NEEDS_COUNT = '3.45'

#: Query parameters that select a page; the rest filters and sorts the list.
_PAGING = ('marker', 'limit', 'offset')
#: Query parameters that do not filter the list.
_NO_FILTERS = ('sort', 'sort_key', 'sort_dir', 'with_count', 'all_tenants')
#: Filters by fields of home's own, for administrators only.
_HOME_FILTERS = frozenset({'project_id', 'user_id', 'host', 'cluster_name',
                           'migration_status', 'group_id'})
_TIME = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?')


class HomeResponse(Exception):
    """Home's Cinder gave a response to return as it is."""

    def __init__(self, response: webob.Response) -> None:
        super().__init__()
        self.response = response


@dataclasses.dataclass(frozen=True)
class Query:
    """Parameters of a list request."""

    request: user_request.UserRequest
    selection: selections.Selection
    order: order.Order
    marker: str | None
    limit: int
    offset: int
    filters: dict[str, str]

    @classmethod
    def from_request(cls, request: user_request.UserRequest,
                     selection: selections.Selection) -> 'Query':
        """Return the parameters of a request.

        :raises webob.exc.HTTPException: Cinder would refuse the request
        """
        http = request.http
        marker, limit, offset = common.get_pagination_params(http.GET.copy())
        return cls(request, selection, order.Order.from_request(http), marker,
                   limit, offset, {name: value for name, value
                                   in http.GET.items() if name not in _PAGING})

    @property
    def route(self) -> routes.Route:
        return self.request.route

    @property
    def is_unfiltered(self) -> bool:
        """Return True if the list has all resources of the project."""
        return set(self.filters) <= set(_NO_FILTERS)

    @property
    def listing(self) -> Any:
        """Key that all pages of the same list have in common."""
        return (self.request.project_id, self.route.collection,
                self.selection.only, tuple(sorted(
                    each for each in self.filters.items()
                    if each[0] != 'with_count')))

    @property
    def needs(self) -> str:
        return NEEDS_COUNT if 'with_count' in self.filters else '3.0'


def is_home_only(request: user_request.UserRequest) -> bool:
    """Return True if a list has a filter that only home can apply."""
    query = request.http.GET
    if request.context.is_admin and strutils.bool_from_string(
            query.get('all_tenants')):
        return True
    return not _HOME_FILTERS.isdisjoint(query)


class Listings:
    """Merges the lists of home and of service providers.

    :param application: home's Cinder
    :param clouds: the service providers of this process
    """

    def __init__(self, application: Callable,
                 clouds: federation.Federation) -> None:
        self._application = application
        self._clouds = clouds
        self._remote = remote.Client(clouds)
        self._memory = cursor.Memory()

    def answer(self, request: user_request.UserRequest,
               selection: selections.Selection, position: str | None
               ) -> webob.Response:
        """Return a page of the list.

        :param position: from the query of the link to this page
        :raises ServiceProviderUnavailable: the row of the marker may be
            there; or home is left out
        :raises cursor.InvalidPosition: the position is not one of ours
        """
        try:
            query = Query.from_request(request, selection)
        except webob.exc.HTTPException:
            return request.http.get_response(self._application)
        if not query.limit:
            return request.with_query({'marker': None}).get_response(
                self._application)
        place = self._place(query, position)
        page = _Page(self._application, self._clouds, self._remote, query,
                     place)
        try:
            return page.answer(self._memory)
        except HomeResponse as exc:
            return exc.response

    def _place(self, query: Query, position: str | None
               ) -> cursor.Cursor | None:
        if not query.marker:
            return None
        if position:
            place = cursor.Cursor.decode(position, query.order.width)
            if place.last.id == query.marker:
                return place
        return self._memory.get(query.listing, query.marker)


class _Page:
    """Creation of one page."""

    def __init__(self, application: Callable, clouds: federation.Federation,
                 client: remote.Client, query: Query,
                 place: cursor.Cursor | None) -> None:
        self._application = application
        self._clouds = clouds
        self._remote = client
        self._query = query
        self._place = place
        self._replay = query.marker is not None and place is None
        self._ends = time.monotonic() + clouds.options.ask_timeout
        self._missing = partial.MissingParts(
            query.route.collection, bool(query.selection.only))
        self._home_response: webob.Response | None = None
        floor = place.last.values if place and query.order.exact else None
        passed = place.passed if place else {}
        self._streams = [
            merge.Stream(name, query.order, passed.get(name), floor)
            for name in [
                *([] if query.selection.only else [cursor.HOME]),
                *query.selection.names]]

    def answer(self, memory: cursor.Memory) -> webob.Response:
        """Return the response.

        :param memory: remembers the end of the page
        """
        query = self._query
        self._fill([each for each in self._streams if each.cloud])
        if query.selection.only:
            # NOTE: home validates the request, and provides the headers.
            self._home_page(None, 0)
        elif not self._place and not any(
                each.has_rows for each in self._streams):
            return self._home_list()
        merged = merge.Merge(self._streams, self._fill)
        if self._replay and not merged.skip_to(query.marker or ''):
            self._missing.check()
            return self._send_home()
        merged.take(query.offset)
        rows = merged.take(query.limit)
        end = merged.cursor
        if rows and end:
            memory.remember(query.listing, end)
        return self._response(rows, end)

    def _home_list(self) -> webob.Response:
        """Return home's list if no service provider has any resources."""
        response = self._send_home()
        if response.status_int == 404 and self._query.marker:
            self._missing.check()
        return self._missing.mark(response)

    def _send_home(self) -> webob.Response:
        return self._query.request.http.get_response(self._application)

    def _fill(self, empty: list[merge.Stream]) -> None:
        foreign = [each for each in empty if each.cloud]
        if foreign:
            self._fill_from_providers(foreign)
        for stream in empty:
            if not stream.cloud:
                stream.add(self._home_page(stream.marker, self._size(stream)))

    def _size(self, stream: merge.Stream) -> int:
        """Return the number of rows to request from a cloud."""
        most = common.CONF.osapi_max_limit
        if self._replay or stream.marker_deleted:
            return most
        return min(most, self._query.limit + self._query.offset)

    def _home_page(self, marker: str | None, limit: int) -> merge.Page:
        query = self._query
        request = query.request.with_query({
            'limit': str(limit), 'marker': marker, 'offset': None})
        if query.route.kind.brief and not query.route.item:
            request.path_info = request.path_info.rstrip('/') + '/detail'
        response = request.get_response(self._application)
        if response.status_int == 404 and marker:
            return merge.Page(marker_deleted=True)
        if response.status_int != 200:
            raise HomeResponse(response)
        self._home_response = self._home_response or response
        return _page(query.route.kind, response.json, limit)

    def _fill_from_providers(self, streams: list[merge.Stream]) -> None:
        by_name = {each.cloud: each for each in streams}
        call = functools.partial(self._provider_page, by_name)
        # NOTE: all requests for this page share one deadline.
        left = max(0.01, self._ends - time.monotonic())
        answers = self._clouds.ask_for_listing(
            self._query.route.collection, self._query.request.project_id,
            by_name, call, left)
        pages = partial.split(answers, self._missing)
        for name, stream in by_name.items():
            page = pages.get(name)
            if page:
                stream.add(page, self._ids_of_home(page))
            else:
                stream.end()

    def _ids_of_home(self, page: merge.Page) -> set[str]:
        """Return the ids in a page of a service provider that are home's."""
        query = self._query
        ids = [row['id'] for row in page.rows]
        return database.ever_had(query.request.context, query.route.kind,
                                 ids)

    def _provider_page(self, by_name: dict[str, merge.Stream], name: str
                       ) -> merge.Page | None:
        """Return a page of a service provider.

        :returns: None if the project has no resources there
        """
        query = self._query
        marker, size = by_name[name].marker, self._size(by_name[name])
        parameters = {key: value for key, value in query.filters.items()
                      if key != 'all_tenants'}
        parameters['limit'] = str(size)
        if marker:
            parameters['marker'] = marker
        kind = query.route.kind
        below = '/detail' if kind.brief else query.route.item and '/detail'
        reply = self._remote.send(
            name, query.request, 'GET', f'/{kind.collection}{below}?'
            + parse.urlencode(parameters), needs=query.needs)
        if reply.status == 404 and marker:
            return merge.Page(marker_deleted=True)
        if reply.status != 200:
            raise remote.unusable(
                name, f'its Cinder answered HTTP {reply.status}')
        try:
            page = _page(kind, reply.body, size)
            _check(page)
        except (TypeError, ValueError, LookupError) as exc:
            raise remote.unusable(
                name, 'its Cinder answered with an invalid list of '
                f'{kind.collection}') from exc
        if query.is_unfiltered and not marker and not page.rows:
            return None
        return page

    def _response(self, rows: list[tuple[str, dict[str, Any]]],
                  end: cursor.Cursor | None) -> webob.Response:
        query = self._query
        kind = query.route.kind
        brief = kind.brief if not query.route.item else ()
        body: dict[str, Any] = {kind.collection: [
            show.row(query.request, name, row, brief)
            for name, row in rows]}
        count = None
        if any(each.count is not None for each in self._streams):
            count = sum(each.count or 0 for each in self._streams)
        if rows and end and query.limit <= (count or len(rows)):
            body[kind.collection + '_links'] = [
                {'rel': 'next', 'href': self._next(end)}]
        if count is not None:
            body['count'] = count
        response = self._home_response
        assert response is not None
        response.json = body
        return self._missing.mark(response)

    def _next(self, end: cursor.Cursor) -> str:
        query = self._query
        request = query.request.with_query({
            'offset': None, api.ATTRIBUTE: query.selection.only or None,
            api.POSITION: end.encode()})
        collection = query.route.collection + (
            f'/{query.route.item}' if query.route.item else '')
        return common.ViewBuilder()._get_next_link(request, end.last.id,
                                                   collection)


def _page(kind: routes.Kind, body: dict[str, Any], size: int) -> merge.Page:
    rows = body[kind.collection]
    return merge.Page(rows[:size] if size else [],
                      bool(body.get(f'{kind.collection}_links')
                           or len(rows) > size),
                      body.get('count'))


def _check(page: merge.Page) -> None:
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
