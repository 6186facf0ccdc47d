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

import dataclasses
import time

from cryptography import fernet
from oslo_config import cfg
from oslo_log import log as logging
from oslo_serialization import jsonutils

from mixmatch.login import login
from mixmatch import shared_store

LOG = logging.getLogger(__name__)


class SharedLoginCache(shared_store.SharedStore):
    """Shared cache, which may be absent, lost or forged.

    :param conf: with ``[cache]`` and ``[mixmatch] login_cache_secret``
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__(conf, 'The cache of shared logins')

    def get(self, key: login.Key) -> login.Login | None:
        """Return a login of another process; None without a valid one."""
        if self._region is None:
            return None
        stored = self._call('get', self._name(key), ignore_expiration=True)
        if not stored or not isinstance(stored, bytes):
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
        self._call('set', self._name(key), self._cipher(key).encrypt(text))

    def forget(self, key: login.Key, used: login.Login) -> None:
        """Delete a login, unless another process has made a new one."""
        found = self.get(key)
        if found and found.token == used.token:
            self._call('delete', self._name(key))

    def _name(self, key: login.Key) -> str:
        # NOTE: another number for each change of what is stored: releases
        # that run side by side leave each other's logins alone.
        return self._digest('name 2', dataclasses.astuple(key))

    def _cipher(self, key: login.Key) -> fernet.Fernet:
        return self._fernet(dataclasses.astuple(key))
