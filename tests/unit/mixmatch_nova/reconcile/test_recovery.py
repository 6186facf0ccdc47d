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

from mixmatch_nova.reconcile import intent_log
from mixmatch_nova.reconcile import recovery
from mixmatch_nova import state
from tests.unit import fixtures as own_fixtures
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova.patches import test_block_device_mapping

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
        self.server = objects.Instance(uuid=base.SERVER, host='host',
                                       task_state=None)
        self.patch(objects.InstanceList, 'get_by_host',
                   lambda context, host: [self.server])
        self.patch(objects.Instance, 'get_by_uuid', self.get_server)
        self.manager = Manager()
        self.bdm = self.created(self.foreign_context())
        self.intents = intent_log.IntentLog()
        self.handed_over = []

    def get_server(self, context, server_id):
        if self.server is None:
            raise exception.InstanceNotFound(instance_id=server_id)
        return self.server

    def add(self, context, subject, exc, attachment_id=None):
        """Add a volume, as the queue of pending volumes does."""
        self.handed_over.append((subject.volume_id, attachment_id))

    def begin(self, action, host='host', volume_id=base.VOLUME,
              attachment_id=base.ATTACHMENT, noted=True):
        """Record what the process that is killed now had begun.

        :param noted: False for a volume of home
        """
        self.action = self.context()
        objects.InstanceAction.action_start(self.action, base.SERVER, action)
        names = [f'compute_{action}']
        if noted:
            names.insert(0, intent_log.Intent(
                action, volume_id, attachment_id, base.SERVER,
                self.action.request_id).event)
        for each in names:
            objects.InstanceActionEvent.event_start(
                self.action, base.SERVER, each, host=host)

    def begin_detach(self, **kwargs):
        self.begin(instance_actions.DETACH_VOLUME, **kwargs)

    def begin_attach(self, **kwargs):
        self.begin(instance_actions.ATTACH_VOLUME, **kwargs)

    def at_bu(self, volume, attachment, attachment_id=base.ATTACHMENT,
              volume_id=base.VOLUME, **values):
        """Set the status of both; no attachment if it is empty."""
        self.bu.add_volume(volume_id, status=volume)
        url = f'{self.bu.cinder_url}/attachments/{attachment_id}'
        if attachment:
            self.clouds.mock.get(url, json={'attachment': {
                'id': attachment_id, 'status': attachment, **values}})
        else:
            self.clouds.mock.get(url, status_code=404, json={})

    def recover(self):
        """Recover as the next nova-compute does."""
        made = self.recovery()
        made.run(self.context(auth_token=None, is_admin=True), self.manager)
        return made

    def recovery(self):
        return recovery.Recovery(self.federation, self, self.intents)

    def events(self):
        """All events of the server, by their names without ids."""
        context = self.context()
        return {event.event.partition(':')[0]: event
                for action in objects.InstanceActionList.get_by_instance_uuid(
                    context, base.SERVER)
                for event in objects.InstanceActionEventList.get_by_action(
                    context, action.id)}

    def outcome(self):
        """Return the result of Nova's event; check that the other ended."""
        events = self.events()
        self.assertIsNotNone(events.pop('mixmatch').finish_time)
        event, = events.values()
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

    def test_detach_of_another_volume_of_bu(self):
        """Neither what bu says of this one, nor its state, matters."""
        context = self.context()
        state.from_context(context).remember_target(OTHER, base.AT_BU)
        self.created(context, volume_id=OTHER, attachment_id=OTHER)
        self.begin_detach(volume_id=OTHER, attachment_id=OTHER)
        for volume, attachment in (('detaching', 'attached'),
                                   ('available', None)):
            self.at_bu(volume, attachment)
            self.at_bu('in-use', 'attached', OTHER, OTHER)
            self.recover()
            self.assert_left_alone()

    def test_detach_of_a_volume_of_home(self):
        """The detach was interrupted; bu does not find an attachment."""
        self.connect()
        self.begin_detach(noted=False)
        self.at_bu('available', None)
        self.recover()
        self.assert_left_alone()
        self.assertEqual([], self.asked('bu'))
        self.assertIsNone(self.events()['compute_detach_volume'].finish_time)

    def test_server_that_is_moved(self):
        """A move makes attachments, too. The server is looked at later."""
        for each in ('resize_migrating', 'migrating', 'deleting'):
            self.server.task_state = each
            self.begin_attach()
            self.at_bu('attaching', 'attaching', connection_info={})
            after = self.recover()
            self.assert_left_alone()
            self.assertEqual([], self.asked('bu'))
        self.server.task_state = None
        self.clouds.mock.delete(
            f'{self.bu.cinder_url}/attachments/{base.ATTACHMENT}', json={})
        after.run(self.context(auth_token=None, is_admin=True), self.manager)
        self.assertRaises(exception.VolumeBDMNotFound, self.load,
                          self.context())

    def test_server_has_got_another_attachment(self):
        """It was moved since; the one of the request is no more."""
        self.begin_attach(attachment_id=OTHER)
        self.at_bu('attaching', 'attaching', connection_info={})
        self.recover()
        self.assert_left_alone()
        self.assertEqual([], self.asked('bu'))
        self.outcome()

    def test_server_is_on_another_host(self):
        self.begin_detach()
        self.server.host = 'elsewhere'
        self.recover()
        self.assert_left_alone()
        self.assertEqual([(base.VOLUME, None)], self.handed_over)
        self.assertEqual('Error', self.outcome()[0])

    def test_server_that_is_gone(self):
        self.begin_detach()
        server, self.server = self.server, None
        self.patch(objects.InstanceList, 'get_by_host',
                   lambda context, host: [server])
        self.recover()
        self.assertEqual([], self.asked('bu'))

    def test_nothing_is_left(self):
        """The events are ended, and nobody is asked again."""
        self.begin_detach()
        self.bdm.destroy()
        after = self.recover()
        self.assertEqual('Success', self.outcome()[0])
        self.patch(objects.InstanceList, 'get_by_host', None)
        after.run(self.context(auth_token=None, is_admin=True), self.manager)
        self.assertEqual([], self.asked('bu'))

    def test_attach_of_which_the_attachment_is_gone(self):
        self.begin_attach()
        self.at_bu('available', None)
        deleted = []
        self.patch(self.manager.volume_api, 'attachment_delete',
                   lambda context, attachment_id: deleted.append(
                       attachment_id))
        self.recover()
        self.assertRaises(exception.VolumeBDMNotFound, self.load,
                          self.context())
        self.assertEqual([base.ATTACHMENT], deleted)

    def test_one_404_takes_no_disk_from_a_server(self):
        self.connect()
        self.begin_attach()
        self.at_bu('in-use', None)
        self.recover()
        self.assert_left_alone()
        self.assertEqual('Error', self.outcome()[0])

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
        events = self.events()
        self.assertEqual('Success', events['compute_attach_volume'].result)
        self.assertEqual('Error', events['compute_detach_volume'].result)

    def test_of_this_process(self):
        """Work in progress is left alone, whatever the clocks say.
        """
        self.action = self.context()
        objects.InstanceAction.action_start(self.action, base.SERVER,
                                            instance_actions.DETACH_VOLUME)
        with self.intents.recorded(self.action, 'host', intent_log.Intent(
                intent_log.DETACH, base.VOLUME, base.ATTACHMENT, base.SERVER,
                self.action.request_id)):
            self.recover()
        self.assertEqual([], self.asked('bu'))
        self.assert_left_alone()
        self.assertIsNotNone(self.events()['mixmatch'].finish_time)

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
        after = self.recovery()
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

    def test_functions_of_nova_that_it_calls(self):
        for each in recovery.CALLED:
            each.check()
