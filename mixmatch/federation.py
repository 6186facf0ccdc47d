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

"""Facade of the core: service providers, and logins there."""

from collections.abc import Callable, Iterable, Sequence
from concurrent import futures
import contextvars
import hashlib
import os
import threading
from typing import Any
import weakref

from keystoneauth1.identity import base
from keystoneauth1 import loading
from keystoneauth1 import plugin
from keystoneauth1 import service_token
from oslo_config import cfg

from mixmatch import conf as mixmatch_conf
from mixmatch.conf import home as conf_home
from mixmatch import exceptions
from mixmatch import fanout
from mixmatch import holdings
from mixmatch.http import transport
from mixmatch.login import auth_plugin
from mixmatch.login import cache
from mixmatch.login import k2k
from mixmatch.login import login
from mixmatch.login import shared_cache
from mixmatch import metrics
from mixmatch import requester as mixmatch_requester
from mixmatch import service_provider
from mixmatch import shared_facts
from mixmatch import status_file
from mixmatch import threads


class _Process:
    """State of one process: connections, threads, locks, logins.

    None of these survives a fork.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self.lock = threading.RLock()
        self.status_lock = threading.Lock()
        self.home: base.BaseIdentityPlugin | None = None
        self.service_providers: dict[
            str, service_provider.ServiceProvider] = {}
        self.metrics = metrics.Metrics(conf)
        self.logins = cache.LoginCache(
            conf.mixmatch.login_cache_size,
            shared_cache.SharedLoginCache(conf), self.metrics)
        self.facts = shared_facts.SharedFacts(conf)
        self.fanout = fanout.Fanout(conf, self.facts)


class Federation:
    """Entry point of home's services to other clouds.

    Sends nothing and reads no credential before it is first used, so a
    service can make one when it starts, before it forks.

    :param conf: the configuration of this process
    :param opts: options of each service provider that only the service of
        this process reads
    """

    def __init__(self, conf: cfg.ConfigOpts,
                 opts: Sequence[cfg.Opt] = ()) -> None:
        mixmatch_conf.register_opts(conf, opts)
        self._conf = conf
        self._forget_process()
        this = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _forget_process(this))

    def _forget_process(self) -> None:
        self._lock = threading.Lock()
        self._of_process: _Process | None = None

    @property
    def _process(self) -> _Process:
        with self._lock:
            if self._of_process is None:
                self._of_process = _Process(self._conf)
                if threads.check():
                    status_file.write(self._conf, {})
            return self._of_process

    @property
    def options(self) -> Any:
        """Group ``[mixmatch]`` of the configuration."""
        return self._conf.mixmatch

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the configured service providers."""
        return tuple(self._conf.mixmatch.service_providers)

    def check(self, name: str,
              requester: mixmatch_requester.Requester) -> None:
        """Check that a user may name a service provider.

        :param name: what the user asked for
        :param requester: the user, with the body of the token
        :raises UnknownServiceProvider: lists the allowed ones
        """
        known = requester.service_providers
        if name not in self.names or name not in known:
            raise exceptions.UnknownServiceProvider.not_one_of(
                name, self.names, known)

    def service_provider(self, name: str) -> service_provider.ServiceProvider:
        """Return a service provider by its name.

        :raises UnknownServiceProvider: it is not configured
        """
        if name not in self.names:
            raise exceptions.UnknownServiceProvider.not_one_of(
                name, self.names, ())
        process = self._process
        with process.lock:
            if name not in process.service_providers:
                process.service_providers[name] = (
                    service_provider.ServiceProvider(
                        name, self._conf, self._home(), process.metrics,
                        self._write_status))
            return process.service_providers[name]

    def health(self) -> dict[str, dict[str, Any]]:
        """Return the states by service provider and service."""
        return {name: {service: state.to_dict()
                       for service, state in list(there.health.items())}
                for name, there in list(
                    self._process.service_providers.items())}

    def _write_status(self) -> None:
        # NOTE: of two changes at the same time the last one stays written.
        with self._process.status_lock:
            status_file.write(self._conf, self.health())

    def user_login(self, name: str, requester: mixmatch_requester.Requester
                   ) -> auth_plugin.LoginPlugin:
        """Log a user in, or use the login that is kept.

        :param name: the service provider
        :raises MixmatchException: see :mod:`mixmatch.login.k2k`
        """
        there = self.service_provider(name)

        def make() -> login.Login:
            return there.log_in(
                requester.auth_plugin(self._home_url(), self._service()),
                there.user_scope)
        key = login.Key(name, _digest(requester.token),
                        f'{requester.project_id} {there.user_scope_key}')
        return self._logged_in(key, make)

    def service_login(self, name: str,
                      project_id: str | None = None
                      ) -> auth_plugin.LoginPlugin:
        """Log this service's own user in, or use the login that is kept.

        :param name: the service provider
        :param project_id: a project there to act in, for work that no user
            waits for; without it the one of the service's own
        :raises ServiceProviderSetupError: the service provider does not
            let this service in; users cannot mend that
        """
        key, make = self._service_login(name, project_id)
        return self._logged_in(key, make, renew=True)

    def user_and_service_login(
            self, name: str, requester: mixmatch_requester.Requester
    ) -> tuple[auth_plugin.LoginPlugin, auth_plugin.LoginPlugin]:
        """Log in a user and this service concurrently.

        :raises MixmatchException: of the user's login first
        """
        def log_user_in() -> auth_plugin.LoginPlugin:
            return self.user_login(name, requester)
        if self._process.logins.keeps(self._service_login(name)[0]):
            return log_user_in(), self.service_login(name)
        service: futures.Future = futures.Future()

        def log_service_in() -> None:
            try:
                service.set_result(self.service_login(name))
            except BaseException as exc:  # noqa: BLE001
                service.set_exception(exc)
        # NOTE: with the deadline of this thread.
        run = contextvars.copy_context().run
        beside = not threads.problem() and threads.start(run, log_service_in)
        user = log_user_in()
        return user, (service.result(cache.LONGEST) if beside
                      else self.service_login(name))

    def begin_login(self, name: str,
                    requester: mixmatch_requester.Requester) -> None:
        """Begin to log in a user and this service, without waiting.

        A later call that needs the login waits for the rest of it, and gets
        its error.
        """
        self._process.fanout.begin(name, lambda _: self.user_and_service_login(
            name, requester))

    def with_service_token(
            self, name: str, auth: plugin.BaseAuthPlugin
    ) -> service_token.ServiceTokenAuthWrapper:
        """Add the service token of the service provider.

        Home's service token never leaves home.
        """
        return service_token.ServiceTokenAuthWrapper(
            user_auth=auth, service_auth=self.service_login(name))

    def ask(self, names: Iterable[str], call: fanout.Call,
            timeout: float | None = None) -> fanout.Answers:
        """Call service providers concurrently.

        See :meth:`mixmatch.fanout.Fanout.ask`.
        """
        return self._process.fanout.ask(names, call, timeout)

    def ask_for_listing(self, owner: holdings.Owner, names: Iterable[str],
                        call: fanout.Call, timeout: float | None = None,
                        proves: Callable[[Any], bool | None] = bool
                        ) -> fanout.Answers:
        """Call only service providers where the project may have resources.

        See :meth:`mixmatch.fanout.Fanout.ask_for_listing`.
        """
        return self._process.fanout.ask_for_listing(owner, names, call,
                                                    timeout, proves)

    @property
    def holdings(self) -> holdings.Holdings:
        """Knowledge of the service providers where projects have nothing."""
        return self._process.fanout.holdings

    @property
    def facts(self) -> shared_facts.SharedFacts:
        """Facts that all processes of home share."""
        return self._process.facts

    def _service_login(self, name: str, project_id: str | None = None
                       ) -> tuple[login.Key, cache.Make]:
        there = self.service_provider(name)
        home = self._service()
        scope: k2k.Scope = there.service_scope
        if project_id:
            def scope(home: Any) -> dict[str, str]:
                return {'project_id': project_id}

        def make() -> login.Login:
            # NOTE: a token at home that is about to end would end the login.
            if home.auth_ref and home.auth_ref.will_expire_soon(
                    self._conf.mixmatch.login_cache_time):
                home.invalidate()
            try:
                return there.log_in(home, scope)
            except (exceptions.Refused,
                    exceptions.UnknownServiceProvider) as exc:
                raise there.setup_error(
                    "this service's own user could not log in "
                    f'({exc})') from exc
        # NOTE: the identifier is a digest of all credentials; a plugin
        # without one is not recognized by another process.
        credential = home.get_cache_id() or f'{os.getpid()} {id(home)}'
        return login.Key(name, _digest(credential),
                         project_id or there.service_scope_key), make

    def _logged_in(self, key: login.Key, make: Callable[[], login.Login],
                   renew: bool = False) -> auth_plugin.LoginPlugin:
        known = auth_plugin.LoginPlugin(self._process.logins, key, make, renew)
        known.get_access(None)
        # NOTE: another process may have logged in.
        self.service_provider(key.service_provider).endpoints.learn(
            known.urls)
        return known

    def _service(self) -> base.BaseIdentityPlugin:
        process = self._process
        with process.lock:
            if process.home is None:
                process.home = loading.load_auth_from_conf_options(
                    self._conf, 'mixmatch')
            if process.home is None:
                raise exceptions.ServiceProviderSetupError(
                    service_provider=', '.join(self.names),
                    reason=f'[{conf_home.credentials(self._conf)}] of the '
                           'configuration has no credentials of this '
                           'service at home')
            return process.home

    def _home(self) -> transport.HomeKeystone:
        section = self._conf[conf_home.credentials(self._conf)]
        return transport.HomeKeystone(self._home_url().removesuffix('/v3'),
                                      mixmatch_conf.tls(section))

    def _home_url(self) -> str:
        url = self._service().auth_url.rstrip('/')
        return url if url.endswith('/v3') else url + '/v3'


def _forget_process(this: 'weakref.ref[Federation]') -> None:
    federation = this()
    if federation is not None:
        federation._forget_process()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
