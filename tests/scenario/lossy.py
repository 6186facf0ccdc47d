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


"""A way to a partner on which something happens to a request."""

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
from http import server
import re
import socket
import threading
import urllib.parse

import requests

#: Seconds that the partner may take.
PATIENCE = 30


class Way(server.ThreadingHTTPServer):
    """Takes requests to a URL, and brings the answers back.

    :param url: of the partner
    """

    daemon_threads = True

    def __init__(self, url: str) -> None:
        super().__init__(('127.0.0.1', 0), _Handler)
        self.url = url
        self.losing: re.Pattern[str] | None = None
        #: Of "METHOD /path body": what :attr:`spoil` answers instead.
        self.spoiling: re.Pattern[str] | None = None
        self.spoil: Callable[[socket.socket], None] | None = None
        self.spoiled = 0
        self.lost: list[str] = []
        self.before: Callable[[], None] | None = None
        self.after: Callable[[], None] | None = None
        #: what is answered instead, without asking the partner
        self.denial: int | None = None

    @property
    def entry(self) -> str:
        """URL at which clients enter the way."""
        return f'http://127.0.0.1:{self.server_address[1]}'

    def lose(self, pattern: str) -> None:
        """Lose the next answer to a request.

        :param pattern: of "METHOD /path body"
        """
        self.interrupt(pattern)

    def interrupt(self, pattern: str, before: Callable[[], None] | None = None,
                  after: Callable[[], None] | None = None) -> None:
        """Have something happen at the next request, and no answer.

        :param before: done in place of the request
        :param after: done when the partner has done what was asked for
        """
        self.before, self.after, self.denial = before, after, None
        self.losing = re.compile(pattern, re.DOTALL)

    def deny(self, pattern: str, status: int) -> None:
        """Answer the next request in place of the partner, with an error.

        As one of several servers of it does that does not know what the
        others do.
        """
        self.interrupt(pattern)
        self.denial = status


class _Handler(server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    server: Way

    def _carry(self) -> None:
        way = self.server
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        what = f'{self.command} {self.path} {body.decode()}'
        self.close_connection = True
        if way.spoil and way.spoiling and way.spoiling.match(what):
            way.spoiled += 1
            way.spoil(self.connection)
            return
        chosen = way.losing and way.losing.match(what)
        if chosen:
            way.losing = None
        if chosen and way.denial:
            way.lost.append(what)
            self.send_response(way.denial)
            self.send_header('Connection', 'close')
            self.send_header('Content-Length', '0')
            self.end_headers()
            return
        if chosen and way.before:
            way.before()
            way.lost.append(what)
            return
        answer = requests.request(
            self.command, urllib.parse.urljoin(way.url, self.path),
            headers=dict(self.headers), data=body, timeout=PATIENCE,
            allow_redirects=False)
        if chosen:
            if way.after:
                way.after()
            way.lost.append(what)
            return
        self.send_response(answer.status_code)
        for name in ('Content-Type', 'Location', 'x-openstack-request-id'):
            if name in answer.headers:
                self.send_header(name, answer.headers[name])
        self.send_header('Connection', 'close')
        self.send_header('Content-Length', str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = do_PUT = do_DELETE = _carry

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def way_to(url: str) -> Iterator[Way]:
    """A way to a partner, for a while."""
    with Way(url) as way:
        threading.Thread(target=way.serve_forever, args=(0.05,)).start()
        try:
            yield way
        finally:
            way.shutdown()
