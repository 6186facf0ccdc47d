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

"""nova-compute notes what it begins."""

from nova.compute import instance_actions
from nova import objects

from mixmatch_nova.patches import compute_manager
from mixmatch_nova.reconcile import intent_log
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova.patches import test_block_device_mapping


class Manager:
    host = 'host'


class TestNotes(test_block_device_mapping.MappingTestCase):

    def setUp(self):
        super().setUp()
        self.intents = intent_log.IntentLog()
        self.notes = compute_manager.Wrappers(self.intents)
        self.server = objects.Instance(uuid=base.SERVER)
        self.seen = []

    def original(self, manager, context, *args):
        self.seen.append(self.left())

    def left(self):
        """Return the records that the next nova-compute would find now."""
        return [(each.action, each.volume_id, each.attachment_id)
                for each in intent_log.IntentLog().list_interrupted(
                    self.context(), 'host', base.SERVER, 20)]

    def action(self, name):
        """A request that has begun."""
        context = self.foreign_context()
        objects.InstanceAction.action_start(context, base.SERVER, name)
        return context

    def test_attach(self):
        context = self.action(instance_actions.ATTACH_VOLUME)
        bdm = self.created(context)
        self.notes.attach_volume(self.original, Manager, context,
                                 instance=self.server, bdm=bdm)
        self.assertEqual([[('attach_volume', base.VOLUME, base.ATTACHMENT)]],
                         self.seen)
        self.assertEqual([], self.left())

    def test_detach_that_fails(self):
        context = self.action(instance_actions.DETACH_VOLUME)
        self.created(context)

        def fail(*args):
            self.original(*args)
            raise ValueError
        self.assertRaises(
            ValueError, self.notes.detach_volume, fail, Manager, context,
            volume_id=base.VOLUME, instance=self.server, attachment_id=None)
        self.assertEqual([[('detach_volume', base.VOLUME, base.ATTACHMENT)]],
                         self.seen)
        self.assertEqual([], self.left())

    def test_of_home(self):
        context = self.context()
        objects.InstanceAction.action_start(
            context, base.SERVER, instance_actions.ATTACH_VOLUME)
        bdm = self.created(context, volume_id=base.HOME_VOLUME)
        self.patch(objects.InstanceActionEvent, 'event_start', None)
        self.notes.attach_volume(self.original, Manager, context,
                                 self.server, bdm)
        self.notes.detach_volume(self.original, Manager, context,
                                 base.HOME_VOLUME, self.server,
                                 base.ATTACHMENT)
        self.assertEqual([[], []], self.seen)

    def test_cannot_be_noted(self):
        """The request goes on."""
        context = self.foreign_context()
        self.notes.attach_volume(self.original, Manager, context,
                                 self.server, self.created(context))
        self.assertEqual([[]], self.seen)

    def test_functions_of_nova(self):
        compute_manager.ATTACH.check()
        compute_manager.DETACH.check()

    def test_other_events(self):
        for name in ('compute_attach_volume', 'mixmatch:x', 'mixmatch:'
                     f'attach_volume:../x:{base.ATTACHMENT}'):
            self.assertIsNone(intent_log.Intent.parse(
                name, base.SERVER, 'req-1'))
