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

"""Credentials that people have beside a password, at a volume of bu."""

import contextlib
import uuid

from keystoneauth1.identity import v3

from sandbox import client
from sandbox import rules
from sandbox import topology
from tests.scenario import servers

ACCESS_RULES = [{'service': 'compute', 'method': method, 'path': '/**'}
                for method in ('GET', 'POST', 'DELETE')]


class Credentials(servers.OperationScenario):

    one_login = False

    def user_id(self, name):
        who = self.sandbox.user(topology.HOME, name)
        return who.api('identity').get_user_id()

    def application_credential(self, **options):
        """Somebody with an application credential of alice's."""
        keystone = self.alice.api('identity')
        path = (f'/users/{self.user_id("alice")}/application_credentials')
        response = keystone.post(path, json={'application_credential': {
            'name': str(uuid.uuid4()), **options}})
        self.assertEqual(201, response.status_code, response.text)
        made = response.json()['application_credential']
        self.addCleanup(keystone.delete, f'{path}/{made["id"]}')
        return self.sandbox.bearer(topology.HOME, v3.ApplicationCredential(
            self.alice.auth_url, made['secret'],
            application_credential_id=made['id']), {
                'OS_AUTH_TYPE': 'v3applicationcredential',
                'OS_APPLICATION_CREDENTIAL_ID': made['id'],
                'OS_APPLICATION_CREDENTIAL_SECRET': made['secret']})

    def trustee(self, impersonation):
        """Carol, whom alice trusts, as Heat does with its own user."""
        keystone = self.alice.api('identity')
        response = keystone.post('/OS-TRUST/trusts', json={'trust': {
            'trustor_user_id': self.user_id('alice'),
            'trustee_user_id': self.user_id('carol'),
            'project_id': keystone.get_project_id(),
            'impersonation': impersonation,
            'roles': [{'name': 'member'}]}})
        self.assertEqual(201, response.status_code, response.text)
        trust = response.json()['trust']['id']
        self.addCleanup(keystone.delete, f'/OS-TRUST/trusts/{trust}')
        password = topology.by_name(topology.HOME).password('carol')
        return self.sandbox.bearer(topology.HOME, v3.Password(
            self.alice.auth_url, username='carol', password=password,
            user_domain_name='Default', trust_id=trust), {
                'OS_AUTH_TYPE': 'v3password', 'OS_USERNAME': 'carol',
                'OS_PASSWORD': password, 'OS_USER_DOMAIN_NAME': 'Default',
                'OS_TRUST_ID': trust})

    def assert_attaches(self, who):
        """The unmodified command attaches and detaches."""
        volume_id = self.volume_at(topology.PROVIDER)
        client.must(who.openstack('server', 'add', 'volume', self.server,
                                  volume_id))
        self.wait_for_attached(topology.PROVIDER, volume_id)
        self.assert_agreed(volume_id)
        client.must(who.openstack('server', 'remove', 'volume', self.server,
                                  volume_id))
        self.wait_for_detached(topology.PROVIDER, volume_id)

    def assert_lives(self, who):
        """The server is used and ended, with its volume, as by a person."""
        volume_id = self.volume_at(topology.PROVIDER)
        shown = client.must(who.openstack(
            'volume', 'show', volume_id, '-f', 'json')).json
        self.assertEqual(volume_id, shown['id'])
        self.assertIn(volume_id, client.must(who.openstack(
            'volume', 'list', '-f', 'value', '-c', 'ID')).out)
        server = self.new_server(who)
        self.addCleanup(self.delete_server, server)
        client.must(who.openstack('server', 'add', 'volume', server,
                                  volume_id))
        self.wait_for_attached(topology.PROVIDER, volume_id)
        client.must(who.openstack('server', 'reboot', '--hard', '--wait',
                                  server))
        self.assertEqual([volume_id], [
            each['Volume ID'] for each in client.must(who.openstack(
                'server', 'volume', 'list', server, '-f', 'json')).json])
        client.must(who.openstack('server', 'delete', '--wait', server))
        self.wait_for_status(topology.PROVIDER, volume_id, 'available')
        self.assert_untouched(topology.PROVIDER, volume_id)

    def assert_boots(self, who):
        """A server boots from a volume of bu, and comes back after a rest."""
        volume_id = self.volume_at(topology.PROVIDER)
        client.must(self.alice.openstack('volume', 'set', '--bootable',
                                         volume_id))
        self.server = client.must(who.openstack(
            'server', 'create', '--flavor', 'tiny', '--nic', 'none',
            '--volume', volume_id, '-f', 'json', 'boots')).json['id']
        self.addCleanup(self.delete_server, self.server)
        self.wait_for_server('ACTIVE')
        self.assert_agreed(volume_id)
        client.must(who.openstack('server', 'shelve', self.server))
        self.wait_for_server('SHELVED_OFFLOADED')
        client.must(who.openstack('server', 'unshelve', self.server))
        self.wait_for_server('ACTIVE')
        self.assert_agreed(volume_id)
        client.must(who.openstack('server', 'delete', '--wait', self.server))
        self.wait_for_status(topology.PROVIDER, volume_id, 'available')
        self.assert_untouched(topology.PROVIDER, volume_id)


class TestCredentials(Credentials):

    def test_application_credential(self):
        self.assert_lives(self.application_credential())

    def test_boot_by_application_credential(self):
        self.assert_boots(self.application_credential())

    def test_unrestricted_application_credential(self):
        self.assert_attaches(self.application_credential(unrestricted=True))

    def test_application_credential_with_one_role(self):
        self.assert_attaches(self.application_credential(
            roles=[{'name': 'member'}]))

    def test_application_credential_with_access_rules(self):
        """Keystone makes no assertion for it, and the error says so."""
        who = self.application_credential(access_rules=ACCESS_RULES)
        volume_id = self.volume_at(topology.PROVIDER)
        response = who.api('compute', version='2.60').post(
            f'/servers/{self.server}/os-volume_attachments',
            json={'volumeAttachment': {'volumeId': volume_id,
                                       'serviceProvider': topology.PROVIDER}})
        self.assertEqual(403, response.status_code, response.text)
        self.assertIn('without access rules', response.text)
        self.assert_untouched(topology.PROVIDER, volume_id)

    def test_trust(self):
        self.assert_lives(self.trustee(True))

    def test_trust_without_impersonation(self):
        self.assert_attaches(self.trustee(False))


class TestWithoutCache(Credentials):
    """Each process of home logs in by itself."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sandbox.control('stop', topology.HOME, 'memcached')
        cls.addClassCleanup(cls.sandbox.control, 'start', topology.HOME,
                            'memcached')

    def test_application_credential(self):
        self.assert_lives(self.application_credential())

    def test_trust(self):
        self.assert_attaches(self.trustee(True))

    def test_keystone_that_rescopes_no_token(self):
        with self.rescoping_forbidden():
            self.log_in()
            self.assert_attaches(self.alice)

    @contextlib.contextmanager
    def rescoping_forbidden(self):
        moc = topology.by_name(topology.HOME)
        path = self.sandbox.site.etc(moc, 'keystone') / 'keystone.conf'
        before = path.read_text()
        path.write_text(before.replace(
            '[token]\n', '[token]\nallow_rescope_scoped_token = false\n', 1))
        self.assertNotEqual(before, path.read_text())
        try:
            self.sandbox.control('restart', topology.HOME, 'keystone')
            yield
        finally:
            path.write_text(before)
            self.sandbox.control('restart', topology.HOME, 'keystone')


class TestFederatedUser(Credentials):
    """Somebody whom home itself knows by an identity provider only.

    Home's Keystone gets what Apache's mod_auth_openidc gives to it.
    """

    IDP = 'people'
    NAME = 'frida'

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        keystone = cls.admin.api('identity')

        def make(path, **body):
            response = keystone.post(path, json=body)
            assert response.status_code == 201, response.text
            (made,) = response.json().values()
            cls.addClassCleanup(keystone.delete, f'{path}/{made["id"]}')
            return made['id']

        def put(path, **body):
            response = keystone.put(path, json=body)
            assert response.status_code in (201, 204), response.text
            cls.addClassCleanup(keystone.delete, path)

        domain = make('/domains', domain={'name': cls.IDP})
        cls.addClassCleanup(keystone.patch, f'/domains/{domain}', json={
            'domain': {'enabled': False}})
        group = make('/groups', group={'name': cls.IDP})
        member = keystone.get('/roles?name=member').json()['roles'][0]['id']
        project = cls.alice.api('identity').get_project_id()
        put(f'/projects/{project}/groups/{group}/roles/{member}')
        idp = f'/OS-FEDERATION/identity_providers/{cls.IDP}'
        put(f'/OS-FEDERATION/mappings/{cls.IDP}', mapping={'rules': [{
            'local': [{'user': {'name': '{0}'}, 'group': {'id': group}}],
            'remote': [{'type': 'HTTP_OIDC_NAME'}]}]})
        put(idp, identity_provider={'enabled': True, 'domain_id': domain})
        put(f'{idp}/protocols/mapped', protocol={'mapping_id': cls.IDP})
        cls.enterClassContext(rules.Landlord(cls.sandbox).ruling({
            'name': cls.IDP, 'users': cls.NAME, 'user_domains': cls.IDP,
            'projects': cls.alice.project,
            'roles': {role: role for role in ('reader', 'member')},
            'local_project': cls.alice.project, 'local_domain': 'Default',
        }, domains=['Default', cls.IDP]))

    def frida(self):
        keystone = self.alice.api('identity')
        response = keystone.get(
            f'/OS-FEDERATION/identity_providers/{self.IDP}/protocols/mapped'
            '/auth', headers={'OIDC-Name': self.NAME}, authenticated=False)
        self.assertEqual(201, response.status_code, response.text)
        token = response.headers['X-Subject-Token']
        scope = {'project_name': self.alice.project,
                 'project_domain_name': 'Default'}
        return self.sandbox.bearer(topology.HOME, v3.Token(
            self.alice.auth_url, token, **scope), {
                'OS_AUTH_TYPE': 'v3token', 'OS_TOKEN': token,
                **{f'OS_{key.upper()}': each for key, each in scope.items()}})

    def test_life(self):
        self.assert_lives(self.frida())

    def test_boot(self):
        self.assert_boots(self.frida())
