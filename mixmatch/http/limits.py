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

"""Limits on the time and size of answers, and on the time of requests.

The timeout of a socket begins anew with each byte, so a service that sends
one byte now and then would hold a thread for ever. What is counted are the
bytes of the connection, headers and trailers included; nothing grows after
that, since an answer that is compressed is refused.
"""

from collections.abc import Callable, Iterator
import contextlib
import contextvars
import dataclasses
from http import client as http_client
import io
import math
import re
import socket
import ssl
import time
from typing import Any

from keystoneauth1 import session as ksa_session
import urllib3
from urllib3 import connection
from urllib3 import exceptions as urllib3_exceptions
from urllib3.util import wait

from mixmatch.http import connect
from mixmatch.http import upload

#: Bytes of an answer of an API. A page of 1000 volumes, as many as Cinder
#: gives, has 1.8 MB, and 7.0 MB if each has ten metadata of full length.
LARGEST = 8 * 1024 * 1024

#: Bytes of an answer of a login. The catalog of a cloud with 50 services in 5
#: regions has 0.2 MB.
LARGEST_OF_LOGIN = 1024 * 1024

#: Seconds of near silence after which the reader reports it.
SILENCE = 1

#: Bytes in that time. Less is no answer that is on its way.
TRICKLE = 1024

Silent = Callable[[], None]


@dataclasses.dataclass(frozen=True)
class _Bounds:
    at: float
    silent: Silent = lambda: None
    largest: float | None = None
    local: bool = True
    body: upload.Upload | None = None

    @property
    def until(self) -> float:
        """Deadline of the answer, on the clock of time.monotonic()."""
        # NOTE: the time for it begins when the last piece has been sent.
        return self.at if self.body is None or math.isinf(
            self.body.until) else self.body.until


_BOUNDS: contextvars.ContextVar[_Bounds | None] = (
    contextvars.ContextVar('mixmatch_bounds', default=None))


@contextlib.contextmanager
def complete_by(at: float, silent: Silent = lambda: None,
                largest: float | None = None, local: bool = True,
                body: upload.Upload | None = None) -> Iterator[None]:
    """Limit all answers that are read in this thread.

    :param at: on the clock of time.monotonic()
    :param silent: called after each second in which next to nothing came;
        what it raises ends the reading
    :param largest: bytes; ``LARGEST`` if it is None, infinity for no limit
    :param local: whether the name of a host may lead to this machine
    :param body: of the one request that is sent, if it is sent piece by
        piece: it has limits of its own, and what counts of ``at`` is the
        connection
    """
    token = _BOUNDS.set(_Bounds(at, silent, largest, local, body))
    try:
        yield
    finally:
        _BOUNDS.reset(token)


class TooLarge(OSError):
    """Answer that is larger than the limit."""


class UnwantedAnswer(OSError):
    """Answer that no well-behaved service sends."""


class _Reader(io.RawIOBase):
    """Reads one answer from a socket."""

    def __init__(self, sock: socket.socket, inner: io.BufferedReader) -> None:
        self._sock = sock
        self._inner = inner
        self._timeout = sock.gettimeout()
        self._size = 0
        self._wonder_at = time.monotonic() + SILENCE
        self._enough = TRICKLE

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        bounds = _BOUNDS.get()
        if bounds:
            self._wait(bounds.until, bounds.silent)
        size = self._inner.raw.readinto(buffer)
        self._size += size or 0
        if self._size > (bounds and bounds.largest or LARGEST):
            raise TooLarge('the answer is too large')
        return size

    def _wait(self, at: float, silent: Silent) -> None:
        # NOTE: each byte has to come within the read timeout as well.
        if self._timeout is not None:
            at = min(at, time.monotonic() + self._timeout)
        while True:
            left = at - time.monotonic()
            if left <= 0:
                raise TimeoutError('the answer is not complete in time')
            now = time.monotonic()
            if now >= self._wonder_at:
                if self._size < self._enough:
                    silent()
                self._wonder_at = now + SILENCE
                self._enough = self._size + TRICKLE
            self._sock.settimeout(left)
            if self._has_data(min(left, self._wonder_at - now)):
                return

    def _has_data(self, seconds: float) -> bool:
        # NOTE: TLS may have read it from the socket already.
        if isinstance(self._sock, ssl.SSLSocket) and self._sock.pending():
            return True
        return wait.wait_for_read(self._sock, timeout=seconds)

    def close(self) -> None:
        self._inner.close()
        super().close()


class _Response(http_client.HTTPResponse):

    def __init__(self, sock: socket.socket, *args: Any,
                 **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Reader(sock, self.fp))

    def begin(self) -> None:
        super().begin()
        bounds = _BOUNDS.get()
        if bounds and bounds.body and bounds.body.is_cut:
            # NOTE: the next request would be taken for the rest of this one.
            self.will_close = True
        # NOTE: in the words of the standard, not in the other cloud's.
        self.reason = http_client.responses.get(self.status, '')
        for name, value in self.headers.items():
            # NOTE: http.client keeps the line breaks of a folded line.
            if re.search(r'[\0-\x08\n-\x1f\x7f]', name + str(value)):
                raise UnwantedAnswer('control characters in a header')
            if name.lower() == 'content-encoding' and (
                    value.strip().lower() not in ('', 'identity')):
                raise UnwantedAnswer('a compressed answer')


class _InTime:
    """Connection made within its own timeout and the caller's.

    The body of a request that is sent piece by piece has limits of its own.
    """

    # Of urllib3.
    _dns_host: str
    port: int
    timeout: Any
    proxy: Any
    sock: Any
    socket_options: Any

    def _new_conn(self) -> socket.socket:
        seconds = (self.timeout if isinstance(self.timeout, (int, float))
                   else math.inf)
        until, local = time.monotonic() + min(seconds, 3600), True
        bounds = _BOUNDS.get()
        if bounds:
            until, local = min(until, bounds.at), bounds.local
        # NOTE: where a proxy is used, only that is looked up here.
        local = (local or self.proxy is not None
                 or connect.is_literal(self._dns_host))
        try:
            return connect.connect(self._dns_host, self.port, until,
                                   self.socket_options or (), local)
        except TimeoutError as exc:
            raise urllib3_exceptions.ConnectTimeoutError(
                self, f'{exc}') from exc
        except OSError as exc:
            raise urllib3_exceptions.NewConnectionError(
                self, f'{exc}') from exc  # type: ignore[arg-type]

    def send(self, data: Any) -> None:
        bounds = _BOUNDS.get()
        if bounds is None or bounds.body is None:
            super().send(data)  # type: ignore[misc]
            return
        if self.sock is None:
            self.connect()  # type: ignore[attr-defined]
        bounds.body.send(self.sock, data, bounds.silent)


class _HTTPConnection(_InTime, connection.HTTPConnection):
    response_class = _Response


class _HTTPSConnection(_InTime, connection.HTTPSConnection):
    response_class = _Response

    def connect(self) -> None:
        try:
            super().connect()
        except TimeoutError as exc:
            # NOTE: urllib3 calls a handshake that is late a late answer, but
            # nothing of a user has been sent yet.
            raise urllib3_exceptions.ConnectTimeoutError(
                self, 'no TLS in time') from exc


class _HTTPConnectionPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSConnectionPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


_POOLS = {'http': _HTTPConnectionPool, 'https': _HTTPSConnectionPool}


class Adapter(ksa_session.TCPKeepAliveAdapter):
    """Transport adapter with limits on answers."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def build_response(self, request: Any, answer: Any) -> Any:
        # NOTE: urllib3 before 2.0 takes what is cut short for all of it.
        answer.enforce_content_length = True
        return super().build_response(request, answer)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager
