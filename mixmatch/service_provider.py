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

"""Service provider: its options, logins and clients."""

from collections.abc import Callable
import functools
import re
import string
from typing import Any

import cachetools
from cinderclient import api_versions
from cinderclient import client as cinder_client
from keystoneauth1 import access
from keystoneauth1 import discover
from keystoneauth1 import exceptions as ksa_exceptions
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

#: The services of another cloud that are used, as logs and metrics name them.
IDENTITY, VOLUME = 'identity', 'volume'

#: Seconds after which the versions of an endpoint are asked for again.
DISCOVERED = 3600


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
        self.health = {service: health.Health(
            f'Service provider {name}: {service}', self._conf.retry_pause,
            self._conf.retry_pause_max, changed)
            for service in (IDENTITY, VOLUME)}
        self._session = self._new_session(VOLUME)
        self._microversions: cachetools.TTLCache = cachetools.TTLCache(
            100, DISCOVERED)

    def _new_session(self, service: str,
                     home: transport.HomeKeystone | None = None,
                     cookies: bool = False) -> session.CloudSession:
        there = transport.Transport(
            self.name, service, self.health[service], self._metrics,
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
            self._conf.login_cache_time, self.options.service_type)

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

    def volume_client(self, auth: plugin.BaseAuthPlugin,
                      microversion: str | None = None,
                      global_request_id: str | None = None) -> Any:
        """Return a client of the service provider's Cinder.

        :param auth: auth plugin of the requester
        :param microversion: the version of the API that the caller needs
        :param global_request_id: joins the logs of both clouds
        :returns: ``cinderclient.v3.client.Client``
        :raises MicroversionNotSupported: the Cinder there is too old
        :raises ServiceProviderUnavailable: it does not answer
        """
        endpoint = self._endpoint_of_volumes(auth)
        if microversion:
            self._check_microversion(_root(endpoint), microversion)
        # NOTE: keystoneauth would ask the endpoint for others and go where
        # it says. It fills templates, which only an operator may write.
        if not self.options.endpoint_override:
            endpoint = endpoint.replace('%', '%%')
        client = cinder_client.Client(
            microversion or '3.0', session=self._session, auth=auth,
            global_request_id=global_request_id,
            connect_retries=self.options.connect_retries,
            **{**self._endpoint,
               'endpoint_override': endpoint})
        client.client.get = functools.partial(_one_page, client.client.get)
        return client

    @property
    def _endpoint(self) -> dict[str, Any]:
        return {'service_type': self.options.service_type,
                'service_name': self.options.service_name,
                'interface': self.options.valid_interfaces,
                'region_name': self.options.region_name,
                'endpoint_override': self.options.endpoint_override}

    def highest_microversion(self, auth: plugin.BaseAuthPlugin) -> str:
        """Return the newest microversion of its volume API.

        Requested once for each endpoint, and again after a while.

        :raises ServiceProviderSetupError: it has no Cinder for us
        :raises ServiceProviderUnavailable: it does not answer
        """
        return self._highest_at(_root(self._endpoint_of_volumes(auth)))

    def _endpoint_of_volumes(self, auth: plugin.BaseAuthPlugin) -> str:
        wanted = self._endpoint
        override = wanted.pop('endpoint_override')
        if override:
            return override
        try:
            endpoint = auth.get_endpoint(
                self._session, skip_discovery=True, **wanted)
        except ksa_exceptions.CatalogException:
            endpoint = None
        if not endpoint:
            raise self.setup_error(
                'its catalog has no endpoint for service_type '
                f'{self.options.service_type} in region '
                f'{self.options.region_name}')
        self.endpoints.check_endpoint(endpoint)
        return endpoint

    def _highest_at(self, root: str) -> str:
        known = self._microversions.get(root)
        if known is None:
            known = self._microversions[root] = self._discover(root)
        return known

    def _discover(self, root: str) -> str:
        try:
            data = discover.Discover(self._session, root).versioned_data_for(
                min_version=(3, 0), max_version=(3, discover.LATEST))
        except ksa_exceptions.HttpServerError as exc:
            raise exceptions.ServiceProviderUnavailable(
                service_provider=self.name,
                reason=f'its Cinder answered HTTP {exc.http_status}') from exc
        except exceptions.MixmatchException:
            raise
        except (ksa_exceptions.ClientException, TypeError, ValueError,
                LookupError, AttributeError) as exc:
            # NOTE: not its message, which is text of the peer.
            raise self.setup_error(f'{root} is not a volume API') from exc
        if data is None:
            raise self.setup_error(f'{root} has no volume API of version 3')
        major, minor = data['max_microversion'] or (3, 0)
        return f'{major}.{minor}'

    def _check_microversion(self, root: str, microversion: str) -> None:
        highest = self._highest_at(root)
        if (api_versions.APIVersion(highest)
                < api_versions.APIVersion(microversion)):
            raise exceptions.MicroversionNotSupported(
                service_provider=self.name, needed=microversion,
                highest=highest)

    def setup_error(self, reason: str) -> exceptions.MixmatchException:
        return exceptions.ServiceProviderSetupError(
            service_provider=self.name, reason=reason)


def _root(endpoint: str) -> str:
    """Return the URL of the version document of a Cinder."""
    # NOTE: below /v3 Cinder requires a token for its versions, which
    # keystoneauth does not send in discovery.
    return re.sub(r'(?<!/)/v3(/.*)?$', '/', endpoint)


def _one_page(get: Callable[..., tuple[Any, Any]], url: str,
              **kwargs: Any) -> tuple[Any, Any]:
    """GET without the links to further pages.

    python-cinderclient follows them as long as there are any, each page one
    call deeper, and keeps them all.
    """
    response, body = get(url, **kwargs)
    if isinstance(body, dict):
        body = {name: value for name, value in body.items()
                if not name.endswith('_links')}
    return response, body
