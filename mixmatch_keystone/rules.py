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

"""Rules: the decision about one assertion.

Pure logic, without Keystone or files: an assertion goes in, a decision comes
out.
"""

from collections.abc import Iterable, Mapping
import dataclasses
import re

from mixmatch_keystone import assertion

PLACEHOLDER = re.compile(r'\{(project|project_domain)\}')


class Refused(Exception):
    """Error: the rules grant nothing.

    :param rule: the name of the rule that decided; None if none did
    """

    def __init__(self, reason: str, rule: str | None = None) -> None:
        super().__init__(reason)
        self.rule = rule


class Names:
    """Patterns of names; ``*`` in a pattern matches any text."""

    def __init__(self, patterns: Iterable[str] = ('*',)) -> None:
        self.patterns = tuple(patterns)
        self._match = re.compile('|'.join(
            '.*'.join(map(re.escape, each.split('*')))
            for each in self.patterns), re.DOTALL).fullmatch

    def __contains__(self, name: str) -> bool:
        return self._match(name) is not None

    @property
    def single(self) -> bool:
        """True if only one name can match."""
        return len(self.patterns) == 1 and '*' not in self.patterns[0]


@dataclasses.dataclass(frozen=True)
class Project:
    """A project of this cloud.

    :param name: with placeholders, in a rule
    :param domain: the name of its domain; None for the one of the identity
        provider
    :param asserted: whether the name is made of what an assertion says
    """

    name: str
    domain: str | None = None
    asserted: bool = dataclasses.field(default=False, compare=False)

    @property
    def label(self) -> str:
        """Label for the log, without content of an assertion."""
        return ('project of the asserted name' if self.asserted
                else f'project {self.name!r}')

    @property
    def template(self) -> bool:
        return PLACEHOLDER.search(self.name) is not None

    def fill_in(self, who: assertion.Assertion) -> 'Project':
        """Return the project with the placeholders filled in."""
        # NOTE: all at once, since a name may look like a placeholder.
        return Project(PLACEHOLDER.sub(
            lambda found: getattr(who, found[1]), self.name), self.domain,
            self.template)


@dataclasses.dataclass(frozen=True)
class Rule:
    """Rule: the users that it matches, and what it grants to them.

    :param roles: names of roles at home, and those that they give here
    :param project: the project of the roles; None denies
    :param create: make the project if it does not exist
    :param everywhere: whether the roles hold in all projects that other rules
        may grant as well
    :param token_lifetime: seconds
    """

    name: str
    token_lifetime: int
    users: Names = Names()
    user_domains: Names = Names()
    projects: Names = Names()
    project_domains: Names = Names()
    roles: Mapping[str, frozenset[str]] = dataclasses.field(
        default_factory=dict)
    project: Project | None = None
    create: bool = False
    everywhere: bool = False

    def is_about(self, who: assertion.Assertion) -> bool:
        """Return whether this rule matches.

        Roles count only for one that denies. Otherwise a user with one
        more role at home could meet another rule, and get less.
        """
        return (who.user in self.users
                and who.user_domain in self.user_domains
                and who.project in self.projects
                and who.project_domain in self.project_domains
                and (self.project is not None or not self.roles
                     or not who.roles.isdisjoint(self.roles)))


@dataclasses.dataclass(frozen=True)
class Grant:
    """Grant: the decision of a rule.

    :param rule: the name of the rule
    :param roles: names of roles
    :param everywhere: further projects with these roles, besides all of the
        identity provider's domain; None for ``project`` only
    :param token_lifetime: seconds
    :param grant_lifetime: seconds
    """

    rule: str
    project: Project
    create: bool
    roles: frozenset[str]
    everywhere: tuple[Project, ...] | None
    token_lifetime: int
    grant_lifetime: int


@dataclasses.dataclass(frozen=True)
class IdentityProvider:
    """Rules for one identity provider.

    :param domains: names of the home domains that it may assert
    :param grant_lifetime: seconds
    """

    domains: Names
    grant_lifetime: int
    rules: tuple[Rule, ...]

    def decide(self, who: assertion.Assertion) -> Grant:
        """Return the grant of the first rule that matches.

        :raises Refused: no rule matches, or it denies or grants nothing
        """
        if not (who.user_domain in self.domains
                and who.project_domain in self.domains):
            raise Refused('the identity provider may not assert users or '
                          'projects of this domain')
        rule = next((each for each in self.rules if each.is_about(who)), None)
        if rule is None:
            raise Refused('no rule is about this user and project')
        if rule.project is None:
            raise Refused('the rule denies it', rule.name)
        roles = frozenset().union(
            *(given for role, given in rule.roles.items()
              if role in who.roles))
        if not roles:
            raise Refused('the rule gives nothing for the roles at home',
                          rule.name)
        return Grant(
            rule.name, rule.project.fill_in(who), rule.create, roles,
            self._everywhere() if rule.everywhere else None,
            rule.token_lifetime, self.grant_lifetime)

    def _everywhere(self) -> tuple[Project, ...]:
        """Return the projects outside the identity provider's domain."""
        return tuple(dict.fromkeys(
            rule.project for rule in self.rules
            if rule.project and rule.project.domain))


@dataclasses.dataclass(frozen=True)
class Rules:
    """Rules by the ids of identity providers in Keystone."""

    identity_providers: Mapping[str, IdentityProvider]

    def decide(self, identity_provider: str,
               who: assertion.Assertion) -> Grant:
        """Return the grant for a user and project.

        :raises Refused: nothing is granted
        """
        known = self.identity_providers.get(identity_provider)
        if known is None:
            raise Refused('there are no rules for this identity provider')
        return known.decide(who)
