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


"""Block devices of a new server: their clouds, and those refused."""

from nova import block_device
from nova.compute import api as nova_compute_api
from nova import exception
from nova import objects
from nova.objects import block_device as block_device_objects

from mixmatch_nova.patches import new_server
from mixmatch_nova import state
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova.patches import test_volume_api
from tests.unit.mixmatch_nova.patches import test_volume_sources

SNAPSHOT = test_volume_sources.SNAPSHOT
MARK = test_volume_api.MARK
IMAGE = '55555555-0000-4000-8000-000000000005'

OF_SNAPSHOT = {'source_type': 'snapshot', 'destination_type': 'volume',
               'uuid': SNAPSHOT, 'boot_index': 0}
OF_VOLUME = {'source_type': 'volume', 'destination_type': 'volume',
             'uuid': base.VOLUME, 'boot_index': 0}
AT_HOME = {**OF_VOLUME, 'uuid': base.HOME_VOLUME}


class NewServerTestCase(test_volume_sources.SourcesTestCase):
    """Nova's own code checks and reserves."""

    def setUp(self):
        super().setUp()
        self.home.add_volume(base.HOME_VOLUME)
        self.home.add_volume(base.VOLUME, **{MARK: 'bu'})
        self.bu.add_volume(base.VOLUME)
        self.add_attachment(self.bu)
        self.add_attachment(self.home)
        self.compute = object.__new__(nova_compute_api.API)
        self.compute.volume_api = self.api

    def add_foreign_snapshot(self):
        """Home's Cinder has found it, and its volume, at bu."""
        self.add_snapshot(self.home, volume_id=base.VOLUME, **{MARK: 'bu'})
        self.add_snapshot(self.bu, volume_id=base.VOLUME)

    @staticmethod
    def requested(context, *devices):
        return block_device_objects.block_device_make_list_from_dicts(
            context, [block_device.BlockDeviceDict.from_api(
                dict(each), False) for each in devices])

    def check(self, context, mappings):
        return self.compute._bdm_validate_set_size_and_instance(
            context, objects.Instance(uuid=base.SERVER, image_ref=''),
            {'ephemeral_gb': 0, 'swap': 0}, mappings, {},
            self.compute._get_volumes_for_bdms(context, mappings))

    def checked(self, *devices):
        context = self.context()
        return self.check(context, self.requested(context, *devices))

    def assertRefused(self, *devices, words='service provider bu'):
        exc = self.assertRaises(exception.InvalidVolume, self.checked,
                                *devices)
        self.assertIn(words, str(exc))
        for cloud in ('home', 'bu'):
            self.assertNotIn('POST', ' '.join(self.asked(cloud)))


class TestMarked(NewServerTestCase):

    def test_volume(self):
        mapping, = self.checked(OF_VOLUME)
        self.assertEqual((base.MARKER, base.ATTACHMENT),
                         (mapping.volume_type, mapping.attachment_id))

    def test_snapshot(self):
        self.add_foreign_snapshot()
        mapping, = self.checked(OF_SNAPSHOT)
        self.assertEqual((base.MARKER, None),
                         (mapping.volume_type, mapping.volume_id))
        self.assertEqual(1, mapping.volume_size)

    def test_snapshot_for_several_servers(self):
        """Nova checks the same mappings again for each."""
        self.add_foreign_snapshot()
        context = self.context()
        mappings = self.requested(context, OF_SNAPSHOT)
        for _ in range(2):
            marked, = self.check(context, mappings)
            self.assertEqual(base.MARKER, marked.volume_type)

    def test_at_home_nothing_is_added(self):
        self.add_snapshot(self.home)
        volume, snapshot = self.checked(AT_HOME,
                                        {**OF_SNAPSHOT, 'boot_index': 1})
        self.assertEqual((None, None),
                         (volume.volume_type, snapshot.volume_type))
        self.assertOnlyAsked(
            'home', f'GET /volumes/{base.HOME_VOLUME}',
            f'GET /snapshots/{SNAPSHOT}', 'POST /attachments')

    def test_snapshot_that_nova_does_not_ask_for(self):
        mapping, = self.checked({**AT_HOME, 'snapshot_id': SNAPSHOT})
        self.assertIsNone(mapping.volume_type)
        self.assertOnlyAsked('home', f'GET /volumes/{base.HOME_VOLUME}',
                             'POST /attachments')

    def test_type_that_looks_like_a_mark_by_its_id(self):
        """An administrator of home has made one, and Nova finds its name."""
        self.clouds.mock.get(
            f'{self.home.cinder_url}/types', json={'volume_types': [
                {'id': IMAGE, 'name': base.MARKER}]})
        mapping, = self.checked({
            'source_type': 'blank', 'destination_type': 'volume',
            'volume_size': 1, 'boot_index': 0, 'volume_type': IMAGE})
        self.assertIsNone(mapping.volume_type)


class TestRefused(NewServerTestCase):
    """Before anything is reserved, be it of a mapping that comes first."""

    def test_volume_of_a_mapping_that_makes_one(self):
        for source_type in ('blank', 'image', 'snapshot'):
            device = {'source_type': source_type, 'volume_size': 1,
                      'destination_type': 'volume', 'boot_index': 1,
                      'volume_id': base.VOLUME}
            if source_type != 'blank':
                device['uuid'] = SNAPSHOT
                self.add_snapshot(self.home)
            self.assertRefused(AT_HOME, device)

    def test_volume_that_would_not_be_released(self):
        for more in ({'destination_type': 'local'},
                     {'destination_type': None}, {'no_device': True},
                     {'image_id': IMAGE}):
            device = {**OF_VOLUME, 'volume_id': base.VOLUME,
                      'boot_index': 1, **more}
            self.assertRefused(AT_HOME, device)

    def test_snapshot(self):
        self.add_foreign_snapshot()
        for more in ({'destination_type': 'local'},
                     {'no_device': True, 'snapshot_id': SNAPSHOT},
                     {'source_type': 'blank', 'uuid': None,
                      'snapshot_id': SNAPSHOT, 'volume_size': 1}):
            self.assertRefused(AT_HOME, {**OF_SNAPSHOT, 'boot_index': 1,
                                         **more})

    def test_attachment_of_an_image(self):
        """Whoever makes an image writes any field of its mappings."""
        context = self.context()
        mappings = self.requested(context, OF_VOLUME)
        mappings[0].attachment_id = base.ATTACHMENT
        exc = self.assertRaises(exception.InvalidVolume, self.check, context,
                                mappings)
        self.assertIn('attachment_id', str(exc))

    def test_volume_type_for_a_snapshot(self):
        self.add_foreign_snapshot()
        self.assertRefused(AT_HOME, {**OF_SNAPSHOT, 'boot_index': 1,
                                     'volume_type': 'ssd'})

    def test_snapshot_of_a_volume_that_is_encrypted(self):
        self.add_foreign_snapshot()
        self.home.add_volume(base.VOLUME, encrypted=True, **{MARK: 'bu'})
        self.assertRefused(AT_HOME, {**OF_SNAPSHOT, 'boot_index': 1},
                           words='encrypted')

    def test_type_that_looks_like_a_mark(self):
        for source_type in ('blank', 'image'):
            device = {'source_type': source_type, 'boot_index': 1,
                      'destination_type': 'volume', 'volume_size': 1,
                      'volume_type': base.MARKER}
            if source_type == 'image':
                device['uuid'] = IMAGE
            self.assertRefused(AT_HOME, device, words='reserved')

    def test_snapshot_that_nobody_has(self):
        self.clouds.mock.get(f'{self.home.cinder_url}/snapshots/{SNAPSHOT}',
                             status_code=404, json={})
        self.assertRaises(exception.InvalidBDMSnapshot, self.checked,
                          OF_SNAPSHOT)


class TestNotBuilt(NewServerTestCase):

    def provision(self, *devices):
        """Nova reserves what is asked for, and then fails."""
        context = self.context()
        mappings = self.requested(context, *devices)

        def original(*args):
            self.check(context, mappings)
            raise exception.PortInUse(port_id='port')
        self.assertRaises(
            exception.PortInUse, new_server._provision, original,
            self.compute, context, None, 1, 1, {}, {}, [], mappings)
        return context

    def test_reservation_at_another_cloud_is_given_back(self):
        self.provision(OF_VOLUME)
        self.assertEqual(f'DELETE /attachments/{base.ATTACHMENT}',
                         self.asked('bu')[-1])

    def test_of_home_nova_leaves_it_as_ever(self):
        self.provision(AT_HOME)
        self.assertEqual('POST /attachments', self.asked('home')[-1])

    def test_only_what_this_request_has_reserved(self):
        context = self.context()
        mappings = self.requested(context, OF_VOLUME)
        mappings[0].attachment_id = base.ATTACHMENT
        mappings[0].volume_type = base.MARKER
        new_server._release(context, self.api, mappings)
        self.assertEqual([], self.asked('bu'))

    def test_that_fails_as_well(self):
        self.clouds.mock.delete(
            f'{self.bu.cinder_url}/attachments/{base.ATTACHMENT}',
            status_code=409, json={})
        context = self.provision(OF_VOLUME)
        self.assertEqual(base.AT_BU,
                         state.from_context(context).get_remote(base.VOLUME))
