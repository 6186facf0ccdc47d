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

"""libvirtd for a cloud's Nova, without systemd and without modules.

Debian's libvirt has its paths compiled in; a mount namespace of its own
lays the state folder over them.
"""

import pathlib
import shutil
import uuid

from sandbox import health
from sandbox import model
from sandbox import process
from sandbox.services import ceph
from sandbox import state
from sandbox import topology

#: The folders of a libvirtd, below the state folder and as it knows them.
FOLDERS = {
    'etc': '/etc/libvirt',
    'lib': '/var/lib/libvirt',
    'run': '/run/libvirt',
    'log': '/var/log/libvirt',
    'cache': '/var/cache/libvirt',
}
QEMU = """\
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
cgroup_controllers = [ ]
namespaces = [ ]
stdio_handler = "file"
seccomp_sandbox = 0
"""
LIBVIRTD = """\
auth_unix_ro = "none"
auth_unix_rw = "none"
unix_sock_group = "root"
unix_sock_rw_perms = "0700"
log_filters = "3:node_device 3:udev"
log_outputs = "2:stderr"
"""


def _run_folder(site: state.Site, host: str) -> pathlib.Path:
    return site.sockets / f'{host}-libvirt'


def uri(site: state.Site, host: str) -> str:
    """Return the URI for Nova, virsh and the libvirtd of another host."""
    return ('qemu+unix:///system?socket='
            f'{_run_folder(site, host)}/libvirt-sock')


def _accounts(var: pathlib.Path, name: str, *extra: str) -> None:
    """A copy of passwd or group with what Debian's libvirt insists on."""
    text = pathlib.Path('/etc', name).read_text()
    for line in extra:
        if f'\n{line.partition(":")[0]}:' not in text:
            text += line + '\n'
    (var / name).write_text(text)


def _var(site: state.Site, cloud: model.Cloud,
         host: model.Host) -> pathlib.Path:
    return site.var(cloud, f'libvirt{host.suffix}')


def render(site: state.Site, cloud: model.Cloud) -> None:
    """Write the files of each host."""
    for host in cloud.hosts:
        _render(site, cloud, host)


def _render(site: state.Site, cloud: model.Cloud, host: model.Host) -> None:
    """The two files of libvirt, and the way into its namespaces."""
    var = _var(site, cloud, host)
    etc = site.etc(cloud, f'libvirt{host.suffix}')
    for name in FOLDERS:
        (var / name).mkdir(exist_ok=True)
    _accounts(var, 'passwd', 'libvirt-qemu:x:64055:64055::/var/lib/libvirt:'
              '/usr/sbin/nologin')
    _accounts(var, 'group', 'libvirt-qemu:x:64055:', 'kvm:x:64056:')
    site.write(etc / 'qemu.conf', QEMU)
    # NOTE: guests move between hosts, which must not be the same one.
    (var / 'hosts').write_text('127.0.0.1 localhost\n' + ''.join(
        f'127.0.0.1 {each.name}\n' for each in cloud.hosts))
    host_uuid = uuid.uuid5(uuid.NAMESPACE_DNS, host.name)
    site.write(etc / 'libvirtd.conf',
               LIBVIRTD + f'host_uuid = "{host_uuid}"\n')
    mounts = '\n'.join(
        f'mkdir -p {inside}\nmount --bind {outside} {inside}'
        for outside, inside in (
            (_run_folder(site, host.name) if name == 'run' else var / name,
             path)
            for name, path in FOLDERS.items()))
    site.write(etc / 'libvirtd.sh', f"""\
set -e
hostname {host.name}
mkdir -p {_run_folder(site, host.name)}
mount --make-rprivate /
mount --bind {var}/passwd /etc/passwd
mount --bind {var}/group /etc/group
mount --bind {var}/hosts /etc/hosts
{mounts}
cp {etc}/qemu.conf /etc/libvirt/qemu.conf
exec libvirtd -f {etc}/libvirtd.conf -p {var}/libvirtd.pid
""")


def define(site: state.Site, node: str, cloud: model.Cloud,
            host: model.Host, owner: model.Cloud) -> None:
    """Give libvirt the Ceph key of a cloud, under that cloud's uuid."""
    var = _var(site, cloud, host)
    virsh = ('virsh', '-q', '-c', uri(site, host.name))
    xml = var / f'secret-{owner.name}.xml'
    xml.write_text(
        "<secret ephemeral='no' private='no'>"
        f'<uuid>{owner.secret_uuid}</uuid><usage type="ceph">'
        f'<name>client.cinder at {owner.name}</name></usage></secret>')
    process.run(site, node, *virsh, 'secret-define', str(xml))
    secret = var / f'secret-{owner.name}.key'
    secret.write_text(ceph.key(site, owner, 'client.cinder'))
    secret.chmod(0o600)
    process.run(site, node, *virsh, 'secret-set-value', owner.secret_uuid,
                '--file', str(secret))
    secret.unlink()


def nodes(site: state.Site, cloud: model.Cloud) -> list[model.Node]:
    """Return the task and the process of each host."""
    return [node for host in cloud.hosts
            for node in _nodes(site, cloud, host)]


def _nodes(site: state.Site, cloud: model.Cloud,
           host: model.Host) -> list[model.Node]:
    """The daemon, and the keys of all Cephs that its guests may use."""
    name, etc = cloud.name, site.etc(cloud, f'libvirt{host.suffix}')
    daemon = f'libvirt{host.suffix}'
    task = f'libvirt-secrets{host.suffix}'
    owners = [cloud, *(topology.by_name(other)
                       for other in cloud.service_providers)]

    def secrets() -> None:
        for owner in owners:
            define(site, f'{name}/{task}', cloud, host, owner)

    return [
        model.Service(
            name, daemon, ('unshare', '--mount', '--uts',
                           shutil.which('sh') or 'sh',
                           str(etc / 'libvirtd.sh')),
            health.Command(('virsh', '-c', uri(site, host.name), 'version')),
            config=etc, guests=_run_folder(site, host.name) / 'qemu',
            # NOTE: once, on a busy machine, libvirtd 9.0 was still at the
            # initialization of its drivers after 300 s.
            timeout=100, attempts=3),
        model.Task(name, task, secrets,
                   (f'{name}/{daemon}', *(f'{owner.name}/ceph-keys'
                                          for owner in owners)),
                   stamp=','.join(owner.name for owner in owners)),
    ]
