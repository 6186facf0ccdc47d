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

"""Service provider: its options, logins and the APIs of its services."""

from collections.abc import Callable
import string

from keystoneauth1 import access
from keystoneauth1 import adapter as ksa_adapter
from keystoneauth1.identity import base
from keystoneauth1 import plugin
from oslo_config import cfg

from mixmatch import conf as mixmatch_conf
from mixmatch.conf import service_provider as options
from mixmatch import exceptions
from mixmatch import health
from mixmatch.http import endpoints
from mixmatch.http import limits
from mixmatch.http import session
from mixmatch.http import transport
from mixmatch.login import k2k
from mixmatch.login import login
from mixmatch import metrics
from mixmatch import service_api
from mixmatch import services

#: Keystone, where logins go, as logs and metrics name it.
IDENTITY = 'identity'


class ServiceProvider:
    """Service provider, as the configuration describes it.

    :param name: its id in home's Keystone
    :param conf: the configuration of this process
    :param home: home's Keystone, where a login begins

    Its section of the configuration is ``options``.
    """

    def __init__(self, name: str, conf: cfg.ConfigOpts,
                 home: transport.HomeKeystone, metrics_client: metrics.Metrics,
                 changed: Callable[[], None]) -> None:
        self.name = name
        self._conf = conf.mixmatch
        self.options = conf[options.group(name)]
        self._home = home
        self._metrics = metrics_client
        self.endpoints = endpoints.Endpoints(
            name, self.options.endpoint_hosts,
            self.options.endpoint_override, home.url)
        # NOTE: shared by all users; what is kept are connections, no cookie
        # and no token.
        self._adapter = limits.Adapter(
            pool_maxsize=self._conf.ask_threads)
        self._changed = changed
        #: states by the name of the service; of each that is used
        self.health: dict[str, health.Health] = {}
        self._apis: dict[services.Service, service_api.ServiceApi] = {}
        self._breaker(IDENTITY)
        self._api(services.VOLUME)

    def _breaker(self, service: str) -> health.Health:
        if service not in self.health:
            self.health.setdefault(service, health.Health(
                f'Service provider {self.name}: {service}',
                self._conf.retry_pause, self._conf.retry_pause_max,
                self._changed))
        return self.health[service]

    def _new_session(self, service: str,
                     home: transport.HomeKeystone | None = None,
                     cookies: bool = False) -> session.CloudSession:
        there = transport.Transport(
            self.name, service, self._breaker(service), self._metrics,
            self._adapter, home, cookies, repeat=service == IDENTITY,
            allowed=self.endpoints,
            largest=limits.LARGEST_OF_LOGIN if service == IDENTITY else None,
            proxy=self.options.proxy_url)
        return session.CloudSession(
            self.name, (self.options.connect_timeout,
                        self.options.read_timeout),
            there, home, **mixmatch_conf.tls(self.options))

    def log_in(self, home: base.BaseIdentityPlugin,
               scope: k2k.Scope) -> login.Login:
        """Log an identity of home in.

        :param home: the auth plugin of the identity at home
        :param scope: the project here
        :raises MixmatchException: see :class:`mixmatch.login.k2k`
        """
        entrance = k2k.Keystone2Keystone(home, self.name, scope,
                                         self.endpoints.learn)
        return entrance.log_in(
            self._new_session(IDENTITY, self._home, cookies=True),
            self._conf.login_cache_time,
            (self.options.service_type, *services.IN_LOGINS))

    def user_scope(self, home: access.AccessInfoV3) -> dict[str, str]:
        """Return the project that a user's home project maps to.

        :raises ServiceProviderSetupError: the configured template is wrong
        """
        template = self.options.project_name
        if not template:
            return {}
        try:
            name = string.Formatter().vformat(
                template, (), {'project_name': home.project_name,
                               'project_id': home.project_id})
        except (LookupError, ValueError, AttributeError) as exc:
            raise self.setup_error(
                f'project_name = {template} is not a valid template '
                f'({exc})') from exc
        return {'project_name': name,
                'project_domain_name': self.options.project_domain_name}

    def service_scope(self, home: access.AccessInfoV3) -> dict[str, str]:
        """Return the project that this service's own user works in."""
        if not self.options.service_project_name:
            return {}
        return {'project_name': self.options.service_project_name,
                'project_domain_name':
                    self.options.service_project_domain_name}

    @property
    def user_scope_key(self) -> str:
        """Settings that decide the project of a user.

        It differs between services only if their configurations do.
        """
        return f'{self.options.project_domain_name}/' \
               f'{self.options.project_name or ""}'

    @property
    def service_scope_key(self) -> str:
        """Settings that decide the project of this service's own user."""
        return f'{self.options.service_project_domain_name}/' \
               f'{self.options.service_project_name or ""}'

    def adapter(self, service: services.Service,
                auth: plugin.BaseAuthPlugin,
                microversion: str | None = None,
                global_request_id: str | None = None) -> ksa_adapter.Adapter:
        """Return an adapter of keystoneauth for the API of a service.

        See :meth:`mixmatch.service_api.ServiceApi.adapter`.
        """
        return self._api(service).adapter(auth, microversion,
                                          global_request_id)

    def highest_microversion(self, service: services.Service,
                             auth: plugin.BaseAuthPlugin) -> str:
        """Return the newest microversion of a service.

        See :meth:`mixmatch.service_api.ServiceApi.highest_microversion`.
        """
        return self._api(service).highest_microversion(auth)

    def negotiate(self, service: services.Service,
                  auth: plugin.BaseAuthPlugin, wanted: str,
                  needs: str) -> str:
        """Return the newest microversion that both sides support.

        See :meth:`mixmatch.service_api.ServiceApi.negotiate`.
        """
        return self._api(service).negotiate(auth, wanted, needs)

    def _api(self, service: services.Service) -> service_api.ServiceApi:
        if service not in self._apis:
            made = service_api.ServiceApi(
                service, self.name, self.options,
                self._new_session(service.name), self.endpoints)
            # NOTE: of two threads that make it, one wins.
            self._apis.setdefault(service, made)
        return self._apis[service]

    def setup_error(self, reason: str) -> exceptions.MixmatchException:
        return exceptions.ServiceProviderSetupError(
            service_provider=self.name, reason=reason)
