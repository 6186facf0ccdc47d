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

"""Services of this cloud, other clouds and users are told apart."""

import types

from mixmatch_cinder.provider import requester
from tests.unit import base

CONF = types.SimpleNamespace(
    mixmatch=types.SimpleNamespace(home_roles=['k2k_nova']),
    keystone_authtoken=types.SimpleNamespace(
        service_token_roles=['service', 'k2k_nova']))


def context(roles=('member',), service_roles=(), domain='moc',
            user_domain='default'):
    return types.SimpleNamespace(
        roles=list(roles), service_roles=list(service_roles),
        service_user_domain_id=domain if service_roles else None,
        user_domain_id=user_domain)


class TestRequesters(base.TestCase):

    def setUp(self):
        super().setUp()
        self.requesters = requester.Requesters(CONF)

    def assertRequester(self, home_domain, is_own_service, asking):
        self.assertEqual(
            (home_domain, is_own_service),
            (self.requesters.home_domain(asking),
             self.requesters.is_own_service(asking)))

    def test_user(self):
        self.assertRequester(None, False, context())

    def test_user_with_a_service_token_of_no_service(self):
        self.assertRequester(None, False, context(service_roles=['member']))

    def test_service_of_this_cloud(self):
        self.assertRequester(None, True, context(service_roles=['service']))

    def test_another_cloud(self):
        self.assertRequester('moc', False, context(service_roles=['k2k_nova']))

    def test_another_cloud_with_a_role_of_this_one(self):
        self.assertRequester('moc', False, context(
            service_roles=['service', 'k2k_nova']))

    def test_role_of_nova_counts_with_its_service_token(self):
        asking = context(['k2k_nova'], ['k2k_nova'], user_domain='moc')
        self.assertIs(asking,
                      self.requesters.without_unproven_roles(asking))

    def test_role_of_nova_does_not_count_otherwise(self):
        for asking in (
                context(['k2k_nova', 'member'], user_domain='moc'),
                context(['k2k_nova', 'member'], ['k2k_nova']),
                context(['k2k_nova', 'member'], ['service'],
                        user_domain='moc')):
            reduced = self.requesters.without_unproven_roles(asking)
            self.assertEqual(['member'], reduced.roles)
            self.assertEqual(['k2k_nova', 'member'], asking.roles)

    def test_as_user(self):
        asking = context(service_roles=['k2k_nova'])
        self.assertEqual([], self.requesters.as_user(asking).service_roles)
        self.assertEqual(['k2k_nova'], asking.service_roles)
        own = context(service_roles=['service'])
        self.assertIs(own, self.requesters.as_user(own))
