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

"""The clouds: who runs what, who lives there and who trusts whom.

A further cloud is one more :class:`~sandbox.model.Cloud` here, its name
among the service providers of the clouds whose Nova shall use it, and a
:class:`~sandbox.model.Trust` for each of them.
"""

import dataclasses

from sandbox import model

#: Ports, counted from the base of a cloud.
PORTS = {
    'keystone': 0,
    'memcached': 1,
    'glance': 2,
    'cinder': 3,
    'placement': 4,
    'neutron': 5,
    'nova': 6,
    'ceph-mon': 10,
    'ceph-mon-v1': 11,
    'ceph-daemons': 100,
    'mariadb': 0,
    'rabbitmq': 1,
    'rabbitmq-nodes': 2,
    'epmd': 3,
}

STORAGE = ('memcached', 'keystone', 'ceph', 'glance', 'cinder')
COMPUTE = ('placement', 'neutron', 'libvirt', 'nova')
#: What a cloud without a Nova gets with one: its hypervisor is a fake one.
#: Neutron is asked about each server, even about one without networks.
ADDED = ('placement', 'neutron', 'nova')

#: Names of the cloud whose Nova uses volumes of others, and of the service
#: provider that has them. Nothing else names a cloud.
HOME = 'moc'
PROVIDER = 'bu'

#: Who of moc's project research may enter bu. bob may not.
RESEARCHERS = ('alice', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi',
               'ivan')

SHARED = model.Cloud(
    name='shared', base=22000, components=('mariadb', 'rabbitmq'))

MOC = model.Cloud(
    name=HOME, base=20000, components=STORAGE + COMPUTE,
    projects=('research', 'teaching', 'service'),
    users=(*(model.User(name, ('research', 'teaching'))
             for name in RESEARCHERS),
           model.User('bob', ('research', 'teaching'))),
    service_users=('nova', 'cinder', 'glance', 'placement', 'neutron'),
    default_user='alice',
    service_providers=(PROVIDER,),
    computes=2)

#: A cloud for storage only: it has no Nova, unless one is added.
BU = model.Cloud(
    name=PROVIDER, base=21000, components=STORAGE + ('shibboleth',),
    projects=('research', 'service', f'{HOME}-service'),
    users=(model.User('judy', ('research',)),),
    service_users=('cinder', 'glance'),
    trusts=(model.Trust(
        idp=HOME, service_project=f'{HOME}-service', role='k2k_nova',
        image_role='k2k_glance',
        users=tuple(model.Mapped(name, 'research', 'research')
                    for name in RESEARCHERS)),))

CLOUDS = (SHARED, MOC, BU)

#: What differs when Nova's and Cinder's fake drivers are used.
NOT_FAKE = ('ceph', 'libvirt')


def clouds(with_nova: tuple[str, ...] = ()) -> tuple[model.Cloud, ...]:
    """The clouds, some of them with a Nova that is added."""
    return tuple(_with_nova(cloud) if cloud.name in with_nova else cloud
                 for cloud in CLOUDS)


def _with_nova(cloud: model.Cloud) -> model.Cloud:
    return dataclasses.replace(
        cloud, components=cloud.components + ADDED,
        service_users=cloud.service_users + ADDED, computes=1)


def port(cloud: model.Cloud, name: str) -> int:
    """The port of something in a cloud."""
    return cloud.base + PORTS[name]


def url(cloud: model.Cloud, name: str, path: str = '') -> str:
    """The URL of an API of a cloud."""
    return f'http://127.0.0.1:{port(cloud, name)}{path}'


def by_name(name: str) -> model.Cloud:
    """The cloud of that name."""
    for cloud in CLOUDS:
        if cloud.name == name:
            return cloud
    raise ValueError(
        f'there is no cloud {name!r}, only '
        + ', '.join(cloud.name for cloud in CLOUDS))
