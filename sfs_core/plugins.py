"""Plugins by entry point: found, isolated from one another, and named with what is wrong where something is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.metadata import EntryPoint, entry_points, version
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import pluggy

from sfs_core import hookspecs
from sfs_core.errors import UsageError
from sfs_core.messages import Message, say
from sfs_core.options import declared

if TYPE_CHECKING:
    from sfs_core.command import SfsCommand
    from sfs_core.ports import ClearStrategy, MigrateStrategy, RecordIdSource
    from sfs_core.store import Store

KINDS: Final = {
    "sfs_commands": "command",
    "sfs_stores": "store",
    "sfs_record_id_sources": "record-id source",
    "sfs_clear_strategies": "clear strategy",
    "sfs_migrate_strategies": "migrate strategy",
}
"""What each hook provides, in words."""

APPLICATION_COMMANDS: Final = ("help", "completions")
"""Names of commands that no plugin may take."""


class PluginState(StrEnum):
    """What became of a plugin."""

    LOADED = "loaded"
    BLOCKED = "blocked"
    BROKEN = "broken"
    CLASHING = "clashing"


class PluginsNotLoaded(UsageError):
    """With SFS_STRICT_PLUGINS=1, a plugin that cannot be used ends the command."""

    sentence = "plugins cannot be used, and SFS_STRICT_PLUGINS is set: {plugins}"


@dataclass
class Plugin:
    """A plugin as it was found. `provides` is, by hook, the parts it offers by name."""

    name: str
    distribution: str
    version: str
    is_built_in: bool
    state: PluginState = PluginState.LOADED
    reason: Message | None = None
    provides: dict[str, dict[str, type[Any]]] = field(default_factory=dict)

    def set_aside(self, state: PluginState, reason: Message) -> None:
        """Leave the plugin out, with the reason."""
        self.state, self.reason = state, reason


@dataclass
class Plugins:
    """Every plugin of this installation, and the parts of those that are loaded."""

    all: Sequence[Plugin]

    @property
    def aside(self) -> list[Plugin]:
        """Those that cannot be used, each with its reason; blocked ones, as was asked for, are not among them."""
        return [plugin for plugin in self.all if plugin.state in (PluginState.BROKEN, PluginState.CLASHING)]

    def parts(self, hook: str) -> dict[str, type[Any]]:
        """Return the parts that loaded plugins give to a hook, by name, in the order of the names."""
        loaded = [plugin for plugin in self.all if plugin.state is PluginState.LOADED]
        return dict(sorted((name, part) for plugin in loaded for name, part in plugin.provides.get(hook, {}).items()))

    def provider(self, hook: str, name: str) -> Plugin | None:
        """Return the plugin that a part comes from."""
        loaded = (plugin for plugin in self.all if plugin.state is PluginState.LOADED)
        return next((plugin for plugin in loaded if name in plugin.provides.get(hook, {})), None)

    @property
    def commands(self) -> dict[str, type[SfsCommand]]:
        """Command classes by name."""
        return self.parts("sfs_commands")

    @property
    def stores(self) -> dict[str, type[Store]]:
        """Store classes by name."""
        return self.parts("sfs_stores")

    @property
    def record_id_sources(self) -> dict[str, type[RecordIdSource]]:
        """Record-id source classes by name."""
        return self.parts("sfs_record_id_sources")

    @property
    def clear_strategies(self) -> dict[str, type[ClearStrategy]]:
        """Clear strategy classes by name."""
        return self.parts("sfs_clear_strategies")

    @property
    def migrate_strategies(self) -> dict[str, type[MigrateStrategy]]:
        """Migrate strategy classes by name."""
        return self.parts("sfs_migrate_strategies")


def load_plugins(
    environ: Mapping[str, str], more: Iterable[tuple[str, object]] = (), core: ModuleType | None = None
) -> Plugins:
    """Return the core's own plugin, those of the entry-point group `sagemaker_fs`, and `more` by name (for tests).

    SFS_PLUGINS_BLOCK names plugins, or distributions, to leave out (comma-separated). One that fails to import,
    names a hook that does not exist, raises in a hook, or provides a name that another one has, is set aside with
    its reason. Raises PluginsNotLoaded where SFS_STRICT_PLUGINS=1 and one was set aside.
    """
    blocked = {name.strip() for name in environ.get("SFS_PLUGINS_BLOCK", "").split(",") if name.strip()}
    plugins = []
    if core is not None:
        plugins.append(Plugin("core", "sfs-core", version("sfs-core"), is_built_in=True))
        _ask(plugins[-1], core)
    for entry in sorted(entry_points(group=hookspecs.PROJECT), key=lambda entry: entry.name):
        distribution = entry.dist.name if entry.dist else "?"
        built_in = distribution.startswith("sfs-") and entry.value.startswith("sfs_plugins.")
        plugin = Plugin(entry.name, distribution, entry.dist.version if entry.dist else "?", built_in)
        plugins.append(plugin)
        if blocked & {entry.name, distribution}:
            plugin.set_aside(PluginState.BLOCKED, say("named in SFS_PLUGINS_BLOCK"))
        else:
            _load(plugin, entry)
    for name, module in more:
        plugins.append(Plugin(name, name, "0", is_built_in=False))
        _ask(plugins[-1], module)
    _set_clashes_aside(plugins)
    found = Plugins(plugins)
    refuse_if_strict(found, environ)
    return found


def refuse_if_strict(plugins: Plugins, environ: Mapping[str, str]) -> None:
    """Raise PluginsNotLoaded where SFS_STRICT_PLUGINS=1 and a plugin was set aside."""
    if plugins.aside and environ.get("SFS_STRICT_PLUGINS") == "1":
        described = "; ".join(f"{plugin.name} ({plugin.distribution}): {plugin.reason}" for plugin in plugins.aside)
        raise PluginsNotLoaded(plugins=described)


def _load(plugin: Plugin, entry: EntryPoint) -> None:
    try:
        module = entry.load()
    except (Exception, SystemExit) as error:  # a third party's import may fail in any way, and the tool must not
        plugin.set_aside(PluginState.BROKEN, broken(error))
        return
    _ask(plugin, module)


def _ask(plugin: Plugin, module: ModuleType | object) -> None:
    """Ask every hook of one plugin, with nothing of another in reach."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(module, plugin.name)
        _check_hooks(manager, module)
        for hook in KINDS:
            for parts in getattr(manager.hook, hook)():
                plugin.provides.setdefault(hook, {}).update({_name(hook, part): part for part in parts})
    except Exception as error:  # a third party's hook may fail in any way, and the tool must not
        plugin.set_aside(PluginState.BROKEN, broken(error))


def _check_hooks(manager: pluggy.PluginManager, module: object) -> None:
    """Raise where a plugin implements a hook that is none; pluggy's own check would not say which there are."""
    for hook in manager.get_hookcallers(module) or ():
        if not hook.has_spec() and not all(implementation.optionalhook for implementation in hook.get_hookimpls()):
            raise LookupError(f"no hook is named {hook.name}: there are {', '.join(KINDS)}")


def _name(hook: str, part: type[Any]) -> str:
    """Return a part's name. Raises where the part could not be used, so that no command stumbles over it later."""
    name = getattr(part, "name", None)
    if not isinstance(part, type) or not isinstance(name, str) or not name:
        raise TypeError(f"{part!r} is not a class with a name")
    if hook != "sfs_commands":
        declared(part)
    elif name in APPLICATION_COMMANDS:
        raise ValueError(f"the command {name!r} is the application's own")
    return name


def broken(error: BaseException) -> Message:
    """Return why a plugin cannot be used: the kind of failure and its first line."""
    first_line = next(iter(str(error).strip().splitlines()), "")
    return say("{kind}: {problem}", kind=type(error).__name__, problem=first_line)


def _set_clashes_aside(plugins: Sequence[Plugin]) -> None:
    """Set aside whoever provides a name that another plugin has: a built-in one keeps it, of others none does."""
    for hook, kind in KINDS.items():
        names: dict[str, list[Plugin]] = {}
        for plugin in plugins:
            for name in plugin.provides.get(hook, {}) if plugin.state is not PluginState.BROKEN else ():
                names.setdefault(name, []).append(plugin)
        for name, providers in names.items():
            for plugin in providers if len(providers) > 1 else ():
                if not plugin.is_built_in:
                    others = ", ".join(
                        f"{other.name} ({other.distribution})" for other in providers if other is not plugin
                    )
                    reason = say(
                        "its {kind} {name!r} is also provided by {others}", kind=kind, name=name, others=others
                    )
                    plugin.set_aside(PluginState.CLASHING, reason)
