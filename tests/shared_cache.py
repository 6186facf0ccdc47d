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

"""A cache that processes share, in memory."""

from typing import Any

from dogpile.cache.backends import memory
import fixtures


def shared_cache(secret='secret-of-home'):
    """Options of ``[mixmatch]``, and the section of a shared cache."""
    return (f'login_cache_secret = {secret}\n[cache]\nenabled = true\n'
            'backend = dogpile.cache.memory\n[mixmatch]\n')


class SharedCache(fixtures.Fixture):
    """One cache for all who use dogpile.cache.memory."""

    def _setUp(self):
        self.broken = False
        self.asked = 0
        #: name -> dogpile's pair of value and metadata
        self.stored: dict[str, Any] = {}
        for method in ('get', 'get_multi', 'set', 'delete'):
            self._watch(method)
        self.useFixture(fixtures.MockPatchObject(
            memory.MemoryBackend, '__init__', lambda backend, _arguments:
            setattr(backend, '_cache', self.stored)))

    def _watch(self, method):
        real = getattr(memory.MemoryBackend, method)

        def watched(backend, *args):
            self.asked += 1
            if self.broken:
                raise ConnectionRefusedError('no cache here')
            return real(backend, *args)
        self.useFixture(fixtures.MockPatchObject(
            memory.MemoryBackend, method, watched))

    @property
    def values(self):
        return [value.payload for value in self.stored.values()]

    def put(self, name, value):
        """Write like somebody who has got hold of the cache."""
        self.stored[name] = self.stored[name]._replace(payload=value)
