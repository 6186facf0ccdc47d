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


"""S12: one user attaches a hundred times, and logs in once."""

from concurrent import futures
import re

from sandbox import client
from sandbox.services import common
from sandbox import topology
from tests.scenario import base
from tests.scenario import configuration

#: A login is this request; Apache of bu writes a line for each.
LOGIN = re.compile(r'"POST /Shibboleth\.sso/SAML2/ECP ')

#: What an attachment passes through at home.
PROCESSES = sum(configuration.NOVA.values(), ())

#: nova-api has several, and each request reaches one of them.
MORE = common.PROCESSES - 1

#: Attachments: first of running servers, which pass through all of them, then
#: of one that is offloaded, whose volumes nova-api attaches by itself in a
#: fraction of the time.
RUNNING = 12
OFFLOADED = 88

SERVERS = 2
VOLUMES = 2


def logins(sandbox):
    """Return the number of logins at bu until now."""
    log, = (path for path in sandbox.logs()
            if path.parent.name == topology.PROVIDER
            and path.name == 'apache-access.log')
    return len(LOGIN.findall(log.read_text()))


class Attaching(base.ServerScenario):
    """Attaches volumes of bu without a login of the test's own there."""

    def setUp(self):
        super().setUp()
        self.at_provider = self.sandbox.user(
            self.provider, 'admin').api('block-storage')

    def status(self, volume_id):
        return self.at_provider.get(f'/volumes/{volume_id}').json()['volume'][
            'status']

    def attach_and_detach(self, server, volume_id):
        url = f'/servers/{server}/os-volume_attachments'
        response = self.nova.post(url, json={'volumeAttachment': {
            'volumeId': volume_id, 'serviceProvider': self.provider}})
        self.assertEqual(200, response.status_code, response.text)
        client.wait_for('the attachment', lambda: (
            self.status(volume_id) == 'in-use'))
        response = self.nova.delete(f'{url}/{volume_id}')
        self.assertEqual(202, response.status_code, response.text)
        client.wait_for('the detachment', lambda: (
            self.nova.get(f'{url}/{volume_id}').status_code == 404))

    def assert_each_logs_in(self, found, least, users=1):
        """Check the number of logins where processes share none.

        :param found: that many have been made
        :param least: that many if one process of nova-api does all
        :param users: so many log in
        """
        self.assertIn(found, range(least, least + users * MORE + 1))

    def with_new_token(self):
        """Give alice a token that no service has seen."""
        self.log_in()
        self.nova.get('/servers')


class TestLogins(Attaching):

    def forget_logins(self):
        """Nobody at moc has a login at bu."""
        # NOTE: a login of Nova's own that is renewed would be counted, too.
        self.sandbox.control('restart', self.home, 'memcached', *PROCESSES)

    def test_hundred_attachments_cost_one_login(self):
        self.forget_logins()
        servers = [self.server, *(self.more_server()
                                  for _ in range(SERVERS - 1))]
        volumes = [[self.volume_at(self.provider) for _ in range(VOLUMES)]
                   for _ in servers]
        offloaded = self.offloaded_server()
        # The first one of all: alice logs in, and so does Nova, for all of
        # its processes.
        before = logins(self.sandbox)
        self.with_new_token()
        self.attach_and_detach(servers[0], volumes[0][0])
        self.assertEqual(before + 2, logins(self.sandbox))

        before = logins(self.sandbox)
        self.with_new_token()

        self.attach_side_by_side(RUNNING, zip(servers, volumes))
        self.attach_side_by_side(OFFLOADED, zip([offloaded] * SERVERS,
                                                volumes))
        # Processes that meet the token at the same moment do not wait for
        # each other.
        self.assert_each_logs_in(logins(self.sandbox) - before, 1)
        for volume_id in sum(volumes, []):
            self.assertEqual([], self.attachments_at(self.provider, volume_id))

    def attach_side_by_side(self, count, pairs):
        """Attach so many times in all.

        :param pairs: of a server and the volumes that only it uses
        """
        def work(server, own):
            for number in range(count // SERVERS):
                self.attach_and_detach(server, own[number % len(own)])
        with futures.ThreadPoolExecutor(SERVERS) as executor:
            for done in [executor.submit(work, *pair) for pair in pairs]:
                done.result()

    def offloaded_server(self):
        """One that boots from a volume, so that no image is made of it."""
        volume_id = self.local_volume()
        self.alice.api('block-storage').post(
            f'/volumes/{volume_id}/action',
            json={'os-set_bootable': {'bootable': True}})
        server = self.new_server(imageRef='', block_device_mapping_v2=[{
            'uuid': volume_id, 'boot_index': 0, 'source_type': 'volume',
            'destination_type': 'volume'}])
        self.addCleanup(self.delete_server, server)
        path = f'/servers/{server}'
        response = self.nova.post(f'{path}/action', json={'shelve': None})
        self.assertEqual(202, response.status_code, response.text)
        client.wait_for(f'server {server} to be offloaded', lambda: (
            self.nova.get(path).json()['server']['status']
            == 'SHELVED_OFFLOADED'))
        return server

    def more_server(self):
        server = self.new_server()
        self.addCleanup(self.delete_server, server)
        return server

    def test_many_at_once_with_a_new_token_cost_a_login_each_process(self):
        self.forget_logins()
        volumes = [self.volume_at(self.provider) for _ in range(4)]
        # Nova logs in.
        self.attach_and_detach(self.server, volumes[0])
        before = logins(self.sandbox)
        self.with_new_token()
        with futures.ThreadPoolExecutor(len(volumes)) as executor:
            for done in [executor.submit(self.attach_and_detach, self.server,
                                         volume_id) for volume_id in volumes]:
                done.result()
        self.assert_each_logs_in(logins(self.sandbox) - before, 1)

    def test_without_a_secret_each_process_logs_in(self):
        volume_id = self.volume_at(self.provider)
        with self.configured_all('mixmatch', r'login_cache_secret\s*=.*', ''):
            before = logins(self.sandbox)
            self.with_new_token()
            for _ in range(3):
                self.attach_and_detach(self.server, volume_id)
            # Alice's and Nova's own.
            self.assert_each_logs_in(logins(self.sandbox) - before,
                                     2 * len(PROCESSES), users=2)
