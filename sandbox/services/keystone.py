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

"""Keystone: tokens, and assertions for other clouds."""

import base64
import json
import os
import pathlib

from sandbox import health
from sandbox import ini
from sandbox import model
from sandbox import process
from sandbox.services import common
from sandbox import state
from sandbox import topology


def entity_id(cloud: model.Cloud) -> str:
    """The name of a cloud as an identity provider."""
    return topology.url(cloud, 'keystone', '/v3/OS-FEDERATION/saml2/idp')


def metadata(site: state.Site, cloud: model.Cloud) -> pathlib.Path:
    """Return the path of the metadata of a cloud."""
    return site.var(cloud, 'keystone') / 'idp.xml'


def backend(site: state.Site, cloud: model.Cloud) -> pathlib.Path:
    """Return the socket of Keystone, which is behind Apache."""
    return site.sockets / f'{cloud.name}-keystone.sock'


def render(site: state.Site, cloud: model.Cloud) -> None:
    """Every cloud can be an identity provider and a service provider."""
    etc, var = site.etc(cloud, 'keystone'), site.var(cloud, 'keystone')
    public = topology.url(cloud, 'keystone')
    site.write(etc / 'keystone.conf', ini.render({
        'DEFAULT': {'public_endpoint': public, 'max_token_size': 400},
        'database': {'connection': common.database(cloud, 'keystone')},
        'token': {'provider': 'fernet', 'expiration': 3600},
        'fernet_tokens': {'key_repository': var / 'fernet'},
        'fernet_receipts': {'key_repository': var / 'fernet'},
        'credential': {'key_repository': var / 'credential'},
        'identity': {'password_hash_rounds': 4},
        # NOTE: Apache sets REMOTE_USER, so "external" must not be here.
        'auth': {'methods': 'password,token,mapped,application_credential',
                 **({'mapped': 'mixmatch'} if cloud.trusts else {})},
        'mixmatch': {'rules_file': etc / 'mixmatch.yaml'},
        'oslo_messaging_notifications': {'driver': 'log'},
        'cache': {
            'enabled': True,
            'backend': 'dogpile.cache.memcached',
            'memcache_servers': common.memcached(cloud)},
        'saml': {
            'certfile': var / 'saml.crt',
            'keyfile': var / 'saml.key',
            'xmlsec1_binary': '/usr/bin/xmlsec1',
            'idp_entity_id': entity_id(cloud),
            'idp_sso_endpoint': f'{public}/v3/OS-FEDERATION/saml2/sso',
            'idp_metadata_path': metadata(site, cloud),
            # The tokens that other clouds give for it end with it.
            'assertion_expiration_time': 3600},
    }))
    site.write(etc / 'mixmatch.yaml', json.dumps(rules(cloud), indent=1))
    site.write(site.etc(cloud, 'seed') / 'cloud.json',
               json.dumps(seed_input(site, cloud), indent=1))


def rules(cloud: model.Cloud) -> dict[str, dict[str, dict]]:
    """Return the rules for the users and the services of other clouds."""
    return {'identity_providers': {trust.idp: {
        'domains': ['Default'],
        'rules': [*({
            'name': f'{service} of {trust.idp}', 'users': service,
            'projects': 'service', 'roles': {'service': role},
            'local_project': trust.service_project,
            'local_domain': 'Default', 'everywhere': True,
        } for service, role in (('nova', trust.role),
                                ('glance', trust.image_role))), *({
            'name': home_project, 'projects': home_project,
            'users': [user.user for user in trust.users
                      if (user.home_project, user.project)
                      == (home_project, project)],
            'roles': {role: role for role in ('reader', 'member')},
            'local_project': project, 'local_domain': 'Default',
        } for home_project, project in sorted({
            (user.home_project, user.project) for user in trust.users}))],
    } for trust in cloud.trusts}}


def _keys(folder: pathlib.Path) -> None:
    """Make keys as ``keystone-manage fernet_setup`` does, but faster."""
    if (folder / '1').exists():
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ('0', '1'):
        (folder / name).write_bytes(
            base64.urlsafe_b64encode(os.urandom(32)))
        (folder / name).chmod(0o600)


def seed(site: state.Site, cloud: model.Cloud, part: str,
         after: tuple[str, ...]) -> model.Task:
    """Return a task that runs a part of seed.py once."""
    path = site.etc(cloud, 'seed') / 'cloud.json'
    name = f'seed-{part}'

    def run() -> None:
        process.run(site, f'{cloud.name}/{name}', site.tool('python'),
                    str(state.REPOSITORY / 'sandbox' / 'seed.py'),
                    part, str(path), env={'PYTHONPATH':
                                          str(state.REPOSITORY)})

    return model.Task(cloud.name, name, run, after,
                      stamp=site.digest(path.parent))


#: Component, type and path of each API of the catalogue.
_APIS = (
    ('glance', 'image', ''),
    ('cinder', 'block-storage', '/v3'),
    ('cinder', 'volumev3', '/v3'),
    ('placement', 'placement', ''),
    ('neutron', 'network', ''),
    ('nova', 'compute', '/v2.1'))


def seed_input(site: state.Site, cloud: model.Cloud) -> dict:
    """All that a cloud shall have in its databases."""
    return {
        'name': cloud.name,
        'auth_url': topology.url(cloud, 'keystone', '/v3'),
        'admin_password': cloud.password('admin'),
        'projects': cloud.projects,
        'users': {user.name: {'password': cloud.password(user.name),
                              'projects': user.projects}
                  for user in cloud.users},
        'service_users': {user: cloud.password(user)
                          for user in cloud.service_users},
        'endpoints': {
            kind: topology.url(cloud, component, path)
            for component, kind, path in _APIS
            if component in cloud.components},
        'absent': [kind for component, kind, _ in _APIS
                   if component not in cloud.components],
        'service_providers': {
            name: {
                'sp_url': topology.url(topology.by_name(name), 'keystone',
                                       '/Shibboleth.sso/SAML2/ECP'),
                'auth_url': topology.url(
                    topology.by_name(name), 'keystone',
                    f'/v3/OS-FEDERATION/identity_providers/{cloud.name}'
                    '/protocols/mapped/auth'),
            } for name in cloud.service_providers},
        'trusts': [{
            'idp': trust.idp,
            'remote_id': entity_id(topology.by_name(trust.idp)),
            'roles': (trust.role, trust.image_role),
        } for trust in cloud.trusts],
        'volume_backend': 'fake' if site.fake else 'rbd',
        'guest': str(site.guest) if 'nova' in cloud.components else '',
    }


def nodes(site: state.Site, cloud: model.Cloud) -> list[model.Node]:
    """Database, certificate, process, users."""
    name, var = cloud.name, site.var(cloud, 'keystone')
    config = site.etc(cloud, 'keystone') / 'keystone.conf'
    manage = (site.tool('keystone-manage'), '--config-file', str(config))

    def database() -> None:
        for folder in ('fernet', 'credential'):
            _keys(var / folder)
        public = topology.url(cloud, 'keystone', '/v3')
        node = f'{name}/keystone-database'
        process.run(site, node, *manage, 'db_sync')
        process.run(site, node, *manage, 'bootstrap',
                    '--bootstrap-password', cloud.password('admin'),
                    '--bootstrap-region-id', name,
                    '--bootstrap-admin-url', public,
                    '--bootstrap-internal-url', public,
                    '--bootstrap-public-url', public)

    def saml() -> None:
        node = f'{name}/keystone-saml'
        process.run(site, node, 'openssl', 'req', '-x509', '-newkey',
                    'rsa:2048', '-nodes', '-days', '3650', '-subj',
                    f'/CN={name}', '-keyout', str(var / 'saml.key'),
                    '-out', str(var / 'saml.crt'))
        text = process.run(site, node, *manage, 'saml_idp_metadata')
        metadata(site, cloud).write_text(text[text.index('<'):])

    check: health.Check
    listen: tuple[str, ...]
    ports: tuple[int, ...]
    if cloud.trusts:
        path = backend(site, cloud)
        listen = ('--socket', str(path), '--chown-socket', 'root:www-data',
                  '--chmod-socket=660')
        ports, check = (), health.UnixSocket(path)
        front = f'{name}/apache'
    else:
        listen = common.listen(cloud, 'keystone')
        port = topology.port(cloud, 'keystone')
        ports, check = (port,), health.Http(port, '/v3')
        front = f'{name}/keystone'
    apis = tuple(f'{name}/{process_name}' for component, process_name in (
        ('glance', 'glance-api'), ('cinder', 'cinder-api'),
        ('nova', 'nova-api')) if component in site.components(cloud))
    return [
        model.Task(name, 'keystone-database', database,
                   ('shared/databases',)),
        model.Task(name, 'keystone-saml', saml),
        model.Service(
            name, 'keystone',
            common.uwsgi(site, listen, 'keystone.wsgi.api'),
            check, env={'OS_KEYSTONE_CONFIG_FILES': str(config)},
            ports=ports, config=config.parent,
            after=(f'{name}/keystone-database', f'{name}/keystone-saml',
                   f'{name}/memcached')),
        seed(site, cloud, 'identity', (front,)),
        seed(site, cloud, 'resources',
              (f'{name}/seed-identity', *apis)),
    ]
