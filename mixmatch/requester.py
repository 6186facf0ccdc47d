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

"""User of home on whose behalf service providers are used."""

import dataclasses
from typing import Any

from keystoneauth1 import access
from keystoneauth1.identity import access as access_plugin
from keystoneauth1.identity import base

from mixmatch.login import home_token


@dataclasses.dataclass(frozen=True)
class Requester:
    """User of home, as the service that got the request knows it.

    :param token: the user's token at home
    :param project_id: the project that the token is scoped to
    :param token_info: the body of the token, if this process has validated
        it, which saves a request; else empty
    """

    token: str = dataclasses.field(repr=False)
    project_id: str
    token_info: dict[str, Any] = dataclasses.field(
        default_factory=dict, repr=False)

    @classmethod
    def from_context(cls, context: Any,
                     token_info: dict[str, Any] | None = None) -> 'Requester':
        """Return the requester of a service's request context."""
        return cls(context.auth_token, context.project_id, token_info or {})

    @property
    def service_providers(self) -> tuple[str, ...]:
        """Names of the service providers that the validated token lists."""
        return tuple(sp['id'] for sp in self.token_info.get('token', {}).get(
            'service_providers', ()))

    def auth_plugin(self, auth_url: str, service: base.BaseIdentityPlugin
                    ) -> base.BaseIdentityPlugin:
        """Return the auth plugin of the user at home.

        :param auth_url: of home's Keystone
        :param service: this service's own user at home, who validates a
            token whose body is not known
        """
        if self.token_info:
            return access_plugin.AccessInfoPlugin(
                access.create(body=self.token_info, auth_token=self.token),
                auth_url)
        return home_token.ValidatedToken(auth_url, self.token, service)
