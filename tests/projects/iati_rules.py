"""The rules of IATI 2.03 beyond its schemas, as far as our files come near them.

After the standard's own ruleset (IATI-Rulesets, standard.json, 2.03), the words in its
schemas that a schema cannot enforce, and the codes of its lists that we use.
"""

import datetime as dt
import re
from collections import defaultdict
from decimal import Decimal

from django.conf import settings
from lxml import etree

from aseanpm.facts import Clock

SCHEMAS = settings.BASE_DIR / "tests" / "schemas" / "iati-2.03"
ACTIVITIES, ORGANISATIONS = (
    etree.XMLSchema(etree.parse(SCHEMAS / f"iati-{kind}-schema.xsd"))
    for kind in ("activities", "organisations")
)

LANG = "{http://www.w3.org/XML/1998/namespace}lang"
IDENTIFIER = re.compile(r"[^/&|?\s][^/&|?]*")
CODES = {
    "activity-status/@code": "1 2 3 4 5 6",
    "activity-date/@type": "1 2 3 4",
    "participating-org/@role": "1 2 3 4",
    "participating-org/@type": "10 11 15 21 22 23 24 30 40 60 70 71 72 73 80 90",
    "transaction/provider-org/@type": "10 11 15 21 22 23 24 30 40 60 70 71 72 73 80 90",
    "reporting-org/@type": "10 11 15 21 22 23 24 30 40 60 70 71 72 73 80 90",
    "transaction/transaction-type/@code": "1 2 3 4 5 6 7 8 9 10 11 12 13",
    "recipient-region/@vocabulary": "1 2 99",
    "sector/@vocabulary": "1 2 3 4 5 6 7 8 9 10 11 12 98 99",
    "tag/@vocabulary": "1 2 3 4 99",
    "location/location-reach/@code": "1 2",
    "location/location-id/@vocabulary": "A1 A2 A3 A4 G1 G2",
    "related-activity/@type": "1 2 3 4 5",
    "other-identifier/@type": "A1 A2 A3 A9 B1 B9",
    "description/@type": "1 2 3 4",
    "budget/@type": "1 2",
}


def broken(file):
    """What a file of activities breaks, in words; empty where it keeps every rule."""
    root = etree.fromstring(file)
    told = [each.findtext("iati-identifier") for each in root]
    found = ["an identifier stands twice"] if len(told) != len(set(told)) else []
    for activity in root.iterchildren("iati-activity"):
        found += [
            f"{activity.findtext('iati-identifier')}: {w}" for w in wrong(activity)
        ]
    return found


def wrong(activity):
    today = Clock().last_day
    yield from identifiers(activity)
    yield from dates(activity, today)
    yield from shares(activity)
    yield from sectors(activity)
    yield from moneys(activity, today)
    for path, codes in CODES.items():
        for code in activity.xpath(path):
            if code not in codes.split():
                yield f"{path} is {code}"
    for narrative in activity.iter("narrative"):
        if not (narrative.text or "").strip():
            yield f"an empty narrative in {narrative.getparent().tag}"
        if not (narrative.get(LANG) or activity.get(LANG)):
            yield "a narrative without a language"
    for element in activity.xpath("title | description | recipient-region | sector"):
        languages = [each.get(LANG) for each in element.iterchildren("narrative")]
        if len(languages) != len(set(languages)):
            yield f"{element.tag} says a thing twice in one language"


def identifiers(activity):
    reporter = activity.xpath("reporting-org/@ref")
    if len(reporter) != 1:
        yield "not one reporting organisation"
        return
    own = activity.findtext("iati-identifier")
    if not own.startswith(f"{reporter[0]}-"):
        yield "an identifier that does not begin with the reporter's"
    for text in [own, *reporter, *activity.xpath(".//@ref[../../iati-identifier]")]:
        if not IDENTIFIER.fullmatch(text) and text not in activity.xpath(
            "other-identifier/@ref"
        ):
            yield f"an identifier with a forbidden sign: {text}"
    for party in activity.xpath("participating-org | .//provider-org | .//owner-org"):
        if not party.get("ref") and party.find("narrative") is None:
            yield f"a {party.tag} without a name"
    if own in activity.xpath("related-activity/@ref"):
        yield "it is related to itself"


def dates(activity, today):
    on = {
        each.get("type"): each.get("iso-date")
        for each in activity.iter("activity-date")
    }
    if len(on) != len(activity.findall("activity-date")):
        yield "a type of date stands twice"
    if not on.keys() & {"1", "2"}:
        yield "no start"
    for start, end in ("13", "24"):
        if start in on and end in on and on[start] > on[end]:
            yield f"date {end} is before date {start}"
    for kind in "24":
        if on.get(kind, "") > today.isoformat():
            yield f"actual date {kind} is in the future"
    updated = dt.datetime.fromisoformat(activity.get("last-updated-datetime"))
    if updated > dt.datetime.now(dt.UTC):
        yield "it was updated in the future"


def shares(activity):
    parties = activity.xpath("recipient-country | recipient-region")
    given = [each.get("percentage") for each in parties]
    if len(parties) > 1 and None in given:
        yield "several recipients without the share of each"
    told = [Decimal(each) for each in given if each is not None]
    if any(not 0 <= each <= 100 for each in told):
        yield "a share that is no percentage"
    vocabularies = {
        each.get("vocabulary", "1") for each in parties if "region" in each.tag
    }
    if len(vocabularies) > 1:
        yield "regions of several vocabularies"
    if told and sum(told) != 100 and not (len(told) == 1 == len(parties)):
        yield f"shares that add up to {sum(told)}"
    if len(parties) == 1 and told and told != [100]:
        yield f"one recipient with a share of {told[0]}"


def sectors(activity):
    here, below = activity.xpath("sector"), activity.xpath("transaction/sector")
    if bool(here) == bool(below):
        yield "sectors at both levels or at none"
    by_vocabulary = defaultdict(list)
    for each in here:
        vocabulary = each.get("vocabulary", "1")
        by_vocabulary[vocabulary].append(each.get("percentage"))
        if vocabulary in {"98", "99"} and each.find("narrative") is None:
            yield "a sector of our own without words"
    for vocabulary, given in by_vocabulary.items():
        if len(given) > 1 and (
            None in given or sum(map(Decimal, filter(None, given))) != 100
        ):
            yield f"sectors of vocabulary {vocabulary} that are not 100 per cent"


def moneys(activity, today):
    for value in activity.iter("value"):
        if not (value.get("currency") or activity.get("default-currency")):
            yield "an amount without a currency"
        if not value.get("value-date"):
            yield "an amount without its date"
    for each in activity.iter("transaction"):
        for day in each.xpath("transaction-date/@iso-date | value/@value-date"):
            if day > today.isoformat():
                yield "a transaction in the future"
    for each in activity.iter("budget"):
        (start,), (end,) = (
            map(dt.date.fromisoformat, each.xpath(f"period-{edge}/@iso-date"))
            for edge in ("start", "end")
        )
        if start > end:
            yield "a budget that ends before it begins"
        if end - start > dt.timedelta(days=365):
            yield "a budget of more than a year"
