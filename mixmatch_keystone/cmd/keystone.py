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

"""``mixmatch-keystone``: check rules, and list and revoke grants.

    mixmatch-keystone check
    mixmatch-keystone explain --identity-provider moc --assertion saved.xml
    mixmatch-keystone list
    mixmatch-keystone revoke --user alice
"""

import argparse
from collections.abc import Iterator, Mapping
import datetime
import itertools
import json
import pathlib
import sys
from typing import Any

from keystone.common import driver_hints
from keystone.common import provider_api
from keystone.common import sql
import keystone.conf
from keystone import exception
from keystone.server import backends
from oslo_config import cfg
from oslo_db import exception as db_exception
from oslo_log import log as logging

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

OK, NO, FAILURE = range(3)

#: Names of the options and attributes that select a user at home.
WHO = ('user', 'user_domain', 'project', 'project_domain')


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    :returns: the exit code: 1 for a negative result, 2 for an error
    """
    arguments = _parser().parse_args(argv)
    try:
        _configure(arguments.config_file)
        return arguments.run(arguments)
    except db_exception.DBError as exc:
        print("mixmatch-keystone: Keystone's database cannot be used: "
              f'{str(exc).splitlines()[0]}', file=sys.stderr)
        return FAILURE
    except (rules_file.InvalidRules, assertion.InvalidAssertion, OSError,
            cfg.Error) as exc:
        print(f'mixmatch-keystone: {exc}', file=sys.stderr)
        return FAILURE


def check(arguments: argparse.Namespace) -> int:
    """Check the rules, and compare them with this Keystone."""
    known = _rules(arguments)
    backends.load_backends()
    problems = [*_web_server_problems(arguments), *_problems(known)]
    for each in problems:
        print(each)
    count = sum(len(idp.rules) for idp in known.identity_providers.values())
    print(f'{count} rules for {len(known.identity_providers)} identity '
          f'providers, {len(problems)} problems')
    return NO if problems else OK


def explain(arguments: argparse.Namespace) -> int:
    """Show the grant that a user would get, and its rule."""
    who = _who(arguments)
    try:
        grant = _rules(arguments).decide(arguments.identity_provider, who)
    except rules.Refused as exc:
        print('refused' + (f' by rule {exc.rule!r}' if exc.rule else '')
              + f': {exc}')
        return NO
    where = grant.project.domain or (
        f'the domain of identity provider {arguments.identity_provider}')
    print(f'rule:           {grant.rule}')
    print(f'project:        {grant.project.name} in {where}'
          + (', made if it does not exist' if grant.create else ''))
    print(f'roles:          {", ".join(sorted(grant.roles))}')
    if grant.everywhere is not None:
        print('                the same in all projects of that domain'
              + ''.join(f', in {each.name} in {each.domain}'
                        for each in grant.everywhere))
    print(f'token lifetime: {_time(grant.token_lifetime)}, and not beyond '
          'the assertion')
    print(f'grant lifetime: {_time(grant.grant_lifetime)} after each login')
    return OK


def show(arguments: argparse.Namespace) -> int:
    """List grants, lapsed ones and leftovers included."""
    backends.load_backends()
    found = [_as_dict(each) for each in _held(arguments)]
    if arguments.json:
        print(json.dumps(found, indent=1))
        return OK
    for each in found:
        until = f'until {each["until"]}' if each['until'] else 'lapsed'
        print(f'{each["identity_provider"]}: {_home(each["home"])}\n'
              f'    user {each["user_id"]} by rule {each["rule"]!r} {until}')
        for where, roles in each['roles'].items():
            print(f'    {", ".join(roles)} in {where}')
        if each['leftovers']:
            print('    has made: ' + ', '.join(
                f'{number} {kind}'
                for kind, number in each['leftovers'].items()))
    print(f'{len(found)} grants')
    return OK


def revoke(arguments: argparse.Namespace) -> int:
    """Revoke grants, with all tokens and leftovers of their users."""
    if not arguments.all and not any(
            getattr(arguments, name) for name in ('identity_provider', *WHO)):
        print('mixmatch-keystone: select grants by options, or use --all',
              file=sys.stderr)
        return FAILURE
    backends.load_backends()
    auditor = audit.Audit(keystone.conf.CONF)
    count = failed = 0
    for each in list(_held(arguments)):
        who = f'{each.identity_provider}: {_home(each.home)}'
        try:
            grants.revoke(each)
        except Exception as exc:
            # NOTE: the others are revoked all the same.
            failed += 1
            LOG.exception('A grant could not be revoked completely')
            print(f'mixmatch-keystone: not completely revoked: {who}: '
                  f'{type(exc).__name__}', file=sys.stderr)
            continue
        count += 1
        auditor.revoked(
            each.user_id, identity_provider=each.identity_provider,
            rule=each.rule, roles={
                where: list(roles) for where, roles in each.roles.items()})
        print(f'revoked: {who}')
    print(f'{count} grants revoked. Users can log in again unless a rule '
          'denies them.')
    if failed:
        return FAILURE
    return OK if count else NO


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='mixmatch-keystone', description='Check the rules for users '
        'of other clouds, and list and revoke grants.')
    parser.add_argument('--config-file', action='append', metavar='FILE',
                        help="Keystone's configuration")
    commands = parser.add_subparsers(required=True, metavar='COMMAND')

    def command(name: str, run: Any) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=run.__doc__,
                                   description=run.__doc__)
        made.set_defaults(run=run)
        return made
    with_rules = command('check', check), command('explain', explain)
    for each in with_rules:
        each.add_argument('--rules', type=pathlib.Path, metavar='FILE',
                          help='instead of the configured rules file')
    with_rules[0].add_argument('--uwsgi', type=pathlib.Path, metavar='FILE',
                             help="look at the uWSGI configuration (ini) of "
                                  'Keystone as well')
    with_rules[1].add_argument('--identity-provider', required=True,
                             metavar='ID')
    with_rules[1].add_argument(
        '--assertion', type=pathlib.Path, metavar='FILE',
        help='a saved SAML assertion, instead of the options below')
    _add_who(with_rules[1])
    with_rules[1].add_argument('--roles', metavar='NAME,...',
                             help='roles at home, implied ones included')
    listing, revocation = command('list', show), command('revoke', revoke)
    listing.add_argument('--json', action='store_true')
    revocation.add_argument('--all', action='store_true')
    for each in (listing, revocation):
        each.add_argument('--identity-provider', metavar='ID')
        _add_who(each)
    return parser


def _add_who(parser: argparse.ArgumentParser) -> None:
    for name in WHO:
        parser.add_argument('--' + name.replace('_', '-'), metavar='NAME',
                            help=name.replace('_', ' ') + ' at home')


def _configure(files: list[str] | None) -> None:
    known = keystone.conf.CONF
    keystone.conf.configure()
    logging.register_options(known)
    conf.register_opts(known)
    sql.initialize()
    known([], project='keystone', default_config_files=(
        files or cfg.find_config_files('keystone')))
    keystone.conf.setup_logging()


def _rules(arguments: argparse.Namespace) -> rules.Rules:
    path = arguments.rules or pathlib.Path(
        keystone.conf.CONF.mixmatch.rules_file)
    return rules_file.parse(path.read_text(encoding='utf-8'))


def _who(arguments: argparse.Namespace) -> assertion.Assertion:
    if arguments.assertion:
        return assertion.from_saml(arguments.assertion.read_bytes())[1]
    missing = [name for name in (*WHO, 'roles')
               if not getattr(arguments, name)]
    if missing:
        raise assertion.InvalidAssertion(
            'missing: --assertion, or ' + ', '.join(
                '--' + name.replace('_', '-') for name in missing))
    return assertion.Assertion(
        **{name: getattr(arguments, name) for name in WHO},
        roles=frozenset(arguments.roles.split(',')),
        ends=datetime.datetime.max.replace(tzinfo=datetime.UTC))


def _held(arguments: argparse.Namespace) -> Iterator[grants.HeldGrant]:
    for idp in PROVIDERS.federation_api.list_idps():
        if arguments.identity_provider not in (None, idp['id']):
            continue
        for each in grants.list_grants(idp['id']):
            if all(getattr(arguments, name) in (None, each.home[name])
                   for name in WHO):
                yield each


def _web_server_problems(arguments: argparse.Namespace) -> Iterator[str]:
    """List problems of the web server and of Keystone's set-up."""
    if 'external' in keystone.conf.CONF.auth.methods:
        yield ('[auth] methods has "external" (it is there by default): '
               'REMOTE_USER of the web server is taken for a user of this '
               'cloud')
    if arguments.uwsgi:
        problem = uwsgi_buffer.problem(uwsgi_buffer.from_file(
            arguments.uwsgi.read_text(encoding='utf-8')))
        if problem:
            yield f'{arguments.uwsgi}: {problem}'


def _problems(known: rules.Rules) -> Iterator[str]:
    """List problems of the rules that would refuse a login."""
    mapping = keystone.conf.CONF.mixmatch.mapping
    for name, idp in known.identity_providers.items():
        try:
            registered = PROVIDERS.federation_api.get_idp(name)
        except exception.IdentityProviderNotFound:
            yield f'{name}: Keystone has no such identity provider'
            continue
        protocols = [each['id'] for each in
                     PROVIDERS.federation_api.list_protocols(name)
                     if each['mapping_id'] == mapping]
        if not protocols:
            yield (f'{name}: none of its protocols has the mapping '
                   f'{mapping!r}, so these rules are not used')
        for problem in dict.fromkeys(itertools.chain(
                issuer.shared(registered), *(
                    issuer.problems(registered, each)
                    for each in protocols))):
            yield f'{name}: {problem}'
        for rule in idp.rules:
            for problem in _rule_problems(registered, rule):
                yield f'{name}, rule {rule.name!r}: {problem}'


def _rule_problems(idp: dict[str, Any], rule: rules.Rule) -> Iterator[str]:
    for role in sorted(frozenset().union(*rule.roles.values())):
        hints = driver_hints.Hints()
        hints.add_filter('name', role)
        if not PROVIDERS.role_api.list_roles(hints):
            yield f'there is no role {role!r}'
    if rule.project and not rule.create and not rule.project.template:
        try:
            if not grants.find(idp, rule.project):
                yield f'there is no {rule.project.label}'
        except grants.GrantError as exc:
            yield str(exc)


def _as_dict(held: grants.HeldGrant) -> dict[str, Any]:
    return {'identity_provider': held.identity_provider,
            'user_id': held.user_id, 'home': dict(held.home),
            'rule': held.rule,
            'roles': {where: list(roles)
                      for where, roles in held.roles.items()},
            'until': held.until and (
                held.until.replace(microsecond=0).isoformat() + 'Z'),
            'leftovers': dict(held.leftovers)}


def _home(home: Mapping[str, str]) -> str:
    return (f'{home["user"]}@{home["user_domain"]} in '
            f'{home["project"]}@{home["project_domain"]}')


def _time(seconds: int) -> str:
    return str(datetime.timedelta(seconds=seconds))


if __name__ == '__main__':
    sys.exit(main())
