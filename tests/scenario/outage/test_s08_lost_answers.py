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


"""A request is lost half-way, and nothing is left of it."""

from concurrent import futures

from sandbox import client
from tests.scenario import base
from tests.scenario import lossy

#: Seconds after which what was lost must be settled.
SETTLED = 60


class TestLostAnswers(base.ServerScenario):

    way: lossy.Way

    @classmethod
    def setUpClass(cls):
        """Have moc's API and conductor use a way that may lose answers."""
        super().setUpClass()
        cls.way = cls.through_lossy_way(('nova-api', 'nova-conductor'),
                                        'nova.conf')

    def setUp(self):
        super().setUp()
        self.volume_id = self.volume_at(self.provider)
        self.target = {'volumeAttachment': {'volumeId': self.volume_id,
                                            'serviceProvider': self.provider}}
        self.way.lost.clear()

    def state(self):
        """Status of the volume at bu, and of its attachments there."""
        return (self.volume(self.provider, self.volume_id)['status'],
                [each['status'] for each in
                 self.attachments_at(self.provider, self.volume_id)])

    def wait_for_state(self, *wanted):
        client.wait_for(f'{wanted}', lambda: self.state() == wanted, SETTLED)

    def attach_with_lost_answer(self):
        self.way.lose('POST /v3/attachments ')
        response = self.attach(self.target)
        self.assertEqual(503, response.status_code, response.text)
        self.assertIn(f'ervice provider {self.provider}', response.text)
        self.assertEqual(1, len(self.way.lost))
        self.assertEqual(('reserved', ['reserved']), self.state())
        self.assertEqual([], self.mappings())

    def test_attachment_is_made_and_nobody_knows(self):
        self.attach_with_lost_answer()
        self.wait_for_state('available', [])
        self.assertEqual(200, self.attach(self.target).status_code)
        self.wait_for_attached(self.provider, self.volume_id)
        self.detach(self.provider, self.volume_id)

    def test_user_tries_again_at_once(self):
        self.attach_with_lost_answer()
        # Cinder lets the same server have a second one.
        self.assertEqual(200, self.attach(self.target).status_code)
        self.wait_for_state('in-use', ['attached'])
        mapping, = self.alice.api('compute', version='2.89').get(
            self.url).json()['volumeAttachments']
        attachment, = self.attachments_at(self.provider, self.volume_id)
        self.assertEqual(mapping['attachment_id'], attachment['id'])
        self.detach(self.provider, self.volume_id)

    def test_detach_has_begun_and_nobody_knows(self):
        self.assertEqual(200, self.attach(self.target).status_code)
        self.wait_for_attached(self.provider, self.volume_id)
        self.way.lose('POST /v3/volumes/.*os-begin_detaching')
        response = self.nova.delete(f'{self.url}/{self.volume_id}')
        self.assertEqual(503, response.status_code, response.text)
        self.assertEqual(('detaching', ['attached']), self.state())
        self.wait_for_state('in-use', ['attached'])
        self.detach(self.provider, self.volume_id)

    def test_detach_while_one_server_of_provider_knows_nothing(self):
        self.assertEqual(200, self.attach(self.target).status_code)
        self.wait_for_attached(self.provider, self.volume_id)
        self.way.deny('POST /v3/volumes/.*os-begin_detaching', 404)
        response = self.nova.delete(f'{self.url}/{self.volume_id}')
        self.assertEqual(400, response.status_code, response.text)
        self.assertIn(f'service provider {self.provider}', response.text)
        self.assertEqual(('in-use', ['attached']), self.state())
        self.detach(self.provider, self.volume_id)

    def test_conductor_is_killed_in_the_middle_of_an_attach(self):
        """The mapping is there, and will never have an attachment."""
        pool = self.enterContext(futures.ThreadPoolExecutor(1))
        self.way.interrupt('POST /v3/attachments ', before=lambda: (
            self.sandbox.kill(self.home, 'nova-conductor')))
        request = pool.submit(self.attach, self.target)
        try:
            client.wait_for('the attach to be killed', lambda: self.way.lost)
        finally:
            self.sandbox.control('start', self.home, 'nova-conductor')
        self.assert_untouched(self.provider, self.volume_id)
        client.wait_for('the mapping to be found', lambda: (
            f'unfinished: server {self.server} has a block device '
            f'mapping of volume {self.volume_id}' in
            self.sandbox.mixmatch_nova('check').out))
        response = self.nova.delete(f'{self.url}/{self.volume_id}')
        self.assertEqual(202, response.status_code, response.text)
        self.assertLessEqual(500, request.result().status_code)
        self.assertEqual(200, self.attach(self.target).status_code)
        self.wait_for_attached(self.provider, self.volume_id)
        self.detach(self.provider, self.volume_id)

    def test_server_is_deleted_while_provider_is_stopped(self):
        server = self.new_server()
        response = self.nova.post(f'/servers/{server}/os-volume_attachments',
                                  json=self.target)
        self.assertEqual(200, response.status_code, response.text)
        self.wait_for_attached(self.provider, self.volume_id)
        with self.stopped('cinder-api'):
            client.must(self.alice.openstack('server', 'delete', '--wait',
                                             server))
        self.wait_for_state('available', [])

    def test_detach_while_the_volume_service_is_stopped(self):
        self.assertEqual(200, self.attach(self.target).status_code)
        self.wait_for_attached(self.provider, self.volume_id)
        with self.stopped('cinder-volume'):
            response = self.nova.delete(f'{self.url}/{self.volume_id}')
            self.assertEqual(202, response.status_code, response.text)
            client.wait_for('Nova to forget the volume', lambda: (
                self.mappings() == []))
        self.wait_for_state('available', [])
