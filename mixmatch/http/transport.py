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

"""HTTP transport to one service of another cloud."""

from collections.abc import Callable, Iterator
import contextlib
import dataclasses
import functools
from http import client as http_client
from http import cookiejar
import math
import re
import time
from typing import Any, cast
from urllib import parse

from oslo_context import context as oslo_context
from oslo_log import log as logging
import requests
from urllib3 import exceptions as urllib3_exceptions

from mixmatch import api
from mixmatch import deadline
from mixmatch import exceptions
from mixmatch import health
from mixmatch.http import answer
from mixmatch.http import download
from mixmatch.http import endpoints
from mixmatch.http import limits
from mixmatch.http import upload
from mixmatch import metrics

LOG = logging.getLogger(__name__)

REQUEST_ID = 'X-OpenStack-Request-ID'

#: Status codes of a proxy in front of a dead service.
DEAD = (502, 503, 504)

#: Status codes of answers whose body may be read piece by piece.
BODIES = (200, 206)

#: Seconds. A timeout below this does not count as a failure of the service.
SHORT = 1


@dataclasses.dataclass(frozen=True)
class HomeKeystone:
    """Home's Keystone, where a login begins.

    :param url: without the version
    :param tls: how to trust it, as requests wants it: ``verify``, ``cert``
    """

    url: str
    tls: dict[str, Any]

    def has(self, url: str) -> bool:
        return url == self.url or url.startswith(self.url + '/')

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments for requests: TLS settings, and no proxy."""
        return {**self.tls, 'proxies': {'http': None, 'https': None}}


class Transport(requests.Session):
    """Session with a circuit breaker, deadlines, logs and metrics.

    :param service_provider: the name of the cloud
    :param service: the service of that cloud, for logs and metrics
    :param breaker: asked before each request, told of its outcome
    :param metrics_client: told of each request
    :param adapter: keeps the connections, which may be shared
    :param home: requests there bypass breaker and limits; None if there are
        none
    :param cookies: keep cookies. Only a single login does: the SAML session
        of one user must never be sent in a request of another.
    :param repeat: all of its requests may be repeated, not only GET
    :param allowed: where requests may go
    :param largest: bytes of an answer; those of an API if it is None
    :param proxy: the URL of a proxy on the way there
    """

    def __init__(self, service_provider: str, service: str,
                 breaker: health.Health, metrics_client: metrics.Metrics,
                 adapter: limits.Adapter,
                 home: HomeKeystone | None = None, cookies: bool = False,
                 repeat: bool = False, *, allowed: endpoints.Endpoints,
                 largest: int | None = None, proxy: str | None = None
                 ) -> None:
        super().__init__()
        # NOTE: no proxy, no password of a .netrc and no certificates that
        # the configuration does not name.
        self.trust_env = False
        self.headers['Accept-Encoding'] = 'identity'
        self._allowed = allowed
        self._largest = largest
        self._proxies = {'http': proxy, 'https': proxy} if proxy else {}
        self._service_provider = service_provider
        self._service = service
        self._health = breaker
        self._metrics = metrics_client
        self._home = home
        self._repeat = repeat
        for scheme in ('http://', 'https://'):
            self.mount(scheme, adapter)
        # NOTE: a service provider may itself look in other clouds, in this
        # one as well, and requests would go round in circles.
        self.headers[api.HEADER] = api.NONE
        if not cookies:
            self.cookies.set_policy(
                cookiejar.DefaultCookiePolicy(allowed_domains=[]))

    def request(self, method: str, url: str,  # type: ignore[override]
                timeout: tuple[float, float],
                **kwargs: Any) -> requests.Response:
        """Send a request; the parameters are those of requests.

        With ``stream=True`` the body of a success is not read, but is the
        ``pieces`` of the response. That of an error is read in any case.

        If ``data`` is an :class:`~mixmatch.http.upload.Upload`, it is sent
        piece by piece. An error that comes before all of it is the answer.

        :raises ServiceProviderUnavailable: it did not answer lately, or the
            deadline has passed; nothing was sent. Or it says that it has
            done what it has not got all bytes of.
        """
        if self._home and self._home.has(url):
            return super().request(
                method, url, timeout=self._time_left(timeout),
                **{**kwargs, **self._home.options})
        local = self._allowed.check(requests.utils.requote_uri(url),
                                    self._service)
        at = deadline.get()
        probe = functools.partial(
            _probe, _root(url), _both(timeout)[0], local,
            verify=kwargs.get('verify'), cert=kwargs.get('cert'),
            proxies=self._proxies)
        refusal = self._health.refusal(deadline.patience(), probe)
        if refusal:
            raise self._unavailable(refusal)
        kwargs['proxies'] = self._proxies
        configured, timeout = _both(timeout), self._time_left(timeout)
        stream = kwargs.get('stream')
        body = kwargs.get('data')
        body = body if isinstance(body, upload.Upload) else None
        if body:
            body.limit(configured[1], at)
        began = time.monotonic()
        outcome: int | str = 'failed'
        theirs = None
        try:
            with limits.complete_by(
                    min(began + sum(timeout), at),
                    functools.partial(self._on_silence, url, probe),
                    self._largest, local, body):
                response = self._send(method, url, timeout=timeout, **kwargs)
                if stream and response.status_code not in BODIES:
                    _ = response.content
            outcome = response.status_code
            theirs = response.headers.get(REQUEST_ID)
        except requests.exceptions.RequestException as exc:
            self._report_failure(exc, url, probe, began, configured)
            raise
        finally:
            self._log(method, url, outcome, time.monotonic() - began,
                      (kwargs.get('headers') or {}).get(REQUEST_ID), theirs)
        if outcome in DEAD:
            self._health.failed(f'HTTP {outcome} from {url}', probe,
                                _project())
        else:
            self._health.succeeded()
        if body and not body.is_whole and response.status_code < 400:
            raise self._unavailable('it answered before it had all bytes')
        if stream and response.status_code in BODIES:
            cast(answer.Answer, response).pieces = download.Download(
                response, functools.partial(
                    self._reading, url, probe, configured, local))
        return response

    @contextlib.contextmanager
    def _reading(self, url: str, probe: Callable[[], bool],
                 timeout: tuple[float, float], local: bool
                 ) -> Iterator[None]:
        """Limit the reading of one piece of a body.

        :raises ServiceProviderUnavailable: it did not come in time, or the
            connection broke
        """
        began = time.monotonic()
        try:
            with limits.complete_by(
                    min(began + timeout[1], deadline.get()),
                    functools.partial(self._on_silence, url, probe),
                    math.inf, local):
                yield
        except requests.exceptions.RequestException as exc:
            self._report_failure(exc, url, probe, began, timeout)
            raise self._unavailable(
                f'the answer broke off: {root_cause(exc)}') from exc

    def send(self, request: requests.PreparedRequest, **kwargs: Any
             ) -> requests.Response:
        # NOTE: the URL as it is sent, after all normalization.
        if not (self._home and self._home.has(str(request.url))):
            self._allowed.check(str(request.url), self._service)
        response = super().send(request, **kwargs)
        # NOTE: the one place that all client libraries pass.
        response.__class__ = answer.Answer
        return response

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Find no redirection: requests would read where it leads."""

    def _send(self, method: str, url: str, **kwargs: Any
              ) -> requests.Response:
        try:
            return super().request(method, url, **kwargs)
        except requests.exceptions.ConnectionError as exc:
            # NOTE: a connection that was kept alive may be closed at the
            # other end while we write to it.
            if not (self._repeat or method == 'GET') or not _is_closed(exc):
                raise
        return super().request(method, url, **kwargs)

    def _time_left(self, timeout: Any) -> tuple[float, float]:
        connect, read = _both(timeout)
        left = deadline.get() - time.monotonic()
        if left <= 0:
            raise self._unavailable('it did not answer in time')
        return min(connect, left), min(read, left)

    def _unavailable(self, reason: str
                     ) -> exceptions.ServiceProviderUnavailable:
        return exceptions.ServiceProviderUnavailable(
            service_provider=self._service_provider, reason=reason)

    def _on_silence(self, url: str, probe: Callable[[], bool]) -> None:
        """Report silence of a second, and end the request if it is down."""
        if self._health.suspect(f'no answer from {url}', probe):
            raise TimeoutError('it is down')

    def _report_failure(
            self, exc: requests.exceptions.RequestException, url: str,
            probe: Callable[[], bool], began: float,
            timeout: tuple[float, float]) -> None:
        """Report a failure to the breaker, unless a short deadline caused it.

        :param timeout: as configured, without the deadline of the caller
        """
        took = time.monotonic() - began
        unreached = None
        if _is_late(exc):
            if took < min(SHORT, *timeout):
                return
            reason = f'no answer in time from {url}'
            if (isinstance(exc, requests.exceptions.ConnectTimeout)
                    and took >= timeout[0]):
                unreached = began
        elif _is_closed(exc):
            reason = f'connection closed by {url}'
        else:
            reason = f'{root_cause(exc)} from {url}{self._remedy(exc)}'
        self._health.failed(reason, probe, _project(), unreached)

    def _remedy(self, exc: Exception) -> str:
        """Return the remedy for a failure, for operators; empty if unknown."""
        if not isinstance(exc, requests.exceptions.SSLError):
            return ''
        return (' (see cafile in '
                f'[service_provider:{self._service_provider}])')

    def _log(self, method: str, url: str, outcome: int | str, seconds: float,
             ours: str | None, theirs: str | None) -> None:
        self._metrics.time(self._service_provider,
                           f'{self._service}.{method}.{outcome}', seconds)
        LOG.debug(
            '%(sp)s %(service)s: %(method)s %(url)s %(outcome)s in '
            '%(ms).1f ms (request %(ours)s, there %(theirs)s)',
            {'sp': self._service_provider, 'service': self._service,
             'method': method, 'url': url, 'outcome': outcome,
             'ms': seconds * 1000, 'ours': ours,
             'theirs': theirs and repr(theirs[:80])})


def _both(timeout: Any) -> tuple[float, float]:
    return timeout if isinstance(timeout, tuple) else (timeout, timeout)


def _project() -> str | None:
    """Return the home project of this request; None if unknown."""
    context = oslo_context.get_current()
    return context.project_id if context else None


def _root(url: str) -> str:
    """Return the URL of the version document of a service."""
    # NOTE: services may share a host; its own root says nothing of them. A
    # host, or a name in front of the version, may begin with "v3" as well.
    # Keystone and Cinder are used in version 3, Glance is in version 2.
    # NOTE: not urljoin, to which a path of "//elsewhere/" is another host.
    parts = parse.urlsplit(url)
    found = re.match(r'(.*?)/v[23](?:/|$)', parts.path)
    return parse.urlunsplit((parts.scheme, parts.netloc,
                             f'{found[1]}/' if found else '/', '', ''))


def _probe(url: str, timeout: float, local: bool, **kwargs: Any) -> bool:
    """Request the version document by a new connection.

    :param local: whether the name of the host may lead to this machine
    """
    with (requests.Session() as plain,
          limits.complete_by(time.monotonic() + timeout,
                             largest=limits.LARGEST_OF_LOGIN, local=local)):
        plain.trust_env = False
        plain.headers['Accept-Encoding'] = 'identity'
        for scheme in ('http://', 'https://'):
            plain.mount(scheme, limits.Adapter())
        answer = plain.get(url, timeout=timeout, allow_redirects=False,
                           **kwargs)
    return answer.status_code not in DEAD


def _is_late(exc: Exception) -> bool:
    # NOTE: while a body arrives requests calls it a ConnectionError.
    return isinstance(exc, requests.exceptions.Timeout) or bool(
        exc.args and isinstance(exc.args[0],
                                urllib3_exceptions.ReadTimeoutError))


def _is_closed(exc: Exception) -> bool:
    """Return whether the peer closed the connection before an answer."""
    cause: Any = exc
    while isinstance(cause, Exception):
        if isinstance(cause, (http_client.RemoteDisconnected,
                              ConnectionResetError, BrokenPipeError)):
            return True
        cause = cause.args[-1] if cause.args else None
    return False


def root_cause(exc: BaseException) -> str:
    """Return the text of the innermost error of a chain."""
    inner: BaseException | None = exc
    while inner is not None:
        exc = inner
        inner = next((each for each in (
            getattr(exc, 'reason', None), *reversed(exc.args), exc.__cause__)
            if isinstance(each, BaseException)), None)
    if (isinstance(exc, http_client.HTTPException)
            and not isinstance(exc, http_client.RemoteDisconnected)):
        # NOTE: it quotes text of the peer.
        return f'the answer is not valid HTTP ({type(exc).__name__})'
    text = re.sub(r'<[^>]*>: ', '', str(exc) or type(exc).__name__)[:200]
    return text if text.isprintable() else repr(text)
