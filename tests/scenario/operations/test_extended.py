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

"""A volume of bu grows while a server of moc uses it."""

from sandbox import client
from tests.scenario import servers

GIB = 2 ** 30


class TestExtended(servers.OperationScenario):
    """bu's Cinder can tell only a Nova of bu, and bu has none."""

    def setUp(self):
        super().setUp()
        self.volume_id = self.attached_volume()

    def test_guest_sees_it_at_once_if_home_is_asked(self):
        client.must(self.alice.openstack(
            '--os-volume-api-version', '3.42', 'volume', 'set', '--size',
            '2', self.volume_id))
        client.wait_for('the disk to grow', lambda: self.capacity(
            self.volume_id) == 2 * GIB, 20)
        self.wait_for_attached(self.provider, self.volume_id)
        self.assert_agreed(self.volume_id)

    def extend_there(self):
        """Alice extends it at bu, and home does not see it."""
        client.must(self.alice.openstack_at(
            self.provider, '--os-volume-api-version', '3.42', 'volume', 'set',
            '--size', '2', self.volume_id))
        client.wait_for(f'{self.provider} to extend it', lambda: self.volume(
            self.provider, self.volume_id)['size'] == 2)
        self.wait_for_attached(self.provider, self.volume_id)

    def test_guest_sees_it_when_home_s_operator_says_so(self):
        self.extend_there()
        self.assertEqual(GIB, self.capacity(self.volume_id))
        client.must(self.sandbox.mixmatch_nova('extended', self.volume_id))
        client.wait_for('the disk to grow', lambda: self.capacity(
            self.volume_id) == 2 * GIB, 20)
        self.assert_agreed(self.volume_id)

    def test_guest_sees_it_after_a_hard_reboot(self):
        self.extend_there()
        self.operate('reboot', '--hard', self.server)
        self.wait_for_server('ACTIVE')
        self.assertEqual(2 * GIB, self.capacity(self.volume_id))
