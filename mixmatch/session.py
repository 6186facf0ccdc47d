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

"""HTTP to one other cloud."""

from http import cookiejar
from typing import Any

from keystoneauth1 import exceptions as ksa_exceptions
from keystoneauth1 import session as ksa_session
import requests

from mixmatch import exceptions


class CloudSession(ksa_session.Session):
    """A session that logs no secret, waits no longer than it may and, when
    nobody answers, names the cloud.

    :param service_provider: the name of the cloud, for errors
    :param timeout: seconds to wait for (a connection, an answer)
    :param home_url: the URL of home's Keystone, where a login begins; None
        if this session never goes there
    :param cookies: keep cookies. Only a single login does: the SAML session
        of one user must never be sent in a request of another.
    """

    def __init__(self, service_provider: str, timeout: tuple[float, float],
                 home_url: str | None = None, cookies: bool = False,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.service_provider = service_provider
        self._timeout = timeout
        self._home_url = home_url
        if not cookies:
            self.session.cookies.set_policy(
                cookiejar.DefaultCookiePolicy(allowed_domains=[]))

    def request(self, url: str, method: str,
                **kwargs: Any) -> requests.Response:
        """Send a request; the parameters are those of keystoneauth.

        :raises ServiceProviderUnavailable: the service provider did not
            answer in time, or not in HTTP
        :raises HomeUnavailable: the same of home's Keystone, or it is broken
        """
        # NOTE: at DEBUG keystoneauth logs the body of the request for an
        # assertion, which holds the user's token.
        kwargs['log'] = False
        kwargs.setdefault('timeout', self._timeout)
        try:
            response = super().request(url, method, **kwargs)
        except exceptions.ConnectionFailure:
            raise
        except ksa_exceptions.ConnectionError as exc:
            if self._is_home(url):
                raise exceptions.HomeUnavailable(reason=exc) from exc
            raise exceptions.ServiceProviderUnavailable(
                service_provider=self.service_provider, reason=exc) from exc
        except ksa_exceptions.HttpError as exc:
            if exc.http_status >= 500 and self._is_home(url):
                raise exceptions.HomeUnavailable(
                    reason=f'HTTP {exc.http_status}') from exc
            raise
        if response.status_code >= 500 and self._is_home(url):
            raise exceptions.HomeUnavailable(
                reason=f'HTTP {response.status_code}')
        return response

    def _is_home(self, url: str) -> bool:
        # A path without a host is keystoneauth's request for the assertion.
        return bool(self._home_url) and url.startswith((
            str(self._home_url), '/'))
