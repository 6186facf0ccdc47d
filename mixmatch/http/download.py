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

"""Body of an answer that is read piece by piece.

For what does not fit into memory. Each piece has to be complete in time, so a
service that sends one byte now and then does not hold a thread for ever; the
number of bytes is the caller's to limit.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import requests

#: Bytes of a piece; the last one of a body may have fewer.
PIECE = 64 * 1024

Reading = Callable[[], AbstractContextManager[None]]


class Download(Iterator[bytes]):
    """Iterator of the pieces of a body.

    Whoever has one closes it, complete or not.

    :param response: whose body has not been read
    :param reading: makes the context in which a piece is read: its limits,
        and the errors of a service provider that breaks them
    """

    def __init__(self, response: requests.Response, reading: Reading) -> None:
        self._response = response
        self._reading = reading
        self._pieces = response.iter_content(PIECE)

    def __next__(self) -> bytes:
        """Return the next piece.

        :raises StopIteration: the body is complete
        :raises ServiceProviderUnavailable: it is not, and nothing more comes
        """
        with self._reading():
            piece = next(self._pieces, None)
        if piece is None:
            raise StopIteration
        return piece

    def close(self) -> None:
        """Close the connection, unless the body has been read to its end."""
        # NOTE: a connection with a rest of a body must not be used again.
        # That of a complete one has been given back already.
        self._response.close()
