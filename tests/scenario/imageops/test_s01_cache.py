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

"""S1: home keeps the bits of images of another cloud, and asks there."""

import contextlib
import re

from sandbox import client
from sandbox import paste
from sandbox.services import common
from sandbox import topology
from tests.scenario.images import test_s01_boot as images
from tests.scenario import servers

#: Servers on each of the two hosts, at a time: Nova's scheduler gives a host
#: no more work than eight such.
BOOTS, TIMES = 5, 2


class CachedImages(images.ImageScenario):
    """Home's Glance keeps bits."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = cls.sandbox.site.var(topology.by_name(cls.home), 'glance')
        cls.enterClassContext(paste.changed(
            cls.sandbox, cls.home, paste.keeping_images(folder / 'cache'),
            'glance-api.conf', 'glance'))

    def asked_there(self, image_id):
        """Return how often home has got all bits, and how often a part."""
        log, = (path for path in self.sandbox.logs()
                if path.parent.name == self.home
                and path.name == 'glance-api.log')
        address = topology.url(topology.by_name(self.provider), 'glance')
        found = re.findall(
            rf'GET {address}/v2/images/{image_id}/file (200|206) in ',
            log.read_text(errors='replace'))
        return found.count('200'), found.count('206')


class TestDownloads(CachedImages):

    def setUp(self):
        super().setUp()
        self.image_id = self.upload('raw', 'initrd', container_format='bare')
        self.at_home = self.alice.api('image')
        self.path = f'/v2/images/{self.image_id}/file'
        self.landlord = self.sandbox.user(self.provider, 'admin').api('image')

    def download(self, code=200, **headers):
        response = self.at_home.get(self.path, raise_exc=False,
                                    headers=headers)
        self.assertEqual(code, response.status_code, response.text[:200])
        return response.content

    def keep(self):
        """Have home keep the bits of the image."""
        self.assertEqual(self.bits[self.image_id], self.download())

    def test_is_downloaded_once(self):
        """All processes have the bits from the first one's download."""
        self.keep()
        for _ in range(4 * common.PROCESSES):
            self.keep()
        self.assertEqual((1, 4 * common.PROCESSES),
                         self.asked_there(self.image_id))

    def test_part(self):
        self.keep()
        self.assertEqual(self.bits[self.image_id][1000:2001],
                         self.download(206, Range='bytes=1000-2000'))
        self.assertEqual(1, self.asked_there(self.image_id)[0])

    def test_deactivated_there(self):
        self.keep()
        actions = f'/v2/images/{self.image_id}/actions'
        self.landlord.post(f'{actions}/deactivate')
        for _ in range(2 * common.PROCESSES):
            self.download(403)
        self.landlord.post(f'{actions}/reactivate')
        self.keep()
        self.assertEqual(1, self.asked_there(self.image_id)[0])

    def test_deleted_there(self):
        self.keep()
        self.glance.delete(f'/v2/images/{self.image_id}')
        for _ in range(2 * common.PROCESSES):
            self.download(404)

    def test_who_may_not_have_it(self):
        self.keep()
        for who in (self.sandbox.user(self.home, 'bob'),
                    self.sandbox.landlord(self.home)):
            response = who.api('image').get(self.path, raise_exc=False)
            self.assertEqual(404, response.status_code, response.text[:200])

    def test_provider_is_away(self):
        self.keep()
        with self.stopped('glance-api'):
            response = self.at_home.get(self.path, raise_exc=False)
            self.assertIn(response.status_code, (502, 503))
            self.assertIn(self.provider, response.text)


class TestBoots(CachedImages, servers.OperationScenario):

    def test_many_boots_on_two_hosts(self):
        """They cost the cloud of the image one download."""
        with self.only(servers.FIRST):
            for _ in range(TIMES):
                self.boot_many(servers.FIRST)
        # NOTE: both hosts have them in one folder.
        self.forget_bits(self.image_id)
        with self.only(servers.SECOND):
            for _ in range(TIMES):
                self.boot_many(servers.SECOND)
        whole, parts = self.asked_there(self.image_id)
        self.assertEqual(1, whole)
        # NOTE: servers that begin together on a host wait for one download.
        self.assertLessEqual(1, parts)

    def boot_many(self, host):
        """Boot servers on the only host that takes some, and delete them."""
        nova = self.alice.api('compute', version='2.60')
        flavor = next(each['id'] for each in nova.get(
            '/flavors').json()['flavors'] if each['name'] == 'tiny')
        response = nova.post('/servers', json={'server': {
            'name': 'one-of-many', 'imageRef': self.image_id,
            'flavorRef': flavor, 'networks': 'none', 'min_count': BOOTS,
            'return_reservation_id': True}})
        self.assertEqual(202, response.status_code, response.text)
        path = '/servers/detail?name=one-of-many&all_tenants=1'

        def booted():
            return self.hypervisors.get(path).json()['servers']
        for each in booted():
            self.addCleanup(self.delete_server, each['id'])

        def are_active():
            states = {(each['status'], each['OS-EXT-SRV-ATTR:host'])
                      for each in booted()}
            self.assertNotIn('ERROR', [status for status, _ in states])
            return states == {('ACTIVE', host)}
        client.wait_for(f'servers on {host}', are_active, patience=180)
        for each in booted():
            self.delete_server(each['id'])

    @contextlib.contextmanager
    def only(self, host):
        """Have one of the two hosts take servers for a while."""
        self.enable(host)
        try:
            yield
        finally:
            self.enable(servers.FIRST)

    def enable(self, host):
        """Have a host take servers, and the other one none."""
        for each in (servers.FIRST, servers.SECOND):
            service, = self.hypervisors.get('/os-services', params={
                'host': each, 'binary': 'nova-compute'}).json()['services']
            self.hypervisors.put(f'/os-services/{service["id"]}', json={
                'status': 'enabled' if each == host else 'disabled'})
