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

"""Heat of moc, unmodified, as long as a test wants it."""

import pathlib
import secrets
import subprocess
import sys
from typing import Any

import fixtures
import requests

from sandbox import client
from sandbox import ini
from sandbox.services import common
from sandbox import topology
from tests.scenario import tables

#: Where its API listens: a port that no cloud has.
PORT = topology.port(topology.SHARED, 'epmd') + 101

BIN = pathlib.Path(sys.executable).parent
_PASTE = BIN.parent / 'etc' / 'heat' / 'api-paste.ini'


class Heat(fixtures.Fixture):
    """Users, database, heat-api and heat-engine.

    :param sandbox: its clouds
    """

    def __init__(self, sandbox: client.Sandbox) -> None:
        super().__init__()
        self._sandbox = sandbox
        self._home = topology.by_name(topology.HOME)
        self._keystone = sandbox.user(topology.HOME, 'admin').api('identity')
        self.url = f'http://127.0.0.1:{PORT}/v1'

    def _setUp(self) -> None:
        self._folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self._log = self._sandbox.site.log(topology.HOME, 'heat')
        self._make_people()
        tables.execute(topology.HOME, 'cinder',
                       f'CREATE DATABASE {topology.HOME}_heat')
        self.addCleanup(tables.execute, topology.HOME, 'cinder',
                        f'DROP DATABASE {topology.HOME}_heat')
        config = self._folder / 'heat.conf'
        config.write_text(ini.render(self._conf()))
        options = '--config-file', str(config)
        client.must(client.run(str(BIN / 'heat-manage'), *options, 'db_sync'))
        self._start(str(BIN / 'heat-engine'), *options)
        self._start(str(BIN / 'uwsgi'), '--http-socket', f'127.0.0.1:{PORT}',
                    '--module', 'heat.wsgi.api:application', '--master',
                    '--die-on-term', '--need-app', '--threads', '2',
                    '--enable-threads', '--lazy-apps', '--buffer-size',
                    '65535', '--add-header', 'Connection: close', '-H',
                    str(BIN.parent), '--pyargv',
                    ' '.join(options))
        client.wait_for('heat-api', self._answers)

    def _make(self, path: str, **body: Any) -> str:
        """Make something in Keystone until the test ends; its id."""
        response = self._keystone.post(path, json=body)
        assert response.status_code == 201, response.text
        (made,) = response.json().values()
        self.addCleanup(self._keystone.delete, f'{path}/{made["id"]}')
        return made['id']

    def _id(self, collection: str, name: str) -> str:
        found, = self._keystone.get(f'/{collection}', params={
            'name': name}).json()[collection]
        return found['id']

    def _make_people(self) -> None:
        self._password = secrets.token_hex(16)
        admin = self._id('roles', 'admin')
        heat = self._make('/users', user={
            'name': 'heat', 'password': self._password})
        service = self._id('projects', 'service')
        self._keystone.put(
            f'/projects/{service}/users/{heat}/roles/{admin}')
        domain = self._make('/domains', domain={'name': 'heat'})
        self.addCleanup(self._keystone.patch, f'/domains/{domain}', json={
            'domain': {'enabled': False}})
        stacks = self._make('/users', user={
            'name': 'heat_domain_admin', 'password': self._password,
            'domain_id': domain})
        self._keystone.put(f'/domains/{domain}/users/{stacks}/roles/{admin}')
        self._make('/roles', role={'name': 'heat_stack_user'})
        kind = self._make('/services', service={
            'name': 'heat', 'type': 'orchestration'})
        self._make('/endpoints', endpoint={
            'service_id': kind, 'interface': 'public',
            'region_id': topology.HOME, 'url': f'{self.url}/$(project_id)s'})

    def _conf(self) -> dict[str, dict[str, object]]:
        heat = {**common.credentials(self._home, 'heat'),
                'password': self._password}
        return {
            'DEFAULT': {
                'transport_url': common.transport(self._home),
                'auth_encryption_key': secrets.token_hex(16),
                'region_name_for_services': topology.HOME,
                'stack_user_domain_name': 'heat',
                'stack_domain_admin': 'heat_domain_admin',
                'stack_domain_admin_password': self._password,
                'heat_metadata_server_url': f'http://127.0.0.1:{PORT}',
                'num_engine_workers': 1,
                'log_file': self._log},
            'paste_deploy': {'api_paste_config': _PASTE},
            'database': {'connection': common.database(self._home, 'heat')},
            'keystone_authtoken': {
                **heat, 'www_authenticate_uri': heat['auth_url'],
                'memcached_servers': common.memcached(self._home)},
            'trustee': {key: heat[key] for key in (
                'auth_type', 'auth_url', 'username', 'password',
                'user_domain_name')},
            'clients_keystone': {'auth_uri': heat['auth_url']}}

    def _start(self, *command: str) -> None:
        with self._log.open('ab') as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self._folder)
        self.addCleanup(process.wait, 60)
        self.addCleanup(process.terminate)

    @staticmethod
    def _answers() -> bool:
        try:
            return requests.get(f'http://127.0.0.1:{PORT}/',
                                timeout=10).status_code == 300
        except requests.ConnectionError:
            return False
