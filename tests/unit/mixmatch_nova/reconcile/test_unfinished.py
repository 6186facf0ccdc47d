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

"""A process of home ends between a mapping and its attachment."""

from nova import exception
from nova import objects
from oslo_utils import timeutils

from mixmatch_nova.patches import unfinished_attach
from mixmatch_nova import plugin
from mixmatch_nova.reconcile import unfinished
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova.patches import test_block_device_mapping


class UnfinishedTestCase(test_block_device_mapping.MappingTestCase):

    def setUp(self):
        super().setUp()
        self.pending = []
        self.patch(plugin.loaded().pending, 'add', self.owe)
        self.server = objects.Instance(uuid=base.SERVER, task_state=None)
        self.patch(objects.Instance, 'get_by_uuid',
                   lambda context, server_id: self.server)
        self.addCleanup(timeutils.clear_time_override)

    def owe(self, context, subject, exc, attachment_id=None):
        self.pending.append((subject.volume_id, subject.server_id,
                             attachment_id))

    def killed(self):
        """Create the mapping alone, as a killed process leaves it."""
        return self.created(self.foreign_context(), attachment_id=None)

    def let_pass(self, seconds):
        now = timeutils.utcnow()
        timeutils.set_time_override(now)
        timeutils.advance_time_seconds(seconds)

    def found(self, *args):
        return [each.volume_id for each in unfinished.find(
            self.context(), *args)]

    def end_all(self):
        unfinished.end_all(self.context(), plugin.loaded().pending)

    def assert_ended(self):
        self.assertRaises(exception.VolumeBDMNotFound, self.load,
                          self.context())
        self.assertEqual([(base.VOLUME, base.SERVER, None)], self.pending)


class TestUnfinished(UnfinishedTestCase):

    def test_after_a_while(self):
        self.killed()
        self.assertEqual([], self.found())
        self.let_pass(unfinished.SECONDS + 1)
        self.assertEqual([base.VOLUME], self.found())
        self.end_all()
        self.load(self.context())
        self.let_pass(unfinished.LONG)
        self.end_all()
        self.assert_ended()

    def test_others(self):
        self.created(self.foreign_context())
        self.created(self.context(), volume_id=base.HOME_VOLUME,
                     attachment_id=None)
        self.let_pass(unfinished.LONG + 1)
        self.assertEqual([], self.found())

    def test_server_that_is_built(self):
        self.killed()
        self.server.task_state = 'spawning'
        self.let_pass(unfinished.LONG + 1)
        self.assertEqual([], self.found())

    def test_gets_its_attachment_at_the_last_moment(self):
        mapping = self.killed()
        self.let_pass(unfinished.LONG + 1)
        found, = unfinished.find(self.context())
        mapping.attachment_id = base.ATTACHMENT
        mapping.save()
        self.assertFalse(
            unfinished.end(self.context(), plugin.loaded().pending, found))
        self.load(self.context())


class TestRemoveVolume(UnfinishedTestCase):
    """By the user, in the way that nova-api goes."""

    def remove(self):
        """:returns: whether Nova goes on, to Cinder"""
        asked = []
        context = self.context()
        self.load(context)
        unfinished_attach.detach(
            plugin.loaded().pending, lambda *args: asked.append(args), None,
            context, self.server, {'id': base.VOLUME})
        return bool(asked)

    def test_attach_that_may_go_on(self):
        self.killed()
        self.assertTrue(self.remove())

    def test_attached(self):
        self.created(self.foreign_context())
        self.let_pass(unfinished.LONG)
        self.assertTrue(self.remove())

    def test_mapping_alone(self):
        self.killed()
        self.let_pass(unfinished.SECONDS + 1)
        self.assertFalse(self.remove())
        self.assert_ended()
        action, = objects.InstanceActionList.get_by_instance_uuid(
            self.context(), base.SERVER)
        self.assertEqual('detach_volume', action.action)
        self.assertEqual([], self.asked('bu'))

    def test_volume_of_home(self):
        self.created(self.context(), attachment_id=None)
        self.let_pass(unfinished.SECONDS + 1)
        self.assertTrue(self.remove())

    def test_functions_of_nova(self):
        for each in unfinished_attach.DETACH:
            each.check()
