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

"""S14: what a user may do ends at moc, or at bu; what runs goes on."""

import contextlib
import re
import time

from keystoneauth1 import exceptions

from sandbox import client
from sandbox import rules
from sandbox import topology
from tests.scenario import base

#: How long the services of both clouds keep a token here, in seconds; the
#: default is 300.
CACHED = 5

#: A login that is refused so soon after it was made is not made again, in
#: seconds (mixmatch.login.cache).
FRESH = 10

#: As for a volume that does not exist, when home's Nova asks for it.
REFUSED = (403, 404)

#: How much longer it may take: what the machine needs.
MARGIN = 10


class TestWithdrawn(base.ServerScenario):
    """alice has a server with a volume of bu, and wants another one."""

    landlord: rules.Landlord

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enterClassContext(cls.short_memory())
        cls.landlord = rules.Landlord(cls.sandbox)

    @classmethod
    @contextlib.contextmanager
    def short_memory(cls):
        """nova-api of moc and cinder-api of bu forget tokens soon."""
        with contextlib.ExitStack() as stack:
            for cloud, component, service in (
                    (cls.home, 'nova', 'nova-api'),
                    (cls.provider, 'cinder', 'cinder-api')):
                stack.enter_context(cls.remembering(
                    cloud, component, service))
            yield

    @classmethod
    @contextlib.contextmanager
    def remembering(cls, cloud, component, service):
        path = cls.sandbox.site.etc(
            topology.by_name(cloud), component) / f'{component}.conf'
        text = path.read_text()
        path.write_text(re.sub(
            r'(?m)^\[keystone_authtoken\]\n',
            f'[keystone_authtoken]\ntoken_cache_time = {CACHED}\n', text))
        try:
            cls.sandbox.control('restart', cloud, service)
            yield
        finally:
            path.write_text(text)
            cls.sandbox.control('restart', cloud, service)

    def setUp(self):
        super().setUp()
        self.attached = self.volume_at(self.provider)
        self.wanted = self.volume_at(self.provider)
        self.attach({'volumeAttachment': {
            'volumeId': self.attached, 'serviceProvider': self.provider}})
        self.wait_for_attached(self.provider, self.attached)
        self.addCleanup(self.end)

    def end(self):
        """Detach once bu lets alice in again."""
        client.wait_for(f'{self.provider} to let alice in',
                        lambda: self.status(self.show) == 200)
        self.detach(self.provider, self.attached)

    def show(self):
        return self.alice.api('block-storage').get(f'/volumes/{self.wanted}')

    def one_more(self):
        return self.attach({'volumeAttachment': {
            'volumeId': self.wanted, 'serviceProvider': self.provider}})

    @staticmethod
    def status(ask):
        try:
            return ask().status_code
        except exceptions.Unauthorized:
            # The client wanted to log in again, at moc.
            return 401

    def assert_refused_within(self, bound, ask, *codes):
        """Check that requests are refused once no login is cached."""
        began = time.monotonic()
        client.wait_for('a refusal', lambda: self.status(ask) != 200,
                        bound + MARGIN)
        # NOTE: each process has seen another token, at another time.
        time.sleep(max(0, began + bound - time.monotonic()))
        self.assertIn(self.status(self.one_more), codes)
        self.assert_nothing_more_at_provider()

    def assert_nothing_more_at_provider(self):
        self.assertEqual([], self.attachments_at(self.provider, self.wanted))

    def assert_data_path_is_not_cut(self):
        attachment, = self.attachments_at(self.provider, self.attached)
        self.assertEqual(('attached', self.server), (
            attachment['status'], attachment['instance']))
        self.assertEqual('ACTIVE', self.sandbox.user(self.home, 'admin').api(
            'compute').get(f'/servers/{self.server}').json()['server'][
                'status'])

    def servers(self):
        return self.nova.get('/servers')

    def test_role_lost_at_home(self):
        admin = self.sandbox.user(self.home, 'admin').api('identity')
        project, = admin.get('/projects', params={
            'name': 'research'}).json()['projects']
        user, = admin.get('/users', params={'name': 'alice'}).json()['users']
        role, = admin.get('/roles', params={'name': 'member'}).json()['roles']
        grant = (f'/projects/{project["id"]}/users/{user["id"]}/roles/'
                 f'{role["id"]}')
        self.assertEqual(200, self.status(self.servers))
        admin.delete(grant)
        self.addCleanup(admin.put, grant)
        self.assert_refused_within(CACHED, self.servers, 401, 403)
        self.assert_data_path_is_not_cut()
        admin.put(grant)

    def test_provider_revokes_it(self):
        with self.landlord.ruling({'name': 'not alice', 'deny': True,
                                   'users': 'alice'}):
            client.must(self.landlord.command('revoke', '--user', 'alice'))
            self.assert_refused_within(CACHED + FRESH, self.show, *REFUSED)
            self.assert_data_path_is_not_cut()

    def test_provider_takes_the_rule_away(self):
        """The tokens of before end by themselves."""
        client.must(self.landlord.command('revoke', '--user', 'alice'))
        # Keystone revokes all tokens of that second.
        time.sleep(1)
        with self.landlord.ruling({
                'name': 'short', 'users': 'alice', 'projects': 'research',
                'roles': {'member': 'member'}, 'local_project': 'research',
                'local_domain': 'Default', 'token_lifetime': '30s'}):
            self.log_in()
            self.assertEqual(200, self.one_more().status_code)
            self.wait_for_attached(self.provider, self.wanted)
            self.detach(self.provider, self.wanted)
        with self.landlord.ruling({'name': 'not alice', 'deny': True,
                                   'users': 'alice'}):
            self.assert_refused_within(30 + CACHED, self.show, *REFUSED)
            self.assert_data_path_is_not_cut()
