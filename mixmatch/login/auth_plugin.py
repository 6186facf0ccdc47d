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

"""Auth plugin for requests to a service provider."""

import time
from typing import Any

from keystoneauth1 import access
from keystoneauth1.identity import base
from keystoneauth1 import session as ksa_session

from mixmatch.login import cache
from mixmatch.login import login


class LoginPlugin(base.BaseIdentityPlugin):
    """Auth plugin of one home identity, backed by the login cache.

    Cheap, made for each client. It remembers the login that it used, so that
    of many threads whose token is rejected only one logs in again.

    :param kept: the login cache of this process
    :param key: key of the login
    :param make: logs in
    :param renew: the login is renewed before it ends
    """

    def __init__(self, kept: cache.LoginCache, key: login.Key,
                 make: cache.Make, renew: bool = False) -> None:
        super().__init__()
        self._logins = kept
        self._key = key
        self._make = make
        self._renew = renew
        self._used: login.Login | None = None

    def get_auth_ref(self, session: ksa_session.Session,
                     **kwargs: Any) -> access.AccessInfo:
        """Return the cached login, or log in.

        :raises MixmatchException: see :class:`mixmatch.login.k2k`
        """
        self._used = self._logins.get(self._key, self._make, self._renew)
        return self._used.access

    @property
    def urls(self) -> tuple[str, ...]:
        """URLs of the service provider in home's Keystone."""
        return self._used.urls if self._used else ()

    def _needs_reauthenticate(self) -> bool:
        return self._used is None or self._used.until <= time.time()

    def invalidate(self) -> bool:
        """Drop the login that was used, unless it is brand-new."""
        used, self._used = self._used, None
        return used is None or self._logins.drop(self._key, used)
