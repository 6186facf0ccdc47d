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


"""TLS in front of a service, with authorities made for a test."""

from collections.abc import Iterator
import contextlib
import dataclasses
from http import client
from http import server
import pathlib
import ssl
import subprocess
import threading

from sandbox import topology

#: Headers of a connection, not of what it carries.
_HOP = {'connection', 'transfer-encoding', 'content-length', 'server', 'date'}


@dataclasses.dataclass(frozen=True)
class Certificate:
    """A certificate for loopback, its key, and the authority behind it."""

    cafile: pathlib.Path
    certfile: pathlib.Path
    keyfile: pathlib.Path


def certificate(folder: pathlib.Path) -> Certificate:
    """Make a certificate, by an authority that nobody knows."""
    made = Certificate(*(folder / name for name in (
        'ca.crt', 'server.crt', 'server.key')))
    _openssl('-subj', '/CN=authority', '-keyout', folder / 'ca.key',
             '-out', made.cafile)
    _openssl('-subj', f'/CN={topology.PROVIDER}', '-CA', made.cafile, '-CAkey',
             folder / 'ca.key', '-addext', 'subjectAltName=IP:127.0.0.1',
             '-addext', 'basicConstraints=critical,CA:FALSE',
             '-keyout', made.keyfile, '-out', made.certfile)
    return made


def _openssl(*argv: str | pathlib.Path) -> None:
    subprocess.run(
        ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes',
         '-days', '2', *argv], check=True, capture_output=True)


@contextlib.contextmanager
def terminated(port: int, own: Certificate, front: int = 0,
               mutual: bool = False) -> Iterator['Terminator']:
    """Serve the HTTP of a port of loopback by TLS, on another one.

    :param front: that other one; any that is free if it is 0
    :param mutual: callers need a certificate as well
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certfile, own.keyfile)
    if mutual:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(own.cafile)
    with Terminator(('127.0.0.1', front), _Handler) as terminator:
        terminator.backend = port
        # NOTE: each thread shakes hands for itself.
        terminator.socket = context.wrap_socket(
            terminator.socket, server_side=True,
            do_handshake_on_connect=False)
        threading.Thread(target=terminator.serve_forever,
                         args=(0.05,)).start()
        try:
            yield terminator
        finally:
            terminator.shutdown()


class Terminator(server.ThreadingHTTPServer):
    backend: int

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        #: Method and path of all that came through.
        self.requests: list[str] = []

    def handle_error(self, *args: object) -> None:
        """Callers that shake no hands are what tests send."""


class _Handler(server.BaseHTTPRequestHandler):
    server: Terminator

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        self.server.requests.append(f'{self.command} {self.path}')
        inner = client.HTTPConnection('127.0.0.1', self.server.backend)
        with contextlib.closing(inner):
            inner.request(self.command, self.path, body, dict(self.headers))
            answer = inner.getresponse()
            data = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = _forward

    def log_message(self, *args: object) -> None:
        """The test says what it saw."""
