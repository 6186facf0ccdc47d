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

"""Operations of Nova and its operator without a token of a user."""

from sandbox import client
from tests.scenario import servers


class TestManage(servers.OperationScenario):
    """``nova-manage volume_attachment``"""

    def test_refresh(self):
        volume_id = self.attached_volume()
        shown = self.manage_attachment(
            'show', self.server, volume_id, '--json')
        self.assertIn(volume_id, shown.out)
        before, = self.attachments_at(self.provider, volume_id)
        self.operate('stop', self.server)
        self.wait_for_server('SHUTOFF')
        self.renew_attachment(volume_id)
        after, = self.attachments_at(self.provider, volume_id)
        self.assertNotEqual(before['id'], after['id'])
        self.operate('start', self.server)
        self.wait_for_server('ACTIVE')
        self.assert_agreed(volume_id)
        self.wait_for_disk(volume_id)


class TestReclaim(servers.OperationScenario):
    """A server that was deleted softly, and for good by a periodic task."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for services, name in ((('nova-api',), 'nova.conf'),
                               (('nova-compute',), 'nova-cpu.conf')):
            cls.enterClassContext(cls.configured(
                services, name, 'DEFAULT', 'force_config_drive = false',
                'force_config_drive = false\n'
                'reclaim_instance_interval = 5\n'))

    @classmethod
    def end_server(cls):
        pass

    def test_reclaimed(self):
        volume_id = self.volume_at(self.provider)
        self.attach_at_provider(volume_id)
        self.operate('delete', self.server)
        self.wait_for_server('SOFT_DELETED')
        self.assert_agreed(volume_id)
        client.wait_for('Nova to reclaim it', lambda: self.hypervisors.get(
            f'/servers/{self.server}').status_code == 404, 150)
        self.wait_for_status(self.provider, volume_id, 'available')
        self.assert_untouched(self.provider, volume_id)
