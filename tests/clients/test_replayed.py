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

"""Requests of programs that cannot be installed here, in their order.

Terraform's provider ``openstack`` (``openstack_blockstorage_volume_v3``,
``openstack_compute_volume_attach_v2``) and Kubernetes' ``cinder-csi-plugin``
are written in Go. What they ask, and what they conclude, is in their sources:
``openstack/resource_openstack_{blockstorage_volume_v3,compute_volume_attach_v2}
.go`` of terraform-provider-openstack, and
``pkg/csi/cinder/{controllerserver,openstack/openstack_volumes}.go`` of
cloud-provider-openstack.
"""

from sandbox import client
from tests.clients import stories


class Replayed(stories.Story):

    def setUp(self):
        super().setUp()
        self.cinder = self.alice.api('block-storage')
        # They ask for no microversion.
        self.compute = self.alice.api('compute')

    def ask(self, status, method, path, json=None, api=None, **kwargs):
        """Send a request; the value in the answer."""
        response = (api or self.cinder).request(path, method, json=json,
                                                **kwargs)
        self.assertEqual(status, response.status_code, response.text)
        if not response.content:
            return None
        body = response.json()
        return body[next(key for key in body if not key.endswith('_links'))]

    def show(self, volume_id, status=200):
        return self.ask(status, 'GET', f'/volumes/{volume_id}')

    def wait(self, volume_id, *wanted, passing):
        """Poll; any other status ends the program's wait with an error."""
        def reached():
            found = self.show(volume_id)
            self.assertIn(found['status'], (*wanted, *passing))
            return found['status'] in wanted and found
        return client.wait_for(f'volume {volume_id}', reached)

    def wait_until_gone(self, volume_id):
        client.wait_for(f'the end of volume {volume_id}', lambda: (
            self.cinder.get(f'/volumes/{volume_id}').status_code == 404))


class TestTerraform(Replayed):

    READ = ('size', 'description', 'availability_zone', 'name',
            'snapshot_id', 'source_volid', 'volume_type', 'metadata')

    def read(self, volume_id, written):
        """Read as for a plan, which has no difference to what was written."""
        found = self.show(volume_id)
        self.assertEqual(written, {key: found[key] for key in written})
        return {**{key: found[key] for key in self.READ},
                'attachment': [
                    {key: each[key] for key in ('id', 'server_id', 'device')}
                    for each in found['attachments']]}

    def tell(self, zone):
        written = {'size': 1, 'name': f'terraform-{zone}',
                   'description': 'first', 'availability_zone': zone,
                   'metadata': {'a': 'b'}}
        made = self.ask(202, 'POST', '/volumes', {'volume': written})
        volume_id = made['id']
        self.addCleanup(self.delete_volume, None, volume_id)
        yield 'create', made
        self.wait(volume_id, 'available', passing=('creating', 'downloading'))
        yield 'read', self.read(volume_id, written)

        written.update(size=2, description='second', metadata={'c': 'd'})
        self.show(volume_id)
        self.ask(202, 'POST', f'/volumes/{volume_id}/action',
                 {'os-extend': {'new_size': 2}})
        self.wait(volume_id, 'available', 'in-use', passing=('extending',))
        self.ask(200, 'PUT', f'/volumes/{volume_id}', {'volume': {
            key: written[key] for key in ('name', 'description', 'metadata')}})
        yield 'update', self.read(volume_id, written)

        path = f'/servers/{self.server}/os-volume_attachments'
        attached = self.ask(200, 'POST', path, {'volumeAttachment': {
            'volumeId': volume_id}}, self.compute)
        yield 'attach', attached
        self.wait(volume_id, 'in-use',
                  passing=('available', 'reserved', 'attaching'))
        path += f'/{attached["id"]}'
        yield 'read attachment', self.ask(200, 'GET', path, api=self.compute)
        yield 'read what is attached', self.read(volume_id, written)

        self.ask(202, 'DELETE', path, api=self.compute)
        client.wait_for('the detach', lambda: (
            self.compute.get(path).status_code == 404))
        self.wait(volume_id, 'available', passing=('in-use', 'detaching'))
        self.show(volume_id)
        self.ask(202, 'DELETE', f'/volumes/{volume_id}')
        self.wait_until_gone(volume_id)

    def test_a_life(self):
        self.compare()


class TestCsi(Replayed):

    def named(self, collection, name):
        return self.ask(200, 'GET', f'/{collection}/detail',
                        params={'name': name})

    def create_volume(self, name, zone, **source):
        """Make a volume once, however often Kubernetes asks for it."""
        found = self.named('volumes', name)
        if not found:
            made = self.ask(202, 'POST', '/volumes', {'volume': {
                'name': name, 'size': 1, 'availability_zone': zone,
                'metadata': {'cinder.csi.openstack.org/cluster': 'k8s'},
                **source}})
            self.addCleanup(self.delete_volume, None, made['id'])
            self.wait(made['id'], 'available', passing=('creating',))
            return made
        volume, = found
        self.assertEqual(1, volume['size'])
        return volume

    def publish(self, volume_id):
        self.show(volume_id)
        self.ask(200, 'GET', f'/servers/{self.server}', api=self.compute)
        if not self.show(volume_id)['attachments']:
            self.ask(200, 'POST',
                     f'/servers/{self.server}/os-volume_attachments',
                     {'volumeAttachment': {'volumeId': volume_id}},
                     self.compute)

        def is_attached():
            shown = self.show(volume_id)
            return [each for each in shown['attachments']
                    if each['server_id'] == self.server
                    and shown['status'] == 'in-use']
        attachment, = client.wait_for('the attachment', is_attached)
        return attachment['device']

    def unpublish(self, volume_id):
        self.ask(200, 'GET', f'/servers/{self.server}', api=self.compute)
        shown = self.show(volume_id)
        if shown['status'] == 'available':
            return
        self.assertEqual('in-use', shown['status'])
        self.assertEqual(self.server, shown['attachments'][0]['server_id'])
        self.ask(202, 'DELETE', f'/servers/{self.server}/'
                 f'os-volume_attachments/{volume_id}', api=self.compute)
        client.wait_for('the detach', lambda: not self.show(volume_id)[
            'attachments'])
        self.wait_for_status(None, volume_id, 'available')

    def create_snapshot(self, name, volume_id):
        found = self.named('snapshots', name)
        if not found:
            found = [self.ask(202, 'POST', '/snapshots', {'snapshot': {
                'name': name, 'volume_id': volume_id, 'force': True}})]
        snapshot, = found
        self.assertEqual(volume_id, snapshot['volume_id'])
        path = f'/snapshots/{snapshot["id"]}'
        client.wait_for('the snapshot', lambda: self.ask(
            200, 'GET', path)['status'] == 'available')
        return self.ask(200, 'GET', path)

    def delete_volume_as_asked(self, volume_id):
        response = self.cinder.get(f'/volumes/{volume_id}')
        if response.status_code == 404:
            return 'was gone'
        self.assertEqual([], response.json()['volume']['attachments'])
        self.ask(202, 'DELETE', f'/volumes/{volume_id}')
        self.wait_until_gone(volume_id)
        return 'deleted'

    def tell(self, zone):
        name = f'pvc-{zone}'
        made = self.create_volume(name, zone)
        volume_id = made['id']
        yield 'CreateVolume', made
        again = self.create_volume(name, zone)
        self.assertEqual(volume_id, again['id'])
        yield 'CreateVolume again', again
        yield 'ListVolumes', [each for each in self.ask(
            200, 'GET', '/volumes/detail', params={'limit': 100})
            if each['id'] == volume_id]
        yield 'ControllerPublishVolume', self.publish(volume_id)
        yield 'ControllerPublishVolume again', self.publish(volume_id)

        self.ask(202, 'POST', f'/volumes/{volume_id}/action',
                 {'os-extend': {'new_size': 2}}, headers={
                     'OpenStack-API-Version': 'volume 3.42'})
        self.wait(volume_id, 'in-use', passing=('extending',))
        yield 'ControllerExpandVolume', self.show(volume_id)

        snapshot = self.create_snapshot(f'snapshot-{zone}', volume_id)
        yield 'CreateSnapshot', snapshot
        self.assertEqual(snapshot['id'], self.create_snapshot(
            f'snapshot-{zone}', volume_id)['id'])
        yield 'ListSnapshots', self.ask(200, 'GET', '/snapshots/detail',
                                        params={'volume_id': volume_id})
        other = self.create_volume(f'{name}-restored', zone, size=2,
                                   snapshot_id=snapshot['id'])
        yield 'CreateVolume from a snapshot', other
        yield 'DeleteVolume of the other', self.delete_volume_as_asked(
            other['id'])
        self.ask(202, 'DELETE', f'/snapshots/{snapshot["id"]}')
        client.wait_for('the end of the snapshot', lambda: (
            self.cinder.get(f'/snapshots/{snapshot["id"]}').status_code
            == 404))
        self.unpublish(volume_id)
        self.unpublish(volume_id)
        yield 'DeleteVolume', [self.delete_volume_as_asked(volume_id)
                               for _ in range(2)]

    def test_a_life(self):
        self.compare()
