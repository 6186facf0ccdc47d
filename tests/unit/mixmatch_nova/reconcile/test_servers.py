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


import datetime

from nova.compute import instance_actions
from nova import exception
from nova import objects
from oslo_utils import timeutils

from mixmatch_nova.reconcile import servers
from tests.unit.mixmatch_nova import base
from tests.unit.mixmatch_nova.patches import test_block_device_mapping


class TestServers(test_block_device_mapping.MappingTestCase):

    def setUp(self):
        super().setUp()
        context = self.context()
        context.cell_uuid = 'the-cell'
        self.servers = servers.Servers(context)
        #: the context of each question
        self.asked_by = []

    def answer(self, cls, method, answer):
        """Answer in place of a table that these tests do not have."""
        def answered(context, *args, **kwargs):
            self.asked_by.append(context)
            if isinstance(answer, Exception):
                raise answer
            return answer
        self.patch(cls, method, answered)

    def test_attachments_of_a_server(self):
        self.created(self.foreign_context())
        self.created(self.foreign_context(), attachment_id=None,
                     volume_id=base.HOME_VOLUME)
        self.assertEqual({base.ATTACHMENT},
                         self.servers.attachments(base.SERVER))
        self.assertEqual(set(), self.servers.attachments(base.VOLUME))

    def test_detached_is_forgotten(self):
        self.created(self.foreign_context()).destroy()
        self.assertEqual(set(), self.servers.attachments(base.SERVER))

    def test_busy(self):
        for state in ('rebuilding', None):
            self.answer(objects.Instance, 'get_by_uuid',
                        objects.Instance(task_state=state))
            self.assertEqual(bool(state), self.servers.is_busy(base.SERVER))

    def test_server_that_is_gone_is_not_busy(self):
        self.answer(objects.Instance, 'get_by_uuid',
                    exception.InstanceNotFound(instance_id=base.SERVER))
        self.assertFalse(self.servers.is_busy(base.SERVER))

    def test_asked_with_no_token_in_the_cell_of_the_server(self):
        self.answer(objects.Instance, 'get_by_uuid',
                    objects.Instance(task_state=None))
        self.servers.is_busy(base.SERVER)
        context, = self.asked_by
        self.assertEqual('the-cell', context.cell_uuid)
        self.assertIsNone(context.auth_token)
        self.assertTrue(context.is_admin)

    def detaching(self, finish_time=None, age=5,
                  action=instance_actions.DETACH_VOLUME):
        now = timeutils.utcnow(with_timezone=True)
        self.answer(objects.InstanceActionList, 'get_by_instance_uuid', [
            objects.InstanceAction(id=1, action=action)])
        self.answer(objects.InstanceActionEventList, 'get_by_action', [
            objects.InstanceActionEvent(
                start_time=now - datetime.timedelta(seconds=age),
                finish_time=finish_time and now)])
        return self.servers.is_detaching(base.SERVER)

    def test_detaching(self):
        self.assertTrue(self.detaching())

    def test_detached(self):
        self.assertFalse(self.detaching(finish_time=True))

    def test_detach_that_died(self):
        self.assertFalse(self.detaching(age=3600))

    def test_something_else(self):
        self.assertFalse(self.detaching(
            action=instance_actions.ATTACH_VOLUME))
