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


"""Patches of ``nova.compute.api``: what went wrong in another process.

Since 2026.1 it is nova-conductor that makes an attachment. What it could not
ask of a service provider reaches nova-api as an error without that name.
"""

from collections.abc import Callable
from typing import Any

from cinderclient import exceptions as cinder_exceptions
from keystoneauth1 import exceptions as ksa_exceptions
from nova import exception
import oslo_messaging

from mixmatch import exceptions
from mixmatch_nova import patch
from mixmatch_nova import target

ATTACH = patch.Symbol('nova.compute.api', 'API.attach_volume',
                      ('self', 'context', 'instance', 'volume_id'))


def _is_of_a_cloud(failure: Exception) -> bool:
    """Whether it was another cloud that failed, not a process of this one."""
    if not isinstance(failure, oslo_messaging.RemoteError):
        return True
    kinds = [getattr(module, failure.exc_type or '', None) for module in (
        exceptions, cinder_exceptions, ksa_exceptions)]
    return any(isinstance(kind, type) and issubclass(kind, (
        exceptions.ConnectionFailure, cinder_exceptions.ClientException,
        ksa_exceptions.ConnectionError, ksa_exceptions.HttpError))
        for kind in kinds)


def _attach_volume(original: Callable, self: Any, context: Any,
                   instance: Any, volume_id: str, *args: Any,
                   **kwargs: Any) -> Any:
    try:
        return original(self, context, instance, volume_id, *args, **kwargs)
    except (exception.CinderConnectionFailed, oslo_messaging.RemoteError
            ) as exc:
        targets = target.of(context)
        where = targets.foreign(volume_id)
        if where and targets.failure is None and _is_of_a_cloud(exc):
            # NOTE: not what the error says, which holds a traceback.
            targets.failure = exceptions.ServiceProviderUnavailable(
                service_provider=where.service_provider,
                reason='no answer while the volume was being attached')
        raise


def patches() -> list[patch.Patch]:
    return [patch.Patch(ATTACH, _attach_volume)]
