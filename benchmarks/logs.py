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

"""Facts about one request in the logs of the clouds."""

import dataclasses
import datetime
import pathlib
import re

_CALL = re.compile(
    r'(?P<sp>\S+) (?P<service>identity|volume): (?P<method>[A-Z]+) '
    r'(?P<url>\S+) (?P<outcome>\S+) in (?P<ms>[\d.]+) ms')
_ACCESS = re.compile(r'"(?P<method>[A-Z]+) (?P<path>[^ ?"]+)')
_KEYSTONE = re.compile(
    # NOTE: the first of the two ids is that of the whole operation.
    r'\[\S+ (?P<request>req-[0-9a-f-]+) .*'
    r'(?P<what>REQUEST_METHOD|PATH_INFO): `(?P<value>[^`]*)`')

#: What a Keystone is asked by a login; else services of its cloud validate
#: tokens, as they do without mixmatch.
_LOGIN = re.compile(
    r'POST (/v3)?/auth/tokens|POST .*/saml2/ecp|POST .*/SAML2/ECP|'
    r'GET .*/protocols/[^/]+/auth|GET (/v3)?/auth/projects')


class Tail:
    """The lines that are written to a log from now on."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        self._offset = path.stat().st_size

    def lines(self) -> list[str]:
        """Return the lines written since the last call."""
        with self._path.open('rb') as stream:
            stream.seek(self._offset)
            data = stream.read()
        whole = data[:data.rfind(b'\n') + 1]
        self._offset += len(whole)
        return whole.decode(errors='replace').splitlines()


def _time(line: str) -> float:
    return datetime.datetime.fromisoformat(line[:23]).timestamp()


def compute_part(lines: list[str], request_id: str) -> float | None:
    """Seconds that nova-compute worked on an attach or a detach.

    From its first line of the work ("Attaching volume", "Detaching
    volume") to the last one of the same request. Both are of Nova itself,
    whatever cloud the volume is in, and carry milliseconds.

    :returns: None if it has not begun
    """
    own = [line for line in lines if request_id in line[:200]
           and (' nova.' in line[:60])]
    begin = [at for at, line in enumerate(own)
             if re.search(r'(At|De)taching volume [0-9a-f-]{36}', line)]
    return _time(own[-1]) - _time(own[begin[0]]) if begin else None


@dataclasses.dataclass(frozen=True)
class Call:
    """A request of mixmatch to another cloud, from its line at DEBUG."""

    service: str
    what: str
    ms: float

    def __str__(self) -> str:
        return f'{self.service} {self.what} {self.ms:.0f} ms'


def foreign_calls(lines: list[str], request_id: str = '') -> list[Call]:
    """The requests to other clouds, in their order."""
    found = []
    for line in lines:
        match = _CALL.search(line)
        if match and request_id in line:
            path = re.sub(r'^https?://[^/]+', '', match['url'])
            found.append(Call(match['service'],
                              f'{match["method"]} {path}',
                              float(match['ms'])))
    return found


def login_requests(requests: list[str]) -> list[str]:
    """Those requests to a Keystone that log somebody in."""
    return [each for each in requests if _LOGIN.fullmatch(each)]


def apache_requests(lines: list[str]) -> list[str]:
    """Method and path of each line of an access log."""
    return [f'{match["method"]} {match["path"]}' for match in
            map(_ACCESS.search, lines) if match]


def keystone_requests(lines: list[str]) -> list[str]:
    """Method and path of each request, from Keystone's log at DEBUG."""
    found: dict[str, dict[str, str]] = {}
    for match in map(_KEYSTONE.search, lines):
        if match:
            found.setdefault(match['request'], {})[
                match['what']] = match['value']
    return [f'{each["REQUEST_METHOD"]} {each["PATH_INFO"]}'
            for each in found.values() if len(each) == 2]
