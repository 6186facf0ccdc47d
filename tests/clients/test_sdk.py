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

"""openstacksdk, which Ansible and many programs use."""

import openstack

from sandbox import credentials
from sandbox import topology
from tests.clients import stories


class TestSdk(stories.Story):

    def setUp(self):
        super().setUp()
        home = topology.by_name(self.home)
        self.cloud = openstack.connection.Connection(
            region_name=self.home, block_storage_api_version='3',
            **credentials.of(home, self.alice.name))
        self.addCleanup(self.cloud.close)

    def gone(self, volume_id):
        """Delete what a story has left."""
        self.delete_volume(None, volume_id)

    def volume_as_shown(self, volume_id):
        return self.cloud.block_storage.get_volume(volume_id).to_dict()

    def tell(self, zone):
        name = f'sdk {zone}'
        cinder = self.cloud.block_storage
        made = self.cloud.create_volume(
            1, name=name, availability_zone=zone, metadata={'a': 'b'},
            wait=True)
        self.addCleanup(self.gone, made.id)
        yield 'create', made.to_dict()
        yield 'show', self.volume_as_shown(made.id)
        yield 'find by name', cinder.find_volume(name).to_dict()
        yield 'get by name', self.cloud.get_volume(name).to_dict()
        yield 'list', [each.to_dict() for each in cinder.volumes(name=name)]
        yield 'search', [each.to_dict() for each
                         in self.cloud.search_volumes(name)]
        yield 'list all', [each.to_dict() for each in cinder.volumes()
                           if each.id == made.id]
        cinder.update_volume(made.id, description='about it')
        cinder.set_volume_metadata(made.id, c='d')
        cinder.delete_volume_metadata(made.id, ['a'])
        yield 'changed', self.volume_as_shown(made.id)
        cinder.extend_volume(made.id, 2)
        cinder.wait_for_status(cinder.get_volume(made.id), 'available')
        yield 'extended', self.volume_as_shown(made.id)

        snapshot = self.cloud.create_volume_snapshot(
            made.id, name=f'{name} snapshot', wait=True)
        yield 'snapshot', snapshot.to_dict()
        yield 'snapshots', [each.to_dict() for each in cinder.snapshots(
            volume_id=made.id)]
        yield 'delete snapshot', self.cloud.delete_volume_snapshot(
            snapshot.id, wait=True)

        server = self.cloud.get_server_by_id(self.server)
        attachment = self.cloud.attach_volume(
            server, self.cloud.get_volume_by_id(made.id), wait=True)
        yield 'attach', attachment.to_dict()
        yield 'in use', self.volume_as_shown(made.id)
        yield 'attachments of the server', [
            each.to_dict() for each
            in self.cloud.compute.volume_attachments(server)]
        yield 'volumes of the server', [
            each.to_dict() for each in self.cloud.get_volumes(server)]
        self.cloud.detach_volume(server, cinder.get_volume(made.id))
        yield 'detached', self.volume_as_shown(made.id)

        yield 'delete', self.cloud.delete_volume(made.id, wait=True)
        yield 'find what is gone', cinder.find_volume(name)
        yield 'delete what is gone', self.cloud.delete_volume(made.id)

    def test_a_life(self):
        self.compare()
