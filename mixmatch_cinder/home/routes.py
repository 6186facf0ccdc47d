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

"""Routes of Cinder's API that concern resources of other clouds."""

import dataclasses
import re
from typing import Any


@dataclasses.dataclass(frozen=True)
class Kind:
    """A type of resources.

    :param collection: key in the path, and in the body of a list
    :param member: key in the body of one resource
    :param brief: the fields of a row without details; empty if such a row has
        created_at
    """

    collection: str
    member: str
    brief: tuple[str, ...] = ()


VOLUMES = Kind('volumes', 'volume', ('id', 'name', 'links'))
SNAPSHOTS = Kind('snapshots', 'snapshot')
#: Not merged as the others are: see the module attachments.
ATTACHMENTS = Kind('attachments', 'attachment')
KINDS = {kind.collection: kind for kind in (VOLUMES, SNAPSHOTS)}


@dataclasses.dataclass(frozen=True)
class Resource:
    """A volume or a snapshot.

    :param id: in canonical form
    """

    kind: Kind
    id: str

    @classmethod
    def from_id(cls, kind: Kind, resource_id: Any) -> 'Resource | None':
        """Return the resource with an id; None if it is not a UUID."""
        found = canonical(resource_id)
        return cls(kind, found) if found else None

    def __str__(self) -> str:
        return f'{self.kind.member} {self.id}'

    @property
    def collection(self) -> str:
        """Name of the collection, as in paths."""
        return self.kind.collection

    @property
    def path(self) -> str:
        """Path below an endpoint of Cinder."""
        return f'/{self.collection}/{self.id}'

    @property
    def title(self) -> str:
        """Text for the beginning of a message."""
        return str(self).capitalize()


#: Collections of other resources that are created from a volume: the key of
#: the request body, and its field with the id of the volume.
CREATED_FROM_VOLUME = {'backups': ('backup', 'volume_id'),
                       'attachments': ('attachment', 'volume_uuid'),
                       'manageable_snapshots': ('snapshot', 'volume_id'),
                       'os-snapshot-manage': ('snapshot', 'volume_id'),
                       'volume-transfers': ('transfer', 'volume_id'),
                       'os-volume-transfer': ('transfer', 'volume_id')}

#: The collection of availability zones.
ZONES = 'os-availability-zone'

# NOTE: as Cinder's routes: no slash at the end, and one format, which says
# nothing. It stays in the path of what is sent on, since the last part may
# itself end with it: the metadata of a key "a.json" is at "a.json.json".
_PATH = re.compile(
    r'(/(?P<project>[^/]+))?/(?P<collection>%s)'
    r'(/(?P<item>[^/]+?)(?P<below>/.+?)?)?(?P<format>\.json)?'
    % '|'.join([*KINDS, *CREATED_FROM_VOLUME, ZONES]), re.DOTALL)
#: Requests about one resource that Cinder has, as ``collection METHOD path``.
_OPERATIONS = re.compile(
    r'(volumes|snapshots) ((GET|PUT|DELETE) |POST /action|'
    r'(GET|POST|PUT) /metadata|(GET|PUT|DELETE) /metadata/[^/]+)|'
    r'volumes GET /encryption(/[^/]+)?', re.DOTALL)
# NOTE: a database may ignore the case of letters and spaces at the end, as
# MySQL does; none knows another form of an id.
_ID = re.compile('-'.join(f'[0-9a-f]{{{digits}}}'
                          for digits in (8, 4, 4, 4, 12)) + ' *',
                 re.IGNORECASE | re.ASCII)


@dataclasses.dataclass(frozen=True)
class Route:
    """Parts of the path of a request.

    :param collection: the first segment
    :param item: the second: an id, or a word such as ``detail``
    :param below: the rest, such as ``/metadata``
    :param format: ``.json`` or empty
    :param project: the project in front of it, or empty
    """

    collection: str
    item: str
    below: str
    format: str = ''
    project: str = ''

    @property
    def kind(self) -> Kind:
        return KINDS[self.collection]

    @property
    def is_listing(self) -> bool:
        return not self.below and self.item in ('', 'detail')

    @property
    def is_summary(self) -> bool:
        return (self.collection, self.item, self.below) == (
            'volumes', 'summary', '')

    @property
    def resource(self) -> Resource | None:
        """The volume or snapshot; None if the route is not about one."""
        if self.collection not in KINDS:
            return None
        return Resource.from_id(self.kind, self.item)

    def has(self, method: str) -> bool:
        """Return True if Cinder has such a request about one resource."""
        return _OPERATIONS.fullmatch(
            f'{self.collection} {method} {self.below}') is not None


def from_path(path: str) -> Route | None:
    """Return the route of a path; None if it concerns only home."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    return Route(match['collection'], match['item'] or '',
                 match['below'] or '', match['format'] or '',
                 match['project'] or '')


def canonical(resource_id: Any) -> str | None:
    """Return the canonical form of an id; None if it is not a UUID.

    Only what a Cinder may take for the same id is another form of it.
    """
    if not isinstance(resource_id, str) or not _ID.fullmatch(resource_id):
        return None
    return resource_id.rstrip(' ').lower()
