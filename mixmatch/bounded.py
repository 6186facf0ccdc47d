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

from collections.abc import Iterator
import contextlib
import contextvars
from http import client as http_client
import io
import socket
import time
from typing import Any

from keystoneauth1 import session as ksa_session
import urllib3
from urllib3 import connection

#: Bytes. No answer of an API is as large as this.
LARGEST = 64 * 1024 * 1024

_COMPLETE_BY: contextvars.ContextVar[float | None] = contextvars.ContextVar(
    'mixmatch_complete_by', default=None)


@contextlib.contextmanager
def complete_by(at: float) -> Iterator[None]:
    """What is read in this thread has to be complete by then.

    :param at: on the clock of time.monotonic()
    """
    token = _COMPLETE_BY.set(at)
    try:
        yield
    finally:
        _COMPLETE_BY.reset(token)


class _Reader(io.RawIOBase):
    """Reads one answer from a socket."""

    def __init__(self, sock: socket.socket, inner: io.BufferedReader) -> None:
        self._sock = sock
        self._inner = inner
        self._timeout = sock.gettimeout()
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        at = _COMPLETE_BY.get()
        if at is not None:
            left = at - time.monotonic()
            if left <= 0:
                raise TimeoutError('the answer is not complete in time')
            # NOTE: each byte has to come within the read timeout as well.
            self._sock.settimeout(
                left if self._timeout is None else min(left, self._timeout))
        size = self._inner.raw.readinto(buffer)
        self._size += size or 0
        if self._size > LARGEST:
            raise OSError('the answer is too large')
        return size

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
