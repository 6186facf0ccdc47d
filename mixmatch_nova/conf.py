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

"""Options of ``[service_provider:NAME]`` that only home's Nova reads.

They say what the hosts of home may connect to.
"""

from typing import Any

from oslo_config import cfg
from oslo_config import types

from mixmatch.conf import service_provider

# NOTE: oslo.config searches for it.
_PORTAL = r'\A(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(/\d{1,3})?(:\d{1,5})?\Z'

OPTS = [
    cfg.ListOpt(
        'connection_types',
        default=['rbd'],
        help="""
The kinds of connection that the service provider's volumes may use.

The service provider tells the hosts of this cloud what to connect to. What
each kind leads to is checked, by options that have to be set:
``rbd`` (``rbd_secret_uuid``), ``iscsi`` and ``nvmeof`` (``storage_portals``
and ``storage_names``), ``fibre_channel`` (``storage_names``). Others, such as
``local`` or ``nfs``, let it reach files and devices of a host, and are
refused even if they are named here.
"""),
    cfg.ListOpt(
        'storage_portals',
        default=[],
        item_type=types.String(regex=_PORTAL, ignore_case=True),
        help="""
The addresses of the service provider's storage.

A list of ``host``, ``host:port``, ``network/length`` or
``network/length:port``; IPv6 in brackets. A connection of type ``iscsi`` or
``nvmeof`` to anything else is refused: the storage of this cloud can be
reached from the same hosts. If it is set, the monitors of Ceph are checked
as well. They need not be: they must know the key of ``rbd_secret_uuid``, and
those of this cloud do not.
"""),
    cfg.ListOpt(
        'storage_names',
        default=[],
        item_type=types.String(),
        help="""
What the names of the service provider's storage begin with.

IQNs of ``iscsi``, NQNs of ``nvmeof``, WWNs of ``fibre_channel``; for example
``iqn.2010-10.org.openstack:``, if no storage of this cloud has such a name.
"""),
    cfg.StrOpt(
        'rbd_secret_uuid',
        help="""
The libvirt secret with the key of the service provider's Ceph.

Define it on every nova-compute, with the uuid that the service provider's
Cinder has as ``rbd_secret_uuid``. A connection to Ceph that names another
secret, or none, is refused: Nova would open it with a key of this cloud, and
the service provider chooses the image. Required for volumes in Ceph.
"""),
]


def list_opts() -> list[tuple[str, list[Any]]]:
    """List the options for sample files and the documentation."""
    return [(service_provider.group('NAME'), OPTS)]
