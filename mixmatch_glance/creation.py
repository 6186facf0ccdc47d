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

"""Images that users create at a chosen cloud.

The cloud is named by a property of the new image that has no other use. It is
not the one that says where an image lives: Nova and Cinder copy all properties
of the image that a server or a volume is made of to the images that they make
of these, which are home's. Nobody copies this one, since no image has it.

A request that names a cloud is never one to home, whatever becomes of it.
"""

from collections.abc import Callable
from typing import Any
import uuid

from oslo_serialization import jsonutils
import webob

from mixmatch import api
from mixmatch import exceptions
from mixmatch import federation
from mixmatch.http import unsent
from mixmatch import text
from mixmatch_glance import database
from mixmatch_glance import faults
from mixmatch_glance import foreign_image
from mixmatch_glance import marks
from mixmatch_glance import proxy
from mixmatch_glance import remote
from mixmatch_glance import routes
from mixmatch_glance import show
from mixmatch_glance import user_request

#: Header of a new image, by which clients know how to bring its bits.
METHODS = 'OpenStack-image-import-methods'


class TooLarge(exceptions.MixmatchException):
    """Error: the body of a request cannot be sent on."""

    msg_fmt = ('The properties of an image at service provider '
               '%(service_provider)s may have %(most)d bytes.')
    code = 413


class InvalidId(exceptions.MixmatchException):
    """Error: no image of another cloud is found by such an id."""

    msg_fmt = ('The id of an image at service provider %(service_provider)s '
               'has to be a UUID in lower case, with hyphens.')
    code = 400


class IdOfHome(exceptions.MixmatchException):
    """Error: the id is home's for all time."""

    msg_fmt = ('%(image)s exists in this cloud, or has existed: an image at '
               'service provider %(service_provider)s cannot have its id.')
    code = 409


class Protected(exceptions.MixmatchException):
    """Error: home would not show what the user sets."""

    msg_fmt = ('Property %(key)s is protected in this cloud, which does not '
               'show it on images of service provider %(service_provider)s.')
    code = 403


class PerhapsMade(exceptions.MixmatchException):
    """Error: there is no usable answer, but there may be an image."""

    msg_fmt = ('%(error)s. %(image)s may have been made there all the same: '
               'look (openstack image show) before you repeat it.')
    code = 503


class Creations:
    """Creates images at service providers.

    :param application: home's Glance, which knows its own import methods
    :param clouds: the service providers of this process
    :param view: shows images
    """

    def __init__(self, application: Callable, clouds: federation.Federation,
                 view: show.View) -> None:
        self._application = application
        self._clouds = clouds
        self._remote = remote.Client(clouds)
        self._view = view

    def answer(self, request: user_request.CreateRequest
               ) -> webob.Response:
        """Create an image, and return the response.

        :raises UnknownServiceProvider: the user may not use it
        :raises MixmatchException: it is not created, or perhaps
        """
        name = self._chosen(request)
        if request.size > user_request.LARGEST:
            raise TooLarge(service_provider=name, most=user_request.LARGEST)
        image = self._image(request, name)
        values = self._values(request, name)
        reply, made = self._send(request, name, image,
                                 {**values, 'id': image.id})
        if made is None:
            return faults.from_reply(name, reply)
        response = webob.Response(
            status=201, json=self._view.show(request, name, made))
        response.location = image.path
        methods = self._import_methods(request, reply)
        if methods:
            response.headers[METHODS] = ','.join(methods)
        return response

    def _chosen(self, request: user_request.CreateRequest) -> str:
        said = request.values[api.CREATE_AT]
        name = text.clean(said.strip() if isinstance(said, str)
                          else text.quoted(said))
        if request.context is None:
            raise exceptions.UnknownServiceProvider.not_one_of(
                name, self._clouds.names, ())
        self._clouds.check(name, request.requester)
        return name

    @staticmethod
    def _image(request: user_request.CreateRequest, name: str
               ) -> routes.Image:
        """Return the image that is to be made.

        Its id is chosen here, lest the service provider answers with that of
        another image, to which the client would then send its bits.
        """
        image_id = request.values.get('id', str(uuid.uuid4()))
        if not routes.is_id(image_id):
            raise InvalidId(service_provider=name)
        image = routes.Image(image_id)
        if database.ever_had([image_id]):
            raise IdOfHome(image=image.title, service_provider=name)
        return image

    def _values(self, request: user_request.CreateRequest, name: str
                ) -> dict[str, Any]:
        """Return the properties that the service provider is sent."""
        values = marks.without(request.values)
        # NOTE: the owner there is the project of the login.
        if values.get('owner') == request.project_id:
            del values['owner']
        for key in filter(foreign_image.is_shown, values):
            if not self._view.is_allowed(request.context, key):
                raise Protected(key=text.clean(key, foreign_image.LONGEST),
                                service_provider=name)
        return values

    def _send(self, request: user_request.CreateRequest, name: str,
              image: routes.Image, values: dict[str, Any]
              ) -> tuple[remote.Reply, foreign_image.ForeignImage | None]:
        """Send a request.

        :returns: the answer, and the image; None if it was refused
        """
        owner = request.owner(image.collection)
        try:
            reply = self._remote.send(name, request, 'POST', routes.IMAGES,
                                      jsonutils.dump_as_bytes(values))
        except exceptions.ServiceProviderUnavailable as exc:
            if unsent.was_never_sent(exc):
                raise
            self._clouds.holdings.add(owner, name)
            raise PerhapsMade(error=exc, image=image.title,
                              code=exc.code) from exc
        if reply.status >= 400:
            return reply, None
        self._clouds.holdings.add(owner, name)
        try:
            return reply, foreign_image.ForeignImage.from_reply(name, image,
                                                                reply)
        except exceptions.ServiceProviderUnavailable as exc:
            raise PerhapsMade(error=exc, image=image.title,
                              code=exc.code) from exc

    def _import_methods(self, request: user_request.CreateRequest,
                        reply: remote.Reply) -> list[str]:
        """Return the methods of import that both clouds take."""
        http = request.http.copy_get()
        http.path_info, http.query_string = '/v2/info/import', ''
        response = http.get_response(self._application)
        if response.status_int != 200:
            return []
        here = response.json['import-methods']['value']
        there = reply.headers.get(METHODS, '').split(',')
        return [each for each in proxy.IMPORTS
                if each in here and each in there]
