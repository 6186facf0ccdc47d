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

"""A service provider's Keystone, and assertions of other clouds."""

from collections.abc import Callable
import pathlib
import textwrap

import fixtures
from keystone.api._shared import authentication
from keystone.common import provider_api
from keystone.common import sql
from keystone import exception
from keystone.tests.unit import test_v3
import oslo_messaging

from tests import databases

PROVIDERS = provider_api.ProviderAPIs

RULES = """
identity_providers:
  moc:
    domains: [Default]
    token_lifetime: 30m
    grant_lifetime: 2h
    rules:
    - name: nova
      users: nova
      projects: service
      roles: {service: k2k_nova}
      local_project: service
      create: true
      everywhere: true
    - name: here
      projects: research
      roles: {member: member, reader: reader}
      local_project: here
      local_domain: Landlord
    - name: own
      projects: own-*
      roles: {member: [member, reader], reader: reader}
      local_project: "{project}"
      create: true
  nu:
    domains: [Default]
    rules:
    - name: all
      roles: {member: member}
      local_project: "{project}"
      create: true
"""

#: Nobody can be named so by a web server's SAML module: it matches nothing.
NOBODY = {'rules': [{
    'local': [{'user': {'name': '{0}'}}],
    'remote': [{'type': 'MIXMATCH_DECIDES'}]}], 'schema_version': '1.0'}

ENDS = '2100-01-01T00:00:00Z'


class OurPlugin:
    """Mixed into Keystone's test cases: its plugin is ours."""

    #: Of the test case.
    useFixture: Callable[[fixtures.Fixture], fixtures.Fixture]

    def setUp(self):
        # NOTE: Keystone's fixture makes each table anew for each test, and
        # drops it though the database, which is in memory, goes as well.
        metadata = sql.ModelBase.metadata
        self.useFixture(fixtures.MockPatchObject(
            metadata, 'create_all',
            lambda bind: databases.create_all(metadata, bind)))
        self.useFixture(fixtures.MockPatchObject(metadata, 'drop_all'))
        super().setUp()

    def auth_plugin_config_override(self, methods=None, **classes):
        ours = {'mapped', 'saml2'}.intersection(methods or ())
        super().auth_plugin_config_override(
            methods, **dict.fromkeys(ours, 'mixmatch'), **classes)


class KeystoneTestCase(OurPlugin, test_v3.RestfulTestCase):

    def config_overrides(self):
        self.rules = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path) / 'rules.yaml'
        self.write_rules(RULES)
        super().config_overrides()
        from mixmatch_keystone import conf
        conf.register_opts(self.config_fixture.conf)
        self.config_fixture.config(group='mixmatch',
                                   rules_file=str(self.rules))

    def auth_plugin_config_override(self, methods=None, **classes):
        super().auth_plugin_config_override(
            ['mapped', 'token', 'password', 'application_credential'],
            **classes)

    def setUp(self):
        super().setUp()
        self.notified = []
        self.useFixture(fixtures.MockPatchObject(
            oslo_messaging.Notifier, 'info',
            lambda _self, _context, name, payload: self.notified.append(
                (name, payload))))
        self.log = self.useFixture(fixtures.FakeLogger(level=20))

    def loadapp(self, name):
        """Make no WSGI application: nothing here sends it a request."""

    def load_fixtures(self, fixtures):
        super().load_fixtures(fixtures)
        for name in ('member', 'reader', 'k2k_nova'):
            PROVIDERS.role_api.create_role(name, {'id': name, 'name': name})
        landlord = self.new_domain('Landlord')
        self.here = self.new_project('here', landlord)
        PROVIDERS.federation_api.create_mapping('mixmatch', dict(NOBODY))
        for name in ('moc', 'nu'):
            PROVIDERS.federation_api.create_idp(name, {
                'id': name, 'enabled': True,
                'domain_id': self.new_domain(name),
                'remote_ids': [f'https://{name}']})
            PROVIDERS.federation_api.create_protocol(name, 'mapped', {
                'id': 'mapped', 'mapping_id': 'mixmatch',
                'remote_id_attribute': 'Shib-Identity-Provider'})

    @staticmethod
    def new_domain(name):
        return PROVIDERS.resource_api.create_domain(
            f'{name}-domain', {'id': f'{name}-domain', 'name': name})['id']

    @staticmethod
    def new_project(name, domain_id):
        return PROVIDERS.resource_api.create_project(
            f'{domain_id}-{name}', {'id': f'{domain_id}-{name}',
                                    'name': name, 'domain_id': domain_id}
            )['id']

    def write_rules(self, text):
        new = self.rules.with_suffix('.new')
        new.write_text(textwrap.dedent(text))
        new.replace(self.rules)

    def log_in(self, user='alice', project='research', roles='member',
               identity_provider='moc', **environ):
        """An unscoped token of somebody of another cloud."""
        environ = {
            'openstack_user': user, 'openstack_user_domain': 'Default',
            'openstack_project': project,
            'openstack_project_domain': 'Default',
            'openstack_roles': roles, 'openstack_not_on_or_after': ENDS,
            'Shib-Identity-Provider': f'https://{identity_provider}',
            **environ}
        with self.make_request(environ={
                name: value.encode().decode('latin-1')
                for name, value in environ.items()}):
            return authentication.federated_authenticate_for_token(
                protocol_id='mapped', identity_provider=identity_provider)

    def enter(self, project_id=None, **who):
        """A token that is scoped to a project."""
        return self.scoped(self.log_in(**who), project_id or self.here)

    def scoped(self, token, project_id):
        with self.make_request():
            return authentication.authenticate_for_token({
                'identity': {'methods': ['token'],
                             'token': {'id': token.id}},
                'scope': {'project': {'id': project_id}}})

    def roles_of(self, token):
        """Return the token data; None if it is not valid."""
        try:
            found = PROVIDERS.token_provider_api.validate_token(token.id)
            return {role['name'] for role in found.roles}
        except (exception.TokenNotFound, exception.Unauthorized):
            return None

    def refuse(self, user='alice', project='research', **who):
        """Return the log, which must not quote the assertion."""
        self.assertRaises(exception.Unauthorized, self.log_in, user=user,
                          project=project, **who)
        for asserted in {user, project} - {''}:
            self.assertNotIn(asserted, self.log.output)
        return self.log.output

    def audited(self, action):
        return [payload for name, payload in self.notified
                if name == f'identity.federation.{action}']
