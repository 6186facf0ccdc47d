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

"""Cache of logins shared by all processes of home, in oslo.cache.

One operation of a user passes through several processes; with this only the
first of them logs in. A stored login can be decrypted only with both the
secret of the configuration and the token (or the password) at home.
"""

import base64
import dataclasses
import hashlib
import hmac
import time
from typing import Any

from cryptography import fernet
from oslo_cache import core as cache
from oslo_config import cfg
from oslo_log import log as logging
from oslo_serialization import jsonutils

from mixmatch import health
from mixmatch.login import login

LOG = logging.getLogger(__name__)


class SharedLoginCache:
    """Shared cache, which may be absent, lost or forged.

    :param conf: with ``[cache]`` and ``[mixmatch] login_cache_secret``
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._secret = (conf.mixmatch.login_cache_secret or '').encode()
        self._region = None
        if self._secret and conf.cache.enabled:
            self._region = cache.configure_cache_region(
                conf, cache.create_region())
        self._health = health.Health(
            'The cache of shared logins', pause=conf.mixmatch.retry_pause,
            longest=conf.mixmatch.retry_pause_max)

    def get(self, key: login.Key) -> login.Login | None:
        """Return a login of another process; None without a valid one."""
        if self._region is None:
            return None
        stored = self._guard('get', self._name(key), ignore_expiration=True)
        if not stored:
            return None
        try:
            values = jsonutils.loads(self._cipher(key).decrypt(stored))
            found = login.Login(**{**values,
                                   'body': values['body'].encode(),
                                   'urls': tuple(values['urls'])})
        except (fernet.InvalidToken, TypeError, ValueError, LookupError,
                AttributeError):
            LOG.warning('A cached login at service provider %s cannot be '
                        'decrypted and is ignored. Check that '
                        'login_cache_secret is the same in all services.',
                        key.service_provider)
            return None
        return found if found.until > time.time() else None

    def set(self, key: login.Key, made: login.Login) -> None:
        if self._region is None:
            return
        text = jsonutils.dump_as_bytes(
            {**dataclasses.asdict(made), 'body': made.body.decode()})
        self._guard('set', self._name(key), self._cipher(key).encrypt(text))

    def forget(self, key: login.Key, used: login.Login) -> None:
        """Delete a login, unless another process has made a new one."""
        found = self.get(key)
        if found and found.token == used.token:
            self._guard('delete', self._name(key))

    def _guard(self, method: str, name: str,
               *args: Any, **kwargs: Any) -> bytes | None:
        """Call the cache, or return None while it is down."""
        if self._health.refusal():
            return None
        try:
            found = getattr(self._region, method)(name, *args, **kwargs)
        except Exception as exc:  # noqa: BLE001
            # NOTE: each backend has errors of its own.
            self._health.failed(f'{type(exc).__name__}: {exc}', self._probe)
            return None
        self._health.succeeded()
        return found if isinstance(found, bytes) else None

    def _probe(self) -> bool:
        assert self._region is not None
        self._region.get('probe')
        return True

    def _name(self, key: login.Key) -> str:
        # NOTE: another number for each change of what is stored: releases
        # that run side by side leave each other's logins alone.
        return self._derive(b'name 2', key).hex()

    def _cipher(self, key: login.Key) -> fernet.Fernet:
        return fernet.Fernet(base64.urlsafe_b64encode(
            self._derive(b'encryption', key)))

    def _derive(self, purpose: bytes, key: login.Key) -> bytes:
        parts = (purpose, *(part.encode() for part in
                            dataclasses.astuple(key)))
        return hmac.digest(self._secret, b'\0'.join(parts), hashlib.sha256)
