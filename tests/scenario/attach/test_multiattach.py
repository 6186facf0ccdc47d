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

"""Two servers of moc use one volume of bu at the same time."""

from sandbox import client
from tests.scenario import servers


class TestMultiattach(servers.OperationScenario):

    type_id: str

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        landlord = cls.sandbox.user(cls.provider, 'admin').api('block-storage')
        backend = landlord.get('/types').json()['volume_types'][0]
        made = landlord.post('/types', json={'volume_type': {
            'name': 'shared', 'extra_specs': {
                'multiattach': '<is> True', **backend['extra_specs']}}})
        cls.type_id = made.json()['volume_type']['id']
        cls.addClassCleanup(landlord.delete, f'/types/{cls.type_id}')

    def shared_volume(self):
        cinder = self.alice.api('block-storage', at=self.provider)
        volume_id = cinder.post('/volumes', json={'volume': {
            'size': 1, 'name': 'shared', 'volume_type': 'shared'}}).json()[
                'volume']['id']
        self.addCleanup(self.delete_volume, self.provider, volume_id)
        self.wait_for_status(self.provider, volume_id, 'available')
        return volume_id

    def test_each_server_has_an_attachment_of_its_own(self):
        volume_id, first = self.shared_volume(), self.server
        self.attach_at_provider(volume_id)
        type(self).begin_server()
        second = self.server
        self.attach_at_provider(volume_id)
        client.wait_for('both to be attached', lambda: {
            (each['instance'], each['status'])
            for each in self.attachments_at(self.provider, volume_id)} == {
                (first, 'attached'), (second, 'attached')})
        self.operate('reboot', '--hard', '--wait', second)
        self.operate('delete', '--wait', first)
        self.assert_agreed(volume_id)
        self.detach_at_provider(volume_id)
