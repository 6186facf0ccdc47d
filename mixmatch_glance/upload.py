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

"""Bits of an image that are sent on to its cloud.

They pass in bounded memory and are never written to a disk of home. A part of
them that has been sent cannot be taken back, so an upload that breaks off at
one end breaks off at the other, and the Glance there drops what it has: the
image waits for an upload again.
"""

import re

from oslo_log import log as logging
import webob

from mixmatch import exceptions
from mixmatch import federation
from mixmatch.http import upload
from mixmatch_glance import client_bits
from mixmatch_glance import faults
from mixmatch_glance import remote
from mixmatch_glance import user_request

LOG = logging.getLogger(__name__)

#: Headers about the bits, with the values that are sent on: the number of
#: bytes, and the store of that cloud where they are to be.
_HEADERS = {'X-OpenStack-Image-Size': re.compile(r'\d{1,19}'),
            'X-Image-Meta-Store': re.compile(r'[\w.-]{1,255}', re.ASCII)}


class InvalidHeader(exceptions.MixmatchException):
    """Error: a header of an upload cannot be sent on."""

    msg_fmt = 'The header %(name)s is invalid.'
    code = 400


class Uploads:
    """Sends bits of users on.

    :param clouds: the service providers of this process
    """

    def __init__(self, clouds: federation.Federation) -> None:
        self._clouds = clouds
        self._remote = remote.Client(clouds)

    def answer(self, request: user_request.UserRequest, name: str
               ) -> webob.Response:
        """Send the bits of a request on, and return the response.

        :param name: the service provider of the image
        :raises BrokenUpload, SlowUpload: the client does not send them
        :raises MixmatchException: the service provider does not take them
        """
        headers = _headers(request.http)
        path = f'{request.route.image.path}/{request.route.below}'
        seconds = self._clouds.service_provider(name).options.read_timeout
        with client_bits.ClientBits(request.http, seconds) as bits:
            body = (None if bits.length == 0
                    else upload.Upload(bits, bits.length))
            try:
                reply = self._remote.upload(name, request, path, headers,
                                            body)
            except exceptions.MixmatchException as exc:
                LOG.warning('The upload of %(image)s to service provider '
                            '%(sp)s is broken off, so that nobody takes it '
                            'for whole: %(reason)s',
                            {'image': request.route.image, 'sp': name,
                             'reason': exc})
                raise
        if reply.status >= 400:
            return faults.from_reply(name, reply)
        return webob.Response(status=204)


def _headers(http: webob.Request) -> dict[str, str]:
    """Return the headers about the bits.

    :raises InvalidHeader: one has another form than Glance's
    """
    found = {name: http.headers[name] for name in _HEADERS
             if name in http.headers}
    for name, value in found.items():
        if not _HEADERS[name].fullmatch(value):
            raise InvalidHeader(name=name)
    return found
