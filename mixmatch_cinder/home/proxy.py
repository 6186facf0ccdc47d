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
from mixmatch_cinder.home import rules
from mixmatch_cinder.home import show
from mixmatch_cinder.home import user_request

#: Fields of the request body with the source of a new volume.
_SOURCES = {'snapshot_id': routes.SNAPSHOTS, 'source_volid': routes.VOLUMES}


class NotFromHome(exceptions.MixmatchException):
    """The operation is possible only at the service provider itself."""

    msg_fmt = ('%(resource)s lives at service provider %(service_provider)s; '
               '%(operation)s is not possible from this cloud. Use that cloud '
               'directly: openstack --os-service-provider '
               '%(service_provider)s %(command)s')
    code = 400


class NotForServices(exceptions.MixmatchException):
    """A service of home would look for the new resource in its own cloud."""

    msg_fmt = ('%(resource)s lives at service provider %(service_provider)s, '
               'and the process of this cloud that asked for it runs without '
               'mixmatch. Nothing was changed. The operator of this cloud has '
               'to set config_source = mixmatch in nova.conf of each process '
               'of Nova.')
    code = 400


class SourceAtHome(exceptions.MixmatchException):
    """A volume cannot be created from a source in another cloud."""

    msg_fmt = ('%(resource)s lives in this cloud; a volume at service '
               'provider %(service_provider)s cannot be created from it.')
    code = 400


class PerhapsDone(exceptions.MixmatchException):
    """A change without an answer may have been made."""

    msg_fmt = ('%(error)s. %(what)s there all the same: look (%(look)s) '
               'before you repeat it.')
    code = 503


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
        found = request.zones.find(zone)
        if found is None:
            return (choice, zone) if choice else None
        name, there = found
        self._clouds.check(name, request.requester)
        return name, request.zones.for_new(name, there)

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
        body, route = request.body, request.route
        # NOTE: home has refused a body without just one action.
        action = ', '.join(body) if route.below == '/action' else ''
        uploads = (route.collection == 'volumes' and action == rules.UPLOAD
                   and self._clouds.options.upload_images)
        if not uploads and not rules.is_sent_on(
                route, request.http.method, action):
            raise NotFromHome(
                resource=resource.title, service_provider=name,
                operation=repr((action or f'{request.http.method} '
                                f'{route.below}')[:100]),
                command=rules.command(action, resource))
        path = resource.path + parse.quote(route.below) + route.format
        if request.http.query_string:
            path += f'?{request.http.query_string}'
        return self._send(request, name, path, body or None)

    def _send(self, request: user_request.UserRequest, name: str, path: str,
              body: dict[str, Any] | None) -> webob.Response:
        kind, method = request.route.kind, request.http.method
        try:
            reply = self._remote.send(name, request, method, path, body)
        except remote.AnswerLost as exc:
            raise _perhaps_done(request, exc) from exc
        if reply.status >= 400:
            return fault(name, reply)
        answer = dict(reply.body)
        if isinstance(answer.get(kind.member), dict):
            found = answer[kind.member]
            if routes.canonical(found.get('id')) is None:
                raise _perhaps_done(request, remote.unusable(
                    name, f'its Cinder answered with no {kind.member}'))
            answer[kind.member] = show.from_provider(request, name, found)
        response = webob.Response(status=reply.status)
        if answer:
            response.content_type = 'application/json'
            response.json = answer
        response.headers[wsgi.API_VERSION_REQUEST_HEADER] = (
            f'{wsgi.VOLUME_SERVICE} {reply.microversion}')
        response.headers['Vary'] = wsgi.API_VERSION_REQUEST_HEADER
        if reply.etag:
            response.headers['Etag'] = reply.etag
        return response


def source(request: user_request.UserRequest) -> routes.Resource | None:
    """Return the resource that a request creates another one from."""
    if request.http.method != 'POST':
        return None
    member, fields = _sources(request.route)
    found = request.member(member)
    sources = (routes.Resource.from_id(kind, found.get(field))
               for field, kind in fields.items())
    return next(filter(None, sources), None)


def _sources(route: routes.Route) -> tuple[str, dict[str, routes.Kind]]:
    """Return the keys of a request body with the sources of what is made."""
    if route.item:
        if (route.collection, route.below) == ('backups', '/restore'):
            return 'restore', {'volume_id': routes.VOLUMES}
        return '', {}
    if route.collection == 'volumes':
        return 'volume', _SOURCES
    if route.collection == 'snapshots':
        return 'snapshot', {'volume_id': routes.VOLUMES}
    member, field = routes.CREATED_FROM_VOLUME.get(route.collection, ('', ''))
    return member, {field: routes.VOLUMES}


def _perhaps_done(request: user_request.UserRequest,
                  exc: exceptions.MixmatchException) -> PerhapsDone:
    """Return the error of a request whose answer is lost."""
    kind = request.route.kind
    command = 'openstack volume ' + (
        'snapshot ' if kind is routes.SNAPSHOTS else '')
    resource = request.route.resource
    if resource is None:
        what, look = f'The {kind.member} may have been made', 'list'
    else:
        what, look = 'It may have been done', f'show {resource.id}'
    return PerhapsDone(error=exc, code=exc.code, what=what,
                       look=f'"{command}{look}"')


def fault(name: str, reply: remote.Reply) -> Callable:
    """Return the error of a service provider, with its message."""
    kind = webob.exc.status_map.get(reply.status, webob.exc.HTTPBadRequest)
    return wsgi.Fault(kind(explanation=(
        f'Service provider {name}: {remote.said(reply)}')))
