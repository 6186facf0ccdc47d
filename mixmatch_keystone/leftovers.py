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

"""Leftovers: credentials of users that give tokens without a login.

They belong to the user, so they stay when a grant lapses, give no access
until the next login, and work again after it.
"""

from collections.abc import Callable
from typing import NamedTuple

from keystone.common import provider_api
from keystone.common import sql
from keystone import exception
from keystone.oauth1.backends import sql as oauth1
from oslo_log import log as logging

LOG = logging.getLogger(__name__)
PROVIDERS = provider_api.ProviderAPIs


class Kind(NamedTuple):
    """Kind of leftovers.

    :param ids: lists the ids of a user's, never from a cache
    :param end: deletes one, by the ids of user and leftover
    """

    name: str
    ids: Callable[[str], list[str]]
    end: Callable[[str, str], None]


def _application_credentials(user_id: str) -> list[str]:
    return [each['id'] for each in PROVIDERS.application_credential_api
            .list_application_credentials(user_id)]


def _end_application_credential(user_id: str, each: str) -> None:
    PROVIDERS.application_credential_api.delete_application_credential(each)


def _access_rules(user_id: str) -> list[str]:
    return [each['id'] for each in PROVIDERS.application_credential_api
            .list_access_rules_for_user(user_id)]


def _end_access_rule(user_id: str, each: str) -> None:
    PROVIDERS.application_credential_api.delete_access_rule(each)


def _credentials(user_id: str) -> list[str]:
    return [each['id'] for each in PROVIDERS.credential_api.driver
            .list_credentials_for_user(user_id)]


def _end_credential(user_id: str, each: str) -> None:
    PROVIDERS.credential_api.delete_credential(each)


def _trusts(user_id: str) -> list[str]:
    # NOTE: a trustee can pass a trust on, in the name of the trustor.
    api = PROVIDERS.trust_api
    return list(dict.fromkeys(each['id'] for each in (
        *api.list_trusts_for_trustor(user_id),
        *api.list_trusts_for_trustee(user_id))))


def _end_trust(user_id: str, each: str) -> None:
    PROVIDERS.trust_api.delete_trust(each)


def _access_tokens(user_id: str) -> list[str]:
    return [each['id']
            for each in PROVIDERS.oauth_api.list_access_tokens(user_id)]


def _end_access_token(user_id: str, each: str) -> None:
    PROVIDERS.oauth_api.delete_access_token(user_id, each)


def _request_tokens(user_id: str) -> list[str]:
    # NOTE: Keystone has neither another driver nor a way to list them. One
    # that the user has authorized becomes an access token without the user.
    with sql.session_for_read() as session:
        return [each.id for each in session.query(
            oauth1.RequestToken).filter_by(authorizing_user_id=user_id)]


def _end_request_token(user_id: str, each: str) -> None:
    with sql.session_for_write() as session:
        session.query(oauth1.RequestToken).filter_by(id=each).delete()


#: NOTE: an access rule cannot be deleted before what uses it.
KINDS = (
    Kind('application credentials', _application_credentials,
         _end_application_credential),
    Kind('access rules', _access_rules, _end_access_rule),
    Kind('credentials', _credentials, _end_credential),
    Kind('trusts', _trusts, _end_trust),
    Kind('OAuth request tokens', _request_tokens, _end_request_token),
    Kind('OAuth access tokens', _access_tokens, _end_access_token),
)


def count(user_id: str) -> dict[str, int]:
    """Count the leftovers of a user by kind."""
    found = {kind.name: len(kind.ids(user_id)) for kind in KINDS}
    return {name: number for name, number in found.items() if number}


def end(user_id: str) -> None:
    """Delete all leftovers of a user; a failure does not stop the rest.

    :raises Exception: the first failure
    """
    failures = []
    for kind in KINDS:
        for each in kind.ids(user_id):
            try:
                kind.end(user_id, each)
            except exception.NotFound:
                LOG.debug('One of the %s is deleted already', kind.name)
            except Exception as exc:
                LOG.exception('One of the %(what)s of user %(user)s could not '
                              'be deleted',
                              {'what': kind.name, 'user': user_id})
                failures.append(exc)
    if failures:
        raise failures[0]
