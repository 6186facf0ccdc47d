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

"""Auth plugin of Keystone: ``[auth] mapped = mixmatch``."""

import datetime
from typing import Any

import flask
from keystone.auth.plugins import base
from keystone.auth.plugins import mapped
from keystone.common import provider_api
from keystone.common import utils as ks_utils
import keystone.conf
from keystone import exception
from keystone.federation import constants
from keystone.federation import utils
from keystone import notifications
from oslo_log import log as logging
from oslo_utils import timeutils
from pycadf import cadftaxonomy as taxonomy

from mixmatch_keystone import assertion
from mixmatch_keystone import audit
from mixmatch_keystone import conf
from mixmatch_keystone import grants
from mixmatch_keystone import issuer
from mixmatch_keystone import rules
from mixmatch_keystone import rules_file
from mixmatch_keystone import uwsgi_buffer

LOG = logging.getLogger(__name__)
PROVIDERS = provider_api.ProviderAPIs


class Mapped(mapped.Mapped):
    """Keystone's own plugin, except where the rules file decides.

    The rules decide for the protocols of identity providers with the mapping
    that ``[mixmatch] mapping`` names.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._conf = keystone.conf.CONF
        conf.register_opts(self._conf)
        self._rules = rules_file.RulesFile(self._conf.mixmatch.rules_file)
        self._audit = audit.Audit(self._conf)
        uwsgi_buffer.warn()

    def authenticate(self, auth_payload: dict[str, Any]
                     ) -> base.AuthHandlerResponse:
        """Authenticate a user of another cloud.

        :param auth_payload: names an identity provider and a protocol; the
            assertion is in the environment of the request
        :raises keystone.exception.Unauthorized: the rules give nothing
        """
        if not self._decides(auth_payload):
            return self._as_long_as_before(
                auth_payload, super().authenticate(auth_payload))
        name, protocol = (auth_payload['identity_provider'],
                          auth_payload['protocol'])
        utils.assert_enabled_identity_provider(PROVIDERS.federation_api, name)
        reason: str | None = None
        rule: str | None = None
        try:
            user_id, expires = self._let_in(name, protocol)
        except (assertion.InvalidAssertion, issuer.UnknownIssuer,
                rules.Refused, rules_file.RulesUnavailable,
                grants.GrantError) as exc:
            reason, rule = str(exc), getattr(exc, 'rule', None)
        except (exception.ValidationError, exception.Unauthorized,
                exception.Forbidden) as exc:
            # NOTE: Keystone's own texts may quote the assertion.
            LOG.debug('Keystone refused the assertion', exc_info=True)
            reason = ('Keystone refused the assertion '
                      f'({type(exc).__name__})')
        if reason is not None:
            self._refuse(name, protocol, reason, rule)
            raise exception.Unauthorized(reason)
        self._notify(user_id, name, protocol, taxonomy.OUTCOME_SUCCESS)
        return base.AuthHandlerResponse(
            status=True, response_body=None, response_data={
                'user_id': user_id, 'group_ids': [],
                constants.IDENTITY_PROVIDER: name,
                constants.PROTOCOL: protocol, 'expires_at': expires})

    @staticmethod
    def _as_long_as_before(payload: dict[str, Any],
                           response: base.AuthHandlerResponse
                           ) -> base.AuthHandlerResponse:
        """Limit the lifetime of a token to that of its parent token."""
        # NOTE: not all releases of Keystone see to that themselves.
        if response.status and 'id' in payload:
            token = PROVIDERS.token_provider_api.validate_token(payload['id'])
            response.response_data.setdefault('expires_at', token.expires_at)
        return response

    def _decides(self, payload: dict[str, Any]) -> bool:
        """Return whether the rules decide about this request."""
        if 'id' in payload or not {'identity_provider',
                                   'protocol'} <= payload.keys():
            return False
        try:
            found = PROVIDERS.federation_api.get_protocol(
                payload['identity_provider'], payload['protocol'])
        except exception.FederatedProtocolNotFound:
            return False
        return found['mapping_id'] == self._conf.mixmatch.mapping

    def _let_in(self, name: str, protocol: str) -> tuple[str, str]:
        idp = PROVIDERS.federation_api.get_idp(name)
        issuer.check(idp, protocol)
        who = assertion.from_environment(flask.request.environ)
        LOG.debug('Identity provider %(idp)s asserts %(who)r',
                  {'idp': name, 'who': who})
        grant = self._rules.rules().decide(name, who)
        expires = self._expires(who, grant)
        user_id, project_id = grants.grant_access(idp, protocol, who, grant)
        self._audit.granted(
            notifications.build_audit_initiator(), user_id, expires,
            identity_provider=name, rule=grant.rule, project=project_id,
            roles=sorted(grant.roles))
        return user_id, expires

    def _expires(self, who: assertion.Assertion, grant: rules.Grant) -> str:
        now = timeutils.utcnow()
        ends = timeutils.normalize_time(who.ends)
        if ends <= now:
            raise assertion.InvalidAssertion('it has ended')
        seconds = min(grant.token_lifetime, self._conf.token.expiration)
        return ks_utils.isotime(min(
            now + datetime.timedelta(seconds=seconds), ends).replace(
                microsecond=0), subsecond=True)

    def _refuse(self, name: str, protocol: str, reason: str,
                rule: str | None) -> None:
        self._audit.refused(notifications.build_audit_initiator(), reason,
                            identity_provider=name, rule=rule)
        self._notify(None, name, protocol, taxonomy.OUTCOME_FAILURE)

    @staticmethod
    def _notify(user_id: str | None, name: str, protocol: str,
              outcome: str) -> None:
        """Send Keystone's own notification of a federated login."""
        notifications.send_saml_audit_notification(
            'authenticate', user_id, [], name, protocol, None, outcome)
