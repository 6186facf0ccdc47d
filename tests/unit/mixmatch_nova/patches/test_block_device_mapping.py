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

"""A block device mapping remembers where its volume lives."""

import json

from nova import exception
from nova import objects
from nova.objects import base as objects_base

from mixmatch_nova import block_device
from mixmatch_nova import state
from mixmatch_nova import target
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova import novas


SNAPSHOT = '44444444-0000-4000-8000-000000000004'
OF_SNAPSHOT = {'source_type': 'snapshot', 'snapshot_id': SNAPSHOT,
               'volume_id': None, 'attachment_id': None}


class MappingTestCase(base.NovaTestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(novas.NovaDatabase())

    def mapping(self, context, volume_id=base.VOLUME, **values):
        return objects.BlockDeviceMapping(context, **{
            'instance_uuid': base.SERVER, 'volume_id': volume_id,
            'source_type': 'volume', 'destination_type': 'volume',
            'attachment_id': base.ATTACHMENT, **values})

    def created(self, context, **values):
        mapping = self.mapping(context, **values)
        mapping.create()
        return mapping

    def snapshot_context(self):
        context = self.context()
        state.from_context(context).remember_target(SNAPSHOT, base.AT_BU)
        return context

    def load(self, context, volume_id=base.VOLUME):
        return objects.BlockDeviceMapping.get_by_volume_and_instance(
            context, volume_id, base.SERVER)


class TestCreate(MappingTestCase):

    def test_foreign_volume_is_marked(self):
        self.created(self.foreign_context())
        self.assertEqual('mixmatch:bu:id-of-research',
                         self.load(self.context()).volume_type)

    def test_update_or_create_marks_as_well(self):
        self.mapping(self.foreign_context(),
                     device_name='vdb').update_or_create()
        self.assertEqual('mixmatch:bu:id-of-research',
                         self.load(self.context()).volume_type)

    def test_volume_of_home_is_not_marked(self):
        context = self.foreign_context()
        self.created(context, volume_id=base.HOME_VOLUME)
        mapping = self.load(self.context(), base.HOME_VOLUME)
        self.assertIsNone(mapping.volume_type)

    def test_volume_that_nova_makes_keeps_its_type(self):
        self.created(self.context(), volume_id=None, source_type='image',
                     image_id=base.HOME_VOLUME, volume_type='ssd')

    def test_of_a_foreign_snapshot_is_marked(self):
        mapping = self.created(self.snapshot_context(), **OF_SNAPSHOT)
        self.assertEqual(base.MARKER, mapping.volume_type)

    def test_snapshot_that_nova_does_not_read(self):
        mapping = self.created(self.snapshot_context(), **{
            **OF_SNAPSHOT, 'source_type': 'blank'})
        self.assertIsNone(mapping.volume_type)

    def test_mark_that_a_user_has_chosen_is_cleared(self):
        for source_type in ('image', 'snapshot', 'blank', 'volume'):
            mapping = self.created(
                self.context(), source_type=source_type,
                device_name=source_type, volume_id=base.HOME_VOLUME,
                volume_type=base.MARKER)
            self.assertIsNone(mapping.volume_type)

    def test_conflicting_volume_is_not_mapped(self):
        context = self.foreign_context()
        state.from_context(context).remember_target(base.VOLUME, target.HOME)
        self.assertRaises(exception.InvalidVolume, self.created, context)
        self.assertRaises(exception.VolumeBDMNotFound, self.load,
                          self.context())


class TestLoad(MappingTestCase):

    def assertForeign(self, context):
        targets = state.from_context(context)
        self.assertEqual(base.AT_BU, targets.get_remote(base.VOLUME))
        self.assertEqual(base.AT_BU, targets.get_remote(base.ATTACHMENT))

    def test_from_the_database(self):
        self.created(self.foreign_context())
        context = self.context()
        self.load(context)
        self.assertForeign(context)

    def test_from_a_list_of_the_database(self):
        self.created(self.foreign_context())
        context = self.context()
        objects.BlockDeviceMappingList.get_by_instance_uuid(
            context, base.SERVER)
        self.assertForeign(context)

    def received(self, context, sent):
        """An object as it comes with a message."""
        serializer = objects_base.NovaObjectSerializer()
        message = json.dumps(serializer.serialize_entity(context, sent))
        return serializer.deserialize_entity(context, json.loads(message))

    def test_from_a_message(self):
        mapping = self.created(self.foreign_context())
        context = self.context()
        self.received(context, mapping)
        self.assertForeign(context)

    def test_from_a_list_in_a_message(self):
        mapping = self.created(self.foreign_context())
        context = self.context()
        self.received(context, objects.BlockDeviceMappingList(
            objects=[mapping]))
        self.assertForeign(context)

    def test_inside_something_else_in_a_message(self):
        mapping = self.created(self.foreign_context())
        context = self.context()
        serializer = objects_base.NovaObjectSerializer()
        sent = serializer.serialize_entity(context, {'bdms': [mapping]})
        serializer.deserialize_entity(context, sent)
        self.assertForeign(context)

    def test_not_marked_is_home(self):
        self.created(self.context(), volume_id=base.HOME_VOLUME)
        context = self.context()
        self.load(context, base.HOME_VOLUME)
        for each in (base.HOME_VOLUME, base.ATTACHMENT):
            self.assertEqual(target.HOME,
                             state.from_context(context).get_target(each))

    def test_not_yet_saved_says_nothing(self):
        # It is on its way to who creates and marks it.
        context = self.foreign_context()
        self.received(context, self.mapping(context))
        self.assertForeign(context)

    def test_home_mapping_and_foreign_claim_are_a_conflict(self):
        self.created(self.context())
        context = self.foreign_context()
        self.load(context)
        self.assertRaises(target.ConflictingTargets,
                          state.from_context(context).get_remote, base.VOLUME)

    def test_whatever_it_was_made_of(self):
        for source_type in ('image', 'snapshot', 'blank'):
            self.created(self.foreign_context(), source_type=source_type,
                         device_name=source_type)
            context = self.context()
            self.load(context)
            self.assertForeign(context)

    def test_of_a_snapshot_before_there_is_a_volume(self):
        self.created(self.snapshot_context(), **OF_SNAPSHOT)
        context = self.context()
        mapping, = objects.BlockDeviceMappingList.get_by_instance_uuid(
            context, base.SERVER)
        self.assertEqual(base.AT_BU,
                         state.from_context(context).get_remote(SNAPSHOT))
        self.assertIsNone(block_device.target_of(mapping))

    def test_mark_of_a_nova_api_without_the_plugin(self):
        context = self.unpatched_context()
        self.received(context, self.mapping(
            self.context(), volume_type=base.MARKER))
        self.assertIsNone(state.from_context(context).get_target(base.VOLUME))

    def test_a_message_without_context(self):
        mapping = self.created(self.foreign_context())
        self.received(None, mapping)

    def test_without_a_volume_nothing_is_noted(self):
        context = self.context()
        self.created(context, volume_id=None, source_type='image')
        self.assertEqual({}, state.from_context(context).to_dict())


class TestUnpatchedSender(MappingTestCase):
    """A Nova process without the plugin must not lose a disk."""

    def unpatched(self):
        return self.unpatched_context()

    def test_does_not_destroy_a_foreign_mapping(self):
        self.created(self.foreign_context())
        exc = self.assertRaises(exception.InvalidVolume,
                                self.load(self.unpatched()).destroy)
        self.assertIn('destroy', str(exc))
        self.assertIn('bu', str(exc))
        self.load(self.context())

    def test_does_not_create_a_foreign_mapping(self):
        context = self.unpatched()
        state.from_context(context).remember_target(base.VOLUME, base.AT_BU)
        exc = self.assertRaises(exception.InvalidVolume, self.created,
                                context)
        self.assertIn('create', str(exc))
        self.assertRaises(exception.VolumeBDMNotFound, self.load,
                          self.context())

    def test_may_do_so_with_one_of_home(self):
        self.created(self.unpatched(), volume_id=base.HOME_VOLUME)
        self.load(self.unpatched(), base.HOME_VOLUME).destroy()

    def test_with_the_plugin_a_foreign_mapping_is_destroyed(self):
        self.created(self.foreign_context())
        self.load(self.context()).destroy()
        self.assertRaises(exception.VolumeBDMNotFound, self.load,
                          self.context())
