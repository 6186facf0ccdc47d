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

"""S1: owner and administrator work on servers whose images live at bu."""

import contextlib

from sandbox import client
from sandbox.services import mariadb
from sandbox import topology
from tests.scenario.images import test_s01_boot as images
from tests.scenario import servers


class OperatedImage(images.ImageScenario, servers.OperationScenario):
    """A server of an image of bu."""

    def setUp(self):
        super().setUp()
        # NOTE: no host has it yet.
        self.image_id = self.upload_bootable()
        self.server = self.boot(self.image_id)

    def do(self, status, **action):
        """Do something as the administrator; wait for what becomes of it."""
        name, = action
        response = self.act(name, action[name], by=self.admin)
        self.assertIn(response.status_code, (200, 202), response.text)
        self.wait_for_server(status)

    @contextlib.contextmanager
    def moves(self):
        """Check that the server moves to a host that never had the image."""
        before, downloads = self.host, self.downloads()
        self.forget_bits(self.image_id)
        with self.two_hosts():
            yield
            client.wait_for('it to have moved', lambda: self.host != before)
            self.wait_for_guest(self.server)
        self.assertLess(downloads, self.downloads())

    @property
    def mark(self):
        """Return what Nova has kept of where the image lives."""
        return mariadb.value(
            self.sandbox.site, topology.by_name(self.home), 'nova',
            'select value from instance_system_metadata where '
            f"instance_uuid = '{self.server}' and "
            f"`key` = 'image_{images.MARK}'")


class TestOwner(OperatedImage):

    def test_resize(self):
        made = self.hypervisors.post('/flavors', json={'flavor': {
            'name': 'for-a-resize', 'ram': 144, 'vcpus': 1,
            'disk': 1}}).json()['flavor']['id']
        self.addCleanup(self.hypervisors.delete, f'/flavors/{made}')
        with self.moves():
            self.operate('resize', '--flavor', made, self.server)
            self.wait_for_server('VERIFY_RESIZE')
            self.operate('resize', 'confirm', self.server)
            self.wait_for_server('ACTIVE')

    def test_shelve_and_unshelve(self):
        self.operate('shelve', self.server)
        self.wait_for_server('SHELVED_OFFLOADED')
        self.operate('unshelve', self.server)
        self.wait_for_server('ACTIVE')
        self.wait_for_guest(self.server)
        self.assertEqual(self.provider, self.mark)

    def test_image_of_it_is_of_home(self):
        made = client.must(self.alice.openstack(
            'server', 'image', 'create', '--wait', '--name', 'of-a-server',
            '-f', 'json', self.server)).json['id']
        glance = self.alice.api('image')
        self.addCleanup(glance.delete, f'/v2/images/{made}')
        shown = glance.get(f'/v2/images/{made}',
                           params={images.MARK: 'none'}).json()
        self.assertEqual('active', shown['status'])
        self.assertEqual([], [key for key in shown
                              if key.startswith('os-mixmatch')])
        self.assertEqual(404, self.glance.get(
            f'/v2/images/{made}', raise_exc=False).status_code)
        self.wait_for_guest(self.boot(made))


class TestAdministrator(OperatedImage):
    """Work that needs the image, on hosts that never had it as well."""

    def test_rescue_and_rebuild(self):
        self.do('RESCUE', rescue={'adminPass': 'x'})
        self.do('ACTIVE', unrescue=None)
        # NOTE: the command shows the image first, as the administrator.
        self.do('ACTIVE', rebuild={'imageRef': self.image_id})
        self.wait_for_guest(self.server)
        self.assertEqual(self.provider, self.mark)

    def test_cold_migration(self):
        with self.moves():
            self.operate('migrate', self.server, by=self.admin)
            self.wait_for_server('VERIFY_RESIZE')
            self.operate('migrate', 'confirm', self.server, by=self.admin)
            self.wait_for_server('ACTIVE')

    def test_evacuated(self):
        with self.moves():
            before = self.host
            with self.host_down():
                self.operate('evacuate', self.server, by=self.admin)
                self.wait_for_server('SHUTOFF')
                client.wait_for('it to have moved', lambda: (
                    self.host != before))
            self.operate('start', self.server)
            self.wait_for_server('ACTIVE')
