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

"""A Ceph cluster of a cloud's own: monitor, manager, one OSD.

The OSD keeps its data in a sparse file, so that volumes survive ``down``.
"""

import base64
import json
import os
import pathlib
import shutil
import struct
import time
import uuid

from sandbox import health
from sandbox import ini
from sandbox import model
from sandbox import process
from sandbox import state
from sandbox import topology

POOL = 'volumes'
CAPABILITIES = {
    'mon.': {'mon': 'allow *'},
    'client.admin': {'mon': 'allow *', 'osd': 'allow *', 'mgr': 'allow *'},
    'mgr.x': {'mon': 'allow profile mgr', 'osd': 'allow *'},
    'osd.0': {'mon': 'allow profile osd', 'osd': 'allow *',
              'mgr': 'allow profile osd'},
    'client.cinder': {'mon': 'profile rbd', 'mgr': 'profile rbd',
                      'osd': f'profile rbd pool={POOL}'},
}


def conf(site: state.Site, cloud: model.Cloud) -> pathlib.Path:
    """The configuration, for Cinder and for the command line too."""
    return site.etc(cloud, 'ceph') / 'ceph.conf'


def keyring(site: state.Site, cloud: model.Cloud, name: str) -> pathlib.Path:
    """The file with the key of a daemon or a client."""
    return site.var(cloud, 'ceph') / f'{name}.keyring'


def key(site: state.Site, cloud: model.Cloud, name: str) -> str:
    """The key itself."""
    for line in keyring(site, cloud, name).read_text().splitlines():
        if line.strip().startswith('key'):
            return line.partition('=')[2].strip()
    raise ValueError(f'no key of {name}')


def _admin_socket(site: state.Site, cloud: model.Cloud,
                  name: str) -> pathlib.Path:
    return site.sockets / f'{cloud.name}-{name}.asok'


def render(site: state.Site, cloud: model.Cloud) -> None:
    """Everything on loopback, on ports of its own, without replicas."""
    var = site.var(cloud, 'ceph')
    first = topology.port(cloud, 'ceph-daemons')
    daemon_options = {
        'admin_socket': _admin_socket(site, cloud, '$name')}
    site.write(conf(site, cloud), ini.render({
        'global': {
            'fsid': _fsid(site, cloud),
            'mon_host': _address(cloud),
            'public_addr': '127.0.0.1',
            'cluster_addr': '127.0.0.1',
            'ms_bind_port_min': first,
            'ms_bind_port_max': first + 99,
            'auth_cluster_required': 'cephx',
            'auth_service_required': 'cephx',
            'auth_client_required': 'cephx',
            'auth_allow_insecure_global_id_reclaim': False,
            'keyring': f'{var}/$name.keyring',
            'run_dir': site.sockets,
            'log_file': '/dev/null',
            'log_to_stderr': True,
            'err_to_stderr': True,
            'crash_dir': var,
            'pid_file': '',
            'osd_pool_default_size': 1,
            'osd_pool_default_min_size': 1,
            'osd_pool_default_pg_autoscale_mode': 'off',
            'osd_crush_chooseleaf_type': 0,
            'mon_allow_pool_size_one': True,
            'mon_warn_on_pool_no_redundancy': False,
            'mon_data_avail_warn': 2,
            'mon_data_avail_crit': 1,
            'mon_max_pg_per_osd': 1000,
        },
        'mon': {**daemon_options, 'mon_data': f'{var}/mon',
                'mgr_initial_modules': '',
                'mon_cluster_log_file': '/dev/null'},
        'mgr': {**daemon_options, 'mgr_data': f'{var}/mgr',
                'mgr_initial_modules': ''},
        'osd': {
            **daemon_options,
            'osd_data': f'{var}/osd',
            'osd_objectstore': 'bluestore',
            'bluestore_block_size': 20 << 30,
            'bluestore_block_db_create': False,
            'bluestore_block_wal_create': False,
            'bluestore_cache_autotune': False,
            'bluestore_cache_size': 64 << 20,
            'osd_memory_target': 896 << 20,
            'osd_class_load_list': '*',
            'osd_class_default_list': '*',
            'osd_op_num_shards': 2,
            'osd_op_num_threads_per_shard': 1,
        },
    }))


def _fsid(site: state.Site, cloud: model.Cloud) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS,
                          f'{cloud.name}.{site.instance}'))


def _address(cloud: model.Cloud) -> str:
    return (f'[v2:127.0.0.1:{topology.port(cloud, "ceph-mon")},'
            f'v1:127.0.0.1:{topology.port(cloud, "ceph-mon-v1")}]')


def _new_key() -> str:
    """A key as ``ceph-authtool --gen-print-key`` makes it."""
    now = time.time()
    header = struct.pack('<HIIH', 1, int(now), int(now % 1 * 1e9), 16)
    return base64.b64encode(header + os.urandom(16)).decode()


def _entry(name: str, secret: str) -> str:
    caps = ''.join(f'\tcaps {daemon} = "{what}"\n'
                   for daemon, what in CAPABILITIES[name].items())
    return f'[{name}]\n\tkey = {secret}\n{caps}'


def nodes(site: state.Site, cloud: model.Cloud) -> list[model.Node]:
    """Keys, monitor, OSD and manager, the pool of Cinder."""
    name, var = cloud.name, site.var(cloud, 'ceph')
    options = ('-c', str(conf(site, cloud)))
    osd = str(uuid.uuid5(uuid.NAMESPACE_DNS, f'{name}.osd.0'))

    def monitor() -> None:
        node = f'{name}/ceph-keys'
        entries = {who: _entry(who, _new_key()) for who in CAPABILITIES}
        for who, entry in entries.items():
            keyring(site, cloud, who).write_text(entry)
            keyring(site, cloud, who).chmod(0o600)
        everyone = keyring(site, cloud, 'everyone')
        everyone.write_text(''.join(entries.values()))
        everyone.chmod(0o600)
        shutil.rmtree(var / 'mon', ignore_errors=True)
        monmap = str(var / 'monmap')
        process.run(site, node, 'monmaptool', *options, '--create',
                    '--clobber', '--addv', 'a', _address(cloud), '--fsid',
                    _fsid(site, cloud), monmap)
        process.run(site, node, 'ceph-mon', *options, '--mkfs', '-i', 'a',
                    '--monmap', monmap, '--keyring', str(everyone))

    def storage() -> None:
        node = f'{name}/ceph-osd-data'
        secret = key(site, cloud, 'osd.0')
        process.run(site, node, 'ceph', *options, 'osd', 'new', osd, '-i',
                    '-', stdin=json.dumps({'cephx_secret': secret}))
        shutil.rmtree(var / 'osd', ignore_errors=True)
        (var / 'osd').mkdir()
        process.run(site, node, 'ceph-osd', *options, '-i', '0', '--mkfs',
                    '--osd-uuid', osd, '--key', secret)

    def pool() -> None:
        node = f'{name}/ceph-pool'
        process.run(site, node, 'ceph', *options, 'osd', 'pool', 'create',
                    POOL, '8', '8')
        process.run(site, node, 'rbd', *options, 'pool', 'init', POOL)

    def daemon(kind: str, number: str, check: health.Check, *after: str,
               ports: tuple[int, ...] = ()) -> model.Service:
        return model.Service(
            name, f'ceph-{kind}',
            (f'ceph-{kind}', *options, '-i', number, '-f'), check,
            ports=ports, after=tuple(f'{name}/{other}' for other in after),
            config=site.etc(cloud, 'ceph'))

    (var / 'mgr').mkdir(exist_ok=True)
    return [
        model.Task(name, 'ceph-keys', monitor),
        daemon('mon', 'a', health.CephDaemon(
            _admin_socket(site, cloud, 'mon.a'), 'mon_status', '"leader"'),
            'ceph-keys', ports=(topology.port(cloud, 'ceph-mon'),
                                topology.port(cloud, 'ceph-mon-v1'))),
        model.Task(name, 'ceph-osd-data', storage, (f'{name}/ceph-mon',)),
        daemon('osd', '0', health.CephDaemon(
            _admin_socket(site, cloud, 'osd.0'), 'status', '"active"'),
            'ceph-osd-data'),
        daemon('mgr', 'x', health.CephDaemon(
            _admin_socket(site, cloud, 'mgr.x'), 'version', 'version'),
            'ceph-mon'),
        model.Task(name, 'ceph-pool', pool, (f'{name}/ceph-osd',)),
    ]
