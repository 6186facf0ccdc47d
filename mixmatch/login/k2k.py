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

"""Keystone-to-Keystone federation: the requests of a login."""

from collections.abc import Callable, Collection
from typing import Any

from keystoneauth1 import access
from keystoneauth1 import exceptions as ksa_exceptions
from keystoneauth1.identity import base
from keystoneauth1.identity import v3
from keystoneauth1 import session as ksa_session

from mixmatch import exceptions
from mixmatch.login import login
from mixmatch import text

#: What a login at a service provider is scoped to: the keyword arguments of
#: a keystoneauth plugin, from what home's Keystone says of the identity.
#: Nothing means the one project that the service provider's mapping gives.
Scope = Callable[[access.AccessInfoV3], dict[str, str]]


class Keystone2Keystone(v3.Keystone2Keystone):
    """Login of one home identity in one project of a service provider.

    :param home: the auth plugin of the identity at home
    :param service_provider: the name of the service provider
    :param scope: the project there
    :param learn: called with the URLs of the service provider in home's
        Keystone
    """

    project_id: str | None
    project_name: str | None

    def __init__(self, home: base.BaseIdentityPlugin, service_provider: str,
                 scope: Scope,
                 learn: Callable[[tuple[str, ...]], None]) -> None:
        super().__init__(home, service_provider)
        self._learn = learn
        self._urls: tuple[str, ...] = ()
        self._home = home
        self._service_provider = service_provider
        self._scope = scope

    def log_in(self, session: ksa_session.Session,
               longest: float, service_types: Collection[str]
               ) -> login.Login:
        """Log in, by five requests.

        Home's token (unless its content is known), the assertion, its
        delivery, the unscoped token, the scoped token.

        :param session: of this login alone: Apache's SAML module knows a
            user by a cookie, and that of one would log in another
        :param longest: seconds that the login may be kept
        :param service_types: of what is used there
        :raises UnknownServiceProvider: home's Keystone does not offer the
            service provider to this identity
        :raises AssertionRefused: home's Keystone gives no assertion
        :raises LoginRefused: the service provider does not let it in
        :raises ServiceProviderSetupError: the service provider's Keystone
            cannot read the assertion, or the project is ambiguous
        :raises ConnectionFailure: one of the two Keystones does not answer
        """
        home = self._enter_home(session)
        try:
            return login.from_tokens(self.get_auth_ref(session), home, longest,
                                     self._urls, service_types)
        except ksa_exceptions.AuthorizationFailure as exc:
            raise exceptions.AssertionRefused(
                service_provider=self._service_provider,
                reason=text.clean(str(exc))) from exc
        except (ksa_exceptions.Unauthorized, ksa_exceptions.Forbidden,
                ksa_exceptions.NotFound) as exc:
            raise exceptions.LoginRefused(
                service_provider=self._service_provider,
                reason=_status(exc)) from exc
        except ksa_exceptions.HttpError as exc:
            if exc.http_status >= 502:
                raise exceptions.ServiceProviderUnavailable(
                    service_provider=self._service_provider,
                    reason=_status(exc)) from exc
            raise self._setup_error(
                f'its Keystone could not read the assertion ({_status(exc)})'
            ) from exc
        except exceptions.MixmatchException:
            raise
        except (ksa_exceptions.ClientException, ValueError, LookupError,
                TypeError, AttributeError) as exc:
            raise self._setup_error(
                'its Keystone answered without a valid token'
            ) from exc

    def get_unscoped_auth_ref(self, session: ksa_session.Session,
                              **kwargs: Any) -> access.AccessInfoV3:
        unscoped = super().get_unscoped_auth_ref(session)
        if not (self.project_id or self.project_name):
            self.project_id = self._mapped_project(session, unscoped)
        return unscoped

    def _enter_home(self, session: ksa_session.Session
                    ) -> access.AccessInfoV3:
        try:
            home = self._home.get_access(session)
        except ksa_exceptions.HttpError as exc:
            raise exceptions.AssertionRefused(
                service_provider=self._service_provider,
                reason=_status(exc)) from exc
        if home.application_credential_access_rules is not None:
            # NOTE: Keystone itself does not find a token with access rules
            # when it makes an assertion (keystone.api._shared.saml).
            raise exceptions.AccessRules(
                service_provider=self._service_provider)
        try:
            self._urls = (
                home.service_providers.get_auth_url(self._service_provider),
                home.service_providers.get_sp_url(self._service_provider))
        except ksa_exceptions.ServiceProviderNotFound as exc:
            raise exceptions.UnknownServiceProvider.not_one_of(
                self._service_provider, (self._service_provider,), ()
            ) from exc
        self._learn(self._urls)
        for name, value in self._scope(home).items():
            setattr(self, name, value)
        return home

    def _mapped_project(self, session: ksa_session.Session,
                        unscoped: access.AccessInfoV3) -> str:
        response = session.get(
            self.auth_url + '/auth/projects', authenticated=False,
            headers={'X-Auth-Token': text.token(unscoped.auth_token)})
        projects = response.json()['projects']
        if not projects:
            raise exceptions.LoginRefused(
                service_provider=self._service_provider,
                reason='it maps you to no project')
        if len(projects) > 1:
            raise self._setup_error(
                'its mapping gives several projects (%s): set project_name '
                'in the section of the service provider' % ', '.join(sorted(
                    text.quoted(project['name'])
                    for project in projects[:10])))
        return text.identifier(projects[0]['id'])

    def _setup_error(self, reason: str) -> exceptions.MixmatchException:
        return exceptions.ServiceProviderSetupError(
            service_provider=self._service_provider, reason=reason)


def _status(exc: ksa_exceptions.HttpError) -> str:
    # NOTE: not the message, which is the peer's text, perhaps HTML.
    return f'HTTP {exc.http_status} from {exc.url}'
