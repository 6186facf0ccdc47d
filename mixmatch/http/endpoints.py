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
"""Allowed destinations of requests to a service provider.

The catalog of a service provider names URLs. Unchecked, it could send
requests of this cloud's services, with data of users, to any address that
these services reach: an API of this cloud, or a machine that trusts their
address. The host in the list of home's Keystone belongs to the service
provider, with all of its ports, unless that host is home's as well.
"""

import dataclasses
import re
from typing import Any

from mixmatch import exceptions
from mixmatch.http import connect
from mixmatch import text

_URL = re.compile(
    r'(?P<scheme>https?)://'
    r'(?P<host>\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9._-]*[a-z0-9])?)'
    r'(:(?P<port>[1-9]\d{0,4}))?'
    # NOTE: parsers differ in what they make of "@" and a backslash.
    r'(?P<path>/[!-~]*)?', re.IGNORECASE)

#: Characters of the URL of an endpoint.
_LONGEST = 255

#: What is no part of the URL of an endpoint.
_NOT_IN_AN_ENDPOINT = re.compile(r'[?#@\\<>"]')

_PORTS = {'http': 80, 'https': 443}


@dataclasses.dataclass(frozen=True)
class Origin:
    """The scheme, host and port of a URL."""

    scheme: str
    host: str
    port: int

    @classmethod
    def from_url(cls, url: str) -> 'Origin':
        """Parse the origin of a URL.

        :raises ValueError: it is invalid, or parsers may disagree on it
        """
        found = _URL.fullmatch(url)
        if not found:
            raise ValueError('no URL')
        scheme = found['scheme'].lower()
        port = int(found['port'] or _PORTS[scheme])
        if port > 65535:
            raise ValueError('no port')
        return cls(scheme, found['host'].lower(), port)


class Endpoints:
    """Allowed destinations of requests to one service provider.

    :param name: the service provider
    :param hosts: host, or host:port, of more that is its own
    :param override: the endpoint that the configuration names, if it does
    :param home: the URL of home's Keystone
    """

    def __init__(self, name: str, hosts: list[str], override: str | None,
                 home: str) -> None:
        self._name = name
        self._hosts = {each.lower() for each in hosts}
        self._of_home = _origins([home])
        self._override = _origins([override] if override else [])
        self._own: frozenset[Origin] = frozenset()

    def learn(self, urls: tuple[str, ...]) -> None:
        """Remember the URLs of the service provider in home's Keystone.

        :param urls: its auth_url and sp_url
        """
        self._own = frozenset(_origins(urls))

    def check_endpoint(self, url: str, service: str) -> None:
        """Check a URL of the service provider's catalog.

        :param service: the name of the service, such as ``volume``
        :raises ServiceProviderSetupError: names the option that allows it
        """
        # NOTE: it will be logged; line breaks would forge log lines.
        if len(url) > _LONGEST or _NOT_IN_AN_ENDPOINT.search(url):
            raise self._invalid(service)
        self.check(url, service)

    def check(self, url: str, service: str) -> bool:
        """Check the destination of a request.

        :param service: the name of the service, such as ``volume``
        :returns: True if the configuration lists it, which allows even this
            machine
        :raises ServiceProviderSetupError: names the option that allows it
        """
        try:
            origin = Origin.from_url(url)
        except ValueError as exc:
            raise self._invalid(service) from exc
        if origin in self._override:
            return True
        listed = {origin.host, f'{origin.host}:{origin.port}'} & self._hosts
        if origin in self._own:
            return bool(listed)
        own = {each.host for each in self._own}
        if not listed and origin.host not in own:
            raise self._elsewhere(origin, 'which is not the host of its '
                                          "Keystone in this cloud's list")
        if not listed and self._is_homes(origin.host):
            raise self._elsewhere(origin, 'on a host that is of this cloud '
                                          'as well')
        if origin.scheme == 'http' and self._wants_tls(origin.host):
            raise self._refusal(
                f'its catalog leads to {text.quoted(url, 100)} without TLS, '
                'which its Keystone has; if that is meant, set '
                f'endpoint_override in [service_provider:{self._name}]')
        return bool(listed)

    def _wants_tls(self, host: str) -> bool:
        same = [each for each in self._own if each.host == host]
        return any(each.scheme == 'https' for each in same or self._own)

    def _is_homes(self, host: str) -> bool:
        return (any(each.host == host for each in self._of_home)
                or connect.is_loopback(host))

    def _elsewhere(self, origin: Origin, why: str
                   ) -> exceptions.MixmatchException:
        where = text.quoted(f'{origin.host}:{origin.port}', 100)
        return self._refusal(
            f'its catalog leads to {where}, {why}; if that is meant, add '
            f'it to endpoint_hosts in [service_provider:{self._name}]')

    def _invalid(self, service: str) -> exceptions.MixmatchException:
        return self._refusal(f'its {service} endpoint is not a valid URL')

    def _refusal(self, reason: str) -> exceptions.MixmatchException:
        return exceptions.ServiceProviderSetupError(
            service_provider=self._name, reason=reason)


def _origins(urls: Any) -> set[Origin]:
    found = set()
    for url in urls:
        try:
            found.add(Origin.from_url(url.partition('?')[0]))
        except ValueError:
            # What is no URL allows nothing.
            continue
    return found
