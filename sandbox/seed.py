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

"""Makes users, trust and a few resources; runs in the virtual environment.

``seed.py identity|resources|hosts FILE``: the file describes one cloud. All is
looked up first, so that it may run again.
"""

import json
import pathlib
import sys
import typing

from keystoneauth1 import adapter
from keystoneauth1.identity import v3
from keystoneauth1 import session

from sandbox import guest

Body = dict[str, typing.Any]

#: A mapping that matches nobody: the rules file decides (see
#: doc/source/admin/authorization.rst).
NOBODY = [{'local': [{'user': {'name': '{0}'}}],
           'remote': [{'type': 'MIXMATCH_DECIDES'}]}]

#: Names of services by type, as installers give them; Apache Libcloud looks
#: for these.
NAMES = {'compute': 'nova', 'image': 'glance', 'network': 'neutron',
         'block-storage': 'cinder', 'volumev3': 'cinderv3'}


class Api(adapter.Adapter):
    """One service's API, with what is needed to look before making."""

    def find(self, path: str, **query: typing.Any) -> 'Body | None':
        """The first of a collection."""
        plural = path.rpartition('/')[2]
        found = self.get(path, params=query).json()[plural]
        return found[0] if found else None

    def ensure(self, path: str, body: Body,
               query: 'Body | None' = None) -> Body:
        """Find it by name, or make it."""
        kind, = body
        asked = query or {'name': body[kind]['name']}
        found = self.find(path, **asked)
        return found or self.post(path, json=body).json()[kind]

    def put_or_patch(self, path: str, body: Body) -> None:
        """Make something whose name is in its path, or change it."""
        if self.get(path, raise_exc=False).status_code == 404:
            self.put(path, json=body)
        else:
            self.patch(path, json=body)


def connect(cloud: Body, kind: str, version: str = '',
            microversion: 'str | None' = None) -> Api:
    """The API of that service type, as the cloud's administrator."""
    auth = v3.Password(
        cloud['auth_url'], username='admin',
        password=cloud['admin_password'], user_domain_id='default',
        project_name='admin', project_domain_id='default')
    return Api(session.Session(auth), service_type=kind,
               interface='public', default_microversion=microversion,
               endpoint_override=version or None)


class Identity:
    """Users, projects, the catalogue and trust."""

    def __init__(self, cloud: Body) -> None:
        self.cloud = cloud
        self.api = connect(cloud, 'identity', cloud['auth_url'])
        self.roles = {role['name']: role['id']
                      for role in self.api.get('/roles').json()['roles']}

    def project(self, name: str) -> str:
        """Id of a project of the domain Default."""
        return self.api.ensure(
            '/projects', {'project': {'name': name, 'domain_id': 'default'}},
            {'name': name, 'domain_id': 'default'})['id']

    def user(self, name: str, password: str) -> str:
        """Id of a user of the domain Default."""
        return self.api.ensure(
            '/users', {'user': {'name': name, 'password': password,
                                'domain_id': 'default'}},
            {'name': name, 'domain_id': 'default'})['id']

    def grant(self, project: str, kind: str, who: str, role: str) -> None:
        """Give a role; giving it twice does no harm."""
        self.api.put(f'/projects/{project}/{kind}/{who}/roles/'
                     f'{self.roles[role]}')

    def run(self) -> None:
        """All of it."""
        projects = {name: self.project(name)
                    for name in self.cloud['projects']}
        for name, user in self.cloud['users'].items():
            who = self.user(name, user['password'])
            for project in user['projects']:
                self.grant(projects[project], 'users', who, 'member')
        for name, password in self.cloud['service_users'].items():
            who = self.user(name, password)
            for role in ('admin', 'service'):
                self.grant(projects['service'], 'users', who, role)
        for kind, url in self.cloud['endpoints'].items():
            self.endpoint(kind, url)
        for kind in self.cloud['absent']:
            self.no_endpoint(kind)
        for name, urls in self.cloud['service_providers'].items():
            self.api.put_or_patch(
                f'/OS-FEDERATION/service_providers/{name}',
                {'service_provider': {
                    'enabled': True, 'relay_state_prefix': 'ss:mem:',
                    **urls}})
        for trust in self.cloud['trusts']:
            self.trust(trust)

    def endpoint(self, kind: str, url: str) -> None:
        """One URL for all interfaces."""
        service = self.api.ensure(
            '/services', {'service': {
                'name': NAMES.get(kind, kind), 'type': kind}})['id']
        for interface in ('public', 'internal', 'admin'):
            self.api.ensure(
                '/endpoints', {'endpoint': {
                    'service_id': service, 'interface': interface,
                    'region_id': self.cloud['name'], 'url': url}},
                {'service_id': service, 'interface': interface})

    def no_endpoint(self, kind: str) -> None:
        """Delete services from the catalog that a cloud no longer has."""
        found = self.api.find('/services', type=kind)
        if found:
            self.api.delete(f'/services/{found["id"]}')

    def trust(self, trust: Body) -> None:
        """Know another cloud; who of it may enter is in the rules."""
        idp = trust['idp']
        domain = self.api.ensure('/domains', {'domain': {'name': idp}})['id']
        for role in trust['roles']:
            if role not in self.roles:
                self.roles[role] = self.api.ensure(
                    '/roles', {'role': {'name': role}})['id']
        base = f'/OS-FEDERATION/identity_providers/{idp}'
        self.api.put_or_patch('/OS-FEDERATION/mappings/mixmatch', {
            'mapping': {'rules': NOBODY, 'schema_version': '1.0'}})
        provider: Body = {'enabled': True, 'remote_ids': [trust['remote_id']]}
        if self.api.get(base, raise_exc=False).status_code == 404:
            provider['domain_id'] = domain
        self.api.put_or_patch(base, {'identity_provider': provider})
        self.api.put_or_patch(f'{base}/protocols/mapped', {'protocol': {
            'mapping_id': 'mixmatch', 'remote_id_attribute':
                'Shib-Identity-Provider'}})


def volume_type(cloud: Body) -> None:
    """The type that Cinder's configuration has as its default."""
    api = connect(cloud, 'block-storage')
    name = cloud['volume_backend']
    types = api.get('/types').json()['volume_types']
    if name not in [kind['name'] for kind in types]:
        api.post('/types', json={'volume_type': {
            'name': name, 'extra_specs': {'volume_backend_name': name}}})


def image(api: Api, name: str, kind: str, path: pathlib.Path,
          **more: str) -> str:
    """Id of a public image with the content of a file."""
    body = {'name': name, 'visibility': 'public', 'disk_format': kind,
            'container_format': kind, **more}
    found = api.find('/v2/images', name=name)
    if found and found['status'] == 'queued':
        api.delete(f'/v2/images/{found["id"]}')
        found = None
    if not found:
        found = api.post('/v2/images', json=body).json()
        api.put(f'/v2/images/{found["id"]}/file', data=path.read_bytes(),
                headers={'Content-Type': 'application/octet-stream'})
    return found['id']


def guest_image(cloud: Body) -> None:
    """The image and the flavor of the tiny guest."""
    folder = pathlib.Path(cloud['guest'])
    api = connect(cloud, 'image')
    # NOTE: Nova's own command line has the console elsewhere.
    image(api, 'guest', 'ami', folder / 'root',
          kernel_id=image(api, 'guest-kernel', 'aki', folder / 'vmlinuz'),
          ramdisk_id=image(api, 'guest-initrd', 'ari', folder / 'initrd'),
          os_command_line=guest.COMMAND_LINE)
    api = connect(cloud, 'compute')
    flavors = api.get('/flavors').json()['flavors']
    if 'tiny' not in [flavor['name'] for flavor in flavors]:
        api.post('/flavors', json={'flavor': {
            'name': 'tiny', 'ram': 128, 'vcpus': 1, 'disk': 1}})


def hosts(cloud: Body) -> None:
    """Disable all but the first: who wants to move servers enables them."""
    api = connect(cloud, 'compute', microversion='2.53')
    for service in api.get('/os-services', params={
            'binary': 'nova-compute'}).json()['services']:
        if service['host'] != cloud['name']:
            api.put(f'/os-services/{service["id"]}', json={
                'status': 'disabled',
                'disabled_reason': 'until somebody wants to move servers'})


def main() -> None:
    """Make one part of one cloud."""
    cloud = json.loads(pathlib.Path(sys.argv[2]).read_text())
    if sys.argv[1] == 'identity':
        Identity(cloud).run()
        return
    if sys.argv[1] == 'hosts':
        hosts(cloud)
        return
    volume_type(cloud)
    if cloud['guest']:
        guest_image(cloud)


if __name__ == '__main__':
    main()
