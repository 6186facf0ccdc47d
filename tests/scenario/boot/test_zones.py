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

"""``[cinder] cross_az_attach = false``: Nova compares only zones of home."""

from tests.scenario import servers
from tests.scenario import tables

#: A zone in which home has no host.
ZONE = 'rack7'


class TestZones(servers.OperationScenario):

    has_server = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enterClassContext(cls.configured_all(
            'cinder', r'os_region_name\s*=.*',
            f'os_region_name = {cls.home}\ncross_az_attach = false\n'))

    def volume_in_zone(self):
        volume_id = self.volume_at(self.provider)
        tables.put_in_zone(self.provider, volume_id, ZONE)
        return volume_id

    def boot(self, volume_id):
        self.assertEqual(200, self.alice.api(
            'block-storage', at=self.provider).post(
                f'/volumes/{volume_id}/action',
                json={'os-set_bootable': {'bootable': True}}).status_code)
        self.server = self.new_server(imageRef='', block_device_mapping_v2=[{
            'uuid': volume_id, 'boot_index': 0, 'source_type': 'volume',
            'destination_type': 'volume'}])
        self.addCleanup(self.delete_server, self.server)

    def test_volumes_elsewhere_have_no_zone_for_nova(self):
        root, another = self.volume_in_zone(), self.volume_in_zone()
        local = self.local_volume()
        tables.put_in_zone(self.home, local, ZONE)
        self.boot(root)
        self.assert_agreed(root)

        refused = self.attach({'volumeAttachment': {'volumeId': local}})
        self.assertEqual(400, refused.status_code, refused.text)
        self.assertIn('availability_zone', refused.text)
        # NOTE: it stays until the end: no system here lets a disk go.
        self.attach_at_provider(another)
        self.assert_agreed(root, another)

        self.assertEqual(202, self.act('shelve').status_code)
        self.wait_for_server('SHELVED_OFFLOADED')
        response = self.act('unshelve', {'availability_zone': 'nova'})
        self.assertEqual(202, response.status_code, response.text)
        self.wait_for_server('ACTIVE')
        self.assert_agreed(root, another)
