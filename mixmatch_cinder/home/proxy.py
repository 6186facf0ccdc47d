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

"""What is done to a volume or a snapshot of another cloud, from home.

It goes there with the user's own rights, so that cloud decides. What makes
sense only inside one cloud is refused.
"""

from collections.abc import Callable
import copy
import re
from typing import Any
from urllib import parse

from cinder.api.openstack import wsgi
import webob
import webob.exc

from mixmatch import exceptions
from mixmatch import federation
from mixmatch_cinder.home import database as home
from mixmatch_cinder.home import listing
from mixmatch_cinder.home import remote as partner
from mixmatch_cinder.home import routes

#: What may be asked of a foreign volume, by ``METHOD path``. Attachments are
#: Nova's, which asks the service provider itself.
_ALLOWED = re.compile(
    r'(GET|PUT|DELETE) |(GET|POST|PUT) /metadata|'
    r'(GET|PUT|DELETE) /metadata/(?!\.\.?$)[^/]+|GET /encryption')
#: ... by ``POST /action``. An image that was made of a volume would be in the
#: Glance of the service provider.
_ACTIONS = frozenset({
    'os-extend', 'os-retype', 'os-set_bootable', 'os-update_readonly_flag',
    'os-set_image_metadata', 'os-show_image_metadata',
    'os-unset_image_metadata', 'os-reset_status', 'os-force_delete',
    'revert'})

#: What a volume is made of: in the body of the request.
_SOURCES = {'snapshot_id': routes.SNAPSHOTS, 'source_volid': routes.VOLUMES}


class NotFromHome(exceptions.MixmatchException):
    """Something that only the service provider itself can be asked for."""

    msg_fmt = ('%(what)s lives at service provider %(service_provider)s; '
               '%(asked)s is not possible from this cloud. Ask %(remedy)s.')
    code = 400

    @classmethod
    def of(cls, name: str, what: str, asked: str) -> 'NotFromHome':
        return cls(service_provider=name, what=what, asked=asked,
                   remedy='that cloud itself: openstack '
                   f'--os-service-provider {name} ...')


class NotForServices(exceptions.MixmatchException):
    """A service of home would take what is made for one of its own cloud."""

    msg_fmt = ('%(what)s lives at service provider %(service_provider)s; '
               'nothing is made of it on behalf of a service of this cloud, '
               'which would look for the result here. Enable mixmatch in the '
               'nova.conf of every Nova service.')
    code = 400


class AtHome(exceptions.MixmatchException):
    """A volume of one cloud cannot be made of something in another."""

    msg_fmt = ('%(what)s lives in this cloud; no volume at service provider '
               '%(service_provider)s can be made of it.')
    code = 400


class Forwarder:
    """Sends requests of users on to the cloud that they are about.

    :param clouds: the service providers of this process
    """

    def __init__(self, clouds: federation.Federation) -> None:
        self._clouds = clouds
        self._partner = partner.Partner(clouds)

    def target(self, request: webob.Request, who: partner.Who,
               choice: str) -> tuple[str, str] | None:
        """Where a new volume shall live.

        :param choice: the service provider that the request names elsewhere
        :returns: the name of the service provider and the availability zone
            there, which may be empty; None if it is for home to decide
        :raises UnknownServiceProvider: the user may not use it
        """
        zone = _volume(request).get('availability_zone')
        if not isinstance(zone, str):
            return (choice, '') if choice else None
        name, _, rest = zone.partition(':')
        if name not in self._clouds.names:
            return (choice, zone) if choice else None
        if zone in home.zones(who.context):
            return None
        self._clouds.check(name, who.token_info or {})
        return name, rest

    def create(self, request: webob.Request, who: partner.Who, name: str,
               zone: str | None) -> webob.Response:
        """Make a volume at a service provider.

        :param zone: there; None to take what the request says
        """
        body = copy.deepcopy(routes.body(request))
        volume = _volume(request)
        for field, kind in _SOURCES.items():
            source = routes.canonical(volume.get(field))
            if source and home.ever_had(who.context, kind, [source]):
                raise AtHome(what=f'{kind.member.capitalize()} {source}',
                             service_provider=name)
        if zone is not None and isinstance(body.get('volume'), dict):
            body['volume'].pop('availability_zone', None)
            if zone:
                body['volume']['availability_zone'] = zone
        return self._send(request, who, name, routes.VOLUMES, '/volumes',
                          body)

    def snapshot(self, request: webob.Request, who: partner.Who,
                 name: str) -> webob.Response:
        """Make a snapshot where its volume lives."""
        return self._send(request, who, name, routes.SNAPSHOTS, '/snapshots',
                          routes.body(request))

    def item(self, request: webob.Request, route: routes.Route,
             who: partner.Who, name: str) -> webob.Response:
        """Do to a volume or snapshot what the request says.

        :raises NotFromHome: that is refused
        """
        what = f'{route.kind.member.capitalize()} {route.id}'
        body = routes.body(request)
        asked = f'{request.method} {route.below}'
        if asked == 'POST /action':
            asked = ', '.join(sorted(body))
            allowed = len(body) == 1 and _ACTIONS.issuperset(body)
        else:
            allowed = _ALLOWED.fullmatch(asked) is not None
        if not allowed:
            raise NotFromHome.of(name, what, repr(asked[:100]))
        path = (f'/{route.kind.collection}/{route.id}'
                + parse.quote(route.below))
        if request.query_string:
            path += f'?{request.query_string}'
        return self._send(request, who, name, route.kind, path, body or None)

    def _send(self, request: webob.Request, who: partner.Who, name: str,
              kind: routes.Kind, path: str,
              body: dict[str, Any] | None) -> webob.Response:
        reply = self._partner.send(name, who, request.method, path, body)
        if reply.status >= 400:
            return _fault(name, reply)
        if request.method == 'POST':
            self._clouds.add_holding(kind.collection, who.project_id, name)
        answer = dict(reply.body)
        if isinstance(answer.get(kind.member), dict):
            found = answer[kind.member]
            if routes.canonical(found.get('id')) is None:
                raise partner.unusable(
                    name, f'its Cinder answered with no {kind.member}')
            answer[kind.member] = listing.foreign(request, kind, name, found)
        response = webob.Response(status=reply.status)
        if answer:
            response.content_type = 'application/json'
            response.json = answer
        response.headers['OpenStack-API-Version'] = (
            f'volume {routes.microversion(request)}')
        return response


def is_by_a_service(request: webob.Request) -> bool:
    """Whether a service of home asks, on behalf of a user.

    That it is not said does not mean that none does.
    """
    # NOTE: of keystonemiddleware, which lets none of a client pass.
    return request.headers.get('X-Service-Identity-Status') == 'Confirmed'


def _volume(request: webob.Request) -> dict[str, Any]:
    volume = routes.body(request).get('volume')
    return volume if isinstance(volume, dict) else {}


def source(request: webob.Request, route: routes.Route
           ) -> tuple[routes.Kind, str] | None:
    """What a request makes something of.

    :returns: its kind and id; None if it makes nothing, or of nothing
    """
    if request.method != 'POST' or route.item:
        return None
    body = routes.body(request)
    member, fields = {
        'volumes': ('volume', _SOURCES),
        'snapshots': ('snapshot', {'volume_id': routes.VOLUMES}),
    }.get(route.collection) or _made_of(route.collection)
    found = body.get(member)
    if not isinstance(found, dict):
        return None
    for field, kind in fields.items():
        resource_id = routes.canonical(found.get(field))
        if resource_id:
            return kind, resource_id
    return None


def _made_of(collection: str) -> tuple[str, dict[str, routes.Kind]]:
    member, field = routes.MADE_OF_A_VOLUME[collection]
    return member, {field: routes.VOLUMES}


def _fault(name: str, reply: partner.Reply) -> Callable:
    """What a service provider does not want, in its words."""
    said = next((found['message'] for found in reply.body.values()
                 if isinstance(found, dict)
                 and isinstance(found.get('message'), str)), '')[:500]
    if not said.isprintable():
        said = repr(said)
    kind = webob.exc.status_map.get(reply.status, webob.exc.HTTPBadRequest)
    return wsgi.Fault(kind(explanation=(
        f'Service provider {name}: {said or f"HTTP {reply.status}"}')))
