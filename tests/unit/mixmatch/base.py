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

"""Base of the tests of the core."""

import threading

from oslo_context import context as oslo_context

from mixmatch import federation
from mixmatch import requester
from tests.unit import base
from tests.unit import fixtures

TestCase = base.TestCase


def wait_for_probes():
    """Wait until what is suspected has been confirmed, or not."""
    for thread in threading.enumerate():
        if thread.name.endswith('(_try)'):
            thread.join(10)


class FederationTestCase(TestCase):
    """A service of home, and the clouds that it may reach."""

    names: tuple[str, ...] = ('bu',)
    more = ''

    def setUp(self):
        super().setUp()
        self.clouds = self.useFixture(fixtures.TwoClouds(*self.names))
        self.home, self.bu = self.clouds.home, self.clouds.bu
        self.federation = self.new_federation()

    def new_federation(self):
        return federation.Federation(
            fixtures.configuration(self, fixtures.text(
                *self.names, more=self.more)))

    def requester(self, user='alice', token=None, **kwargs):
        return requester.Requester(
            token or self.home.token(user),
            f'home-id-of-{self.home.projects[user]}', **kwargs)

    def login(self, token, user='alice', **kwargs):
        return self.federation.user_login(
            'bu', self.requester(user, token, **kwargs))

    def count(self):
        return len(self.clouds.mock.request_history)


class ServiceProviderTestCase(base.TestCase):
    """One service provider, with the options of a test, and a user of it."""

    def setUp(self):
        super().setUp()
        self.clouds = self.useFixture(fixtures.TwoClouds())
        self.bu = self.clouds.bu

    def service_provider(self, more=''):
        clouds = federation.Federation(fixtures.configuration(
            self, fixtures.text('bu', more=more)))
        self.user = clouds.user_login(
            'bu', requester.Requester(
                self.clouds.home.token('alice'), 'home-id-of-research'))
        return clouds.service_provider('bu')


def set_context(testcase, context):
    """Make it the context of the request that this thread serves."""
    store = oslo_context._request_store
    testcase.addCleanup(setattr, store, 'context',
                        getattr(store, 'context', None))
    store.context = context
