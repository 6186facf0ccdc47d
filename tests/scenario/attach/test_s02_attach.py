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

"""S2: a server of moc uses a volume that lives at bu."""

from sandbox import client
from tests.scenario import base

MARK = 'os-mixmatch:service_provider'


class TestForeignVolume(base.ServerScenario):

    one_login = True

    def test_openstack_server_add_and_remove_volume(self):
        volume = self.volume_at(self.provider)

        added = client.must(self.alice.openstack(
            'server', 'add', 'volume', self.server, volume, '-f', 'json'))
        self.assertEqual('/dev/vdb', added.json['Device'])
        self.wait_for_attached(self.provider, volume)

        # Both clouds say the same of it.
        shown = client.must(self.alice.openstack(
            'volume', 'show', volume, '-f', 'json')).json
        shown_there = client.must(self.alice.openstack_at(
            self.provider, 'volume', 'show', volume, '-f', 'json')).json
        for view in (shown, shown_there):
            self.assertEqual('in-use', view['status'])
            self.assertEqual([self.server], [
                each['server_id'] for each in view['attachments']])

        client.must(self.alice.openstack(
            'server', 'remove', 'volume', self.server, volume))
        self.wait_for_detached(self.provider, volume)
        self.assertEqual('available', client.must(self.alice.openstack(
            'volume', 'show', volume, '-f', 'json')).json['status'])
        self.assert_untouched(self.provider, volume)
        self.assertEqual([], self.mappings())

    def test_home_says_where_the_volume_lives(self):
        volume = self.volume_at(self.provider)
        self.assertEqual(self.provider, self.volume(None, volume)[MARK])
        local = self.local_volume()
        self.assertNotIn(MARK, self.volume(None, local))

    def test_nova_volume_attach_and_detach(self):
        volume = self.volume_at(self.provider)
        client.must(self.alice.nova('volume-attach', self.server,
                                    f'{volume}@{self.provider}'))
        self.wait_for_attached(self.provider, volume)
        client.must(self.alice.nova('volume-detach', self.server, volume))
        self.wait_for_detached(self.provider, volume)
        self.assert_untouched(self.provider, volume)

    def test_plain_http_with_service_provider(self):
        volume = self.volume_at(self.provider)
        local = self.local_volume()
        response = self.attach({'volumeAttachment': {
            'volumeId': volume, 'serviceProvider': self.provider}})
        self.assertEqual(200, response.status_code, response.text)
        attachment = response.json()['volumeAttachment']
        self.assertEqual(self.provider, attachment['serviceProvider'])
        self.assertEqual(volume, attachment['volumeId'])
        self.wait_for_attached(self.provider, volume)
        self.attach({'volumeAttachment': {'volumeId': local}})

        # Attachments say where their volume lives; home's say nothing.
        shown = self.nova.get(f'{self.url}/{volume}').json()
        self.assertEqual(self.provider,
                         shown['volumeAttachment']['serviceProvider'])
        listed = {each['volumeId']: each.get('serviceProvider')
                  for each in self.mappings()}
        self.assertEqual({volume: self.provider, local: None}, listed)

        self.wait_for_attached(None, local)
        self.detach(None, local)
        self.detach(self.provider, volume)
        self.assert_untouched(self.provider, volume)
        self.assertEqual([], self.mappings())

    def test_detach_may_name_the_service_provider(self):
        volume = self.volume_at(self.provider)
        client.must(self.alice.nova('volume-attach', self.server,
                                    f'{volume}@{self.provider}'))
        self.wait_for_attached(self.provider, volume)
        client.must(self.alice.nova('volume-detach', self.server,
                                    f'{volume}@{self.provider}'))
        self.wait_for_detached(self.provider, volume)
        self.assert_untouched(self.provider, volume)
