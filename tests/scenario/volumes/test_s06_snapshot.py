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

"""S6: moc's commands make a snapshot of bu's volume; it lives at bu."""

from typing import Any

from sandbox import client
from tests.scenario import base


class TestSnapshot(base.Scenario):

    def snapshot_command(self, *argv: str) -> client.Result:
        return client.must(self.alice.openstack('volume', 'snapshot', *argv))

    def in_use(self, cloud: str | None) -> int:
        """Return the number of snapshots on alice's quota in a cloud."""
        cinder = self.alice.api('block-storage', at=cloud)
        limits = cinder.get('/limits').json()['limits']
        return limits['absolute']['totalSnapshotsUsed']

    def at_provider(self, snapshot: str) -> Any:
        return self.alice.api('block-storage', at=self.provider).get(
            f'/snapshots/{snapshot}')

    def test_snapshot(self):
        volume = self.volume_at(self.provider)
        before = self.in_use(None), self.in_use(self.provider)
        snapshot = self.snapshot_command(
            'create', '--volume', volume, '-f', 'value', '-c', 'id',
            'yesterday').out.strip()
        client.wait_for('the snapshot', lambda: self.at_provider(
            snapshot).json()['snapshot']['status'] == 'available')
        self.assertEqual((before[0], before[1] + 1),
                         (self.in_use(None), self.in_use(self.provider)))

        self.assertIn(snapshot, [row['ID'] for row in self.snapshot_command(
            'list', '-f', 'json').json])
        self.assertEqual([snapshot], [
            row['ID'] for row in self.snapshot_command(
                'list', '--volume', volume, '-f', 'json').json])
        self.snapshot_command('set', '--property', 'a=1', snapshot)
        shown = self.snapshot_command('show', 'yesterday', '-f', 'json').json
        self.assertEqual((volume, {'a': '1'}),
                         (shown['volume_id'], shown['properties']))

        # A volume that is made of it lives where it does.
        copy = client.must(self.alice.openstack(
            'volume', 'create', '--snapshot', snapshot, '-f', 'value', '-c',
            'id', 'of-yesterday')).out.strip()
        self.addCleanup(self.delete_volume, self.provider, copy)
        self.wait_for_status(self.provider, copy, 'available')
        self.delete_volume(self.provider, copy)

        self.snapshot_command('delete', 'yesterday')
        client.wait_for('the snapshot to be gone', lambda: self.at_provider(
            snapshot).status_code == 404)
        self.assertEqual(before, (self.in_use(None),
                                  self.in_use(self.provider)))
