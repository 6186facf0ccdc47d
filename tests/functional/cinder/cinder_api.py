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

"""A service provider's cinder-api and cinder-volume, in this process.

The real API, policies, objects, manager and database (in memory). Only the
message bus and the storage are missing: a call is a call, and the storage
notes what it is told.
"""

import functools
import importlib
import types
from unittest import mock
import uuid

from cinder import context as cinder_context
from cinder import coordination
from cinder import objects
from cinder import policy
from cinder import rpc
import fixtures as base_fixtures
from keystoneauth1 import exceptions as ksa_exceptions
from keystonemiddleware import auth_token  # noqa: F401
from novaclient import exceptions as nova_exceptions
from oslo_config import cfg
from oslo_messaging import conffixture
from oslo_serialization import jsonutils
import webob

from mixmatch_cinder.provider import protection
from tests import databases

try:
    from cinder.db.sqlalchemy import api as sql
except ImportError:  # since 2026.2
    from cinder.db import api as sql

# NOTE: most of Cinder can be imported only after this.
objects.register_all()
api = {name: importlib.import_module(f'cinder.{name}') for name in (
    'api.middleware.auth', 'api.middleware.fault', 'api.urlmap',
    'api.v3.router', 'compute.nova', 'db.api', 'volume.api',
    'volume.manager', 'volume.rpcapi')}

PROJECT = '3d88fa9e42c746ae9419beaf167f41f1'
POLICY = """
"volume:get": "rule:xena_system_admin_or_project_reader or {nova}"
"volume:attachment_create": "{member} or {nova}"
"volume:attachment_update": "{member} or {nova}"
"volume:attachment_delete": "{member} or {nova}"
"volume:attachment_complete": "{member} or {nova}"
"volume_extension:volume_admin_actions:reset_status":
    "rule:admin_api or {nova}"
""".format(member='rule:xena_system_admin_or_project_member',
           nova='(role:k2k_nova and project_id:%(project_id)s)')


#: The ids of domains: this cloud's own, and that of each identity provider.
DOMAINS = {'own': 'default', 'moc': '0a0c5678' + 24 * '0',
           'nu': '0b0e5678' + 24 * '0'}


def person(name, *roles, domain='default'):
    """The headers of a user, as Keystone's middleware makes them."""
    return {'X-User-Id': f'id-of-{name}', 'X-User-Name': name,
            'X-User-Domain-Id': domain, 'X-Project-Id': PROJECT,
            'X-Roles': ','.join(roles), 'X-Auth-Token': f'token-of-{name}'}


def service(domain, role, user='nova'):
    """Those of a service token."""
    return {'X-Service-Roles': role, 'X-Service-Token': 'a-service-token',
            'X-Service-User-Id': f'id-of-{user}@{domain}',
            'X-Service-User-Name': user,
            'X-Service-User-Domain-Id': DOMAINS[domain],
            'X-Service-User-Domain-Name': domain}


#: Who may do what in the project; "own" is this cloud's own user.
ALICE = person('alice', 'member', 'reader')
OWN_NOVA = {**ALICE, **service('own', 'service')}
MOC_NOVA = {**ALICE, **service('moc', 'k2k_nova')}
NU_NOVA = {**ALICE, **service('nu', 'k2k_nova')}
#: moc's Nova without a user, in the project.
MOC_NOVA_ALONE = {**MOC_NOVA, **person(
    'nova@moc', 'k2k_nova', domain=DOMAINS['moc'])}
ADMIN = person('admin', 'admin', 'member', 'reader')


class Storage:
    """A driver, and which hosts it lets at a volume."""

    initialized = supported = True
    capabilities: dict = {}
    configuration = types.SimpleNamespace(safe_get=lambda name: None)

    def __init__(self):
        self.connected = {}
        self.exported = set()

    def validate_connector(self, connector):
        pass

    def create_export(self, context, volume, connector):
        self.exported.add(volume.id)

    def initialize_connection(self, volume, connector):
        self.connected.setdefault(volume.id, []).append(connector)
        return {'driver_volume_type': 'fake', 'data': {'to': volume.id}}

    def terminate_connection(self, volume, connector, force=False):
        hosts = self.connected[volume.id]
        self.connected[volume.id] = [
            each for each in hosts
            if connector and each['initiator'] != connector['initiator']]
        return bool(self.connected[volume.id])

    def remove_export(self, context, volume):
        self.exported.discard(volume.id)


class OwnNova:
    """The Nova of this cloud; None of its servers is known at first."""

    def __init__(self):
        #: (server, volume): attachment
        self.attached = {}
        self.failure = None

    def get_server_volume(self, context, server_id, volume_id):
        if self.failure:
            raise self.failure
        if (server_id, volume_id) not in self.attached:
            raise nova_exceptions.NotFound(404)
        return types.SimpleNamespace(
            attachment_id=self.attached[server_id, volume_id])


@functools.cache
def _application():
    """The pipeline behind Keystone's middleware; it has no state."""
    wsgi = api['api.urlmap'].URLMap()
    wsgi['/v3'] = api['api.middleware.fault'].FaultWrapper(
        api['api.middleware.auth'].CinderKeystoneContext(
            api['api.v3.router'].APIRouter()))
    return wsgi


class CinderApi(base_fixtures.Fixture):
    """Cinder of a service provider, with or without the protection.

    :param test: whose cleanups end it
    :param storage_only: whether the cloud has no Nova
    """

    def __init__(self, storage_only=False):
        super().__init__()
        self.storage_only = storage_only

    def _setUp(self):
        self.useFixture(CinderLeftAlone())
        database = databases.in_memory()
        self.addCleanup(sql.main_context_manager.patch_factory(database))
        databases.create_all(sql.models.BASE.metadata,
                             database.writer.get_engine())
        folder = self.useFixture(base_fixtures.TempDir()).path
        path = f'{folder}/policy.yaml'
        with open(path, 'w') as file:
            file.write(POLICY)
        conf = cfg.CONF
        conf([], project='cinder', default_config_files=[])
        self.addCleanup(conf.reset)
        for option, value, group in (
                ('policy_file', path, 'oslo_policy'),
                ('auth_strategy', 'keystone', None),
                ('service_token_roles', ['service', 'k2k_nova'],
                 'keystone_authtoken')):
            conf.set_override(option, value, group)
            self.addCleanup(conf.clear_override, option, group)
        policy.reset()
        self.addCleanup(policy.reset)
        self.useFixture(conffixture.ConfFixture(conf))
        rpc.init(conf)
        self.addCleanup(rpc.cleanup)
        self.storage, self.own_nova = Storage(), OwnNova()
        if self.storage_only:
            self.own_nova.failure = ksa_exceptions.EndpointNotFound()
        for owner, name, value in (
                (api['volume.rpcapi'].VolumeAPI, '_get_cctxt', self._bus),
                (coordination.Coordinator, 'get_lock', mock.MagicMock()),
                (api['compute.nova'].API, 'get_server_volume', staticmethod(
                    self.own_nova.get_server_volume))):
            self.useFixture(base_fixtures.MockPatchObject(owner, name, value))
        self._manager = self._volume_manager()

    def _volume_manager(self):
        kind = api['volume.manager'].VolumeManager
        made = kind.__new__(kind)
        made.driver, made.db = self.storage, api['db.api']
        made.message_api, made.host = mock.Mock(), 'bu@fake'
        return made

    def _bus(self, *args, **kwargs):
        def call(context, method, **arguments):
            # NOTE: what goes over the bus is a copy.
            context = cinder_context.RequestContext.from_dict(
                context.to_dict())
            arguments = {key: jsonutils.loads(jsonutils.dumps(value))
                         if isinstance(value, dict) else value
                         for key, value in arguments.items()}
            return getattr(self._manager, method)(context, **arguments)
        return types.SimpleNamespace(call=call, cast=call,
                                     can_send_version=lambda version: True)

    def add_volume(self, **values):
        """A volume of the project; its id."""
        admin = cinder_context.get_admin_context()
        kind = api['db.api'].volume_type_create(
            admin, {'name': str(uuid.uuid4()), 'extra_specs': {}})
        volume = objects.Volume(
            admin, project_id=PROJECT, size=1, user_id='id-of-alice',
            status='available', attach_status='detached',
            host='bu@fake#fake', volume_type_id=kind.id, **values)
        volume.create()
        return volume.id

    @staticmethod
    def admin_context():
        return cinder_context.get_admin_context()

    def send(self, who, method, path, body=None):
        """A request as it comes out of Keystone's middleware."""
        catalog = [{'type': 'identity', 'endpoints': []}]
        if not self.storage_only:
            catalog.append({'type': 'compute', 'endpoints': []})
        request = webob.Request.blank(f'/v3{path}', method=method, headers={
            **who, 'OpenStack-API-Version': 'volume 3.60',
            'X-Service-Catalog': jsonutils.dumps(catalog)})
        if body is not None:
            request.content_type = 'application/json'
            request.json = body
        return request.get_response(_application())


class CinderLeftAlone(base_fixtures.Fixture):
    """Whatever is patched in a test is not patched after it."""

    def _setUp(self):
        for each in protection.Protection(cfg.ConfigOpts()).patches():
            owner, name = each.symbol.owner(), each.symbol.attribute
            if name in vars(owner):
                self.addCleanup(setattr, owner, name, vars(owner)[name])
            else:
                # Inherited: the patch puts it where nothing was.
                self.addCleanup(self._remove, owner, name)

    @staticmethod
    def _remove(owner, name):
        if name in vars(owner):
            delattr(owner, name)
