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

"""S2: volumes of two clouds in one place, by the plain commands of moc."""

from typing import Any

from sandbox import client
from tests.scenario import base

MARK = 'os-mixmatch:service_provider'


class TestPlainCommands(base.ServerScenario):

    def volume_command(self, *argv: str) -> client.Result:
        return client.must(self.alice.openstack('volume', *argv))

    def shown(self, volume: str) -> Any:
        return self.volume_command('show', volume, '-f', 'json').json

    def names(self) -> list[str]:
        return [row['Name'] for row in self.volume_command(
            'list', '-f', 'json').json]

    def create_at_provider(self, name: str, *argv: str) -> str:
        volume = self.volume_command(
            'create', '--size', '1', '--availability-zone', self.provider,
            *argv, '-f', 'value', '-c', 'id', name).out.strip()
        self.addCleanup(self.delete_volume, self.provider, volume)
        self.wait_for_status(self.provider, volume, 'available')
        return volume

    def test_life_of_a_volume_there(self):
        """Made, found by its name, changed, used and deleted from home."""
        local = self.local_volume()
        volume = self.create_at_provider('plain-cli')
        self.assertEqual(404, self.alice.api('block-storage').get(
            f'/volumes/{volume}?{MARK}=none').status_code)
        self.assertEqual({volume, local}, {volume, local} & {
            row['ID'] for row in self.volume_command(
                'list', '-f', 'json').json})
        shown = self.shown('plain-cli')
        self.assertEqual((volume, self.provider),
                         (shown['id'], shown['availability_zone']))

        self.volume_command('set', '--property', 'a=1', '--property', 'b=2',
                            '--description', 'elsewhere', volume)
        self.volume_command('unset', '--property', 'a', volume)
        self.volume_command('set', '--bootable', volume)
        self.volume_command('set', '--size', '2', volume)
        self.wait_for_status(self.provider, volume, 'available')
        there = self.volume(self.provider, volume)
        self.assertEqual(
            ({'b': '2'}, 'elsewhere', 'true', 2),
            (there['metadata'], there['description'], there['bootable'],
             there['size']))

        client.must(self.alice.openstack(
            'server', 'add', 'volume', self.server, 'plain-cli'))
        self.wait_for_attached(self.provider, volume)
        listed = [row for row in self.volume_command(
            'list', '-f', 'json').json if row['ID'] == volume]
        self.assertEqual('in-use', listed[0]['Status'])
        self.assertEqual(self.server,
                         listed[0]['Attached to'][0]['server_id'])
        refused = self.alice.openstack('volume', 'delete', volume)
        self.assertEqual(1, refused.code)
        self.assertIn(f'Service provider {self.provider}', refused.err)
        client.must(self.alice.openstack(
            'server', 'remove', 'volume', self.server, 'plain-cli'))
        self.wait_for_detached(self.provider, volume)

        self.volume_command('delete', 'plain-cli')
        client.wait_for('the volume to be gone', lambda: (
            'plain-cli' not in self.names()))
        self.assertEqual(404, self.alice.api('block-storage').get(
            f'/volumes/{volume}').status_code)

    def test_zones(self):
        """The other cloud is offered as a zone, and lists know it."""
        zones = [row['Zone Name'] for row in client.must(self.alice.openstack(
            'availability', 'zone', 'list', '--volume', '-f', 'json')).json]
        self.assertIn(self.provider, zones)
        volume = self.create_at_provider('plain-cli-zone')
        local = self.local_volume()
        for zone, found in ((self.provider, volume), ('nova', local)):
            rows = self.alice.api('block-storage').get(
                f'/volumes?availability_zone={zone}').json()['volumes']
            self.assertEqual([found], [
                row['id'] for row in rows if row['id'] in (volume, local)])

    def test_what_is_not_possible_names_the_cloud(self):
        volume = self.create_at_provider('plain-cli-refused')
        for argv in (('volume', 'transfer', 'request', 'create', volume),
                     ('image', 'create', '--volume', volume, 'copy')):
            refused = self.alice.openstack(*argv)
            self.assertEqual(1, refused.code, refused)
            self.assertIn(f'service provider {self.provider}', refused.err)
        self.assert_untouched(self.provider, volume)

    def test_copy_of_a_volume_there(self):
        volume = self.create_at_provider('plain-cli-source')
        copy = self.volume_command('create', '--source', volume, '-f',
                                   'value', '-c', 'id', 'copy').out.strip()
        self.addCleanup(self.delete_volume, self.provider, copy)
        self.wait_for_status(self.provider, copy, 'available')
        self.assertEqual(volume,
                         self.volume(self.provider, copy)['source_volid'])

    def test_volumes_of_home_stay_homes(self):
        before = self.volume_command('list', '-f', 'json').json
        volume = self.local_volume()
        self.volume_command('set', '--property', 'a=1', volume)
        self.volume_command('delete', volume)
        client.wait_for('the volume to be gone', lambda: (
            self.volume_command('list', '-f', 'json').json == before))
