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

"""Requests to the Cinder of a service provider on behalf of a user."""

import dataclasses
from typing import Any

import requests

from mixmatch import exceptions
from mixmatch import federation
from mixmatch.http import transport
from mixmatch import services
from mixmatch_cinder.home import user_request


@dataclasses.dataclass(frozen=True)
class Reply:
    """Response of a service provider.

    :param status: HTTP status; less than 500, and not 401
    :param body: JSON object; empty if there is none
    """

    status: int
    body: dict[str, Any]


class Client:
    """Sends requests to service providers on behalf of users.

    :param clouds: the service providers of this process
    """

    def __init__(self, clouds: federation.Federation) -> None:
        self._clouds = clouds

    def send(self, name: str, request: user_request.UserRequest, method: str,
             path: str, body: dict[str, Any] | None = None,
             needs: str = '3.0') -> Reply:
        """Send a request in the highest microversion that both sides support.

        :param request: at home, whose user it is sent for
        :param path: below the endpoint, with the query
        :param needs: the lowest microversion with the requested feature
        :raises Refused: the user has no access
        :raises MicroversionNotSupported: the service provider is too old
        :raises ServiceProviderUnavailable: it did not answer
        :raises ServiceProviderFailed: it answered with an error
        """
        provider = self._clouds.service_provider(name)
        user = self._clouds.user_login(name, request.requester)
        microversion = provider.negotiate(
            services.VOLUME, user, request.microversion, needs)
        adapter = provider.adapter(services.VOLUME, user, microversion,
                                   request.global_request_id)
        more = {} if body is None else {'json': body}
        response = adapter.request(
            path, method, headers={'Accept': 'application/json'},
            raise_exc=False, **more)
        failure = f'its Cinder answered HTTP {response.status_code}'
        if response.status_code in (401, *transport.DEAD):
            raise unusable(name, failure)
        if response.status_code >= 500:
            # NOTE: the error may concern only this request: any Cinder answers
            # a name with half a surrogate pair with 500.
            raise exceptions.ServiceProviderFailed(service_provider=name,
                                                   reason=failure)
        answer = _json(response)
        if not isinstance(answer, dict):
            raise unusable(name, 'its Cinder answered without a JSON object')
        return Reply(response.status_code, answer)


def _json(response: requests.Response) -> Any:
    """Return the body of a response; None if it is not valid JSON."""
    try:
        return response.json() if response.content else {}
    except ValueError:
        return None


def unusable(name: str, reason: str
             ) -> exceptions.ServiceProviderUnavailable:
    """Return the error for a response that cannot be used."""
    return exceptions.ServiceProviderUnavailable(service_provider=name,
                                                 reason=reason)
