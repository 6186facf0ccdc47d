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

import json
import pathlib

import fixtures

from keystone.common import provider_api

from mixmatch_keystone import cmd
from tests.keystone import base

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
        self.assertIn('these rules are not asked',
                      self.run_command('check')[1])

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
            'until': found[0]['until']}], found)

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

    def test_revoked_application_credential(self):
        api = PROVIDERS.application_credential_api
        api.create_application_credential({
            'id': 'a', 'name': 'a', 'user_id': self.alice.user_id,
            'project_id': self.here, 'roles': [{'id': 'member'}],
            'secret': 's', 'unrestricted': False})
        self.run_command('revoke', '--user', 'alice')
        self.assertEqual([], api.list_application_credentials(
            user_id=self.alice.user_id))

    def test_revoke_nobody(self):
        self.assertEqual(1, self.run_command('revoke', '--user', 'eve')[0])

    def test_revoke_needs_to_know_whom(self):
        self.assertEqual(2, self.run_command('revoke')[0])
        self.assertEqual(3, len(self.listed()))

    def test_revoke_all(self):
        self.run_command('revoke', '--all')
        self.assertEqual([], self.listed())
