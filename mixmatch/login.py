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

"""A login at a service provider: what it gave, and how long it is kept."""

import dataclasses
import datetime
import time

from keystoneauth1 import access
from oslo_serialization import jsonutils
from oslo_utils import timeutils

#: Seconds: a token at a service provider is not used in its last moments,
#: since it is checked there some time after it was sent.
MARGIN = 30


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """Whose login it is.

    :param service_provider: where
    :param credential: a digest of what the identity proves itself with at
        home; never the token or the password
    :param scope: what decides the project there
    """

    service_provider: str
    credential: str
    scope: str


@dataclasses.dataclass(frozen=True, slots=True)
class Login:
    """One identity in one project of a service provider.

    :param token: the token there
    :param body: what that Keystone says of the token, as JSON; a tenth of
        the memory of the same in dictionaries
    :param made: when the login was made, seconds since 1970
    :param until: when it is forgotten, seconds since 1970
    """

    token: str
    body: bytes
    made: float
    until: float

    @property
    def access(self) -> access.AccessInfoV3:
        return access.AccessInfoV3(jsonutils.loads(self.body), self.token)


def of(there: access.AccessInfoV3, home: access.AccessInfoV3,
       longest: float) -> Login:
    """The login that two tokens make.

    It never outlives the token at home that it came from.

    :param there: of the service provider
    :param home: of home
    :param longest: seconds that a login may be kept
    :raises ValueError, LookupError, TypeError, AttributeError: what the
        service provider said is no token
    """
    _check(there)
    now = time.time()
    return Login(
        token=there.auth_token,
        body=jsonutils.dump_as_bytes(there._data),
        made=now,
        until=min(now + longest, _epoch(home),
                  _epoch(there) - MARGIN))


def _epoch(token: access.AccessInfoV3) -> float:
    return timeutils.normalize_time(token.expires).replace(
        tzinfo=datetime.UTC).timestamp()


def _check(there: access.AccessInfoV3) -> None:
    """Touch what will be used, while it can be said whose fault it is."""
    _ = there.user_id
    if not isinstance(there.project_id, str):
        raise TypeError('a token without a project')
    for service in there.service_catalog.catalog:
        _ = service['type'], service.get('name')
        for endpoint in service['endpoints']:
            _ = endpoint['interface'], endpoint.get('region')
            if not isinstance(endpoint['url'], str):
                raise TypeError('an endpoint whose URL is no text')
