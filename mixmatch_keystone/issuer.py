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

"""Check of the issuer of an assertion.

Keystone accepts any issuer's assertion at any protocol if neither
``remote_id_attribute`` nor a remote id is set, and neither is mandatory. Any
issuer that the web server trusts could then assert users of other clouds.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from keystone.auth.plugins import mapped
from keystone.common import provider_api
from keystone.federation import utils
from oslo_log import log as logging

LOG = logging.getLogger(__name__)
PROVIDERS = provider_api.ProviderAPIs

#: Remedy for operators, if no attribute is configured.
REMEDY = ('set remote_id_attribute for the protocol, or in [federation] of '
          'keystone.conf; Shib-Identity-Provider for mod_shib')


class UnknownIssuer(Exception):
    """Error: the issuer of an assertion cannot be determined."""


def problems(idp: Mapping[str, Any], protocol: str) -> Iterator[str]:
    """List reasons why the issuer of assertions cannot be determined.

    :param idp: the identity provider, as Keystone has it
    :param protocol: the id of its protocol
    """
    if not idp['remote_ids'] or not all(map(str.strip, idp['remote_ids'])):
        yield 'the identity provider has no remote id'
    # NOTE: that of the protocol, else of the section that is named like it,
    # else of [federation]; the same in all releases.
    attribute = utils.get_remote_id_parameter(idp, protocol)
    if not attribute:
        yield f'protocol {protocol!r} has no remote_id_attribute: {REMEDY}'
    elif attribute.startswith('HTTP_'):
        yield (f'remote_id_attribute of protocol {protocol!r} is a header of '
               f'the request, which a client can send: {REMEDY}')


def shared(idp: Mapping[str, Any]) -> Iterator[str]:
    """List what it shares with other identity providers."""
    for other in PROVIDERS.federation_api.list_idps():
        if other['id'] == idp['id']:
            continue
        if other['domain_id'] == idp['domain_id']:
            yield ('the identity provider shares its domain with '
                   f'{other["id"]!r}')
        if set(other.get('remote_ids') or ()) & set(idp['remote_ids']):
            yield ('the identity provider shares a remote id with '
                   f'{other["id"]!r}')


def check(idp: Mapping[str, Any], protocol: str) -> None:
    """Check that the assertion of this request is the identity provider's.

    :raises UnknownIssuer: the issuer cannot be determined
    :raises keystone.exception.Forbidden: it is of another one
    :raises keystone.exception.ValidationError: it names none
    """
    for problem in (*problems(idp, protocol), *shared(idp)):
        LOG.error('Identity provider %(idp)s: all logins are refused: '
                  '%(problem)s',
                  {'idp': idp['id'], 'problem': problem})
        raise UnknownIssuer(problem)
    utils.validate_idp(idp, protocol, mapped.extract_assertion_data())
