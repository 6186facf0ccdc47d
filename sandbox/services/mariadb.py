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

"""One MariaDB for all clouds, with databases and a user of each."""

import shutil
import subprocess

from sandbox import health
from sandbox import model
from sandbox import process
from sandbox import state
from sandbox import topology

#: Databases of each component.
NAMES = {
    'keystone': ('keystone',),
    'glance': ('glance',),
    'cinder': ('cinder',),
    'placement': ('placement',),
    'neutron': ('neutron',),
    'nova': ('nova_api', 'nova_cell0', 'nova'),
}


def render(site: state.Site, cloud: model.Cloud) -> None:
    """Speed counts, not safety: the data are those of a sandbox."""
    var = site.var(cloud, 'mariadb')
    (var / 'tmp').mkdir(exist_ok=True)
    site.write(site.etc(cloud, 'mariadb') / 'my.cnf', f"""\
[mysqld]
datadir={var}/data
# A server that starts deletes the temporary tables of others in its folder.
tmpdir={var}/tmp
socket={site.sockets}/mariadb.sock
pid-file={var}/mariadb.pid
bind-address=127.0.0.1
port={topology.port(cloud, 'mariadb')}
user=root
skip-log-bin
skip-name-resolve
performance_schema=OFF
max_connections=1000
innodb_buffer_pool_size=256M
innodb_log_file_size=64M
innodb_flush_log_at_trx_commit=0
innodb_doublewrite=0
innodb_flush_method=nosync
character-set-server=utf8mb3
""")


def statements(site: state.Site) -> str:
    """SQL that makes all databases and users; it may be run again."""
    lines = []
    for cloud in site.clouds:
        names = [name for component in site.components(cloud)
                 for name in NAMES.get(component, ())]
        if not names:
            continue
        for name in names:
            lines.append(
                f'create database if not exists {cloud.name}_{name};')
        user = f"'{cloud.name}'@'%'"
        lines.append(f'create user if not exists {user} '
                     f"identified by '{cloud.password('db')}';")
        lines.append(f'grant all on `{cloud.name}\\_%`.* to {user};')
    return '\n'.join(lines)


def value(site: state.Site, cloud: model.Cloud, name: str, sql: str) -> str:
    """The answer to a query that has one value."""
    return subprocess.run(
        ('mariadb', f'--socket={site.sockets}/mariadb.sock', '-uroot',
         f'{cloud.name}_{name}', '-N', '-e', sql), check=True, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout.strip()


def nodes(site: state.Site, cloud: model.Cloud) -> list[model.Node]:
    """Data directory, server, databases."""
    config = site.etc(cloud, 'mariadb') / 'my.cnf'
    sql = statements(site)

    def data() -> None:
        shutil.rmtree(site.var(cloud, 'mariadb') / 'data',
                      ignore_errors=True)
        process.run(site, 'shared/mariadb-data', 'mariadb-install-db',
                    f'--defaults-file={config}', '--user=root',
                    '--auth-root-authentication-method=normal',
                    '--skip-test-db')

    def databases() -> None:
        process.run(site, 'shared/databases', 'mariadb',
                    f'--socket={site.sockets}/mariadb.sock', '-uroot',
                    stdin=sql)

    port = topology.port(cloud, 'mariadb')
    return [
        model.Task('shared', 'mariadb-data', data),
        model.Service(
            'shared', 'mariadb', ('mariadbd', f'--defaults-file={config}'),
            health.Port(port), ports=(port,), after=('shared/mariadb-data',),
            config=config.parent),
        model.Task('shared', 'databases', databases, ('shared/mariadb',),
                   stamp=sql),
    ]
