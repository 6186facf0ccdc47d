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

"""Work of nova-conductor for a nova-compute without the plugin."""

from nova.db.main import api as nova_db
from nova import objects

from mixmatch_nova.patches import db_api
from mixmatch_nova import plugin
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova.patches import test_block_device_mapping


class TestWithoutPlugin(test_block_device_mapping.MappingTestCase):

    def setUp(self):
        super().setUp()
        self.pending = []
        self.patch(plugin.loaded().pending, 'add', self.owe)
        self.created(self.foreign_context())
        self.created(self.context(), volume_id=base.HOME_VOLUME)
        self.wrappers = db_api.Wrappers(plugin.loaded().pending)
        self.destroyed = []

    def owe(self, context, subject, exc, attachment_id=None):
        self.pending.append((str(subject.target), subject.volume_id,
                             subject.server_id, attachment_id))

    def destroy(self, context):
        """The mappings go with the server."""
        def destroyed(context, server_id):
            for each in objects.BlockDeviceMappingList.get_by_instance_uuid(
                    self.context(), server_id):
                each.destroy()
        self.wrappers.instance_destroy(destroyed, context, base.SERVER)

    def fail(self, context, action, event):
        objects.InstanceAction.action_start(context, base.SERVER, action)
        for begin in (True, False):
            call = (objects.InstanceActionEvent.event_start if begin else
                    objects.InstanceActionEvent.event_finish_with_failure)
            call(context, base.SERVER, event, want_result=False)

    def test_server_is_deleted(self):
        self.destroy(self.unpatched_context())
        self.assertEqual([('bu:id-of-research', base.VOLUME, base.SERVER,
                           base.ATTACHMENT)], self.pending)

    def test_detach_or_attach_ends(self):
        for action in ('detach_volume', 'attach_volume'):
            self.pending.clear()
            self.fail(self.unpatched_context(), action, f'compute_{action}')
            self.assertEqual([('bu:id-of-research', base.VOLUME, base.SERVER,
                               None)], self.pending)

    def test_something_else_ends(self):
        self.fail(self.unpatched_context(), 'reboot',
                  'compute_reboot_instance')
        self.assertEqual([], self.pending)

    def test_with_the_plugin(self):
        self.destroy(self.context())
        self.fail(self.context(), 'detach_volume', 'compute_detach_volume')
        self.assertEqual([], self.pending)

    def test_functions_of_nova(self):
        """They are replaced where Nova's objects look for them."""
        for each in (db_api.DESTROY, db_api.FINISH):
            each.check()
            self.assertTrue(hasattr(getattr(nova_db, each.attribute),
                                    '__wrapped__'))
