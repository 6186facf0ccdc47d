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

"""Cinder: volumes in the cloud's own Ceph, or pretended ones."""

import pathlib

from sandbox import health
from sandbox import ini
from sandbox import model
from sandbox import process
from sandbox.services import ceph
from sandbox.services import common
from sandbox import state
from sandbox import topology

#: Runs cinder-volume.
LAUNCHER = pathlib.Path(__file__).with_name('cinder_volume.py')

READER = 'rule:xena_system_admin_or_project_reader'
MEMBER = 'rule:xena_system_admin_or_project_member'

#: What an attachment needs, and the default rule of each.
POLICIES = {
    'volume:get': READER,
    'volume:attachment_create': MEMBER,
    'volume:attachment_update': MEMBER,
    'volume:attachment_delete': MEMBER,
    'volume:attachment_complete': MEMBER,
    'volume_extension:volume_actions:begin_detaching': MEMBER,
    'volume_extension:volume_actions:roll_detaching': MEMBER,
    # For a volume without an attachment that Cinder left as if it had one.
    'volume_extension:volume_admin_actions:reset_status': 'rule:admin_api',
}


def policy(cloud: model.Cloud) -> str:
    """Return the policy for the Nova of another cloud."""
    roles = sorted({trust.role for trust in cloud.trusts})
    lines = []
    for name, default in POLICIES.items():
        rule = default + ''.join(
            f' or (role:{other} and project_id:%(project_id)s)'
            for other in roles)
        lines.append(f'"{name}": "{rule}"\n')
    return ''.join(lines) if roles else '{}\n'


def _paste(site: state.Site, cloud: model.Cloud) -> str:
    text = common.installed(site, 'cinder/api-paste.ini').read_text()
    if site.mode.plain:
        return text
    for wanted, name, use in (
            (cloud.home, 'mixmatch', 'egg:mixmatch#cinder'),
            (cloud.trusts, 'mixmatch_protection',
             'egg:mixmatch#cinder_protection')):
        if wanted:
            text = ini.add_filter(
                text, name, use, 'keystonecontext',
                {'openstack_volume_api_v3': ('keystone', 'keystone_nolimit')})
    return text


def _backend(site: state.Site, cloud: model.Cloud) -> dict[str, object]:
    if site.fake:
        driver = 'cinder.tests.fake_driver.FakeLoggingVolumeDriver'
        return {'volume_driver': driver, 'volume_backend_name': 'fake'}
    return {
        'volume_driver': 'cinder.volume.drivers.rbd.RBDDriver',
        'volume_backend_name': 'rbd',
        'rbd_pool': ceph.POOL,
        'rbd_ceph_conf': ceph.conf(site, cloud),
        'rbd_user': 'cinder',
        'rbd_cluster_name': 'ceph',
        'rbd_secret_uuid': cloud.secret_uuid,
        'rbd_flatten_volume_from_snapshot': False,
        'rbd_exclusive_cinder_pool': True,
    }


def render(site: state.Site, cloud: model.Cloud) -> None:
    """One backend, with the volume type of its name as the default."""
    etc, var = site.etc(cloud, 'cinder'), site.var(cloud, 'cinder')
    path = etc / 'cinder.conf'
    backend = 'fake' if site.fake else 'rbd'
    sections: dict[str, ini.Section] = {
        'DEFAULT': {
            **common.debug(),
            'transport_url': common.transport(cloud),
            'auth_strategy': 'keystone',
            'my_ip': '127.0.0.1',
            'host': cloud.name,
            'state_path': var,
            'api_paste_config': etc / 'api-paste.ini',
            'rootwrap_config': common.installed(site, 'cinder/rootwrap.conf'),
            'resource_query_filters_file': common.installed(
                site, 'cinder/resource_filters.json'),
            'glance_api_servers': topology.url(cloud, 'glance'),
            'enabled_backends': backend,
            'default_volume_type': backend,
            'osapi_volume_workers': 1,
            'volume_clear': 'none',
            # A scheduler that missed the first report of a backend would
            # refuse volumes for a minute.
            'backend_stats_polling_interval': 15,
            'graceful_shutdown_timeout': 1},
        backend: _backend(site, cloud),
        'database': {'connection': common.database(cloud, 'cinder')},
        'keystone_authtoken': common.authtoken(cloud, 'cinder'),
        'service_user': common.service_user(cloud, 'cinder'),
        'nova': common.credentials(cloud, 'cinder'),
        # For encrypted volumes; Barbican would be one more service.
        'key_manager': {
            'backend': 'cinder.keymgr.conf_key_mgr.ConfKeyManager',
            'fixed_key': 64 * '0'},
        'oslo_concurrency': common.lock_path(site, cloud),
        'oslo_policy': {'policy_file': etc / 'policy.yaml'},
        'coordination': {'backend_url': f'file://{var}/coordination'},
        **common.privsep(site, path, 'cinder_sys_admin', 'privsep_osbrick'),
    }
    if cloud.home and not site.mode.plain:
        sections.update(common.mixmatch(cloud, site.mode.patient))
    site.write(path, ini.render(sections))
    site.write(etc / 'policy.yaml', policy(cloud))
    site.write(etc / 'api-paste.ini', _paste(site, cloud))


def nodes(site: state.Site, cloud: model.Cloud) -> list[model.Node]:
    """Database, API, scheduler, volume service."""
    name, etc = cloud.name, site.etc(cloud, 'cinder')
    config = ('--config-file', str(etc / 'cinder.conf'))

    def database() -> None:
        process.run(site, f'{name}/cinder-database',
                    site.tool('cinder-manage'), *config, 'db', 'sync')

    after = (f'{name}/cinder-database', f'{name}/memcached',
             'shared/rabbitmq')

    def worker(what: str, line: str, *more: str,
               command: tuple[str, ...] = ()) -> model.Service:
        return model.Service(
            name, what, (*(command or (site.tool(what),)), *config),
            health.LogLine(line), after=after + more, config=etc)

    storage = () if site.fake else (f'{name}/ceph-pool', f'{name}/ceph-mgr')
    return [
        model.Task(name, 'cinder-database', database, ('shared/databases',)),
        common.api(
            site, cloud, 'cinder',
            common.uwsgi(site, common.listen(cloud, 'cinder'),
                         'cinder.wsgi.api', argv=' '.join(config),
                         processes=common.PROCESSES, forked=True),
            {}, after, process='cinder-api'),
        worker('cinder-scheduler', 'Creating RPC server for service'),
        worker('cinder-volume', 'Driver post RPC initialization completed',
               f'{name}/cinder-scheduler', *storage,
               command=(site.tool('python'), '-P', str(LAUNCHER))),
    ]
