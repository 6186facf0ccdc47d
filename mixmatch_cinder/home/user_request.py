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
import re
from typing import Any
from urllib import parse

from oslo_serialization import jsonutils
import webob

from mixmatch import requester as mixmatch_requester
from mixmatch_cinder.home import routes


@dataclasses.dataclass(frozen=True)
class UserRequest:
    """Request of a user about volumes and snapshots.

    :param http: as home's Cinder gets it
    :param route: parts of its path
    :param context: Cinder's context of the user
    """

    http: webob.Request
    route: routes.Route
    context: Any

    @classmethod
    def from_http(cls, http: webob.Request) -> 'UserRequest | None':
        """Return the request of a user.

        :returns: None if it concerns only home, or has no token of a user
        """
        route = routes.from_path(http.path_info)
        context = http.environ.get('cinder.context')
        if route is None or context is None or not context.auth_token:
            return None
        return cls(http, route, context)

    @functools.cached_property
    def requester(self) -> mixmatch_requester.Requester:
        """The user, as the core knows it."""
        return mixmatch_requester.Requester.from_context(
            self.context, self.http.environ.get('keystone.token_info'))

    @property
    def project_id(self) -> str:
        """The project of the user at home."""
        return self.requester.project_id

    @property
    def global_request_id(self) -> str:
        """Id that joins the logs of both clouds."""
        return self.context.global_request_id or self.context.request_id

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
    def microversion(self) -> str:
        """The microversion; 3.0 if the request names none."""
        header = self.http.headers.get('OpenStack-API-Version', '')
        match = re.search(r'\bvolume\s+(3\.\d+)', header)
        if match:
            return match[1]
        latest = re.search(r'\bvolume\s+latest\b', header)
        return '3.9999' if latest else '3.0'

    @functools.cached_property
    def body(self) -> dict[str, Any]:
        """The JSON object of the request; an empty one if it has none."""
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
