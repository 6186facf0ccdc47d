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

"""Request of a user to home's Glance."""

from collections.abc import Collection
import dataclasses
from typing import Any

from keystonemiddleware import opts as opts_of_keystone
from oslo_config import cfg
import webob

from mixmatch import api
from mixmatch import user_request
from mixmatch_glance import marks
from mixmatch_glance import routes

#: Bytes of a body that is kept, to be sent to another cloud after home. Only
#: the bits of images have more.
LARGEST = 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Place:
    """Place where home's Nova says that an image is.

    :param name: the service provider
    :param project_id: the project there by which the image is seen
    """

    name: str
    project_id: str

    @classmethod
    def parse(cls, text: str) -> 'Place | None':
        """Read the value of the header; None if it is malformed."""
        # NOTE: the id of a project has no such character.
        name, _, project_id = text.rpartition('/')
        return cls(name, project_id) if name and project_id else None


@dataclasses.dataclass(frozen=True)
class Request(user_request.UserRequest):
    """Request of a user.

    :param http: as home's Glance gets it
    :param context: Glance's context of the user
    :param place: where Glance itself asks for the image; None where the user
        does
    """

    http: webob.Request
    context: Any
    place: Place | None = dataclasses.field(default=None, kw_only=True)

    @property
    def is_from_service(self) -> bool:
        """Return whether a service of home asks, and not for a user."""
        return 'service' in self.context.roles


@dataclasses.dataclass(frozen=True)
class ListRequest(Request):
    """Request of a user for the list of images."""

    @classmethod
    def from_http(cls, http: webob.Request) -> 'ListRequest | None':
        """Return the request of a user; None if it is no such request."""
        context = context_of(http)
        if http.method != 'GET' or context is None or (
                routes.path_of(http) != routes.IMAGES):
            return None
        return cls(http, context)


@dataclasses.dataclass(frozen=True)
class CreateRequest(Request):
    """Request to create an image at a chosen cloud.

    Its context is None where nobody is known who could use one.

    :param values: the properties of the image, and the choice
    :param size: bytes of the body
    """

    values: dict[str, Any]
    size: int

    @classmethod
    def from_http(cls, http: webob.Request) -> 'CreateRequest | None':
        """Return the request; None if it is no such request."""
        if http.method != 'POST' or routes.path_of(http) != routes.IMAGES:
            return None
        # NOTE: parsed as Glance does. A key can be written in many ways.
        body = marks.read_body(http)
        values = marks.read_json(body)
        if not isinstance(values, dict) or api.CREATE_AT not in values:
            return None
        return cls(http, context_of(http), values, len(body))


@dataclasses.dataclass(frozen=True)
class UserRequest(Request):
    """Request of a user about an image.

    :param route: parts of its path
    """

    route: routes.Route

    @classmethod
    def from_http(cls, http: webob.Request) -> 'UserRequest | None':
        """Return the request of a user.

        :returns: None if it concerns only home, or has no token of a user in
            a project
        """
        route = routes.from_path(routes.path_of(http))
        context = context_of(http)
        if route is None or context is None:
            return None
        return cls(http, context, route)

    @property
    def operation(self) -> str:
        """Method and what is below the image, such as ``GET file``."""
        return f'{self.http.method} {self.route.below}'.strip()

    @property
    def is_upload(self) -> bool:
        """Return whether the body are the bits of the image."""
        return self.operation in ('PUT file', 'PUT stage')

    @property
    def brings_bits(self) -> bool:
        """Return whether the image would have bits by this request."""
        return self.is_upload or self.operation == 'POST import'

    def place_of_nova(self, service_roles: Collection[str]) -> Place | None:
        """Return where Nova says that the image is, for an administrator.

        A user could have any image of a service provider by it, so it counts
        only beside the service token of a service of home.

        :param service_roles: of such services
        :returns: None if it does not say so, or nobody who may
        """
        said = self.http.headers.get(api.IMAGE_HEADER)
        # NOTE: Keystone's middleware takes both from what a client sends.
        confirmed = (self.http.headers.get('X-Service-Identity-Status')
                     == 'Confirmed')
        roles = self.http.headers.get('X-Service-Roles', '').split(',')
        if (not said or not confirmed or not self.context.is_admin
                or self.operation not in ('GET', 'GET file')
                or set(service_roles).isdisjoint(roles)):
            return None
        return Place.parse(said)

    def at(self, place: Place) -> 'UserRequest':
        """Return the same request, for which Glance itself asks."""
        return dataclasses.replace(self, place=place)

    def keep_body(self) -> bool:
        """Keep the body for another cloud while home reads it.

        :returns: False if it cannot be kept: it is large, or of unknown
            length. Then only home gets it. Bits are not read here at all:
            home's Glance reads them only of an image that it has.
        """
        if self.is_upload:
            return False
        length = self.http.content_length
        if length is None:
            # NOTE: uWSGI gives chunks only to what asks for them, once.
            return 'Transfer-Encoding' not in self.http.headers
        if length > LARGEST:
            return False
        self.http.make_body_seekable()
        return True


def service_token_roles(conf: cfg.ConfigOpts) -> list[str]:
    """Return the roles of services of home, as Keystone's middleware does."""
    for group, opts in opts_of_keystone.list_auth_token_opts():
        # NOTE: it may not have been made yet.
        conf.register_opts([each for each in opts if each.dest
                            == 'service_token_roles'], group)
    return conf.keystone_authtoken.service_token_roles


def context_of(http: webob.Request) -> Any:
    """Return Glance's context of a user in a project; None if it has none."""
    # NOTE: of Glance's filter "context"; the pipelines without Keystone
    # have one without a token.
    context = getattr(http, 'context', None)
    if context is None or not context.auth_token or not context.project_id:
        return None
    return context
