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

"""Home token of a user, whose content home's Keystone is asked for."""

from keystoneauth1 import access
from keystoneauth1 import exceptions as ksa_exceptions
from keystoneauth1.identity import base
from keystoneauth1 import session as ksa_session

#: Who understands access rules says so, and Keystone shows tokens with them.
_HEADERS = {'OpenStack-Identity-Access-Rules': '1.0'}


class ValidatedToken(base.BaseIdentityPlugin):
    """Auth plugin of a token that exists already.

    It asks Keystone for the content, as keystonemiddleware does. Another
    token in exchange, which ``v3.Token`` asks for, is not given for an
    application credential or a trust, and to nobody with
    ``[token] allow_rescope_scoped_token = false``.

    :param auth_url: home's Keystone, with the version
    :param token: the user's token
    :param service: this service's own user at home
    """

    def __init__(self, auth_url: str, token: str,
                 service: base.BaseIdentityPlugin) -> None:
        super().__init__(auth_url)
        self._token = token
        self._service = service

    def get_auth_ref(self, session: ksa_session.Session,
                     **kwargs: object) -> access.AccessInfo:
        """Return the content of the token.

        :raises keystoneauth1.exceptions.HttpError: the token is not valid
        """
        for _ in range(2):
            try:
                return self._validate(session,
                                      self._service.get_token(session))
            except ksa_exceptions.Unauthorized:
                # NOTE: this service's own token may have been revoked.
                self._service.invalidate()
            except ksa_exceptions.Forbidden:
                # NOTE: not every operator lets each service validate tokens.
                break
        # NOTE: a user may always validate the own token, and has no part in
        # a service that cannot log in at home.
        return self._validate(session, self._token)

    def _validate(self, session: ksa_session.Session,
                  by: str | None) -> access.AccessInfo:
        response = session.get(
            self.auth_url + '/auth/tokens?nocatalog', authenticated=False,
            headers={**_HEADERS, 'X-Auth-Token': by,
                     'X-Subject-Token': self._token})
        return access.create(body=response.json(), auth_token=self._token)
