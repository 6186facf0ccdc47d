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

"""Nova: API, conductor, scheduler, and a compute for each host."""

import dataclasses
import pathlib
import subprocess

from sandbox import health
from sandbox import ini
from sandbox import model
from sandbox import process
from sandbox.services import common
from sandbox.services import keystone
from sandbox.services import libvirt
from sandbox.services import mariadb
from sandbox import state
from sandbox import topology

READY = 'Join ServiceGroup membership for this service'
#: Whether the scheduler takes a host for alive. After a while without it that
#: is a few seconds later than it is ready.
ALIVE = '''
select count(*) from compute_nodes join services
    on services.host = compute_nodes.host and `binary` = 'nova-compute'
where compute_nodes.deleted = 0 and services.deleted = 0
    and coalesce(last_seen_up, services.created_at)
        > utc_timestamp() - interval 50 second
    and services.host = '{host}'
'''
PRIVSEP = ('nova_sys_admin', 'privsep_osbrick',
           'vif_plug_linux_bridge_privileged', 'vif_plug_ovs_privileged')


@dataclasses.dataclass(frozen=True)
class _Alive:
    """The scheduler gives a host new servers."""

    site: state.Site
    cloud: model.Cloud
    host: str

    def ok(self, log: pathlib.Path, offset: int) -> bool:
        """See :class:`sandbox.health.Check`."""
        try:
            return mariadb.value(self.site, self.cloud, 'nova',
                                 ALIVE.format(host=self.host)) == '1'
        except subprocess.CalledProcessError:
            return False


def _paste(site: state.Site, cloud: model.Cloud) -> str:
    text = common.installed(site, 'nova/api-paste.ini').read_text()
    if not cloud.home or site.mode.plain:
        return text
    return ini.add_filter(
        text, 'mixmatch', 'egg:mixmatch#nova', 'keystonecontext',
        {'openstack_compute_api_v21': ('keystone',),
         'openstack_compute_api_v21_legacy_v2_compatible': ('keystone',)})


def _fake(site: state.Site, cloud: model.Cloud) -> bool:
    return 'libvirt' not in site.components(cloud)


def _hypervisor(site: state.Site, cloud: model.Cloud, host: str) -> dict:
    if _fake(site, cloud):
        return {}
    return {'libvirt': {
        'connection_uri': libvirt.uri(site, host),
        'live_migration_uri': libvirt.uri(site, '%s'),
        # NOTE: /dev/kvm may open and still not run a guest.
        'virt_type': 'qemu',
        'cpu_mode': 'none',
        # NOTE: the guest does not listen: it becomes a hard reboot.
        'wait_soft_reboot_seconds': 2,
        'images_type': 'raw'}}


def _instances(site: state.Site, cloud: model.Cloud) -> pathlib.Path:
    """The hosts share it, as by NFS: their addresses are the same."""
    return site.var(cloud, 'nova') / 'instances'


def _compute_conf(host: model.Host) -> str:
    return f'nova-cpu{host.suffix}.conf'


def _conf(site: state.Site, cloud: model.Cloud, name: str,
          host: model.Host) -> dict:
    """Return the sections that all of Nova's processes have."""
    etc, var = site.etc(cloud, 'nova'), site.var(
        cloud, f'nova{host.suffix}')
    # NOTE: of the fake drivers, only this one has the same node after a
    # restart; nova-compute refuses to start without it.
    driver = ('fake.FakeDriverWithoutFakeNodes' if _fake(site, cloud)
              else 'libvirt.LibvirtDriver')
    nova = common.credentials(cloud, 'nova')
    sections = {
        'DEFAULT': {
            **common.debug(),
            'transport_url': common.transport(cloud),
            'my_ip': '127.0.0.1',
            'host': host.name,
            'state_path': var,
            'instances_path': _instances(site, cloud),
            'compute_driver': driver,
            'force_config_drive': False,
            'graceful_shutdown_timeout': 1,
            # What is done now and then is done at once after a start, too.
            'periodic_fuzzy_delay': 0,
            # NOTE: a call that the restart of nova-conductor has lost must
            # end before service_down_time, or the host is taken for dead.
            'rpc_response_timeout': 40,
            'reserved_host_memory_mb': 0,
            # NOTE: the guest does not listen to the power button.
            'shutdown_timeout': 1,
            'heal_instance_info_cache_interval': -1,
            'resume_guests_state_on_host_boot': True},
        'wsgi': {'api_paste_config': etc / 'api-paste.ini'},
        'api': {'auth_strategy': 'keystone'},
        'conductor': {'workers': 1},
        'scheduler': {'workers': 1},
        'placement': common.credentials(cloud, 'placement'),
        'glance': {**common.credentials(cloud, 'glance'),
                   'api_servers': topology.url(cloud, 'glance')},
        'cinder': {**nova, 'os_region_name': cloud.name},
        'neutron': nova,
        'keystone_authtoken': common.authtoken(cloud, 'nova'),
        'service_user': common.service_user(cloud, 'nova'),
        'vnc': {'enabled': False},
        'oslo_concurrency': common.lock_path(site, cloud),
        **_hypervisor(site, cloud, host.name),
        **common.privsep(site, etc / name, *PRIVSEP),
    }
    if cloud.home and not site.mode.plain:
        sections['DEFAULT']['config_source'] = 'mixmatch'
        sections.update(common.mixmatch(cloud, site.mode.patient))
        sections['mixmatch']['driver'] = 'mixmatch'
    return sections


def _has_eventlet(site: state.Site) -> bool:
    """Return whether nova-api patches itself for eventlet.

    Its threads are none that uwsgi may switch between, or fork.
    """
    return site.mode.release < '2026.1'


def render(site: state.Site, cloud: model.Cloud) -> None:
    """nova-compute has a file without a database."""
    etc = site.etc(cloud, 'nova')
    _instances(site, cloud).mkdir(exist_ok=True)
    for host in cloud.hosts:
        file = _compute_conf(host)
        site.write(etc / file, ini.render(_conf(site, cloud, file, host)))
    site.write(etc / 'nova.conf', ini.render({
        **_conf(site, cloud, 'nova.conf', cloud.hosts[0]),
        'api_database': {'connection': common.database(cloud, 'nova_api')},
        'database': {'connection': common.database(cloud, 'nova')}}))
    site.write(etc / 'api-paste.ini', _paste(site, cloud))


def nodes(site: state.Site, cloud: model.Cloud) -> list[model.Node]:
    """Databases, processes, the mapping of the compute's host."""
    name, etc = cloud.name, site.etc(cloud, 'nova')
    config = ('--config-file', str(etc / 'nova.conf'))

    def manage(node: str, *command: str,
               accept: tuple[int, ...] = (0,)) -> None:
        process.run(site, f'{name}/{node}', site.tool('nova-manage'),
                    *config, *command, accept=accept)

    def database() -> None:
        node = 'nova-database'
        manage(node, 'api_db', 'sync')
        manage(node, 'cell_v2', 'map_cell0', '--database_connection',
               common.database(cloud, 'nova_cell0'))
        manage(node, 'db', 'sync')
        # NOTE: 2 says that the cell exists.
        manage(node, 'cell_v2', 'create_cell', '--name', 'cell1',
               accept=(0, 2))

    def map_host() -> None:
        manage('nova-host', 'cell_v2', 'discover_hosts', '--verbose')

    after = (f'{name}/nova-database', f'{name}/memcached',
             'shared/rabbitmq')

    def worker(what: str, *more: str, file: str = 'nova.conf',
               suffix: str = '', alive: tuple[health.Check, ...] = (),
               ) -> model.Service:
        return model.Service(
            name, what + suffix,
            (site.tool(what), '--config-file', str(etc / file)),
            health.All((health.LogLine(READY), *alive)),
            after=after + more, config=etc)

    # NOTE: each of them asks Placement when it starts, or ends.
    asked = (f'{name}/seed-identity', f'{name}/placement')

    def compute(host: model.Host) -> model.Service:
        hypervisor = () if _fake(site, cloud) else (
            f'{name}/libvirt-secrets{host.suffix}',)
        return worker('nova-compute', f'{name}/nova-conductor', *asked,
                      *hypervisor, file=_compute_conf(host),
                      suffix=host.suffix,
                      alive=(_Alive(site, cloud, host.name),))

    computes = [compute(host) for host in cloud.hosts]
    eventlet = _has_eventlet(site)
    return [
        model.Task(name, 'nova-database', database, ('shared/databases',)),
        common.api(
            site, cloud, 'nova',
            common.uwsgi(site, common.listen(cloud, 'nova'),
                         'nova.wsgi.osapi_compute',
                         processes=common.PROCESSES,
                         threads=1 if eventlet else 2, forked=not eventlet),
            {'OS_NOVA_CONFIG_DIR': str(etc)}, after, process='nova-api'),
        worker('nova-conductor', *asked),
        worker('nova-scheduler', *asked),
        *computes,
        model.Task(name, 'nova-host', map_host,
                   tuple(each.id for each in computes)),
        keystone.seed(site, cloud, 'hosts', (f'{name}/nova-host',)),
    ]
