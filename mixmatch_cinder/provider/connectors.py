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

"""The hosts of several clouds, as a storage back end sees them."""

import re
from typing import Any

#: What a back end knows a host by, besides its name.
_KEYS = ('initiator', 'nqn', 'wwpns')

#: Of the id of a domain: of one length, so that no two clouds and hosts
#: make the same name.
_PREFIX = 8

#: The ids of domains are UUIDs; see :func:`mixmatch_cinder.provider.owner.is_on_host`
#: for those that an operator has chosen.
_TOLD_APART = re.compile(
    r'[^0-9a-z]*([0-9a-f]{%d}|default)[^0-9a-z]' % _PREFIX)
_IGNORED = re.compile(r'[^0-9a-z._-]')


def told_apart(connector: dict[str, Any], home_id: str) -> dict[str, Any]:
    """A connector whose host has a name of its own.

    Two clouds may both have a "compute1", and back ends take hosts of one
    name for the same. In front, since some cut off what follows a dot.

    :param home_id: the domain of the other cloud
    """
    if not (connector or {}).get('host'):
        return connector
    return {**connector, 'host': f'{home_id[:_PREFIX]}-{connector["host"]}'}


def host_of(connector: Any) -> str:
    """Return the host's name in a connector, which may be any JSON at all."""
    host = connector.get('host') if isinstance(connector, dict) else None
    return host if isinstance(host, str) else ''


def is_told_apart(host: str) -> bool:
    """Return whether a name may be that of a host of another cloud.

    A back end may ignore case, leave out some characters and replace others.
    """
    return _TOLD_APART.match(_IGNORED.sub('', host.lower())) is not None


def share_a_host(one: Any, other: Any) -> bool:
    """Whether two connectors are of one host, by what cannot be chosen."""
    return not _names(one).isdisjoint(_names(other))


def _names(connector: Any) -> set[str]:
    # NOTE: a user may have written it: any JSON at all.
    if not isinstance(connector, dict):
        return set()
    values = [connector.get(key) for key in _KEYS]
    flat = [each for value in values
            for each in (value if isinstance(value, list) else [value])]
    return {each.lower() for each in flat if isinstance(each, str) and each}
