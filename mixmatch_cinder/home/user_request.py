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

"""Request of a user to home's Cinder, read once."""

import dataclasses
import functools
from typing import Any
from urllib import parse

from cinder.api.openstack import wsgi
from cinder import exception
from oslo_serialization import jsonutils
import webob

from mixmatch import exceptions
from mixmatch import federation
from mixmatch import user_request
from mixmatch_cinder.home import routes
from mixmatch_cinder.home import zones


@dataclasses.dataclass(frozen=True)
class UserRequest(user_request.UserRequest):
    """Request of a user about volumes and snapshots.

    :param http: as home's Cinder gets it
    :param route: parts of its path
    :param context: Cinder's context of the user
    :param microversion: the one that home would answer in
    :param clouds: the service providers of this process
    """

    http: webob.Request
    route: routes.Route
    context: Any
    microversion: str
    clouds: federation.Federation

    @classmethod
    def from_http(cls, http: webob.Request, clouds: federation.Federation
                  ) -> 'UserRequest | None':
        """Return the request of a user.

        :returns: None if it concerns only home, has no token of a user, or
            names a project or a microversion that home refuses
        """
        try:
            route = routes.from_path(http.path_info)
        except UnicodeDecodeError:
            # NOTE: Cinder itself says what is wrong with such a path.
            return None
        context = http.environ.get('cinder.context')
        if (route is None or context is None or not context.auth_token
                or route.project not in ('', context.project_id)):
            return None
        microversion = _microversion(http)
        if microversion is None:
            return None
        return cls(http, route, context, microversion, clouds)

    @functools.cached_property
    def zones(self) -> zones.Zones:
        """The names of availability zones."""
        return zones.Zones(self.clouds, self.context)

    def identity(self, name: str) -> tuple[str | None, str | None]:
        """Return the project and the user at a service provider.

        :returns: of the login that is kept; None and None if there is none
        """
        if name not in self._identities:
            try:
                found = self.clouds.user_login(
                    name, self.requester).get_access(None)
                self._identities[name] = found.project_id, found.user_id
            except exceptions.MixmatchException:
                # NOTE: what is to be shown has been fetched already.
                self._identities[name] = None, None
        return self._identities[name]

    @functools.cached_property
    def _identities(self) -> dict[str, tuple[str | None, str | None]]:
        return {}

    @property
    def is_from_service(self) -> bool:
        """Return True if a service of home acts for a user by a service token.

        A service may also send a request without a service token.
        """
        # NOTE: set by keystonemiddleware, which removes it from client
        # requests.
        return self.http.headers.get(
            'X-Service-Identity-Status') == 'Confirmed'

    @functools.cached_property
    def body(self) -> dict[str, Any]:
        """The JSON object of the request; an empty one if it has none.

        It has none if Cinder would not read it, for its type.
        """
        if self.http.content_type not in wsgi.SUPPORTED_CONTENT_TYPES:
            return {}
        try:
            found = jsonutils.loads(self.http.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def member(self, name: str) -> dict[str, Any]:
        """Return an object in the body; an empty one if there is none."""
        found = self.body.get(name)
        return found if isinstance(found, dict) else {}

    def with_query(self, changes: dict[str, str | None]) -> webob.Request:
        """Return a copy for home with changed query parameters.

        :param changes: by name; None removes a parameter
        """
        pairs = [(name, value) for name, value in self.http.GET.items()
                 if name not in changes]
        pairs += [(name, value) for name, value in changes.items()
                  if value is not None]
        copy = self.http.copy()
        # NOTE: copy.GET would still be that of the original request.
        copy.query_string = parse.urlencode(pairs)
        return copy


def _microversion(http: webob.Request) -> str | None:
    """Return the microversion of a request; None if home refuses it."""
    # NOTE: the faults that this filter makes take it from there as well.
    request = wsgi.Request(http.environ)
    try:
        request.set_api_version_request(http.url)
    except (exception.CinderException, ValueError):
        return None
    return request.api_version_request.get_string()
