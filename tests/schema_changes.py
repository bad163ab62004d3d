"""What changed between two OpenAPI schemas, as whoever programs against them sees it.

Names of components are no part of it: a schema is told place by place, as it travels.
"""

from dataclasses import dataclass

DEEPEST = 12  # levels of objects in objects


@dataclass(frozen=True)
class Place:
    """A place of a request or an answer: what may stand in it."""

    is_sent: bool = False  # by the client
    is_required: bool = False
    kinds: frozenset = frozenset()
    values: frozenset = frozenset()  # of an enumeration; empty: any


def places(schema):
    """{place in words: Place} of every operation."""
    found: dict[str, Place] = {}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            Reading(schema, found).operation(f"{method.upper()} {path}", operation)
    return found


class Reading:
    """Reads one operation into `found`."""

    def __init__(self, schema, found):
        self.schema, self.found = schema, found

    def resolved(self, node):
        while "$ref" in node:
            inner = self.schema
            for name in node["$ref"].removeprefix("#/").split("/"):
                inner = inner[name]
            node = inner
        return node

    def operation(self, name, operation):
        self.found[name] = Place()
        for one in map(self.resolved, operation.get("parameters", ())):
            where = f"{name}: {one['in']} parameter {one['name']}"
            self.read(where, one["schema"], True, one.get("required", False))
        if "requestBody" in operation:
            for media, one in self.resolved(operation["requestBody"])[
                "content"
            ].items():
                self.read(f"{name}: body as {media}", one["schema"], True, True)
        for code, answer in operation["responses"].items():
            told = self.resolved(answer)
            where = f"{name}: answer {code}"
            self.found[where] = Place()
            for title, one in told.get("headers", {}).items():
                one = self.resolved(one)
                required = one.get("required", False)
                self.read(f"{where}: header {title}", one["schema"], False, required)
            for media, one in told.get("content", {}).items():
                self.read(f"{where} as {media}", one["schema"], False, True)

    def read(self, where, node, is_sent, is_required, depth=0):
        kinds, values = set(), set()
        self.found[where] = Place(is_sent, is_required)
        if depth > DEEPEST:
            return
        for one in self.alternatives(node):
            kinds |= self.kinds_of(one)
            values |= {*map(str, one.get("enum", ()))}
            told = one.get("properties", {})
            kind = told.get("kind", {}).get("const")
            inside = f"{where}, {kind}" if kind else where
            for name, inner in told.items():
                required = name in one.get("required", ())
                self.read(f"{inside}.{name}", inner, is_sent, required, depth + 1)
            for key, sign in (("items", "[]"), ("additionalProperties", "{}")):
                if isinstance(one.get(key), dict) and one[key]:
                    self.read(f"{where}{sign}", one[key], is_sent, True, depth + 1)
        self.found[where] = Place(
            is_sent, is_required, frozenset(kinds), frozenset(values)
        )

    def alternatives(self, node):
        """The schemas of which one holds; several that hold together are as one."""
        node = self.resolved(node)
        choices = [*node.get("oneOf", ()), *node.get("anyOf", ())]
        if choices:
            return [each for one in choices for each in self.alternatives(one)]
        together = [
            each for one in node.get("allOf", ()) for each in self.alternatives(one)
        ]
        return together or [node]

    @staticmethod
    def kinds_of(node):
        kinds = node.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        form = f" ({node['format']})" if "format" in node else ""
        return {kind if kind == "null" else kind + form for kind in kinds}


def changes(old, new):
    """(what breaks programs that stand on `old`, what is only added), in sentences."""
    before, after = places(old), places(new)
    breaking = [f"{where} is gone." for where in outermost(before, after)]
    added = []
    for where in outermost(after, before):
        it = after[where]
        is_new_duty = it.is_sent and it.is_required and parent_stood(where, before)
        (breaking if is_new_duty else added).append(
            f"{where} is new{' and required' if is_new_duty else ''}."
        )
    for where in before.keys() & after.keys():
        for breaks, sentence in differences(before[where], after[where]):
            (breaking if breaks else added).append(f"{where} {sentence}")
    return sorted(breaking), sorted(added)


def parent_stood(where, before):
    return where.partition(":")[0] in before


def outermost(here, there):
    """The places that only `here` has, without those inside of another such place."""
    alone = here.keys() - there.keys()
    signs = (":", ".", "[", "{", ",", " as ")
    return [
        where
        for where in alone
        if not any(
            where.startswith(other + sign)
            for other in alone
            if other != where
            for sign in signs
        )
    ]


def differences(old, new):
    """[(whether it breaks programs, what is different)] of one place."""
    if old.is_required != new.is_required:
        now = "required" if new.is_required else "optional"
        yield new.is_required == new.is_sent, f"became {now}."
    if old.kinds != new.kinds:
        is_wider = old.kinds < new.kinds if old.is_sent else new.kinds < old.kinds
        said = " or ".join(sorted(old.kinds)), " or ".join(sorted(new.kinds))
        yield not is_wider, f"was {said[0] or 'anything'}, is {said[1] or 'anything'}."
    if old.values != new.values and old.values and new.values:
        for value in sorted(old.values - new.values):
            yield True, f"lost the value {value}."
        for value in sorted(new.values - old.values):
            yield False, f"has the new value {value}."
    elif old.values != new.values:
        is_freer = bool(old.values) == old.is_sent
        said = "any value" if not new.values else ", ".join(sorted(new.values))
        yield not is_freer, f"takes {said} now."
