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
import re
from typing import Any

import requests

from mixmatch import exceptions
from mixmatch import federation
from mixmatch.http import transport
from mixmatch.http import unsent
from mixmatch.listing import partial
from mixmatch import services
from mixmatch import text
from mixmatch_cinder.home import routes
from mixmatch_cinder.home import user_request


@dataclasses.dataclass(frozen=True)
class Reply:
    """Response of a service provider.

    :param status: HTTP status; less than 500, and not 401
    :param body: JSON object; empty if there is none
    :param microversion: of the response
    :param etag: of the resource; empty if there is none
    """

    status: int
    body: dict[str, Any]
    microversion: str = '3.0'
    etag: str = ''


class AnswerLost(exceptions.ServiceProviderUnavailable):
    """Error: a change without an answer may have been made."""

    msg_fmt = '%(error)s'


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
        :raises AnswerLost: the same of a request that changes something, if
            it may have been carried out
        """
        provider = self._clouds.service_provider(name)
        user = self._clouds.user_login(name, request.requester)
        microversion = provider.negotiate(
            services.VOLUME, user, request.microversion, needs)
        adapter = provider.adapter(services.VOLUME, user, microversion,
                                   request.global_request_id)
        more = {} if body is None else {'json': body}
        headers = {'Accept': 'application/json'}
        if method != 'GET' and 'If-Match' in request.http.headers:
            headers['If-Match'] = request.http.headers['If-Match']
        kind = path.removeprefix('/')
        made = method == 'POST' and kind in routes.KINDS
        try:
            response = adapter.request(path, method, headers=headers,
                                       raise_exc=False, **more)
            made = made and not 400 <= response.status_code < 500
        except exceptions.ServiceProviderUnavailable as exc:
            if method == 'GET' or unsent.was_never_sent(exc):
                raise
            raise _answer_lost(exc) from exc
        finally:
            # NOTE: also if the answer is lost; it may have been made.
            if made:
                self._clouds.holdings.add(request.owner(kind), name)
        try:
            return Reply(response.status_code, _body(name, response),
                         microversion, _etag(response))
        except exceptions.ServiceProviderUnavailable as exc:
            if method == 'GET' or response.status_code == 401:
                raise
            raise _answer_lost(exc) from exc


def _answer_lost(exc: exceptions.ServiceProviderUnavailable) -> AnswerLost:
    return AnswerLost(service_provider=vars(exc)['service_provider'],
                      error=exc, code=exc.code)


def _body(name: str, response: requests.Response) -> dict[str, Any]:
    """Return the JSON object of a response.

    :param name: of the service provider
    :raises ServiceProviderUnavailable: there is none, or it cannot answer
    :raises ServiceProviderFailed: it answered with an error
    """
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
    return answer


def _etag(response: requests.Response) -> str:
    """Return the ETag of a response; empty if it has no valid one."""
    found = response.headers.get('Etag', '')
    return found if re.fullmatch(r'"?[!#-~]{1,80}"?', found) else ''


def check_list(name: str, reply: Reply, has_choice: bool) -> None:
    """Check the status of a list, or of a sum, of a service provider.

    ======== ================================================================
    Status   Meaning
    ======== ================================================================
    200      The part of the service provider.
    400      Its Cinder does not know a filter or a sort key that the client
             has chosen: the client's error, and no outage. If the client has
             chosen none, the part is missing.
    401      Not reached: a new login was rejected, too; the part is missing.
    403      A policy there does not let the user list: the part is missing,
             since it may hold something.
    404      No Cinder answers at that URL; the part is missing. (With a
             marker, which the caller looks at first: its row was deleted.)
    413, 429 Too many requests; the part is missing, until later.
    5xx      Not reached: an outage, or an error of this request; the part is
             missing.
    ======== ================================================================

    :param has_choice: whether the client has chosen filters or sort keys
    :raises RequestRejected: the client has to change its request
    :raises ServiceProviderUnavailable: the part is missing
    """
    status = reply.status
    if status == 200:
        return
    if status == 400 and has_choice:
        raise partial.RequestRejected(service_provider=name,
                                      said=said(reply).rstrip('.'))
    if status in (403, 413, 429):
        raise exceptions.ServiceProviderFailed(
            service_provider=name,
            reason=f'its Cinder answered HTTP {status}: {said(reply)}')
    raise unusable(name, f'its Cinder answered HTTP {status}')


def said(reply: Reply) -> str:
    """Return the message in an error of a service provider."""
    message = next((found['message'] for found in reply.body.values()
                    if isinstance(found, dict)
                    and isinstance(found.get('message'), str)), '')
    return text.clean(message) or f'HTTP {reply.status}'


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
