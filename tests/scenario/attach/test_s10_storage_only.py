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

"""S10: bu has only Keystone and Cinder, no Nova that Cinder could ask."""

from sandbox import client
from tests.scenario import attachers


class TestStorageOnly(attachers.ProtectionScenario):

    def test_provider_has_no_nova(self):
        admin = self.sandbox.user(self.provider, 'admin')
        catalog = client.must(admin.openstack(
            'catalog', 'list', '-f', 'json')).json
        self.assertNotIn('compute', [each['Type'] for each in catalog])

    def test_attach_and_detach(self):
        volume_id = self.volume_at(self.provider)
        client.must(self.alice.openstack('server', 'add', 'volume',
                                         self.server, volume_id))
        self.wait_for_attached(self.provider, volume_id)
        self.assert_agreed(volume_id)
        client.must(self.alice.openstack('server', 'remove', 'volume',
                                         self.server, volume_id))
        self.wait_for_detached(self.provider, volume_id)
        self.assert_untouched(self.provider, volume_id)

    def test_boot_and_delete(self):
        volume_id = self.volume_at(self.provider)
        client.must(self.alice.openstack_at(
            self.provider, 'volume', 'set', '--bootable', volume_id))
        name = self.id().rpartition('.')[2]
        for by in (self.alice, self.admin):
            server_id = client.must(self.alice.openstack(
                'server', 'create', '--flavor', 'tiny', '--nic', 'none',
                '--volume', volume_id, '--wait', '-f', 'json', name)).json[
                    'id']
            self.wait_for_status(self.provider, volume_id, 'in-use')
            client.must(by.openstack('server', 'delete', '--wait',
                                     server_id))
            self.wait_for_status(self.provider, volume_id, 'available')
            self.assert_untouched(self.provider, volume_id)

    def test_what_the_user_detaches_at_provider(self):
        """Cinder alone answers 500: it finds no Nova to ask."""
        volume_id = self.volume_at(self.provider)
        self.attach_by_hand(self.at_provider, volume_id)
        self.assertEqual(202, self.act_on(self.at_provider, volume_id,
                                          'os-detach'))
        self.assert_untouched(self.provider, volume_id)
