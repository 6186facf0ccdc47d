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

"""The clouds that this service may reach, and its logins there."""

from collections.abc import Callable
from concurrent import futures
import hashlib
import threading
import time
from typing import Any

import cachetools
from keystoneauth1.identity import v3
from keystoneauth1 import loading
from keystoneauth1 import plugin
from keystoneauth1 import service_token
from oslo_config import cfg
from oslo_utils import timeutils

from mixmatch import conf as mixmatch_conf
from mixmatch import exceptions
from mixmatch import login
from mixmatch import service_provider


class Federation:
    """What a service of home asks of other clouds begins here.

    Sends nothing and reads no credential before it is first used, so a
    service can make one when it starts, before it forks.

    :param conf: the configuration of this process
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        mixmatch_conf.register_opts(conf)
        self._conf = conf
        self._lock = threading.RLock()
        self._home: plugin.BaseAuthPlugin | None = None
        self._service_providers: dict[
            str, service_provider.ServiceProvider] = {}
        self._logins: cachetools.TLRUCache = cachetools.TLRUCache(
            conf.mixmatch.login_cache_size,
            ttu=lambda _key, kept, now: now + self._time_to_keep(kept),
            timer=time.monotonic)

    @property
    def names(self) -> tuple[str, ...]:
        """The service providers that the configuration names."""
        return tuple(self._conf.mixmatch.service_providers)

    def check(self, name: str, token_info: dict[str, Any]) -> None:
        """Check that a user may name a service provider.

        :param name: what the user asked for
        :param token_info: the body of the user's validated token
        :raises UnknownServiceProvider: says what would be allowed
        """
        known = self.offered(token_info)
        if name not in self.names or name not in known:
            raise exceptions.UnknownServiceProvider.not_one_of(
                name, self.names, known)

    @staticmethod
    def offered(token_info: dict[str, Any]) -> tuple[str, ...]:
        """The service providers that a validated token lists."""
        return tuple(sp['id'] for sp in token_info.get('token', {}).get(
            'service_providers', ()))

    def service_provider(self, name: str) -> service_provider.ServiceProvider:
        """One of the service providers.

        :raises UnknownServiceProvider: it is not configured
        """
        if name not in self.names:
            raise exceptions.UnknownServiceProvider.not_one_of(
                name, self.names, ())
        with self._lock:
            if name not in self._service_providers:
                self._service_providers[name] = (
                    service_provider.ServiceProvider(
                        name, self._conf, self._home_url()))
            return self._service_providers[name]

    def user_login(self, name: str, token: str,
                   project_id: str) -> login.Login:
        """Log a user in, or return the login that is kept.

        :param name: the service provider
        :param token: the user's token at home
        :param project_id: the project that the token is scoped to
        :raises MixmatchException: see :meth:`mixmatch.login.Login`
        """
        there = self.service_provider(name)
        home = v3.Token(self._home_url(), token=token, project_id=project_id)
        digest = hashlib.sha256(token.encode()).hexdigest()
        return self._login((name, digest, project_id),
                           lambda: there.login(home, there.user_scope))

    def service_login(self, name: str,
                      project_id: str | None = None) -> login.Login:
        """Log this service's own user in, or return the login that is kept.

        :param name: the service provider
        :param project_id: a project there to act in, for work that no user
            waits for; without it the one of the service's own
        :raises ServiceProviderSetupError: the service provider does not
            let this service in; users cannot mend that
        """
        there = self.service_provider(name)
        scope = there.service_scope
        if project_id:
            def scope(home: Any) -> dict[str, str]:
                return {'project_id': project_id}
        try:
            return self._login((name, None, project_id),
                               lambda: there.login(self._service(), scope))
        except (exceptions.LoginRefused, exceptions.AssertionRefused,
                exceptions.UnknownServiceProvider) as exc:
            raise there.setup_error(
                "this service's own user could not log in "
                f'({exc})') from exc

    def user_and_service_login(
            self, name: str, token: str, project_id: str
    ) -> tuple[login.Login, login.Login]:
        """Log in a user and this service, both at the same time.

        :raises MixmatchException: of the user's login first
        """
        with futures.ThreadPoolExecutor(1) as executor:
            service = executor.submit(self.service_login, name)
            user = self.user_login(name, token, project_id)
            return user, service.result()

    def with_service_token(
            self, name: str, auth: plugin.BaseAuthPlugin
    ) -> service_token.ServiceTokenAuthWrapper:
        """Add the service token that was issued *there*.

        Home's service token never leaves home.
        """
        return service_token.ServiceTokenAuthWrapper(
            user_auth=auth, service_auth=self.service_login(name))

    def _login(self, key: tuple[str | None, ...],
               make: Callable[[], login.Login]) -> login.Login:
        with self._lock:
            kept = self._logins.get(key)
        if kept is None:
            kept = make()
            kept.get_access(None)
            with self._lock:
                self._logins[key] = kept
        return kept

    def _time_to_keep(self, kept: login.Login) -> float:
        """Seconds; a login never outlives the token at home it came from."""
        assert kept.home_access is not None
        left = (kept.home_access.expires
                - timeutils.utcnow(with_timezone=True)).total_seconds()
        return max(0.0, min(left, self._conf.mixmatch.login_cache_time))

    def _service(self) -> plugin.BaseAuthPlugin:
        with self._lock:
            if self._home is None:
                self._home = loading.load_auth_from_conf_options(
                    self._conf, 'mixmatch')
            if self._home is None:
                raise exceptions.ServiceProviderSetupError(
                    service_provider=', '.join(self.names),
                    reason='[%s] of the configuration has no credentials '
                           'of this service at home' % (
                               self._conf.mixmatch.auth_section
                               or 'mixmatch'))
            return self._home

    def _home_url(self) -> str:
        url = self._service().auth_url.rstrip('/')
        return url if url.endswith('/v3') else url + '/v3'
