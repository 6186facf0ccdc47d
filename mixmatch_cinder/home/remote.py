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

"""One request to the Cinder of another cloud, as the user."""

import dataclasses
from typing import Any

from cinderclient import api_versions
import webob

from mixmatch import exceptions
from mixmatch import federation
from mixmatch.http import transport
from mixmatch_cinder.home import routes


@dataclasses.dataclass(frozen=True)
class Who:
    """Who asks, and in which version of the API.

    :param context: of the user's request at home
    :param microversion: that the request asks for
    :param token_info: the body of the user's token, where it is known
    """

    context: Any
    microversion: str = '3.0'
    token_info: dict[str, Any] | None = None

    @classmethod
    def of(cls, request: webob.Request) -> 'Who | None':
        """The user of a request; None if nobody can be asked in his name."""
        context = request.environ.get('cinder.context')
        if context is None or not context.auth_token:
            return None
        return cls(context, routes.microversion(request),
                   request.environ.get('keystone.token_info') or {})

    @property
    def project_id(self) -> str:
        return self.context.project_id

    def may_use(self, clouds: federation.Federation) -> list[str]:
        """The service providers that are configured and in the token."""
        offered = clouds.offered(self.token_info or {})
        return [name for name in clouds.names if name in offered]


@dataclasses.dataclass(frozen=True)
class Reply:
    """What another cloud answered.

    :param status: of HTTP; less than 500, and not 401
    :param body: the JSON object; an empty one if there was none
    """

    status: int
    body: dict[str, Any]


class Partner:
    """Asks one service provider, as the user.

    :param clouds: the service providers of this process
    """

    def __init__(self, clouds: federation.Federation) -> None:
        self._clouds = clouds

    def send(self, name: str, who: Who, method: str, path: str,
             body: dict[str, Any] | None = None,
             needs: str = '3.0') -> Reply:
        """Send a request; an older Cinder answers in its newest version.

        :param path: below the endpoint, with the query
        :param needs: the microversion that it cannot do without
        :raises Refused: the user may not enter
        :raises MicroversionNotSupported: it is too old
        :raises ServiceProviderUnavailable: it did not answer
        :raises ServiceProviderFailed: it answered that it could not do this
        """
        there = self._clouds.service_provider(name)
        user = self._clouds.user_login(name, who.context.auth_token,
                                       who.project_id, who.token_info)
        highest = api_versions.APIVersion(there.highest_microversion(user))
        if highest < api_versions.APIVersion(needs):
            raise exceptions.MicroversionNotSupported(
                service_provider=name, needed=needs,
                highest=highest.get_string())
        wanted = min(api_versions.APIVersion(who.microversion), highest)
        client = there.volume_client(
            user, wanted.get_string(), global_request_id=(
                who.context.global_request_id or who.context.request_id))
        more = {} if body is None else {'body': body}
        response, answer = client.client.request(
            path, method, authenticated=True, raise_exc=False, **more)
        failure = f'its Cinder answered HTTP {response.status_code}'
        if response.status_code in (401, *transport.DEAD):
            raise unusable(name, failure)
        if response.status_code >= 500:
            # NOTE: it may be about this request alone; a name with half a
            # surrogate pair is a 500 of any Cinder.
            raise exceptions.ServiceProviderFailed(service_provider=name,
                                                   reason=failure)
        if answer is None and not response.content:
            answer = {}
        if not isinstance(answer, dict):
            raise unusable(name, 'its Cinder answered no JSON object')
        return Reply(response.status_code, answer)


def unusable(name: str, reason: str
             ) -> exceptions.ServiceProviderUnavailable:
    """The error for an answer that says nothing of what was asked."""
    return exceptions.ServiceProviderUnavailable(service_provider=name,
                                                 reason=reason)
