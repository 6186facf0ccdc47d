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

"""Bits of an image, as a client sends them: each piece in time.

A read of uWSGI ends only when it has all bytes that it was asked for, and its
timeout begins anew with each byte. So a client that sends one now and then
would hold a thread for ever, and no code that reads can end that: the
connection is shut down by another thread.
"""

from collections.abc import Iterator
import math
import os
import socket
import threading
import time
from typing import Any, Self

from glance.api.v2 import image_data
from glance.common import wsgi
from oslo_log import log as logging
import webob

from mixmatch import exceptions
from mixmatch import threads

LOG = logging.getLogger(__name__)

#: Bytes that have to come in time, and most that are read at once.
PIECE = 64 * 1024

#: Bytes that are read at once of a client that sends slowly. What has come is
#: sent on soon, since a server there waits only some seconds for each byte.
SMALL = 4096

#: Seconds for a read, after which a client counts as slow.
QUICK = 0.5

#: Seconds between two looks at the clock.
TICK = 1


class BrokenUpload(exceptions.MixmatchException):
    """Error: the client has gone before it had sent all bits."""

    msg_fmt = ('The upload broke off after %(count)d bytes, so the image has '
               'none of them.')
    code = 400


class SlowUpload(exceptions.MixmatchException):
    """Error: the client does not send the bits in time."""

    msg_fmt = ('The upload is too slow: 64 KiB have to come within '
               '%(seconds)g seconds. The image has none of the bits.')
    code = 408


class ClientBits:
    """Iterator of the bits in the body of a request, and its limits.

    It is used in a ``with`` statement, and read once.

    :param http: the request, whose body nobody has read
    :param seconds: for each 64 KiB; time of the reader does not count
    :ivar length: bytes of the body; None if it is not known
    :raises webob.exc.HTTPException: Glance does not take such a body
    """

    def __init__(self, http: webob.Request, seconds: float) -> None:
        # NOTE: as Glance does, also where uWSGI gives chunks only once.
        found = image_data.RequestDeserializer().upload(
            wsgi.Request(http.environ))
        self._data = found['data']
        self._seconds = seconds
        self._guard = _Guard()
        self.length = (None if 'Transfer-Encoding' in http.headers
                       else http.content_length or 0)

    def __enter__(self) -> Self:
        self._guard.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._guard.stop()

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bits as they come.

        :raises BrokenUpload: the client has gone
        :raises SlowUpload: they do not come in time
        """
        count, size = 0, PIECE
        spent, got = 0.0, 0
        while self.length is None or count < self.length:
            if self.length is not None:
                size = min(size, self.length - count)
            began = time.monotonic()
            piece = self._read(size, began + self._seconds - spent, count)
            took = time.monotonic() - began
            spent, got = spent + took, got + len(piece)
            if spent > self._seconds:
                raise SlowUpload(seconds=self._seconds)
            if not piece:
                if self.length is None:
                    return
                raise BrokenUpload(count=count)
            if got >= PIECE:
                spent, got = 0.0, 0
            size = PIECE if took < QUICK else SMALL
            count += len(piece)
            yield piece

    def _read(self, size: int, until: float, count: int) -> bytes:
        self._guard.until = until
        try:
            piece = self._data.read(size)
        except (OSError, ValueError) as exc:
            if self._guard.has_ended:
                raise SlowUpload(seconds=self._seconds) from exc
            raise BrokenUpload(count=count) from exc
        finally:
            self._guard.until = math.inf
        # NOTE: where that looks like the end of the bits, it is not.
        if self._guard.has_ended:
            raise SlowUpload(seconds=self._seconds)
        return piece


class _Guard:
    """Thread that ends the reading of a request which takes too long.

    Where it is not uWSGI that serves, its connection is not known: there
    the server's own limits have to do for each read.

    :ivar until: when it is ended, on the clock of time.monotonic()
    :ivar has_ended: it has been ended
    """

    def __init__(self) -> None:
        self.until = math.inf
        self.has_ended = False
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._number: int | None = None

    def start(self) -> None:
        self._number = _connection()
        if self._number is not None:
            threads.start(self._watch, name='mixmatch-upload')

    def stop(self) -> None:
        # NOTE: after this the number may be that of another connection.
        with self._lock:
            self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(TICK):
            with self._lock:
                if (time.monotonic() < self.until or self.has_ended
                        or self._stopped.is_set()):
                    continue
                self.has_ended = True
                self._end()

    def _end(self) -> None:
        assert self._number is not None
        try:
            with socket.socket(fileno=os.dup(self._number)) as connection:
                # NOTE: the client can still be answered.
                connection.shutdown(socket.SHUT_RD)
        except OSError as exc:
            LOG.debug('A slow upload has ended by itself: %s', exc)


def _connection() -> Any:
    """Return the number of this request's connection; None if unknown."""
    try:
        # A module that exists only in a process of uWSGI.
        import uwsgi
    except ImportError:
        return None
    return uwsgi.connection_fd()
