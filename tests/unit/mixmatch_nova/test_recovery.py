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

"""A nova-compute was killed in the middle of an attach or a detach."""

import json

import fixtures
from nova.compute import instance_actions
from nova import exception
from nova import objects
from nova.volume import cinder

from mixmatch_nova import recovery
from mixmatch_nova import target
from tests.unit import fixtures as own_fixtures
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova import test_block_device_mapping

#: As Cinder says it, and as Nova keeps it.
AT_BU = own_fixtures.connection_info()
CONNECTION = {'driver_volume_type': 'rbd', 'serial': base.VOLUME,
              'data': {key: value for key, value in AT_BU.items()
                       if key != 'driver_volume_type'}}
OTHER = '66666666-0000-4000-8000-000000000006'


class Manager:
    """That of a nova-compute, as far as a volume is concerned."""

    host = 'host'

    def __init__(self):
        self.volume_api = cinder.API()
        self.detached = []

    def _detach_volume(self, context, bdm, instance, destroy_bdm=True,
                       attachment_id=None):
        self.detached.append((bdm.volume_id, attachment_id,
                              bdm.connection_info))
        bdm.destroy()


class TestRecovery(test_block_device_mapping.MappingTestCase):

    def setUp(self):
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger('mixmatch_nova'))
        self.server = objects.Instance(uuid=base.SERVER)
        self.patch(objects.InstanceList, 'get_by_host',
                   lambda context, host: [self.server])
        self.manager = Manager()
        self.bdm = self.created(self.foreign_context())

    def begin(self, action, event, host='host'):
        """What the process that is killed now had begun."""
        self.action = self.context()
        objects.InstanceAction.action_start(self.action, base.SERVER, action)
        objects.InstanceActionEvent.event_start(
            self.action, base.SERVER, event, host=host)

    def begin_detach(self, **kwargs):
        self.begin(instance_actions.DETACH_VOLUME, 'compute_detach_volume',
                   **kwargs)

    def begin_attach(self):
        self.begin(instance_actions.ATTACH_VOLUME, 'compute_attach_volume')

    def at_bu(self, volume, attachment, attachment_id=base.ATTACHMENT,
              volume_id=base.VOLUME, **values):
        """Of what status both are; no attachment if it is empty."""
        self.bu.add_volume(volume_id, status=volume)
        url = f'{self.bu.cinder_url}/attachments/{attachment_id}'
        if attachment:
            self.clouds.mock.get(url, json={'attachment': {
                'id': attachment_id, 'status': attachment, **values}})
        else:
            self.clouds.mock.get(url, status_code=404, json={})

    def recover(self):
        """What the next nova-compute does."""
        recovery.Recovery(self.federation).run(
            self.context(auth_token=None, is_admin=True), self.manager)

    def outcome(self):
        """How the event ended that had begun."""
        action, = objects.InstanceActionList.get_by_instance_uuid(
            self.context(), base.SERVER)
        event, = objects.InstanceActionEventList.get_by_action(
            self.context(), action.id)
        return event.result, event.details

    def assert_detached(self, connection):
        (volume_id, attachment_id, found), = self.manager.detached
        self.assertEqual((base.VOLUME, base.ATTACHMENT),
                         (volume_id, attachment_id))
        found = json.loads(found)
        self.assertEqual(connection, {key: found[key] for key in connection})

    def assert_left_alone(self):
        self.assertEqual([], self.manager.detached)
        self.assertEqual(base.ATTACHMENT,
                         self.load(self.context()).attachment_id)

    def connect(self):
        self.bdm.connection_info = json.dumps(CONNECTION)
        self.bdm.save()

    def test_detach_is_finished(self):
        self.connect()
        self.begin_detach()
        self.at_bu('detaching', 'attached')
        self.recover()
        self.assert_detached(CONNECTION)
        self.assertEqual(('Success', None), self.outcome())
        self.assertIn(self.action.request_id, [
            each.headers.get('X-OpenStack-Request-ID')
            for each in self.clouds.sent_to('bu', port=8776)])

    def test_detach_that_bu_has_finished(self):
        self.connect()
        self.begin_detach()
        self.at_bu('available', None)
        self.recover()
        self.assert_detached(CONNECTION)
        self.assertEqual('Success', self.outcome()[0])

    def test_bu_finds_more_than_one_attachment_missing(self):
        """It is not believed: the server would lose its disks."""
        context = self.context()
        target.of(context).note(OTHER, base.AT_BU)
        self.created(context, volume_id=OTHER, attachment_id=OTHER)
        self.begin_detach()
        self.at_bu('available', None)
        self.at_bu('available', None, OTHER, OTHER)
        self.recover()
        self.assert_left_alone()

    def test_attach_that_reserved_only_is_undone(self):
        self.begin_attach()
        self.at_bu('reserved', 'reserved', connection_info={})
        delete = self.clouds.mock.delete(
            f'{self.bu.cinder_url}/attachments/{base.ATTACHMENT}', json={})
        self.recover()
        self.assertTrue(delete.called_once)
        self.assertEqual([], self.manager.detached)
        self.assertRaises(exception.VolumeBDMNotFound, self.load,
                          self.context())
        result, details = self.outcome()
        self.assertEqual('Error', result)
        self.assertIn('nova-compute ended', details)

    def test_attach_that_connected_is_undone(self):
        """The guest may have the disk, before the mapping knows how."""
        self.begin_attach()
        self.at_bu('attaching', 'attaching', connection_info=AT_BU)
        self.recover()
        self.assert_detached(CONNECTION)
        self.assertEqual('Error', self.outcome()[0])

    def test_connection_with_a_key_of_home_is_not_used(self):
        self.begin_attach()
        self.at_bu('attaching', 'attaching', connection_info={
            **AT_BU, 'secret_uuid': 'secret-of-home'})
        self.recover()
        self.assert_left_alone()
        self.assertIn('cannot be ended yet', self.log.output)

    def test_what_is_in_use_is_left_alone(self):
        for begin in (self.begin_attach, self.begin_detach):
            begin()
        self.at_bu('in-use', 'attached')
        self.recover()
        self.assert_left_alone()

    def test_of_this_process(self):
        """What goes on now is no business of ours."""
        after = recovery.Recovery(self.federation)
        self.begin_detach()
        after.run(self.context(auth_token=None, is_admin=True), self.manager)
        self.assertEqual([], self.asked('bu'))
        self.assert_left_alone()

    def test_of_another_host(self):
        self.begin_detach(host='another')
        self.recover()
        self.assertEqual([], self.asked('bu'))

    def test_nothing_interrupted_asks_nobody(self):
        self.recover()
        self.assertEqual([], self.asked('bu'))

    def test_until_bu_answers(self):
        self.begin_detach()
        self.bu.add_volume(base.VOLUME)
        volume = f'{self.bu.cinder_url}/volumes/{base.VOLUME}'
        self.clouds.mock.get(volume, status_code=500, json={})
        after = recovery.Recovery(self.federation)
        context = self.context(auth_token=None, is_admin=True)
        after.run(context, self.manager)
        self.assert_left_alone()
        self.assertIn('cannot be ended yet', self.log.output)
        self.at_bu('detaching', 'attached', connection_info=AT_BU)
        after.run(context, self.manager)
        self.assert_detached(CONNECTION)
        asked = len(self.asked('bu'))
        after.run(context, self.manager)
        self.assertEqual(asked, len(self.asked('bu')))

    def test_function_of_nova_that_it_calls(self):
        recovery.DETACH.check()
