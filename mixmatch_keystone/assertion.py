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

"""Assertion of another cloud's Keystone about a user in a project."""

from collections.abc import Iterator, Mapping
import dataclasses
import datetime
import re
from typing import Any

from defusedxml import ElementTree

SAML = '{urn:oasis:names:tc:SAML:2.0:assertion}'

USER = 'openstack_user'
USER_DOMAIN = 'openstack_user_domain'
PROJECT = 'openstack_project'
PROJECT_DOMAIN = 'openstack_project_domain'
ROLES = 'openstack_roles'
#: Keystone sends no such attribute: mod_shib makes it of the statement's
#: SessionNotOnOrAfter.
ENDS = 'openstack_not_on_or_after'


class InvalidAssertion(Exception):
    """Error: an assertion is incomplete; the text quotes none of it."""


@dataclasses.dataclass(frozen=True)
class Assertion:
    """One user in one project of another cloud.

    :param roles: names, implied ones included
    :param ends: when the assertion expires
    """

    user: str
    user_domain: str
    project: str
    project_domain: str
    roles: frozenset[str]
    ends: datetime.datetime


def from_environment(environ: Mapping[str, Any]) -> Assertion:
    """Read the attributes that the web server's SAML module has set.

    :param environ: of a WSGI request
    :raises InvalidAssertion: something is missing or cannot be read
    """
    return _made({name: list(_split(_decoded(name, environ[name])))
                  for name in (USER, USER_DOMAIN, PROJECT, PROJECT_DOMAIN,
                               ROLES, ENDS) if name in environ})


def from_saml(text: bytes) -> tuple[str, Assertion]:
    """Read a SAML assertion; its signature is not checked.

    :param text: the assertion, or an envelope with it
    :returns: the issuer and the assertion
    :raises InvalidAssertion: it is not a valid one
    """
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as exc:
        raise InvalidAssertion(f'it is not valid XML: {exc}') from None
    issuer = root.find(f'.//{SAML}Assertion/{SAML}Issuer')
    if root.tag == f'{SAML}Assertion':
        issuer = root.find(f'{SAML}Issuer')
    values = {
        each.get('Name', ''): [value.text or '' for value in each.iter(
            f'{SAML}AttributeValue')]
        for each in root.iter(f'{SAML}Attribute')}
    values[ENDS] = [each.get('SessionNotOnOrAfter', '')
                    for each in root.iter(f'{SAML}AuthnStatement')]
    return (issuer.text or '' if issuer is not None else ''), _made(values)


def _decoded(name: str, value: Any) -> str:
    # NOTE: WSGI (PEP 3333) has bytes as Latin-1, SAML is UTF-8.
    try:
        return value.encode('latin-1').decode('utf-8')
    except UnicodeError:
        raise InvalidAssertion(f'{name} is not UTF-8') from None


def _split(value: str) -> Iterator[str]:
    # NOTE: mod_shib joins values with ";" and escapes those within.
    for each in re.split(r'(?<!\\);', value):
        yield each.replace('\\;', ';')


def _made(values: Mapping[str, list[str]]) -> Assertion:
    def one(name: str) -> str:
        found = values.get(name) or ['']
        if len(found) > 1:
            raise InvalidAssertion(f'{name} has several values')
        if not found[0]:
            raise InvalidAssertion(f'{name} is missing')
        return found[0]
    return Assertion(
        user=one(USER), user_domain=one(USER_DOMAIN), project=one(PROJECT),
        project_domain=one(PROJECT_DOMAIN),
        roles=frozenset(filter(None, values.get(ROLES, ()))),
        ends=_time(one(ENDS)))


def _time(text: str) -> datetime.datetime:
    try:
        time = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise InvalidAssertion(f'{ENDS} is not a time') from None
    # NOTE: SAML's times are UTC (saml-core-2.0, 1.3.3).
    return time if time.tzinfo else time.replace(tzinfo=datetime.UTC)
