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

"""Pages of a list that is merged of home and of service providers.

Each cloud is asked for a page after a marker of its own (see
:mod:`mixmatch.listing.cursor`): by one request to each service provider, and a
second one only if the row of its marker has been deleted. If the position of
the client's marker is not known any more, the list is merged again from its
beginning up to that row.
"""

import abc
from collections.abc import Collection
import functools
import time
from typing import Any, Generic, Protocol, TypeVar

import webob

from mixmatch import exceptions
from mixmatch import federation
from mixmatch import holdings
from mixmatch.listing import cursor
from mixmatch.listing import merge
from mixmatch.listing import order
from mixmatch.listing import partial
from mixmatch import selection as selections

#: Rows, each with the name of its cloud.
Rows = list[tuple[str, merge.RowBody]]


class HomeResponse(Exception):
    """Home gave a response to return as it is."""

    def __init__(self, response: webob.Response) -> None:
        super().__init__()
        self.response = response


class Query(Protocol):
    """Parameters of a list request."""

    @property
    def selection(self) -> selections.Selection:
        """The clouds that it selects."""

    @property
    def order(self) -> order.Order:
        """The order of the rows."""

    @property
    def marker(self) -> str | None:
        """Id of the last row that the client has seen."""

    @property
    def limit(self) -> int:
        """Number of rows of a page; more than 0."""

    @property
    def offset(self) -> int:
        """Number of rows to leave out after the marker."""

    @property
    def owner(self) -> holdings.Owner:
        """Owner of the rows."""

    @property
    def is_unfiltered(self) -> bool:
        """Return whether the list has all resources of the project."""

    @property
    def is_by_name(self) -> bool:
        """Return whether it looks for what has a name, and for no more."""

    @property
    def listing(self) -> Any:
        """Key that all pages of the same list have in common."""


AnyQuery = TypeVar('AnyQuery', bound=Query)


class Listings(abc.ABC, Generic[AnyQuery]):
    """Merges the lists of home and of service providers.

    A package that has such lists defines the methods that have no body here.

    :param clouds: the service providers of this process
    """

    #: Statuses of home's answer to a marker that it does not know.
    marker_unknown: frozenset[int] = frozenset()
    #: Errors that are not raised where home refuses the request as well.
    home_first: tuple[type[exceptions.MixmatchException], ...] = (
        partial.IncompleteResult, partial.RequestRejected)

    def __init__(self, clouds: federation.Federation) -> None:
        self.clouds = clouds
        self._memory = cursor.Memory()

    def page(self, query: AnyQuery, position: str | None) -> webob.Response:
        """Return a page of the list.

        :param position: from the query of the link to this page
        :raises ServiceProviderUnavailable: the row of the marker may be
            there; or home is left out
        :raises cursor.InvalidPosition: the position is not one of ours
        """
        place = self._place(query, position)
        try:
            return _Page(self, query, place).answer(self._memory)
        except HomeResponse as exc:
            return exc.response
        except self.home_first:
            # NOTE: what home refuses as well is not the other cloud's matter.
            response = self.first_of_home(query)
            if response.status_int >= 400:
                return response
            raise

    def _place(self, query: AnyQuery, position: str | None
               ) -> cursor.Cursor | None:
        if not query.marker:
            return None
        if position:
            place = cursor.Cursor.decode(position, query.order.width)
            if place.last.id == query.marker:
                return place
        return self._memory.get(query.listing, query.marker)

    @abc.abstractmethod
    def largest_page(self) -> int:
        """Return the largest number of rows that a cloud is asked for."""

    @abc.abstractmethod
    def home(self, query: AnyQuery) -> webob.Response:
        """Return home's response to the request as it is."""

    @abc.abstractmethod
    def first_of_home(self, query: AnyQuery) -> webob.Response:
        """Return home's response to the request without its marker."""

    def marker_of_home(self, query: AnyQuery) -> dict[str, Any] | None:
        """Return the row of home that a marker names, in the list or not.

        Cinder and Glance take as a marker whatever the user may see: a row may
        have left the list since the last page.

        :returns: None if there is none, or it cannot be known
        """
        return None

    @abc.abstractmethod
    def page_of_home(self, query: AnyQuery, marker: str | None, size: int
                     ) -> webob.Response:
        """Return home's response to a request for a page of its rows."""

    @abc.abstractmethod
    def read(self, query: AnyQuery, response: webob.Response, size: int
             ) -> merge.Page:
        """Return the page in a response of home."""

    @abc.abstractmethod
    def page_of_provider(self, query: AnyQuery, name: str, marker: str | None,
                         size: int) -> merge.Page | None:
        """Return a page of the rows of a service provider.

        Called in a thread of that service provider.

        :returns: None if the project has no resources there
        :raises MixmatchException: its part is missing
        """

    @abc.abstractmethod
    def ids_of_home(self, query: AnyQuery, ids: Collection[str]) -> set[str]:
        """Return those of some ids that home has, or had."""

    @abc.abstractmethod
    def response(self, query: AnyQuery, response: webob.Response, rows: Rows,
                 end: cursor.Cursor | None, count: int | None
                 ) -> webob.Response:
        """Return the response with a merged page.

        :param response: of home to a page of its rows, to be changed
        :param end: the position after the rows
        :param count: total number of rows, if requested
        """


def proves(page: merge.Page | None) -> bool | None:
    """Return whether the project has resources where a page is from.

    A page without rows tells nothing if it has a filter or a marker.
    """
    return False if page is None else bool(page.rows) or None


class _Page(Generic[AnyQuery]):
    """Creation of one page."""

    def __init__(self, listings: Listings[AnyQuery], query: AnyQuery,
                 place: cursor.Cursor | None, from_marker: bool = False
                 ) -> None:
        self._listings = listings
        self._query = query
        self._place = place
        self._replay = query.marker is not None and place is None
        options = listings.clouds.options
        self._ends = time.monotonic() + options.ask_timeout
        self._missing = partial.MissingParts.of_list(
            query.owner.kind, bool(query.selection.only),
            not query.is_unfiltered, options.incomplete_lists)
        self._home_response: webob.Response | None = None
        # NOTE: nobody knows which rows of others came before such a marker.
        floor = place.last.values if place and (
            query.order.exact or from_marker) else None
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
        elif not self._place and all(
                each.ended and not each.has_rows
                for each in self._streams if each.cloud):
            return self._home_list()
        merged = merge.Merge(self._streams, self._fill)
        if self._replay and not merged.skip_to(query.marker or ''):
            self._missing.check()
            return self._after_marker_of_home(memory)
        merged.take(query.offset)
        rows = merged.take(query.limit)
        end = merged.cursor
        if rows and end:
            memory.remember(query.listing, end)
        return self._response(rows, end)

    def _after_marker_of_home(self, memory: cursor.Memory) -> webob.Response:
        """Return the page after a marker that is no row of the list."""
        query = self._query
        row = self._listings.marker_of_home(query)
        if row is None:
            return self._listings.home(query)
        last = cursor.Row(row['id'], query.order.values(row))
        return _Page(self._listings, query,
                     cursor.Cursor(last, {cursor.HOME: last}),
                     from_marker=True).answer(memory)

    def _home_list(self) -> webob.Response:
        """Return home's list if no service provider has any resources."""
        response = self._listings.home(self._query)
        if self._query.marker and (
                response.status_int in self._listings.marker_unknown):
            self._missing.check()
        return self._missing.mark(response)

    def _fill(self, empty: list[merge.Stream]) -> None:
        foreign = [each for each in empty if each.cloud]
        if foreign:
            self._fill_from_providers(foreign)
        for stream in empty:
            if not stream.cloud:
                stream.add(self._home_page(stream.marker, self._size(stream)))

    def _size(self, stream: merge.Stream) -> int:
        """Return the number of rows to request from a cloud."""
        most = self._listings.largest_page()
        if self._replay or stream.marker_deleted:
            return most
        return min(most, self._query.limit + self._query.offset)

    def _home_page(self, marker: str | None, size: int) -> merge.Page:
        response = self._listings.page_of_home(self._query, marker, size)
        if marker and response.status_int in self._listings.marker_unknown:
            return merge.Page(marker_deleted=True)
        if response.status_int != 200:
            raise HomeResponse(response)
        self._home_response = self._home_response or response
        return self._listings.read(self._query, response, size)

    def _fill_from_providers(self, streams: list[merge.Stream]) -> None:
        by_name = {each.cloud: each for each in streams}
        call = functools.partial(self._provider_page, by_name)
        # NOTE: all requests for this page share one deadline.
        left = max(0.01, self._ends - time.monotonic())
        answers = self._listings.clouds.ask_for_listing(
            self._query.owner, by_name, call, left, proves)
        try:
            answered = partial.split(answers, self._missing)
        except partial.IncompleteResult:
            if not self._is_found_at_home():
                raise
            answered = answers.answered
        for name, stream in by_name.items():
            page = answered.get(name)
            if page:
                stream.add(page, self._listings.ids_of_home(
                    self._query, [row['id'] for row in page.rows]))
            else:
                stream.end()

    def _is_found_at_home(self) -> bool:
        """Return whether home has what a client looks for by its name.

        Then nobody takes the list for an empty one, and what is home's is not
        kept from its users while another cloud is away.
        """
        query = self._query
        if (not query.is_by_name or query.marker or query.selection.only
                or self._listings.clouds.options.incomplete_lists == 'never'):
            return False
        response = self._listings.page_of_home(query, None, 1)
        return response.status_int == 200 and bool(
            self._listings.read(query, response, 1).rows)

    def _provider_page(self, by_name: dict[str, merge.Stream], name: str
                       ) -> merge.Page | None:
        stream = by_name[name]
        return self._listings.page_of_provider(
            self._query, name, stream.marker, self._size(stream))

    def _response(self, rows: Rows, end: cursor.Cursor | None
                  ) -> webob.Response:
        count = None
        if any(each.count is not None for each in self._streams):
            count = sum(each.count or 0 for each in self._streams)
        response = self._home_response
        assert response is not None
        return self._missing.mark(self._listings.response(
            self._query, response, rows, end, count))
