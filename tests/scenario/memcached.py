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


"""A memcached of a test's own, and what it holds."""

import re
import signal
import socket
import subprocess

from sandbox import client
from sandbox import topology

#: Where it listens: a port that no cloud has.
PORT = topology.port(topology.SHARED, 'epmd') + 100

#: A Fernet token: those of Keystone, and all that is encrypted by the same
#: recipe.
FERNET = re.compile(rb'gAAAAA[A-Za-z0-9_-]{60,}={0,2}')


def flush(port: int) -> None:
    """Have a memcached forget everything."""
    answer = _ask(port, b'flush_all', b'\r\n')
    assert answer == b'OK\r\n', answer


def _ask(port: int, command: bytes, end: bytes = b'END\r\n') -> bytes:
    answer = b''
    with socket.create_connection(('127.0.0.1', port), 5) as sock:
        sock.sendall(command + b'\r\n')
        while not answer.endswith(end):
            data = sock.recv(65536)
            assert data, answer
            answer += data
    return answer


class Memcached:
    """A process that tests may stop, hang and write to."""

    def __init__(self) -> None:
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        assert not self._listens(), f'somebody listens on port {PORT}'
        self._process = subprocess.Popen(
            ['memcached', '-l', '127.0.0.1', '-p', str(PORT), '-U', '0',
             '-u', 'nobody'])
        client.wait_for('memcached', self._listens, 10)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None

    def hang(self) -> None:
        """Accept connections, and never answer."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def items(self) -> dict[str, tuple[str, bytes]]:
        """All that it holds: key to flags and value."""
        lines = _ask(PORT, b'lru_crawler metadump all').decode().split()
        found = {}
        for key in [line[4:] for line in lines if line.startswith('key=')]:
            head, _, rest = _ask(PORT, f'get {key}'.encode()).partition(
                b'\r\n')
            _value, _key, flags, size = head.decode().split()
            found[key] = flags, rest[:int(size)]
        return found

    def set(self, key: str, flags: str, value: bytes) -> None:
        answer = _ask(PORT, (
            f'set {key} {flags} 0 {len(value)}\r\n'.encode() + value),
            b'STORED\r\n')
        assert answer == b'STORED\r\n', answer

    @staticmethod
    def _listens() -> bool:
        with socket.socket() as sock:
            return sock.connect_ex(('127.0.0.1', PORT)) == 0
