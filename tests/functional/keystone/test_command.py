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

"""mixmatch-keystone, on the Keystone of this process."""

import datetime
import json
import pathlib

import fixtures
from keystone.common import provider_api
from keystone import exception
from oslo_utils import fixture
from oslo_utils import timeutils

from mixmatch_keystone.cmd import keystone as cmd
from tests.functional.keystone import base

PROVIDERS = provider_api.ProviderAPIs


class CommandTestCase(base.KeystoneTestCase):

    def setUp(self):
        super().setUp()
        # It is configured, and its backends are loaded.
        self.useFixture(fixtures.MockPatchObject(cmd, '_configure'))
        self.useFixture(fixtures.MockPatchObject(cmd.backends,
                                                 'load_backends'))

    def run_command(self, *argv):
        """The exit code, and what it printed."""
        with fixtures.StringStream('out') as out:
            with fixtures.MonkeyPatch('sys.stdout', out.stream):
                code = cmd.main([*argv])
            out.stream.seek(0)
            return code, out.stream.read()


class TestCheck(CommandTestCase):

    def test_good(self):
        self.assertEqual(
            (0, '4 rules for 2 identity providers, 0 problems\n'),
            self.run_command('check'))

    def test_problems(self):
        self.write_rules("""
            identity_providers:
              moc:
                domains: Default
                rules:
                - name: r
                  roles: {member: magician}
                  local_project: nowhere
              elsewhere:
                domains: Default
                rules: []
            """)
        PROVIDERS.federation_api.update_idp('moc', {'remote_ids': []})
        code, said = self.run_command('check')
        self.assertEqual(1, code)
        for each in ("there is no role 'magician'",
                     "there is no project 'nowhere'", 'no remote id',
                     'elsewhere: Keystone has no such identity provider'):
            self.assertIn(each, said)

    def test_mapping_that_does_not_ask(self):
        PROVIDERS.federation_api.create_mapping('plain', dict(base.NOBODY))
        PROVIDERS.federation_api.update_protocol('moc', 'mapped', {
            'mapping_id': 'plain'})
        self.assertIn('these rules are not used',
                      self.run_command('check')[1])

    def assertProblem(self, text):
        code, said = self.run_command('check')
        self.assertEqual(1, code, said)
        self.assertIn(text, said)

    def test_no_remote_id_attribute(self):
        PROVIDERS.federation_api.create_protocol('moc', 'another', {
            'id': 'another', 'mapping_id': 'mixmatch'})
        self.assertProblem("moc: protocol 'another' has no "
                           'remote_id_attribute: set ')
        self.config_fixture.config(
            group='federation', remote_id_attribute='Shib-Identity-Provider')
        self.assertEqual(0, self.run_command('check')[0])

    def test_shared_domain(self):
        PROVIDERS.federation_api.create_idp('other', {
            'id': 'other', 'enabled': True, 'domain_id': 'moc-domain'})
        self.assertProblem("shares its domain with 'other'")

    def test_shared_remote_id(self):
        idps = PROVIDERS.federation_api.list_idps()
        for each in idps:
            each['remote_ids'] = ['https://moc']
        self.useFixture(fixtures.MockPatchObject(
            PROVIDERS.federation_api, 'list_idps',
            lambda *args, **kwargs: idps))
        self.assertProblem("moc: the identity provider shares a remote id "
                           "with 'nu'")

    def test_users_of_the_web_server(self):
        self.config_fixture.config(group='auth', methods=[
            'external', 'mapped'])
        self.assertProblem('[auth] methods has "external"')

    def uwsgi(self, text):
        path = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path) / 'keystone.ini'
        path.write_text(text)
        return self.run_command('check', '--uwsgi', str(path))

    def test_buffer_of_uwsgi(self):
        self.assertEqual(0, self.uwsgi(
            '[uwsgi]\nbuffer-size = 65535\n')[0])
        for text in ('[uwsgi]\n', '[uwsgi]\nbuffer-size = 8192\n',
                     '[uwsgi]\n# buffer-size = 65535\n',
                     '[uwsgi]\nbuffer-size = 65535\nbuffer-size=4096\n'):
            code, said = self.uwsgi(text)
            self.assertEqual(1, code, text)
            self.assertIn('buffer-size', said)
        self.assertEqual(2, self.run_command('check', '--uwsgi', '/no')[0])

    def test_invalid(self):
        self.write_rules('[')
        self.assertEqual(2, self.run_command('check')[0])


class TestExplain(CommandTestCase):

    def explain(self, *more, roles='member', project='research',
                user='alice'):
        return self.run_command(
            'explain', '--identity-provider', 'moc', '--user', user,
            '--user-domain', 'Default', '--project', project,
            '--project-domain', 'Default', '--roles', roles, *more)

    def test_granted(self):
        code, said = self.explain()
        self.assertEqual(0, code)
        for each in ('rule:           here', 'here in Landlord',
                     'roles:          member', '0:30:00', '2:00:00'):
            self.assertIn(each, said)

    def test_service_user(self):
        said = self.explain(user='nova', project='service',
                            roles='service')[1]
        self.assertIn('all projects of that domain, in here in Landlord',
                      said)

    def test_refused(self):
        self.assertEqual((1, "refused by rule 'here': the rule gives nothing "
                             'for the roles at home\n'),
                         self.explain(roles='auditor'))
        self.assertEqual((1, 'refused: no rule is about this user and '
                             'project\n'), self.explain(project='x'))

    def test_other_rules(self):
        other = pathlib.Path(self.useFixture(fixtures.TempDir()).path) / 'r'
        other.write_text(base.RULES.replace('name: here', 'name: other'))
        self.assertIn('other', self.explain('--rules', str(other))[1])

    def test_nobody(self):
        self.assertEqual(2, self.run_command(
            'explain', '--identity-provider', 'moc')[0])

    def test_it_grants_nothing(self):
        self.explain()
        self.assertEqual((0, '0 grants\n'), self.run_command('list'))


class TestListAndRevoke(CommandTestCase):

    def setUp(self):
        super().setUp()
        self.alice = self.enter()
        own_id = self.new_project('own-1', 'moc-domain')
        self.own = self.enter(own_id, project='own-1')
        self.bob = self.enter(user='bob')

    def listed(self, *argv):
        return json.loads(self.run_command('list', '--json', *argv)[1])

    def test_list(self):
        found = self.listed('--user', 'alice', '--project', 'research')
        self.assertEqual([{
            'identity_provider': 'moc', 'user_id': self.alice.user_id,
            'home': {'user': 'alice', 'user_domain': 'Default',
                     'project': 'research', 'project_domain': 'Default'},
            'rule': 'here', 'roles': {'here@Landlord': ['member']},
            'until': found[0]['until'], 'leftovers': {}}], found)

    def test_list_for_people(self):
        code, said = self.run_command('list')
        self.assertEqual(0, code)
        self.assertIn('moc: bob@Default in research@Default', said)
        self.assertIn('member, reader in own-1@moc', said)
        self.assertIn('3 grants', said)

    def test_list_of_another_identity_provider(self):
        self.assertEqual([], self.listed('--identity-provider', 'nu'))

    def test_revoke(self):
        code, said = self.run_command('revoke', '--user', 'alice',
                                      '--project', 'research')
        self.assertEqual(0, code)
        self.assertIn('1 grants revoked', said)
        self.assertEqual(
            [None, {'member', 'reader'}, {'member'}],
            [self.roles_of(each) for each in (self.alice, self.own,
                                              self.bob)])
        self.assertEqual(2, len(self.listed()))
        event, = self.audited('revoke')
        self.assertEqual(self.alice.user_id, event['target']['id'])

    def test_revoke_nobody(self):
        self.assertEqual(1, self.run_command('revoke', '--user', 'eve')[0])

    def test_revoke_needs_to_know_whom(self):
        self.assertEqual(2, self.run_command('revoke')[0])
        self.assertEqual(3, len(self.listed()))

    def test_revoke_all(self):
        self.run_command('revoke', '--all')
        self.assertEqual([], self.listed())


class TestLeftovers(CommandTestCase):
    """Leftovers: credentials that give tokens without a login."""

    def setUp(self):
        super().setUp()
        self.alice = self.enter().user_id
        self.bob = self.enter(user='bob').user_id
        for user in (self.alice, self.bob):
            self.leave(user)

    def leave(self, user):
        mine = user[:8]
        PROVIDERS.application_credential_api.create_application_credential({
            'id': f'app-{mine}', 'name': 'a', 'user_id': user,
            'project_id': self.here, 'roles': [{'id': 'member'}],
            'secret': 's', 'unrestricted': True, 'access_rules': [{
                'id': f'rule-{mine}', 'service': 'volumev3',
                'method': 'GET', 'path': '/**'}]})
        PROVIDERS.credential_api.create_credential(f'ec2-{mine}', {
            'id': f'ec2-{mine}', 'user_id': user, 'project_id': self.here,
            'type': 'ec2', 'blob': '{"access": "a", "secret": "s"}'})
        PROVIDERS.trust_api.create_trust(f'trust-{mine}', {
            'trustor_user_id': user, 'trustee_user_id': self.user_id,
            'project_id': self.here, 'impersonation': True,
            'expires_at': None}, [{'id': 'member'}])
        api = PROVIDERS.oauth_api
        consumer = api.create_consumer({
            'id': f'consumer-{mine}', 'secret': 's',
            'description': 'c'})['id']
        for each in ('access', 'request'):
            token = api.create_request_token(consumer, self.here, 100)
            token = api.authorize_request_token(token['id'], user, ['member'])
            if each == 'access':
                api.create_access_token(token['id'], 100)

    LEFT = {'application credentials': 1, 'access rules': 1, 'credentials': 1,
            'trusts': 1, 'OAuth request tokens': 1, 'OAuth access tokens': 1}

    def later(self):
        self.useFixture(fixture.TimeFixture(
            timeutils.utcnow() + datetime.timedelta(hours=3)))

    def listed(self):
        return {each['home']['user']: (each['until'], each['leftovers'])
                for each in json.loads(self.run_command(
                    'list', '--json')[1])}

    def test_all_is_listed(self):
        self.assertEqual(
            [self.LEFT] * 2, [left for _, left in self.listed().values()])
        self.assertIn('has made: 1 application credentials, 1 access rules',
                      self.run_command('list')[1])

    def test_lapsed_grants_are_listed_and_revoked(self):
        self.later()
        self.assertEqual({'alice': (None, self.LEFT),
                          'bob': (None, self.LEFT)}, self.listed())
        self.assertIn("by rule 'here' lapsed", self.run_command('list')[1])
        self.assertEqual(0, self.run_command('revoke', '--user', 'alice')[0])
        self.assertEqual({'bob': (None, self.LEFT)}, self.listed())
        self.assertEqual(self.alice, self.log_in().user_id)
        until, left = self.listed()['alice']
        self.assertIsNotNone(until)
        self.assertEqual({}, left)

    def test_revoked(self):
        self.assertEqual(0, self.run_command('revoke', '--user', 'alice')[0])
        self.assertEqual(['bob'], list(self.listed()))
        for find, what in (
                (PROVIDERS.application_credential_api
                 .get_application_credential, 'app'),
                (PROVIDERS.application_credential_api.get_access_rule,
                 'rule'),
                (PROVIDERS.credential_api.get_credential, 'ec2'),
                (PROVIDERS.trust_api.get_trust, 'trust')):
            self.assertRaises(exception.NotFound, find,
                              f'{what}-{self.alice[:8]}')
            find(f'{what}-{self.bob[:8]}')

    def test_trusted_by_another(self):
        """A trustee can pass a trust on in the name of the trustor."""
        PROVIDERS.trust_api.create_trust('passed-on', {
            'trustor_user_id': self.bob, 'trustee_user_id': self.alice,
            'project_id': self.here, 'impersonation': True,
            'expires_at': None}, [{'id': 'member'}])
        self.run_command('revoke', '--user', 'alice')
        self.assertRaises(exception.NotFound, PROVIDERS.trust_api.get_trust,
                          'passed-on')

    def test_made_while_the_grant_was_revoked(self):
        self.run_command('revoke', '--all')
        PROVIDERS.credential_api.create_credential('late', {
            'id': 'late', 'user_id': self.alice, 'project_id': self.here,
            'type': 'ec2', 'blob': '{"access": "b", "secret": "s"}'})
        self.assertEqual({'alice': (None, {'credentials': 1})},
                         self.listed())
        self.assertEqual(0, self.run_command('revoke', '--user', 'alice')[0])
        self.assertEqual({}, self.listed())

    def test_one_that_cannot_be_ended(self):
        """It keeps neither the rest of a user's nor other users'."""
        api = PROVIDERS.credential_api
        delete = api.delete_credential

        def fail(credential_id, *args):
            if credential_id == f'ec2-{self.alice[:8]}':
                raise ValueError
            delete(credential_id, *args)
        self.useFixture(fixtures.MockPatchObject(
            api, 'delete_credential', fail))
        self.assertEqual(2, self.run_command('revoke', '--all')[0])
        self.assertEqual({'alice': (None, {'credentials': 1})},
                         self.listed())
