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

"""Values that all processes of home share, in oslo.cache.

Others may read and write that cache, so each value is encrypted, and each name
is a digest, with keys made of the secret of the configuration.
"""

import base64
from collections.abc import Iterable
import hashlib
import hmac
import time
from typing import Any

from cryptography import fernet
from oslo_cache import core as cache
from oslo_config import cfg

from mixmatch import health


class SharedStore:
    """Shared cache, which may be absent, lost or forged.

    :param conf: with ``[cache]`` and ``[mixmatch] login_cache_secret``
    :param label: begins each line of the log about it
    """

    #: Result of a call while there is no cache.
    AWAY = object()

    def __init__(self, conf: cfg.ConfigOpts, label: str) -> None:
        self._secret = (conf.mixmatch.login_cache_secret or '').encode()
        self._region = None
        if self._secret and conf.cache.enabled:
            self._region = cache.configure_cache_region(
                conf, cache.create_region())
        self._pause = conf.mixmatch.retry_pause
        self._health = health.Health(
            label, pause=self._pause,
            longest=conf.mixmatch.retry_pause_max)

    def _call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call the cache.

        :returns: :attr:`AWAY` while it is down, or if there is none
        """
        if self._region is None or self._health.refusal():
            return self.AWAY
        try:
            found = getattr(self._region, method)(*args, **kwargs)
        except Exception as exc:  # noqa: BLE001
            # NOTE: each backend has errors of its own.
            self._health.failed(f'{type(exc).__name__}: {exc}', self._probe)
            return self.AWAY
        if not isinstance(found, bytes) and self._has_given_up():
            self._health.failed('no answer in time', self._probe)
            return self.AWAY
        self._health.succeeded()
        return found

    def _probe(self) -> bool:
        assert self._region is not None
        self._region.get('probe')
        return not self._has_given_up()

    def _has_given_up(self) -> bool:
        """Return whether this thread's client asks no server at present.

        python-memcached raises nothing. After one late answer it finds
        nothing for ``[cache] memcache_dead_retry``, 300 seconds, without
        asking. It is made to ask again after a pause, not at once: the same
        request is not to wait twice. While no server answers it is the state
        of this cache that keeps threads from waiting for it.
        """
        assert self._region is not None
        client = getattr(self._region.actual_backend, 'client', None)
        servers = getattr(client, 'servers', None)
        if not servers or not isinstance(servers, list):
            return False
        now = time.time()
        if any(getattr(each, 'deaduntil', 0) <= now for each in servers):
            # NOTE: another one is asked instead, or it is another client.
            return False
        for each in servers:
            each.deaduntil = min(each.deaduntil, now + self._pause)
        return True

    def _digest(self, purpose: str, parts: Iterable[str]) -> str:
        return self._derive(purpose, parts).hex()

    def _fernet(self, parts: Iterable[str],
                purpose: str = 'encryption') -> fernet.Fernet:
        return fernet.Fernet(base64.urlsafe_b64encode(
            self._derive(purpose, parts)))

    def _derive(self, purpose: str, parts: Iterable[str]) -> bytes:
        return hmac.digest(self._secret, b'\0'.join(
            part.encode() for part in (purpose, *parts)), hashlib.sha256)
