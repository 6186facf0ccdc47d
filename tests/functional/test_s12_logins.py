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

from tests.functional import base
from tests.functional import clouds

#: A login is this request; Apache of bu writes a line for each.
LOGIN = re.compile(r'"POST /Shibboleth\.sso/SAML2/ECP ')

#: What an attachment passes through at home.
PROCESSES = sum(base.NOVA.values(), ())

SERVERS = 2
VOLUMES = 2
ROUNDS = 25


def logins(sandbox):
    """How many logins there have been at bu."""
    log, = (path for path in sandbox.logs()
            if path.parent.name == 'bu' and path.name == 'apache-access.log')
    return len(LOGIN.findall(log.read_text()))


class Attaching(base.ServerScenario):
    """Attaches volumes of bu without a login of the test's own there."""

    def setUp(self):
        super().setUp()
        self.at_bu = self.sandbox.user('bu', 'admin').api('block-storage')

    def status(self, volume_id):
        return self.at_bu.get(f'/volumes/{volume_id}').json()['volume'][
            'status']

    def attach_and_detach(self, server, volume_id):
        url = f'/servers/{server}/os-volume_attachments'
        response = self.nova.post(url, json={'volumeAttachment': {
            'volumeId': volume_id, 'serviceProvider': 'bu'}})
        self.assertEqual(200, response.status_code, response.text)
        clouds.wait_for('the attachment', lambda: (
            self.status(volume_id) == 'in-use'))
        response = self.nova.delete(f'{url}/{volume_id}')
        self.assertEqual(202, response.status_code, response.text)
        clouds.wait_for('the detachment', lambda: (
            self.nova.get(f'{url}/{volume_id}').status_code == 404))

    def with_new_token(self):
        """From here on alice has a token that nobody has seen."""
        self.log_in()
        self.nova.get('/servers')


class TestLogins(Attaching):

    def setUp(self):
        super().setUp()
        # NOTE: a login of Nova's own that is renewed would be counted, too.
        self.sandbox.control('restart', 'moc', 'memcached', *PROCESSES)

    def test_hundred_attachments_cost_one_login(self):
        servers = [self.server, *(self.more_server()
                                  for _ in range(SERVERS - 1))]
        volumes = [[self.volume_at('bu') for _ in range(VOLUMES)]
                   for _ in servers]
        # The first one of all: alice logs in, and so does Nova, for all of
        # its processes.
        before = logins(self.sandbox)
        self.with_new_token()
        self.attach_and_detach(servers[0], volumes[0][0])
        self.assertEqual(before + 2, logins(self.sandbox))

        before = logins(self.sandbox)
        self.with_new_token()

        def work(server, own):
            for _ in range(ROUNDS):
                for volume_id in own:
                    self.attach_and_detach(server, volume_id)
        with futures.ThreadPoolExecutor(SERVERS) as executor:
            for done in [executor.submit(work, *pair)
                         for pair in zip(servers, volumes)]:
                done.result()
        self.assertEqual(before + 1, logins(self.sandbox))
        for volume_id in sum(volumes, []):
            self.assertEqual([], self.attachments_at('bu', volume_id))

    def more_server(self):
        server = self.new_server()
        self.addCleanup(self.delete_server, server)
        return server

    def test_many_at_once_with_a_new_token_cost_one_login(self):
        volumes = [self.volume_at('bu') for _ in range(4)]
        # Nova logs in.
        self.attach_and_detach(self.server, volumes[0])
        before = logins(self.sandbox)
        self.with_new_token()
        with futures.ThreadPoolExecutor(len(volumes)) as executor:
            for done in [executor.submit(self.attach_and_detach, self.server,
                                         volume_id) for volume_id in volumes]:
                done.result()
        self.assertEqual(before + 1, logins(self.sandbox))

    def test_without_a_secret_each_process_logs_in(self):
        volume_id = self.volume_at('bu')
        with self.configured_all('mixmatch', r'login_cache_secret\s*=.*', ''):
            before = logins(self.sandbox)
            self.with_new_token()
            for _ in range(3):
                self.attach_and_detach(self.server, volume_id)
            # Alice's and Nova's own.
            self.assertEqual(before + 2 * len(PROCESSES),
                             logins(self.sandbox))
