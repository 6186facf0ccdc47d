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

"""Base of the tests of the filter for home's cinder-api."""

from cinder import context as cinder_context
import webob

from mixmatch import federation
from mixmatch_cinder.home import middleware
from tests.unit import base
from tests.unit import fixtures
from tests.unit.mixmatch_cinder.home import cinders

VOLUME = '22222222-0000-4000-8000-000000000002'

#: A machine that is busy must not look like a cloud that is away.
PATIENT = 'ask_timeout = 300\n'


class CinderTestCase(base.TestCase):
    """Home's cinder-api and two other clouds."""

    names = ('bu', 'mit')

    def setUp(self):
        super().setUp()
        self.clouds = self.useFixture(fixtures.TwoClouds(*self.names))
        self.home, self.bu = self.clouds.home, self.clouds.bu
        self.mit = self.clouds.mit
        self.conf = fixtures.configuration(self, fixtures.text(*self.names))
        self.federation = federation.Federation(self.conf)
        for sp in (self.bu, self.mit):
            self.answer(sp, status_code=404, json={})

    def context(self, user='alice', **kwargs):
        kwargs = {'auth_token': self.home.token(user), **kwargs}
        return cinder_context.RequestContext(
            f'home-id-of-{user}', f'home-id-of-{self.home.projects[user]}',
            **{'is_admin': False, 'overwrite': False, **kwargs})

    def answer(self, sp, **kwargs):
        """Set the response of a service provider for the volume."""
        self.clouds.mock.get(f'{sp.cinder_url}/volumes/{VOLUME}', **kwargs)

    def asked(self):
        """Return the service providers that were asked for the volume."""
        return self.asked_since(0)

    def asked_since(self, number):
        """Return the same without the first ones."""
        return sorted([each.hostname
                       for each in self.clouds.mock.request_history
                       if each.path.endswith(VOLUME)][number:])


class RealCinderTestCase(CinderTestCase):
    """The same with a real Cinder in each cloud."""

    options = 'listing_refresh = 0\n'

    def setUp(self):
        super().setUp()
        self.cinders = self.useFixture(cinders.Cinders(self.clouds))
        self.restart()

    def restart(self):
        """Start another process with the options of the test."""
        self.conf = fixtures.configuration(
            self, fixtures.text(*self.names).replace(
                '[mixmatch]\n', '[mixmatch]\n' + PATIENT + self.options))
        self.federation = federation.Federation(self.conf)
        self.another_process()

    def another_process(self):
        """Start another process of home's cinder-api, without its memory."""
        self.filter = middleware.Volumes(self.cinders.application,
                                         self.federation, self.conf)

    def send(self, path, method='GET', version='3.71', body=None,
             headers=(), user='alice', **kwargs):
        """Send a request to home's cinder-api, and return the response."""
        context = self.context(user, **{'roles': ['member', 'reader'],
                                        **kwargs})
        request = webob.Request.blank(
            path, base_url='http://home:8776/v3', method=method, headers={
                'OpenStack-API-Version': f'volume {version}', **dict(headers)},
            environ={'cinder.context': context,
                     'keystone.token_info': self.home.token_body(user)})
        if body is not None:
            request.content_type = 'application/json'
            request.json = body
        return request.get_response(self.filter)

    def get(self, path, **kwargs):
        """Return the body of a successful GET request."""
        response = self.send(path, **kwargs)
        self.assertEqual(200, response.status_int, response.text)
        return response.json
