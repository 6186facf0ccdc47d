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

"""Keystoneauth session to one other cloud, with errors that name it."""

from typing import Any

from keystoneauth1 import exceptions as ksa_exceptions
from keystoneauth1 import session as ksa_session
from oslo_context import context as oslo_context
import requests

from mixmatch import deadline
from mixmatch import exceptions
from mixmatch.http import transport

#: What may be sent again by ``connect_retries``: it changes nothing.
_REPEATED = ('GET', 'HEAD')


class CloudSession(ksa_session.Session):
    """Session that logs no secret, keeps timeouts, and names the cloud.

    :param service_provider: the name of the cloud, for errors
    :param timeout: seconds to wait for (a connection, an answer)
    :param there: sends to the service provider
    :param home: where a login begins; None if this session never goes there
    """

    def __init__(self, service_provider: str, timeout: tuple[float, float],
                 there: transport.Transport,
                 home: transport.HomeKeystone | None = None,
                 **kwargs: Any) -> None:
        # NOTE: no redirections. They would lead the services of this cloud
        # wherever the other one wants, inside this cloud as well.
        super().__init__(session=there, redirect=False, **kwargs)
        self.service_provider = service_provider
        self._timeout = timeout
        self._home = home

    def request(self, url: str, method: str,
                **kwargs: Any) -> requests.Response:
        """Send a request; the parameters are those of keystoneauth.

        :raises ServiceProviderUnavailable: the service provider did not
            answer in time, or not in HTTP, or has not lately
        :raises HomeUnavailable: the same of home's Keystone, or it is broken
        """
        # NOTE: at DEBUG keystoneauth logs the body of the request for an
        # assertion, which holds the user's token.
        kwargs['log'] = False
        kwargs.setdefault('timeout', self._timeout)
        kwargs['headers'] = _with_request_id(kwargs.get('headers'))
        if method not in _REPEATED or deadline.is_set():
            # NOTE: keystoneauth repeats whatever got no answer in time,
            # though it may have been done, and sleeps in between.
            kwargs['connect_retries'] = 0
        try:
            response = super().request(url, method, **kwargs)
        except exceptions.ConnectionFailure:
            raise
        except ksa_exceptions.ConnectionError as exc:
            if self._is_home(url):
                raise exceptions.HomeUnavailable(reason=_short(exc)) from exc
            reason = _short(exc)
            if isinstance(exc, ksa_exceptions.SSLError):
                reason += (' (see cafile in '
                           f'[service_provider:{self.service_provider}])')
            raise exceptions.ServiceProviderUnavailable(
                service_provider=self.service_provider,
                reason=reason) from exc
        except ksa_exceptions.HttpError as exc:
            if exc.http_status >= 500 and self._is_home(url):
                raise exceptions.HomeUnavailable(
                    reason=f'HTTP {exc.http_status}') from exc
            raise
        if response.status_code >= 500 and self._is_home(url):
            raise exceptions.HomeUnavailable(
                reason=f'HTTP {response.status_code}')
        if response.headers.get('Content-Type') == 'text/xml':
            # NOTE: Keystone names no charset for an assertion, and without
            # one requests takes it for Latin-1 (RFC 2616). Names outside
            # ASCII would no longer be what is signed.
            response.encoding = 'utf-8'
        return response

    def _is_home(self, url: str) -> bool:
        # A path without a host is keystoneauth's request for the assertion.
        return self._home is not None and (
            url.startswith('/') or self._home.has(url))


def _short(exc: Exception) -> str:
    """Return the text of keystoneauth's error with its root cause."""
    said = str(exc).partition(': ')[0][:300]
    cause = transport.root_cause(exc.__context__) if exc.__context__ else ''
    return f'{said}: {cause}' if cause else said


def _with_request_id(headers: dict[str, str] | None) -> dict[str, str]:
    headers = dict(headers or {})
    current = oslo_context.get_current()
    if current is not None and current.global_id:
        headers.setdefault(transport.REQUEST_ID, current.global_id)
    return headers
