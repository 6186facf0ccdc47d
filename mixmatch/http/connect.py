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
"""Connection with a deadline that includes the name look-up.

The timeout of a socket begins anew with each address of a host, and
getaddrinfo() has none. Under eventlet it stops all green threads as well:
Nova turns eventlet's own resolver off (nova/monkey_patch.py).
"""

from collections.abc import Iterable
from concurrent import futures
import ipaddress
import os
import socket
import sys
import threading
import time
from typing import Any

#: Addresses of one host that are tried.
MOST = 16

Address = tuple[Any, ...]


class _Resolver:
    """Looks names up in threads: one for each name, however many wait."""

    def __init__(self) -> None:
        self._forget()
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, int], futures.Future] = {}

    def addresses(self, host: str, port: int, until: float) -> list[Address]:
        """The addresses of a host, as getaddrinfo() gives them.

        :param until: on the clock of time.monotonic()
        :raises OSError: there are none, or not in time
        """
        with self._lock:
            waiting = self._under_way.get((host, port))
            if waiting is None:
                waiting = futures.Future()
                self._begin(host, port, waiting)
                self._under_way[host, port] = waiting
        try:
            return waiting.result(max(0, until - time.monotonic()))
        except futures.TimeoutError:
            raise TimeoutError('its name is not looked up in time') from None

    def _begin(self, host: str, port: int, found: futures.Future) -> None:
        try:
            threading.Thread(target=self._look_up, args=(host, port, found),
                             name='mixmatch-dns', daemon=True).start()
        except RuntimeError as exc:
            raise OSError(f'no thread to look its name up ({exc})') from exc

    def _look_up(self, host: str, port: int, found: futures.Future) -> None:
        try:
            addresses = _getaddrinfo(host, port, 0, socket.SOCK_STREAM)
        except BaseException as exc:  # noqa: BLE001
            self._end(host, port, found)
            found.set_exception(exc)
        else:
            self._end(host, port, found)
            found.set_result(addresses)

    def _end(self, host: str, port: int, found: futures.Future) -> None:
        with self._lock:
            if self._under_way.get((host, port)) is found:
                del self._under_way[host, port]


_RESOLVER = _Resolver()


def _getaddrinfo(*args: Any) -> list[Address]:
    # NOTE: with eventlet the thread is a green one.
    patcher = sys.modules.get('eventlet.patcher')
    if patcher is None or not patcher.is_monkey_patched('socket'):
        return socket.getaddrinfo(*args)
    from eventlet import tpool
    return tpool.execute(patcher.original('socket').getaddrinfo, *args)


def connect(host: str, port: int, until: float, options: Iterable[Any] = (),
            local: bool = True) -> socket.socket:
    """Connect to the first address of a host that takes it.

    :param until: when all of it has to be done, on the clock of
        time.monotonic(); each address gets its share of what is left
    :param options: for setsockopt
    :param local: whether the name may lead to this very machine
    :raises OSError: nothing took it in time
    """
    found = _addresses(host.strip('[]'), port, until)[:MOST]
    failure: OSError = OSError('its name has no address')
    for position, address in enumerate(found):
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError('no connection in time')
        if not local and _is_local(address[4][0]):
            failure = OSError('its name leads to this machine, or to this '
                              'network segment alone')
            continue
        try:
            made = _try(address, left / (len(found) - position), options)
        except OSError as exc:
            failure = exc
            continue
        # NOTE: the TLS handshake counts as part of the connection.
        made.settimeout(max(0.001, until - time.monotonic()))
        return made
    raise failure


def _addresses(host: str, port: int, until: float) -> list[Address]:
    try:
        return socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM,
                                  flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return _RESOLVER.addresses(host, port, until)


def _try(address: Address, seconds: float, options: Iterable[Any]
         ) -> socket.socket:
    family, kind, protocol, _, where = address
    made = socket.socket(family, kind, protocol)
    try:
        for option in options:
            made.setsockopt(*option)
        made.settimeout(max(0.001, seconds))
        made.connect(where)
    except BaseException:
        made.close()
        raise
    return made


def _is_local(address: str) -> bool:
    found = ipaddress.ip_address(address.partition('%')[0])
    found = getattr(found, 'ipv4_mapped', None) or found
    return (found.is_loopback or found.is_link_local or found.is_unspecified
            or found.is_multicast)


def is_literal(host: str) -> bool:
    """Return whether a host is an address or this machine's own name."""
    return host == 'localhost' or _address(host) is not None


def is_loopback(host: str) -> bool:
    """Return whether a host names this machine itself."""
    found = _address(host)
    return host == 'localhost' or bool(found and _is_local(str(found)))


def _address(host: str) -> Any:
    try:
        return ipaddress.ip_address(host.strip('[]').partition('%')[0])
    except ValueError:
        return None
