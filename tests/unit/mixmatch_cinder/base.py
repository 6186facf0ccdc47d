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

"""What the tests of the Cinder filter share."""

from cinder import context as cinder_context

from mixmatch import federation
from tests.unit import base
from tests.unit import fixtures

VOLUME = '22222222-0000-4000-8000-000000000002'


class CinderTestCase(base.TestCase):
    """Home's cinder-api and two other clouds."""

    names = ('bu', 'mit')

    def setUp(self):
        super().setUp()
        self.clouds = self.useFixture(fixtures.TwoClouds(*self.names))
        self.home, self.bu = self.clouds.home, self.clouds.bu
        self.mit = self.clouds.mit
        self.federation = federation.Federation(fixtures.configuration(
            self, fixtures.text(*self.names)))
        for sp in (self.bu, self.mit):
            self.answer(sp, status_code=404, json={})

    def context(self, user='alice', **kwargs):
        kwargs = {'auth_token': self.home.token(user), **kwargs}
        return cinder_context.RequestContext(
            f'home-id-of-{user}', f'home-id-of-{self.home.projects[user]}',
            is_admin=False, overwrite=False, **kwargs)

    def answer(self, sp, **kwargs):
        """Let a service provider's Cinder answer so for the volume."""
        self.clouds.mock.get(f'{sp.cinder_url}/volumes/{VOLUME}', **kwargs)

    def asked(self):
        """The service providers that were asked for the volume."""
        return sorted(each.hostname
                      for each in self.clouds.mock.request_history
                      if each.path.endswith(VOLUME))
