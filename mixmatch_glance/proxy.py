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

"""Requests that change images of service providers.

They are sent with the user's own rights, so the service provider decides.
Bits themselves are another matter (:mod:`mixmatch_glance.upload`). What is
about the stores, tasks or other regions of that cloud is refused: home shows
none of these, so nobody could see here what has become of it.
"""

from collections.abc import Callable
import re
from typing import Any
from urllib import parse

from oslo_serialization import jsonutils
import webob
import webob.exc

from mixmatch import exceptions
from mixmatch import federation
from mixmatch import text
from mixmatch_glance import faults
from mixmatch_glance import foreign_image
from mixmatch_glance import marks
from mixmatch_glance import remote
from mixmatch_glance import show
from mixmatch_glance import user_request

#: Requests that are sent on, as ``METHOD below``.
_ALLOWED = re.compile(
    r'PATCH|DELETE|(PUT|DELETE) tags/[^/]+|POST actions/(de|re)activate|'
    r'(GET|POST) members|(GET|PUT|DELETE) members/[^/]+|POST import')

#: Methods of import: of bits that have been staged, and of those that the
#: Glance there reads at a URL. The others copy from stores and regions.
IMPORTS = ('glance-direct', 'web-download')

#: Types of bodies of PATCH.
_PATCH = re.compile(r'application/openstack-images-v2\.\d-json-patch')

#: Fields of a member, all of them texts.
_MEMBER = ('member_id', 'status', 'created_at', 'updated_at', 'image_id')

#: Commands that do at the service provider what is refused here.
_COMMANDS = {'POST import': 'image import', 'GET tasks': 'image task list',
             'DELETE store': 'image delete --store'}


class NotFromHome(exceptions.MixmatchException):
    """Error: the operation is possible only at the service provider."""

    msg_fmt = ('%(image)s lives at service provider %(service_provider)s; '
               '%(operation)s is not possible from this cloud. Use that cloud '
               'directly: openstack --os-service-provider '
               '%(service_provider)s %(command)s ...')
    code = 400


class NotAProperty(exceptions.MixmatchException):
    """Error: a request changes what only mixmatch sets."""

    msg_fmt = ('%(image)s lives at service provider %(service_provider)s; '
               'properties os-mixmatch:... say so, and cannot be changed.')
    code = 400


class NoLength(exceptions.MixmatchException):
    """Error: the body of a request cannot be sent on."""

    msg_fmt = ('%(image)s lives at service provider %(service_provider)s; a '
               'request to change it must have a Content-Length of at most '
               '%(most)d.')
    code = 411


class Proxy:
    """Sends requests of users on to the cloud of their image.

    :param clouds: the service providers of this process
    :param view: shows images
    """

    def __init__(self, clouds: federation.Federation, view: show.View
                 ) -> None:
        self._remote = remote.Client(clouds)
        self._view = view

    def answer(self, request: user_request.UserRequest, name: str,
               image: foreign_image.ForeignImage, has_body: bool
               ) -> webob.Response | Callable:
        """Send a request on, and return the response.

        :param name: the service provider of the image
        :param has_body: the body of the request has been kept
        :raises MixmatchException: the operation is refused, or not answered
        """
        said = {'image': request.route.image.title, 'service_provider': name}
        operation = request.operation
        if not _ALLOWED.fullmatch(operation):
            raise NotFromHome(
                operation=operation,
                command=_COMMANDS.get(operation, 'image'), **said)
        if not has_body:
            raise NoLength(most=user_request.LARGEST, **said)
        body, content_type = request.http.body, 'application/json'
        if operation == 'POST import':
            method = _import_method(body)
            if method not in IMPORTS:
                raise NotFromHome(operation=f'import by {method}',
                                  command=_COMMANDS[operation], **said)
        if operation == 'PATCH':
            content_type = request.http.content_type
            # NOTE: home has refused all others already.
            if not _PATCH.fullmatch(content_type):
                raise webob.exc.HTTPUnsupportedMediaType()
            if marks.changes(body):
                raise NotAProperty(**said)
        path, body = _with_project(request, body, image.project_id)
        reply = self._remote.send(name, request, request.http.method, path,
                                  body, content_type)
        if reply.status >= 400:
            return faults.from_reply(name, reply)
        return self._response(request, name, reply)

    def _response(self, request: user_request.UserRequest, name: str,
                  reply: remote.Reply) -> webob.Response:
        response = webob.Response(status=reply.status)
        if reply.status == 204 or request.operation == 'POST import':
            return response
        if request.operation == 'PATCH':
            shown = self._view.show(
                request, name, foreign_image.ForeignImage.from_reply(
                    name, request.route.image, reply))
        elif request.operation == 'GET members':
            members = reply.body.get('members')
            if not isinstance(members, list):
                raise remote.unusable(name, 'its Glance answered with no '
                                            'members')
            shown = {'members': [_member(request, name, reply, each)
                                 for each in members],
                     'schema': '/v2/schemas/members'}
        else:
            shown = _member(request, name, reply, reply.body)
        response.content_type = 'application/json'
        response.json = shown
        return response


def _member(request: user_request.UserRequest, name: str,
            reply: remote.Reply, body: Any) -> dict[str, str]:
    """Return a member of an image, as home's Glance shows it."""
    if (not isinstance(body, dict)
            or not all(isinstance(body.get(key), str) for key in _MEMBER)
            or body['image_id'] != request.route.image.id):
        raise remote.unusable(name, 'its Glance answered with an invalid '
                                    f'member of {request.route.image}')
    shown = {key: body[key] for key in _MEMBER}
    if shown['member_id'] == reply.project_id:
        shown['member_id'] = request.project_id
    return {**shown, 'schema': '/v2/schemas/member'}


def _with_project(request: user_request.UserRequest, body: bytes,
                  project_id: str) -> tuple[str, bytes]:
    """Name the user's project there where a request names that of home.

    Clients accept an image for the project of their token.

    :returns: path and body
    """
    image, below = request.route.image, request.route.below
    if below == f'members/{request.project_id}':
        below = f'members/{project_id}'
    if request.operation == 'POST members':
        found = marks.read_json(body)
        if isinstance(found, dict) and (
                found.get('member') == request.project_id):
            body = jsonutils.dump_as_bytes({**found, 'member': project_id})
    # NOTE: a tag may have characters that a path has not. One of dots would
    # be taken for the way to another resource.
    if below.rpartition('/')[2] in ('.', '..'):
        raise webob.exc.HTTPNotFound()
    return (f'{image.path}/{parse.quote(below)}' if below else image.path,
            body)


def _import_method(body: bytes) -> str:
    """Return the method of a request to import bits."""
    found = marks.read_json(body)
    method = found.get('method') if isinstance(found, dict) else None
    name = method.get('name') if isinstance(method, dict) else None
    return name if isinstance(name, str) else text.quoted(name)
