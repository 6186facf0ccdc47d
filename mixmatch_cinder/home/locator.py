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

"""Location of a volume or a snapshot that home does not have."""

from typing import Any

from mixmatch import federation
from mixmatch import locator
from mixmatch_cinder.home import remote
from mixmatch_cinder.home import routes
from mixmatch_cinder.home import user_request


class Locator(locator.Locator):
    """Finds volumes and snapshots at service providers."""

    def __init__(self, clouds: federation.Federation, size: int = 10_000,
                 seconds: float = 3600) -> None:
        super().__init__(clouds, size, seconds)
        self._remote = remote.Client(clouds)

    def ask(self, request: user_request.UserRequest,
            resource: routes.Resource, name: str) -> dict[str, Any]:
        """Return the body of a resource."""
        reply = self._remote.send(name, request, 'GET', resource.path)
        if reply.status == 404:
            return locator.NOT_FOUND
        if reply.status != 200:
            raise remote.unusable(
                name, f'its Cinder answered HTTP {reply.status}')
        found = reply.body.get(resource.kind.member)
        if not isinstance(found, dict) or found.get('id') != resource.id:
            raise remote.unusable(
                name,
                f'its Cinder answered with an invalid body for {resource}')
        return found
