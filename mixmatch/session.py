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

"""HTTP to one service of one other cloud."""

from collections.abc import Iterator
import contextlib
import contextvars
import functools
from http import client as http_client
from http import cookiejar
import time
from typing import Any
from urllib import parse

from keystoneauth1 import exceptions as ksa_exceptions
from keystoneauth1 import session as ksa_session
from oslo_context import context as oslo_context
from oslo_log import log as logging
import requests

from mixmatch import exceptions
from mixmatch import health
from mixmatch import metrics

LOG = logging.getLogger(__name__)

REQUEST_ID = 'X-OpenStack-Request-ID'

#: What a proxy in front of a dead service answers.
DEAD = (502, 503, 504)

#: When the caller loses interest, on the clock of time.monotonic().
_DEADLINE: contextvars.ContextVar[float | None] = contextvars.ContextVar(
    'mixmatch_deadline', default=None)


@contextlib.contextmanager
def deadline(at: float) -> Iterator[None]:
    """No request of this thread waits beyond a point in time.

    :param at: on the clock of time.monotonic()
    """
    token = _DEADLINE.set(at)
    try:
        yield
    finally:
        _DEADLINE.reset(token)


class CloudSession(ksa_session.Session):
    """A session that logs no secret, waits no longer than it may and, when
    nobody answers, names the cloud.

    :param service_provider: the name of the cloud, for errors
    :param service: what of it, for logs and metrics
    :param timeout: seconds to wait for (a connection, an answer)
    :param its_health: told of failures; asked before each request
    :param clouds_metrics: told of each request
    :param adapter: keeps the connections, which may be shared by sessions
    :param home_url: the URL of home's Keystone, where a login begins; None
        if this session never goes there
    :param cookies: keep cookies. Only a single login does: the SAML session
        of one user must never be sent in a request of another.
    """

    def __init__(self, service_provider: str, service: str,
                 timeout: tuple[float, float], its_health: health.Health,
                 clouds_metrics: metrics.Metrics,
                 adapter: requests.adapters.HTTPAdapter,
                 home_url: str | None = None, cookies: bool = False,
                 **kwargs: Any) -> None:
        plain = requests.Session()
        for scheme in ('http://', 'https://'):
            plain.mount(scheme, adapter)
        if not cookies:
            plain.cookies.set_policy(
                cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        # NOTE: no redirections. They would lead the services of this cloud
        # wherever the other one wants, inside this cloud as well.
        super().__init__(session=plain, redirect=False, **kwargs)
        self.service_provider = service_provider
        self._service = service
        self._timeout = timeout
        self._health = its_health
        self._metrics = clouds_metrics
        self._home_url = home_url

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
        kwargs['headers'] = self._with_request_id(kwargs.get('headers'))
        if self._is_home(url):
            return self._request_home(url, method, kwargs)
        refusal = self._health.refusal()
        if refusal:
            raise self._unavailable(refusal)
        kwargs.setdefault('timeout', self._time_left())
        began = time.monotonic()
        outcome: int | str = 'failed'
        response = None
        try:
            response = self._send(url, method, kwargs)
            outcome = response.status_code
        except exceptions.ConnectionFailure:
            raise
        except ksa_exceptions.ConnectionError as exc:
            reason = str(exc)
            if isinstance(exc, ksa_exceptions.SSLError):
                reason += (' (the authorities that are trusted: cafile in '
                           f'[service_provider:{self.service_provider}])')
            self._health.failed(reason, functools.partial(self._probe, url))
            raise self._unavailable(reason) from exc
        except ksa_exceptions.HttpError as exc:
            outcome = exc.http_status
            response = exc.response
            raise
        finally:
            if outcome in DEAD:
                self._health.failed(f'HTTP {outcome} from {url}',
                                    functools.partial(self._probe, url))
            elif outcome != 'failed':
                self._health.succeeded()
            self._note(url, method, outcome, time.monotonic() - began,
                       kwargs['headers'], response)
        return response

    def _send(self, url: str, method: str,
              kwargs: dict[str, Any]) -> requests.Response:
        try:
            return super().request(url, method, **kwargs)
        except ksa_exceptions.ConnectFailure as exc:
            # NOTE: a connection that was kept alive may be closed at the
            # other end while we write to it.
            if method != 'GET' or not _is_closed(exc):
                raise
        return super().request(url, method, **kwargs)

    def _probe(self, url: str) -> bool:
        """Ask for the root of what did not answer."""
        with requests.get(
                parse.urljoin(url, '/'), timeout=self._timeout,
                verify=self.verify, cert=self.cert, allow_redirects=False,
                stream=True) as answer:
            return answer.status_code not in DEAD

    def _request_home(self, url: str, method: str,
                      kwargs: dict[str, Any]) -> requests.Response:
        kwargs.setdefault('timeout', self._time_left())
        try:
            response = super().request(url, method, **kwargs)
        except ksa_exceptions.ConnectionError as exc:
            raise exceptions.HomeUnavailable(reason=exc) from exc
        except ksa_exceptions.HttpError as exc:
            if exc.http_status >= 500:
                raise exceptions.HomeUnavailable(
                    reason=f'HTTP {exc.http_status}') from exc
            raise
        if response.status_code >= 500:
            raise exceptions.HomeUnavailable(
                reason=f'HTTP {response.status_code}')
        return response

    def _time_left(self) -> tuple[float, float]:
        at = _DEADLINE.get()
        if at is None:
            return self._timeout
        left = at - time.monotonic()
        if left <= 0:
            raise self._unavailable('it did not answer in time')
        connect, read = self._timeout
        return min(connect, left), min(read, left)

    def _unavailable(self, reason: Any
                     ) -> exceptions.ServiceProviderUnavailable:
        return exceptions.ServiceProviderUnavailable(
            service_provider=self.service_provider, reason=reason)

    @staticmethod
    def _with_request_id(headers: dict[str, str] | None) -> dict[str, str]:
        headers = dict(headers or {})
        current = oslo_context.get_current()
        if current is not None and current.global_id:
            headers.setdefault(REQUEST_ID, current.global_id)
        return headers

    def _note(self, url: str, method: str, outcome: int | str,
              seconds: float, headers: dict[str, str],
              response: requests.Response | None) -> None:
        self._metrics.time(self.service_provider,
                           f'{self._service}.{method}.{outcome}', seconds)
        theirs = (None if response is None
                  else response.headers.get(REQUEST_ID))
        LOG.debug(
            '%(sp)s %(service)s: %(method)s %(url)s %(outcome)s in '
            '%(ms).1f ms (request %(ours)s, there %(theirs)s)',
            {'sp': self.service_provider, 'service': self._service,
             'method': method, 'url': url, 'outcome': outcome,
             'ms': seconds * 1000, 'ours': headers.get(REQUEST_ID),
             'theirs': theirs and repr(theirs[:80])})

    def _is_home(self, url: str) -> bool:
        # A path without a host is keystoneauth's request for the assertion.
        return bool(self._home_url) and url.startswith((
            str(self._home_url), '/'))


def _is_closed(exc: BaseException) -> bool:
    """Whether the other end closed the connection before it answered."""
    cause: Any = exc.__context__
    while isinstance(cause, Exception):
        if isinstance(cause, (http_client.RemoteDisconnected,
                              ConnectionResetError, BrokenPipeError)):
            return True
        inner = cause.args[-1] if cause.args else None
        cause = inner if isinstance(inner, Exception) else cause.__context__
    return False
