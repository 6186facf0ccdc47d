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
"""Check of connections that a service provider gives to home's hosts.

Nova hands to os-brick and QEMU whatever a Cinder names, which open it with the
keys, and from the network, that a host of home has. So everything in a
connection is either expected or refused: a kind, a field, a portal, a name.
"""

from collections.abc import Callable, Iterable, Iterator
import ipaddress
import re
from typing import Any

from mixmatch import exceptions
from mixmatch import service_provider
from mixmatch import text

#: What Cinder itself adds to a connection of any driver.
_COMMON = frozenset({
    'access_mode', 'attachment_id', 'cacheable', 'discard',
    'driver_volume_type', 'encrypted', 'enforce_multipath',
    'logical_block_size', 'physical_block_size', 'qos_specs', 'volume_id'})

#: What each kind has besides. What is not here can be no path of a host
#: (``device_path``), and no discovery of portals that
#: nobody has checked (``discovery_auth_method``).
_FIELDS: dict[str, frozenset[str]] = {
    'rbd': frozenset({
        'auth_enabled', 'auth_username', 'cluster_name', 'hosts', 'keyring',
        'name', 'ports', 'secret_type', 'secret_uuid'}),
    'iscsi': frozenset({
        'addressing_mode', 'auth_method', 'auth_password', 'auth_username',
        'target_discovered', 'target_iqn', 'target_iqns', 'target_lun',
        'target_luns', 'target_portal', 'target_portals'}),
    'nvmeof': frozenset({
        'alias', 'ns_id', 'nqn', 'portals', 'replica_count', 'target_nqn',
        'target_portal', 'target_port', 'transport_type', 'volume_nguid',
        'volume_replicas', 'vol_uuid'}),
    'fibre_channel': frozenset({
        'addressing_mode', 'initiator_target_lun_map', 'initiator_target_map',
        'target_discovered', 'target_lun', 'target_luns', 'target_wwn',
        'target_wwns'}),
}

#: The options without which a kind cannot be checked.
_NEEDS = {'rbd': ('rbd_secret_uuid',),
          'iscsi': ('storage_portals', 'storage_names'),
          'nvmeof': ('storage_portals', 'storage_names'),
          'fibre_channel': ('storage_names',)}

_REPLICA = frozenset({'portals', 'target_nqn', 'vol_uuid'})
_HOST = re.compile(r'[A-Za-z0-9][A-Za-z0-9.-]*')
_RBD_NAME = re.compile(r'[\w.-]+(/[\w.-]+){1,2}')

Check = Callable[['_Connection'], None]


class ConnectionNotAllowed(exceptions.MixmatchException):
    """Error: a connection leads to storage that is not allowed."""

    msg_fmt = ('Service provider %(service_provider)s gave a connection that '
               'is not allowed: %(reason)s.')
    code = 502


def missing_options(options: Any) -> list[str]:
    """Return unset options that ``connection_types`` requires.

    Without them none of the volumes with such a connection can be attached.

    :param options: the section of a service provider
    """
    return sorted({option for kind in options.connection_types
                   for option in _NEEDS.get(kind, ())
                   if not getattr(options, option)})


def check(provider: service_provider.ServiceProvider,
          connection_info: dict[str, Any]) -> None:
    """Check that a connection leads to storage of the service provider.

    :param provider: its section of the configuration says what is allowed
    :param connection_info: what Cinder gave for an attachment; empty for
        one that is only reserved
    :raises ConnectionNotAllowed: names the option that allows it
    """
    if not connection_info:
        return
    options = provider.options
    kind = connection_info.get('driver_volume_type')
    try:
        if not isinstance(kind, str) or kind not in options.connection_types:
            raise _Refused(f'type {text.quoted(kind)} is not in '
                           'connection_types')
        if kind not in _FIELDS:
            raise _Refused(f'nothing checks what a connection of type '
                           f'{text.quoted(kind)} leads to, though '
                           'connection_types has it')
        for option in _NEEDS[kind]:
            if not getattr(options, option):
                raise _Refused(f'type {kind} wants {option}, which is not '
                               'set')
        _CHECKS[kind](_Connection(kind, options, connection_info))
    except _Refused as exc:
        raise ConnectionNotAllowed(
            service_provider=provider.name,
            reason=f'{exc} (in [service_provider:{provider.name}])') from exc


class _Refused(Exception):
    """Error: a part of a connection is not allowed."""


class _Connection:
    """Connection, with the options that it is checked by."""

    def __init__(self, kind: str, options: Any,
                 connection_info: dict[str, Any]) -> None:
        self.kind = kind
        self.options = options
        data = connection_info.get('data')
        if not isinstance(data, dict):
            raise _Refused('it has no data')
        self.data: dict[str, Any] = data
        for field in data:
            if field not in _COMMON | _FIELDS[kind]:
                raise _Refused(f'field {text.quoted(field)} is not known in '
                               f'connection_types {kind}')

    def lists(self, single: str, several: str) -> list[Any]:
        """Return all values of a field in its singular and plural form."""
        found = list(_listed(self.data.get(several)))
        if single in self.data:
            found.extend(_listed(self.data[single]))
        if not found:
            raise _Refused(f'it has no {single}')
        return found

    def check_portal(self, host: Any, port: Any) -> None:
        if not _is_host(host) or not _is_port(port):
            raise _Refused(f'{text.quoted(host)} with port '
                           f'{text.quoted(port)} is no portal')
        if not any(_covers(each, host.strip('[]'), int(port))
                   for each in self.options.storage_portals):
            raise _Refused(
                f'portal {text.quoted(f"{host}:{port}")} is not in '
                'storage_portals')

    def check_name(self, name: Any) -> None:
        prefixes = [each.lower() for each in self.options.storage_names]
        if not isinstance(name, str) or not re.fullmatch(
                r'[!-~]{1,255}', name) or not any(
                    name.lower().startswith(each) for each in prefixes):
            raise _Refused(f'name {text.quoted(name)} does not begin as '
                           'storage_names says')


def _listed(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        yield from value
    elif value is not None:
        yield value


def _is_host(host: Any) -> bool:
    if not isinstance(host, str):
        return False
    try:
        ipaddress.ip_address(host.removeprefix('[').removesuffix(']'))
    except ValueError:
        return _HOST.fullmatch(host) is not None
    return True


def _is_port(port: Any) -> bool:
    return bool(re.fullmatch(r'[1-9]\d{0,4}', str(port), re.ASCII)
                and int(port) < 65536)


def _covers(listed: str, host: str, port: int) -> bool:
    """Return whether an entry of storage_portals covers a portal."""
    found = re.fullmatch(r'\[?(.+?)\]?(/\d+)?(:\d+)?', listed)
    assert found
    if found[3] and int(found[3][1:]) != port:
        return False
    if found[1].lower() == host.lower() and not found[2]:
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(
            found[1] + (found[2] or ''), strict=False)
    except ValueError:
        return False


def _split(portal: Any) -> tuple[str, str]:
    # NOTE: os-brick takes what is before a comma.
    found = re.fullmatch(r'(\[[^\]]+\]|[^:,\s]+):(\d+)', str(portal))
    if not found:
        raise _Refused(f'{text.quoted(portal)} is no portal')
    return found[1], found[2]


def _rbd(connection: _Connection) -> None:
    data, options = connection.data, connection.options
    if (not data.get('auth_enabled')
            or data.get('secret_uuid') != options.rbd_secret_uuid
            or data.get('secret_type', 'ceph') != 'ceph'
            or not isinstance(data.get('auth_username'), str)
            or not data['auth_username']):
        raise _Refused('its secret is not the one that rbd_secret_uuid names')
    # NOTE: Nova and os-brick would write it into a file of the host.
    if data.get('keyring'):
        raise _Refused('it brings a keyring instead of rbd_secret_uuid')
    # NOTE: for QEMU what follows a colon are options of Ceph.
    if not _RBD_NAME.fullmatch(str(data.get('name'))):
        raise _Refused(f'{text.quoted(data.get("name"))} is no image')
    hosts, ports = data.get('hosts', []), data.get('ports', [])
    if not isinstance(hosts, list) or not isinstance(ports, list) or len(
            hosts) != len(ports):
        raise _Refused('its monitors are not as many as their ports')
    for host, port in zip(hosts, ports, strict=True):
        if options.storage_portals:
            connection.check_portal(host, port)
        elif not _is_host(host) or not _is_port(port):
            raise _Refused(f'{text.quoted(host)} is no monitor')


def _iscsi(connection: _Connection) -> None:
    data = connection.data
    for portal in connection.lists('target_portal', 'target_portals'):
        connection.check_portal(*_split(portal))
    for name in connection.lists('target_iqn', 'target_iqns'):
        connection.check_name(name)
    _check_numbers(data, 'target_lun', 'target_luns')
    if 'target_portals' not in data or 'target_iqns' not in data:
        # NOTE: with multipath os-brick would ask the portal for others, and
        # log in there (ISCSIConnector._discover_iscsi_portals).
        data['target_portals'] = [data['target_portal']]
        data['target_iqns'] = [data['target_iqn']]
        data['target_luns'] = [data.get('target_lun', 0)]


def _nvmeof(connection: _Connection) -> None:
    data = connection.data
    targets = [data]
    if 'volume_replicas' in data:
        targets = list(_listed(data['volume_replicas']))
        if not targets:
            raise _Refused('it has no volume_replicas')
    for each in targets:
        if not isinstance(each, dict) or (
                each is not data and not _REPLICA.issuperset(each)):
            raise _Refused('its volume_replicas are not what os-brick knows')
        portals = list(_listed(each.get('portals')))
        if not portals and each is not data:
            raise _Refused('a replica has no portals')
        for portal in portals:
            _check_nvme_portal(connection, portal)
        if each is not data:
            connection.check_name(each.get('target_nqn'))
    _check_nvme_single(connection, 'volume_replicas' in data)


def _check_nvme_single(connection: _Connection, replicated: bool) -> None:
    data = connection.data
    if 'target_portal' in data:
        _check_nvme_portal(connection, (
            data['target_portal'], data.get('target_port'),
            data.get('transport_type')))
    elif not data.get('portals') and not replicated:
        raise _Refused('it has no target_portal')
    names = [data[each] for each in ('nqn', 'target_nqn') if each in data]
    if not names and not replicated:
        raise _Refused('it has no target_nqn')
    for name in names:
        connection.check_name(name)
    # NOTE: it becomes a path below /dev/md.
    if not re.fullmatch(r'[\w-]{0,64}', str(data.get('alias') or '')):
        raise _Refused('its alias is no name')


def _check_nvme_portal(connection: _Connection, portal: Any) -> None:
    if not isinstance(portal, (list, tuple)) or len(portal) != 3:
        raise _Refused(f'{text.quoted(portal)} is no portal')
    host, port, transport = portal
    connection.check_portal(host, port)
    if str(transport).lower() not in ('tcp', 'rdma', 'rocev2'):
        raise _Refused(f'{text.quoted(transport)} is no transport')


def _fibre_channel(connection: _Connection) -> None:
    data = connection.data
    for name in connection.lists('target_wwn', 'target_wwns'):
        connection.check_name(name)
    for field in ('initiator_target_map', 'initiator_target_lun_map'):
        for targets in _values(data.get(field) or {}):
            for target in _listed(targets):
                name = target[0] if isinstance(target, list) else target
                connection.check_name(name)
    _check_numbers(data, 'target_lun', 'target_luns')


def _values(found: Any) -> Iterable[Any]:
    if not isinstance(found, dict):
        raise _Refused('its map of targets is none')
    return found.values()


def _check_numbers(data: dict[str, Any], *fields: str) -> None:
    for field in fields:
        for value in _listed(data.get(field)):
            if not re.fullmatch(r'\d{1,20}', str(value), re.ASCII):
                raise _Refused(f'{field} is no number')


_CHECKS: dict[str, Check] = {
    'rbd': _rbd, 'iscsi': _iscsi, 'nvmeof': _nvmeof,
    'fibre_channel': _fibre_channel}
