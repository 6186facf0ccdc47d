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

"""What a request of Cinder's API is about, as far as other clouds care."""

import dataclasses
import re
from typing import Any
from urllib import parse
import uuid

from oslo_serialization import jsonutils
from oslo_utils import uuidutils
import webob

from mixmatch import api

MARK, HEADER, ALL, NONE = api.ATTRIBUTE, api.HEADER, api.ALL, api.NONE


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of things that live in a cloud.

    :param collection: in the path, and in the body of a list
    :param member: in the body of one
    :param brief: the fields of a row without details; empty if a row without
        details says when the thing was created
    """

    collection: str
    member: str
    brief: tuple[str, ...] = ()


VOLUMES = Kind('volumes', 'volume', ('id', 'name', 'links'))
SNAPSHOTS = Kind('snapshots', 'snapshot')
KINDS = {kind.collection: kind for kind in (VOLUMES, SNAPSHOTS)}

#: What is made of a volume but is no volume or snapshot: where the body of
#: the request names the volume.
MADE_OF_A_VOLUME = {'backups': ('backup', 'volume_id'),
                    'attachments': ('attachment', 'volume_uuid'),
                    'volume-transfers': ('transfer', 'volume_id'),
                    'os-volume-transfer': ('transfer', 'volume_id')}

_PATH = re.compile(
    r'(/[^/]+)?/(?P<collection>%s)(/(?P<item>[^/]+)(?P<below>/.+?)?)?/?'
    % '|'.join([*KINDS, *MADE_OF_A_VOLUME]))


@dataclasses.dataclass(frozen=True)
class Route:
    """Where a request goes.

    :param collection: the first word of the path
    :param item: the second: an id, or what Cinder has in its place
    :param below: the rest of the path, such as ``/metadata``
    """

    collection: str
    item: str
    below: str

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
    def id(self) -> str | None:
        """The id of a volume or snapshot, as Cinder writes it."""
        return canonical(self.item)


def of(request: webob.Request) -> Route | None:
    """The route of a request; None if other clouds have no part in it."""
    match = _PATH.fullmatch(request.path_info)
    if match is None:
        return None
    return Route(match['collection'], match['item'] or '',
                 match['below'] or '')


def canonical(resource_id: Any) -> str | None:
    """An id in the one way in which Cinder writes it; None if it is none."""
    if not isinstance(resource_id, str) or not uuidutils.is_uuid_like(
            resource_id):
        return None
    return str(uuid.UUID(resource_id))


def take_choice(request: webob.Request) -> str:
    """Which clouds the request asks for; Cinder does not see it any more.

    :returns: the name of a service provider, :data:`ALL`, :data:`NONE`, or
        an empty string if it is left to the operator
    """
    choice = request.headers.get(HEADER, '')
    if MARK in request.GET:
        choice = request.GET[MARK]
        del request.GET[MARK]
    return choice.strip()


def with_query(request: webob.Request,
               changes: dict[str, str | None]) -> webob.Request:
    """A copy of a request with another query.

    :param changes: by name; None takes a parameter away
    """
    pairs = [(name, value) for name, value in request.GET.items()
             if name not in changes]
    pairs += [(name, value) for name, value in changes.items()
              if value is not None]
    copy = request.copy()
    # NOTE: copy.GET would still be that of the request.
    copy.query_string = parse.urlencode(pairs)
    return copy


def body(request: webob.Request) -> dict[str, Any]:
    """The JSON of a request, an empty one if it has no other."""
    try:
        found = jsonutils.loads(request.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def microversion(request: webob.Request) -> str:
    """The version that the request asks for; 3.0 if it asks for none."""
    header = request.headers.get('OpenStack-API-Version', '')
    match = re.search(r'\bvolume\s+(3\.\d+)', header)
    if match:
        return match[1]
    latest = re.search(r'\bvolume\s+latest\b', header)
    return '3.9999' if latest else '3.0'
