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

"""Cinder's own API of attachments at home, for a volume elsewhere."""

import uuid

from sandbox import client
from tests.scenario import base

VERSION = '3.44'


class TestAttachments(base.ServerScenario):

    def setUp(self):
        super().setUp()
        self.cinder = self.alice.api('block-storage', version=VERSION)
        self.foreign = self.volume_at(self.provider)

    def listed(self):
        response = self.cinder.get('/attachments', params={
            'volume_id': self.foreign})
        self.assertEqual(200, response.status_code, response.text)
        return response.json()['attachments']

    def test_of_a_server(self):
        """It is seen, and only Nova may end it."""
        client.must(self.alice.nova('volume-attach', self.server,
                                    f'{self.foreign}@{self.provider}'))
        self.wait_for_attached(self.provider, self.foreign)
        found, = self.listed()
        self.assertEqual(self.provider, found['os-mixmatch:service_provider'])
        self.assertEqual(self.server, found['instance'])
        path = f'/attachments/{found["id"]}'
        self.assertEqual(200, self.cinder.get(path).status_code)
        response = self.cinder.delete(path)
        self.assertEqual(409, response.status_code, response.text)
        self.assertIn(self.provider, response.text)
        self.detach(self.provider, self.foreign)
        self.assertEqual([], self.listed())

    def test_that_is_only_reserved(self):
        there = self.alice.api('block-storage', version=VERSION,
                               at=self.provider)
        response = there.post('/attachments', json={'attachment': {
            'volume_uuid': self.foreign, 'instance_uuid': str(uuid.uuid4())}})
        self.assertEqual(200, response.status_code, response.text)
        found, = self.listed()
        response = self.cinder.delete(f'/attachments/{found["id"]}')
        self.assertEqual(200, response.status_code, response.text)
        self.assert_untouched(self.provider, self.foreign)

    def test_away(self):
        with self.stopped('cinder-api'):
            response = self.cinder.get('/attachments', params={
                'volume_id': self.foreign})
            self.assertEqual(503, response.status_code, response.text)
            self.assertIn(self.provider, response.text)
