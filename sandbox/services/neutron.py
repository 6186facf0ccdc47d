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

"""Neutron's API: Nova asks it even for servers without a network.

There are no agents, hence no networks that carry anything.
"""

from sandbox import ini
from sandbox import model
from sandbox import process
from sandbox.services import common
from sandbox import state


def render(site: state.Site, cloud: model.Cloud) -> None:
    """ML2 without a mechanism."""
    etc, var = site.etc(cloud, 'neutron'), site.var(cloud, 'neutron')
    site.write(etc / 'api-paste.ini', common.installed(
        site, 'neutron/api-paste.ini').read_text())
    site.write(etc / 'neutron.conf', ini.render({
        'DEFAULT': {
            'transport_url': common.transport(cloud),
            'auth_strategy': 'keystone',
            'core_plugin': 'ml2',
            'service_plugins': 'router',
            'api_paste_config': etc / 'api-paste.ini',
            'state_path': var,
            'notify_nova_on_port_status_changes': False,
            'notify_nova_on_port_data_changes': False},
        'ml2': {
            'type_drivers': 'vxlan',
            'tenant_network_types': 'vxlan',
            'mechanism_drivers': '',
            'extension_drivers': ''},
        # NOTE: this type reads the database when Neutron starts. Without
        # that, GET /ports as the first request fails (AttributeError on
        # port_forwardings), and so would the next.
        'ml2_type_vxlan': {'vni_ranges': '1:1000'},
        'database': {'connection': common.database(cloud, 'neutron')},
        'keystone_authtoken': common.authtoken(cloud, 'neutron'),
        'oslo_concurrency': common.lock_path(site, cloud),
    }))


def nodes(site: state.Site, cloud: model.Cloud) -> list[model.Node]:
    """Database and API."""
    name, etc = cloud.name, site.etc(cloud, 'neutron')

    def database() -> None:
        process.run(site, f'{name}/neutron-database',
                    site.tool('neutron-db-manage'), '--config-file',
                    str(etc / 'neutron.conf'), 'upgrade', 'heads')

    return [
        model.Task(name, 'neutron-database', database,
                   ('shared/databases',)),
        common.api(
            site, cloud, 'neutron',
            common.uwsgi(site, common.listen(cloud, 'neutron'),
                         'neutron.wsgi.api'),
            {'OS_NEUTRON_CONFIG_DIR': str(etc),
             'OS_NEUTRON_CONFIG_FILES': 'neutron.conf'},
            (f'{name}/neutron-database', 'shared/rabbitmq'),
            process='neutron-api'),
    ]
