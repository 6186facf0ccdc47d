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

"""API of one service of a service provider: endpoint and microversions."""

import re
from typing import Any

import cachetools
from keystoneauth1 import adapter as ksa_adapter
from keystoneauth1 import discover
from keystoneauth1 import exceptions as ksa_exceptions
from keystoneauth1 import plugin

from mixmatch import exceptions
from mixmatch.http import endpoints
from mixmatch.http import session as http_session
from mixmatch import services

#: Seconds after which the versions of an endpoint are asked for again.
DISCOVERED = 3600

_USER_AGENT = 'mixmatch'


class ServiceApi:
    """API of one service of a service provider.

    :param service: the service
    :param name: the service provider
    :param options: its section of the configuration
    :param session: sends to the service
    :param allowed: where its catalog may lead
    """

    def __init__(self, service: services.Service, name: str, options: Any,
                 session: http_session.CloudSession,
                 allowed: endpoints.Endpoints) -> None:
        self._service = service
        self._name = name
        self._session = session
        self._allowed = allowed
        self._connect_retries = options.connect_retries
        own = service.service_type is None
        self._override = options.endpoint_override if own else None
        self._filter: dict[str, Any] = {
            'service_type': service.service_type or options.service_type,
            'service_name': options.service_name if own else None,
            'interface': options.valid_interfaces,
            'region_name': options.region_name}
        self._microversions: cachetools.TTLCache = cachetools.TTLCache(
            100, DISCOVERED)

    def adapter(self, auth: plugin.BaseAuthPlugin,
                microversion: str | None = None,
                global_request_id: str | None = None) -> ksa_adapter.Adapter:
        """Return an adapter of keystoneauth for the API.

        :param auth: auth plugin of the requester
        :param microversion: the one that the caller needs; None for the
            lowest, which is not checked
        :param global_request_id: joins the logs of both clouds
        :raises ServiceProviderSetupError: the catalog has no such service,
            or leads elsewhere
        :raises MicroversionNotSupported: the service there is too old
        :raises ServiceProviderUnavailable: it does not answer
        """
        endpoint = self._endpoint(auth)
        if microversion:
            self._negotiate(endpoint, microversion, microversion)
            if _parse(microversion) == (self._service.major, 0):
                # NOTE: every release has it, and none wants a header for it.
                microversion = None
        if self._service.from_root:
            endpoint = self._root(endpoint)
        # NOTE: keystoneauth would ask the endpoint for others and go where
        # it says. It fills templates, which only an operator may write.
        if not self._override:
            endpoint = endpoint.replace('%', '%%')
        return ksa_adapter.Adapter(
            self._session, auth=auth, endpoint_override=endpoint,
            default_microversion=microversion,
            global_request_id=global_request_id,
            connect_retries=self._connect_retries, user_agent=_USER_AGENT,
            **self._filter)

    def highest_microversion(self, auth: plugin.BaseAuthPlugin) -> str:
        """Return the newest microversion of the API.

        Requested once for each endpoint, and again after a while.

        :raises ServiceProviderSetupError: there is no such service for us
        :raises ServiceProviderUnavailable: it does not answer
        """
        return self._highest_at(self._endpoint(auth))

    def negotiate(self, auth: plugin.BaseAuthPlugin, wanted: str,
                  needs: str) -> str:
        """Return the newest microversion that both sides support.

        :param auth: auth plugin of the requester
        :param wanted: the newest that the caller knows
        :param needs: the oldest that it can use
        :raises MicroversionNotSupported: the service there is too old
        :raises ServiceProviderSetupError: there is no such service for us
        :raises ServiceProviderUnavailable: it does not answer
        """
        return self._negotiate(self._endpoint(auth), wanted, needs)

    def _negotiate(self, endpoint: str, wanted: str, needs: str) -> str:
        highest = self._highest_at(endpoint)
        if _parse(highest) < _parse(needs):
            raise exceptions.MicroversionNotSupported(
                service_provider=self._name, service=self._service.name,
                needed=needs, highest=highest)
        return min(wanted, highest, key=_parse)

    def _endpoint(self, auth: plugin.BaseAuthPlugin) -> str:
        if self._override:
            return self._override
        try:
            endpoint = auth.get_endpoint(
                self._session, skip_discovery=True, **self._filter)
        except ksa_exceptions.CatalogException:
            endpoint = None
        if not endpoint:
            raise exceptions.ServiceNotOffered(
                service_provider=self._name,
                reason='its catalog has no endpoint for service_type '
                       f'{self._filter["service_type"]} in region '
                       f'{self._filter["region_name"]}')
        self._allowed.check_endpoint(endpoint, self._service.name)
        return endpoint

    def _highest_at(self, endpoint: str) -> str:
        root = self._root(endpoint)
        known = self._microversions.get(root)
        if known is None:
            known = self._microversions[root] = self._discover(root)
        return known

    def _root(self, endpoint: str) -> str:
        """Return the URL of the version document of an endpoint."""
        # NOTE: below /v3 Cinder requires a token for its versions, which
        # keystoneauth does not send in discovery.
        return re.sub(rf'(?<!/)/v{self._service.major}(/.*)?$', '/', endpoint)

    def _discover(self, root: str) -> str:
        service = self._service
        try:
            data = discover.Discover(self._session, root).versioned_data_for(
                min_version=(service.major, 0),
                max_version=(service.major, discover.LATEST))
        except ksa_exceptions.HttpServerError as exc:
            raise exceptions.ServiceProviderUnavailable(
                service_provider=self._name,
                reason=f'its {service.project} answered HTTP '
                       f'{exc.http_status}') from exc
        except exceptions.MixmatchException:
            raise
        except (ksa_exceptions.ClientException, TypeError, ValueError,
                LookupError, AttributeError) as exc:
            # NOTE: not its message, which is text of the peer.
            article = 'an' if service.name[0] in 'aeiou' else 'a'
            raise self._setup_error(
                f'{root} is not {article} {service.name} API') from exc
        if data is None:
            raise self._setup_error(f'{root} has no {service.name} API of '
                                    f'version {service.major}')
        major, minor = data['max_microversion'] or (service.major, 0)
        return f'{major}.{minor}'

    def _setup_error(self, reason: str) -> exceptions.MixmatchException:
        return exceptions.ServiceProviderSetupError(
            service_provider=self._name, reason=reason)


def _parse(microversion: str) -> tuple[int, int]:
    """Return a microversion as numbers, which text does not sort like.

    :raises ValueError: it is not a microversion
    """
    major, minor = microversion.split('.')
    return int(major), int(minor)
