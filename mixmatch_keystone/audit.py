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

"""Audit of grants, refusals and revocations: a log line, a notification.

They carry ids of this cloud, the name of a rule and a reason, but no content
of an assertion, which belongs to another cloud.
"""

import socket
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging
import oslo_messaging
from pycadf import attachment
from pycadf import cadftaxonomy as taxonomy
from pycadf import cadftype
from pycadf import eventfactory
from pycadf import reason as cadf_reason
from pycadf import resource

LOG = logging.getLogger(__name__)

#: Of CADF's taxonomy; pycadf has no names for them.
ALLOW, DENY, REVOKE = 'allow', 'deny', 'revoke'


class Audit:
    """Audit log and notifications in CADF (DMTF DSP0262).

    :param conf: of Keystone
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf
        self._notifier: oslo_messaging.Notifier | None = None

    def granted(self, initiator: resource.Resource, user_id: str,
                until: str, **facts: Any) -> None:
        """Record a grant."""
        LOG.info('Rule %(rule)r grants user %(user)s of identity provider '
                 '%(identity_provider)s %(roles)s in project %(project)s, '
                 'with a token until %(until)s',
                 {'user': user_id, 'until': until, **facts})
        self._notify(ALLOW, taxonomy.OUTCOME_SUCCESS,
                     initiator, user_id, facts)

    def refused(self, initiator: resource.Resource, reason: str,
                **facts: Any) -> None:
        """Record a refusal."""
        LOG.warning('Rule %(rule)r refuses a user of identity provider '
                    '%(identity_provider)s: %(reason)s' if facts['rule'] else
                    'A user of identity provider %(identity_provider)s is '
                    'refused: %(reason)s', {'reason': reason, **facts})
        self._notify(DENY, taxonomy.OUTCOME_FAILURE,
                     initiator, taxonomy.UNKNOWN, facts, reason)

    def revoked(self, user_id: str, **facts: Any) -> None:
        """Record that an operator has revoked a grant."""
        LOG.info('Grant of rule %(rule)r to user %(user)s of identity '
                 'provider %(identity_provider)s revoked: %(roles)s',
                 {'user': user_id, **facts})
        self._notify(REVOKE, taxonomy.OUTCOME_SUCCESS,
                     resource.Resource(typeURI=taxonomy.SERVICE_SECURITY,
                                       name='mixmatch-keystone'),
                     user_id, facts)

    def _notify(self, action: str, outcome: str,
                initiator: resource.Resource, user_id: str,
                facts: dict[str, Any], reason: str | None = None) -> None:
        name = f'identity.federation.{action}'
        if not {name, f'{name}.{outcome}'}.isdisjoint(
                self._conf.notification_opt_out):
            return
        event = eventfactory.EventFactory().new_event(
            eventType=cadftype.EVENTTYPE_ACTIVITY, action=action,
            outcome=outcome, initiator=initiator,
            target=resource.Resource(typeURI=taxonomy.ACCOUNT_USER,
                                     id=user_id),
            reason=reason and cadf_reason.Reason(
                reasonType='mixmatch', reasonCode='401',
                policyType='mixmatch', policyId=facts['rule'] or 'none'),
            observer=resource.Resource(typeURI=taxonomy.SERVICE_SECURITY))
        event.add_attachment(attachment.Attachment(
            typeURI='mixmatch', name='grant',
            content={**facts, **({'reason': reason} if reason else {})}))
        try:
            self._notifying().info({}, name, event.as_dict())
        except Exception:
            # A missing message bus must not stop a login.
            LOG.exception('The notification %s could not be sent', name)

    def _notifying(self) -> oslo_messaging.Notifier:
        if self._notifier is None:
            self._notifier = oslo_messaging.Notifier(
                oslo_messaging.get_notification_transport(self._conf),
                f'identity.{socket.gethostname()}')
        return self._notifier
