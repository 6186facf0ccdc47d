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

"""Checks that a process does its work."""

import dataclasses
import http.client
import json
import pathlib
import re
import socket
import struct
import subprocess
import typing


class Check(typing.Protocol):
    """Asked while a process starts and whenever the status is wanted."""

    def ok(self, log: pathlib.Path, offset: int) -> bool:
        """``log`` is the log, ``offset`` where this process began in it."""


def connect(port: int) -> bool:
    """Return whether a process listens on the port."""
    with socket.socket() as sock:
        sock.settimeout(2)
        return sock.connect_ex(('127.0.0.1', port)) == 0


@dataclasses.dataclass(frozen=True)
class Port:
    """Check that the process accepts connections."""

    port: int

    def ok(self, log: pathlib.Path, offset: int) -> bool:
        """See :class:`Check`."""
        return connect(self.port)


@dataclasses.dataclass(frozen=True)
class Http:
    """Check that the process answers without an error of its own."""

    port: int
    path: str = '/'

    def ok(self, log: pathlib.Path, offset: int) -> bool:
        """See :class:`Check`."""
        connection = http.client.HTTPConnection('127.0.0.1', self.port,
                                                timeout=10)
        try:
            connection.request('GET', self.path)
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


@dataclasses.dataclass(frozen=True)
class UnixSocket:
    """Check that the process listens on a unix socket.

    NOTE: this only looks. A connection that is closed at once corrupts the
    heap of shibd 3.4, which then dies, at once or at the first login.
    """

    path: pathlib.Path

    def ok(self, log: pathlib.Path, offset: int) -> bool:
        """See :class:`Check`."""
        accepts = 0x10000  # __SO_ACCEPTCON of the kernel
        for line in pathlib.Path('/proc/net/unix').read_text().splitlines():
            fields = line.split()
            if (fields[-1] == str(self.path)
                    and int(fields[3], 16) & accepts):
                return True
        return False


@dataclasses.dataclass(frozen=True)
class LogLine:
    """Check that the log says that the process is ready."""

    pattern: str

    def ok(self, log: pathlib.Path, offset: int) -> bool:
        """See :class:`Check`."""
        try:
            with log.open('rb') as stream:
                stream.seek(offset)
                return any(re.search(self.pattern.encode(), line)
                           for line in stream)
        except FileNotFoundError:
            return False


@dataclasses.dataclass(frozen=True)
class All:
    """Each of several checks, one after another, holds."""

    checks: tuple[Check, ...]

    def ok(self, log: pathlib.Path, offset: int) -> bool:
        """See :class:`Check`."""
        return all(check.ok(log, offset) for check in self.checks)


@dataclasses.dataclass(frozen=True)
class Command:
    """A command about it succeeds."""

    command: tuple[str, ...]

    def ok(self, log: pathlib.Path, offset: int) -> bool:
        """See :class:`Check`."""
        try:
            return subprocess.run(
                self.command, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                timeout=20).returncode == 0
        except subprocess.TimeoutExpired:
            return False


@dataclasses.dataclass(frozen=True)
class CephDaemon:
    """A Ceph daemon says the right thing on its admin socket."""

    path: pathlib.Path
    prefix: str
    expected: str

    def ok(self, log: pathlib.Path, offset: int) -> bool:
        """See :class:`Check`."""
        request = json.dumps({'prefix': self.prefix}).encode() + b'\0'
        try:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(5)
                sock.connect(str(self.path))
                sock.sendall(request)
                with sock.makefile('rb') as stream:
                    size, = struct.unpack('>I', stream.read(4))
                    return self.expected.encode() in stream.read(size)
        except (OSError, struct.error):
            return False
