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

"""A second home cloud of bu, made by the commands of the documentation.

It is bu's own Keystone, which knows how to be an identity provider as any:
to its rules it is a cloud named nu. All logins are by real SAML.
"""

import json
import os
import pathlib
import re
import tempfile

import requests

from sandbox import client
from sandbox import credentials
from sandbox.services import keystone
from sandbox.services import shibboleth
from sandbox import topology
from tests.scenario import base
from tests.scenario import federation
from tests.scenario.login import test_rules_login
from tests.scenario import pages

PROVIDER = topology.by_name(topology.PROVIDER)
IDENTITY_PROVIDER = '/OS-FEDERATION/identity_providers/nu'
SERVICE_PROVIDER = '/OS-FEDERATION/service_providers/nu'
RULES = {'domains': ['Default'], 'rules': [{
    'name': 'all of nu', 'roles': {'admin': 'reader', 'member': 'reader'},
    'local_project': '{project}', 'create': True}]}

#: What the commands of the page say, and what is meant here.
HERE = ((r'https://keystone\.moc\.example/v3/OS-FEDERATION/saml2/idp',
         keystone.entity_id(PROVIDER)), (r'\bmoc\b', 'nu'))


def meant(text):
    """A command of the page with the names of these clouds."""
    for pattern, name in HERE:
        text = re.sub(pattern, name, text)
    return text


class TestSecondHome(test_rules_login.Rules):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(cls.forget)
        cls.follow_the_page()
        known = cls.sandbox.user(cls.home, 'admin').api('identity').get(
            f'/OS-FEDERATION/service_providers/{cls.provider}').json()[
                'service_provider']
        cls.landlord.admin.put(SERVICE_PROVIDER, json={'service_provider': {
            'sp_url': known['sp_url'], 'enabled': True, 'auth_url':
                known['auth_url'].replace(f'providers/{cls.home}',
                                          'providers/nu')}})
        cls.rule()
        cls.trust_it_in_the_web_server()

    @classmethod
    def follow_the_page(cls):
        env = {**credentials.environment(PROVIDER, 'admin'), 'PYTHONWARNINGS':
               'ignore', 'PATH': f'{cls.sandbox.site.venv}/bin:'
               + os.environ['PATH']}
        with tempfile.TemporaryDirectory() as folder:
            for command in pages.commands('admin/authorization',
                                          'openstack mapping create'):
                if command.text.startswith('cat '):
                    pathlib.Path(folder, command.text[4:]).write_text(
                        command.output)
                    continue
                result = client.run(
                    'bash', '-c', f'cd {folder}\n{meant(command.text)}',
                    env=env)
                # NOTE: one mapping is for all of them, and moc's is there.
                if 'mapping create' not in command.text or (
                        '409' not in result.err):
                    client.must(result)

    @classmethod
    def rule(cls):
        before = cls.landlord.rules_file.read_text()
        cls.addClassCleanup(cls.landlord.write, before)
        known = json.loads(before)
        known['identity_providers']['nu'] = RULES
        cls.landlord.write(json.dumps(known))

    @classmethod
    def trust_it_in_the_web_server(cls):
        site = cls.sandbox.site
        etc = shibboleth.folder(site, PROVIDER)
        cls.addClassCleanup(cls.restart)
        door = re.compile(
            rf'  <Location \S*/{cls.home}/protocols.*?</Location>\n',
            re.DOTALL)
        for name, change in (
                ('shibboleth2.xml', lambda text: re.sub(
                    r'(?=    <MetadataProvider )',
                    '    <MetadataProvider type="XML" validate="false" path="'
                    f'{keystone.metadata(site, PROVIDER)}"/>\n', re.sub(
                        r'<SSO ECP="true"[^>]*>', '<SSO ECP="true">', text),
                    count=1)),
                ('httpd.conf', lambda text: text.replace(
                    '</VirtualHost>', next(door.finditer(text))[0].replace(
                        f'/{cls.home}/', '/nu/') + '</VirtualHost>'))):
            path = etc / name
            before = path.read_text()
            cls.addClassCleanup(path.write_text, before)
            path.write_text(change(before))
        cls.restart()

    @classmethod
    def restart(cls):
        for service in ('shibd', 'apache'):
            cls.sandbox.control('restart', cls.provider, service)

    @classmethod
    def forget(cls):
        admin = cls.landlord.admin
        admin.delete(SERVICE_PROVIDER)
        admin.delete(IDENTITY_PROVIDER)
        for each in admin.get('/domains', params={'name': 'nu'}).json()[
                'domains']:
            path = f'/domains/{each["id"]}'
            admin.patch(path, json={'domain': {'enabled': False}})
            admin.delete(path)

    def setUp(self):
        super().setUp()
        self.of_home = federation.Entrance(self.alice)
        who = self.sandbox.user(self.provider, 'admin')
        # NOTE: bu's Keystone caches what it offers.
        self.of_nu = client.wait_for(f'{self.provider} to offer it',
                                     lambda: self.offered(who))

    @staticmethod
    def offered(who):
        try:
            return federation.Entrance(who, 'nu')
        except StopIteration:
            return None

    def enter(self, who, by):
        """Log in at the protocol of an identity provider."""
        with requests.Session() as session:
            delivered = who.deliver(who.assertion(), session)
            self.assertIn(delivered.status_code, (302, 303), delivered.text)
            return by.unscoped(session)

    def assert_refused(self, who, by):
        response = self.enter(who, by)
        self.assertIn(response.status_code, (401, 403), response.text)
        self.assertNotIn('X-Subject-Token', response.headers)

    def assert_each_by_its_own(self):
        for who in (self.of_nu, self.of_home):
            response = self.enter(who, who)
            self.assertEqual(201, response.status_code, response.text)

    def test_each_speaks_for_itself_only(self):
        self.assert_each_by_its_own()
        self.assert_refused(self.of_home, self.of_nu)
        self.assert_refused(self.of_nu, self.of_home)
        self.assertIn(' 0 problems',
                      client.must(self.landlord.command('check')).out)

    def test_protocol_that_was_made_without_an_attribute(self):
        """Older documentation and ``openstack`` made it that way."""
        path = f'{IDENTITY_PROVIDER}/protocols/mapped'
        admin, log = self.landlord.admin, self.sandbox.site.log(
            self.provider, 'keystone')
        made = {'mapping_id': 'mixmatch'}
        self.addCleanup(admin.put, path, json={'protocol': {
            **made, 'remote_id_attribute': 'Shib-Identity-Provider'}})
        self.addCleanup(admin.delete, path)
        admin.delete(path)
        response = admin.put(path, json={'protocol': made})
        self.assertEqual(201, response.status_code, response.text)
        # NOTE: bu's Keystone caches protocols.
        client.wait_for('a refusal', lambda: self.enter(
            self.of_nu, self.of_nu).status_code == 401, base.BACK)
        before = len(log.read_text())
        self.assert_refused(self.of_home, self.of_nu)
        self.assertRegex(log.read_text()[before:], (
            r" ERROR .*Identity provider nu: all logins are refused: "
            r".*'mapped' has no remote_id_attribute.*keystone\.conf"))
        result = self.landlord.command('check')
        self.assertEqual(1, result.code, result)
        self.assertIn("nu: protocol 'mapped' has no remote_id_attribute",
                      result.out)
