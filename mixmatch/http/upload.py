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

"""Body of a request that is sent piece by piece.

For what does not fit into memory. Each piece has to be taken in time, so a
service that reads a byte now and then does not hold a thread for ever. The
timeout of a socket would not do: the one of TLS begins anew with each part,
and it is that of the connection, or a rest of it.
"""

from collections.abc import Callable, Iterable, Iterator
import math
import socket
import ssl
import time
from typing import Any

from urllib3.util import wait

#: Seconds after which it is reported that nothing is taken.
SILENCE = 1

#: Seconds for an answer that was perhaps given before all had been sent.
EARLY = 5


class Upload(Iterator[bytes]):
    """Iterator of the pieces of a body, for one request.

    It cannot be sent twice. An error of the pieces, which must be no OSError,
    ends the request: the connection is closed, so that the other side cannot
    take a part for the whole.

    :param pieces: the bytes
    :param length: how many there are; None if that is not known: then they
        are sent in chunks
    :ivar until: when the answer has to be complete, on the clock of
        time.monotonic(); infinity until something has been sent
    :ivar is_cut: the other side takes no more: it may have answered
    """

    def __init__(self, pieces: Iterable[bytes], length: int | None = None
                 ) -> None:
        self._pieces = iter(pieces)
        self._is_read = False
        self._seconds = self._latest = math.inf
        self.until = math.inf
        self.is_cut = False
        # NOTE: where requests looks for a length, and 0 is unknown to it.
        self.len = length or 0

    def __next__(self) -> bytes:
        """Return the next piece.

        :raises StopIteration: there is none
        """
        try:
            return next(self._pieces)
        except StopIteration:
            self._is_read = True
            raise

    @property
    def is_whole(self) -> bool:
        """Return whether all of it has been sent."""
        return self._is_read and not self.is_cut

    def limit(self, seconds: float, latest: float) -> None:
        """Limit the time of sending.

        :param seconds: for each piece, and for the answer after the last one
        :param latest: for all of it, on the clock of time.monotonic()
        """
        self._seconds, self._latest = seconds, latest

    def send(self, sock: Any, data: Any, silent: Callable[[], None]) -> None:
        """Send a part of the request.

        :param silent: called after each second in which nothing was taken;
            what it raises ends the request
        :raises TimeoutError: it is not taken in time
        :raises BrokenPipeError: no more is taken; urllib3 then reads the
            answer
        """
        left, until = memoryview(data), self._until(self._seconds)
        while left:
            seconds = until - time.monotonic()
            # NOTE: an answer. With TLS it could be no more than a new ticket.
            if _is_plain(sock) and wait.wait_for_read(sock, 0):
                raise self._cut()
            if seconds <= 0:
                if wait.wait_for_read(sock, 0):
                    raise self._cut()
                raise TimeoutError('the request is not taken in time')
            sock.settimeout(min(seconds, SILENCE))
            try:
                left = left[sock.send(left):]
            except TimeoutError:
                silent()
            except (BrokenPipeError, ConnectionResetError) as exc:
                raise self._cut() from exc
        self.until = self._until(self._seconds)

    def _cut(self) -> BrokenPipeError:
        self.is_cut = True
        self.until = self._until(min(self._seconds, EARLY))
        return BrokenPipeError('no more of the request is taken')

    def _until(self, seconds: float) -> float:
        return min(time.monotonic() + seconds, self._latest)


def _is_plain(sock: Any) -> bool:
    return (isinstance(sock, socket.socket)
            and not isinstance(sock, ssl.SSLSocket))
