"""When illustrative projects are approved, by whom and for how much.

These numbers exist so that what is computed meets what was printed; the counting code
knows none of them. Within a batch the amounts of each combination of funders, the
lines and the dates are spread by build.py.
"""

import datetime as dt
from dataclasses import dataclass, field

day = dt.date.fromisoformat


@dataclass(frozen=True)
class Batch:
    """Projects of one plan that are approved between two days, or at one meeting.

    `funders` maps a combination of codes to (projects, US dollars in all); the empty
    one has no recorded budget either. `lines` is how many of the plan's lines have
    begun when the batch is over; `enabling` how many of its projects serve enabling
    actions. The first status of a project lies between `begins_after` and `begins_by`.
    `successors` of it were proposed under the plan before. `locals_propose` of it are
    proposals of agencies in the four countries. The last `not_started` have not begun
    to this day; none is completed before `completed_after`.
    """

    plan: str
    first: dt.date
    last: dt.date
    funders: dict[str, tuple[int, int]]
    lines: int
    meeting: str = ""
    enabling: int = 0
    begins_after: dt.date | None = None
    begins_by: dt.date | None = None
    successors: int = 0
    locals_propose: int = 0
    completed_after: dt.date | None = None
    not_started: int = 0
    projects: int = field(init=False)

    def __post_init__(self):
        number = sum(count for count, _ in self.funders.values())
        object.__setattr__(self, "projects", number)


def at_meeting(plan, meeting, on, funders, lines, **options):
    on = day(on)
    return Batch(plan, on, on, funders, lines, meeting=meeting, **options)


def by_circulation(plan, first, last, funders, lines, **options):
    return Batch(plan, day(first), day(last), funders, lines, **options)


BATCHES = (
    # To 30 September 2017: 22 projects on 11 lines and 6 enabling actions, 8.28
    # million; 11 of them by partners, 7.38 million
    by_circulation(
        "IAI-III",
        "2016-11-14",
        "2016-12-16",
        {"SG": (8, 620_000), "KR": (2, 860_000), "JP": (1, 590_000)},
        lines=6,
        enabling=3,
        begins_after=day("2016-09-12"),
    ),
    by_circulation(
        "IAI-III",
        "2017-02-20",
        "2017-09-15",
        {
            "SG": (3, 280_000),
            "JP": (2, 530_000),
            "KR": (2, 1_450_000),
            "AU": (2, 1_640_000),
            "EU": (1, 1_530_000),
            "IN": (1, 780_000),
        },
        lines=11,
        enabling=4,
    ),
    # To 4 October 2019: 101 projects on 19 lines, 25.96 million. The first 13 were in
    # the pipeline two years before, the others were not yet
    by_circulation(
        "IAI-III",
        "2017-10-16",
        "2018-03-16",
        {
            "SG": (9, 740_000),
            "JP": (1, 410_000),
            "KR": (1, 660_000),
            "AU": (1, 1_020_000),
            "NZ": (1, 550_000),
        },
        lines=13,
        enabling=1,
        begins_after=day("2017-04-03"),
        begins_by=day("2017-09-29"),
        locals_propose=10,
    ),
    by_circulation(
        "IAI-III",
        "2018-04-02",
        "2019-09-20",
        {
            "SG": (48, 4_240_000),
            "TH": (1, 120_000),
            "MY": (1, 100_000),
            "BN": (1, 70_000),
            "JP": (2, 920_000),
            "KR": (1, 580_000),
            "AU": (1, 1_330_000),
            "EU": (1, 1_990_000),
            "IN": (2, 1_050_000),
            "NZ": (1, 570_000),
            "CN": (1, 550_000),
            "US": (1, 1_080_000),
            "DE": (1, 750_000),
        },
        lines=18,
        enabling=4,
        begins_after=day("2017-10-03"),
    ),
    at_meeting(
        "IAI-III",
        "IAI-TF-59",
        "2019-10-04",
        {"SG": (3, 330_000), "EU": (1, 620_000)},
        lines=19,
    ),
    # To 28 February 2020: 103 projects, 26.64 million; 72 by Singapore, 3 by other
    # members, 28 by partners, of which Japan 6 with 2.45 million
    at_meeting(
        "IAI-III",
        "IAI-TF-60",
        "2020-02-28",
        {"SG": (1, 90_000), "KR": (1, 590_000)},
        lines=19,
        begins_after=day("2019-08-05"),
        begins_by=day("2019-10-03"),
    ),
    # To 25 March 2021: 127 projects on 22 lines, 30.79 million. The first 9 were in
    # the pipeline on 4 October 2019
    by_circulation(
        "IAI-III",
        "2020-03-16",
        "2020-07-17",
        {"SG": (7, 520_000), "JP": (1, 380_000), "KR": (1, 390_000)},
        lines=20,
        enabling=1,
        begins_after=day("2019-06-03"),
        begins_by=day("2019-10-03"),
    ),
    by_circulation(
        "IAI-III",
        "2020-07-27",
        "2021-03-12",
        {
            "SG": (11, 900_000),
            "TH": (1, 110_000),
            "KR": (1, 470_000),
            "AU": (1, 790_000),
            "EU": (1, 590_000),
        },
        lines=22,
        enabling=1,
        begins_after=day("2019-10-08"),
    ),
    # To 22 June 2021: 133 projects on 23 lines, 42.87 million
    by_circulation(
        "IAI-III",
        "2021-04-08",
        "2021-06-11",
        {
            "EU": (1, 2_940_000),
            "AU": (1, 2_870_000),
            "JP": (1, 2_360_000),
            "KR": (1, 2_050_000),
            "US": (1, 1_120_000),
            "CA": (1, 740_000),
        },
        lines=23,
    ),
    at_meeting(
        "IAI-IV",
        "IAI-TF-63",
        "2021-03-25",
        {"SG": (16, 980_000), "JP": (1, 210_000)},
        lines=6,
        begins_after=day("2020-11-16"),
        completed_after=day("2022-10-03"),
    ),
    at_meeting(
        "IAI-IV",
        "IAI-TF-64",
        "2021-06-22",
        {
            "SG": (1, 70_000),
            "JP": (1, 180_000),
            "AU": (1, 310_000),
            "JP+SG": (1, 190_000),
        },
        lines=7,
        completed_after=day("2022-10-03"),
    ),
    at_meeting(
        "IAI-IV",
        "IAI-TF-65",
        "2021-09-30",
        {"JP": (1, 160_000)},
        lines=7,
        completed_after=day("2022-10-03"),
    ),
    # To 14 June 2022: 36 projects, 3.37 million; of one, print tells no funder
    by_circulation(
        "IAI-IV",
        "2021-10-25",
        "2022-05-20",
        {"SG": (12, 1_030_000), "JP": (1, 240_000), "": (1, 0)},
        lines=9,
        successors=2,
        completed_after=day("2022-10-03"),
    ),
    at_meeting(
        "IAI-IV",
        "IAI-TF-67",
        "2022-06-15",
        {"SG": (10, 1_500_000)},
        lines=10,
        successors=1,
        completed_after=day("2022-10-03"),
    ),
    # 22 September 2022: 50 projects on 12 lines in all areas, 9.95 million
    at_meeting(
        "IAI-IV",
        "IAI-TF-68",
        "2022-09-22",
        {
            "EU": (1, 1_630_000),
            "AU": (1, 1_420_000),
            "KR": (1, 1_270_000),
            "CN": (1, 760_000),
        },
        lines=12,
    ),
    at_meeting(
        "IAI-IV",
        "IAI-TF-69",
        "2023-03-16",
        {
            "SG": (13, 860_000),
            "TH": (1, 80_000),
            "AU": (1, 880_000),
            "KR": (1, 660_000),
            "JP": (1, 480_000),
        },
        lines=14,
    ),
    at_meeting(
        "IAI-IV",
        "IAI-TF-70",
        "2023-05-25",
        {"SG": (5, 330_000), "EU": (1, 1_740_000), "JP": (1, 410_000)},
        lines=15,
    ),
    at_meeting("IAI-IV", "IAI-TF-71", "2023-08-10", {"SG": (1, 60_000)}, lines=15),
    by_circulation(
        "IAI-IV",
        "2023-09-11",
        "2025-02-14",
        {
            "SG": (13, 830_000),
            "MY+SG": (1, 90_000),
            "KR": (2, 1_130_000),
            "AU": (1, 930_000),
            "NZ": (1, 740_000),
            "JP": (1, 520_000),
            "IN": (1, 490_000),
        },
        lines=17,
    ),
    at_meeting(
        "IAI-IV",
        "IAI-TF-75",
        "2025-03-05",
        {"JP": (2, 870_000), "AU": (1, 710_000), "CN": (1, 580_000)},
        lines=17,
    ),
    # 11 August 2025: 114 projects, 24.8 million; 28 by partners, 18.3 million
    by_circulation(
        "IAI-IV",
        "2025-03-24",
        "2025-07-25",
        {
            "SG": (12, 670_000),
            "KR": (1, 620_000),
            "US": (1, 610_000),
            "GB": (1, 560_000),
        },
        lines=17,
        not_started=2,
    ),
)

# The days on which figures were printed: a late entry is made good before the next
PRINTED_ON = (
    day("2017-09-30"),
    day("2019-10-04"),
    day("2020-02-18"),
    day("2020-02-28"),
    day("2020-08-26"),
    day("2021-01-28"),
    day("2021-03-25"),
    day("2021-06-22"),
    day("2021-07-31"),
    day("2021-08-31"),
    day("2021-09-30"),
    day("2022-06-14"),
    day("2022-06-15"),
    day("2022-07-06"),
    day("2022-09-21"),
    day("2022-09-22"),
    day("2023-03-16"),
    day("2023-05-25"),
    day("2023-08-10"),
    day("2025-03-04"),
    day("2025-03-05"),
    day("2025-08-11"),
)

# Nothing is recorded after this day; the facts of later years are not made up
LAST_DAY = day("2026-06-30")

# Three proposals of the third plan, on lines that never began, go on in the fourth
CARRIED_OVER_ON = day("2021-07-31")
CARRIED_OVER = (
    # began as a concept, under appraisal since
    (day("2019-06-17"), day("2020-01-20")),
    (day("2019-07-22"), day("2020-09-14")),
    (day("2019-09-09"), day("2020-11-23")),
)

# Proposals that wait today: area, on a line begun (0) or not (1), since when, step
WAITING = (
    ("FA", 0, day("2025-06-16"), "appraisal"),
    ("EDU", 1, day("2025-07-21"), "appraisal"),
    ("HW", 1, day("2026-02-23"), "appraisal"),
    ("TF", 0, day("2026-04-13"), "concept"),
    ("MSME", 1, day("2026-05-18"), "concept"),
)


@dataclass(frozen=True)
class Initiative:
    """An illustrative project of the master plan on one of its initiatives."""

    number: int
    funder: str
    usd: int
    appraisal: dt.date
    approved: dt.date | None = None
    ongoing: dt.date | None = None
    completed: dt.date | None = None


def initiative(number, funder, usd, *dates):
    return Initiative(number, funder, usd, *map(day, dates))


# Twelve initiatives are under way by 18 February 2020, a thirteenth (06) by 28 January
# 2021, a fourteenth (05) by the end of August 2021; one (13) stays in preparation
INITIATIVES = (
    initiative(
        1, "AU", 940_000, "2017-03-06", "2017-06-19", "2017-08-14", "2019-06-28"
    ),
    initiative(
        8, "JP", 620_000, "2017-04-10", "2017-08-21", "2017-10-09", "2020-03-31"
    ),
    initiative(
        10, "EU", 1_450_000, "2017-05-15", "2017-10-16", "2018-01-15", "2021-05-31"
    ),
    initiative(
        12, "KR", 380_000, "2017-07-24", "2017-12-11", "2018-02-12", "2020-01-31"
    ),
    initiative(
        3, "AU", 1_180_000, "2017-09-18", "2018-02-19", "2018-04-16", "2021-06-30"
    ),
    initiative(
        15, "CN", 710_000, "2017-11-06", "2018-04-09", "2018-07-02", "2021-12-17"
    ),
    initiative(
        4, "KR", 540_000, "2018-01-22", "2018-06-11", "2018-09-03", "2021-02-26"
    ),
    initiative(
        9, "US", 860_000, "2018-03-19", "2018-08-13", "2018-10-29", "2021-09-30"
    ),
    initiative(
        2, "AU", 770_000, "2018-06-18", "2018-11-19", "2019-02-11", "2021-11-30"
    ),
    initiative(
        11, "EU", 690_000, "2018-09-10", "2019-03-04", "2019-05-20", "2022-03-31"
    ),
    initiative(
        14, "DE", 830_000, "2018-11-12", "2019-05-13", "2019-08-19", "2022-10-31"
    ),
    initiative(
        7, "SG", 240_000, "2019-02-18", "2019-07-22", "2019-10-14", "2021-07-30"
    ),
    initiative(
        6, "KR", 460_000, "2019-08-26", "2020-09-21", "2020-11-16", "2023-05-31"
    ),
    initiative(
        5, "JP", 520_000, "2019-10-28", "2021-03-15", "2021-06-07", "2023-12-15"
    ),
    initiative(13, "", 0, "2019-11-25"),
    initiative(
        3, "JP", 1_020_000, "2020-03-09", "2020-10-05", "2021-01-11", "2023-11-30"
    ),
    initiative(
        1, "AU", 580_000, "2020-06-15", "2020-12-07", "2021-03-01", "2022-12-16"
    ),
    initiative(
        8, "IN", 650_000, "2021-02-08", "2021-07-19", "2021-10-04", "2024-06-28"
    ),
    initiative(
        4, "KR", 490_000, "2021-09-06", "2022-02-21", "2022-05-16", "2024-10-31"
    ),
    initiative(
        14, "EU", 1_270_000, "2022-05-09", "2022-11-14", "2023-02-20", "2025-08-29"
    ),
    initiative(
        12, "CN", 430_000, "2022-10-10", "2023-04-17", "2023-07-10", "2025-05-30"
    ),
    initiative(2, "AU+SG", 910_000, "2023-06-05", "2023-12-11", "2024-03-11"),
)


@dataclass(frozen=True)
class Bilateral:
    """Direct support to one country, outside every plan."""

    funder: str
    country: str
    usd: int
    ongoing: dt.date
    completed: dt.date | None
    topic: tuple[str, str]


BILATERALS = (
    Bilateral(
        "JP",
        "LA",
        1_240_000,
        day("2018-05-14"),
        day("2021-03-31"),
        ("support for rural clinics", "hỗ trợ trạm y tế nông thôn"),
    ),
    Bilateral(
        "KR",
        "KH",
        980_000,
        day("2021-10-11"),
        day("2024-09-30"),
        ("support for a vocational college", "hỗ trợ một trường cao đẳng nghề"),
    ),
    Bilateral(
        "AU",
        "VN",
        1_510_000,
        day("2023-07-03"),
        None,
        ("support for small water works", "hỗ trợ công trình cấp nước nhỏ"),
    ),
)
