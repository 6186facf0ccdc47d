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

"""Attachments of volumes of service providers.

Nova creates and changes attachments, at the cloud of the volume. Others look
for those of a volume or a server, and remove what is left over: they get true
answers here. A request of a service of home is home's alone: Nova decides by
its answers which disks it forgets.
"""

from collections.abc import Callable, Iterable
import functools
from typing import Any

from oslo_log import log as logging
import webob

from mixmatch import api
from mixmatch import exceptions
from mixmatch import federation
from mixmatch.listing import partial
from mixmatch import selection as selections
from mixmatch_cinder.home import database
from mixmatch_cinder.home import listing
from mixmatch_cinder.home import locator
from mixmatch_cinder.home import proxy
from mixmatch_cinder.home import remote
from mixmatch_cinder.home import routes
from mixmatch_cinder.home import show
from mixmatch_cinder.home import user_request

LOG = logging.getLogger(__name__)

#: The microversion that has brought attachments.
NEEDS = '3.27'

#: Parameters of a list that is one page, or sorted. Rows of attachments do
#: not tell what they are sorted by, so those of several clouds cannot be
#: merged.
_ORDER = frozenset({'limit', 'marker', 'offset', 'sort', 'sort_key',
                    'sort_dir'})

Row = dict[str, Any]


class AttachedByNova(proxy.NotFromHome):
    """A user cannot create an attachment of a volume elsewhere."""

    msg_fmt = ('%(resource)s lives at service provider %(service_provider)s; '
               '%(operation)s is not possible from this cloud. Nova attaches '
               'it to a server of this cloud: openstack server add volume '
               'SERVER VOLUME. If it is Nova that says this, one of its '
               'processes runs without mixmatch, which the operator of this '
               'cloud has to correct.')


class Attachments:
    """Serves requests to list, show and delete attachments.

    :param application: home's Cinder
    :param clouds: the service providers of this process
    :param known: finds volumes and attachments
    :param merge: whether a list that selects no cloud is of all clouds
    """

    def __init__(self, application: Callable, clouds: federation.Federation,
                 known: locator.Locator, merge: bool) -> None:
        self._application = application
        self._clouds = clouds
        self._locator = known
        self._remote = remote.Client(clouds)
        self._merge = merge

    @staticmethod
    def serves(request: user_request.UserRequest) -> bool:
        """Return whether a request may be about attachments elsewhere."""
        return (request.route.collection == routes.ATTACHMENTS.collection
                and not request.is_from_service
                and (bool(request.route.item)
                     or request.http.method == 'GET'))

    def answer(self, request: user_request.UserRequest,
               selection: selections.Selection) -> Any:
        """Return the response.

        :raises MixmatchException: to return as the response
        """
        request.http.make_body_seekable()
        response = request.http.get_response(self._application)
        if not selection.names:
            return response
        if request.http.method == 'GET' and request.route.is_listing:
            return self._list(request, selection, response)
        if response.status_int != 404 or not _is_new_enough(request):
            return response
        return self._item(request, selection.names, response)

    def _list(self, request: user_request.UserRequest,
              selection: selections.Selection,
              response: webob.Response) -> webob.Response:
        rows = _rows_of_home(request, response)
        if rows is None or listing.is_home_only(request):
            return response
        if 'volume_id' in request.http.GET:
            found = None if rows else self._list_of_volume(request,
                                                           selection.names)
            return response if found is None else _with(response, found)
        if selection.only:
            return self._list_of_all(request, selection, response, [])
        if response.status_int != 200 or not (selection.choice
                                              or self._merge):
            return response
        if not _ORDER.isdisjoint(request.http.GET):
            response.headers[api.MISSING_HEADER] = ', '.join(
                sorted(selection.names))
            return response
        return self._list_of_all(request, selection, response, rows)

    def _list_of_all(self, request: user_request.UserRequest,
                     selection: selections.Selection,
                     response: webob.Response, rows: list[Row]
                     ) -> webob.Response:
        missing = partial.MissingParts(routes.ATTACHMENTS.collection,
                                       bool(selection.only))
        found = partial.split(self._clouds.ask(
            selection.names, functools.partial(self._ask, request)), missing)
        for name in sorted(found):
            rows = rows + _of_others(request, found[name], rows)
        return missing.mark(_with(response, rows))

    def _list_of_volume(self, request: user_request.UserRequest,
                        names: list[str]) -> list[Row] | None:
        """Return the attachments of a volume; None if it is not elsewhere."""
        volume = routes.Resource.from_id(routes.VOLUMES,
                                         request.http.GET['volume_id'])
        if volume is None or database.ever_had(request.context, volume.kind,
                                               [volume.id]):
            return None
        found = self._locator.find(request, names, volume)
        if found is None:
            return None
        rows = [row for row in self._ask(request, found[0])
                if row['volume_id'] == volume.id]
        return _of_others(request, rows, [])

    def _ask(self, request: user_request.UserRequest, name: str
             ) -> list[Row]:
        """Return what a service provider lists, marked with its name."""
        item, query = request.route.item, request.http.query_string
        reply = self._remote.send(
            name, request, 'GET', '/attachments' + (item and f'/{item}')
            + (query and f'?{query}'), needs=NEEDS)
        if reply.status != 200:
            raise exceptions.ServiceProviderFailed(
                service_provider=name,
                reason=f'its Cinder answered HTTP {reply.status}')
        return _marked(name, reply)

    def _item(self, request: user_request.UserRequest, names: list[str],
              response: webob.Response) -> Any:
        """Serve a request about an attachment that home does not have."""
        method, below = request.http.method, request.route.below
        resource = routes.Resource.from_id(routes.ATTACHMENTS,
                                           request.route.item)
        if resource is None or database.ever_had(
                request.context, resource.kind, [resource.id]):
            return response
        found = self._locator.find(request, names, resource)
        if found is None:
            return response
        name, body = found
        if (method, below) == ('GET', ''):
            return show.replace_body(response, {
                resource.kind.member: {**body, api.ATTRIBUTE: name}})
        if (method, below) == ('DELETE', ''):
            return self._delete(request, resource, name)
        operation = ' '.join(filter(None, (
            method, below, *sorted(request.body))))
        raise proxy.NotFromHome(
            resource=resource.title, service_provider=name,
            operation=repr(operation[:100]), command='...')

    def _delete(self, request: user_request.UserRequest,
                resource: routes.Resource, name: str) -> Any:
        """Delete an attachment there, unless it is in use.

        The service provider knows which attachments a Nova owns, and
        protects them.
        """
        reply = self._remote.send(name, request, 'DELETE', resource.path,
                                  needs=NEEDS)
        if reply.status >= 400:
            return proxy.fault(name, reply)
        return webob.Response(
            status=reply.status, content_type='application/json',
            json_body={'attachments': _marked(name, reply)}, headers={
                'OpenStack-API-Version': f'volume {request.microversion}'})


def _rows_of_home(request: user_request.UserRequest,
                  response: webob.Response) -> list[Row] | None:
    """Return home's rows; None if the response is an error."""
    if response.status_int == 200:
        return response.json['attachments']
    # NOTE: a marker that home does not have may be one of another cloud.
    is_marker_unknown = (response.status_int == 404
                         and 'marker' in request.http.GET
                         and _is_new_enough(request))
    return [] if is_marker_unknown else None


def _with(response: webob.Response, rows: list[Row]) -> webob.Response:
    return show.replace_body(response, {'attachments': rows})


def _is_new_enough(request: user_request.UserRequest) -> bool:
    """Return whether home's 404 is about the attachment, not the path."""
    return int(request.microversion.partition('.')[2]) >= int(
        NEEDS.partition('.')[2])


def _marked(name: str, reply: remote.Reply) -> list[Row]:
    rows = reply.body.get('attachments')
    if not isinstance(rows, list) or not all(
            isinstance(row, dict) and routes.canonical(row.get('id'))
            and 'volume_id' in row for row in rows):
        raise remote.unusable(
            name, 'its Cinder answered with no list of attachments')
    return [{**row, api.ATTRIBUTE: name} for row in rows]


def _of_others(request: user_request.UserRequest, rows: list[Row],
               before: Iterable[Row]) -> list[Row]:
    """Return rows without those whose ids are, or were, home's.

    :param before: rows that count before these
    """
    taken = {row['id'] for row in before}
    taken |= database.ever_had(request.context, routes.ATTACHMENTS,
                               (row['id'] for row in rows))
    volumes = database.ever_had(request.context, routes.VOLUMES, (
        row['volume_id'] for row in rows))
    return [row for row in rows if row['id'] not in taken
            and row['volume_id'] not in volumes]
