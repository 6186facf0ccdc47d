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

"""Login at a service provider: its token, catalog and lifetime."""

from collections.abc import Collection
import dataclasses
import datetime
import time
from typing import Any

from keystoneauth1 import access
import os_service_types
from oslo_serialization import jsonutils
from oslo_utils import timeutils

from mixmatch import text

#: Seconds: a token at a service provider is not used in its last moments,
#: since it is checked there some time after it was sent.
MARGIN = 30

#: Bytes of a login that is kept. Most have 2 kB, and a process keeps a
#: thousand.
LARGEST = 32 * 1024

#: Fields of a token that are kept, besides the catalog of what is used.
_KEPT = ('methods', 'user', 'project', 'roles', 'audit_ids', 'expires_at',
         'issued_at')

_TYPES = os_service_types.ServiceTypes()


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """Key of a login in the caches.

    :param service_provider: name of the service provider
    :param credential: digest of the home credential (token or password),
        never the credential itself
    :param scope: the settings that decide the project there
    """

    service_provider: str
    credential: str
    scope: str


@dataclasses.dataclass(frozen=True, slots=True)
class Login:
    """Login of one identity in one project of a service provider.

    :param token: the token there
    :param body: body of the token, as JSON; takes a tenth of the memory of
        dictionaries
    :param made: when the login was made, seconds since 1970
    :param until: when it is forgotten, seconds since 1970
    :param urls: auth_url and sp_url of the service provider in home's
        Keystone
    """

    token: str = dataclasses.field(repr=False)
    body: bytes = dataclasses.field(repr=False)
    made: float
    until: float
    urls: tuple[str, ...] = ()

    @property
    def access(self) -> access.AccessInfoV3:
        return access.AccessInfoV3(jsonutils.loads(self.body), self.token)


def from_tokens(there: access.AccessInfoV3, home: access.AccessInfoV3,
                longest: float, urls: tuple[str, ...] = (),
                service_types: Collection[str] = ('block-storage',)
                ) -> Login:
    """Make a login from the tokens of two clouds.

    It never outlives the token of home.

    :param there: of the service provider
    :param home: of home
    :param longest: seconds that a login may be kept
    :param urls: auth_url and sp_url of the service provider in home's
        Keystone
    :param service_types: of what is used there; no other is kept
    :raises ValueError, LookupError, TypeError, AttributeError: the answer of
        the service provider is not a valid token
    """
    _check(there)
    now = time.time()
    body = jsonutils.dump_as_bytes(_kept(there._data, service_types))
    if len(body) > LARGEST:
        raise ValueError('a token that is too large to be kept')
    return Login(
        token=text.token(there.auth_token),
        body=body,
        made=now,
        until=min(now + longest, _epoch(home),
                  _epoch(there) - MARGIN),
        urls=urls)


def _epoch(token: access.AccessInfoV3) -> float:
    return timeutils.normalize_time(token.expires).replace(
        tzinfo=datetime.UTC).timestamp()


def _check(there: access.AccessInfoV3) -> None:
    """Check all fields that are used later, while the error can be told."""
    text.identifier(there.user_id)
    # NOTE: it goes into mappings, logs and requests of Nova's own user.
    text.identifier(there.project_id)
    for service in there.service_catalog.catalog:
        _ = service['type'], service.get('name')
        for endpoint in service['endpoints']:
            _ = endpoint['interface'], endpoint.get('region')
            if not isinstance(endpoint['url'], str):
                raise TypeError('an endpoint whose URL is no text')


def _kept(body: dict[str, Any], service_types: Collection[str]
          ) -> dict[str, Any]:
    token = body['token']
    wanted = {*service_types}.union(*map(_TYPES.get_all_types, service_types))
    kept = {name: token[name] for name in _KEPT if name in token}
    kept['catalog'] = [each for each in token.get('catalog', ())
                       if each['type'] in wanted]
    return {'token': kept}
