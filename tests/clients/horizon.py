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

"""Horizon of moc, unmodified, as long as a test wants it."""

import os
import pathlib
import pprint
import secrets
import subprocess
import sys
from typing import Any

import fixtures
import requests

from sandbox import client
from sandbox import topology

#: Where it listens: a port that no cloud has.
PORT = topology.port(topology.SHARED, 'epmd') + 102

BIN = pathlib.Path(sys.executable).parent
#: What a page says of what was done before is not to fade while it is read.
_MORE = """
from openstack_dashboard.settings import HORIZON_CONFIG
HORIZON_CONFIG['auto_fade_alerts']['delay'] = 3_600_000
"""


class Horizon(fixtures.Fixture):
    """Its settings, its static files, and a server with them.

    :param sandbox: its clouds
    """

    def __init__(self, sandbox: client.Sandbox) -> None:
        super().__init__()
        self._log = sandbox.site.log(topology.HOME, 'horizon')
        self.url = f'http://127.0.0.1:{PORT}'

    def _setUp(self) -> None:
        self._folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        # NOTE: Horizon imports "local.local_settings" from the first folder
        # that has it; its own comes last.
        local = self._folder / 'local'
        local.mkdir()
        (local / '__init__.py').touch()
        (local / 'local_settings.py').write_text(''.join(
            f'{name} = {pprint.pformat(value)}\n'
            for name, value in self._settings().items()) + _MORE)
        self._env = {'PYTHONPATH': str(self._folder),
                     'DJANGO_SETTINGS_MODULE': 'openstack_dashboard.settings',
                     'PYTHONWARNINGS': 'ignore'}
        for command in (('collectstatic', '--noinput'), ('compress',)):
            client.must(client.run(str(BIN / 'django-admin'), *command,
                                   env=self._env))
        self._start()
        client.wait_for('Horizon', self._answers)

    def _settings(self) -> dict[str, Any]:
        home = topology.by_name(topology.HOME)
        return {
            'SECRET_KEY': secrets.token_hex(16),
            'ALLOWED_HOSTS': ['127.0.0.1'],
            'OPENSTACK_KEYSTONE_URL': topology.url(home, 'keystone', '/v3'),
            # The server is one process.
            'CACHES': {'default': {
                'BACKEND':
                    'django.core.cache.backends.locmem.LocMemCache'}},
            'COMPRESS_OFFLINE': True,
            'STATIC_ROOT': str(self._folder / 'static'),
            'LOGGING': {
                'version': 1,
                'disable_existing_loggers': False,
                'handlers': {'console': {'class': 'logging.StreamHandler'}},
                'root': {'handlers': ['console'], 'level': 'INFO'}}}

    def _start(self) -> None:
        with self._log.open('ab') as log:
            process = subprocess.Popen(
                (str(BIN / 'uwsgi'), '--http-socket', f'127.0.0.1:{PORT}',
                 '--module', 'openstack_dashboard.wsgi:application',
                 '--master', '--die-on-term', '--need-app', '--threads', '4',
                 '--enable-threads', '--lazy-apps', '--buffer-size', '65535',
                 '--add-header', 'Connection: close', '-H', str(BIN.parent),
                 '--static-map', f'/static={self._folder / "static"}'),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self._folder, env={**os.environ, **self._env})
        self.addCleanup(process.wait, 60)
        self.addCleanup(process.terminate)

    def _answers(self) -> bool:
        try:
            return requests.get(f'{self.url}/auth/login/',
                                timeout=60).status_code == 200
        except requests.ConnectionError:
            return False
