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

"""Merged list of the images that a user may see in all clouds."""

from collections.abc import Callable
from collections.abc import Collection
from typing import Any
from urllib import parse

from glance.api.v2 import images
from oslo_log import log as logging
import webob
import webob.exc

from mixmatch import api
from mixmatch import exceptions
from mixmatch import federation
from mixmatch.listing import cursor
from mixmatch.listing import listings
from mixmatch.listing import merge
from mixmatch.listing import partial
from mixmatch import selection as selections
from mixmatch_glance import database
from mixmatch_glance import faults
from mixmatch_glance import foreign_image
from mixmatch_glance import list_query
from mixmatch_glance import remote
from mixmatch_glance import routes
from mixmatch_glance import show
from mixmatch_glance import user_request

LOG = logging.getLogger(__name__)

#: Key of a row of a service provider: the image.
_IMAGE = 'os-mixmatch:image'


class Listings(listings.Listings[list_query.Query]):
    """Merges the lists of home and of service providers.

    :param application: home's Glance
    :param view: shows images
    """

    #: It may be unknown, or not visible any more.
    marker_unknown = frozenset({400, 403})
    home_first = (exceptions.MixmatchException,)

    def __init__(self, application: Callable, clouds: federation.Federation,
                 view: show.View) -> None:
        super().__init__(clouds)
        self._application = application
        self._remote = remote.Client(clouds)
        self._view = view

    def answer(self, request: user_request.ListRequest,
               selection: selections.Selection, position: str | None
               ) -> webob.Response:
        """Return a page of the list.

        :param position: from the query of the link to this page
        :raises MixmatchException: see :meth:`page`
        """
        try:
            query = list_query.Query.from_request(request, selection)
        except webob.exc.HTTPException:
            return request.http.get_response(self._application)
        if not query.limit:
            return self.first_of_home(query)
        if query.visibility in list_query.OWN and not selection.only:
            return self.home(query)
        return self.page(query, position)

    def largest_page(self) -> int:
        """Return the largest number of rows that a cloud is asked for."""
        return images.CONF.api_limit_max

    def home(self, query: list_query.Query) -> webob.Response:
        """Return home's response to the request as it is."""
        # NOTE: paste's map of URLs changes the path of what it gets.
        return query.request.http.copy().get_response(self._application)

    def first_of_home(self, query: list_query.Query) -> webob.Response:
        """Return home's response to the request without its marker."""
        return self.page_of_home(query, None, query.limit)

    def marker_of_home(self, query: list_query.Query
                       ) -> dict[str, Any] | None:
        """Return the image of home that a marker names."""
        request = query.request.http.copy()
        request.path_info = f'{routes.IMAGES}/{query.marker}'
        request.query_string = ''
        response = request.get_response(self._application)
        return response.json if response.status_int == 200 else None

    def page_of_home(self, query: list_query.Query, marker: str | None,
                     size: int) -> webob.Response:
        """Return home's response to a request for a page of its rows."""
        request = query.request.http.copy()
        request.query_string = query.of_home(marker, size)
        return request.get_response(self._application)

    def read(self, query: list_query.Query, response: webob.Response,
             size: int) -> merge.Page:
        """Return the page in a response of home."""
        return _page(response.json, size)

    def ids_of_home(self, query: list_query.Query, ids: Collection[str]
                    ) -> set[str]:
        """Return those of some ids that home has, or had."""
        return database.ever_had(ids)

    def page_of_provider(self, query: list_query.Query, name: str,
                         marker: str | None, size: int) -> merge.Page | None:
        """Return a page of the rows of a service provider."""
        if query.visibility in list_query.OWN:
            return merge.Page()
        try:
            reply = self._remote.send(
                name, query.request, 'GET', f'{routes.IMAGES}?'
                + query.of_provider(marker, size, self._remote.project_id(
                    name, query.request)))
        except exceptions.ServiceNotOffered as exc:
            raise partial.NothingThere(**vars(exc)) from exc
        if marker and reply.status in self.marker_unknown:
            return merge.Page(marker_deleted=True)
        _check(name, reply, bool(query.pairs))
        # NOTE: that nothing is there now does not tell that nothing will be:
        # others publish and share images with the project.
        return _believed(query, name, reply, size)

    def response(self, query: list_query.Query, response: webob.Response,
                 rows: listings.Rows, end: cursor.Cursor | None,
                 count: int | None) -> webob.Response:
        """Return the response with a merged page."""
        pairs = list(query.request.http.GET.items())
        body: dict[str, Any] = {
            'images': [self._view.show(query.request, name, row[_IMAGE])
                       if name else row for name, row in rows],
            'first': _link([each for each in pairs if each[0] != 'marker']),
            'schema': '/v2/schemas/images'}
        if rows and end and len(rows) >= query.limit:
            body['next'] = _link([
                *(each for each in pairs if each[0] != 'marker'),
                ('marker', end.last.id), (api.POSITION, end.encode())])
        response.json = body
        return response


def _link(pairs: list_query.Pairs) -> str:
    return routes.IMAGES + (f'?{parse.urlencode(pairs)}' if pairs else '')


def _page(body: dict[str, Any], size: int) -> merge.Page:
    rows = body['images']
    return merge.Page(rows[:size] if size else [],
                      bool(body.get('next') or len(rows) > size))


def _believed(query: list_query.Query, name: str, reply: remote.Reply,
              size: int) -> merge.Page:
    """Return the page in a response of a service provider.

    An image that would not be shown is left out, so that one of them does not
    hide all others. Without valid ids the list cannot be gone through.

    :raises ServiceProviderUnavailable: it is no list
    """
    try:
        page = _page(reply.body, size)
        ids = [row['id'] for row in page.rows]
    except (TypeError, LookupError) as exc:
        raise _no_list(name) from exc
    if not all(map(routes.is_id, ids)) or len(ids) != len(set(ids)):
        raise _no_list(name)
    rows, dropped = [], set()
    for row in page.rows:
        try:
            image = foreign_image.ForeignImage.from_body(
                name, routes.Image(row['id']), row, reply.project_id)
        except exceptions.ServiceProviderUnavailable as exc:
            LOG.warning('Image %(image)s is left out of a list: %(reason)s',
                        {'image': row['id'], 'reason': exc})
            dropped.add(row['id'])
            rows.append(row)
            continue
        if not query.has_visibility(image.base['visibility']):
            dropped.add(image.id)
        rows.append({**image.base, 'id': image.id, _IMAGE: image})
    return merge.Page(rows, page.more, dropped=frozenset(dropped))


def _no_list(name: str) -> exceptions.ServiceProviderUnavailable:
    return remote.unusable(name, 'its Glance answered with an invalid list '
                                 'of images')


def _check(name: str, reply: remote.Reply, has_choice: bool) -> None:
    """Check the status of a list of a service provider.

    :param has_choice: whether the client has chosen filters or sort keys
    :raises RequestRejected: the client has to change its request
    :raises ServiceProviderUnavailable: the part is missing
    :raises ServiceProviderFailed: likewise
    """
    if reply.status == 200:
        return
    said = faults.said(reply)
    if reply.status == 400 and has_choice:
        raise partial.RequestRejected(service_provider=name,
                                      said=said.rstrip('.'))
    reason = f'its Glance answered HTTP {reply.status}'
    if reply.status in (403, 413, 429):
        raise exceptions.ServiceProviderFailed(
            service_provider=name, reason=f'{reason}: {said}')
    raise remote.unusable(name, reason)
