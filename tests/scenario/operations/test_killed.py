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

"""nova-compute is killed in the middle of an attach or a detach.

At each of its requests to bu, before bu has it and after bu has done it. The
next nova-compute ends what was begun: an attach is undone, a detach finished.
"""

from sandbox import client
from tests.scenario import lossy
from tests.scenario import servers

VOLUME = 'GET /v3/volumes/'
CONNECT = 'PUT /v3/attachments/'
COMPLETE = 'POST /v3/attachments/.*os-complete'
DELETE = 'DELETE /v3/attachments/'


class TestKilled(servers.OperationScenario):

    way: lossy.Way

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.way = cls.through_lossy_way('nova-compute', 'nova-cpu.conf')

    def setUp(self):
        super().setUp()
        self.volume_id = self.volume_at(self.provider)
        self.way.lost.clear()

    def killed(self, request, pattern, **when):
        """Kill nova-compute at a request of its own, and start another one.

        :param request: what alice asks of Nova
        """
        self.way.interrupt(pattern, **{
            each: lambda: self.sandbox.kill(self.home, 'nova-compute')
            for each in when})
        try:
            response = request()
            client.wait_for(f'nova-compute to ask {self.provider}',
                            lambda: self.way.lost)
        finally:
            self.sandbox.control('start', self.home, 'nova-compute')
        return response

    def attach_killed(self, pattern, **when):
        response = self.killed(lambda: self.attach({'volumeAttachment': {
            'volumeId': self.volume_id, 'serviceProvider': self.provider}}),
            pattern, **when)
        self.assertEqual(200, response.status_code, response.text)
        self.wait_for_detached(self.provider, self.volume_id)
        self.assert_untouched(self.provider, self.volume_id)
        action = self.last_action()
        self.assertEqual('attach_volume', action['action'])
        self.assertEqual(['Error'], [
            each['result'] for each in action['events']
            if each['event'] == 'compute_attach_volume'])
        self.assert_can_be_used()

    def detach_killed(self, pattern, **when):
        self.attach_at_provider(self.volume_id)
        response = self.killed(lambda: self.nova.delete(
            f'{self.url}/{self.volume_id}'), pattern, **when)
        self.assertEqual(202, response.status_code, response.text)
        self.wait_for_detached(self.provider, self.volume_id)
        self.assert_untouched(self.provider, self.volume_id)
        self.assertEqual(['Success'], [
            each['result'] for each in self.last_action()['events']
            if each['event'] == 'compute_detach_volume'])
        self.assert_can_be_used()

    def assert_can_be_used(self):
        """By the same server, whose guest does not have the disk."""
        self.assertFalse(self.sandbox.watched(self.provider, self.volume_id))
        self.attach_at_provider(self.volume_id)
        self.detach_at_provider(self.volume_id)

    def test_attach_before_provider_knows(self):
        self.attach_killed(VOLUME, before=True)

    def test_attach_before_provider_has_connected(self):
        self.attach_killed(CONNECT, before=True)

    def test_attach_after_provider_has_connected(self):
        self.attach_killed(CONNECT, after=True)

    def test_attach_before_provider_is_told_of_the_end(self):
        """The guest has the disk already."""
        self.attach_killed(COMPLETE, before=True)

    def test_attach_after_provider_is_told_of_the_end(self):
        """Nothing is left to be done."""
        self.killed(lambda: self.attach({'volumeAttachment': {
            'volumeId': self.volume_id, 'serviceProvider': self.provider}}),
            COMPLETE, after=True)
        self.assert_agreed(self.volume_id)
        self.assertTrue(self.sandbox.watched(self.provider, self.volume_id))
        self.detach_at_provider(self.volume_id)

    def test_detach_before_the_guest_knows(self):
        self.detach_killed(VOLUME, before=True)

    def test_detach_before_provider_knows(self):
        self.detach_killed(DELETE, before=True)

    def test_detach_while_one_server_of_provider_knows_nothing(self):
        """It says that there is no attachment; the others know better."""
        self.attach_at_provider(self.volume_id)
        self.way.deny(DELETE, 404)
        response = self.nova.delete(f'{self.url}/{self.volume_id}')
        self.assertEqual(202, response.status_code, response.text)
        self.wait_for_detached(self.provider, self.volume_id)
        self.assertEqual(1, len(self.way.lost))
        self.assert_untouched(self.provider, self.volume_id)
        self.assert_can_be_used()

    def test_detach_after_provider_has_deleted_the_attachment(self):
        self.detach_killed(DELETE, after=True)
