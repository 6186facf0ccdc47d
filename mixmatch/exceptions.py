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

"""Errors of mixmatch; the class of an error tells how to react."""

from typing import Any

from keystoneauth1 import exceptions as ksa_exceptions


class MixmatchException(Exception):
    """Base of all errors of mixmatch.

    A subclass defines :attr:`msg_fmt`, a template filled with the keyword
    arguments, which are kept as attributes, and :attr:`code`, the HTTP
    status that an API answers with.
    """

    msg_fmt = 'An unknown error of mixmatch occurred.'
    code = 500

    def __init__(self, **kwargs: Any) -> None:
        self.__dict__.update(kwargs)
        super().__init__(self.msg_fmt % kwargs)

    def again(self) -> 'MixmatchException':
        """Return a copy to raise again.

        The copy has no traceback, and so keeps no frames alive.
        """
        return type(self)(**vars(self))


class InvalidTarget(MixmatchException):
    """Error: a request names its target cloud in an invalid way."""

    msg_fmt = 'Invalid service provider: %(reason)s'
    code = 400


class UnknownServiceProvider(MixmatchException):
    """Error: the request may not use this service provider."""

    msg_fmt = ('Service provider %(service_provider)s %(reason)s. '
               'Service providers that you can use here: %(allowed)s.')
    code = 400

    @classmethod
    def not_one_of(cls, name: str, configured: tuple[str, ...],
                   known: tuple[str, ...]) -> 'UnknownServiceProvider':
        """Make the error, with the reason why a name cannot be used.

        :param name: what the request asked for
        :param configured: the service providers in the configuration
        :param known: the service providers that the token lists
        """
        if name in configured:
            reason = ('is not offered to you by the Keystone of this cloud '
                      '(it is not in your token)')
        elif name in known:
            reason = 'is not configured for the services of this cloud'
        else:
            reason = 'does not exist'
        both = [sp for sp in configured if sp in known]
        return cls(service_provider=name, reason=reason,
                   allowed=', '.join(both) or 'none')


class Refused(MixmatchException):
    """Base of errors: an identity may not log in."""

    code = 403


class AssertionRefused(Refused):
    """Error: home's Keystone gives no SAML assertion for this token."""

    msg_fmt = ('The Keystone of this cloud gave no assertion for service '
               'provider %(service_provider)s: %(reason)s. The token must '
               'be valid and scoped to a project.')


class AccessRules(Refused):
    """Error: the token is of an application credential with access rules."""

    msg_fmt = ('Service provider %(service_provider)s cannot be used with an '
               'application credential that has access rules: the Keystone '
               'of this cloud gives no assertion for it. Please use one '
               'without access rules.')


class LoginRefused(Refused):
    """Error: the service provider refuses the login of this identity."""

    msg_fmt = ('Service provider %(service_provider)s refused the login: '
               '%(reason)s. Its operator maps which users and projects of '
               'this cloud may enter.')


class ServiceProviderSetupError(MixmatchException):
    """Error in the set-up of two clouds, which only operators can mend."""

    msg_fmt = ('Service provider %(service_provider)s cannot be used: '
               '%(reason)s. The operator of this cloud has to correct this.')
    code = 502


class ServiceNotOffered(ServiceProviderSetupError):
    """Error: the catalog of a service provider has no such service."""


class MicroversionNotSupported(MixmatchException):
    """Error: the other cloud is too old for this request."""

    msg_fmt = ('The %(service)s API of service provider %(service_provider)s '
               'is too old: this needs microversion %(needed)s, it has '
               '%(highest)s.')
    code = 400
    needed: str


class ConnectionFailure(MixmatchException, ksa_exceptions.ConnectionError):
    """Base of errors: a cloud did not answer; a retry may succeed.

    It is a connection error of keystoneauth as well, so that code which
    knows that library treats it as one, and never as "not found".
    """

    code = 503


class ServiceProviderUnavailable(ConnectionFailure):
    msg_fmt = 'Service provider %(service_provider)s does not answer: ' \
              '%(reason)s'


class ServiceProviderFailed(ServiceProviderUnavailable):
    """Error: it answers, but this request failed."""

    msg_fmt = 'Service provider %(service_provider)s could not do this: ' \
              '%(reason)s'
    code = 502


class HomeUnavailable(ConnectionFailure):
    msg_fmt = 'The Keystone of this cloud does not answer: %(reason)s'
