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


"""Partners that go wrong, each in its way.

One of them takes the place of a service on its port while that is stopped.
"""

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import socket
import socketserver
import struct
import threading

#: What a broken partner does with a connection, until the event.
Fault = Callable[[socket.socket, threading.Event], None]

#: Seconds between two bytes of a partner that drips.
DRIP = 0.5

#: Seconds that a caller may take for its request.
PATIENCE = 5


def hung(connection: socket.socket, over: threading.Event) -> None:
    """Accepts, and never answers."""
    over.wait()


def garbage(connection: socket.socket, over: threading.Event) -> None:
    """Answers, but in no HTTP."""
    _read_request(connection)
    connection.sendall(b'\x15\x03\x01\x00\x02\x02\x28\r\n\x00\xff' * 40)


def internal_error(connection: socket.socket, over: threading.Event) -> None:
    """Answers HTTP 500 to everything."""
    _answer(connection, '500 Internal Server Error', b'<html>Sorry</html>',
            'text/html')


def bad_gateway(connection: socket.socket, over: threading.Event) -> None:
    """Answers as a load balancer whose servers are all gone."""
    _answer(connection, '502 Bad Gateway', b'<html>Gone</html>', 'text/html')


def nonsense(connection: socket.socket, over: threading.Event) -> None:
    """Answers HTTP 200 with what was not asked."""
    _answer(connection, '200 OK', b'{"volume": ["who", "knows"], "id": 7}')


def web_page(connection: socket.socket, over: threading.Event) -> None:
    """Answers HTTP 200 with a page for people, as a captive portal does."""
    _answer(connection, '200 OK', b'<html>Welcome</html>', 'text/html')


def resets(connection: socket.socket, over: threading.Event) -> None:
    """Resets every connection."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                          struct.pack('ii', 1, 0))


def drips(connection: socket.socket, over: threading.Event) -> None:
    """Answers one byte after the other, and never comes to an end."""
    _read_request(connection)
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n')
    while not over.wait(DRIP):
        connection.sendall(b' ')


def _read_request(connection: socket.socket) -> None:
    """All of it: a close with unread data would be a reset."""
    connection.settimeout(PATIENCE)
    with connection.makefile('rb') as stream:
        length = 0
        while line := stream.readline().strip():
            name, _, value = line.partition(b':')
            if name.lower() == b'content-length':
                length = int(value)
        stream.read(length)


def _answer(connection: socket.socket, status: str, body: bytes,
            kind: str = 'application/json') -> None:
    _read_request(connection)
    connection.sendall(
        f'HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nConnection: close\r\n'
        f'Content-Length: {len(body)}\r\n\r\n'.encode() + body)


@contextlib.contextmanager
def listening(port: int, fault: Fault) -> Iterator[None]:
    """Serve a port of loopback badly for a while."""
    over = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                fault(self.request, over)
            # NOTE: socketserver would say goodbye first, and so send no
            # reset.
            self.request.close()

    with _Server(('127.0.0.1', port), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        try:
            yield
        finally:
            over.set()
            server.shutdown()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 128
