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

"""S2: the bytes of a foreign volume; real guests and real storage."""

import re

from sandbox import client
from tests.scenario import base


class TestBytes(base.ServerScenario):

    def test_they_are_at_provider_and_survive_detach_and_reboot(self):
        volume = self.volume_at(self.provider)
        client.must(self.alice.openstack(
            'server', 'add', 'volume', self.server, volume))
        said = self.wait_for_console('GUEST: vdb OK')
        self.wait_for_attached(self.provider, volume)
        marker = self.marker(said)
        self.assertEqual(marker, self.stored(volume, marker))

        client.must(self.alice.openstack(
            'server', 'remove', 'volume', self.server, volume))
        self.wait_for_detached(self.provider, volume)
        self.wait_for_console('GUEST: vdb is gone')
        self.assertEqual(marker, self.stored(volume, marker))

        client.must(self.alice.openstack(
            'server', 'add', 'volume', self.server, volume))
        self.wait_for_console(f'before: [{marker}]')
        said = self.wait_for_console('GUEST: vdb OK', count=2)
        self.wait_for_attached(self.provider, volume)
        marker = self.marker(said)

        # A reboot begins a new console.
        client.must(self.alice.openstack('server', 'reboot', '--hard',
                                         '--wait', self.server))
        self.wait_for_console(f'before: [{marker}]')
        self.assertEqual('in-use',
                         self.volume(self.provider, volume)['status'])
        self.detach(self.provider, volume)
        self.assert_untouched(self.provider, volume)

    @staticmethod
    def marker(console: str) -> str:
        return re.findall(r'read back: \[(.*)\]', console)[-1]

    def stored(self, volume: str, marker: str) -> str:
        return self.sandbox.stored(self.provider, volume, base.MARKER_AT,
                                   len(marker)).decode()
