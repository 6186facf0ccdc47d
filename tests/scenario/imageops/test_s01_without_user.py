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

"""S1: home's Glance itself asks for an image, and only where it may."""

from keystoneauth1 import adapter
from keystoneauth1 import service_token
from keystoneauth1 import session

from sandbox import client
from sandbox import paste
from sandbox import rules
from tests.scenario.imageops import test_s14_withdrawn as withdrawn
from tests.scenario.images import test_s01_boot as images

HEADER = 'OpenStack-Mixmatch-Image-At'

#: Seconds until a login that was revoked is of no use, or is there again.
FORGOTTEN = withdrawn.CACHED + withdrawn.FRESH + withdrawn.MARGIN


class TestWithoutUser(images.ImageScenario):
    """Requests as home's Nova makes them, and as others forge them."""

    path: str
    place: str

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.path = f'/v2/images/{cls.image_id}'
        shown = cls.alice.api('image').get(cls.path).json()
        cls.place = f'{cls.provider}/{shown["os-mixmatch:project_id"]}'

    def ask(self, who, beside, place, path=None, method='GET'):
        """Return the response of home's Glance.

        :param who: whose token is sent
        :param beside: whose service token is; None for none
        :param place: where the image is said to be
        """
        auth = who.auth if beside is None else (
            service_token.ServiceTokenAuthWrapper(who.auth, beside.auth))
        return adapter.Adapter(
            session.Session(auth, timeout=client.PATIENCE),
            service_type='image', interface='public', raise_exc=False,
        ).request(path or self.path, method, headers={HEADER: place})

    def ask_as_nova(self, below=''):
        return self.ask(self.admin, self.nova_of_home, self.place,
                        self.path + below)

    @property
    def admin(self):
        return self.sandbox.landlord(self.home)

    @property
    def nova_of_home(self):
        return self.sandbox.user(self.home, 'nova', 'service')

    def test_nova_for_an_administrator(self):
        self.assertEqual(self.image_id, self.ask_as_nova().json()['id'])
        self.assertEqual(self.bits[self.image_id],
                         self.ask_as_nova('/file').content)

    def test_forged(self):
        """Believe only a service that asks for an administrator."""
        landlord = self.sandbox.user(self.provider, 'admin').api('image')
        made = landlord.post('/v2/images', json={
            'name': 'of the landlord', 'disk_format': 'raw',
            'container_format': 'bare'}).json()
        of_landlord = f'/v2/images/{made["id"]}'
        self.addCleanup(landlord.delete, of_landlord)
        there = f'{self.provider}/{made["owner"]}'
        for who, beside, place, path in (
                (self.alice, self.nova_of_home, there, of_landlord),
                (self.alice, None, there, of_landlord),
                (self.sandbox.user(self.home, 'bob'), self.nova_of_home,
                 self.place, self.path),
                (self.admin, None, self.place, self.path),
                (self.admin, self.alice, self.place, self.path),
                (self.admin, self.nova_of_home, 'nowhere/any', self.path),
                (self.admin, self.nova_of_home, self.provider, self.path),
                (self.admin, self.nova_of_home, '', self.path)):
            with self.subTest(who=who.name, beside=beside and beside.name,
                              place=place):
                for below in ('', '/file'):
                    response = self.ask(who, beside, place, path + below)
                    # NOTE: 401 where the service token is not one.
                    self.assertIn(response.status_code, (401, 404),
                                  response.text[:200])

    def test_only_to_read(self):
        for method, below in (
                ('DELETE', ''), ('POST', '/actions/deactivate'),
                ('PUT', '/tags/x'), ('GET', '/members')):
            response = self.ask(self.admin, self.nova_of_home, self.place,
                                self.path + below, method)
            self.assertEqual(404, response.status_code, response.text)
        shown = self.glance.get(self.path).json()
        self.assertEqual(('active', []), (shown['status'], shown['tags']))

    def test_project_where_glance_may_not_be(self):
        other = self.sandbox.user(self.provider, 'admin').api(
            'identity').get('/projects', params={'name': 'admin'}).json()
        response = self.ask(self.admin, self.nova_of_home,
                            f'{self.provider}/{other["projects"][0]["id"]}')
        self.assert_names_provider(response)

    def assert_names_provider(self, response):
        self.assertEqual(502, response.status_code, response.text)
        self.assertIn(f'ervice provider {self.provider}', response.text)

    def test_provider_does_not_let_glance_in(self):
        landlord = rules.Landlord(self.sandbox)
        with paste.changed(self.sandbox, self.provider,
                           withdrawn.remember_less, 'glance-api.conf',
                           'glance'):
            self.assertEqual(200, self.ask_as_nova().status_code)
            with landlord.ruling({'name': 'no glance', 'deny': True,
                                  'users': 'glance'}):
                client.must(landlord.command('revoke', '--user', 'glance'))
                client.wait_for('a refusal', lambda: (
                    self.ask_as_nova().status_code == 502), FORGOTTEN)
                self.assert_names_provider(self.ask_as_nova())
                self.assertEqual(200, self.alice.api('image').get(
                    self.path).status_code)
            client.wait_for('Glance to be let in', lambda: (
                self.ask_as_nova().status_code == 200), FORGOTTEN)

    def test_provider_has_no_policy_for_it(self):
        with paste.changed(self.sandbox, self.provider, lambda _: '{}\n',
                           'policy.yaml', 'glance'):
            for below in ('', '/file'):
                self.assertEqual(404, self.ask_as_nova(below).status_code)
            self.assertEqual(200, self.alice.api('image').get(
                self.path).status_code)
