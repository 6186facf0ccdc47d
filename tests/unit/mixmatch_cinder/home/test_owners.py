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

"""Project and user of resources of service providers."""

import fixtures

from mixmatch import exceptions
from mixmatch import federation
from tests.unit.mixmatch_cinder.home import base

PROJECT, USER = 'os-mixmatch:project_id', 'os-mixmatch:user_id'


class TestOwners(base.RealCinderTestCase):

    def setUp(self):
        super().setUp()
        self.mine = self.bu.user_id('alice')

    def shown(self, kind='volume', path=None, **values):
        """Return the row of a resource, alone and in a list."""
        found = volume = self.cinders.bu.add(**values)
        if kind == 'snapshot':
            found = self.cinders.bu.add_snapshot(volume, **values)
        one = self.get(f'/{kind}s/{found}')[kind]
        for row in self.get(f'/{kind}s/detail')[f'{kind}s']:
            if row['id'] == found:
                self.assertEqual(one, row)
        return one

    def test_volume(self):
        shown = self.shown(user_id=self.mine)
        self.assertEqual(
            ('home-id-of-research', 'id-of-research'),
            (shown['os-vol-tenant-attr:tenant_id'], shown[PROJECT]))
        self.assertEqual(('home-id-of-alice', self.mine),
                         (shown['user_id'], shown[USER]))

    def test_snapshot(self):
        shown = self.shown('snapshot', user_id=self.mine)
        self.assertEqual(
            ('home-id-of-research', 'id-of-research'),
            (shown['os-extended-snapshot-attributes:project_id'],
             shown[PROJECT]))
        self.assertEqual(('home-id-of-alice', self.mine),
                         (shown['user_id'], shown[USER]))

    def test_of_a_colleague(self):
        shown = self.shown(user_id=self.bu.user_id('bob'))
        self.assertEqual('home-id-of-research',
                         shown['os-vol-tenant-attr:tenant_id'])
        self.assertEqual(self.bu.user_id('bob'), shown['user_id'])

    def test_of_another_project_there(self):
        """An administrator of bu may see it, home's project has it not."""
        self.answer(self.bu, json={'volume': {
            'id': base.VOLUME, 'os-vol-tenant-attr:tenant_id': 'another'}})
        shown = self.get(f'/volumes/{base.VOLUME}')['volume']
        self.assertEqual(
            ('another', 'another'),
            (shown['os-vol-tenant-attr:tenant_id'], shown[PROJECT]))

    def test_where_the_service_provider_says_nothing(self):
        self.answer(self.bu, json={'volume': {'id': base.VOLUME}})
        shown = self.get(f'/volumes/{base.VOLUME}')['volume']
        self.assertEqual({'id', 'os-mixmatch:service_provider'}, set(shown))

    def test_login_that_has_just_ended(self):
        """It is shown all the same."""
        volume = self.cinders.bu.add(user_id=self.mine)
        self.get(f'/volumes/{volume}')
        whole = federation.Federation.user_login
        calls = []

        def login(clouds, name, requester):
            calls.append(name)
            if len(calls) > 1:
                raise exceptions.LoginRefused(service_provider=name,
                                              reason='too late')
            return whole(clouds, name, requester)
        self.useFixture(fixtures.MonkeyPatch(
            'mixmatch.federation.Federation.user_login', login))
        shown = self.get(f'/volumes/{volume}')['volume']
        self.assertEqual(self.mine, shown['user_id'])
