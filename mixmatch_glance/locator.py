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

"""Location of an image that home does not have."""

from mixmatch import exceptions
from mixmatch import federation
from mixmatch import locator
from mixmatch_glance import foreign_image
from mixmatch_glance import remote
from mixmatch_glance import routes
from mixmatch_glance import user_request


class Locator(locator.Locator):
    """Finds images at service providers."""

    def __init__(self, clouds: federation.Federation, size: int = 10_000,
                 seconds: float = 3600) -> None:
        super().__init__(clouds, size, seconds)
        self._remote = remote.Client(clouds)

    def ask(self, request: user_request.UserRequest, resource: routes.Image,
            name: str) -> foreign_image.ForeignImage | None:
        """Return an image; None if this user may see none there."""
        try:
            reply = self._remote.send(name, request, 'GET', resource.path)
        except exceptions.ServiceNotOffered:
            # NOTE: a cloud that lends volumes only is no reason to wait.
            return None
        if reply.status == 404:
            return locator.NOT_FOUND
        # NOTE: a policy there that lets this user see no image.
        if reply.status == 403:
            return None
        if reply.status != 200:
            raise remote.unusable(
                name, f'its Glance answered HTTP {reply.status}')
        return foreign_image.ForeignImage.from_reply(name, resource, reply)
