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

"""Users of moc at bu: what bu's rules give them, on its real Keystone."""

from concurrent import futures
import datetime
import re
import uuid

from keystoneauth1 import adapter
import requests

from sandbox import client
from sandbox import rules
from sandbox import topology
from tests.scenario import base
from tests.scenario import federation

#: Each project of moc is one of the same name in bu's domain moc.
OWN = {'name': 'own', 'projects': '*', 'project_domains': 'Default',
       'roles': {'member': 'member', 'reader': 'reader'},
       'local_project': '{project}', 'create': True}


class Rules(base.Scenario):

    landlord: rules.Landlord
    admin: adapter.Adapter

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.landlord = rules.Landlord(cls.sandbox)
        cls.admin = cls.sandbox.user(cls.home, 'admin').api('identity')

    @classmethod
    def tearDownClass(cls):
        """Leave no projects that were made for those of moc."""
        keystone = cls.landlord.admin
        domain, = keystone.get('/domains', params={
            'name': cls.home}).json()['domains']
        for each in keystone.get('/projects', params={
                'domain_id': domain['id']}).json()['projects']:
            keystone.delete(f'/projects/{each["id"]}')
        super().tearDownClass()

    def somebody(self, name, project, role='member'):
        """A new user at moc, in a new project."""
        where = self.admin.post('/projects', json={'project': {
            'name': project, 'domain_id': 'default'}}).json()['project']
        self.addCleanup(self.admin.delete, f'/projects/{where["id"]}')
        created = self.admin.post('/users', json={'user': {
            'name': name, 'domain_id': 'default',
            'password': topology.by_name(self.home).password(name)}}).json()
        user_id = created['user']['id']
        self.addCleanup(self.admin.delete, f'/users/{user_id}')
        self.grants = f'/projects/{where["id"]}/users/{user_id}/roles/'
        self.give(role)
        return self.sandbox.user(self.home, name, project)

    def give(self, role):
        """A role to that user in that project."""
        self.admin.put(self.grants + self.role_id(role))

    def take(self, role):
        self.admin.delete(self.grants + self.role_id(role))

    def role_id(self, name):
        role, = self.admin.get('/roles', params={'name': name}).json()[
            'roles']
        return role['id']


class TestLogin(Rules):

    def test_fifty_first_logins_at_once(self):
        name = f'racer-{uuid.uuid4()}'
        who = self.somebody(name, f'race-{uuid.uuid4()}')
        with self.landlord.ruling(OWN):
            entrance = federation.Entrance(who)
            assertions = [entrance.assertion() for _ in range(50)]

            def enter(assertion):
                with requests.Session() as session:
                    entrance.deliver(assertion, session)
                    return entrance.unscoped(session)
            with futures.ThreadPoolExecutor(50) as executor:
                answers = [*executor.map(enter, assertions)]
        self.assertEqual({201}, {each.status_code for each in answers},
                         [each.text for each in answers])
        tokens = [each.headers['X-Subject-Token'] for each in answers]
        self.assertEqual(1, len({
            each.json()['token']['user']['id'] for each in answers}))
        scoped = [entrance.scoped(token) for token in tokens]
        self.assertEqual({201}, {each.status_code for each in scoped})
        self.assertEqual(1, len({
            each.json()['token']['project']['id'] for each in scoped}))
        self.assertEqual({frozenset({'member', 'reader'})}, {frozenset(
            entrance.roles(each.headers['X-Subject-Token']) or ())
            for each in scoped})
        found = client.must(self.landlord.command(
            'list', '--json', '--user', name)).json
        self.assertEqual(1, len(found), found)

    def test_two_projects_by_turns(self):
        """A hundred times: no login harms the tokens of the other."""
        research, teaching = (
            federation.Entrance(self.sandbox.user(self.home, 'alice', project))
            for project in ('research', 'teaching'))
        with self.landlord.ruling({**OWN, 'projects': 'teaching'}):
            first = research.token(), teaching.token()
            for turn in range(100):
                now = research.token(), teaching.token()
                for tokens in (first, now):
                    self.assertEqual(
                        [{'member', 'reader'}] * 2,
                        [research.roles(tokens[0]),
                         teaching.roles(tokens[1])], turn)

    def test_role_lost_at_home(self):
        who = self.somebody(f'user-{uuid.uuid4()}', f'lab-{uuid.uuid4()}')
        with self.landlord.ruling(OWN):
            entrance = federation.Entrance(who)
            before = entrance.token()
            self.assertEqual({'member', 'reader'}, entrance.roles(before))
            self.give('reader')
            self.take('member')
            after = federation.Entrance(who).token()
            self.assertEqual({'reader'}, entrance.roles(after))
            self.assertEqual({'reader'}, entrance.roles(before))

    def test_names(self):
        """Whatever a user and a project are called at moc."""
        for name in ('jürgen', 'a b', 'a;b', 'Ελένη', "x'y", '{0}'):
            who = self.somebody(f'{name} {uuid.uuid4()}',
                                f'{name} {str(uuid.uuid4())[:8]}')
            with self.landlord.ruling(OWN):
                entrance = federation.Entrance(who)
                response = entrance.enter()
                self.assertEqual(201, response.status_code, name)
                token = response.headers['X-Subject-Token']
                project, = entrance.projects(token)
                self.assertEqual(who.project, project['name'])
                self.assertEqual(201, entrance.scoped(token).status_code)

    def test_rules_that_are_wrong(self):
        """bu's landlord mistypes: what was in force stays in force."""
        entrance = federation.Entrance(self.alice)
        entrance.token()
        with self.landlord.ruling():
            self.landlord.write(f'identity_providers:\n  {self.home}: [')
            entrance.token()
            log = self.sandbox.site.log(self.provider, 'keystone').read_text()
            self.assertIn('mixmatch.yaml cannot be used: line 2', log)

    def test_token_ends_with_the_rule(self):
        with self.landlord.ruling(token_lifetime='2m'):
            response = federation.Entrance(self.alice).enter()
        token = response.json()['token']
        begin, end = (datetime.datetime.fromisoformat(token[name])
                      for name in ('issued_at', 'expires_at'))
        life = (end - begin).total_seconds()
        self.assertTrue(110 < life <= 120, token)


class TestAttacks(Rules):
    """Attacks on a login while the plugin is on."""

    def setUp(self):
        super().setUp()
        self.entrance = federation.Entrance(self.alice)
        self.session = self.enterContext(requests.Session())

    def assert_refused(self, assertion):
        delivered = self.entrance.deliver(assertion, self.session)
        self.assertNotIn(delivered.status_code, (302, 303))
        self.assert_no_token()

    def assert_no_token(self, **headers):
        response = self.entrance.unscoped(self.session, **headers)
        self.assertNotIn('X-Subject-Token', response.headers)
        self.assertGreaterEqual(response.status_code, 300)

    def test_replay(self):
        assertion = self.entrance.assertion()
        with requests.Session() as another:
            self.assertIn(self.entrance.deliver(
                assertion, another).status_code, (302, 303))
        self.assert_refused(assertion)

    def test_altered(self):
        for old, new in ((b'>alice<', b'>admin<'), (b'>member<', b'>admin<'),
                         (b'>research<', b'>service<')):
            assertion = self.entrance.assertion()
            self.assertIn(old, assertion)
            self.assert_refused(assertion.replace(old, new))

    def test_without_signature(self):
        assertion = self.entrance.assertion()
        bare = re.sub(rb'<(\w+:)?Signature\b.*?</(\w+:)?Signature>', b'',
                      assertion, flags=re.DOTALL)
        self.assertNotEqual(assertion, bare)
        self.assert_refused(bare)

    def test_for_another_service_provider(self):
        there = self.admin.get(
            f'/OS-FEDERATION/service_providers/{self.provider}').json()[
                'service_provider']
        self.admin.put('/OS-FEDERATION/service_providers/else', json={
            'service_provider': {
                'sp_url': there['sp_url'].replace('127.0.0.1', '127.0.0.2'),
                'auth_url': there['auth_url'], 'enabled': True}})
        self.addCleanup(self.admin.delete,
                        '/OS-FEDERATION/service_providers/else')

        def offered():
            try:
                return federation.Entrance(self.alice, 'else')
            except StopIteration:
                return None
        # NOTE: moc's Keystone caches what it offers.
        elsewhere = client.wait_for(f'{self.home} to offer it', offered)
        self.assert_refused(elsewhere.assertion())

    def test_session_of_another_identity_provider(self):
        """The rules of one are not for whom another one signs."""
        keystone = self.landlord.admin
        path = f'/OS-FEDERATION/identity_providers/{self.home}'
        own = keystone.get(path).json()['identity_provider']['remote_ids']

        def become(*remote_ids):
            keystone.patch(path, json={'identity_provider': {
                'remote_ids': remote_ids}})
        self.assertIn(self.entrance.deliver(
            self.entrance.assertion(), self.session).status_code, (302, 303))
        self.addCleanup(become, *own)
        become('https://another.example/idp')
        # NOTE: bu's Keystone caches its identity providers.
        client.wait_for('a refusal', lambda: self.entrance.unscoped(
            self.session).status_code in (401, 403))
        self.assert_no_token()
        become(*own)
        client.wait_for('the session to count again', lambda: (
            self.entrance.unscoped(self.session).status_code == 201))

    def test_headers_instead_of_a_session(self):
        claims = {'openstack_user': 'alice', 'openstack_roles': 'member',
                  'openstack_user_domain': 'Default',
                  'openstack_project': 'research',
                  'openstack_project_domain': 'Default',
                  'openstack_not_on_or_after': '2100-01-01T00:00:00Z',
                  'Shib-Identity-Provider': 'x', 'REMOTE_USER': 'alice'}
        self.assert_no_token(**claims)
        self.assert_no_token(**{name.replace('_', '-'): value
                                for name, value in claims.items()})

    def test_headers_besides_a_session(self):
        """bob's session, and alice's name in headers."""
        bobs = federation.Entrance(self.sandbox.user(self.home, 'bob'))
        self.assertIn(bobs.deliver(bobs.assertion(),
                                   self.session).status_code, (302, 303))
        self.assert_no_token(**{'openstack_user': 'alice',
                                'openstack-user': 'alice'})

    def test_claim_without_the_web_servers_door(self):
        response = requests.post(self.entrance.keystone + '/auth/tokens',
                                 json={'auth': {'identity': {
                                     'methods': ['mapped'], 'mapped': {
                                         'identity_provider': self.home,
                                         'protocol': 'mapped'}}}},
                                 timeout=60)
        self.assertEqual(401, response.status_code)


class TestOperator(Rules):
    """Grants that bu's operator lists and revokes."""

    def test_list_and_revoke(self):
        entrance = federation.Entrance(self.sandbox.user(self.home, 'ivan'))
        token = entrance.token()
        whom = ('--user', 'ivan', '--project', 'research')
        found, = client.must(self.landlord.command(
            'list', '--json', *whom)).json
        self.assertEqual({'research@Default': ['member', 'reader']},
                         found['roles'])
        self.assertIn('1 grants revoked', client.must(
            self.landlord.command('revoke', *whom)).out)
        self.assertIsNone(entrance.roles(token))
        self.assertEqual([], client.must(self.landlord.command(
            'list', '--json', *whom)).json)

    def test_check_and_explain(self):
        said = client.must(self.landlord.command('check')).out
        self.assertIn(' 0 problems', said)
        path = self.landlord.rules_file.with_name('assertion.xml')
        path.write_bytes(federation.Entrance(self.alice).assertion())
        self.addCleanup(path.unlink)
        said = client.must(self.landlord.command(
            'explain', '--identity-provider', self.home,
            '--assertion', str(path))).out
        self.assertIn('research in Default', said)
        path.write_bytes(federation.Entrance(self.sandbox.user(
            self.home, 'bob')).assertion())
        result = self.landlord.command('explain', '--identity-provider',
                                       self.home, '--assertion', str(path))
        self.assertEqual((1, 'refused: no rule is about this user and '
                             'project\n'), (result.code, result.out))

    def test_log_and_notifications(self):
        log = self.sandbox.site.log(self.provider, 'keystone')
        before = len(log.read_text())
        entrance = federation.Entrance(self.alice)
        entrance.token()
        self.assertEqual(401, federation.Entrance(
            self.sandbox.user(self.home, 'bob')).enter().status_code)
        lines = log.read_text()[before:].splitlines()
        ours = [line for line in lines if 'mixmatch_keystone' in line
                and ' DEBUG ' not in line]
        self.assertEqual(2, len(ours), ours)
        self.assertIn("Rule 'research' grants user", ours[0])
        self.assertIn('is refused: no rule is about this', ours[1])
        for line in ours:
            for name in ('alice', 'bob'):
                self.assertNotIn(name, line)
        for action in ('allow', 'deny'):
            self.assertEqual(1, sum(
                f'identity.federation.{action}' in line for line in lines))
