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


"""Nova makes a volume of a snapshot where that is."""

import logging
from unittest import mock

from nova import exception
from nova import objects
from nova.virt import block_device

from mixmatch_nova import state
from mixmatch_nova import target
from tests.unit import fixtures
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova import novas
from tests.unit.mixmatch_nova.patches import test_block_device_mapping
from tests.unit.mixmatch_nova.patches import test_volume_api
from tests.unit.mixmatch_nova.patches import test_volume_release

SNAPSHOT = test_block_device_mapping.SNAPSHOT
OF_SNAPSHOT = test_block_device_mapping.OF_SNAPSHOT
ASKED = f'GET /snapshots/{SNAPSHOT}'
SEEN = f'GET /volumes/{base.HOME_VOLUME}'


class SourcesTestCase(test_volume_api.VolumeAPITestCase):

    def add_snapshot(self, cloud, **values):
        body = {'id': SNAPSHOT, 'status': 'available', 'size': 1,
                'created_at': None, 'name': 'n', 'description': None,
                'volume_id': base.HOME_VOLUME, 'metadata': {}, **values}
        self.clouds.mock.get(f'{cloud.cinder_url}/snapshots/{SNAPSHOT}',
                             json={'snapshot': body})

    def takes_volumes(self, cloud, volume_id=base.VOLUME, **values):
        if cloud is self.home:
            # NOTE: Nova itself looks for what a new volume lacks.
            cloud.add_volume(volume_id, **values)
        return self.clouds.mock.post(
            f'{cloud.cinder_url}/volumes', status_code=202,
            json={'volume': fixtures.volume(
                volume_id, status='creating', **values)})

    def snapshot_context(self):
        context = self.context()
        state.from_context(context).remember_target(SNAPSHOT, base.AT_BU)
        return context


class TestGetSnapshot(SourcesTestCase):

    def test_of_home(self):
        self.add_snapshot(self.home)
        context = self.context()
        found = self.api.get_snapshot(context, SNAPSHOT)
        self.assertNotIn('mixmatch', str(found))
        self.assertEqual(target.HOME,
                         state.from_context(context).get_target(SNAPSHOT))
        self.assertOnlyAsked('home', ASKED)

    def test_that_home_has_found_elsewhere(self):
        self.add_snapshot(self.home, **{test_volume_api.MARK: 'bu'})
        context = self.context()
        found = self.api.get_snapshot(context, SNAPSHOT)
        self.assertNotIn('mixmatch', str(found))
        self.assertEqual(base.AT_BU,
                         state.from_context(context).get_remote(SNAPSHOT))

    def test_that_is_known_to_be_elsewhere(self):
        self.add_snapshot(self.bu)
        self.api.get_snapshot(self.snapshot_context(), SNAPSHOT)
        self.assertOnlyAsked('bu', ASKED)

    def test_home_cannot_say(self):
        self.clouds.mock.get(
            f'{self.home.cinder_url}/snapshots/{SNAPSHOT}', status_code=503,
            json={'serviceUnavailable': {'code': 503,
                                         'message': 'bu is away'}})
        context = self.context()
        self.assertRaises(exception.CinderConnectionFailed,
                          self.api.get_snapshot, context, SNAPSHOT)
        self.assertIn('Snapshot', str(state.from_context(context).failure))
        self.assertIn('bu is away', str(state.from_context(context).failure))


class TestCreate(SourcesTestCase):

    def create(self, context, **kwargs):
        return self.api.create(context, 1, '', '', **kwargs)

    def test_at_home(self):
        """The same requests as without the plugin."""
        asked = self.takes_volumes(self.home, base.HOME_VOLUME)
        context = self.context()
        self.create(context, volume_type='ssd', image_id='image',
                    availability_zone='zone')
        self.assertOnlyAsked('home', 'POST /volumes', SEEN)
        sent = asked.last_request.json()['volume']
        self.assertEqual(('ssd', 'zone', 'image'), (
            sent['volume_type'], sent['availability_zone'],
            sent['imageRef']))
        self.assertEqual(target.HOME,
                         state.from_context(context).get_target(base.HOME_VOLUME))

    def test_of_a_snapshot_at_home(self):
        self.takes_volumes(self.home, base.HOME_VOLUME)
        self.create(self.context(), snapshot={'id': SNAPSHOT})
        self.assertOnlyAsked('home', 'POST /volumes', SEEN)

    def test_of_a_snapshot_elsewhere(self):
        asked = self.takes_volumes(self.bu)
        context = self.snapshot_context()
        self.create(context, snapshot={'id': SNAPSHOT},
                    volume_type=base.MARKER, availability_zone='zone')
        self.assertOnlyAsked('bu', 'POST /volumes')
        sent = asked.last_request.json()['volume']
        self.assertEqual((SNAPSHOT, None, None), (
            sent['snapshot_id'], sent['volume_type'],
            sent['availability_zone']))
        self.assertEqual(base.AT_BU,
                         state.from_context(context).get_remote(base.VOLUME))

    def test_that_home_had_made_elsewhere(self):
        """Without a service token, home's Cinder knows no better."""
        self.takes_volumes(self.home, **{test_volume_api.MARK: 'bu'})
        context = self.context()
        self.create(context, availability_zone='bu')
        self.assertEqual(base.AT_BU,
                         state.from_context(context).get_remote(base.VOLUME))

    def test_answer_that_is_no_volume(self):
        self.takes_volumes(self.bu, '../x')
        self.assertRaises(exception.CinderConnectionFailed, self.create,
                          self.snapshot_context(), snapshot={'id': SNAPSHOT})

    def test_lost_answer(self):
        """The log has the name, by which the volume can be found."""
        for exc, words in ((test_volume_release.Lost, 1),
                           (test_volume_release.Refused, 0)):
            self.clouds.mock.post(f'{self.bu.cinder_url}/volumes', exc=exc)
            with self.assertLogs('mixmatch_nova', 'DEBUG') as logs:
                self.assertRaises(
                    exception.CinderConnectionFailed, self.api.create,
                    self.snapshot_context(), 1, 'the name', '',
                    snapshot={'id': SNAPSHOT})
                # NOTE: assertLogs wants at least one.
                logging.getLogger('mixmatch_nova').debug('end')
            self.assertEqual(words, sum(
                'may have made a volume "the name"' in each
                for each in logs.output))


class TestBlockDevice(SourcesTestCase):
    """nova-compute makes, keeps and attaches it."""

    def setUp(self):
        super().setUp()
        self.useFixture(novas.NovaDatabase())
        context = self.snapshot_context()
        self.mapping = objects.BlockDeviceMapping(
            context, instance_uuid=base.SERVER, destination_type='volume',
            volume_size=1, delete_on_termination=False, **OF_SNAPSHOT)
        self.mapping.create()
        self.add_snapshot(self.bu)
        self.takes_volumes(self.bu)
        self.add_attachment(self.bu)
        self.waited = []

    def wait(self, context, volume_id):
        """Wait as nova-compute does; remember what the database holds."""
        self.waited.append([
            (each.volume_id, each.volume_type, each.attachment_id)
            for each in self.loaded(self.context())])

    def loaded(self, context):
        return objects.BlockDeviceMappingList.get_by_instance_uuid(
            context, base.SERVER)

    def create(self, wait=None):
        context = self.context()
        mapping, = self.loaded(context)
        device = block_device.DriverVolSnapshotBlockDevice(mapping)
        return device, lambda: device._create_volume(
            context, objects.Instance(uuid=base.SERVER), self.api, 1,
            wait_func=wait or self.wait,
            snapshot=self.api.get_snapshot(context, SNAPSHOT))

    def test_mapping_knows_it_before_anything_else_happens(self):
        _, create = self.create()
        self.assertEqual((base.VOLUME, base.ATTACHMENT), create())
        self.assertEqual([[(base.VOLUME, base.MARKER, None)]],
                         self.waited)
        self.assertOnlyAsked('bu', ASKED, 'POST /volumes',
                             'POST /attachments')
        posted, = (each for each in self.clouds.mock.request_history
                   if (each.method, each.path) == ('POST', '/v3/volumes'))
        self.assertEqual(f'{base.SERVER}-snapshot-vol',
                         posted.json()['volume']['name'])

    def test_attachment_that_an_image_has_made_up(self):
        self.mapping.attachment_id = SNAPSHOT
        self.mapping.save()
        _, create = self.create()
        create()
        self.assertEqual([[(base.VOLUME, base.MARKER, None)]],
                         self.waited)

    def test_cloud_of_it_is_away_meanwhile(self):
        def wait(context, volume_id):
            raise exception.CinderConnectionFailed(reason='x')
        _, create = self.create(wait)
        self.assertRaises(exception.CinderConnectionFailed, create)
        self.wait(None, None)
        self.assertEqual([[(base.VOLUME, base.MARKER, None)]],
                         self.waited)

    def test_mapping_that_cannot_be_saved(self):
        """It is deleted with the server, say; then nobody has the volume."""
        deleted = self.clouds.mock.delete(
            f'{self.bu.cinder_url}/volumes/{base.VOLUME}', status_code=202)
        device, create = self.create()
        for each in self.loaded(self.context()):
            each.destroy()
        self.assertRaises(exception.BDMNotFound, create)
        self.assertTrue(deleted.called)
        self.assertIsNone(device._bdm_obj.volume_id)
        self.assertNotIn('POST /attachments', self.asked('bu'))

    def test_neither_saved_nor_deleted(self):
        self.clouds.mock.delete(
            f'{self.bu.cinder_url}/volumes/{base.VOLUME}',
            exc=test_volume_release.Refused)
        _, create = self.create()
        for each in self.loaded(self.context()):
            each.destroy()
        with self.assertLogs('mixmatch_nova', 'ERROR') as logs:
            self.assertRaises(exception.BDMNotFound, create)
        self.assertIn(base.VOLUME, logs.output[-1])
        self.assertIn('bu:id-of-research', logs.output[-1])

    def test_of_home_it_is_as_ever(self):
        self.mapping.volume_type = None
        self.mapping.save()
        self.add_snapshot(self.home)
        self.takes_volumes(self.home, base.HOME_VOLUME)
        self.add_attachment(self.home)
        _, create = self.create()
        self.assertEqual((base.HOME_VOLUME, base.ATTACHMENT), create())
        self.assertEqual([[(None, None, None)]], self.waited)
        self.assertOnlyAsked('home', ASKED, 'POST /volumes', SEEN,
                             'POST /attachments')

    def test_without_an_attachment_there_is_nothing_to_detach(self):
        self.mapping.volume_id = base.VOLUME
        self.mapping.save()
        mapping, = self.loaded(self.context())
        api = mock.Mock()
        block_device.DriverVolSnapshotBlockDevice(mapping).detach(
            self.context(), objects.Instance(uuid=base.SERVER), api,
            mock.Mock())
        self.assertEqual([], api.mock_calls)
