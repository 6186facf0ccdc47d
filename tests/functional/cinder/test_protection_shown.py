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

"""Hosts and holders of several clouds, told apart."""

from tests.functional.cinder import cinder_api
from tests.functional.cinder import protected

ADMIN, ALICE = cinder_api.ADMIN, cinder_api.ALICE
OWN_NOVA = cinder_api.OWN_NOVA
NU_NOVA, MOC_NOVA = cinder_api.NU_NOVA, cinder_api.MOC_NOVA
SERVER, ANOTHER = protected.SERVER, protected.ANOTHER
COMPUTE1 = protected.COMPUTE1
COMPUTE2 = protected.COMPUTE2


class TestHosts(protected.TestCase):
    """Two clouds have a host of the same name."""

    def hosts(self, volume_id):
        return [each['host'] for each in
                self.cinder.storage.connected[volume_id]]

    def test_told_apart(self):
        shared = self.cinder.add_volume(multiattach=True)
        self.attach(OWN_NOVA, shared, ANOTHER, COMPUTE2)
        self.attach(MOC_NOVA, shared)
        self.attach(NU_NOVA, shared, cinder_api.PROJECT, {
            'host': 'compute1', 'initiator': 'iqn.of.nu'})
        self.assertEqual(['compute1', '0a0c5678-compute1',
                          '0b0e5678-compute1'], self.hosts(shared))

    def test_the_same_each_time(self):
        mine = self.cinder.add_volume()
        attachment = self.attach(MOC_NOVA, mine)
        self.update(MOC_NOVA, attachment, COMPUTE1)
        self.assertEqual(['0a0c5678-compute1'] * 2, self.hosts(mine))

    def test_connected_at_once(self):
        mine = self.cinder.add_volume()
        self.reserve(MOC_NOVA, mine, connector=COMPUTE1)
        self.assertEqual(['0a0c5678-compute1'], self.hosts(mine))


class TestShown(protected.TestCase):
    """Administrators see the owner of an attachment; users do not."""

    def setUp(self):
        super().setUp()
        self.mine = self.cinder.add_volume()
        self.attachment = self.attach(MOC_NOVA, self.mine)
        self.holder = {
            'home_id': cinder_api.DOMAINS['moc'], 'home': 'moc',
            'user_id': 'id-of-alice', 'user': 'alice'}

    def test_attachment(self):
        shown = self.shown(self.attachment)
        self.assertEqual(self.holder, shown['os-mixmatch:holder'])
        self.assertEqual(SERVER, shown['instance'])

    def test_list_of_attachments(self):
        [shown] = self.send(ADMIN, 'GET', '/attachments/detail?all_tenants=1',
                            status=200).json['attachments']
        self.assertEqual(self.holder, shown['os-mixmatch:holder'])

    def test_volume(self):
        [shown] = self.volume(self.mine)['attachments']
        self.assertEqual(self.holder, shown['os-mixmatch:holder'])
        self.assertEqual(SERVER, shown['server_id'])

    def test_users_see_what_they_always_saw(self):
        for path in (f'/attachments/{self.attachment}',
                     f'/volumes/{self.mine}', '/attachments/detail',
                     '/volumes/detail'):
            text = self.send(ALICE, 'GET', path, status=200).text
            self.assertNotIn('mixmatch', text)
            self.assertNotIn(cinder_api.DOMAINS['moc'], text)
