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

"""Sockets of dead and hung services, on ports of their own."""

from collections.abc import Iterator
import contextlib
import socket

HOST = '127.0.0.1'


@contextlib.contextmanager
def refusing() -> Iterator[int]:
    """A port where nobody listens; nobody else gets it meanwhile."""
    with socket.socket() as bound:
        bound.bind((HOST, 0))
        yield bound.getsockname()[1]


@contextlib.contextmanager
def hung() -> Iterator[int]:
    """A port that accepts connections, as the kernel does, and no more."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen(4096)
        yield listener.getsockname()[1]


@contextlib.contextmanager
def black_hole() -> Iterator[int]:
    """A port where nothing comes back, as behind a cable that was cut.

    The queue of a listener is full, so the kernel drops what asks for one
    more connection.
    """
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((HOST, 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


KINDS = {'refused': refusing, 'black_hole': black_hole, 'hung': hung}
