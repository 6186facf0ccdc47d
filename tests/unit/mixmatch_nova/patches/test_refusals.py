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

"""Operations that cannot work for a foreign volume are refused in time."""

from unittest import mock

from nova.compute import api as nova_compute_api
from nova.compute import utils as compute_utils
from nova import exception
from nova import objects

from mixmatch_nova.patches import compute_api
from mixmatch_nova import state
from mixmatch_nova import target
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova import novas

IMAGE = '44444444-0000-4000-8000-000000000004'


class RefusalTestCase(base.NovaTestCase):

    def setUp(self):
        super().setUp()
        self.useFixture(novas.NovaDatabase())
        self.instance = objects.Instance(uuid=base.SERVER, system_metadata={})
        self.called = []

    def mapping(self, context, volume_id=base.VOLUME, **values):
        made = objects.BlockDeviceMapping(context, **{
            'instance_uuid': base.SERVER, 'volume_id': volume_id,
            'source_type': 'volume', 'destination_type': 'volume',
            'boot_index': 0, **values})
        made.create()
        return made

    def original(self, *args, **kwargs):
        self.called.append((args, kwargs))

    def assert_refused(self, wrapper, *args, api=None):
        exc = self.assertRaises(exception.InvalidVolume, wrapper,
                                self.original, api, *args)
        self.assertIn('lives at service provider bu', str(exc))
        self.assertEqual([], self.called)


class TestRebuild(RefusalTestCase):

    def rebuild(self, context):
        compute_api._rebuild(self.original, None, context, self.instance,
                             IMAGE, 'secret', reimage_boot_volume=True)
        (arguments, _), = self.called
        return arguments[-1]

    def test_root_volume_of_another_cloud_gets_no_other_image(self):
        """Nova then refuses another one, as it did before 2.93."""
        self.mapping(self.foreign_context())
        self.assertFalse(self.rebuild(self.context()))

    def test_root_volume_of_home(self):
        self.mapping(self.context(), base.HOME_VOLUME)
        self.assertTrue(self.rebuild(self.context()))

    def test_foreign_volume_that_is_not_the_root(self):
        self.mapping(self.context(), base.HOME_VOLUME)
        self.mapping(self.foreign_context(), boot_index=None)
        self.assertTrue(self.rebuild(self.context()))


class TestSnapshot(RefusalTestCase):

    def test_before_anything_is_made(self):
        """Also if only a volume of data is elsewhere."""
        self.mapping(self.context(), base.HOME_VOLUME)
        self.mapping(self.foreign_context(), boot_index=None)
        self.assert_refused(compute_api._snapshot, self.context(),
                            self.instance, 'name')

    def test_home_s(self):
        self.mapping(self.context(), base.HOME_VOLUME)
        compute_api._snapshot(self.original, None, self.context(),
                              self.instance, 'name')
        self.assertEqual(1, len(self.called))

    def test_assisted(self):
        """Cinder's own, for file systems that are mounted."""
        api = mock.Mock(_get_bdm_by_volume_id=lambda context, _: (
            objects.BlockDeviceMapping.get_by_volume_and_instance(
                context, base.VOLUME, base.SERVER)))
        self.mapping(self.foreign_context())
        self.assert_refused(compute_api._assisted, self.context(),
                            base.VOLUME, {}, api=api)


class TestSwap(RefusalTestCase):

    def test_from_or_to_another_cloud(self):
        here, there = {'id': base.HOME_VOLUME}, {'id': base.VOLUME}
        context = self.foreign_context()
        for pair in ((here, there), (there, here)):
            self.assert_refused(compute_api._swap, context, self.instance,
                                *pair)
        compute_api._swap(self.original, None, context, self.instance, here,
                          here)
        self.assertEqual(1, len(self.called))


class TestReserve(base.NovaTestCase):
    """A server may be deleted before a row of its mapping exists."""

    def reserve(self, context, volume_id):
        mapping = objects.BlockDeviceMapping(
            context, volume_id=volume_id, source_type='volume')
        symbol = compute_api.RESERVE
        if symbol.exists():
            first, reserve = (context, None), compute_api._reserve
        else:
            first, reserve = (None, context), compute_api._reserve_2025
        reserve(lambda *args: None, *first, {'id': volume_id}, None, mapping)
        return mapping

    def test_marks_what_is_not_saved_yet(self):
        mapping = self.reserve(self.foreign_context(), base.VOLUME)
        self.assertEqual(base.MARKER, mapping.volume_type)

    def test_marks_nothing_of_home(self):
        context = self.foreign_context()
        state.from_context(context).remember_target(
            base.HOME_VOLUME, target.HOME)
        mapping = self.reserve(context, base.HOME_VOLUME)
        self.assertFalse(mapping.obj_attr_is_set('volume_type'))

    def test_is_read_when_the_server_is_deleted(self):
        """The row of the request to build it has no context."""
        mapping = self.reserve(self.foreign_context(), base.VOLUME)
        mapping.attachment_id = base.ATTACHMENT
        stored = objects.BlockDeviceMappingList.obj_from_primitive(
            objects.BlockDeviceMappingList(
                objects=[mapping]).obj_to_primitive())
        seen, request = [], self.context()
        compute_api._cleanup(
            lambda *_: seen.append(state.from_context(request).get_remote(
                base.ATTACHMENT)), None, stored, None, request)
        self.assertEqual([base.AT_BU], seen)

    def test_one_of_the_two_names_is_patched(self):
        names = (
            (compute_utils, 'check_attach_and_reserve_volume'),
            (nova_compute_api.API, '_check_attach_and_reserve_volume'))
        found = [getattr(owner, name) for owner, name in names
                 if hasattr(owner, name)]
        self.assertEqual(1, len(found))
        self.assertTrue(hasattr(found[0], '__mixmatch__'))
