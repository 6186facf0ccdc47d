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

"""Host names in connectors, unique across clouds on a storage back end."""

import re
from typing import Any

#: Fields that identify a host on a back end, besides its name.
_KEYS = ('initiator', 'nqn', 'wwpns')

#: Characters of a domain id in a host name. The length is fixed, so that no
#: two pairs of cloud and host give the same name.
_PREFIX = 8

#: Domain ids are UUIDs. For those that an operator has chosen, see
#: :func:`mixmatch_cinder.provider.owner.another_cloud_uses_host`.
_FOREIGN_HOST = re.compile(
    r'[^0-9a-z]*([0-9a-f]{%d}|default)[^0-9a-z]' % _PREFIX)
_IGNORED = re.compile(r'[^0-9a-z._-]')


def with_unique_host(connector: dict[str, Any], home_id: str
                     ) -> dict[str, Any]:
    """Return a connector whose host name is unique to its cloud.

    Two clouds may both have a "compute1", and back ends treat hosts of one
    name as the same host. The domain is a prefix, since some back ends cut
    off everything after a dot.

    :param home_id: the domain of the other cloud
    """
    if not (connector or {}).get('host'):
        return connector
    return {**connector, 'host': f'{home_id[:_PREFIX]}-{connector["host"]}'}


def host_name(connector: Any) -> str:
    """Return the host name in a connector, which may be any JSON value."""
    host = connector.get('host') if isinstance(connector, dict) else None
    return host if isinstance(host, str) else ''


def may_be_of_another_cloud(host: str) -> bool:
    """Return True if a host name may belong to a host of another cloud.

    A back end may ignore case, leave out some characters and replace others.
    """
    return _FOREIGN_HOST.match(_IGNORED.sub('', host.lower())) is not None


def have_same_host(one: Any, other: Any) -> bool:
    """Return True if two connectors have an initiator, NQN or WWPN in common.
    """
    return not _initiators(one).isdisjoint(_initiators(other))


def _initiators(connector: Any) -> set[str]:
    # NOTE: a user may have written it, so it may be any JSON value.
    if not isinstance(connector, dict):
        return set()
    values = [connector.get(key) for key in _KEYS]
    flat = [each for value in values
            for each in (value if isinstance(value, list) else [value])]
    return {each.lower() for each in flat if isinstance(each, str) and each}
