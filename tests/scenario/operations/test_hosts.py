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

"""A server with a volume of bu moves between hosts, or leaves them."""

from keystoneauth1 import adapter

from sandbox import client
from tests.scenario import servers


class TestHosts(servers.OperationScenario):
    """moc's administrator moves alice's server; libvirt on both hosts."""

    nova_admin: adapter.Adapter

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enterClassContext(cls.two_hosts())
        cls.nova_admin = cls.admin.api('compute', version='2.89')

    def setUp(self):
        super().setUp()
        self.volume_id = self.attached_volume()
        self.wait_for_disk(self.volume_id)
        self.before = self.host

    def flavor(self):
        """Another flavor of the same size but for memory."""
        made = self.nova_admin.post('/flavors', json={'flavor': {
            'name': self.id().rpartition('.')[2], 'ram': 144, 'vcpus': 1,
            'disk': 1}}).json()['flavor']['id']
        self.addCleanup(self.nova_admin.delete, f'/flavors/{made}')
        return made

    def assert_is_elsewhere(self):
        self.assertNotEqual(self.before, self.host)
        self.assert_agreed(self.volume_id)

    def assert_is_back(self):
        self.assertEqual(self.before, self.host)
        self.assert_agreed(self.volume_id)

    def test_cold_migration_by_an_administrator(self):
        self.operate('migrate', self.server, by=self.admin)
        self.wait_for_server('VERIFY_RESIZE')
        self.assert_is_elsewhere()
        self.operate('migrate', 'confirm', self.server, by=self.admin)
        self.wait_for_server('ACTIVE')
        self.assert_is_elsewhere()
        self.wait_for_disk(self.volume_id)

    def test_cold_migration_reverted(self):
        self.operate('migrate', self.server, by=self.admin)
        self.wait_for_server('VERIFY_RESIZE')
        self.operate('migrate', 'revert', self.server, by=self.admin)
        self.wait_for_server('ACTIVE')
        self.assert_is_back()
        self.wait_for_disk(self.volume_id)

    def test_resize(self):
        self.operate('resize', '--flavor', self.flavor(), self.server)
        self.wait_for_server('VERIFY_RESIZE')
        self.assert_is_elsewhere()
        self.operate('resize', 'confirm', self.server)
        self.wait_for_server('ACTIVE')
        self.assert_is_elsewhere()

    def test_resize_reverted(self):
        self.operate('resize', '--flavor', self.flavor(), self.server)
        self.wait_for_server('VERIFY_RESIZE')
        self.operate('resize', 'revert', self.server)
        self.wait_for_server('ACTIVE')
        self.assert_is_back()

    def test_evacuated(self):
        """Its host is gone; nobody can ask there."""
        with self.host_down():
            self.operate('evacuate', self.server, by=self.admin)
            # Since 2.95 somebody has to start it.
            self.wait_for_server('SHUTOFF')
            # It has stopped a moment before it has moved.
            client.wait_for('it to have moved', lambda: (
                self.host != self.before))
            self.assert_is_elsewhere()
        self.operate('start', self.server)
        self.wait_for_server('ACTIVE')
        self.assert_agreed(self.volume_id)
        self.wait_for_disk(self.volume_id)


class TestVolumesOfTwoClouds(servers.OperationScenario):

    def test_together_on_one_server(self):
        """S9, with one service provider and home."""
        local = self.local_volume()
        foreign = self.attached_volume()
        client.must(self.alice.openstack(
            'server', 'add', 'volume', self.server, local))
        self.wait_for_attached(None, local)
        self.operate('reboot', '--hard', self.server)
        self.wait_for_server('ACTIVE')
        self.assert_agreed(foreign)
        self.assertEqual('in-use', self.volume(None, local)['status'])
        self.detach(None, local)
        self.assert_agreed(foreign)
