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

"""The volumes, or snapshots, of a project in all its clouds, page by page.

A page is asked from each cloud with a marker of its own (see
:mod:`mixmatch_cinder.home.cursor`): by one request to each service provider, and a
second one only if the row that was its marker has been deleted. Where a
client names a row of which it is not known any more what came before it, the
list is made again from its beginning, until that row has come by.
"""

from collections.abc import Callable
import dataclasses
import functools
import re
import time
from typing import Any
from urllib import parse

from cinder.api import common
from cinder import context as cinder_context
from oslo_utils import strutils
import webob
import webob.exc

from mixmatch import api
from mixmatch import federation
from mixmatch_cinder.home import cursor
from mixmatch_cinder.home import database as home
from mixmatch_cinder.home import merge
from mixmatch_cinder.home import partial as missing
from mixmatch_cinder.home import order
from mixmatch_cinder.home import remote as partner
from mixmatch_cinder.home import routes

#: Where with_count begins.
COUNT = '3.45'

#: What makes a page; the rest of a query says what is in the list.
_PAGING = ('marker', 'limit', 'offset')
#: What does not decide what is in the list.
_SORTING = ('sort', 'sort_key', 'sort_dir', 'with_count', 'all_tenants')
#: Filters by what only home has; all but all_tenants are administrators'.
_OF_HOME = frozenset({'project_id', 'user_id', 'host', 'cluster_name',
                      'migration_status', 'group_id'})
_TIME = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?')


class HomeSays(Exception):
    """Home's Cinder answered something that is the answer."""

    def __init__(self, response: webob.Response) -> None:
        super().__init__()
        self.response = response


@dataclasses.dataclass(frozen=True)
class Query:
    """What a request wants to be listed.

    :param choice: a service provider, where it wants only that one
    """

    request: webob.Request
    route: routes.Route
    who: partner.Who
    choice: str
    order: order.Order
    marker: str | None
    limit: int
    offset: int
    filters: dict[str, str]

    @classmethod
    def of(cls, request: webob.Request, route: routes.Route,
           who: partner.Who, choice: str) -> 'Query':
        """What a request wants.

        :raises webob.exc.HTTPException: Cinder would refuse it
        """
        marker, limit, offset = common.get_pagination_params(
            request.GET.copy())
        return cls(request, route, who, choice, order.Order.of(request),
                   marker, limit, offset,
                   {name: value for name, value in request.GET.items()
                    if name not in _PAGING})

    @property
    def whole(self) -> bool:
        """Whether it wants all that the project has."""
        return set(self.filters) <= set(_SORTING)

    @property
    def listing(self) -> Any:
        """What it has in common with other pages of the same list."""
        return (self.who.project_id, self.route.collection, self.choice,
                tuple(sorted(each for each in self.filters.items()
                             if each[0] != 'with_count')))

    @property
    def needs(self) -> str:
        return COUNT if 'with_count' in self.filters else '3.0'


def is_of_home(request: webob.Request,
               context: cinder_context.RequestContext) -> bool:
    """Whether a list is about what only home has."""
    if context.is_admin and strutils.bool_from_string(
            request.GET.get('all_tenants')):
        return True
    return not _OF_HOME.isdisjoint(request.GET)


class Listings:
    """Merges the lists of home and of service providers.

    :param application: home's Cinder
    :param clouds: the service providers of this process
    """

    def __init__(self, application: Callable,
                 clouds: federation.Federation) -> None:
        self._application = application
        self._clouds = clouds
        self._partner = partner.Partner(clouds)
        self._memory = cursor.Memory()

    def answer(self, request: webob.Request, route: routes.Route,
               who: partner.Who, names: list[str], only: bool,
               position: str | None) -> webob.Response:
        """A page of the list.

        :param names: the service providers to ask
        :param only: whether nothing of home is wanted
        :param position: what the link to this page had in its query
        :raises ServiceProviderUnavailable: what the page begins after could
            be there; or nothing else is wanted
        :raises cursor.InvalidPosition: the query has another than was given
        """
        try:
            query = Query.of(request, route, who,
                             names[0] if only else '')
        except webob.exc.HTTPException:
            return request.get_response(self._application)
        if not query.limit:
            return routes.with_query(request, {'marker': None}).get_response(
                self._application)
        place = self._place(query, position)
        page = _Page(self._application, self._clouds, self._partner, query,
                     names, only, place)
        try:
            return page.answer(self._memory)
        except HomeSays as exc:
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
    """The work on one page."""

    def __init__(self, application: Callable, clouds: federation.Federation,
                 partners: partner.Partner, query: Query, names: list[str],
                 only: bool, place: cursor.Cursor | None) -> None:
        self._application = application
        self._clouds = clouds
        self._partner = partners
        self._query = query
        self._only = only
        self._place = place
        self._replay = query.marker is not None and place is None
        self._ends = time.monotonic() + clouds.options.ask_timeout
        self._missing = missing.Missing(query.route.collection, only)
        self._of_home: webob.Response | None = None
        floor = place.last.values if place and query.order.exact else None
        passed = place.passed if place else {}
        self._streams = [
            merge.Stream(name, query.order, passed.get(name), floor)
            for name in [*([] if only else [cursor.HOME]), *names]]

    def answer(self, memory: cursor.Memory) -> webob.Response:
        """The response.

        :param memory: where the end of the page is noted
        """
        query = self._query
        self._fill([each for each in self._streams if each.cloud])
        if self._only:
            # NOTE: home judges the request, and gives the headers.
            self._ask_home(None, 0)
        elif not self._place and not any(
                each.has_rows for each in self._streams):
            return self._home_alone()
        merged = merge.Merge(self._streams, self._fill)
        if self._replay and not merged.skip_to(query.marker or ''):
            self._missing.check()
            return self._pass_on()
        merged.take(query.offset)
        rows = merged.take(query.limit)
        end = merged.cursor
        if rows and end:
            memory.note(query.listing, end)
        return self._response(rows, end)

    def _home_alone(self) -> webob.Response:
        """No service provider has anything: as if there were none."""
        response = self._pass_on()
        if response.status_int == 404 and self._query.marker:
            self._missing.check()
        return self._missing.told(response)

    def _pass_on(self) -> webob.Response:
        return self._query.request.get_response(self._application)

    def _fill(self, hungry: list[merge.Stream]) -> None:
        asked = [each for each in hungry if each.cloud]
        if asked:
            self._fill_from_partners(asked)
        for stream in hungry:
            if not stream.cloud:
                stream.add(self._ask_home(stream.marker, self._size(stream)))

    def _size(self, stream: merge.Stream) -> int:
        """How many rows are asked from a cloud."""
        most = common.CONF.osapi_max_limit
        if self._replay or stream.lost:
            return most
        return min(most, self._query.limit + self._query.offset)

    def _ask_home(self, marker: str | None, limit: int) -> merge.Page:
        query = self._query
        request = routes.with_query(query.request, {
            'limit': str(limit), 'marker': marker, 'offset': None})
        if query.route.kind.brief and not query.route.item:
            request.path_info = request.path_info.rstrip('/') + '/detail'
        response = request.get_response(self._application)
        if response.status_int == 404 and marker:
            return merge.Page(lost=True)
        if response.status_int != 200:
            raise HomeSays(response)
        self._of_home = self._of_home or response
        return _page(query.route.kind, response.json, limit)

    def _fill_from_partners(self, asked: list[merge.Stream]) -> None:
        by_name = {each.cloud: each for each in asked}
        question = functools.partial(self._ask, by_name)
        # NOTE: not later than the first of them was asked.
        left = max(0.01, self._ends - time.monotonic())
        answers = self._clouds.ask_for_listing(
            self._query.route.collection, self._query.who.project_id,
            by_name, question, left)
        pages = missing.split(answers, self._missing)
        for name, stream in by_name.items():
            page = pages.get(name)
            if page:
                stream.add(page, self._not_theirs(page))
            else:
                stream.end()

    def _not_theirs(self, page: merge.Page) -> set[str]:
        """Rows with which a service provider claims what is home's."""
        query = self._query
        ids = [row['id'] for row in page.rows]
        return home.ever_had(query.who.context, query.route.kind, ids)

    def _ask(self, by_name: dict[str, merge.Stream], name: str
             ) -> merge.Page | None:
        """One page of a service provider; None if the project has nothing."""
        query = self._query
        marker, size = by_name[name].marker, self._size(by_name[name])
        parameters = {key: value for key, value in query.filters.items()
                      if key != 'all_tenants'}
        parameters['limit'] = str(size)
        if marker:
            parameters['marker'] = marker
        kind = query.route.kind
        below = '/detail' if kind.brief else query.route.item and '/detail'
        reply = self._partner.send(
            name, query.who, 'GET', f'/{kind.collection}{below}?'
            + parse.urlencode(parameters), needs=query.needs)
        if reply.status == 404 and marker:
            return merge.Page(lost=True)
        if reply.status != 200:
            raise partner.unusable(
                name, f'its Cinder answered HTTP {reply.status}')
        try:
            page = _page(kind, reply.body, size)
            _check(page)
        except (TypeError, ValueError, LookupError) as exc:
            raise partner.unusable(
                name, f'its Cinder answered with something else than '
                f'{kind.collection}') from exc
        if query.whole and not marker and not page.rows:
            return None
        return page

    def _response(self, rows: list[tuple[str, dict[str, Any]]],
                  end: cursor.Cursor | None) -> webob.Response:
        query = self._query
        kind = query.route.kind
        brief = kind.brief if not query.route.item else ()
        body: dict[str, Any] = {kind.collection: [
            _shown(query.request, kind, name, row, brief)
            for name, row in rows]}
        count = None
        if any(each.count is not None for each in self._streams):
            count = sum(each.count or 0 for each in self._streams)
        if rows and end and query.limit <= (count or len(rows)):
            body[kind.collection + '_links'] = [
                {'rel': 'next', 'href': self._next(end)}]
        if count is not None:
            body['count'] = count
        response = self._of_home
        assert response is not None
        response.json = body
        return self._missing.told(response)

    def _next(self, end: cursor.Cursor) -> str:
        query = self._query
        request = routes.with_query(query.request, {
            'offset': None, routes.MARK: query.choice or None,
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
    """Check what a stranger sent.

    :raises TypeError, ValueError, LookupError: it is no page of a list
    """
    ids = [row['id'] for row in page.rows]
    if len(ids) != len(set(ids)):
        raise ValueError('the same row twice')
    for row in page.rows:
        if routes.canonical(row['id']) != row['id']:
            raise ValueError('no id')
        at = row.get('created_at')
        if at is not None and not _TIME.fullmatch(at):
            raise ValueError('no time')
    if page.count is not None and not isinstance(page.count, int):
        raise TypeError('no number')


def _shown(request: webob.Request, kind: routes.Kind, name: str,
           row: dict[str, Any], brief: tuple[str, ...]) -> dict[str, Any]:
    if name:
        row = foreign(request, kind, name, row)
    if not brief:
        return row
    return {field: row[field] for field in (*brief, routes.MARK)
            if field in row}


def foreign(request: webob.Request, kind: routes.Kind, name: str,
            row: dict[str, Any]) -> dict[str, Any]:
    """A row of a service provider as home shows it."""
    shown = {**row, routes.MARK: name}
    if 'links' in row:
        # NOTE: who follows a link sends home's token.
        view = common.ViewBuilder()
        view._collection_name = kind.collection
        shown['links'] = view._get_links(request, row['id'])
    return shown
