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

"""What the landlord has decided: who of another cloud gets what here.

Nothing here knows Keystone or a file: an assertion goes in, a decision comes
out.
"""

from collections.abc import Iterable, Mapping
import dataclasses
import re

from mixmatch_keystone import assertion

PLACEHOLDER = re.compile(r'\{(project|project_domain)\}')


class Refused(Exception):
    """Nothing is granted.

    :param rule: the name of the rule that says so; None if none does
    """

    def __init__(self, reason: str, rule: str | None = None) -> None:
        super().__init__(reason)
        self.rule = rule


class Names:
    """Which names are meant; ``*`` in a pattern is any text."""

    def __init__(self, patterns: Iterable[str] = ('*',)) -> None:
        self.patterns = tuple(patterns)
        self._match = re.compile('|'.join(
            '.*'.join(map(re.escape, each.split('*')))
            for each in self.patterns), re.DOTALL).fullmatch

    def __contains__(self, name: str) -> bool:
        return self._match(name) is not None

    @property
    def single(self) -> bool:
        """Whether no two names can be meant."""
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
        """For the log, where nothing of an assertion goes."""
        return ('project of the asserted name' if self.asserted
                else f'project {self.name!r}')

    @property
    def template(self) -> bool:
        return PLACEHOLDER.search(self.name) is not None

    def of(self, who: assertion.Assertion) -> 'Project':
        """The project that is meant for somebody."""
        # NOTE: all at once, since a name may look like a placeholder.
        return Project(PLACEHOLDER.sub(
            lambda found: getattr(who, found[1]), self.name), self.domain,
            self.template)


@dataclasses.dataclass(frozen=True)
class Rule:
    """Whom it is about, and what they get.

    :param roles: names of roles at home, and those that they give here
    :param project: where; None denies
    :param create: make the project if it does not exist
    :param everywhere: in all projects that other rules may give, as well
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
        """Whether this rule decides.

        Roles count only for one that denies. Otherwise somebody with one
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
    """What somebody gets.

    :param rule: its name
    :param roles: names, in the project and ...
    :param everywhere: ... in these, and in all of the identity provider's
        domain; None for only that one
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
    """What is decided about one other cloud.

    :param domains: the names of the domains that it may speak for
    :param grant_lifetime: seconds
    """

    domains: Names
    grant_lifetime: int
    rules: tuple[Rule, ...]

    def decide(self, who: assertion.Assertion) -> Grant:
        """The first rule that is about somebody counts.

        :raises Refused: there is none, or it denies, or gives nothing
        """
        if not (who.user_domain in self.domains
                and who.project_domain in self.domains):
            raise Refused('the identity provider may not speak for this '
                          'domain')
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
            rule.name, rule.project.of(who), rule.create, roles,
            self._everywhere() if rule.everywhere else None,
            rule.token_lifetime, self.grant_lifetime)

    def _everywhere(self) -> tuple[Project, ...]:
        """Whatever is not in the domain of the identity provider."""
        return tuple(dict.fromkeys(
            rule.project for rule in self.rules
            if rule.project and rule.project.domain))


@dataclasses.dataclass(frozen=True)
class Rules:
    """All of it, by the ids of identity providers in Keystone."""

    identity_providers: Mapping[str, IdentityProvider]

    def decide(self, identity_provider: str,
               who: assertion.Assertion) -> Grant:
        """What somebody gets.

        :raises Refused: nothing
        """
        known = self.identity_providers.get(identity_provider)
        if known is None:
            raise Refused('there are no rules for this identity provider')
        return known.decide(who)
