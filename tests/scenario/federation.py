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

"""A login at bu, step by step."""

from typing import Any

import requests

from sandbox import client
from sandbox import topology

#: NOTE: Apache closes idle connections when it has many.
PAOS = {'Content-Type': 'application/vnd.paos+xml', 'Connection': 'close'}


class Entrance:
    """The front door of a service provider.

    :param who: of home
    :param at: the service provider
    """

    def __init__(self, who: client.Person,
                 at: str = topology.PROVIDER) -> None:
        self._home = who.api('identity')
        self._at = at
        token = self._home.get('/auth/tokens', headers={
            'X-Subject-Token': self._home.get_token()}).json()['token']
        self.known = next(each for each in token['service_providers']
                          if each['id'] == at)
        self.keystone = self.known['auth_url'].partition('/OS-FED')[0]

    def assertion(self) -> bytes:
        """Request an assertion about the user from home's Keystone."""
        response = self._home.post('/auth/OS-FEDERATION/saml2/ecp', json={
            'auth': {'identity': {'methods': ['token'], 'token': {
                'id': self._home.get_token()}},
                'scope': {'service_provider': {'id': self._at}}}},
            authenticated=False)
        assert response.status_code == 200, response.text
        return response.content

    def deliver(self, assertion: bytes, session: requests.Session
                ) -> requests.Response:
        """A session of mod_shib, if it takes the assertion."""
        return session.post(self.known['sp_url'], data=assertion,
                            headers=PAOS, allow_redirects=False, timeout=60)

    def unscoped(self, session: requests.Session, **headers: str
                 ) -> requests.Response:
        """An unscoped token for the session."""
        return session.get(self.known['auth_url'],
                           headers={**PAOS, **headers}, timeout=60)

    def enter(self) -> requests.Response:
        """All of it."""
        with requests.Session() as session:
            delivered = self.deliver(self.assertion(), session)
            assert delivered.status_code in (302, 303), delivered.text
            return self.unscoped(session)

    def projects(self, token: str) -> list[dict[str, Any]]:
        """List the projects that an unscoped token gives access to."""
        return requests.get(self.keystone + '/auth/projects',
                            headers={'X-Auth-Token': token},
                            timeout=60).json()['projects']

    def scoped(self, token: str) -> requests.Response:
        """A token for the one project of an unscoped one."""
        project, = self.projects(token)
        return requests.post(self.keystone + '/auth/tokens', json={'auth': {
            'identity': {'methods': ['token'], 'token': {'id': token}},
            'scope': {'project': {'id': project['id']}}}}, timeout=60)

    def token(self) -> str:
        """A token for one project."""
        response = self.enter()
        assert response.status_code == 201, response.text
        response = self.scoped(response.headers['X-Subject-Token'])
        assert response.status_code == 201, response.text
        return response.headers['X-Subject-Token']

    def roles(self, token: str) -> set[str] | None:
        """Return the roles of a token; None if it is not valid."""
        response = requests.get(self.keystone + '/auth/tokens', headers={
            'X-Auth-Token': token, 'X-Subject-Token': token}, timeout=60)
        if response.status_code != 200:
            return None
        return {role['name'] for role in response.json()['token']['roles']}
