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

"""The commands of python-cinderclient and python-novaclient."""

from sandbox import client
from tests.clients import stories


class TestShells(stories.Story):

    def shell(self, command, *argv):
        """Run a command of the test's own environment."""
        return client.run(command, *argv, env=self.alice.environment)

    def cinder(self, *argv):
        return stories.rows(client.must(self.shell('cinder', *argv)).out)

    def compute(self, *argv):
        return stories.rows(client.must(self.shell('nova', *argv)).out)

    def wait(self, volume_id, status):
        self.wait_for_status(None, volume_id, status)

    def tell(self, zone):
        name = f'shell {zone}'
        made = self.cinder('create', '--name', name, '--availability-zone',
                           zone, '--metadata', 'a=b', '--', '1')
        volume_id = dict(each[:2] for each in made)['id']
        self.addCleanup(self.delete_volume, None, volume_id)
        yield 'create', made
        self.wait(volume_id, 'available')
        yield 'show', self.cinder('show', volume_id)
        yield 'show by name', self.cinder('show', name)
        yield 'list', self.cinder('list', '--name', name)
        self.cinder('rename', name, f'{name} new', '--description', 'about')
        self.cinder('metadata', volume_id, 'set', 'c=d')
        self.cinder('metadata', volume_id, 'unset', 'a')
        yield 'changed', self.cinder('show', volume_id)
        self.cinder('extend', volume_id, '2')
        self.wait(volume_id, 'available')
        snapshot = self.cinder('snapshot-create', '--name', f'{name} s',
                               volume_id)
        snapshot_id = dict(each[:2] for each in snapshot)['id']
        yield 'snapshot', snapshot
        client.wait_for('the snapshot', lambda: ['status', 'available'] in
                        self.cinder('snapshot-show', snapshot_id))
        yield 'show snapshot', self.cinder('snapshot-show', snapshot_id)
        yield 'list snapshots', self.cinder('snapshot-list', '--volume-id',
                                            volume_id)
        self.cinder('snapshot-delete', snapshot_id)
        client.wait_for('the end of the snapshot', lambda: self.shell(
            'cinder', 'snapshot-show', snapshot_id).code)
        attached = self.compute('volume-attach', self.server, volume_id)
        yield 'attach', attached
        self.wait(volume_id, 'in-use')
        yield 'in use', self.cinder('show', volume_id)
        yield 'attachments', self.compute('volume-attachments', self.server)
        self.compute('volume-detach', self.server, volume_id)
        self.wait(volume_id, 'available')
        self.cinder('delete', volume_id)
        client.wait_for('the end of the volume', lambda: self.shell(
            'cinder', 'show', volume_id).code)
        after = self.shell('cinder', 'show', volume_id)
        yield 'show what is gone', [after.code, after.err]

    def test_a_life(self):
        self.compare()
