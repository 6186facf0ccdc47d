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

"""Requests to the Glance of a service provider on behalf of a user.

Where home's Nova works without the user, Glance's own user asks there.
"""

import dataclasses
from typing import Any

from keystoneauth1 import adapter as ksa_adapter
import requests

from mixmatch import exceptions
from mixmatch import federation
from mixmatch.http import download
from mixmatch.http import transport
from mixmatch.http import upload
from mixmatch.login import auth_plugin
from mixmatch import services
from mixmatch_glance import user_request


@dataclasses.dataclass(frozen=True)
class Reply:
    """Response of a service provider.

    :param status: HTTP status; less than 500, and no redirection, nor 401
    :param body: JSON object; empty if there is none
    :param project_id: the project of the user there
    :param headers: of the response
    :param pieces: bits of an image, which whoever gets it closes
    """

    status: int
    body: dict[str, Any]
    project_id: str
    headers: Any = dataclasses.field(default_factory=dict)
    pieces: download.Download | None = None


class Client:
    """Sends requests to service providers on behalf of users.

    :param clouds: the service providers of this process
    """

    def __init__(self, clouds: federation.Federation) -> None:
        self._clouds = clouds

    def send(self, name: str, request: user_request.Request, method: str,
             path: str, body: bytes = b'', content_type: str | None = None
             ) -> Reply:
        """Send a request.

        :param request: at home, whose user it is sent for
        :param path: of the API, with the version
        :raises Refused: the user has no access
        :raises ServiceProviderUnavailable: it did not answer
        :raises ServiceProviderFailed: it answered with an error
        """
        headers = {'Accept': 'application/json'}
        more: dict[str, Any] = {}
        if body:
            headers['Content-Type'] = content_type or 'application/json'
            more['data'] = body
        project_id, response = self._request(name, request, path, method,
                                             headers=headers, **more)
        return Reply(response.status_code, _body(name, response), project_id,
                     response.headers)

    def open(self, name: str, request: user_request.Request, path: str,
             byte_range: str | None) -> Reply:
        """Begin to read the bits of an image.

        :param byte_range: header ``Range``; None for all
        :raises MixmatchException: as of :meth:`send`
        """
        headers = {'Accept': '*/*'}
        if byte_range:
            headers['Range'] = byte_range
        project_id, response = self._request(name, request, path, 'GET',
                                             headers=headers, stream=True)
        pieces = getattr(response, 'pieces', None)
        return Reply(response.status_code,
                     {} if pieces else _body(name, response), project_id,
                     response.headers, pieces)

    def upload(self, name: str, request: user_request.Request, path: str,
               headers: dict[str, str], bits: upload.Upload | None) -> Reply:
        """Send the bits of an image.

        :param headers: about them
        :param bits: None for an image without bits
        :raises MixmatchException: as of :meth:`send`, or of the bits
        """
        # NOTE: nothing can be sent a second time, also not with another login
        # after a 401. This one is fresh: the image was just looked for by it.
        project_id, response = self._request(
            name, request, path, 'PUT', allow_reauth=False, data=bits,
            headers={**headers, 'Accept': 'application/json',
                     'Content-Type': 'application/octet-stream'})
        return Reply(response.status_code, _body(name, response), project_id)

    def project_id(self, name: str, request: user_request.Request) -> str:
        """Return the project of a user at a service provider.

        :raises MixmatchException: as of :meth:`send`
        """
        return self._login(name, request).get_access(None).project_id

    def _login(self, name: str, request: user_request.Request
               ) -> auth_plugin.LoginPlugin:
        if request.place:
            return self._clouds.service_login(name, request.place.project_id)
        return self._clouds.user_login(name, request.requester)

    def _request(self, name: str, request: user_request.Request,
                 path: str, method: str, **kwargs: Any
                 ) -> tuple[str, requests.Response]:
        user = self._login(name, request)
        adapter: ksa_adapter.Adapter = self._clouds.service_provider(
            name).adapter(services.IMAGE, user,
                          global_request_id=request.global_request_id)
        response = adapter.request(path, method, raise_exc=False, **kwargs)
        status = response.status_code
        failure = f'its Glance answered HTTP {status}'
        if status in (401, *transport.DEAD) or 300 <= status < 400:
            raise unusable(name, failure)
        if status >= 500:
            raise exceptions.ServiceProviderFailed(service_provider=name,
                                                   reason=failure)
        return user.get_access(None).project_id, response


def _body(name: str, response: requests.Response) -> dict[str, Any]:
    try:
        found = response.json() if response.content else {}
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found
    # NOTE: some errors of Glance are pages for people.
    if response.status_code >= 400:
        return {}
    raise unusable(name, 'its Glance answered without a JSON object')


def unusable(name: str, reason: str
             ) -> exceptions.ServiceProviderUnavailable:
    """Return the error for a response that cannot be used."""
    return exceptions.ServiceProviderUnavailable(service_provider=name,
                                                 reason=reason)
