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

"""Facts about other clouds that all processes of home share.

A fact is a small JSON value. Whoever uses it has to do without: the cache may
be absent, and may lose a fact at any time.
"""

from collections.abc import Sequence
from typing import Any

from cryptography import fernet
from oslo_config import cfg
from oslo_log import log as logging
from oslo_serialization import jsonutils

from mixmatch import shared_store

LOG = logging.getLogger(__name__)

Key = tuple[str, ...]


class SharedFacts(shared_store.SharedStore):
    """Shared cache of facts, which may be absent, lost or forged.

    :param conf: with ``[cache]`` and ``[mixmatch] login_cache_secret``
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__(conf, 'The cache of shared facts')

    def get(self, *keys: Key) -> Sequence[Any] | None:
        """Return facts; None for each that is not there.

        :returns: None while there is no cache
        """
        stored = self._call('get_multi', [self._name(key) for key in keys],
                            ignore_expiration=True)
        if stored is self.AWAY:
            return None
        return [self._open(key, value) for key, value in zip(keys, stored)]

    def set(self, key: Key, fact: Any) -> None:
        """Store a fact, for all processes."""
        if self._region is not None:
            self._call('set', self._name(key), self._cipher(key).encrypt(
                jsonutils.dump_as_bytes(fact)))

    def _open(self, key: Key, value: Any) -> Any:
        if not isinstance(value, bytes):
            return None
        try:
            return jsonutils.loads(self._cipher(key).decrypt(value))
        except (fernet.InvalidToken, ValueError):
            LOG.warning('A cached fact (%s) cannot be decrypted and is '
                        'ignored. Check that login_cache_secret is the same '
                        'in all services.', key[0])
            return None

    def _name(self, key: Key) -> str:
        return self._digest('fact 1', key)

    def _cipher(self, key: Key) -> fernet.Fernet:
        return self._fernet(key, 'encryption of facts')
