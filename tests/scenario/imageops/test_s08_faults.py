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

"""S8: bu's Glance fails in any way, and home's images are there."""

import time

import requests

from sandbox import client
from sandbox.services import common
from sandbox import topology
from tests.scenario import base
from tests.scenario import faults
from tests.scenario.images import test_s01_boot as images

MISSING = 'OpenStack-Mixmatch-Missing'

#: How long what is only home's may take, in seconds.
SOON = 1 + base.BUSY

EACH = (faults.hung, faults.garbage, faults.internal_error,
        faults.bad_gateway, faults.nonsense, faults.web_page, faults.resets,
        faults.drips)


class TestImages(images.ImageScenario):

    def setUp(self):
        super().setUp()
        self.at_home = self.alice.api('image')
        self.own, = self.at_home.get('/v2/images', params={
            'name': 'guest', images.MARK: 'none'}).json()['images']

    def test_each_way_to_fail(self):
        port = topology.port(topology.by_name(self.provider), 'glance')
        with self.stopped('glance-api'):
            for fault in (None, *EACH):
                with self.subTest(fault):
                    if fault is None:
                        self.assert_home_unhurt()
                        continue
                    with faults.listening(port, fault):
                        self.assert_home_unhurt()
        client.wait_for('the image to be found', lambda: self.at_home.get(
            f'/v2/images/{self.image_id}').status_code == 200)
        listed = self.at_home.get('/v2/images')
        self.assertNotIn(MISSING, listed.headers)
        self.assertIn(self.image_id, self.ids(listed))

    @staticmethod
    def ids(response):
        return [each['id'] for each in response.json()['images']]

    def assert_home_unhurt(self):
        # NOTE: so that bu is asked, and not skipped since it failed before.
        time.sleep(base.BACK / 2)
        for _ in range(common.PROCESSES):
            self.assert_says(self.at_home.get(
                f'/v2/images/{self.image_id}', raise_exc=False))
            listed = self.at_home.get('/v2/images')
            self.assertEqual(200, listed.status_code, listed.text)
            self.assertEqual(self.provider, listed.headers[MISSING])
            self.assertIn(self.own['id'], self.ids(listed))
            self.assertLess(listed.elapsed.total_seconds(), base.TIMEOUTS)
        for path in ('/v2/images/' + self.own['id'],
                     '/v2/images?name=guest'):
            response = self.at_home.get(path)
            self.assertEqual(200, response.status_code, response.text)
            self.assertLess(response.elapsed.total_seconds(),
                            base.TIMEOUTS if '?' in path else SOON)

    def assert_says(self, response):
        """The answer names who failed, in time."""
        self.assertIn(response.status_code, (502, 503), response.text)
        self.assertIn(f'ervice provider {self.provider}', response.text)
        self.assertLess(response.elapsed.total_seconds(), base.TIMEOUTS)

    def test_boot_is_refused_by_name(self):
        """nova-api says who does not answer, not that it did not expect it."""
        flavor = next(each['id'] for each in self.nova.get(
            '/flavors').json()['flavors'] if each['name'] == 'tiny')
        with self.stopped('glance-api'):
            response = self.nova.post('/servers', json={'server': {
                'name': 'nothing', 'imageRef': self.image_id,
                'flavorRef': flavor, 'networks': 'none'}})
        self.assert_says(response)

    def test_download_is_cut(self):
        """bu's Glance dies while it sends: an error, no short file."""
        bits = bytes(1 << 20) * 64
        image_id = self.glance.post('/v2/images', json={
            'name': 'large', 'disk_format': 'raw',
            'container_format': 'bare'}).json()['id']
        self.addCleanup(self.glance.delete, f'/v2/images/{image_id}')
        self.glance.put(f'/v2/images/{image_id}/file', data=bits, headers={
            'Content-Type': 'application/octet-stream'})
        response = self.at_home.get(f'/v2/images/{image_id}/file',
                                    stream=True)
        pieces = response.iter_content(1 << 16)
        received = len(next(pieces))
        self.sandbox.kill(self.provider, 'glance-api')
        self.addCleanup(self.sandbox.control, 'start', self.provider,
                        'glance-api')
        with self.assertRaises((requests.exceptions.ChunkedEncodingError,
                                requests.exceptions.ConnectionError)):
            for piece in pieces:
                received += len(piece)
        self.assertLess(received, len(bits))
