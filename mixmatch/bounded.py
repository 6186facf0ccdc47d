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

"""Answers that are bounded in time and size.

The timeout of a socket begins anew with each byte, so a service that sends
one byte now and then would hold a thread for ever.
"""

from collections.abc import Callable, Iterator
import contextlib
import contextvars
from http import client as http_client
import io
import socket
import ssl
import time
from typing import Any

from keystoneauth1 import session as ksa_session
import urllib3
from urllib3 import connection
from urllib3.util import wait

#: Bytes. No answer of an API is as large as this.
LARGEST = 64 * 1024 * 1024

#: Seconds with next to nothing after which the reader wonders.
SILENCE = 1

#: Bytes in that time. Less is no answer that is on its way.
TRICKLE = 1024

Silent = Callable[[], None]

_BOUNDS: contextvars.ContextVar[tuple[float, Silent] | None] = (
    contextvars.ContextVar('mixmatch_bounds', default=None))


@contextlib.contextmanager
def complete_by(at: float, silent: Silent = lambda: None) -> Iterator[None]:
    """What is read in this thread has to be complete by then.

    :param at: on the clock of time.monotonic()
    :param silent: called after each second in which next to nothing came;
        what it raises ends the reading
    """
    token = _BOUNDS.set((at, silent))
    try:
        yield
    finally:
        _BOUNDS.reset(token)


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
            self._wait(*bounds)
        size = self._inner.raw.readinto(buffer)
        self._size += size or 0
        if self._size > LARGEST:
            raise OSError('the answer is too large')
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


class _HTTPConnection(connection.HTTPConnection):
    response_class = _Response


class _HTTPSConnection(connection.HTTPSConnection):
    response_class = _Response


class _HTTPConnectionPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSConnectionPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


class Adapter(ksa_session.TCPKeepAliveAdapter):
    """Keeps connections, whose answers are bounded."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            'http': _HTTPConnectionPool, 'https': _HTTPSConnectionPool}
