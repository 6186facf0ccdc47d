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

"""Apache Libcloud, which speaks to many kinds of clouds."""

from libcloud.compute import providers
from libcloud.compute import types

from sandbox import client
from sandbox import topology
from tests.clients import stories


class TestLibcloud(stories.Story):

    def setUp(self):
        super().setUp()
        home = topology.by_name(self.home)
        self.driver = providers.get_driver(types.Provider.OPENSTACK)(
            self.alice.name, home.password(self.alice.name),
            ex_force_auth_url=topology.url(home, 'keystone', ''),
            ex_force_auth_version='3.x_password', api_version='2.2',
            ex_tenant_name=self.alice.project,
            ex_force_service_region=self.home)

    @staticmethod
    def shown(volume):
        return {'name': volume.name, 'size': volume.size,
                'state': volume.state, 'extra': volume.extra}

    def volume_now(self, volume_id):
        return self.driver.ex_get_volume(volume_id)

    def wait(self, volume_id, state):
        client.wait_for(f'volume {volume_id} {state}', lambda: (
            self.volume_now(volume_id).state == state))

    def tell(self, zone):
        name = f'libcloud {zone}'
        made = self.driver.create_volume(1, name, location=zone)
        self.addCleanup(self.delete_volume, None, made.id)
        yield 'create', self.shown(made)
        self.wait(made.id, 'available')
        yield 'show', self.shown(self.volume_now(made.id))
        yield 'list', [self.shown(each) for each in self.driver.list_volumes()
                       if each.id == made.id]
        snapshot = self.driver.create_volume_snapshot(
            self.volume_now(made.id), name=f'{name} snapshot')
        client.wait_for('the snapshot', lambda: [
            each for each in self.driver.list_volume_snapshots(made)
            if each.id == snapshot.id and each.state == 'available'])
        yield 'snapshot', [
            [each.name, each.size, each.state, each.extra]
            for each in self.driver.list_volume_snapshots(made)]
        self.assertTrue(self.driver.destroy_volume_snapshot(snapshot))
        client.wait_for('the end of the snapshot', lambda: not (
            self.driver.list_volume_snapshots(made)))
        node = self.driver.ex_get_node_details(self.server)
        self.assertTrue(self.driver.attach_volume(node, made))
        self.wait(made.id, 'inuse')
        yield 'attached', self.shown(self.volume_now(made.id))
        yield 'volumes of the server', [
            each['id'] for each in self.driver.ex_get_node_details(
                self.server).extra['volumes_attached']]
        self.assertTrue(self.driver.detach_volume(self.volume_now(made.id)))
        self.wait(made.id, 'available')
        yield 'detached', self.shown(self.volume_now(made.id))
        self.assertTrue(self.driver.destroy_volume(made))
        client.wait_for('the end of the volume', lambda: not [
            each for each in self.driver.list_volumes()
            if each.id == made.id])

    def test_a_life(self):
        self.compare()
