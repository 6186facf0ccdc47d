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

"""Horizon: the life of a volume, clicked in a browser."""

import time

from sandbox import client
from sandbox import topology
from tests.clients import browser
from tests.clients import horizon
from tests.clients import stories

VOLUMES = '/project/volumes/'
SNAPSHOTS = '/project/snapshots/'
INSTANCES = '/project/instances/'

#: For how long, in seconds, a page is believed that shows no news.
PATIENCE = 10


class TestHorizon(stories.Story):

    browser: browser.Browser

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        server = cls.enterClassContext(horizon.Horizon(cls.sandbox))
        cls.browser = cls.enterClassContext(browser.Browser(server.url))
        cls.browser.open('/auth/login/')
        cls.browser.type('#id_username', cls.alice.name)
        cls.browser.type('#id_password', topology.by_name(
            cls.home).password(cls.alice.name))
        with cls.browser.leaving():
            cls.browser.click('#loginBtn')
        project = cls.alice.api('identity').get_project_id()
        cls.browser.open(f'/auth/switch/{project}/?next={VOLUMES}')

    def row(self, table, object_id):
        """Return a row of the page; None if it has none."""
        return self.browser.rows(table).get(object_id)

    def settled(self, table, object_id, status):
        """Return a row when it has a status; None if it is to be gone.

        Horizon's script asks for news of what changes; a person loads the
        page once more if it was loaded before the change began.
        """
        loaded = time.monotonic()

        def is_so():
            nonlocal loaded
            row = self.row(table, object_id)
            if (row and row['Status']) == status:
                return True
            if time.monotonic() > loaded + PATIENCE:
                self.browser.reload()
                loaded = time.monotonic()
            return False
        client.wait_for(f'{object_id} {status}', is_so)
        return self.row(table, object_id)

    def volume_row(self, volume_id, status):
        self.browser.open(VOLUMES)
        return self.settled('volumes', volume_id, status)

    def details(self, path):
        self.browser.open(path)
        terms = self.browser.terms()
        self.assertNotEqual([], terms, path)
        return [each for each in terms if each[0] != 'Created']

    def volumes_of(self, server):
        """Return what the page of a server says of its volumes."""
        found = [each for each in self.details(f'{INSTANCES}{server}/')
                 if each[0] == 'Attached To']
        self.assertEqual(1, len(found), found)
        return found

    def made(self, zone, name):
        """Fill the form for a new volume, and return its id."""
        self.browser.open(VOLUMES)
        before = self.browser.rows('volumes')
        self.browser.click('#volumes__action_create')
        self.browser.type('#id_name', name)
        self.browser.type('#id_size', '1')
        self.assertEqual(
            {'', 'nova', self.provider},
            set(self.browser.choices('#id_availability_zone')))
        self.browser.choose('#id_availability_zone', zone)
        self.browser.submit()
        volume_id, = self.browser.rows('volumes').keys() - before.keys()
        self.addCleanup(self.delete_volume, None, volume_id)
        return volume_id

    def found(self, name):
        """Return what the table's own search finds."""
        self.browser.open(VOLUMES)
        self.filter(name)
        rows = self.browser.rows('volumes')
        # It is remembered.
        self.filter('')
        return list(rows.values())

    def filter(self, name):
        self.browser.type('[name=volumes__volumes_filter__q]', name)
        with self.browser.leaving():
            self.browser.click('#volumes__action_volumes_filter')

    def tell_of_changes(self, volume_id, name):
        self.browser.open(VOLUMES)
        self.browser.act('volumes', volume_id, 'edit')
        self.browser.type('#id_name', name)
        self.browser.type('#id_description', 'about it')
        self.browser.click('label[for=id_bootable]')
        self.browser.submit()
        yield 'change', self.browser.messages()
        yield 'changed', self.volume_row(volume_id, 'Available')
        self.browser.act('volumes', volume_id, 'extend')
        self.browser.type('#id_new_size', '2')
        self.browser.submit()
        yield 'extend', self.browser.messages()
        yield 'extended', self.settled('volumes', volume_id, 'Available')
        yield 'details of it', self.details(f'{VOLUMES}{volume_id}/')

    def tell_of_snapshots(self, volume_id, name):
        self.browser.open(VOLUMES)
        self.browser.act('volumes', volume_id, 'snapshots')
        self.browser.type('#id_name', f'{name} snapshot')
        self.browser.submit()
        yield 'make a snapshot', self.browser.messages()
        snapshot_id, = [key for key, each
                        in self.browser.rows('volume_snapshots').items()
                        if each['Name'] == f'{name} snapshot']
        yield 'snapshot', self.settled('volume_snapshots', snapshot_id,
                                       'Available')
        yield 'details of the snapshot', self.details(
            f'{SNAPSHOTS}{snapshot_id}')
        self.browser.open(
            f'{VOLUMES}{volume_id}/?tab=volume_details__snapshots_tab')
        yield 'snapshots of it', list(
            self.browser.rows('volume_snapshots').values())
        yield 'with a snapshot', self.volume_row(volume_id, 'Available')
        self.browser.open(SNAPSHOTS)
        self.browser.act('volume_snapshots', snapshot_id, 'delete')
        self.browser.confirm()
        yield 'delete the snapshot', self.browser.messages()
        self.settled('volume_snapshots', snapshot_id, None)

    def tell_of_attachments(self, volume_id):
        self.browser.open(VOLUMES)
        self.browser.act('volumes', volume_id, 'attachments')
        self.browser.choose('#id_instance', self.server)
        self.browser.submit()
        yield 'attach', self.browser.messages()
        yield 'in use', self.settled('volumes', volume_id, 'In-use')
        yield 'details in use', self.details(f'{VOLUMES}{volume_id}/')
        yield 'volumes of the server', self.volumes_of(self.server)
        self.browser.open(VOLUMES)
        self.browser.act('volumes', volume_id, 'attachments')
        self.browser.click('#attachments tr [id$=__action_detach]')
        self.browser.confirm()
        yield 'detach', self.browser.messages()
        yield 'detached', self.settled('volumes', volume_id, 'Available')

    def tell_of_attachments_by_the_server(self, volume_id):
        """Attach and detach it where servers are shown."""
        self.browser.open(INSTANCES)
        self.browser.act('instances', self.server, 'attach_volume')
        self.assertIn(volume_id, self.browser.choices('#id_volume'))
        self.browser.choose('#id_volume', volume_id)
        self.browser.submit()
        yield 'attach it to a server', self.browser.messages()
        yield 'in use again', self.volume_row(volume_id, 'In-use')
        self.browser.open(INSTANCES)
        self.browser.act('instances', self.server, 'detach_volume')
        self.assertEqual(['', volume_id], self.browser.choices('#id_volume'))
        self.browser.choose('#id_volume', volume_id)
        self.browser.submit()
        yield 'detach it from a server', self.browser.messages()
        yield 'detached again', self.volume_row(volume_id, 'Available')

    def tell_of_a_server(self, volume_id, name):
        """Boot from it.

        The launch panel offers it, and then insists on a network, which the
        sandbox does not have: Nova gets what the panel would send.
        """
        self.browser.open(VOLUMES)
        self.browser.act('volumes', volume_id, 'launch_volume_ng')
        self.browser.click('.wizard-nav li:nth-child(2) a')
        yield 'offered', client.wait_for('what is chosen', lambda: (
            self.browser.said('.transfer-allocated hz-cell')))
        server = self.new_server(
            name=name, imageRef='', block_device_mapping_v2=[{
                'source_type': 'volume', 'destination_type': 'volume',
                'delete_on_termination': False, 'uuid': volume_id,
                'boot_index': '0'}])
        self.addCleanup(self.delete_server, server)
        self.browser.open(INSTANCES)
        row = self.settled('instances', server, 'Active')
        yield 'server', {key: row[key] for key in (
            'Instance Name', 'Image Name', 'Flavor', 'Power State')}
        yield 'a server has it', self.volume_row(volume_id, 'In-use')
        yield 'it boots from', self.volumes_of(server)
        self.browser.open(INSTANCES)
        self.browser.act('instances', server, 'delete')
        self.browser.confirm()
        self.settled('instances', server, None)
        yield 'free again', self.volume_row(volume_id, 'Available')

    def tell(self, zone):
        name = f'horizon {zone}'
        volume_id = self.made(zone, name)
        yield 'make', self.browser.messages()
        made = self.settled('volumes', volume_id, 'Available')
        self.assertEqual(zone, made['Availability Zone'])
        yield 'made', made
        yield 'details', self.details(f'{VOLUMES}{volume_id}/')
        yield 'found by name', self.found(name)
        self.browser.open(
            f'{VOLUMES}{volume_id}/?tab=volume_details__messages_tab')
        yield 'messages', self.browser.rows('volume_messages')
        name += ' new'
        yield from self.tell_of_changes(volume_id, name)
        yield from self.tell_of_snapshots(volume_id, name)
        yield from self.tell_of_attachments(volume_id)
        yield from self.tell_of_attachments_by_the_server(volume_id)
        yield from self.tell_of_a_server(volume_id, name)
        self.browser.act('volumes', volume_id, 'delete')
        self.browser.confirm()
        yield 'delete', self.browser.messages()
        self.settled('volumes', volume_id, None)

    def test_a_life(self):
        self.compare()
