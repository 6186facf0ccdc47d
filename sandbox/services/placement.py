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

"""Placement: what Nova's computes have to offer."""

from sandbox import ini
from sandbox import model
from sandbox import process
from sandbox.services import common
from sandbox import state


def render(site: state.Site, cloud: model.Cloud) -> None:
    """Database and login."""
    site.write(site.etc(cloud, 'placement') / 'placement.conf', ini.render({
        'DEFAULT': {},
        'placement_database': {
            'connection': common.database(cloud, 'placement')},
        'api': {'auth_strategy': 'keystone'},
        'keystone_authtoken': common.authtoken(cloud, 'placement'),
        'oslo_concurrency': common.lock_path(site, cloud),
    }))


def nodes(site: state.Site, cloud: model.Cloud) -> list[model.Node]:
    """Database and API."""
    name, etc = cloud.name, site.etc(cloud, 'placement')

    def database() -> None:
        process.run(site, f'{name}/placement-database',
                    site.tool('placement-manage'), '--config-file',
                    str(etc / 'placement.conf'), 'db', 'sync')

    return [
        model.Task(name, 'placement-database', database,
                   ('shared/databases',)),
        common.api(
            site, cloud, 'placement',
            common.uwsgi(site, common.listen(cloud, 'placement'),
                         'placement.wsgi.api'),
            {'OS_PLACEMENT_CONFIG_DIR': str(etc)},
            (f'{name}/placement-database',)),
    ]
