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

"""A server with a volume of bu is rebooted, stopped, paused, suspended."""

from sandbox import client
from tests.scenario import servers


class TestPower(servers.OperationScenario):
    """One volume of bu, which each test finds and leaves attached."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.volume_id = cls.class_volume(cls.provider)

    def setUp(self):
        super().setUp()
        if self.volume_id not in [each['volumeId']
                                  for each in self.mappings()]:
            self.wait_for_status(self.provider, self.volume_id, 'available')
            self.attach_at_provider(self.volume_id)
        self.wait_for_disk(self.volume_id)
        self.addCleanup(self.assert_agreed, self.volume_id)

    def assert_boots_with_it(self):
        """The console of a guest that has been started begins anew."""
        self.wait_for_server('ACTIVE')
        self.wait_for_disk(self.volume_id)
        self.assert_agreed(self.volume_id)

    def test_hard_reboot(self):
        self.operate('reboot', '--hard', self.server)
        self.assert_boots_with_it()

    def test_hard_reboot_by_an_administrator(self):
        """The administrator's token is worth nothing at bu."""
        self.operate('reboot', '--hard', self.server,
                     by=self.admin)
        self.assert_boots_with_it()

    def test_soft_reboot(self):
        self.operate('reboot', '--soft', self.server)
        self.assert_boots_with_it()

    def test_stop_and_start(self):
        self.operate('stop', self.server)
        self.wait_for_server('SHUTOFF')
        self.assert_agreed(self.volume_id)
        self.operate('start', self.server)
        self.assert_boots_with_it()

    def test_pause(self):
        self.operate('pause', self.server)
        self.wait_for_server('PAUSED')
        self.assert_agreed(self.volume_id)
        self.operate('unpause', self.server)
        self.wait_for_server('ACTIVE')

    def test_suspend(self):
        self.operate('suspend', self.server)
        self.wait_for_server('SUSPENDED')
        self.assert_agreed(self.volume_id)
        self.operate('resume', self.server)
        self.wait_for_server('ACTIVE')

    def test_rescue(self):
        self.operate('rescue', self.server)
        self.wait_for_server('RESCUE')
        self.assert_agreed(self.volume_id)
        self.operate('unrescue', self.server)
        self.assert_boots_with_it()

    def test_rebuild(self):
        image, = self.alice.api('image').get(
            '/v2/images', params={'name': 'guest'}).json()['images']
        self.operate('rebuild', '--image', image['id'], self.server)
        self.assert_boots_with_it()

    def test_restart_of_nova_compute(self):
        self.sandbox.control('restart', self.home, 'nova-compute')
        self.assert_agreed(self.volume_id)
        self.operate('reboot', '--hard', self.server)
        self.assert_boots_with_it()

    def test_listed_and_changed(self):
        listed = client.must(self.alice.openstack(
            'server', 'volume', 'list', self.server, '-f', 'json')).json
        self.assertEqual([self.volume_id],
                         [each['Volume ID'] for each in listed])
        client.must(self.alice.openstack(
            'server', 'volume', 'set', '--delete-on-termination',
            self.server, self.volume_id))
        shown = self.nova.get(f'{self.url}/{self.volume_id}').json()
        self.assertTrue(shown['volumeAttachment']['delete_on_termination'])
        client.must(self.alice.openstack(
            'server', 'volume', 'set', '--preserve-on-termination',
            self.server, self.volume_id))
