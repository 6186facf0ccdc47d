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

"""Proxy of requests about volumes and snapshots of service providers.

A request is sent with the user's own rights, so the service provider decides.
Operations that make sense only inside one cloud are refused.
"""

from collections.abc import Callable
import re
from typing import Any
from urllib import parse

from cinder.api.openstack import wsgi
import webob
import webob.exc

from mixmatch import exceptions
from mixmatch import federation
from mixmatch_cinder.home import database
from mixmatch_cinder.home import remote
from mixmatch_cinder.home import routes
from mixmatch_cinder.home import show
from mixmatch_cinder.home import user_request

#: Requests that are sent on, as ``METHOD path``. Attachments are created by
#: Nova, which calls the service provider itself.
_ALLOWED = re.compile(
    r'(GET|PUT|DELETE) |(GET|POST|PUT) /metadata|'
    r'(GET|PUT|DELETE) /metadata/(?!\.\.?$)[^/]+|GET /encryption')
#: Actions that are sent on, as ``POST /action``. Not the upload of an image,
#: which would end up in the Glance of the service provider.
_ACTIONS = frozenset({
    'os-extend', 'os-retype', 'os-set_bootable', 'os-update_readonly_flag',
    'os-set_image_metadata', 'os-show_image_metadata',
    'os-unset_image_metadata', 'os-reset_status', 'os-force_delete',
    'revert'})

#: Fields of the request body with the source of a new volume.
_SOURCES = {'snapshot_id': routes.SNAPSHOTS, 'source_volid': routes.VOLUMES}


class NotFromHome(exceptions.MixmatchException):
    """The operation is possible only at the service provider itself."""

    msg_fmt = ('%(resource)s lives at service provider %(service_provider)s; '
               '%(operation)s is not possible from this cloud. Use that cloud '
               'directly: openstack --os-service-provider '
               '%(service_provider)s ...')
    code = 400


class NotForServices(exceptions.MixmatchException):
    """A service of home would look for the new resource in its own cloud."""

    msg_fmt = ('%(resource)s lives at service provider %(service_provider)s; '
               'a service of this cloud cannot create resources from it. '
               'Enable mixmatch in nova.conf of every Nova service.')
    code = 400


class SourceAtHome(exceptions.MixmatchException):
    """A volume cannot be created from a source in another cloud."""

    msg_fmt = ('%(resource)s lives in this cloud; a volume at service '
               'provider %(service_provider)s cannot be created from it.')
    code = 400


class Proxy:
    """Sends requests of users on to the cloud of their resource.

    :param clouds: the service providers of this process
    """

    def __init__(self, clouds: federation.Federation) -> None:
        self._clouds = clouds
        self._remote = remote.Client(clouds)

    def target(self, request: user_request.UserRequest, choice: str
               ) -> tuple[str, str] | None:
        """Return the requested location of a new volume.

        :param choice: the service provider that the request has chosen by
            query or header
        :returns: the name of the service provider and the availability zone
            there, which may be empty; None for home
        :raises UnknownServiceProvider: the user may not use it
        """
        zone = request.member('volume').get('availability_zone')
        if not isinstance(zone, str):
            return (choice, '') if choice else None
        name, _, rest = zone.partition(':')
        if name not in self._clouds.names:
            return (choice, zone) if choice else None
        if zone in database.availability_zones(request.context):
            return None
        self._clouds.check(name, request.requester)
        return name, rest

    def create(self, request: user_request.UserRequest, name: str,
               zone: str | None) -> webob.Response:
        """Create a volume at a service provider.

        :param zone: availability zone there; None for that of the request
        """
        body, volume = request.body, request.member('volume')
        for field, kind in _SOURCES.items():
            source = routes.Resource.from_id(kind, volume.get(field))
            if source and database.ever_had(request.context, kind,
                                            [source.id]):
                raise SourceAtHome(resource=source.title,
                                   service_provider=name)
        if zone is not None and volume:
            volume = {**volume, 'availability_zone': zone}
            if not zone:
                del volume['availability_zone']
            body = {**body, 'volume': volume}
        return self._send(request, name, '/volumes', body)

    def snapshot(self, request: user_request.UserRequest, name: str
                 ) -> webob.Response:
        """Create a snapshot at the service provider of its volume."""
        return self._send(request, name, '/snapshots', request.body)

    def item(self, request: user_request.UserRequest,
             resource: routes.Resource, name: str) -> webob.Response:
        """Send on a request about one volume or snapshot.

        :param resource: of the route
        :raises NotFromHome: the operation is refused
        """
        body, below = request.body, request.route.below
        operation = f'{request.http.method} {below}'
        if operation == 'POST /action':
            operation = ', '.join(sorted(body))
            allowed = len(body) == 1 and _ACTIONS.issuperset(body)
        else:
            allowed = _ALLOWED.fullmatch(operation) is not None
        if not allowed:
            raise NotFromHome(
                resource=resource.title, service_provider=name,
                operation=repr(operation[:100]))
        path = resource.path + parse.quote(below)
        if request.http.query_string:
            path += f'?{request.http.query_string}'
        return self._send(request, name, path, body or None)

    def _send(self, request: user_request.UserRequest, name: str, path: str,
              body: dict[str, Any] | None) -> webob.Response:
        kind, method = request.route.kind, request.http.method
        reply = self._remote.send(name, request, method, path, body)
        if reply.status >= 400:
            return _fault(name, reply)
        if method == 'POST':
            self._clouds.add_holding(kind.collection, request.project_id,
                                     name)
        answer = dict(reply.body)
        if isinstance(answer.get(kind.member), dict):
            found = answer[kind.member]
            if routes.canonical(found.get('id')) is None:
                raise remote.unusable(
                    name, f'its Cinder answered with no {kind.member}')
            answer[kind.member] = show.from_provider(request, name, found)
        response = webob.Response(status=reply.status)
        if answer:
            response.content_type = 'application/json'
            response.json = answer
        response.headers['OpenStack-API-Version'] = (
            f'volume {request.microversion}')
        return response


def source(request: user_request.UserRequest) -> routes.Resource | None:
    """Return the resource that a request creates another one from."""
    collection = request.route.collection
    if request.http.method != 'POST' or request.route.item:
        return None
    member, fields = {
        'volumes': ('volume', _SOURCES),
        'snapshots': ('snapshot', {'volume_id': routes.VOLUMES}),
    }.get(collection) or _created_from(collection)
    found = request.member(member)
    sources = (routes.Resource.from_id(kind, found.get(field))
               for field, kind in fields.items())
    return next(filter(None, sources), None)


def _created_from(collection: str) -> tuple[str, dict[str, routes.Kind]]:
    member, field = routes.CREATED_FROM_VOLUME[collection]
    return member, {field: routes.VOLUMES}


def _fault(name: str, reply: remote.Reply) -> Callable:
    """Return the error of a service provider, with its message."""
    said = next((found['message'] for found in reply.body.values()
                 if isinstance(found, dict)
                 and isinstance(found.get('message'), str)), '')[:500]
    if not said.isprintable():
        said = repr(said)
    kind = webob.exc.status_map.get(reply.status, webob.exc.HTTPBadRequest)
    return wsgi.Fault(kind(explanation=(
        f'Service provider {name}: {said or f"HTTP {reply.status}"}')))
