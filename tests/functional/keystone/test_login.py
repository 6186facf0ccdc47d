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

"""Users of other clouds enter, and get what the rules say."""

import datetime

from keystone.api._shared import authentication
from keystone.assignment import core as assignment
from keystone.common import provider_api
from keystone import exception
from oslo_utils import timeutils

from tests.functional.keystone import base

PROVIDERS = provider_api.ProviderAPIs


class TestRoles(base.KeystoneTestCase):

    def test_exactly_the_mapped_ones(self):
        self.assertEqual({'member', 'reader'},
                         self.roles_of(self.enter(roles='member;reader')))

    def test_taken_away_at_home(self):
        before = self.enter(roles='member;reader')
        after = self.enter(roles='reader')
        self.assertEqual({'reader'}, self.roles_of(after))
        self.assertEqual({'reader'}, self.roles_of(before))

    def test_given_at_home(self):
        self.enter(roles='reader')
        self.assertEqual({'member', 'reader'},
                         self.roles_of(self.enter(roles='reader;member')))

    def test_what_an_operator_has_given_besides_is_taken_away(self):
        token = self.enter()
        group, = PROVIDERS.identity_api.list_groups_for_user(token.user_id)
        PROVIDERS.assignment_api.create_grant(
            'reader', group_id=group['id'], project_id=self.here)
        self.assertEqual({'member'}, self.roles_of(self.enter()))

    def test_nothing_for_none(self):
        self.assertIn("Rule 'here' refuses", self.refuse(roles='auditor'))


class TestProjects(base.KeystoneTestCase):

    def test_two_of_one_user_do_not_disturb_each_other(self):
        here = self.enter()
        own_id = self.new_project('own-1', 'moc-domain')
        for _ in range(5):
            own = self.enter(own_id, project='own-1', roles='reader')
            again = self.enter()
            self.assertEqual(
                [{'member'}, {'reader'}, {'member'}],
                [self.roles_of(each) for each in (here, own, again)])
        self.assertNotEqual(here.user_id, own.user_id)
        self.assertEqual(here.user_id, again.user_id)

    def test_made_once(self):
        one = self.log_in(user='alice', project='own-1')
        two = self.log_in(user='bob', project='own-1')
        found = PROVIDERS.resource_api.get_project_by_name('own-1',
                                                           'moc-domain')
        for each in (one, two):
            self.assertEqual(
                {'member', 'reader'},
                self.roles_of(self.scoped(each, found['id'])))

    def test_not_made_unless_the_rule_says_so(self):
        PROVIDERS.resource_api.update_project(self.here, {'name': 'gone'})
        self.assertIn("there is no project 'here'", self.refuse())

    def test_whose_name_is_asserted_is_not_named_in_the_log(self):
        self.write_rules(base.RULES.replace('create: true', 'create: false'))
        self.assertIn('there is no project of the asserted name',
                      self.refuse(project='own-1'))

    def test_of_two_clouds_never_meet(self):
        self.log_in(project='own-1')
        self.log_in(project='own-1', identity_provider='nu')
        moc, nu = (PROVIDERS.resource_api.get_project_by_name(
            'own-1', f'{name}-domain') for name in ('moc', 'nu'))
        self.assertNotEqual(moc['id'], nu['id'])
        token = self.log_in(project='own-1', identity_provider='nu')
        self.assertRaises(exception.Unauthorized, self.scoped, token,
                          moc['id'])

    def test_of_another_cloud_named_by_the_landlord(self):
        self.new_project('secret', 'nu-domain')
        self.write_rules(base.RULES.replace(
            'local_project: here\n      local_domain: Landlord',
            'local_project: secret\n      local_domain: nu'))
        self.assertIn('in the domain of another identity provider',
                      self.refuse())

    def test_made_for_another_project(self):
        """Two names that a database takes for the same."""
        self.log_in(project='own-1')
        PROVIDERS.resource_api.update_project(
            PROVIDERS.resource_api.get_project_by_name(
                'own-1', 'moc-domain')['id'], {'name': 'own-2'})
        self.assertIn('made for another', self.refuse(project='own-2'))

    def test_too_long(self):
        self.assertIn('cannot have a name of 70 characters',
                      self.refuse(project='own-' + 66 * 'x'))


class TestNames(base.KeystoneTestCase):

    def test_outside_ascii_and_special_ones(self):
        users = set()
        for user in ('jürgen', 'a b', 'a;b', 'a\\;b', 'Ελένη', "x'y",
                     'alice@Default/p', '{0}', 255 * 'x'):
            token = self.enter(user=user.replace(';', '\\;'))
            self.assertEqual({'member'}, self.roles_of(token), user)
            users.add(token.user_id)
        self.assertEqual(9, len(users))

    def test_no_two_are_put_together_to_one(self):
        one = self.log_in(user='a@b', openstack_user_domain='Default')
        two = self.log_in(user='a', openstack_user_domain='Default')
        self.assertNotEqual(one.user_id, two.user_id)

    def test_two_values(self):
        self.assertIn('openstack_user has several values',
                      self.refuse(user='alice;root'))


class TestServiceUser(base.KeystoneTestCase):

    def test_in_all_projects_of_the_users(self):
        self.log_in(project='own-1')
        token = self.log_in(user='nova', project='service', roles='service')
        for name, domain in (('service', 'moc'), ('own-1', 'moc'),
                             ('here', 'Landlord')):
            project = PROVIDERS.resource_api.get_project_by_name(
                name, f'{domain}-domain')
            self.assertEqual({'k2k_nova'}, self.roles_of(
                self.scoped(token, project['id'])), name)

    def test_in_no_other(self):
        token = self.log_in(user='nova', project='service', roles='service')
        for where in (self.new_project('x', 'nu-domain'),
                      self.new_project('y', 'Landlord-domain')):
            self.assertRaises(exception.Unauthorized, self.scoped, token,
                              where)


class TestTime(base.KeystoneTestCase):

    def lifetime(self, token):
        return (timeutils.parse_isotime(token.expires_at)
                - timeutils.utcnow(True)).total_seconds()

    def test_of_the_rule(self):
        for token in (self.log_in(), self.enter()):
            self.assertTrue(1700 < self.lifetime(token) <= 1800)

    def test_of_the_assertion(self):
        ends = timeutils.utcnow() + datetime.timedelta(seconds=100)
        token = self.enter(openstack_not_on_or_after=f'{ends.isoformat()}Z')
        self.assertTrue(50 < self.lifetime(token) <= 100)

    def test_of_keystone(self):
        self.config_fixture.config(group='token', expiration=50)
        self.assertTrue(0 < self.lifetime(self.enter()) <= 50)

    def test_assertion_that_has_ended(self):
        self.assertIn('it has ended', self.refuse(
            openstack_not_on_or_after='2020-01-01T00:00:00Z'))

    def test_assertion_without_an_end(self):
        self.assertIn('openstack_not_on_or_after is missing',
                      self.refuse(openstack_not_on_or_after=''))

    def test_of_a_token_that_is_made_of_one(self):
        token = self.log_in()
        with self.make_request():
            again = authentication.authenticate_for_token({
                'identity': {'methods': ['mapped'],
                             'mapped': {'id': token.id}},
                'scope': {'project': {'id': self.here}}})
        self.assertEqual(token.expires_at, again.expires_at)

    def test_of_an_application_credential(self):
        """Keystone's, but it gives nothing when the grant has lapsed."""
        token = self.enter()
        PROVIDERS.application_credential_api.create_application_credential({
            'id': 'a', 'name': 'a', 'user_id': token.user_id,
            'project_id': self.here, 'roles': [{'id': 'member'}],
            'secret': 's', 'unrestricted': False})
        token = self.by_application_credential('a')
        self.assertTrue(3500 < self.lifetime(token) <= 3600)
        self.assertEqual({'member'}, self.roles_of(token))
        self.useFixture(_Clock(timeutils.utcnow()
                               + datetime.timedelta(hours=3)))
        # NOTE: Keystone caches roles for [role] cache_time.
        assignment.COMPUTED_ASSIGNMENTS_REGION.invalidate()
        self.assertRaises(exception.Unauthorized,
                          self.by_application_credential, 'a')

    def by_application_credential(self, credential_id):
        with self.make_request():
            return authentication.authenticate_for_token({'identity': {
                'methods': ['application_credential'],
                'application_credential': {
                    'id': credential_id, 'secret': 's'}}})

    def test_grant_lapses(self):
        token = self.enter()
        group, = PROVIDERS.identity_api.list_groups_for_user(token.user_id)
        left = group['membership_expires_at'] - timeutils.utcnow()
        self.assertTrue(7100 < left.total_seconds() <= 7200)
        later = timeutils.utcnow() + datetime.timedelta(hours=3)
        self.useFixture(_Clock(later))
        self.assertEqual([], PROVIDERS.identity_api.list_groups_for_user(
            token.user_id))
        self.assertEqual({'member'}, self.roles_of(self.enter()))


class TestIdentityProvider(base.KeystoneTestCase):

    def test_not_the_one_that_asserts(self):
        self.refuse(**{'Shib-Identity-Provider': 'https://nu'})

    def test_headers_of_a_client(self):
        self.refuse(user='', HTTP_OPENSTACK_USER='alice')

    def test_without_a_remote_id(self):
        PROVIDERS.federation_api.update_idp('moc', {'remote_ids': []})
        self.assertIn('has no remote id', self.refuse())

    def test_that_shares_its_domain(self):
        self.log_in()
        PROVIDERS.federation_api.create_idp('other', {
            'id': 'other', 'enabled': True, 'domain_id': 'moc-domain'})
        for user in ('alice', 'bob'):
            self.assertIn("shares its domain with 'other'",
                          self.refuse(user=user))

    def attribute_is(self, name):
        PROVIDERS.federation_api.update_protocol('moc', 'mapped', {
            'mapping_id': 'mixmatch', 'remote_id_attribute': name})

    def test_whose_protocol_has_no_attribute(self):
        self.attribute_is(None)
        for issuer in ('https://nu', 'https://moc'):
            log = self.refuse(**{'Shib-Identity-Provider': issuer})
            self.assertIn('set remote_id_attribute', log)
        error, = {line for line in log.splitlines()
                  if line.startswith('Identity provider moc')}
        self.assertIn('[federation] of keystone.conf', error)

    def test_whose_attribute_is_that_of_all(self):
        self.attribute_is(None)
        self.config_fixture.config(
            group='federation', remote_id_attribute='Shib-Identity-Provider')
        self.log_in()
        self.refuse(**{'Shib-Identity-Provider': 'https://nu'})

    def test_whose_attribute_is_that_of_a_section(self):
        self.attribute_is(None)
        self.refuse()
        self.config_fixture.config(
            group='mapped', remote_id_attribute='Shib-Identity-Provider')
        self.log_in()
        self.refuse(**{'Shib-Identity-Provider': 'https://nu'})

    def test_whose_attribute_a_client_can_send(self):
        self.attribute_is('HTTP_SHIB_IDENTITY_PROVIDER')
        self.assertIn('which a client can send', self.refuse(
            HTTP_SHIB_IDENTITY_PROVIDER='https://moc'))

    def test_whose_attribute_is_not_there(self):
        for value in ('', ' ', 'https://moc ', 'HTTPS://MOC',
                      'https://moc;https://nu'):
            self.refuse(**{'Shib-Identity-Provider': value})
        self.attribute_is('Another-Variable')
        self.refuse()

    def test_whose_remote_id_is_empty(self):
        PROVIDERS.federation_api.update_idp('moc', {'remote_ids': ['']})
        self.assertIn('has no remote id', self.refuse(
            **{'Shib-Identity-Provider': ''}))

    def test_disabled(self):
        PROVIDERS.federation_api.update_idp('moc', {'enabled': False})
        self.assertRaises(exception.Forbidden, self.log_in)

    def test_with_a_mapping_of_its_own(self):
        PROVIDERS.federation_api.create_mapping('plain', {
            'rules': [{'local': [{'user': {'name': '{0}'}}],
                       'remote': [{'type': 'openstack_user'}]}],
            'schema_version': '1.0'})
        PROVIDERS.federation_api.update_protocol('nu', 'mapped', {
            'mapping_id': 'plain'})
        token = self.log_in(identity_provider='nu', roles='nothing')
        self.assertEqual('alice', token.user['name'])
        self.assertEqual({'member'}, self.roles_of(self.enter()))


class TestRulesFile(base.KeystoneTestCase):

    def test_wrong_and_never_right(self):
        self.write_rules('identity_providers: [')
        self.assertIn('All logins are refused', self.refuse())

    def test_wrong_after_a_right_one(self):
        self.log_in()
        self.write_rules('identity_providers: [')
        self.log_in()
        self.assertIn('The last valid rules stay in force', self.log.output)

    def test_changed(self):
        self.log_in()
        self.write_rules(base.RULES.replace('research', 'other'))
        self.assertIn('no rule is about this', self.refuse())


class TestAudit(base.KeystoneTestCase):

    def test_grant(self):
        token = self.log_in()
        event, = self.audited('allow')
        self.assertEqual(('success', token.user_id),
                         (event['outcome'], event['target']['id']))
        self.assertEqual(
            {'identity_provider': 'moc', 'rule': 'here',
             'project': self.here, 'roles': ['member']},
            event['attachments'][0]['content'])

    def test_refusal(self):
        self.refuse(roles='auditor')
        event, = self.audited('deny')
        self.assertEqual('failure', event['outcome'])
        self.assertEqual('here', event['attachments'][0]['content']['rule'])

    def test_log_holds_nothing_of_an_assertion(self):
        self.log_in(user='s3cret-user', project='own-s3cret')
        self.refuse(user='s3cret-user', project='s3cret')
        self.refuse(user='s3cret-user', roles='s3cret')
        for line in self.log.output.splitlines():
            if 'mixmatch' in line.lower() or 'Rule' in line:
                self.assertNotIn('s3cret', line.replace('DEBUG', ''))


class _Clock(base.fixtures.Fixture):

    def __init__(self, now):
        self._now = now

    def _setUp(self):
        from oslo_utils import fixture
        self.useFixture(fixture.TimeFixture(self._now))
